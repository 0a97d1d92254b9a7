//! What a state dict needs of Python's pickle format, as a reader that runs nothing.
//!
//! A pickle is a program for a stack machine that may name any Python function and call it. This machine
//! knows the few names that plain data and tensors consist of, and builds data of its own for them; any other
//! name ends the reading. Values are copied by index into an arena, so that what a pickle refers to twice
//! takes memory once, and what is built is charged to a budget: memory and time grow with its length alone,
//! however deep or cyclic its values are.
//!
//! Opcodes: Python's `pickletools`; calls and persistent identifiers: `torch/serialization.py`,
//! `torch/_utils.py`.
//!
//! birnn has its own reader because the existing crate for PyTorch's files passes on what it does not know
//! and does not say where tensors lie. So neither a name like `os.system` nor an overlap could be refused.

use super::arena::{Arena, OverBudget, Value, View};
use super::name::Name;
use crate::error::short_name;
use crate::{ALONE, PLAIN};

/// A pickle that was read.
#[derive(Debug)]
pub(super) struct Pickle {
    pub(super) arena: Arena,
    pub(super) root: Value,
    /// Bytes that it took.
    pub(super) length: usize,
}

/// A byte of it can take some sixty bytes of memory. Descriptions of twenty thousand tensors have room in it.
pub(super) const LONGEST: usize = 4 << 20;
const MOST_DIMENSIONS: usize = 8;
/// PyTorch numbers its storages, in legacy files by their addresses.
const LONGEST_KEY: usize = 64;

/// Reads the pickle at the start of `bytes`. The error says what is wrong.
pub(super) fn read(bytes: &[u8]) -> Result<Pickle, String> {
    let arena = Arena::new(bytes.len().min(LONGEST));
    let mut machine = Machine { bytes, at: 0, stack: Vec::new(), marks: Vec::new(), memo: Vec::new(), arena };
    let root = machine.run()?;
    Ok(Pickle { arena: machine.arena, root, length: machine.at })
}

impl From<OverBudget> for String {
    fn from(OverBudget: OverBudget) -> String {
        damaged("far more values than its length has room for")
    }
}

struct Machine<'a> {
    bytes: &'a [u8],
    at: usize,
    stack: Vec<Value>,
    /// Heights of the stack that a later opcode takes everything above of.
    marks: Vec<usize>,
    /// By the number that it was given. Python numbers them from 0 on.
    memo: Vec<Option<Value>>,
    arena: Arena,
}

impl<'a> Machine<'a> {
    fn run(&mut self) -> Result<Value, String> {
        loop {
            if self.at > LONGEST {
                return Err(format!("its pickle is longer than {LONGEST} bytes"));
            }
            let offset = self.at;
            let [opcode] = self.array()?;
            if opcode == b'.' {
                return self.pop();
            }
            self.step(opcode, offset)?;
        }
    }

