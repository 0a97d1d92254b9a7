//! Batches of sequences as libtorch's recurrent layers read them: of one length, or packed.

use tch::{Device, TchError, Tensor};

/// A batch, or what a layer makes of one.
#[derive(Debug)]
pub(crate) struct Sequences<'a> {
    /// `[batch, time, features]`, or packed `[steps, features]`.
    pub(crate) values: Tensor,
    pub(crate) packing: Option<&'a Packing>,
}

/// How sequences of unequal lengths are packed, as PyTorch's `PackedSequence` is: the steps of all, by time
/// and then the longest sequence first, with no padding.
#[derive(Debug)]
pub(crate) struct Packing {
    /// How many sequences there are at each time step, `i64 [time]` on the CPU.
    pub(crate) batch_sizes: Tensor,
    /// Where each sequence is among the sorted ones, `i64 [batch]`.
    places: Tensor,
    /// Which of the steps where one sequence comes after the other each packed one is, and the other way
    /// round, `i64 [steps]`.
    from_sequences: Tensor,
    from_packed: Tensor,
    /// Of each packed step, that which is as far from the other end of its sequence, `i64 [steps]`.
    mirror: Tensor,
    /// The last step of each sorted sequence, `i64 [batch]`.
    last: Tensor,
}

impl Packing {
    /// Of sequences of these lengths, at least one, of at least one step each.
    pub(crate) fn new(lengths: &[usize], device: Device) -> Result<Packing, TchError> {
        let mut order: Vec<usize> = (0..lengths.len()).collect();
        order.sort_by_key(|&sequence| std::cmp::Reverse(lengths[sequence]));
        let begins = begins(lengths);
        let time = order.first().map_or(0, |&longest| lengths[longest]);
        let at = |step: usize| order.partition_point(|&sequence| lengths[sequence] > step);
        let batch_sizes: Vec<usize> = (0..time).map(at).collect();
        let starts = self::begins(&batch_sizes);

        let mut places = vec![0; lengths.len()];
        let mut last = vec![0; lengths.len()];
        let steps = begins[lengths.len()];
        let (mut from_sequences, mut from_packed, mut mirror) =
            (vec![0; steps], vec![0; steps], vec![0; steps]);
        for (place, &sequence) in order.iter().enumerate() {
            places[sequence] = place;
            last[place] = starts[lengths[sequence] - 1] + place;
            for step in 0..lengths[sequence] {
                let row = starts[step] + place;
                from_sequences[row] = begins[sequence] + step;
                from_packed[begins[sequence] + step] = row;
                mirror[row] = starts[lengths[sequence] - 1 - step] + place;
            }
        }
        // In one piece: a GPU is waited for with each that goes there.
        let all = [&places, &last, &from_sequences, &from_packed, &mirror].map(|part| part.iter().copied());
        let all = indices(all.into_iter().flatten(), device)?;
        let (batch, steps) = (lengths.len() as i64, steps as i64);
        let parts = all.f_split_with_sizes([batch, batch, steps, steps, steps], 0)?;
        let [places, last, from_sequences, from_packed, mirror] =
            [0, 1, 2, 3, 4].map(|part| parts[part].shallow_clone());
        let batch_sizes = indices(batch_sizes.into_iter(), Device::Cpu)?;
        Ok(Packing { batch_sizes, places, from_sequences, from_packed, mirror, last })
    }

    /// Sequences, one after the other, `[steps, features]`.
    pub(crate) fn pack(&self, values: &Tensor) -> Result<Sequences<'_>, TchError> {
        Ok(Sequences { values: values.f_index_select(0, &self.from_sequences)?, packing: Some(self) })
    }

    /// Packed steps where one sequence comes after the other.
    pub(crate) fn unpack(&self, values: &Tensor) -> Result<Tensor, TchError> {
        values.f_index_select(0, &self.from_packed)
    }

    /// What there is of each sorted sequence, in the sequences' own order.
    pub(crate) fn unsort(&self, values: &Tensor) -> Result<Tensor, TchError> {
        values.f_index_select(0, &self.places)
    }
}

impl Sequences<'_> {
    /// How many sequences.
    pub(crate) fn batch(&self) -> i64 {
        match self.packing {
            None => self.values.size()[0],
            Some(packing) => packing.places.size()[0],
        }
    }

    /// Each read from its end.
    pub(crate) fn mirrored(&self) -> Result<Self, TchError> {
        let values = match self.packing {
            None => self.values.f_flip([1])?,
            Some(packing) => self.values.f_index_select(0, &packing.mirror)?,
        };
        Ok(Sequences { values, ..*self })
    }

    /// The last step of each, as sequences of one step.
    pub(crate) fn last_steps(&self) -> Result<Self, TchError> {
        let values = match self.packing {
            None => self.values.f_narrow(1, self.values.size()[1] - 1, 1)?,
            Some(packing) => self.values.f_index_select(0, &packing.last)?.f_unsqueeze(1)?,
        };
        Ok(Sequences { values, packing: None })
    }
}

/// Where each of some parts begins, laid one after the other, and where the last one ends.
fn begins(lengths: &[usize]) -> Vec<usize> {
    let ends = lengths.iter().scan(0, |end, length| {
        *end += length;
        Some(*end)
    });
    std::iter::once(0).chain(ends).collect()
}

/// The places of steps that lie one after the other, where the sequences are side by side and as long as the
/// longest: `i64 [steps]`.
pub(crate) fn places(lengths: &[usize], device: Device) -> Result<Tensor, TchError> {
    let time = lengths.iter().copied().max().unwrap_or(0);
    let places =
        lengths.iter().enumerate().flat_map(|(sequence, &length)| sequence * time..sequence * time + length);
    indices(places, device)
}

/// `values [steps, width]` at their [`places`]: `[batch, time, width]`, with `padding` behind those that are
/// shorter.
pub(crate) fn padded(
    values: &Tensor,
    lengths: &[usize],
    places: &Tensor,
    padding: f64,
) -> Result<Tensor, TchError> {
    let (batch, width) = (lengths.len() as i64, values.size()[1]);
    let time = lengths.iter().copied().max().unwrap_or(0) as i64;
    let all = Tensor::f_full([batch * time, width], padding, (values.kind(), values.device()))?;
    all.f_index_copy(0, places, values)?.f_view([batch, time, width])
}

fn indices(values: impl Iterator<Item = usize>, device: Device) -> Result<Tensor, TchError> {
    let values: Vec<i64> = values.map(|value| value as i64).collect();
    Tensor::f_from_slice(&values)?.f_to_device(device)
}
