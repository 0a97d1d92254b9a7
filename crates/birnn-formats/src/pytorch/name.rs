//! The names that a pickle of weights may hold: what plain data and tensors are made of, and nothing else.

use crate::number::Number;

/// A class or function that is known to be harmless. Nothing of it is run: calls of it are answered here.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Name {
    OrderedDict,
    RebuildTensor,
    RebuildParameter,
    Size,
    Storage(StorageClass),
    /// Of plain data whose content does not matter here.
    Opaque,
}

/// What a storage's numbers are, by its class in `torch`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct StorageClass {
    pub(super) name: &'static str,
    /// How they are stored; `None` of numbers that no weight is of.
    pub(super) number: Option<Number>,
}

const STORAGES: [(&str, Option<Number>); 18] = [
    ("DoubleStorage", Some(Number::F64)),
    ("FloatStorage", Some(Number::F32)),
    ("HalfStorage", Some(Number::F16)),
    ("BFloat16Storage", Some(Number::BF16)),
    ("LongStorage", Some(Number::I64)),
    ("IntStorage", Some(Number::I32)),
    ("ShortStorage", Some(Number::I16)),
    ("CharStorage", Some(Number::I8)),
    ("ByteStorage", Some(Number::U8)),
    ("BoolStorage", Some(Number::U8)),
    ("ComplexDoubleStorage", None),
    ("ComplexFloatStorage", None),
    ("QInt8Storage", None),
    ("QUInt8Storage", None),
    ("QInt32Storage", None),
    ("QUInt4x2Storage", None),
    ("QUInt2x4Storage", None),
    ("UntypedStorage", None),
];

/// In `torch`, beside storages: types of numbers, which options of a training may hold.
const DTYPES: [&str; 25] = [
    "bfloat16",
    "bool",
    "complex128",
    "complex32",
    "complex64",
    "double",
    "float",
    "float16",
    "float32",
    "float64",
    "float8_e4m3fn",
    "float8_e5m2",
    "half",
    "int",
    "int16",
    "int32",
    "int64",
    "int8",
    "long",
    "qint8",
    "short",
    "uint16",
    "uint32",
    "uint64",
    "uint8",
];

/// What plain data may be made of besides, as module and name.
const OPAQUE: [(&str, &str); 22] = [
    ("_codecs", "encode"),
    ("argparse", "Namespace"),
    ("builtins", "complex"),
    ("builtins", "dict"),
    ("builtins", "float"),
    ("builtins", "frozenset"),
    ("builtins", "int"),
    ("builtins", "list"),
    ("builtins", "set"),
    ("builtins", "str"),
    ("collections", "Counter"),
    ("collections", "defaultdict"),
    ("datetime", "datetime"),
    ("datetime", "timedelta"),
    ("numpy", "dtype"),
    ("numpy", "ndarray"),
    ("numpy._core.multiarray", "_reconstruct"),
    ("numpy._core.multiarray", "scalar"),
    ("numpy.core.multiarray", "_reconstruct"),
    ("numpy.core.multiarray", "scalar"),
    ("pathlib", "PosixPath"),
    ("torch", "device"),
];

impl Name {
    /// The name in a module; `None` where it is no part of weights.
    pub(super) fn of(module: &str, name: &str) -> Option<Name> {
        Some(match (module, name) {
            ("collections", "OrderedDict") => Name::OrderedDict,
            ("torch._utils", "_rebuild_tensor" | "_rebuild_tensor_v2") => Name::RebuildTensor,
            ("torch._utils", "_rebuild_parameter") => Name::RebuildParameter,
            ("torch", "Size") => Name::Size,
            ("torch", name) if DTYPES.contains(&name) => Name::Opaque,
            pair if OPAQUE.contains(&pair) => Name::Opaque,
            ("torch", name) => {
                let &(name, number) = STORAGES.iter().find(|(known, _)| *known == name)?;
                Name::Storage(StorageClass { name, number })
            }
            _ => return None,
        })
    }
}
