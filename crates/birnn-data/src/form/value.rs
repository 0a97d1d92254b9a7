//! What the machine for pickles has on its stack, and the parts of a data set that come of it.

/// A value of the machine.
#[derive(Clone, Debug, PartialEq)]
pub(super) enum Value {
    Mark,
    None,
    Bool(bool),
    Int(i64),
    Text(Vec<u8>),
    /// `numpy.core.multiarray._reconstruct`
    Reconstruct,
    /// `numpy.ndarray`
    NdArray,
    /// `numpy.dtype`
    DtypeClass,
    Dtype(Kind),
    Tuple(Vec<Value>),
    /// An array that is yet without shape and numbers.
    Empty,
    /// What an array consists of, as bytes.
    Numbers(Vec<u8>),
    Array {
        kind: Kind,
        shape: Vec<usize>,
        bytes: Vec<u8>,
    },
}

/// What an array is made of.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Kind {
    /// f32, little-endian.
    F32,
    /// i64, little-endian.
    I64,
}

impl Kind {
    pub(super) fn size(self) -> usize {
        match self {
            Kind::F32 => 4,
            Kind::I64 => 8,
        }
    }

    /// The byte that a number stands for: exactly, or it stands for none.
    pub(super) fn byte(self, number: &[u8]) -> Option<u8> {
        match self {
            Kind::F32 => {
                let number = f32::from_le_bytes(*number.first_chunk()?);
                let byte = (number * 256.0) as u8;
                ((f32::from(byte) / 256.0).to_bits() == number.to_bits()).then_some(byte)
            }
            Kind::I64 => u8::try_from(i64::from_le_bytes(*number.first_chunk()?)).ok(),
        }
    }
}

/// Images or labels.
pub(super) struct Part {
    pub(super) dimensions: Vec<usize>,
    pub(super) bytes: Vec<u8>,
}

impl Part {
    /// One image per row, which has as many pixels as a square.
    pub(super) fn images(value: Value) -> Option<Part> {
        let Value::Array { kind: Kind::F32, shape, bytes } = value else { return None };
        let &[count, pixels] = shape.as_slice() else { return None };
        let side = pixels.isqrt();
        (side * side == pixels).then_some(Part { dimensions: vec![count, side, side], bytes })
    }

    pub(super) fn labels(value: Value) -> Option<Part> {
        match value {
            Value::Array { kind: Kind::I64, shape, bytes } if shape.len() == 1 => {
                Some(Part { dimensions: shape, bytes })
            }
            _ => None,
        }
    }

    /// Those of `other` behind these.
    pub(super) fn joined(mut self, other: &Part) -> Option<Part> {
        if self.dimensions.get(1..) != other.dimensions.get(1..) {
            return None;
        }
        let (first, more) = (self.dimensions.first_mut()?, other.dimensions.first()?);
        *first = first.checked_add(*more)?;
        self.bytes.extend(&other.bytes);
        Some(self)
    }
}

/// The sizes that a tuple of numbers tells.
pub(super) fn sizes(values: &[Value]) -> Option<Vec<usize>> {
    let size = |value: &Value| match value {
        Value::Int(size) => usize::try_from(*size).ok(),
        _ => None,
    };
    (1..=2).contains(&values.len()).then(|| values.iter().map(size).collect())?
}
