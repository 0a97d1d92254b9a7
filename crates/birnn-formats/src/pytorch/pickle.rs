//! What a state dict needs of Python's pickle format, as a reader that runs nothing.
//!
//! A pickle is a program for a stack machine that may name any Python function and call it. This machine knows the few
//! names that plain data and tensors consist of, and builds data of its own for them; any other name ends the reading. Values are
//! copied by index into an arena, so that what a pickle refers to twice takes memory once, and memory grows with
//! its length alone, however deep or cyclic its values are.
//!
//! Opcodes: Python's `pickletools`; calls and persistent identifiers: `torch/serialization.py`, `torch/_utils.py`.

use std::collections::HashMap;

use crate::state_dict::count_of;

/// A Python value; what can be large lies in the arena.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) enum Value {
    None,
    Int(i64),
    /// Of no interest: floats, bytes, devices, NumPy's numbers.
    Other,
    Text(usize),
    /// A tuple, list or set.
    Sequence(usize),
    Dict(usize),
    /// A class or function by name.
    Global(usize),
    Storage(usize),
    Tensor(usize),
}

/// Where a tensor's numbers are: `torch.save` keeps them outside of the pickle.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Storage {
    /// Such as `FloatStorage`.
    pub(super) class: String,
    pub(super) key: String,
    /// Numbers in it.
    pub(super) count: usize,
}

/// A view of a storage, which lies within it.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct View {
    pub(super) storage: usize,
    pub(super) offset: usize,
    pub(super) shape: Vec<usize>,
    pub(super) stride: Vec<usize>,
}

/// All values of a pickle.
#[derive(Debug, Default)]
pub(super) struct Arena {
    texts: Vec<String>,
    sequences: Vec<Vec<Value>>,
    dicts: Vec<Vec<(Value, Value)>>,
    pub(super) storages: Vec<Storage>,
    storage_of_key: HashMap<String, usize>,
    tensors: Vec<View>,
}

/// A pickle that was read.
#[derive(Debug)]
pub(super) struct Pickle {
    pub(super) arena: Arena,
    pub(super) root: Value,
    /// Bytes that it took.
    pub(super) length: usize,
}

/// An opcode of one byte can take some eighty bytes of memory. Descriptions of twenty thousand tensors have room in it.
pub(super) const LONGEST: usize = 4 << 20;
const MOST_DIMENSIONS: usize = 8;

/// What plain data may be made of besides, by classes whose content does not matter here.
const OPAQUE: [&str; 22] = [
    "_codecs encode",
    "argparse Namespace",
    "builtins complex",
    "builtins frozenset",
    "builtins set",
    "__builtin__ complex",
    "__builtin__ frozenset",
    "__builtin__ set",
    "collections Counter",
    "collections defaultdict",
    "builtins dict",
    "builtins list",
    "builtins int",
    "builtins float",
    "datetime datetime",
    "datetime timedelta",
    "numpy dtype",
    "numpy.core.multiarray scalar",
    "numpy._core.multiarray scalar",
    "pathlib PosixPath",
    "pathlib WindowsPath",
    "torch device",
];

/// Reads the pickle at the start of `bytes`. The error says what is wrong.
pub(super) fn read(bytes: &[u8]) -> Result<Pickle, String> {
    let mut machine = Machine { bytes, at: 0, ..Machine::default() };
    let root = machine.run()?;
    Ok(Pickle { arena: machine.arena, root, length: machine.at })
}

impl Arena {
    pub(super) fn text(&self, value: Value) -> Option<&str> {
        match value {
            Value::Text(index) => Some(&self.texts[index]),
            _ => None,
        }
    }

    pub(super) fn sequence(&self, value: Value) -> Option<&[Value]> {
        match value {
            Value::Sequence(index) => Some(&self.sequences[index]),
            _ => None,
        }
    }

    pub(super) fn dict(&self, value: Value) -> Option<&[(Value, Value)]> {
        match value {
            Value::Dict(index) => Some(&self.dicts[index]),
            _ => None,
        }
    }

    pub(super) fn tensor(&self, value: Value) -> Option<&View> {
        match value {
            Value::Tensor(index) => Some(&self.tensors[index]),
            _ => None,
        }
    }

