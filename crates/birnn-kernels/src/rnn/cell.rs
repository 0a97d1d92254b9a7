//! What happens at one time step of one sample, once the products are there: gates, cell and output, forward
//! and backward.
//!
//! A row of gates holds each gate's units in turn, in PyTorch's order. Forward turns it from what goes into
//! the gates to what comes out of them; backward, from that to the gradient with respect to what went in.

use std::ops::Range;

use crate::isa::{LANES, Simd};
use crate::vecmath::{Curve, Sigmoid, Tanh, along};

/// Values that one vector holds. Working on copies tells the compiler that nothing overlaps, without which it
/// would not use vectors here.
type Vector = [f32; LANES];

#[inline(always)]
fn take(from: &[f32], offset: usize) -> Vector {
    let mut vector = [0.0; LANES];
    vector.copy_from_slice(&from[offset..offset + LANES]);
    vector
}

#[inline(always)]
fn put(into: &mut [f32], offset: usize, vector: Vector) {
    into[offset..offset + LANES].copy_from_slice(&vector);
}

/// The gates of a row, and what goes into them where that does not lie there already.
pub(crate) struct Gates<'a> {
    pub(crate) values: &'a mut [f32],
    pub(crate) sums: Option<&'a [f32]>,
}

impl Gates<'_> {
    /// What comes out of some of the gates.
    #[inline(always)]
    fn open<S: Simd, C: Curve>(&mut self, which: Range<usize>) {
        along::<S, C>(&mut self.values[which.clone()], self.sums.map(|sums| &sums[which]));
    }

    /// What goes into some of them.
    #[inline(always)]
    fn copy_sums(&mut self, which: Range<usize>) {
        if let Some(sums) = self.sums {
            self.values[which.clone()].copy_from_slice(&sums[which]);
        }
    }
}

#[inline(always)]
fn each(value: impl Fn(usize) -> f32) -> Vector {
    std::array::from_fn(value)
}

/// `c = f c_prev + i g`, `h = o tanh(c)` (Hochreiter and Schmidhuber 1997; Gers et al. 2000).
#[inline(always)]
pub(crate) fn lstm<S: Simd>(
    mut gates: Gates,
    c_prev: &[f32],
    c: &mut [f32],
    tanh_c: &mut [f32],
    h: &mut [f32],
) {
    let n = h.len();
    gates.open::<S, Sigmoid>(0..2 * n);
    gates.open::<S, Tanh>(2 * n..3 * n);
    gates.open::<S, Sigmoid>(3 * n..4 * n);
    let gates = gates.values;
    for u in (0..n).step_by(LANES) {
        let (i, f, g) = (take(gates, u), take(gates, n + u), take(gates, 2 * n + u));
        let c_prev = take(c_prev, u);
        let value = each(|l| S::mul_add(f[l], c_prev[l], i[l] * g[l]));
        put(c, u, value);
        put(tanh_c, u, value);
    }
    along::<S, Tanh>(&mut tanh_c[..n], None);
    for u in (0..n).step_by(LANES) {
        let (o, t) = (take(gates, 3 * n + u), take(tanh_c, u));
        put(h, u, each(|l| o[l] * t[l]));
    }
}

/// `dc_next` comes in as the gradient with respect to the cell from the step after, and goes out as that for
/// the step before.
#[inline(always)]
pub(crate) fn lstm_backward<S: Simd>(
    gates: &mut [f32],
    c_prev: &[f32],
    tanh_c: &[f32],
    dh: &[f32],
    dc_next: &mut [f32],
) {
    let n = dh.len();
    for u in (0..n).step_by(LANES) {
        let (i, f, g, o) =
            (take(gates, u), take(gates, n + u), take(gates, 2 * n + u), take(gates, 3 * n + u));
        let (c_prev, t, dh) = (take(c_prev, u), take(tanh_c, u), take(dh, u));
        let next = take(dc_next, u);
        let dc = each(|l| S::mul_add(dh[l] * o[l], 1.0 - t[l] * t[l], next[l]));
        put(gates, u, each(|l| dc[l] * g[l] * i[l] * (1.0 - i[l])));
        put(gates, n + u, each(|l| dc[l] * c_prev[l] * f[l] * (1.0 - f[l])));
        put(gates, 2 * n + u, each(|l| dc[l] * i[l] * (1.0 - g[l] * g[l])));
        put(gates, 3 * n + u, each(|l| dh[l] * t[l] * o[l] * (1.0 - o[l])));
        put(dc_next, u, each(|l| dc[l] * f[l]));
    }
}

