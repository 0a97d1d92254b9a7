//! The formulas on PyTorch's pages, one value at a time, in `f64`.

use crate::dropout::Dropout;
use crate::rnn::{Cell, OutputMode, Spec, States};

/// What a stack is asked.
#[derive(Clone)]
pub(crate) struct Question {
    pub(crate) spec: Spec,
    pub(crate) parameters: Vec<Vec<f64>>,
    /// `[steps of all samples, features]`.
    pub(crate) input: Vec<f64>,
    pub(crate) lengths: Vec<usize>,
    pub(crate) dropout: Option<Dropout>,
    pub(crate) initial: Option<WideStates>,
    /// What is added to the state of a direction of a layer after each step, `[steps of all, units]`.
    pub(crate) added: Option<(usize, Vec<f64>)>,
}

/// As [`States`].
#[derive(Clone)]
pub(crate) struct WideStates {
    pub(crate) h: Vec<Vec<f64>>,
    pub(crate) c: Vec<Vec<f64>>,
}

/// Values that look random and are the same each time; what a kernel is given exactly.
pub(crate) fn values(count: usize, seed: u64, size: f64) -> Vec<f64> {
    (0..count as u64)
        .map(|index| {
            let mut z = (seed << 32 ^ index).wrapping_add(1).wrapping_mul(0x9e37_79b9_7f4a_7c15);
            z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
            z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
            size * ((z >> 40) as f64 / f64::from(1 << 23) - 1.0)
        })
        .map(|value| f64::from(value as f32))
        .collect()
}

pub(crate) fn single(values: &[f64]) -> Vec<f32> {
    values.iter().map(|&value| value as f32).collect()
}

impl Question {
    /// About such a stack and batch, with values that `seed` gives.
    pub(crate) fn new(spec: Spec, batch: usize, time: usize, seed: u64) -> Question {
        Question::ragged(spec, &vec![time; batch], seed)
    }

    /// About samples of these lengths.
    pub(crate) fn ragged(spec: Spec, lengths: &[usize], seed: u64) -> Question {
        let counts = spec.parameters().into_iter().enumerate();
        let parameters = counts.map(|(index, count)| values(count, seed + index as u64, 0.5)).collect();
        let input = values(lengths.iter().sum::<usize>() * spec.features, seed + 1000, 1.0);
        Question {
            spec,
            parameters,
            input,
            lengths: lengths.to_vec(),
            dropout: None,
            initial: None,
            added: None,
        }
    }

    /// The same from states that are not zeros.
    pub(crate) fn started(self, seed: u64) -> Question {
        let States { h, c } = States::zeros(&self.spec, self.lengths.len());
        let drawn = |states: Vec<Vec<f32>>, seed: u64| {
            let states = states.iter().enumerate();
            states.map(|(index, state)| values(state.len(), seed + index as u64, 1.0)).collect()
        };
        Question { initial: Some(WideStates { h: drawn(h, seed + 4000), c: drawn(c, seed + 5000) }), ..self }
    }

    /// What [`forward`](crate::forward) gives, and the states at the end.
    pub(crate) fn answer(&self) -> (Vec<f64>, WideStates) {
        let Question { spec, input, lengths, .. } = self;
        let (mut output, mut begin) = (Vec::new(), 0);
        let States { h, c } = States::zeros(spec, 0);
        let mut end = WideStates { h: vec![Vec::new(); h.len()], c: vec![Vec::new(); c.len()] };
        for (sample, time) in lengths.iter().enumerate() {
            let input = &input[begin * spec.features..][..time * spec.features];
            let sequence = self.sample(sample, begin, input, &mut end);
            begin += time;
            let last = &sequence[time - 1];
            match spec.output {
                OutputMode::Sequence => sequence.iter().for_each(|row| output.extend(row)),
                OutputMode::Last => output.extend(last),
                OutputMode::Final => {
                    let forward = spec.forward.unwrap_or(0);
                    output.extend(&last[..forward]);
                    output.extend(&sequence[0][forward..]);
                }
            }
        }
        (output, end)
    }

    /// The sum of the output, weighted.
    pub(crate) fn loss(&self, weights: &[f64]) -> f64 {
        self.answer().0.iter().zip(weights).map(|(output, weight)| output * weight).sum()
    }

