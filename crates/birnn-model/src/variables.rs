//! The variables of a net from and to plain numbers, as files of weights hold them.

use tch::{Device, Kind, TchError, Tensor, nn};

/// The shape of a tensor and its values as `f32`, row by row, copied from whatever device it is on.
///
/// # Errors
///
/// When libtorch cannot copy it.
pub fn values_of(tensor: &Tensor) -> Result<(Vec<usize>, Vec<f32>), TchError> {
    let tensor = tensor.f_detach()?.f_to_device(Device::Cpu)?.f_to_kind(Kind::Float)?.f_contiguous()?;
    let mut values = vec![0.0; tensor.numel()];
    tensor.f_copy_data(&mut values, tensor.numel())?;
    Ok((tensor.size().into_iter().map(|length| length as usize).collect(), values))
}

/// A tensor on the CPU of this shape and these values, row by row.
///
/// # Errors
///
/// When there are not as many values as the shape asks for.
pub fn tensor_of(shape: &[usize], values: &[f32]) -> Result<Tensor, TchError> {
    let shape: Vec<i64> = shape.iter().map(|&length| length as i64).collect();
    Tensor::f_from_slice(values)?.f_view(&shape[..])
}

/// Puts arrays, each a name, a shape and values, into the variables of a net.
///
/// # Errors
///
/// Where a variable has no array of its name, or one of another shape, or an array has no variable. Variables
/// before the one in error are changed then.
pub fn restore<'a, Name: AsRef<str>>(
    variables: &mut nn::VarStore,
    arrays: impl IntoIterator<Item = (Name, &'a [usize], &'a [f32])>,
) -> Result<(), TchError> {
    let mut missing = variables.variables();
    tch::no_grad(|| {
        for (name, shape, values) in arrays {
            let name = name.as_ref();
            let Some(mut variable) = missing.remove(name) else {
                // The name may be a file's.
                let name: String = name.chars().take(100).flat_map(char::escape_debug).collect();
                return Err(TchError::FileFormat(format!("the net has no `{name}`")));
            };
            let value = tensor_of(shape, values)?;
            if value.size() != variable.size() {
                let (found, wanted) = (value.size(), variable.size());
                return Err(TchError::FileFormat(format!("`{name}` is {found:?} and should be {wanted:?}")));
            }
            variable.f_copy_(&value)?;
        }
        match missing.into_keys().min() {
            Some(name) => Err(TchError::FileFormat(format!("no weight `{name}`"))),
            None => Ok(()),
        }
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn variables() -> nn::VarStore {
        let variables = nn::VarStore::new(Device::Cpu);
        let _ = variables.root().sub("fc").zeros("weight", &[2, 3]);
        let _ = variables.root().sub("fc").zeros("bias", &[2]);
        variables
    }

    #[test]
    fn values_come_back_as_they_went_in() {
        let mut variables = variables();
        let (weight, bias) = ([1.0, -2.0, 3.0, 0.5, 1e-40, 6.0], [7.0, 8.0]);
        let arrays: [(&str, &[usize], &[f32]); 2] =
            [("fc.weight", &[2, 3], &weight), ("fc.bias", &[2], &bias)];
        restore(&mut variables, arrays).unwrap();
        let found = variables.variables();
        assert_eq!(values_of(&found["fc.weight"]).unwrap(), (vec![2, 3], weight.to_vec()));
        assert_eq!(values_of(&found["fc.bias"]).unwrap(), (vec![2], bias.to_vec()));
        let turned = found["fc.weight"].tr();
        assert_eq!(values_of(&turned).unwrap(), (vec![3, 2], vec![1.0, 0.5, -2.0, 1e-40, 3.0, 6.0]));
    }

    #[test]
    fn arrays_of_another_net_are_refused_by_name() {
        let refused = |arrays: &[(&str, &[usize], &[f32])]| {
            restore(&mut variables(), arrays.iter().copied()).unwrap_err().to_string()
        };
        let bias: (&str, &[usize], &[f32]) = ("fc.bias", &[2], &[0.0; 2]);
        assert!(refused(&[bias]).contains("no weight `fc.weight`"));
        assert!(refused(&[bias, ("fc.weight", &[3, 2], &[0.0; 6])]).contains("[3, 2] and should be [2, 3]"));
        assert!(refused(&[bias, ("a\x1bb", &[0], &[])]).contains("the net has no `a\\u{1b}b`"));
    }
}