    fn step(&mut self, opcode: u8, offset: usize) -> Result<(), String> {
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
            b')' | b']' | 0x8f => self.arena.new_sequence(Vec::new())?,
            b'}' => self.arena.new_dict(Vec::new())?,
            // TUPLE, LIST, FROZENSET, DICT
            b't' | b'l' | 0x91 => {
                let values = self.above_mark()?;
                self.arena.new_sequence(values)?
            }
            b'd' => {
                let pairs = pairs(&self.above_mark()?)?;
                self.arena.new_dict(pairs)?
            }
            // TUPLE1, TUPLE2, TUPLE3
            0x85..=0x87 => {
                let start = self.stack.len().checked_sub(usize::from(opcode - 0x84)).ok_or_else(underflow)?;
                let values = self.stack.split_off(start);
                self.arena.new_sequence(values)?
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
                global(module, name)?
            }
            0x93 => {
                let (name, module) = (self.pop()?, self.pop()?);
                let texts = self.arena.text(module).zip(self.arena.text(name));
                let (module, name) = texts.ok_or_else(|| damaged("a name that is no text"))?;
                global(module, name)?
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
                return self.remember(index);
            }
            // BINGET, LONG_BINGET
            b'h' | b'j' => {
                let index = self.length(if opcode == b'h' { 1 } else { 4 })?;
                self.memo.get(index).copied().flatten().ok_or_else(|| damaged("a reference to nothing"))?
            }
            _ => return Err(damaged(&format!("opcode {opcode:#04x} at byte {offset}"))),
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
        Ok(self.arena.new_text(text)?)
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
            Value::Sequence(index) => self.arena.extend(index, values)?,
            Value::Other => (),
            _ => return Err(damaged("something appended to what is no list")),
        }
        Ok(())
    }

    fn set(&mut self, values: &[Value]) -> Result<(), String> {
        let pairs = pairs(values)?;
        match self.top()? {
            Value::Dict(index) => self.arena.set(index, pairs)?,
            Value::Other => (),
            _ => return Err(damaged("a key set in what is no dict")),
        }
        Ok(())
    }

    /// Puts the top of the stack into the memo.
    fn remember(&mut self, index: usize) -> Result<(), String> {
        let top = self.top()?;
        // There are no more values than bytes, so that a larger number is none that a pickler gives.
        if index >= self.bytes.len().min(LONGEST) {
            return Err(damaged("a value remembered under too large a number"));
        }
        if index >= self.memo.len() {
            self.memo.resize(index + 1, None);
        }
        self.memo[index] = Some(top);
        Ok(())
    }

    fn call(&mut self, function: Value, arguments: Value) -> Result<Value, String> {
        let name = match function {
            Value::Other => return Ok(Value::Other),
            Value::Global(name) => name,
            _ => return Err(damaged("a call of what is no function")),
        };
        let arguments = self.arena.sequence(arguments).ok_or_else(|| damaged("a call without arguments"))?;
        match (name, arguments) {
            (Name::OrderedDict, []) => Ok(self.arena.new_dict(Vec::new())?),
            (Name::OrderedDict, &[items]) => {
                // Charged for before it is copied.
                let count = self.arena.sequence(items).unwrap_or_default().len();
                self.arena.charge(2 * count)?;
                let items = self.arena.sequence(items).unwrap_or_default();
                let pair = |item: &Value| match self.arena.sequence(*item) {
                    Some(&[key, value]) => Ok((key, value)),
                    _ => Err(damaged("an OrderedDict of what are no pairs")),
                };
                let pairs = items.iter().map(pair).collect::<Result<_, _>>()?;
                Ok(self.arena.new_dict(pairs)?)
            }
            (Name::RebuildTensor, arguments) => {
                let view = self.view(arguments)?;
                Ok(self.arena.new_tensor(view)?)
            }
            (Name::RebuildParameter, &[tensor @ Value::Tensor(_), ..]) => Ok(tensor),
            (Name::Size, &[sizes]) => Ok(sizes),
            (Name::Opaque, _) => Ok(Value::Other),
            (name, _) => Err(damaged(&format!("a call of {name:?} as it never is"))),
        }
    }

    /// `('storage', class, key, location, count)`; files of old versions have a sixth field, for views, which
    /// was not used.
    fn storage(&mut self, identifier: Value) -> Result<Value, String> {
        let wrong = || damaged("a storage that is not described as one");
        let (class, key, count) = match self.arena.sequence(identifier).ok_or_else(wrong)? {
            &[kind, Value::Global(Name::Storage(class)), key, _, Value::Int(count)]
            | &[kind, Value::Global(Name::Storage(class)), key, _, Value::Int(count), Value::None]
                if self.arena.text(kind) == Some("storage") =>
            {
                (class, key, count)
            }
            _ => return Err(wrong()),
        };
        let key = self.arena.text(key).filter(|key| key.len() <= LONGEST_KEY).ok_or_else(wrong)?.to_owned();
        let count = usize::try_from(count).map_err(|_| wrong())?;
        let twice = || damaged(&format!("storage {}, described in two ways", short_name(&key)));
        self.arena.new_storage(class, &key, count)?.ok_or_else(twice)
    }

    /// `(storage, offset, shape, stride, ...)`
    fn view(&self, arguments: &[Value]) -> Result<View, String> {
        let wrong = || damaged("a tensor that is not described as one");
        let &[Value::Storage(storage), Value::Int(offset), shape, stride, ..] = arguments else {
            return Err(wrong());
        };
        let sizes = |value| -> Option<Vec<usize>> {
            let values = self.arena.sequence(value).filter(|values| values.len() <= MOST_DIMENSIONS)?;
            let size = |value: &Value| match value {
                Value::Int(size) => usize::try_from(*size).ok(),
                _ => None,
            };
            values.iter().map(size).collect()
        };
        let (shape, stride) = sizes(shape).zip(sizes(stride)).ok_or_else(wrong)?;
        let offset = usize::try_from(offset).map_err(|_| wrong())?;
        if shape.len() != stride.len() {
            return Err(wrong());
        }
        let view = View { storage, offset, shape, stride };
        match view.count().and_then(|_| view.range()) {
            Some(range) if range.end <= self.arena.storage(storage).count => Ok(view),
            _ => Err(format!("a tensor {:?} lies outside of its storage", view.shape)),
        }
    }
}

/// A name, where it is known to be harmless.
fn global(module: &str, name: &str) -> Result<Value, String> {
    // Protocol 2 calls them as Python 2 did.
    let module = if module == "__builtin__" { "builtins" } else { module };
    Name::of(module, name).map(Value::Global).ok_or_else(|| {
        let (shown, named) = (short_name(module), short_name(name));
        // Of a state dict these are parameters with something of their own, or numbers of another kind.
        let is_torch = matches!(module, "torch" | "torch._utils" | "torch._tensor" | "torch.nn.parameter");
        match is_torch {
            true => format!(
                "it names `{shown}.{named}`, which no plain weights have; nothing of it was run. {PLAIN}"
            ),
            false => format!(
                "it names `{shown}.{named}`, which is no part of weights; nothing of it was run. {ALONE}"
            ),
        }
    })
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
