//! The values of a pickle, and the tensors among them.

use std::collections::HashMap;
use std::ops::Range;

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
    /// A class or function by name.
    Global(usize),
    Storage(usize),
    Tensor(usize),
}

/// Where a tensor's numbers are: `torch.save` keeps them outside of the pickle.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Storage {
    /// Such as `FloatStorage`.
    pub(super) class: String,
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
#[derive(Debug, Default)]
pub(super) struct Arena {
    texts: Vec<String>,
    sequences: Vec<Vec<Value>>,
    dicts: Vec<Vec<(Value, Value)>>,
    storages: Vec<Storage>,
    storage_of_key: HashMap<String, usize>,
    tensors: Vec<View>,
}

impl View {
    /// How many numbers it has; it lies in its storage, so they fit.
    pub(super) fn count(&self) -> usize {
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

    /// Whether two of its elements are the same number of the storage, as far as strides tell: those of an array in any order
    /// of its dimensions do not.
    pub(super) fn overlaps_itself(&self) -> bool {
        if self.count() == 0 {
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
    pub(super) fn text(&self, value: Value) -> Option<&str> {
        match value {
            Value::Text(index) => Some(&self.texts[index]),
            _ => None,
        }
    }

    pub(super) fn global(&self, value: Value) -> Option<&str> {
        match value {
            Value::Global(index) => Some(&self.texts[index]),
            _ => None,
        }
    }

    pub(super) fn sequence(&self, value: Value) -> Option<&[Value]> {
        match value {
            Value::Sequence(index) => Some(&self.sequences[index]),
            _ => None,
        }
    }

    pub(super) fn dict(&self, value: Value) -> Option<&[(Value, Value)]> {
        match value {
            Value::Dict(index) => Some(&self.dicts[index]),
            _ => None,
        }
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

    pub(super) fn new_text(&mut self, text: String) -> Value {
        self.texts.push(text);
        Value::Text(self.texts.len() - 1)
    }

    pub(super) fn new_global(&mut self, name: String) -> Value {
        self.texts.push(name);
        Value::Global(self.texts.len() - 1)
    }

    pub(super) fn new_sequence(&mut self, values: Vec<Value>) -> Value {
        self.sequences.push(values);
        Value::Sequence(self.sequences.len() - 1)
    }

    pub(super) fn new_dict(&mut self, pairs: Vec<(Value, Value)>) -> Value {
        self.dicts.push(pairs);
        Value::Dict(self.dicts.len() - 1)
    }

    pub(super) fn new_tensor(&mut self, view: View) -> Value {
        self.tensors.push(view);
        Value::Tensor(self.tensors.len() - 1)
    }

    /// Each view describes its storage anew; `None` where it does so in another way than one before.
    pub(super) fn new_storage(&mut self, storage: Storage) -> Option<Value> {
        if let Some(&index) = self.storage_of_key.get(&storage.key) {
            return (self.storages[index] == storage).then_some(Value::Storage(index));
        }
        self.storage_of_key.insert(storage.key.clone(), self.storages.len());
        self.storages.push(storage);
        Some(Value::Storage(self.storages.len() - 1))
    }

    /// Adds to a sequence.
    pub(super) fn extend(&mut self, sequence: usize, values: &[Value]) {
        self.sequences[sequence].extend(values);
    }

    /// Adds to a dict.
    pub(super) fn set(&mut self, dict: usize, pairs: Vec<(Value, Value)>) {
        self.dicts[dict].extend(pairs);
    }
}
