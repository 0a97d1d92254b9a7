//! What happens at one time step of one sample, once the products are there: gates, cell and output, and the way back.
//!
//! A row of gates holds each gate's units in turn, in PyTorch's order. Going forward it is turned from what goes into the
//! gates to what comes out of them; going back, from that to the gradient of what went in.

use crate::math::{sigmoid, tanh};
use crate::simd::{LANES, Simd};

/// Values that one vector holds. Working on copies tells the compiler that nothing overlaps, without which it would not
/// use vectors here.
type Vector = [f32; LANES];

#[inline(always)]
fn take(from: &[f32], place: usize) -> Vector {
    let mut vector = [0.0; LANES];
    vector.copy_from_slice(&from[place..place + LANES]);
    vector
}

#[inline(always)]
fn put(into: &mut [f32], place: usize, vector: Vector) {
    into[place..place + LANES].copy_from_slice(&vector);
}

/// In place, one after the other: a loop that the compiler turns into vectors whatever surrounds it.
#[inline(always)]
fn all(values: &mut [f32], change: impl Fn(f32) -> f32) {
    for value in values {
        *value = change(*value);
    }
}

#[inline(always)]
fn each(value: impl Fn(usize) -> f32) -> Vector {
    std::array::from_fn(value)
}

/// `c = f c' + i g`, `h = o tanh(c)`.
#[inline(always)]
pub(crate) fn lstm<S: Simd>(
    gates: &mut [f32],
    before: &[f32],
    cell: &mut [f32],
    squashed: &mut [f32],
    out: &mut [f32],
) {
    let n = out.len();
    all(&mut gates[..2 * n], sigmoid::<S>);
    all(&mut gates[2 * n..3 * n], tanh::<S>);
    all(&mut gates[3 * n..4 * n], sigmoid::<S>);
    for u in (0..n).step_by(LANES) {
        let (i, f, g) = (take(gates, u), take(gates, n + u), take(gates, 2 * n + u));
        let before = take(before, u);
        let c = each(|l| S::mul_add(f[l], before[l], i[l] * g[l]));
        put(cell, u, c);
        put(squashed, u, c);
    }
    all(&mut squashed[..n], tanh::<S>);
    for u in (0..n).step_by(LANES) {
        let (o, t) = (take(gates, 3 * n + u), take(squashed, u));
        put(out, u, each(|l| o[l] * t[l]));
    }
}

/// `d_cell` comes in as the gradient by the cell from the step after, and goes out as that for the step before.
#[inline(always)]
pub(crate) fn lstm_back<S: Simd>(
    gates: &mut [f32],
    before: &[f32],
    squashed: &[f32],
    d_out: &[f32],
    d_cell: &mut [f32],
) {
    let n = d_out.len();
    for u in (0..n).step_by(LANES) {
        let (i, f, g, o) =
            (take(gates, u), take(gates, n + u), take(gates, 2 * n + u), take(gates, 3 * n + u));
        let (before, t, dh) = (take(before, u), take(squashed, u), take(d_out, u));
        let after = take(d_cell, u);
        let dc = each(|l| S::mul_add(dh[l] * o[l], 1.0 - t[l] * t[l], after[l]));
        put(gates, u, each(|l| dc[l] * g[l] * i[l] * (1.0 - i[l])));
        put(gates, n + u, each(|l| dc[l] * before[l] * f[l] * (1.0 - f[l])));
        put(gates, 2 * n + u, each(|l| dc[l] * i[l] * (1.0 - g[l] * g[l])));
        put(gates, 3 * n + u, each(|l| dh[l] * t[l] * o[l] * (1.0 - o[l])));
        put(d_cell, u, each(|l| dc[l] * f[l]));
    }
}

/// `n = tanh(x_n + r q)`, `h = n + z (h' - n)`, where `q` is the recurrent part of the new gate.
#[inline(always)]
pub(crate) fn gru<S: Simd>(gates: &mut [f32], recurrent: &[f32], before: &[f32], out: &mut [f32]) {
    let units = out.len();
    all(&mut gates[..2 * units], sigmoid::<S>);
    for u in (0..units).step_by(LANES) {
        let (r, x, q) = (take(gates, u), take(gates, 2 * units + u), take(recurrent, u));
        put(gates, 2 * units + u, each(|l| S::mul_add(r[l], q[l], x[l])));
    }
    all(&mut gates[2 * units..3 * units], tanh::<S>);
    for u in (0..units).step_by(LANES) {
        let (z, n, before) = (take(gates, units + u), take(gates, 2 * units + u), take(before, u));
        put(out, u, each(|l| S::mul_add(z[l], before[l] - n[l], n[l])));
    }
}

/// `recurrent` goes out as its own gradient; `carry` as what the output before gets past the gates.
#[inline(always)]
pub(crate) fn gru_back(
    gates: &mut [f32],
    recurrent: &mut [f32],
    before: &[f32],
    d_out: &[f32],
    carry: &mut [f32],
) {
    let units = d_out.len();
    for u in (0..units).step_by(LANES) {
        let (r, z, n) = (take(gates, u), take(gates, units + u), take(gates, 2 * units + u));
        let (q, before, dh) = (take(recurrent, u), take(before, u), take(d_out, u));
        let dn = each(|l| dh[l] * (1.0 - z[l]) * (1.0 - n[l] * n[l]));
        put(gates, u, each(|l| dn[l] * q[l] * r[l] * (1.0 - r[l])));
        put(gates, units + u, each(|l| dh[l] * (before[l] - n[l]) * z[l] * (1.0 - z[l])));
        put(gates, 2 * units + u, dn);
        put(recurrent, u, each(|l| dn[l] * r[l]));
        put(carry, u, each(|l| dh[l] * z[l]));
    }
}

/// `h = tanh(x)`; the gates' row keeps `h` for the way back.
#[inline(always)]
pub(crate) fn rnn_tanh<S: Simd>(gates: &mut [f32], out: &mut [f32]) {
    all(gates, tanh::<S>);
    out.copy_from_slice(gates);
}

#[inline(always)]
pub(crate) fn rnn_tanh_back(gates: &mut [f32], d_out: &[f32]) {
    for (gate, d_out) in gates.iter_mut().zip(d_out) {
        *gate = d_out * (1.0 - *gate * *gate);
    }
}

/// `h = max(0, x)`.
#[inline(always)]
pub(crate) fn rnn_relu(gates: &mut [f32], out: &mut [f32]) {
    for (gate, out) in gates.iter_mut().zip(out) {
        // Not `max`, which would turn NaN into 0.
        *gate = if *gate < 0.0 { 0.0 } else { *gate };
        *out = *gate;
    }
}

#[inline(always)]
pub(crate) fn rnn_relu_back(gates: &mut [f32], d_out: &[f32]) {
    for (gate, d_out) in gates.iter_mut().zip(d_out) {
        *gate = if *gate > 0.0 { *d_out } else { 0.0 };
    }
}
