//! What every weights format holds: arrays of numbers under names.

use std::collections::BTreeMap;

use tch::{Device, Kind, TchError, Tensor, nn};

use crate::error::short_name;

/// Weights by name, sorted.
pub type StateDict = BTreeMap<String, Array>;

/// Numbers in row-major order.
#[derive(Clone, Debug, PartialEq)]
pub struct Array {
    shape: Vec<usize>,
    values: Vec<f32>,
}

impl Array {
    /// An array of `shape`, no lengths at all for a single number.
    ///
    /// # Panics
    ///
    /// When there are not as many values as the shape asks for.
    pub fn new(shape: Vec<usize>, values: Vec<f32>) -> Array {
        assert_eq!(count_of(&shape), Some(values.len()), "values of an array {shape:?}");
        Array { shape, values }
    }

    /// The length of each dimension.
    pub fn shape(&self) -> &[usize] {
        &self.shape
    }

    /// The numbers.
    pub fn values(&self) -> &[f32] {
        &self.values
    }

    pub(crate) fn values_mut(&mut self) -> &mut [f32] {
        &mut self.values
    }

    /// Copies a tensor, from whatever device it is on.
    pub fn from_tensor(tensor: &Tensor) -> Result<Array, TchError> {
        let tensor = tensor.f_detach()?.f_to_device(Device::Cpu)?.f_to_kind(Kind::Float)?.f_contiguous()?;
        let mut values = vec![0.0; tensor.numel()];
        tensor.f_copy_data(&mut values, tensor.numel())?;
        Ok(Array { shape: tensor.size().into_iter().map(|n| n as usize).collect(), values })
    }

    /// As a tensor on the CPU.
    pub fn to_tensor(&self) -> Result<Tensor, TchError> {
        let shape: Vec<i64> = self.shape.iter().map(|&n| n as i64).collect();
        Tensor::f_from_slice(&self.values)?.f_view(&shape[..])
    }
}

/// Numbers in an array of `shape`; `None` where they are beyond all memory. Where one length is 0, the others
/// may be anything.
pub(crate) fn count_of(shape: &[usize]) -> Option<usize> {
    if shape.contains(&0) {
        return Some(0);
    }
    let count = shape.iter().try_fold(1_usize, |count, &length| count.checked_mul(length))?;
    Some(count).filter(|count| *count <= isize::MAX as usize / size_of::<f32>())
}

/// The variables of a net, as they are now.
pub fn state_dict(variables: &nn::VarStore) -> Result<StateDict, TchError> {
    variables
        .variables()
        .iter()
        .map(|(name, tensor)| Ok((name.clone(), Array::from_tensor(tensor)?)))
        .collect()
}

/// Puts weights into the variables of a net.
///
/// # Errors
///
/// Where a variable has no weight of its name, or one of another shape, or a weight has no variable.
pub fn restore(variables: &mut nn::VarStore, weights: &StateDict) -> Result<(), TchError> {
    let there = variables.variables();
    if let Some(name) = weights.keys().find(|name| !there.contains_key(*name)) {
        return Err(TchError::FileFormat(format!("the net has no `{}`", short_name(name))));
    }
    tch::no_grad(|| {
        for (name, mut variable) in there {
            let missing = || TchError::FileFormat(format!("no weight `{name}`"));
            let value = weights.get(&name).ok_or_else(missing)?.to_tensor()?;
            if value.size() != variable.size() {
                let (found, wanted) = (value.size(), variable.size());
                return Err(TchError::FileFormat(format!("`{name}` is {found:?} and should be {wanted:?}")));
            }
            variable.f_copy_(&value)?;
        }
        Ok(())
    })
}
