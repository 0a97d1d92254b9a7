//! The pickle `((images, labels), (images, labels), (images, labels))` of NumPy arrays: to train, to
//! validate, to test. Pixels are `byte / 256` as f32, labels are 64-bit integers.
//!
//! A pickle is a program for a stack machine that may name any Python function and call it. This machine
//! knows the opcodes that Python 2 writes for such arrays, and three names; anything else ends the reading.
//! It is not the machine that `birnn-formats` has for weights: that one wants all of the pickle in memory, of
//! which this one has 220 MB, skips the very strings that the numbers are in here, and knows tensors instead
//! of arrays. What the two would share is the loop over opcodes. Here numbers become bytes as they come, and
//! no value is nested deeper, or copied more often, than a thousand opcodes can: more than that is no such
//! file.
//!
//! Opcodes: Python's `pickletools`; calls: `numpy/core/multiarray.py`, `ndarray.__setstate__`.

use std::io::Read;

use super::contents::{Contents, MOST, begun};
use super::value::{Kind, Part, Value, sizes};
use crate::file_error::FileProblem;

/// The published file has 113.
const MOST_OPCODES: usize = 1000;
/// Of any string but those with numbers.
const LONGEST_TEXT: usize = 64;
const LONGEST_LINE: usize = 64;

/// Reads the one pickle that `source` consists of.
pub(super) fn read(source: &mut dyn Read) -> Result<Contents, FileProblem> {
    let mut machine = Machine { source, offset: 0, stack: Vec::new(), memo: Vec::new(), room: MOST };
    let root = machine.run()?;
    machine.contents(root)
}

struct Machine<'a> {
    source: &'a mut dyn Read,
    /// Bytes read.
    offset: u64,
    stack: Vec<Value>,
    /// Texts, names and kinds alone: nothing that holds other values.
    memo: Vec<(usize, Value)>,
    /// Bytes that arrays may still have.
    room: u64,
}

