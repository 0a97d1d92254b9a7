//! Safetensors files of anyone's.

use safetensors::{Dtype, SafeTensors};

use crate::number::Float;
use crate::state_dict::{Array, StateDict};

/// The arrays of a file, which the library has found to lie one after the other within it. The error says what is wrong.
pub(crate) fn parse(bytes: &[u8]) -> Result<StateDict, String> {
    let file = SafeTensors::deserialize(bytes).map_err(|error| format!("no safetensors file: {error}"))?;
    let array = |(name, view): (String, safetensors::tensor::TensorView)| {
        let float = match view.dtype() {
            Dtype::F64 => Float::F64,
            Dtype::F32 => Float::F32,
            Dtype::F16 => Float::F16,
            Dtype::BF16 => Float::BF16,
            other => {
                return Err(format!("`{}` is of {other:?}, and weights are floats", name.escape_debug()));
            }
        };
        Ok((name, Array::new(view.shape().to_vec(), float.decode(view.data()))))
    };
    file.tensors().into_iter().map(array).collect()
}