/// `n = tanh(x_n + r q)`, `h = n + z (h_prev - n)`, where `q` is the recurrent part of the candidate `n` (Cho
/// et al. 2014).
#[inline(always)]
pub(crate) fn gru<S: Simd>(mut gates: Gates, recurrent: &[f32], h_prev: &[f32], h: &mut [f32]) {
    let units = h.len();
    gates.open::<S, Sigmoid>(0..2 * units);
    gates.copy_sums(2 * units..3 * units);
    let gates = gates.values;
    for u in (0..units).step_by(LANES) {
        let (r, x, q) = (take(gates, u), take(gates, 2 * units + u), take(recurrent, u));
        put(gates, 2 * units + u, each(|l| S::mul_add(r[l], q[l], x[l])));
    }
    along::<S, Tanh>(&mut gates[2 * units..3 * units], None);
    for u in (0..units).step_by(LANES) {
        let (z, n, h_prev) = (take(gates, units + u), take(gates, 2 * units + u), take(h_prev, u));
        put(h, u, each(|l| S::mul_add(z[l], h_prev[l] - n[l], n[l])));
    }
}

/// `recurrent` goes out as its own gradient; `dh_next` as what the output before gets past the gates.
#[inline(always)]
pub(crate) fn gru_backward(
    gates: &mut [f32],
    recurrent: &mut [f32],
    h_prev: &[f32],
    dh: &[f32],
    dh_next: &mut [f32],
) {
    let units = dh.len();
    for u in (0..units).step_by(LANES) {
        let (r, z, n) = (take(gates, u), take(gates, units + u), take(gates, 2 * units + u));
        let (q, h_prev, dh) = (take(recurrent, u), take(h_prev, u), take(dh, u));
        let dn = each(|l| dh[l] * (1.0 - z[l]) * (1.0 - n[l] * n[l]));
        put(gates, u, each(|l| dn[l] * q[l] * r[l] * (1.0 - r[l])));
        put(gates, units + u, each(|l| dh[l] * (h_prev[l] - n[l]) * z[l] * (1.0 - z[l])));
        put(gates, 2 * units + u, dn);
        put(recurrent, u, each(|l| dn[l] * r[l]));
        put(dh_next, u, each(|l| dh[l] * z[l]));
    }
}

/// `h = tanh(x)`; the gates' row keeps `h` for the backward pass.
#[inline(always)]
pub(crate) fn rnn_tanh<S: Simd>(mut gates: Gates, h: &mut [f32]) {
    gates.open::<S, Tanh>(0..h.len());
    h.copy_from_slice(gates.values);
}

#[inline(always)]
pub(crate) fn rnn_tanh_backward(gates: &mut [f32], dh: &[f32]) {
    for (gate, dh) in gates.iter_mut().zip(dh) {
        *gate = dh * (1.0 - *gate * *gate);
    }
}

/// `h = max(0, x)`.
#[inline(always)]
pub(crate) fn rnn_relu(mut gates: Gates, h: &mut [f32]) {
    gates.copy_sums(0..h.len());
    for value in &mut *gates.values {
        // Not `max`, which would turn NaN into 0.
        *value = if *value < 0.0 { 0.0 } else { *value };
    }
    h.copy_from_slice(gates.values);
}

#[inline(always)]
pub(crate) fn rnn_relu_backward(gates: &mut [f32], dh: &[f32]) {
    for (gate, dh) in gates.iter_mut().zip(dh) {
        *gate = if *gate > 0.0 { *dh } else { 0.0 };
    }
}
