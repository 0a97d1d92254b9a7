//! What PyTorch's `torch.save(model.state_dict(), path)` writes, both ways. Nothing in a file is run.
//!
//! Read are the zip format of PyTorch 1.6 and later and the legacy format before it, with the state dict alone or under a key
//! such as `state_dict`. Written is the zip format, for `torch.load(path, weights_only=True)`.

mod arena;
mod container;
mod pickle;
mod write;

use std::collections::HashMap;
use std::io::{Read, Seek};

use self::arena::{Arena, Value, View};
use self::container::{Container, LEGACY, ZIP};
use crate::number::Number;
use crate::state_dict::{Array, StateDict};

pub use write::encode;

/// Where training scripts keep the state dict in what they save, as far as there is a custom.
const KEYS: [&str; 6] = ["state_dict", "model_state_dict", "model", "module", "net", "network"];

/// Whether a file that starts with `head` is one of PyTorch.
pub(crate) fn is_one(head: &[u8]) -> bool {
    head.starts_with(ZIP) || head.starts_with(LEGACY)
}

/// The state dict in a file of `length` bytes that starts with `head`. The error says what is wrong.
pub(crate) fn parse(source: impl Read + Seek, head: &[u8], length: u64) -> Result<StateDict, String> {
    let (pickle, mut container) = match head.starts_with(ZIP) {
        true => Container::open_zip(source)?,
        false => Container::open_legacy(source, length)?,
    };
    let arena = &pickle.arena;
    let views = views(arena, pickle.root)?;
    refuse_overlaps(arena, &views)?;

    // Each storage is read once, and let go once its tensors are copied out.
    let mut of_storage: HashMap<usize, Vec<(&str, &View)>> = HashMap::new();
    for (name, view) in views {
        of_storage.entry(view.storage).or_default().push((name, view));
    }
    let mut found = StateDict::new();
    for (index, views) in of_storage {
        let storage = arena.storage(index);
        let class = &storage.class;
        let number = number(class).ok_or_else(|| format!("`{}` is a {class}", views[0].0.escape_debug()))?;
        let numbers = number.decode(&container.bytes_of(storage, number.size())?);
        for (name, view) in views {
            let mut values = Vec::with_capacity(view.count());
            if view.count() > 0 {
                gather(&numbers, view.offset, &view.shape, &view.stride, &mut values);
            }
            found.insert(name.to_owned(), Array::new(view.shape.clone(), values));
        }
    }
    Ok(found)
}

/// How the numbers of a storage class are stored; `None` of complex ones and of what there is not.
fn number(class: &str) -> Option<Number> {
    Some(match class {
        "DoubleStorage" => Number::F64,
        "FloatStorage" => Number::F32,
        "HalfStorage" => Number::F16,
        "BFloat16Storage" => Number::BF16,
        "LongStorage" => Number::I64,
        "IntStorage" => Number::I32,
        "ShortStorage" => Number::I16,
        "CharStorage" => Number::I8,
        "ByteStorage" | "BoolStorage" => Number::U8,
        _ => return None,
    })
}

/// The tensors of the state dict: what the root has under a customary key, else the root itself.
fn views(arena: &Arena, root: Value) -> Result<Vec<(&str, &View)>, String> {
    let root = arena.dict(root).ok_or("it holds no dict: in Python, save `model.state_dict()`")?;
    let is_state_dict = |pairs: &[(Value, Value)]| pairs.iter().any(|pair| arena.tensor(pair.1).is_some());
    let under = |key: &str| {
        let (_, value) = root.iter().rfind(|pair| arena.text(pair.0) == Some(key))?;
        arena.dict(*value).filter(|pairs| is_state_dict(pairs))
    };
    // Beside a state dict, there may be other tensors: the state of a generator.
    let own = || Some(root).filter(|root| is_state_dict(root));
    let pairs = KEYS.into_iter().find_map(under).or_else(own).ok_or_else(|| {
        let keys: Vec<_> = root.iter().filter_map(|pair| arena.text(pair.0)).take(10).collect();
        format!(
            "there are no weights in it, nor in one of {}; its keys are {keys:?}",
            KEYS.map(|key| format!("`{key}`")).join(", ")
        )
    })?;
    let mut views = HashMap::new();
    for &(key, value) in pairs {
        let name = arena.text(key).ok_or("a key of its state dict is no text")?;
        let view = arena.tensor(value);
        let view = view.ok_or_else(|| format!("`{}` in its state dict is no tensor", name.escape_debug()))?;
        // As in Python, a key that is set again has its last value.
        views.insert(name, view);
    }
    Ok(views.into_iter().collect())
}

/// In a state dict every number has one place. Where not, a short file could ask for any amount of memory.
fn refuse_overlaps(arena: &Arena, views: &[(&str, &View)]) -> Result<(), String> {
    if let Some((name, _)) = views.iter().find(|(_, view)| view.overlaps_itself()) {
        return Err(format!("elements of the tensor `{}` overlap", name.escape_debug()));
    }
    let mut ranges: Vec<_> =
        views.iter().filter_map(|(name, view)| Some((view.storage, view.range()?, *name))).collect();
    ranges.retain(|(_, range, _)| !range.is_empty());
    ranges.sort_by_key(|(storage, range, _)| (*storage, range.start));
    for pair in ranges.windows(2) {
        let ((storage, range, name), (other, next, next_name)) = (&pair[0], &pair[1]);
        if storage == other && next.start < range.end {
            return Err(format!(
                "the tensors `{}` and `{}` overlap in storage {}",
                name.escape_debug(),
                next_name.escape_debug(),
                arena.storage(*storage).key.escape_debug()
            ));
        }
    }
    Ok(())
}

/// Copies a view to `out`, in row-major order.
fn gather(numbers: &[f32], place: usize, shape: &[usize], stride: &[usize], out: &mut Vec<f32>) {
    match (shape, stride) {
        ([size], [1]) => out.extend(&numbers[place..place + size]),
        ([size, shape @ ..], [step, stride @ ..]) => {
            (0..*size).for_each(|index| gather(numbers, place + index * step, shape, stride, out));
        }
        _ => out.push(numbers[place]),
    }
}