    /// The storage of a key.
    pub(super) fn storage(&self, key: &str) -> Option<&Storage> {
        self.storage_of_key.get(key).map(|&index| &self.storages[index])
    }

    fn new_text(&mut self, text: String) -> Value {
        self.texts.push(text);
        Value::Text(self.texts.len() - 1)
    }

    fn new_sequence(&mut self, values: Vec<Value>) -> Value {
        self.sequences.push(values);
        Value::Sequence(self.sequences.len() - 1)
    }

    fn new_dict(&mut self, pairs: Vec<(Value, Value)>) -> Value {
        self.dicts.push(pairs);
        Value::Dict(self.dicts.len() - 1)
    }
}

#[derive(Default)]
struct Machine<'a> {
    bytes: &'a [u8],
    at: usize,
    stack: Vec<Value>,
    /// Heights of the stack that a later opcode takes everything above of.
    marks: Vec<usize>,
    memo: HashMap<usize, Value>,
    arena: Arena,
}

impl<'a> Machine<'a> {
    fn run(&mut self) -> Result<Value, String> {
        loop {
            if self.at > LONGEST {
                return Err(format!("its pickle is longer than {LONGEST} bytes"));
            }
            let place = self.at;
            let [opcode] = self.array()?;
            if opcode == b'.' {
                return self.pop();
            }
            self.step(opcode, place)?;
        }
    }

    fn step(&mut self, opcode: u8, place: usize) -> Result<(), String> {
        let value = match opcode {
            // PROTO, FRAME, STOP's like: nothing to build.
            0x80 => return self.take(1).map(|_| ()),
            0x95 => return self.take(8).map(|_| ()),
            b'(' => {
                self.marks.push(self.stack.len());
                return Ok(());
            }
            // POP, POP_MARK
            b'0' => return self.pop().map(|_| ()),
            b'1' => return self.above_mark().map(|_| ()),
            // DUP
            b'2' => self.top()?,
            // NONE, NEWTRUE, NEWFALSE
            b'N' => Value::None,
            0x88 | 0x89 => Value::Other,
            // BININT, BININT1, BININT2, LONG1, LONG4
            b'J' => Value::Int(i32::from_le_bytes(self.array()?).into()),
            b'K' => Value::Int(self.length(1)? as i64),
            b'M' => Value::Int(self.length(2)? as i64),
            0x8a => self.long(1)?,
            0x8b => self.long(4)?,
            // BINFLOAT
            b'G' => {
                self.take(8)?;
                Value::Other
            }
            // SHORT_BINUNICODE, BINUNICODE, BINUNICODE8, and Python 2's SHORT_BINSTRING, BINSTRING
            0x8c | b'U' => self.string(1)?,
            b'X' | b'T' => self.string(4)?,
            0x8d => self.string(8)?,
            // SHORT_BINBYTES, BINBYTES, BINBYTES8, BYTEARRAY8
            b'C' => self.skipped(1)?,
            b'B' => self.skipped(4)?,
            0x8e | 0x96 => self.skipped(8)?,
            // EMPTY_TUPLE, EMPTY_LIST, EMPTY_SET, EMPTY_DICT
            b')' | b']' | 0x8f => self.arena.new_sequence(Vec::new()),
            b'}' => self.arena.new_dict(Vec::new()),
            // TUPLE, LIST, FROZENSET, DICT
            b't' | b'l' | 0x91 => {
                let values = self.above_mark()?;
                self.arena.new_sequence(values)
            }
            b'd' => {
                let pairs = pairs(&self.above_mark()?)?;
                self.arena.new_dict(pairs)
            }
            // TUPLE1, TUPLE2, TUPLE3
            0x85..=0x87 => {
                let start = self.stack.len().checked_sub(usize::from(opcode - 0x84)).ok_or_else(underflow)?;
                let values = self.stack.split_off(start);
                self.arena.new_sequence(values)
            }
            // APPEND, APPENDS, ADDITEMS
            b'a' => {
                let value = self.pop()?;
                return self.extend(&[value]);
            }
            b'e' | 0x90 => {
                let values = self.above_mark()?;
                return self.extend(&values);
            }
            // SETITEM, SETITEMS
            b's' => {
                let value = self.pop()?;
                let key = self.pop()?;
                return self.set(&[key, value]);
            }
            b'u' => {
                let values = self.above_mark()?;
                return self.set(&values);
            }
            // GLOBAL, STACK_GLOBAL
            b'c' => {
                let (module, name) = (self.line()?, self.line()?);
                self.global(&format!("{module} {name}"))?
            }
            0x93 => {
                let (name, module) = (self.pop()?, self.pop()?);
                let texts = self.arena.text(module).zip(self.arena.text(name));
                let name = texts.map(|(module, name)| format!("{module} {name}"));
                self.global(&name.ok_or_else(|| damaged("a name that is no text"))?)?
            }
            // REDUCE, NEWOBJ: a call.
            b'R' | 0x81 => {
                let arguments = self.pop()?;
                let function = self.pop()?;
                self.call(function, arguments)?
            }
            // BUILD: attributes, of which no value here has any.
            b'b' => return self.pop().and_then(|_| self.top()).map(|_| ()),
            // BINPERSID
            b'Q' => {
                let identifier = self.pop()?;
                self.storage(identifier)?
            }
            // BINPUT, LONG_BINPUT, MEMOIZE
            b'q' | b'r' | 0x94 => {
                let index = match opcode {
                    b'q' => self.length(1)?,
                    b'r' => self.length(4)?,
                    _ => self.memo.len(),
                };
                let top = self.top()?;
                self.memo.insert(index, top);
                return Ok(());
            }
            // BINGET, LONG_BINGET
            b'h' | b'j' => {
                let index = self.length(if opcode == b'h' { 1 } else { 4 })?;
                *self.memo.get(&index).ok_or_else(|| damaged("a reference to nothing"))?
            }
            _ => return Err(damaged(&format!("opcode {opcode:#04x} at byte {place}"))),
        };
        self.stack.push(value);
        Ok(())
    }

