//! Rows whose parts are padded.

use std::ops::Range;

use crate::isa::LANES;

/// How a row lies that is made of parts, each padded to a multiple of [`LANES`].
#[derive(Clone, Debug)]
pub(crate) struct PaddedRow {
    /// Each part's length and where it lies in the padded row.
    pub(crate) parts: Vec<(usize, usize)>,
    /// Without padding.
    pub(crate) len: usize,
    /// With it.
    pub(crate) padded: usize,
}

impl PaddedRow {
    pub(crate) fn new(lengths: impl IntoIterator<Item = usize>) -> PaddedRow {
        let (mut parts, mut len, mut padded) = (Vec::new(), 0, 0);
        for length in lengths {
            parts.push((length, padded));
            len += length;
            padded += length.next_multiple_of(LANES);
        }
        PaddedRow { parts, len, padded }
    }

    /// Where each part lies: in a row without padding, and in one with it.
    #[inline(always)]
    pub(crate) fn pieces(&self) -> impl Iterator<Item = (Range<usize>, Range<usize>)> {
        let mut begin = 0;
        self.parts.iter().map(move |&(length, offset)| {
            let own = begin..begin + length;
            begin = own.end;
            (own, offset..offset + length)
        })
    }

    /// Copies a row to where it has padding, which stays as it is.
    pub(crate) fn pad(&self, row: &[f32], padded: &mut [f32]) {
        self.pieces().for_each(|(own, there)| padded[there].copy_from_slice(&row[own]));
    }

    /// Copies a padded row to where it has no padding.
    pub(crate) fn unpad(&self, padded: &[f32], row: &mut [f32]) {
        self.pieces().for_each(|(own, there)| row[own].copy_from_slice(&padded[there]));
    }
}
