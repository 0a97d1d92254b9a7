//! Backward through the time steps of one direction (Werbos 1990).

use birnn_architecture::Cell;
use std::ops::Range;

use super::cell;
use super::chunk::{DirectionBuffers, Operands, Rows};
use super::gradients::{Gradients, add};
use super::packed::PackedDirection;
use super::segments::is_deep;
use super::steps::{Step, Steps, Way};
use crate::gemm::{PackedRows, Shape, gemm};
use crate::isa::Simd;

/// Which outputs of a direction a gradient came with.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Wanted {
    /// Those of all steps.
    All,
    /// That of each row's first step alone: one row of gradients for each.
    First,
    /// That of each row's last step alone.
    Last,
}

/// Where the gradient with respect to the input goes, `[steps, features]`.
pub(crate) struct DInput<'a> {
    pub(crate) values: &'a mut [f32],
    /// Whether nothing is there yet: the first direction takes every step or, where it does not, zeros are
    /// there.
    pub(crate) first: bool,
}

/// What it needs, beside what the direction has saved.
pub(crate) struct BackwardThroughTime<'a> {
    pub(crate) kind: Cell,
    pub(crate) packed: &'a PackedDirection,
    pub(crate) steps: &'a Steps,
    pub(crate) width: usize,
    pub(crate) input: &'a [f32],
    pub(crate) output: &'a [f32],
    /// Where the gradients with respect to the states go, as `output` has these, if they are wanted.
    pub(crate) d_states: Option<&'a mut [f32]>,
    pub(crate) dh_next: &'a mut [f32],
    pub(crate) dc_next: &'a mut [f32],
    pub(crate) dh: &'a mut [f32],
    pub(crate) zeros: &'a [f32],
    pub(crate) operands: &'a mut Operands,
    pub(crate) packed_rows: &'a mut PackedRows,
}

impl<'a> BackwardThroughTime<'a> {
    /// Turns what came out of the gates of a segment, which is in memory, into the gradient with respect to
    /// what went in, and adds the gradients with respect to the input and the parameters, where they are
    /// wanted. The last segment comes first.
    #[inline(always)]
    pub(crate) fn run<S: Simd>(
        &mut self,
        direction: &mut DirectionBuffers,
        segment: usize,
        d_output: &[f32],
        wanted: Wanted,
        mut d_input: Option<DInput>,
        mut gradients: Option<&mut Gradients>,
    ) {
        let steps = self.steps;
        if segment + 1 == direction.segments.len() {
            self.dh_next.fill(0.0);
            self.dc_next.fill(0.0);
        }
        let Range { start, end } = direction.segments[segment];
        let mut waiting = 0..0;
        for step in steps.order(direction.way, start..end).rev() {
            let time = step.time;
            self.step::<S>(direction, &step, d_output, wanted);
            self.go_on::<S>(direction, &step, d_input.as_mut());
            let Some(gradients) = &mut gradients else { continue };
            waiting = match direction.way {
                _ if waiting.is_empty() => time..time + 1,
                Way::Forward => time..waiting.end,
                Way::Reverse | Way::ReverseOnce => waiting.start..time + 1,
            };
            let at_end = time == if direction.way == Way::Forward { start } else { end - 1 };
            if at_end || is_deep(places(direction, steps, &waiting).len()) {
                self.add_to_gradients::<S>(direction, waiting.clone(), gradients);
                waiting = 0..0;
            }
        }
    }