    fn take(&mut self, count: usize) -> Result<&'a [u8], String> {
        let taken = self.bytes[self.at..].get(..count).ok_or("it ends within its pickle")?;
        self.at += count;
        Ok(taken)
    }

    fn array<const N: usize>(&mut self) -> Result<[u8; N], String> {
        let mut array = [0; N];
        array.copy_from_slice(self.take(N)?);
        Ok(array)
    }

    /// An unsigned number of `size` bytes.
    fn length(&mut self, size: usize) -> Result<usize, String> {
        let number = self.take(size)?.iter().rev().fold(0_u64, |number, &byte| number << 8 | u64::from(byte));
        usize::try_from(number).map_err(|_| damaged("a length beyond all memory"))
    }

    /// A whole number of any length; one beyond 64 bits is of no interest.
    fn long(&mut self, size: usize) -> Result<Value, String> {
        let length = self.length(size)?;
        let bytes = self.take(length)?;
        if length > 8 {
            return Ok(Value::Other);
        }
        let negative = bytes.last().is_some_and(|&byte| byte >= 0x80);
        let start = if negative { -1 } else { 0 };
        Ok(Value::Int(bytes.iter().rev().fold(start, |number, &byte| number << 8 | i64::from(byte))))
    }

    fn string(&mut self, size: usize) -> Result<Value, String> {
        let length = self.length(size)?;
        let text = std::str::from_utf8(self.take(length)?).map_err(|_| damaged("text that is not UTF-8"))?;
        Ok(self.arena.new_text(text.to_owned()))
    }

    fn skipped(&mut self, size: usize) -> Result<Value, String> {
        let length = self.length(size)?;
        self.take(length)?;
        Ok(Value::Other)
    }

    fn line(&mut self) -> Result<&'a str, String> {
        let rest = &self.bytes[self.at..];
        let length = rest.iter().position(|&byte| byte == b'\n').ok_or("it ends within its pickle")?;
        let line = self.take(length + 1)?;
        std::str::from_utf8(&line[..length]).map_err(|_| damaged("a name that is not UTF-8"))
    }

    fn pop(&mut self) -> Result<Value, String> {
        // What a mark guards is no single value's operand.
        if self.marks.last().is_some_and(|&mark| mark >= self.stack.len()) {
            return Err(underflow());
        }
        self.stack.pop().ok_or_else(underflow)
    }

    fn top(&self) -> Result<Value, String> {
        self.stack.last().copied().ok_or_else(underflow)
    }

    fn above_mark(&mut self) -> Result<Vec<Value>, String> {
        let mark = self.marks.pop().filter(|&mark| mark <= self.stack.len()).ok_or_else(underflow)?;
        Ok(self.stack.split_off(mark))
    }

    fn extend(&mut self, values: &[Value]) -> Result<(), String> {
        match self.top()? {
            Value::Sequence(index) => self.arena.sequences[index].extend(values),
            Value::Other => (),
            _ => return Err(damaged("something appended to what is no list")),
        }
        Ok(())
    }

    fn set(&mut self, values: &[Value]) -> Result<(), String> {
        let pairs = pairs(values)?;
        match self.top()? {
            Value::Dict(index) => self.arena.dicts[index].extend(pairs),
            Value::Other => (),
            _ => return Err(damaged("a key set in what is no dict")),
        }
        Ok(())
    }

    /// A name, where it is known to be harmless.
    fn global(&mut self, name: &str) -> Result<Value, String> {
        let known = [
            "collections OrderedDict",
            "torch._utils _rebuild_tensor",
            "torch._utils _rebuild_tensor_v2",
            "torch._utils _rebuild_parameter",
            "torch Size",
        ];
        let storage = name.strip_prefix("torch ").is_some_and(|name| name.ends_with("Storage"));
        let dtypes = ["float", "bfloat", "int", "uint", "bool", "double", "half", "long"];
        let dtype = name
            .strip_prefix("torch ")
            .is_some_and(|name| dtypes.contains(&name.trim_end_matches(|c: char| c.is_ascii_digit())));
        if !(known.contains(&name) || storage || dtype || OPAQUE.contains(&name)) {
            let name: String = name.replace(' ', ".").chars().take(100).collect();
            return Err(format!(
                "it names `{}`, which is no part of weights; nothing of it was run. In Python, save \
                 `model.state_dict()` alone",
                name.escape_default()
            ));
        }
        self.arena.texts.push(name.to_owned());
        Ok(Value::Global(self.arena.texts.len() - 1))
    }

    fn call(&mut self, function: Value, arguments: Value) -> Result<Value, String> {
        let name = match function {
            Value::Global(index) => self.arena.texts[index].clone(),
            Value::Other => return Ok(Value::Other),
            _ => return Err(damaged("a call of what is no function")),
        };
        let arguments = self.arena.sequence(arguments).ok_or_else(|| damaged("a call without arguments"))?;
        match (name.as_str(), arguments) {
            ("collections OrderedDict", []) => Ok(self.arena.new_dict(Vec::new())),
            ("collections OrderedDict", &[items]) => {
                let items = self.arena.sequence(items).unwrap_or_default();
                let pair = |item: &Value| match self.arena.sequence(*item) {
                    Some(&[key, value]) => Ok((key, value)),
                    _ => Err(damaged("an OrderedDict of what are no pairs")),
                };
                let pairs = items.iter().map(pair).collect::<Result<_, _>>()?;
                Ok(self.arena.new_dict(pairs))
            }
            ("torch._utils _rebuild_tensor" | "torch._utils _rebuild_tensor_v2", arguments) => {
                let view = self.view(arguments)?;
                self.arena.tensors.push(view);
                Ok(Value::Tensor(self.arena.tensors.len() - 1))
            }
            ("torch._utils _rebuild_parameter", &[tensor @ Value::Tensor(_), ..]) => Ok(tensor),
            ("torch Size", &[sizes]) => Ok(sizes),
            (name, _) if OPAQUE.contains(&name) => Ok(Value::Other),
            (name, _) => Err(damaged(&format!("a call of `{name}` as it never is"))),
        }
    }

    /// `('storage', class, key, location, count)`; files of old versions have a sixth field, for views, which was not used.
    fn storage(&mut self, identifier: Value) -> Result<Value, String> {
        let wrong = || damaged("a storage that is not described as one");
        let (class, key, count) = match self.arena.sequence(identifier).ok_or_else(wrong)? {
            &[kind, Value::Global(class), key, _, Value::Int(count)]
            | &[kind, Value::Global(class), key, _, Value::Int(count), Value::None]
                if self.arena.text(kind) == Some("storage") =>
            {
                (&self.arena.texts[class], key, count)
            }
            _ => return Err(wrong()),
        };
        let class =
            class.strip_prefix("torch ").filter(|class| class.ends_with("Storage")).ok_or_else(wrong)?;
        let (class, key) = (class.to_owned(), self.arena.text(key).ok_or_else(wrong)?.to_owned());
        let count = usize::try_from(count).map_err(|_| wrong())?;
        let storage = Storage { class, key, count };
        // Each view names its storage anew.
        match self.arena.storage_of_key.get(&storage.key) {
            Some(&index) if self.arena.storages[index] == storage => Ok(Value::Storage(index)),
            Some(_) => {
                Err(damaged(&format!("storage {}, described in two ways", storage.key.escape_debug())))
            }
            None => {
                let index = self.arena.storages.len();
                self.arena.storage_of_key.insert(storage.key.clone(), index);
                self.arena.storages.push(storage);
                Ok(Value::Storage(index))
            }
        }
    }

    /// `(storage, offset, shape, stride, ...)`
    fn view(&self, arguments: &[Value]) -> Result<View, String> {
        let wrong = || damaged("a tensor that is not described as one");
        let &[Value::Storage(storage), Value::Int(offset), shape, stride, ..] = arguments else {
            return Err(wrong());
        };
        let sizes = |value| -> Option<Vec<usize>> {
            let values = self.arena.sequence(value)?;
            let size = |value: &Value| match value {
                Value::Int(size) => usize::try_from(*size).ok(),
                _ => None,
            };
            values.iter().map(size).collect()
        };
        let (shape, stride) = sizes(shape).zip(sizes(stride)).ok_or_else(wrong)?;
        let offset = usize::try_from(offset).map_err(|_| wrong())?;
        if shape.len() != stride.len() || shape.len() > MOST_DIMENSIONS {
            return Err(wrong());
        }
        let view = View { storage, offset, shape, stride };
        match view.range() {
            Some(range) if range.end <= self.arena.storages[storage].count => Ok(view),
            _ => Err(format!("a tensor {:?} lies outside of its storage", view.shape)),
        }
    }
}

