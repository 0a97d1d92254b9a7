//! What every weights format holds: arrays of numbers under names.

use std::collections::BTreeMap;

/// Weights by name, sorted.
pub type StateDict = BTreeMap<String, Array>;

/// Numbers in row-major order.
#[derive(Clone, Debug, PartialEq)]
pub struct Array {
    shape: Vec<usize>,
    values: Vec<f32>,
    are_integers: bool,
}

impl Array {
    /// An array of `shape`, no lengths at all for a single number.
    ///
    /// # Panics
    ///
    /// When there are not as many values as the shape asks for.
    pub fn new(shape: Vec<usize>, values: Vec<f32>) -> Array {
        assert_eq!(count_of(&shape), Some(values.len()), "values of an array {shape:?}");
        Array { shape, values, are_integers: false }
    }

    /// The same, of a file that has them as integers.
    pub(crate) fn of_integers(self) -> Array {
        Array { are_integers: true, ..self }
    }

    /// Whether the file that it is of has integers there: counters, masks, indices, weights that were
    /// quantised.
    pub(crate) fn are_integers(&self) -> bool {
        self.are_integers
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
