//! Batches of sequences as libtorch's recurrent layers read them: of one length, or packed.

use tch::{Device, TchError, Tensor};

/// A batch, or what a layer makes of one.
#[derive(Debug)]
pub(crate) struct Sequences<'a> {
    /// `[batch, time, features]`, or packed `[steps, features]`.
    pub(crate) values: Tensor,
    pub(crate) packing: Option<&'a Packing>,
}

/// How sequences of unequal lengths are packed, as PyTorch's `PackedSequence` is: the steps of all, by time and
/// then the longest sequence first, with no padding.
#[derive(Debug)]
pub(crate) struct Packing {
    /// How many sequences there are at each time step, `i64 [time]` on the CPU.
    pub(crate) batch_sizes: Tensor,
    /// Where each sequence is among the sorted ones, `i64 [batch]`.
    places: Tensor,
    /// Of each packed step, its place where one sequence comes after the other, and of each of those its packed
    /// one, `i64 [steps]`.
    unpacked: Tensor,
    packed: Tensor,
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
        let (mut unpacked, mut packed, mut mirror) = (vec![0; steps], vec![0; steps], vec![0; steps]);
        for (place, &sequence) in order.iter().enumerate() {
            places[sequence] = place;
            last[place] = starts[lengths[sequence] - 1] + place;
            for step in 0..lengths[sequence] {
                let row = starts[step] + place;
                unpacked[row] = begins[sequence] + step;
                packed[begins[sequence] + step] = row;
                mirror[row] = starts[lengths[sequence] - 1 - step] + place;
            }
        }
        let on = |values: &[usize], device| {
            let values: Vec<i64> = values.iter().map(|&value| value as i64).collect();
            Tensor::f_from_slice(&values)?.f_to_device(device)
        };
        Ok(Packing {
            batch_sizes: on(&batch_sizes, Device::Cpu)?,
            places: on(&places, device)?,
            unpacked: on(&unpacked, device)?,
            packed: on(&packed, device)?,
            mirror: on(&mirror, device)?,
            last: on(&last, device)?,
        })
    }

    /// Sequences, one after the other, `[steps, features]`.
    pub(crate) fn pack(&self, values: &Tensor) -> Result<Sequences<'_>, TchError> {
        Ok(Sequences { values: values.f_index_select(0, &self.unpacked)?, packing: Some(self) })
    }

    /// Packed steps where one sequence comes after the other.
    pub(crate) fn unpack(&self, values: &Tensor) -> Result<Tensor, TchError> {
        values.f_index_select(0, &self.packed)
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

/// `values [steps, width]` of sequences that lie one after the other, side by side: `[batch, time, width]`, with
/// `padding` behind those that are shorter.
pub(crate) fn padded(values: &Tensor, lengths: &[usize], padding: f64) -> Result<Tensor, TchError> {
    let (steps, width) = (values.size()[0], values.size()[1]);
    let time = lengths.iter().copied().max().unwrap_or(0);
    let begins = begins(lengths);
    let rows = lengths.iter().zip(begins).flat_map(|(&length, begin)| {
        (0..time).map(move |step| if step < length { (begin + step) as i64 } else { steps })
    });
    let rows = Tensor::f_from_slice(&rows.collect::<Vec<_>>())?.f_to_device(values.device())?;
    let behind = Tensor::f_full([1, width], padding, (values.kind(), values.device()))?;
    let all = Tensor::f_cat(&[values, &behind], 0)?.f_index_select(0, &rows)?;
    all.f_view([lengths.len() as i64, time as i64, width])
}