impl Machine<'_> {
    fn run(&mut self) -> Result<Value, FileProblem> {
        if self.array()? != [0x80, 2] {
            return Err(self.wrong("no pickle of protocol 2"));
        }
        for _ in 0..MOST_OPCODES {
            let [opcode] = self.array()?;
            if opcode == b'.' {
                let root = self.pop()?;
                // Reading on to the end also checks gzip's own checksum, which comes last.
                let ends = self.stack.is_empty() && self.source.read(&mut [0])? == 0;
                return if ends { Ok(root) } else { Err(self.wrong("it goes on after its end")) };
            }
            let value = self.step(opcode)?;
            self.stack.extend(value);
        }
        Err(self.wrong("more operations than it takes"))
    }

    /// What an opcode puts on the stack, if anything.
    fn step(&mut self, opcode: u8) -> Result<Option<Value>, FileProblem> {
        let value = match opcode {
            // MARK
            b'(' => Value::Mark,
            // NONE, NEWTRUE, NEWFALSE
            b'N' => Value::None,
            0x88 => Value::Bool(true),
            0x89 => Value::Bool(false),
            // BININT, BININT1, BININT2
            b'J' => Value::Int(i32::from_le_bytes(self.array()?).into()),
            b'K' => Value::Int(self.array::<1>()?[0].into()),
            b'M' => Value::Int(u16::from_le_bytes(self.array()?).into()),
            // SHORT_BINSTRING, BINSTRING
            b'U' => {
                let [length] = self.array()?;
                self.string(length.into())?
            }
            b'T' => {
                let length = u32::from_le_bytes(self.array()?);
                self.string(length as usize)?
            }
            // TUPLE, TUPLE1, TUPLE2, TUPLE3
            b't' => {
                let mark = self.stack.iter().rposition(|value| *value == Value::Mark);
                let start = mark.ok_or_else(|| self.wrong("a tuple without a start"))?;
                let values = self.stack.split_off(start + 1);
                self.stack.pop();
                Value::Tuple(values)
            }
            0x85..=0x87 => {
                let start = self.stack.len().checked_sub(usize::from(opcode - 0x84));
                let start = start.ok_or_else(|| self.wrong("a tuple of what is not there"))?;
                Value::Tuple(self.stack.split_off(start))
            }
            // GLOBAL
            b'c' => match (self.line()?.as_slice(), self.line()?.as_slice()) {
                (b"numpy.core.multiarray", b"_reconstruct") => Value::Reconstruct,
                (b"numpy", b"ndarray") => Value::NdArray,
                (b"numpy", b"dtype") => Value::DtypeClass,
                _ => return Err(self.wrong("a name that is no part of arrays")),
            },
            // REDUCE: a call.
            b'R' => {
                let arguments = self.pop()?;
                let function = self.pop()?;
                self.call(&function, arguments)?
            }
            // BUILD: the rest of a value.
            b'b' => {
                let state = self.pop()?;
                let value = self.pop()?;
                self.build(&value, state)?
            }
            // BINPUT, LONG_BINPUT
            b'q' | b'r' => {
                let key = self.key(opcode == b'r')?;
                let top = self.stack.last().ok_or_else(|| self.wrong("an operation without its operands"))?;
                if !matches!(top, Value::Tuple(_) | Value::Array { .. } | Value::Numbers(_) | Value::Mark) {
                    let value = top.clone();
                    self.memo.retain(|(other, _)| *other != key);
                    self.memo.push((key, value));
                }
                return Ok(None);
            }
            // BINGET, LONG_BINGET
            b'h' | b'j' => {
                let key = self.key(opcode == b'j')?;
                let found = self.memo.iter().find(|(other, _)| *other == key);
                found.map(|(_, value)| value.clone()).ok_or_else(|| self.wrong("a value used twice"))?
            }
            _ => return Err(self.wrong("an operation that arrays do not take")),
        };
        Ok(Some(value))
    }

    fn call(&self, function: &Value, arguments: Value) -> Result<Value, FileProblem> {
        use Value::{Int, NdArray, Text, Tuple};
        let wrong = || self.wrong("a call that arrays do not take");
        let Tuple(arguments) = arguments else { return Err(wrong()) };
        match (function, arguments.as_slice()) {
            (Value::Reconstruct, [NdArray, Tuple(shape), Text(kind)])
                if *shape == [Int(0)] && kind == b"b" =>
            {
                Ok(Value::Empty)
            }
            (Value::DtypeClass, [Text(name), Int(0), Int(1)]) => match name.as_slice() {
                b"f4" => Ok(Value::Dtype(Kind::F32)),
                b"i8" => Ok(Value::Dtype(Kind::I64)),
                _ => Err(self.wrong("numbers of another kind")),
            },
            _ => Err(wrong()),
        }
    }

    fn build(&self, value: &Value, state: Value) -> Result<Value, FileProblem> {
        use Value::{Bool, Dtype, Int, None, Text, Tuple};
        let wrong = || self.wrong("an array that is not described as one");
        let Tuple(mut state) = state else { return Err(wrong()) };
        match (value, state.as_mut_slice()) {
            (&Dtype(kind), [Int(3), Text(order), None, None, None, Int(-1), Int(-1), Int(0)])
                if order == b"<" =>
            {
                Ok(Dtype(kind))
            }
            (Value::Empty, [Int(1), Tuple(shape), Dtype(kind), Bool(false), Value::Numbers(bytes)]) => {
                let shape = sizes(shape).ok_or_else(wrong)?;
                Ok(Value::Array { kind: *kind, shape, bytes: std::mem::take(bytes) })
            }
            _ => Err(wrong()),
        }
    }

    /// A string of `length` bytes: the numbers of an array, where one is being described, or a text.
    fn string(&mut self, length: usize) -> Result<Value, FileProblem> {
        let described = match self.stack.as_slice() {
            [.., Value::Mark, Value::Int(1), Value::Tuple(shape), Value::Dtype(kind), Value::Bool(false)] => {
                Some((sizes(shape), *kind))
            }
            _ => None,
        };
        let Some((shape, kind)) = described else {
            return match length <= LONGEST_TEXT {
                true => Ok(Value::Text(self.take(length)?)),
                false => Err(self.wrong("a text where none belongs")),
            };
        };
        let count = shape.and_then(|shape| shape.iter().try_fold(1_usize, |a, &b| a.checked_mul(b)));
        let count = count.filter(|count| count.checked_mul(kind.size()) == Some(length));
        let count = count.ok_or_else(|| self.wrong("an array of another size than its numbers"))?;
        self.room = self.room.checked_sub(count as u64).ok_or(FileProblem::TooMuch { most: MOST })?;
        let mut bytes = Vec::new();
        let mut left = length;
        // Of a size that both kinds of numbers divide.
        while left > 0 {
            let part = self.take(left.min(1 << 16))?;
            left -= part.len();
            for number in part.chunks_exact(kind.size()) {
                let byte = kind.byte(number).ok_or_else(|| self.wrong("a number that is no byte"))?;
                bytes.push(byte);
            }
        }
        Ok(Value::Numbers(bytes))
    }

    /// The four IDX files that the pickled value is.
    fn contents(&self, root: Value) -> Result<Contents, FileProblem> {
        let wrong = || self.wrong("other arrays than images and labels to train, validate and test");
        let three = |value| match value {
            Value::Tuple(values) => <[Value; 3]>::try_from(values).ok(),
            _ => None,
        };
        let pair = |value| match value {
            Value::Tuple(values) => <[Value; 2]>::try_from(values).ok(),
            _ => None,
        };
        let mut pairs = Vec::new();
        for value in three(root).ok_or_else(wrong)? {
            let [images, labels] = pair(value).ok_or_else(wrong)?;
            pairs.push((Part::images(images).ok_or_else(wrong)?, Part::labels(labels).ok_or_else(wrong)?));
        }
        let Ok([train, validation, test]) = <[_; 3]>::try_from(pairs) else { return Err(wrong()) };
        let joined = |a: Part, b: Part| a.joined(&b).ok_or_else(wrong);
        // They were counted when they were read.
        let written = |part: Part| {
            let mut content = begun(&part.dimensions, &mut u64::from(u32::MAX))?;
            content.extend(part.bytes);
            Ok::<_, FileProblem>(content)
        };
        Ok([
            written(joined(train.0, validation.0)?)?,
            written(joined(train.1, validation.1)?)?,
            written(test.0)?,
            written(test.1)?,
        ])
    }

    fn key(&mut self, long: bool) -> Result<usize, FileProblem> {
        Ok(match long {
            true => u32::from_le_bytes(self.array()?) as usize,
            false => self.array::<1>()?[0].into(),
        })
    }

    fn pop(&mut self) -> Result<Value, FileProblem> {
        self.stack.pop().ok_or_else(|| self.wrong("an operation without its operands"))
    }

    /// The bytes up to the end of a line.
    fn line(&mut self) -> Result<Vec<u8>, FileProblem> {
        let mut line = Vec::new();
        while line.len() < LONGEST_LINE {
            match self.array()? {
                [b'\n'] => return Ok(line),
                [byte] => line.push(byte),
            }
        }
        Err(self.wrong("a name that is no part of arrays"))
    }

    fn array<const N: usize>(&mut self) -> Result<[u8; N], FileProblem> {
        let bytes = self.take(N)?;
        bytes.try_into().map_err(|_| self.wrong("its end"))
    }

    fn take(&mut self, count: usize) -> Result<Vec<u8>, FileProblem> {
        let mut bytes = Vec::new();
        self.source.take(count as u64).read_to_end(&mut bytes)?;
        self.offset += bytes.len() as u64;
        if bytes.len() < count {
            return Err(self.wrong("its end"));
        }
        Ok(bytes)
    }

    fn wrong(&self, what: &'static str) -> FileProblem {
        FileProblem::Pickle { what, offset: self.offset }
    }
}
