//! What PyTorch's `torch.save(model.state_dict(), path)` writes, both ways. Nothing in a file is run.
//!
//! Read are the zip format of PyTorch 1.6 and later and the legacy format before it, with the state dict
//! alone or somewhere in what a training script saved beside it. Written is the zip format, for
//! `torch.load(path, weights_only=True)`.

mod arena;
mod container;
mod name;
mod order;
mod pickle;
mod select;
mod write;

use std::collections::HashMap;
use std::io::{Read, Seek};

use self::arena::{Arena, View};
use self::container::{Container, LEGACY, ZIP};
use crate::error::short_name;
use crate::state_dict::StateDict;

pub use write::encode;

/// How many times the length of a file its tensors may take, as `f32` and each on its own.
pub(crate) const MOST_COPIES: u64 = 8;

/// Whether a file that starts with `head` is one of PyTorch.
pub(crate) fn is_one(head: &[u8]) -> bool {
    head.starts_with(ZIP) || head.starts_with(LEGACY)
}

/// The state dict in a file of `length` bytes that starts with `head`: what `key` names, else the only one
/// there is. The error says what is wrong.
pub(crate) fn parse(
    source: impl Read + Seek,
    head: &[u8],
    length: u64,
    key: Option<&str>,
) -> Result<StateDict, String> {
    let (pickle, mut container) = match head.starts_with(ZIP) {
        true => Container::open_zip(source)?,
        false => Container::open_legacy(source, length)?,
    };
    let arena = &pickle.arena;
    let views = select::views(arena, pickle.root, key)?;
    refuse_overlaps(arena, &views)?;

    // Each storage is read once, and let go once its tensors are copied out.
    let mut of_storage: HashMap<usize, Vec<(&str, &View)>> = HashMap::new();
    for (name, view) in views {
        of_storage.entry(view.storage).or_default().push((name, view));
    }
    let mut found = StateDict::new();
    let mut bytes = 0_u64;
    for (index, views) in of_storage {
        let storage = arena.storage(index);
        let class = storage.class.name;
        let number =
            storage.class.number.ok_or_else(|| format!("`{}` is a {class}", short_name(views[0].0)))?;
        let numbers = number.decode(&container.bytes_of(storage, number.size())?);
        for (name, view) in views {
            let count =
                view.count().ok_or_else(|| format!("a tensor {:?} is beyond all memory", view.shape))?;
            // Numbers that stand once in the file and have many names are copied for each.
            bytes = bytes.saturating_add((count * size_of::<f32>()) as u64);
            if bytes > length.saturating_mul(MOST_COPIES) {
                return Err(format!(
                    "its tensors share their numbers so often that they would take over {MOST_COPIES} times \
                     the length of the file: {CLONES}"
                ));
            }
            let mut values = Vec::with_capacity(count);
            if count > 0 {
                gather(&numbers, view.offset, &view.shape, &view.stride, &mut values);
            }
            found.insert(name.to_owned(), number.array(view.shape.clone(), values));
        }
    }
    Ok(found)
}

/// What to do about tensors that share numbers, where that is no copy of one by another name.
const CLONES: &str =
    "in Python, save `{name: tensor.clone() for name, tensor in model.state_dict().items()}`";

/// Tensors are the same numbers, as weights that are tied are, or have none in common. A part in common is
/// nothing that a net has.
fn refuse_overlaps(arena: &Arena, views: &[(&str, &View)]) -> Result<(), String> {
    if let Some((name, _)) = views.iter().find(|(_, view)| view.overlaps_itself()) {
        return Err(format!("elements of the tensor `{}` overlap: {CLONES}", short_name(name)));
    }
    let mut ranges: Vec<_> = views
        .iter()
        .filter_map(|(name, view)| Some((view.storage, view.range()?, view.count()?, *name)))
        .collect();
    ranges.retain(|(_, range, ..)| !range.is_empty());
    ranges.sort_by_key(|(storage, range, ..)| (*storage, range.start, range.end));
    for pair in ranges.windows(2) {
        let ((storage, range, count, name), (other, next, next_count, next_name)) = (&pair[0], &pair[1]);
        // In whatever order of their dimensions.
        let same = range == next && count == next_count && *count == range.len();
        if storage == other && next.start < range.end && !same {
            return Err(format!(
                "the tensors `{}` and `{}` overlap in storage {}: {CLONES}",
                short_name(name),
                short_name(next_name),
                short_name(&arena.storage(*storage).key)
            ));
        }
    }
    Ok(())
}

/// Copies a view to `out`, in row-major order.
fn gather(numbers: &[f32], offset: usize, shape: &[usize], stride: &[usize], out: &mut Vec<f32>) {
    match (shape, stride) {
        ([size], [1]) => out.extend(&numbers[offset..offset + size]),
        ([size, shape @ ..], [step, stride @ ..]) => {
            (0..*size).for_each(|index| gather(numbers, offset + index * step, shape, stride, out));
        }
        _ => out.push(numbers[offset]),
    }
}
