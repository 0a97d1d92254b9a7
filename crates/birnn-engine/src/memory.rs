//! The values of tensors as slices, for the kernels.
//!
//! A tensor is a reference to a storage that others may refer to as well, so that no borrow of a [`Tensor`]
//! keeps its values from being changed meanwhile. Whoever asks for a slice has to know who else does.

use tch::{Device, Kind, TchError, Tensor};

/// The values of an `f32` tensor that lies in one piece on the CPU.
///
/// # Safety
///
/// While the slice lives, nothing changes these values, be it by way of another tensor with the same storage.
#[expect(unsafe_code, reason = "tch has no safe way to a tensor's memory; `span` has checked it")]
pub(crate) unsafe fn values(tensor: &Tensor) -> Result<&[f32], TchError> {
    let (start, length) = span(tensor)?;
    // SAFETY: so many values lie there one after the other, and live as long as the tensor, which is
    // borrowed.
    Ok(if length == 0 { &[] } else { unsafe { std::slice::from_raw_parts(start, length) } })
}

/// As [`values`], to be changed.
///
/// # Safety
///
/// While the slice lives, nothing else reads or changes these values, be it by way of another tensor with the
/// same storage.
#[expect(unsafe_code, reason = "tch has no safe way to a tensor's memory; `span` has checked it")]
pub(crate) unsafe fn values_mut(tensor: &mut Tensor) -> Result<&mut [f32], TchError> {
    let (start, length) = span(tensor)?;
    // SAFETY: as above, and that they are nobody else's is the caller's word.
    Ok(if length == 0 { &mut [] } else { unsafe { std::slice::from_raw_parts_mut(start, length) } })
}

/// An error where two of `tensors` share values.
pub(crate) fn disjoint<'a>(tensors: impl Iterator<Item = &'a Tensor>) -> Result<(), TchError> {
    let spans = tensors.map(|tensor| {
        let (start, length) = span(tensor)?;
        Ok((start as usize, start as usize + length * size_of::<f32>()))
    });
    let mut spans = spans.collect::<Result<Vec<_>, TchError>>()?;
    spans.retain(|(start, end)| start < end);
    spans.sort_unstable();
    match spans.windows(2).any(|pair| pair[1].0 < pair[0].1) {
        true => Err(TchError::Kind("tensors with values of their own were expected".to_owned())),
        false => Ok(()),
    }
}

/// The first value of an `f32` tensor that lies in one piece on the CPU, and how many there are.
fn span(tensor: &Tensor) -> Result<(*mut f32, usize), TchError> {
    if tensor.device() != Device::Cpu || tensor.kind() != Kind::Float || !tensor.is_contiguous() {
        return Err(TchError::Kind("a tensor of f32 in one piece on the CPU was expected".to_owned()));
    }
    Ok((tensor.data_ptr().cast(), tensor.numel()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn shared_values_are_noticed() {
        let all = Tensor::from_slice(&[1.0_f32, 2.0, 3.0, 4.0]);
        let part = |start, length| all.narrow(0, start, length);
        let overlap = |tensors: &[Tensor]| disjoint(tensors.iter()).is_err();
        assert!(!overlap(&[part(0, 2), part(2, 2), Tensor::from_slice(&[1.0_f32])]));
        assert!(!overlap(&[part(0, 0), part(0, 4), part(4, 0)]), "nothing is shared of nothing");
        assert!(overlap(&[part(0, 3), part(2, 2)]));
        assert!(overlap(&[all.shallow_clone(), all.shallow_clone()]));
    }
}
