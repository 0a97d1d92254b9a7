//! Numbers as files hold them, all brought to `f32`. Weights are floats; integers are read so that they can
//! be named, like the counters of a batch normalisation, and found to be no weights.

use half::{bf16, f16};

use crate::state_dict::Array;

/// How a number is stored, little end first.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Number {
    F64,
    F32,
    F16,
    BF16,
    I64,
    I32,
    I16,
    I8,
    U8,
}

impl Number {
    /// Bytes of one.
    pub(crate) fn size(self) -> usize {
        match self {
            Number::F64 | Number::I64 => 8,
            Number::F32 | Number::I32 => 4,
            Number::F16 | Number::BF16 | Number::I16 => 2,
            Number::I8 | Number::U8 => 1,
        }
    }

    /// An array of values that were [`Number::decode`]d.
    pub(crate) fn array(self, shape: Vec<usize>, values: Vec<f32>) -> Array {
        let array = Array::new(shape, values);
        match self {
            Number::F64 | Number::F32 | Number::F16 | Number::BF16 => array,
            Number::I64 | Number::I32 | Number::I16 | Number::I8 | Number::U8 => array.of_integers(),
        }
    }

    /// As many as `bytes` hold, rounded to `f32` where they are more precise.
    pub(crate) fn decode(self, bytes: &[u8]) -> Vec<f32> {
        match self {
            Number::F64 => numbers(bytes, |bytes| f64::from_le_bytes(bytes) as f32),
            Number::F32 => numbers(bytes, f32::from_le_bytes),
            Number::F16 => numbers(bytes, |bytes| f16::from_le_bytes(bytes).to_f32()),
            Number::BF16 => numbers(bytes, |bytes| bf16::from_le_bytes(bytes).to_f32()),
            Number::I64 => numbers(bytes, |bytes| i64::from_le_bytes(bytes) as f32),
            Number::I32 => numbers(bytes, |bytes| i32::from_le_bytes(bytes) as f32),
            Number::I16 => numbers(bytes, |bytes| i16::from_le_bytes(bytes).into()),
            Number::I8 => numbers(bytes, |bytes| i8::from_le_bytes(bytes).into()),
            Number::U8 => numbers(bytes, |bytes| u8::from_le_bytes(bytes).into()),
        }
    }
}

fn numbers<const N: usize>(bytes: &[u8], number: impl Fn([u8; N]) -> f32) -> Vec<f32> {
    bytes.as_chunks().0.iter().map(|&bytes| number(bytes)).collect()
}
