//! Floating-point numbers as files hold them, all brought to `f32`.

use half::{bf16, f16};

/// How a float is stored, little end first.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Float {
    F64,
    F32,
    F16,
    BF16,
}

impl Float {
    /// Bytes of one.
    pub(crate) fn size(self) -> usize {
        match self {
            Float::F64 => 8,
            Float::F32 => 4,
            Float::F16 | Float::BF16 => 2,
        }
    }

    /// As many as `bytes` hold, rounded to `f32` where they are more precise.
    pub(crate) fn decode(self, bytes: &[u8]) -> Vec<f32> {
        match self {
            Float::F64 => numbers(bytes, |bytes| f64::from_le_bytes(bytes) as f32),
            Float::F32 => numbers(bytes, f32::from_le_bytes),
            Float::F16 => numbers(bytes, |bytes| f16::from_le_bytes(bytes).to_f32()),
            Float::BF16 => numbers(bytes, |bytes| bf16::from_le_bytes(bytes).to_f32()),
        }
    }
}

fn numbers<const N: usize>(bytes: &[u8], number: impl Fn([u8; N]) -> f32) -> Vec<f32> {
    bytes.as_chunks().0.iter().map(|&bytes| number(bytes)).collect()
}
