//! Weights as normalisations compute them, in `f64`. `None` is what is none of the kind, by its shapes.

use crate::state_dict::Array;

/// `g * v / norm(v)` (Salimans and Kingma 2016, eq. 2), the norm over all dimensions in which `g` has length
/// 1: what `dim` was, its shape tells.
pub(super) fn weight_norm(length: &Array, direction: &Array) -> Option<Array> {
    let shape = direction.shape();
    // With `dim=None`, there is one length for all.
    let lengths = if length.shape().is_empty() { vec![1; shape.len()] } else { length.shape().to_vec() };
    let fits = |(one, other): (&usize, &usize)| *one == 1 || one == other;
    if lengths.len() != shape.len() || !lengths.iter().zip(shape).all(fits) {
        return None;
    }
    // From an index in `v` to the one in `g`.
    let g_index = |mut index: usize| {
        let (mut g, mut stride) = (0, 1);
        for (size, length) in shape.iter().zip(&lengths).rev() {
            if *length > 1 {
                g += (index % size) * stride;
            }
            index /= size;
            stride *= length;
        }
        g
    };
    let mut squares = vec![0.0; length.values().len()];
    for (index, value) in direction.values().iter().enumerate() {
        squares[g_index(index)] += f64::from(*value).powi(2);
    }
    let of = |(index, value): (usize, &f32)| {
        let g = g_index(index);
        (f64::from(*value) * f64::from(length.values()[g]) / squares[g].sqrt()) as f32
    };
    let values = direction.values().iter().enumerate().map(of).collect();
    Some(Array::new(shape.to_vec(), values))
}

/// `w / (u^T w v)` (Miyato et al. 2018, eq. 8), with `u` and `v` as the last step of training left them.
pub(super) fn spectral_norm(weight: &Array, u: &Array, v: &Array) -> Option<Array> {
    let &[rows, columns] = weight.shape() else { return None };
    let bilinear = |u: &[f32], v: &[f32]| -> f64 {
        let row = |row: &[f32]| row.iter().zip(v).map(|(a, b)| f64::from(*a) * f64::from(*b)).sum::<f64>();
        weight
            .values()
            .chunks_exact(columns.max(1))
            .zip(u)
            .map(|(values, u)| row(values) * f64::from(*u))
            .sum()
    };
    let norm = match (u.shape(), v.shape()) {
        ([n], [m]) if (*n, *m) == (rows, columns) => {
            let norm = bilinear(u.values(), v.values());
            // Of a square matrix it could be that of the transposed one (`dim=1`), for which it would be the
            // larger.
            if rows == columns && bilinear(v.values(), u.values()) > norm {
                return None;
            }
            norm
        }
        // With `dim=1`.
        ([n], [m]) if (*n, *m) == (columns, rows) => bilinear(v.values(), u.values()),
        _ => return None,
    };
    let values = weight.values().iter().map(|value| (f64::from(*value) / norm) as f32).collect();
    Some(Array::new(weight.shape().to_vec(), values))
}