    #[inline(always)]
    fn step<S: Simd>(
        &mut self,
        direction: &mut DirectionBuffers,
        step: &Step,
        d_output: &[f32],
        wanted: Wanted,
    ) {
        let PackedDirection { hidden, gates: n, .. } = *self.packed;
        let (steps, width, offset) = (self.steps, self.width, direction.offset);
        let zeros = &self.zeros[..hidden];
        let Step { time, ref rows, first_new, .. } = *step;
        let (place, place_prev) =
            (direction.place(steps, time), step.prev.map(|prev| direction.place(steps, prev)));
        let (with_gradient, first) = match wanted {
            Wanted::All => (rows.clone(), steps.start(time)),
            Wanted::First => (if time == 0 { rows.clone() } else { 0..0 }, 0),
            Wanted::Last => (steps.ending(time), 0),
        };
        let first_output = direction.first_output(steps);
        let DirectionBuffers { gates, c, tanh_c, recurrent, h_0, c_0, .. } = direction;
        let h_prev = self.h_prev(offset, first_output, h_0);
        let gates = &mut gates[place * n..][..rows.len() * n];
        for (index, row) in rows.clone().enumerate() {
            let gates = &mut gates[index * n..(index + 1) * n];
            let of_row = row * hidden..(row + 1) * hidden;
            let own = (place + index) * hidden..(place + index + 1) * hidden;
            let dh = &mut *self.dh;
            let by_later_steps = &self.dh_next[of_row.clone()];
            match with_gradient.contains(&row) {
                true => {
                    let own = &d_output[(first + row) * width + offset..][..hidden];
                    let sums = by_later_steps.iter().zip(own);
                    dh.iter_mut().zip(sums).for_each(|(dh, (later, own))| *dh = later + own);
                }
                false => dh.copy_from_slice(by_later_steps),
            }
            if let Some(d_states) = &mut self.d_states {
                d_states[(steps.start(time) + row) * width + offset..][..hidden].copy_from_slice(dh);
            }
            match self.kind {
                Cell::RnnTanh => cell::rnn_tanh_backward(gates, dh),
                Cell::RnnRelu => cell::rnn_relu_backward(gates, dh),
                Cell::Gru => {
                    let h_prev = h_prev.of(step, row);
                    cell::gru_backward(gates, &mut recurrent[own], h_prev, dh, &mut self.dh_next[of_row]);
                }
                Cell::Lstm => {
                    let c_prev = match place_prev {
                        Some(place) if row < first_new => &c[(place + row) * hidden..][..hidden],
                        _ if c_0.is_empty() => zeros,
                        _ => &c_0[of_row.clone()],
                    };
                    cell::lstm_backward::<S>(gates, c_prev, &tanh_c[own], dh, &mut self.dc_next[of_row]);
                }
            }
        }
    }

    /// From the gradient with respect to what went into the gates to those with respect to the output of the
    /// step before and, where it is wanted, to the input.
    #[inline(always)]
    fn go_on<S: Simd>(&mut self, direction: &DirectionBuffers, step: &Step, d_input: Option<&mut DInput>) {
        let PackedDirection { features, hidden, gates: n, products, .. } = *self.packed;
        let Step { time, ref rows, .. } = *step;
        let place = direction.place(self.steps, time);
        // A row that begins with this step leaves nothing to a step before.
        let m = step.going_on().len();
        let gates = &direction.gates[place * n..][..rows.len() * n];
        let wanted = if d_input.is_some() { rows.len() } else { m };
        let gates = self.packed_rows.lhs(products, (wanted, n), gates, n);
        // Rows after these have not begun, from this end, and keep a gradient of zero: what follows may be
        // overwritten only where there are none.
        let padded = m == self.steps.rows();
        let product = Shape { m, n: hidden, k: n, stride: hidden, padded };
        let dh_next = &mut self.dh_next[rows.start * hidden..];
        if self.kind.scales_recurrent_part() {
            gemm::<S>(Shape { k: 2 * hidden, ..product }, gates, self.packed.w_hh.plain(), dh_next, None);
        } else {
            gemm::<S>(product, gates, self.packed.w_hh.plain(), dh_next, Some(&self.zeros[..hidden]));
        }
        if let Some(d_input) = d_input {
            let product = Shape { m: rows.len(), n: features, k: n, stride: features, padded: false };
            let init = d_input.first.then_some(&self.zeros[..features]);
            let d_input = &mut d_input.values[(self.steps.start(time) + rows.start) * features..];
            gemm::<S>(product, gates, self.packed.w_ih.plain(), d_input, init);
        }
        if self.kind.scales_recurrent_part() {
            let recurrent = &direction.recurrent[place * hidden..];
            let recurrent = self.packed_rows.lhs(products, (m, hidden), recurrent, hidden);
            gemm::<S>(Shape { k: hidden, ..product }, recurrent, self.packed.w_hn.plain(), dh_next, None);
        }
    }

