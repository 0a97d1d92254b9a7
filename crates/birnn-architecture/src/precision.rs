//! How exact products are.

use std::fmt;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// How exact products of matrices in the recurrent layers are, as PyTorch's
/// [`float32_matmul_precision`](https://docs.pytorch.org/docs/stable/generated/torch.set_float32_matmul_precision.html)
/// says it. Sums, and all but products, are of f32 always. What has nothing quicker for a precision computes
/// products of f32.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum Precision {
    /// Products of f32, 24 bits of a mantissa.
    #[default]
    Highest,
    /// Products of sums of two bf16 parts, 16 bits of a mantissa.
    High,
    /// Products of bf16, 8 bits of a mantissa.
    Medium,
}

impl Precision {
    /// All, the most exact first.
    pub const ALL: [Precision; 3] = [Precision::Highest, Precision::High, Precision::Medium];

    /// As experiments and the command line name it.
    pub fn name(self) -> &'static str {
        match self {
            Precision::Highest => "highest",
            Precision::High => "high",
            Precision::Medium => "medium",
        }
    }
}

impl fmt::Display for Precision {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}
