//! Memory for values.

use std::fmt;
use std::ops::{Deref, DerefMut};

use crate::isa::LANES;

/// Values, of which the first begins a line of the processor's cache: a vector of them lies in one line, and
/// not across two, which would be read twice. Its memory grows as it must and is kept.
#[derive(Clone, Default)]
pub(crate) struct Buffer {
    /// At least as many as `length` needs: one that becomes shorter and then longer again is not filled anew.
    lines: Vec<Line>,
    length: usize,
}

#[derive(Clone, Copy)]
#[repr(C, align(64))]
struct Line([f32; LANES]);

const BLANK: Line = Line([0.0; LANES]);
const _: () = assert!(size_of::<Line>() == size_of::<[f32; LANES]>(), "nothing lies between lines");

impl Buffer {
    pub(crate) fn zeros(length: usize) -> Buffer {
        Buffer { lines: vec![BLANK; length.div_ceil(LANES)], length }
    }

    /// Room for so many values, in the memory that is there or in just enough: each that matters is written
    /// before it is read. (Tests would see one that is not.)
    pub(crate) fn fit(&mut self, length: usize) {
        let lines = length.div_ceil(LANES);
        if self.lines.capacity() < lines {
            self.lines.clear();
            self.lines.reserve_exact(lines);
        }
        if self.lines.len() < lines {
            self.lines.resize(lines, BLANK);
        }
        self.length = length;
        if cfg!(test) {
            self.fill(f32::NAN);
        }
    }

    /// As [`Buffer::fit`] where there is no room for so many values; where there is, it stays as it is.
    pub(crate) fn fit_at_least(&mut self, length: usize) {
        if self.length < length {
            self.fit(length);
        }
    }

    /// So many zeros, in the memory that is there.
    pub(crate) fn zero(&mut self, length: usize) {
        self.fit(length);
        self.fill(0.0);
    }
}

impl Deref for Buffer {
    type Target = [f32];

    #[inline(always)]
    #[expect(unsafe_code, reason = "lines of values are values one after the other")]
    fn deref(&self) -> &[f32] {
        // SAFETY: lines are arrays of `LANES` values without anything between, and there are `length` in
        // them.
        unsafe { std::slice::from_raw_parts(self.lines.as_ptr().cast(), self.length) }
    }
}

impl DerefMut for Buffer {
    #[inline(always)]
    #[expect(unsafe_code, reason = "lines of values are values one after the other")]
    fn deref_mut(&mut self) -> &mut [f32] {
        // SAFETY: as above.
        unsafe { std::slice::from_raw_parts_mut(self.lines.as_mut_ptr().cast(), self.length) }
    }
}

impl fmt::Debug for Buffer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        (**self).fmt(f)
    }
}
