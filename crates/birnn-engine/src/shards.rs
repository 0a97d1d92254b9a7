//! A step by shards: parts of a batch whose gradients are worked out apart, by whichever rank has them, and
//! added along one tree. What a step comes to depends on how many shards there are, and not on how many
//! ranks.
//!
//! A shard's gradient counts by the positions of the batch that it has, so that the sum is the gradient of
//! the batch's mean loss (synchronous data parallelism, as in Goyal et al. 2017, section 2.3).

use std::ops::Range;

use birnn_distributed::{Collective, Ranks, Tree, deal, fold};
use tch::{Device, Tensor};

use crate::error::EngineError;
use crate::learner::{Learner, StepOutput};
use crate::observer::Control;
use crate::samples::{Batch, Order, Samples};

/// What a step came to.
#[derive(Debug)]
pub(crate) struct Stepped {
    /// Mean loss of the whole batch, `f32 []`.
    pub(crate) loss: Tensor,
    /// Of that loss, by all parameters, as one vector.
    pub(crate) gradient: Tensor,
    /// Positions that the loss counts in the whole batch.
    pub(crate) positions: usize,
    /// Samples of the whole batch.
    pub(crate) samples: usize,
    /// The first shard that this rank had, and the logits for it; none where there are fewer samples than
    /// ranks.
    pub(crate) shard: Option<(Batch, Tensor)>,
    /// What all ranks together asked for after the step before; of one alone it is not asked.
    pub(crate) asked: Option<Control>,
}

/// What a node of the tree over shards comes to.
struct Part {
    gradient: Tensor,
    loss: Tensor,
}

/// Works out the gradient of the batch at `batch` in `order`, this rank those of its shards. `control` is
/// what this rank's observers asked for last.
pub(crate) fn step(
    learner: &mut Learner,
    samples: &Samples,
    (order, batch): (&Order, Range<usize>),
    rng_key: i64,
    (shards, ranks): (usize, &Ranks),
    control: Control,
) -> Result<Stepped, EngineError> {
    let count = batch.len();
    // No shard is empty.
    let shards = shards.min(count);
    let positions = samples.extent(order, batch.clone()).positions;
    let parameters: usize = learner.parameters().iter().map(Tensor::numel).sum();
    let device = learner.device();
    let mut first = None;
    let mut leaf = |shard| -> Result<Part, EngineError> {
        let part = samples.part(order, batch.clone(), deal(count, shards, shard), rng_key)?;
        let StepOutput { mut loss, logits, mut gradient } = learner.gradients(&part, rng_key)?;
        if shards > 1 {
            // In f32, as all that follows.
            let weight = f64::from(part.positions as f32 / positions.max(1) as f32);
            let _ = gradient.f_mul_scalar_(weight)?;
            loss = loss.f_mul_scalar(weight)?;
        }
        first.get_or_insert((part, logits));
        Ok(Part { gradient, loss })
    };
    let mut add = |left: Part, right: Part| -> Result<Part, EngineError> {
        let Part { mut gradient, loss } = left;
        let _ = gradient.f_add_(&right.gradient)?;
        Ok(Part { gradient, loss: loss.f_add(&right.loss)? })
    };
    let (part, asked) = match ranks.collective() {
        None => (fold(0..shards, &mut leaf, &mut add)?, None),
        Some(collective) => {
            let tree = Tree::new(shards, collective.size());
            let nodes = tree.nodes(collective.rank()).iter();
            let own = nodes.map(|node| fold(node.clone(), &mut leaf, &mut add));
            let own = own.collect::<Result<Vec<Part>, EngineError>>()?;
            let (part, asked) = exchange(collective, &tree, &own, control, parameters, device)?;
            (part, Some(asked))
        }
    };
    let Part { gradient, loss } = part;
    Ok(Stepped { loss, gradient, positions, samples: count, shard: first, asked })
}

/// What goes with a gradient: the loss, and how many ranks ask to save and to stop.
const BESIDE: usize = 3;

/// The sum of all ranks' nodes, by way of this rank's memory; and what all ranks ask for.
fn exchange(
    collective: &dyn Collective,
    tree: &Tree,
    own: &[Part],
    control: Control,
    parameters: usize,
    device: Device,
) -> Result<(Part, Control), EngineError> {
    let mut values = Vec::with_capacity(own.len() * (parameters + BESIDE));
    for (index, Part { gradient, loss }) in own.iter().enumerate() {
        values.extend(Vec::<f32>::try_from(gradient)?);
        values.push(f32::try_from(loss)?);
        let asks = |what| f32::from(u8::from(index == 0 && control == what));
        values.extend([asks(Control::Save), asks(Control::Stop)]);
    }
    let sum = tree.sum(collective, &values, parameters + BESIDE)?;
    let (gradient, beside) = sum.split_at(parameters);
    let part = Part {
        gradient: Tensor::f_from_slice(gradient)?.f_to_device(device)?,
        loss: Tensor::from(beside[0]).f_to_device(device)?,
    };
    let control = match (beside[1] > 0.0, beside[2] > 0.0) {
        (_, true) => Control::Stop,
        (true, false) => Control::Save,
        (false, false) => Control::Continue,
    };
    Ok((part, control))
}