impl View {
    /// How many numbers it has; it lies in its storage, so they fit.
    pub(super) fn count(&self) -> usize {
        count_of(&self.shape)
    }

    /// The numbers of the storage between its first and last; `None` where that is beyond all memory.
    pub(super) fn range(&self) -> Option<std::ops::Range<usize>> {
        if self.shape.contains(&0) {
            return Some(self.offset..self.offset);
        }
        let mut end = self.offset.checked_add(1)?;
        for (size, stride) in self.shape.iter().zip(&self.stride) {
            end = end.checked_add((size - 1).checked_mul(*stride)?)?;
        }
        Some(self.offset..end)
    }

    /// Whether two of its elements are the same number of the storage, as far as strides tell: those of an array in any order
    /// of its dimensions do not.
    pub(super) fn overlaps_itself(&self) -> bool {
        let mut dimensions: Vec<_> =
            self.stride.iter().zip(&self.shape).filter(|(_, size)| **size > 1).collect();
        dimensions.sort_unstable();
        let mut reach = 0;
        for (stride, size) in dimensions {
            if *stride <= reach {
                return true;
            }
            reach += (size - 1) * stride;
        }
        false
    }
}

fn pairs(values: &[Value]) -> Result<Vec<(Value, Value)>, String> {
    match values.as_chunks() {
        (pairs, []) => Ok(pairs.iter().map(|&[key, value]| (key, value)).collect()),
        _ => Err(damaged("a key without a value")),
    }
}

fn damaged(what: &str) -> String {
    format!("its pickle holds {what}: it is damaged, or no state dict")
}

fn underflow() -> String {
    damaged("an operation without its operands")
}