    /// Adds the gradients with respect to the parameters at the steps `times`, once the gates hold their own.
    #[inline(always)]
    fn add_to_gradients<S: Simd>(
        &mut self,
        direction: &DirectionBuffers,
        times: Range<usize>,
        gradients: &mut Gradients,
    ) {
        let PackedDirection { features, hidden, gates: n, products, .. } = *self.packed;
        let steps = self.steps;
        let all = places(direction, steps, &times);
        let gates = &direction.gates[all.start * n..all.end * n];
        // Every row of these steps, as it is kept.
        let rows = |times: Range<usize>| {
            let taken = times.map(|time| steps.taken(direction.way, time));
            taken.flat_map(|step| step.rows.clone().map(move |row| (step.clone(), row)))
        };

        let h_prev = self.h_prev(direction.offset, direction.first_output(steps), &direction.h_0);
        let Operands { gates: lhs, candidate, rhs } = &mut *self.operands;
        lhs.pack_transposed::<S>(products, gates, n);
        let inputs = rows(times.clone())
            .map(|(step, row)| &self.input[(steps.start(step.time) + row) * features..][..features]);
        rhs.pack::<S>(products, 0, (all.len(), features), inputs);
        let product = Shape { m: n, n: features, k: all.len(), stride: features, padded: false };
        let (sums, init) = gradients.w_ih.for_product(&self.zeros[..features]);
        gemm::<S>(product, lhs.skip(0), rhs, sums, init);

        // Each step's gates with the state before it. Where all of a step begin from zeros there is nothing.
        let times = match direction.way {
            _ if !direction.h_0.is_empty() => times,
            Way::Forward => times.start.max(1)..times.end,
            Way::Reverse => times.start..times.end.min(steps.longest() - 1),
            Way::ReverseOnce => 0..0,
        };
        let with_prev = places(direction, steps, &times);
        if !with_prev.is_empty() {
            let skipped = with_prev.start - all.start;
            let states = rows(times).map(|(step, row)| h_prev.of(&step, row));
            rhs.pack::<S>(products, skipped, (with_prev.len(), hidden), states);
            let gates = lhs.skip(skipped);
            let product = Shape { m: n, n: hidden, k: with_prev.len(), stride: hidden, padded: false };
            let (sums, init) = gradients.w_hh.for_product(&self.zeros[..hidden]);
            if self.kind.scales_recurrent_part() {
                let (sums, w_hn) = sums.split_at_mut(2 * hidden * hidden);
                gemm::<S>(Shape { m: 2 * hidden, ..product }, gates, rhs, sums, init);
                let recurrent = &direction.recurrent[all.start * hidden..all.end * hidden];
                candidate.pack_transposed::<S>(products, recurrent, hidden);
                gemm::<S>(Shape { m: hidden, ..product }, candidate.skip(skipped), rhs, w_hn, init);
            } else {
                gemm::<S>(product, gates, rhs, sums, init);
            }
        }

        // Both biases have the same gradient, but for the GRU's candidate.
        for gates in gates.chunks_exact(n) {
            add(&mut gradients.b_ih, gates);
        }
        if self.kind.scales_recurrent_part() {
            let recurrent = &direction.recurrent[all.start * hidden..all.end * hidden];
            for recurrent in recurrent.chunks_exact(hidden) {
                add(&mut gradients.b_hn, recurrent);
            }
        }
    }

    #[inline(always)]
    fn h_prev<'h>(&self, offset: usize, first: usize, h_0: &'h [f32]) -> HPrev<'h>
    where
        'a: 'h,
    {
        let outputs = Rows { values: &self.output[offset..], stride: self.width };
        HPrev { steps: self.steps, outputs, first, h_0, zeros: &self.zeros[..self.packed.hidden] }
    }
}

/// The states before steps.
#[derive(Clone, Copy)]
struct HPrev<'a> {
    steps: &'a Steps,
    outputs: Rows<'a>,
    /// How many rows come before the first of `outputs`.
    first: usize,
    h_0: &'a [f32],
    zeros: &'a [f32],
}

impl<'a> HPrev<'a> {
    /// Of a row.
    #[inline(always)]
    fn of(&self, step: &Step, row: usize) -> &'a [f32] {
        let hidden = self.zeros.len();
        match step.prev {
            Some(prev) if row < step.first_new => {
                self.outputs.row(self.steps.start(prev) - self.first + row, hidden)
            }
            _ if self.h_0.is_empty() => self.zeros,
            _ => &self.h_0[row * hidden..][..hidden],
        }
    }
}

/// Where the rows of steps that follow one another are kept.
#[inline(always)]
fn places(direction: &DirectionBuffers, steps: &Steps, times: &Range<usize>) -> Range<usize> {
    direction.place(steps, times.start)..direction.place(steps, times.end)
}
