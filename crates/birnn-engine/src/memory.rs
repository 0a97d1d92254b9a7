//! The values of tensors as slices, for the kernels.

use tch::{Device, Kind, TchError, Tensor};

/// The values of an `f32` tensor that lies in one piece on the CPU.
pub(crate) fn values(tensor: &Tensor) -> Result<&[f32], TchError> {
    let (start, length) = place(tensor)?;
    #[expect(unsafe_code, reason = "tch has no safe way to a tensor's memory; `place` has checked it")]
    // SAFETY: so many values lie there one after the other, and live as long as the tensor, which is borrowed.
    Ok(if length == 0 { &[] } else { unsafe { std::slice::from_raw_parts(start, length) } })
}

/// As [`values`], to be changed.
pub(crate) fn values_mut(tensor: &mut Tensor) -> Result<&mut [f32], TchError> {
    let (start, length) = place(tensor)?;
    #[expect(unsafe_code, reason = "tch has no safe way to a tensor's memory; `place` has checked it")]
    // SAFETY: as above, and the tensor is borrowed for good.
    Ok(if length == 0 { &mut [] } else { unsafe { std::slice::from_raw_parts_mut(start, length) } })
}

fn place(tensor: &Tensor) -> Result<(*mut f32, usize), TchError> {
    if tensor.device() != Device::Cpu || tensor.kind() != Kind::Float || !tensor.is_contiguous() {
        return Err(TchError::Kind("a tensor of f32 in one piece on the CPU was expected".to_owned()));
    }
    Ok((tensor.data_ptr().cast(), tensor.numel()))
}
