//! Parameters, and their gradients, as the kernels want them: padded, and the weights both ways round.

use crate::product::Matrix;
use crate::simd::{Instructions, LANES};
use crate::spec::{Cell, Parts, Spec};

/// The parameters of one direction of one layer. The GRU's new gate has its recurrent part apart.
#[derive(Debug)]
pub(crate) struct Weights {
    /// Values of one time step of the input, padded.
    pub(crate) features: usize,
    /// Hidden units, padded.
    pub(crate) hidden: usize,
    /// Gates times hidden units, padded.
    pub(crate) rows: usize,
    /// `[rows, features]`, and the transpose.
    pub(crate) ih: Matrix,
    pub(crate) ih_across: Matrix,
    /// `[rows, hidden]`, and the transpose; GRU: of the first two gates.
    pub(crate) hh: Matrix,
    pub(crate) hh_across: Matrix,
    /// GRU: `[hidden, hidden]` of the new gate, and the transpose.
    pub(crate) new: Matrix,
    pub(crate) new_across: Matrix,
    /// What the gates start from, `[rows]`: both biases, but for the GRU's new gate that of the input alone.
    pub(crate) bias: Vec<f32>,
    /// GRU: what the recurrent part of the new gate starts from, `[hidden]`.
    pub(crate) bias_new: Vec<f32>,
}

/// The gradients of one direction of one layer, as one worker sums them.
#[derive(Debug)]
pub(crate) struct Gradients {
    /// `[rows, features]`.
    pub(crate) ih: Vec<f32>,
    /// `[rows, hidden]`.
    pub(crate) hh: Vec<f32>,
    /// `[rows]`: of the input's bias, and, but for the GRU's new gate, of the other.
    pub(crate) bias_ih: Vec<f32>,
    /// GRU: `[hidden]`, of the recurrent bias of the new gate.
    pub(crate) bias_new: Vec<f32>,
}

impl Weights {
    pub(crate) fn new(spec: &Spec, layer: usize, hidden: usize, instructions: Instructions) -> Weights {
        let (features, hidden) = (spec.input(layer).padded, hidden.next_multiple_of(LANES));
        let rows = spec.cell.gates() * hidden;
        let new = if spec.cell == Cell::Gru { hidden } else { 0 };
        let matrix = |rows, cols| Matrix::new(rows, cols, instructions.panel());
        Weights {
            features,
            hidden,
            rows,
            ih: matrix(rows, features),
            ih_across: matrix(features, rows),
            hh: matrix(rows - new, hidden),
            hh_across: matrix(hidden, rows - new),
            new: matrix(new, new),
            new_across: matrix(new, new),
            bias: vec![0.0; rows],
            bias_new: vec![0.0; new],
        }
    }

    /// Takes in `weight_ih`, `weight_hh`, `bias_ih`, `bias_hh` of `units` hidden units; `input` says how a row of the
    /// layer's input lies.
    #[inline(always)]
    pub(crate) fn load(&mut self, [ih, hh, bias_ih, bias_hh]: [&[f32]; 4], units: usize, input: &Parts) {
        for gate in 0..self.rows / self.hidden {
            // The GRU's third gate keeps its recurrent part apart.
            let apart = !self.bias_new.is_empty() && gate == 2;
            for unit in 0..units {
                let (from, to) = (gate * units + unit, gate * self.hidden + unit);
                let mut row = &ih[from * input.len..][..input.len];
                for &(length, place) in &input.parts {
                    let (part, rest) = row.split_at(length);
                    self.ih.put(to, place, part);
                    row = rest;
                }
                let row = &hh[from * units..][..units];
                if apart {
                    self.new.put(unit, 0, row);
                    self.bias[to] = bias_ih[from];
                    self.bias_new[unit] = bias_hh[from];
                } else {
                    self.hh.put(to, 0, row);
                    self.bias[to] = bias_ih[from] + bias_hh[from];
                }
            }
        }
        self.ih_across.transpose(&self.ih);
        self.hh_across.transpose(&self.hh);
        self.new_across.transpose(&self.new);
    }
}

impl Gradients {
    pub(crate) fn new(weights: &Weights) -> Gradients {
        Gradients {
            ih: vec![0.0; weights.rows * weights.features],
            hh: vec![0.0; weights.rows * weights.hidden],
            bias_ih: vec![0.0; weights.rows],
            bias_new: vec![0.0; weights.bias_new.len()],
        }
    }

    pub(crate) fn clear(&mut self) {
        for part in [&mut self.ih, &mut self.hh, &mut self.bias_ih, &mut self.bias_new] {
            part.fill(0.0);
        }
    }

    /// Adds these sums to the gradients of the four parameters, or puts them there.
    #[inline(always)]
    pub(crate) fn add_to(
        &self,
        weights: &Weights,
        units: usize,
        input: &Parts,
        [ih, hh, bias_ih, bias_hh]: &mut [&mut [f32]; 4],
        fresh: bool,
    ) {
        let state = Parts::new([units]);
        let put = |parts: &Parts, padded: &[f32], row: &mut [f32]| {
            let mut to = 0;
            for &(length, place) in &parts.parts {
                let (row, padded) = (&mut row[to..to + length], &padded[place..place + length]);
                if fresh {
                    row.copy_from_slice(padded);
                } else {
                    row.iter_mut().zip(padded).for_each(|(sum, value)| *sum += value);
                }
                to += length;
            }
        };
        for gate in 0..weights.rows / weights.hidden {
            for unit in 0..units {
                let (to, from) = (gate * units + unit, gate * weights.hidden + unit);
                let padded = &self.ih[from * weights.features..][..weights.features];
                put(input, padded, &mut ih[to * input.len..][..input.len]);
                let padded = &self.hh[from * weights.hidden..][..weights.hidden];
                put(&state, padded, &mut hh[to * units..][..units]);
            }
            let (to, from) = (gate * units, gate * weights.hidden);
            let of_input = &self.bias_ih[from..];
            put(&state, of_input, &mut bias_ih[to..][..units]);
            let apart = !self.bias_new.is_empty() && gate == 2;
            put(&state, if apart { &self.bias_new } else { of_input }, &mut bias_hh[to..][..units]);
        }
    }
}
