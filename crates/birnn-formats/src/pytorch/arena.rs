//! The values of a pickle, and the tensors among them, in memory that its length bounds.

use std::collections::HashMap;
use std::ops::Range;

use super::name::{Name, StorageClass};
use crate::state_dict::count_of;

/// A Python value; what can be large lies in the arena.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) enum Value {
    None,
    Int(i64),
    /// Of no interest: floats, bytes, devices, NumPy's numbers.
    Other,
    Text(usize),
    /// A tuple, list or set.
    Sequence(usize),
    Dict(usize),
    /// A class or function.
    Global(Name),
    Storage(usize),
    Tensor(usize),
}

/// Where a tensor's numbers are: `torch.save` keeps them outside of the pickle.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Storage {
    pub(super) class: StorageClass,
    pub(super) key: String,
    /// Numbers in it.
    pub(super) count: usize,
}

/// A view of a storage, which lies within it.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct View {
    pub(super) storage: usize,
    pub(super) offset: usize,
    pub(super) shape: Vec<usize>,
    pub(super) stride: Vec<usize>,
}

/// All values of a pickle.
///
/// An opcode can build what is much longer than itself: a copy of a list that was read before, for one. So
/// each object and each element is charged for, and there is a budget of [`PER_BYTE`] for each byte of the
/// pickle. What opcodes build of values of their own stays within it, byte by byte.
#[derive(Debug, Default)]
pub(super) struct Arena {
    budget: usize,
    texts: Vec<String>,
    sequences: Vec<Vec<Value>>,
    dicts: Vec<Vec<(Value, Value)>>,
    storages: Vec<Storage>,
    storage_of_key: HashMap<String, usize>,
    tensors: Vec<View>,
}

/// What may be charged for each byte of a pickle, an element being 1.
const PER_BYTE: usize = 4;
/// What a pickle of any length may be charged.
const ALWAYS: usize = 1024;
/// What a tuple, list, dict or text costs besides its elements or bytes.
const OBJECT: usize = 3;
/// What the description of a tensor or a storage costs.
const DESCRIPTION: usize = 16;

/// A pickle asks for more memory than its length allows.
#[derive(Debug, PartialEq)]
pub(super) struct OverBudget;

impl View {
    /// How many numbers it has; `None` where that is beyond all memory, as strides of 0 allow.
    pub(super) fn count(&self) -> Option<usize> {
        count_of(&self.shape)
    }

    /// The numbers of the storage between its first and last; `None` where that is beyond all memory.
    pub(super) fn range(&self) -> Option<Range<usize>> {
        if self.shape.contains(&0) {
            return Some(self.offset..self.offset);
        }
        let mut end = self.offset.checked_add(1)?;
        for (size, stride) in self.shape.iter().zip(&self.stride) {
            end = end.checked_add((size - 1).checked_mul(*stride)?)?;
        }
        Some(self.offset..end)
    }

    /// Whether two of its elements are the same number of the storage, as far as strides tell: those of an
    /// array in any order of its dimensions do not.
    pub(super) fn overlaps_itself(&self) -> bool {
        if self.shape.contains(&0) {
            return false;
        }
        let mut dimensions: Vec<_> =
            self.stride.iter().zip(&self.shape).filter(|(_, size)| **size > 1).collect();
        dimensions.sort_unstable();
        let mut reach = 0;
        for (stride, size) in dimensions {
            if *stride <= reach {
                return true;
            }
            reach += (size - 1) * stride;
        }
        false
    }
}

impl Arena {
    /// For a pickle of `length` bytes.
    pub(super) fn new(length: usize) -> Arena {
        Arena { budget: length.saturating_mul(PER_BYTE).saturating_add(ALWAYS), ..Arena::default() }
    }

    /// Takes `cost` from the budget, before the memory is taken.
    pub(super) fn charge(&mut self, cost: usize) -> Result<(), OverBudget> {
        self.budget = self.budget.checked_sub(cost).ok_or(OverBudget)?;
        Ok(())
    }

    pub(super) fn text(&self, value: Value) -> Option<&str> {
        match value {
            Value::Text(index) => Some(&self.texts[index]),
            _ => None,
        }
    }

    pub(super) fn sequence(&self, value: Value) -> Option<&[Value]> {
        match value {
            Value::Sequence(index) => Some(&self.sequences[index]),
            _ => None,
        }
    }

    /// The keys and values of a dict.
    pub(super) fn pairs(&self, dict: usize) -> &[(Value, Value)] {
        &self.dicts[dict]
    }

    pub(super) fn tensor(&self, value: Value) -> Option<&View> {
        match value {
            Value::Tensor(index) => Some(&self.tensors[index]),
            _ => None,
        }
    }

    /// The storage that a view is of.
    pub(super) fn storage(&self, index: usize) -> &Storage {
        &self.storages[index]
    }

    /// The storage of a key.
    pub(super) fn storage_of(&self, key: &str) -> Option<&Storage> {
        self.storage_of_key.get(key).map(|&index| &self.storages[index])
    }

    pub(super) fn new_text(&mut self, text: &str) -> Result<Value, OverBudget> {
        self.charge(OBJECT + text.len() / size_of::<Value>())?;
        self.texts.push(text.to_owned());
        Ok(Value::Text(self.texts.len() - 1))
    }

    pub(super) fn new_sequence(&mut self, values: Vec<Value>) -> Result<Value, OverBudget> {
        self.charge(OBJECT + values.len())?;
        self.sequences.push(values);
        Ok(Value::Sequence(self.sequences.len() - 1))
    }

    pub(super) fn new_dict(&mut self, pairs: Vec<(Value, Value)>) -> Result<Value, OverBudget> {
        self.charge(OBJECT + 2 * pairs.len())?;
        self.dicts.push(pairs);
        Ok(Value::Dict(self.dicts.len() - 1))
    }

    pub(super) fn new_tensor(&mut self, view: View) -> Result<Value, OverBudget> {
        self.charge(DESCRIPTION)?;
        self.tensors.push(view);
        Ok(Value::Tensor(self.tensors.len() - 1))
    }

    /// Each view describes its storage anew; `None` where it does so in another way than one before.
    pub(super) fn new_storage(
        &mut self,
        class: StorageClass,
        key: &str,
        count: usize,
    ) -> Result<Option<Value>, OverBudget> {
        if let Some(&index) = self.storage_of_key.get(key) {
            let known = &self.storages[index];
            return Ok((known.class == class && known.count == count).then_some(Value::Storage(index)));
        }
        self.charge(DESCRIPTION)?;
        self.storage_of_key.insert(key.to_owned(), self.storages.len());
        self.storages.push(Storage { class, key: key.to_owned(), count });
        Ok(Some(Value::Storage(self.storages.len() - 1)))
    }

    /// Adds to a sequence.
    pub(super) fn extend(&mut self, sequence: usize, values: &[Value]) -> Result<(), OverBudget> {
        self.charge(values.len())?;
        self.sequences[sequence].extend(values);
        Ok(())
    }

    /// Adds to a dict.
    pub(super) fn set(&mut self, dict: usize, pairs: Vec<(Value, Value)>) -> Result<(), OverBudget> {
        self.charge(2 * pairs.len())?;
        self.dicts[dict].extend(pairs);
        Ok(())
    }
}