    /// One sample, before which there are `begin` steps, through all layers: `[time][width]`.
    fn sample(&self, sample: usize, begin: usize, input: &[f64], end: &mut WideStates) -> Vec<Vec<f64>> {
        let Question { spec, parameters, dropout, .. } = self;
        let mut sequence: Vec<Vec<f64>> = input.chunks(spec.features).map(<[f64]>::to_vec).collect();
        let mut parameters = parameters.chunks(4);
        let mut state = 0;
        for layer in 0..spec.layers {
            let mut output = vec![Vec::new(); sequence.len()];
            for (index, units) in spec.directions().enumerate() {
                let own = |states: &[Vec<f64>]| match states.get(state) {
                    Some(values) => values[sample * units..(sample + 1) * units].to_vec(),
                    None => vec![0.0; units],
                };
                let (mut h, mut c) = match &self.initial {
                    Some(WideStates { h, c }) => (own(h), own(c)),
                    None => (vec![0.0; units], vec![0.0; units]),
                };
                let own = parameters.next().unwrap();
                let added = self.added.as_ref().filter(|(direction, _)| *direction == state);
                let added = added.map(|(_, values)| &values[begin * units..][..sequence.len() * units]);
                let reverse = index == 1 || spec.forward.is_none();
                let part = direction(spec.cell, &sequence, own, reverse, &mut h, &mut c, added);
                output.iter_mut().zip(part).for_each(|(output, part)| output.extend(part));
                end.h[state].extend(h);
                if let Some(end) = end.c.get_mut(state) {
                    end.extend(c);
                }
                state += 1;
            }
            if let Some(dropout) = dropout.filter(|_| layer + 1 < spec.layers) {
                for (step, row) in output.iter_mut().enumerate() {
                    for (value, kept) in row.iter_mut().zip(spec.kept(dropout, layer, begin + step)) {
                        *value *= if kept { 1.0 / (1.0 - f64::from(dropout.probability)) } else { 0.0 };
                    }
                }
            }
            sequence = output;
        }
        sequence
    }
}

/// One direction over one sample, `[time][features]` to `[time][units]`, from the states `h` and `c` to those
/// at the end.
fn direction(
    cell: Cell,
    input: &[Vec<f64>],
    parameters: &[Vec<f64>],
    reverse: bool,
    h: &mut Vec<f64>,
    c: &mut [f64],
    added: Option<&[f64]>,
) -> Vec<Vec<f64>> {
    let [w_ih, w_hh, b_ih, b_hh] = parameters else { panic!("four parameters") };
    let sigmoid = |x: f64| 1.0 / (1.0 + (-x).exp());
    let dot = |weight: &[f64], row: usize, x: &[f64]| -> f64 {
        weight[row * x.len()..].iter().zip(x).map(|(w, x)| w * x).sum()
    };
    let units = h.len();
    let mut output = vec![Vec::new(); input.len()];
    for taken in 0..input.len() {
        let step = if reverse { input.len() - 1 - taken } else { taken };
        let x = &input[step];
        let from_input = |row: usize| dot(w_ih, row, x) + b_ih[row];
        let from_state = |row: usize| dot(w_hh, row, h) + b_hh[row];
        let gate = |gate: usize, unit: usize| {
            let row = gate * units + unit;
            from_input(row) + from_state(row)
        };
        let mut next: Vec<f64> = (0..units)
            .map(|u| match cell {
                Cell::RnnTanh => gate(0, u).tanh(),
                Cell::RnnRelu => gate(0, u).max(0.0),
                Cell::Gru => {
                    let (r, z) = (sigmoid(gate(0, u)), sigmoid(gate(1, u)));
                    let n = (from_input(2 * units + u) + r * from_state(2 * units + u)).tanh();
                    (1.0 - z) * n + z * h[u]
                }
                Cell::Lstm => {
                    let (i, f, o) = (sigmoid(gate(0, u)), sigmoid(gate(1, u)), sigmoid(gate(3, u)));
                    c[u] = f * c[u] + i * gate(2, u).tanh();
                    o * c[u].tanh()
                }
            })
            .collect();
        for (h, added) in next.iter_mut().zip(added.into_iter().flat_map(|values| &values[step * units..])) {
            *h += added;
        }
        h.clone_from(&next);
        output[step] = next;
    }
    output
}
