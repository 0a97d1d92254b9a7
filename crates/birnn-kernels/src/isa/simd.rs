//! What the code of a kernel may ask of a set of instructions.

/// Implements the part of [`Simd`] that names vectors.
macro_rules! vectors {
    (
        $vector:ty, $width:literal, $splat:path, $load:path, $store:path,
        |$a:ident, $b:ident, $c:ident| $mul_add:expr,
        [$add:path, $sub:path, $div:path, $mul:path], [$min:path, $max:path],
        |$n:ident| $power:expr
    ) => {
        type Vector = $vector;
        const WIDTH: usize = $width;

        #[inline(always)]
        unsafe fn splat(value: f32) -> $vector {
            unsafe { $splat(value) }
        }

        #[inline(always)]
        unsafe fn load(from: *const f32) -> $vector {
            unsafe { $load(from.cast()) }
        }

        #[inline(always)]
        unsafe fn store(vector: $vector, to: *mut f32) {
            unsafe { $store(to.cast(), vector) }
        }

        #[inline(always)]
        unsafe fn vector_mul_add($a: $vector, $b: $vector, $c: $vector) -> $vector {
            unsafe { $mul_add }
        }

        #[inline(always)]
        unsafe fn vector_add(a: $vector, b: $vector) -> $vector {
            unsafe { $add(a, b) }
        }

        #[inline(always)]
        unsafe fn vector_sub(a: $vector, b: $vector) -> $vector {
            unsafe { $sub(a, b) }
        }

        #[inline(always)]
        unsafe fn vector_div(a: $vector, b: $vector) -> $vector {
            unsafe { $div(a, b) }
        }

        #[inline(always)]
        unsafe fn vector_mul(a: $vector, b: $vector) -> $vector {
            unsafe { $mul(a, b) }
        }

        #[inline(always)]
        unsafe fn vector_clamp(value: $vector, least: $vector, most: $vector) -> $vector {
            unsafe { $min(most, $max(least, value)) }
        }

        #[inline(always)]
        unsafe fn power_of_two($n: $vector) -> $vector {
            unsafe { $power }
        }
    };
}

pub(super) use vectors;

/// Widths are padded to a multiple of this with zeros, so that no loop has a remainder: the lanes of the
/// widest vector.
pub(crate) const LANES: usize = 16;

/// Asks for the line of memory at `place` to come into the first-level cache. There may be nothing.
#[inline(always)]
pub(crate) fn fetch(place: *const f32) {
    #[cfg(target_arch = "x86_64")]
    #[expect(unsafe_code, reason = "every processor of the architecture has this instruction")]
    // SAFETY: it reads nothing that a program sees, and fails nowhere.
    unsafe {
        std::arch::x86_64::_mm_prefetch::<{ std::arch::x86_64::_MM_HINT_T0 }>(place.cast());
    }
    #[cfg(not(target_arch = "x86_64"))]
    let _ = place;
}

/// What a set of instructions can do. Everything that is generic over one is inlined into the function of
/// [`Simd::call`] that has these instructions switched on; there, and not elsewhere, the compiler may use
/// them.
pub(crate) trait Simd: Copy {
    /// A vector register.
    type Vector: Copy;
    /// Its lanes.
    const WIDTH: usize;
    /// How many of them there are.
    const REGISTERS: usize;

    /// Runs `job` in a function of its own that has these instructions switched on: one copy of it, wherever
    /// it is called. To be called within [`Instructions::run`] alone, which has found the instructions.
    fn call(job: impl Job);

    /// `a * b + c`, in one rounding where the instructions have that.
    fn mul_add(a: f32, b: f32, c: f32) -> f32;

    /// The same value in all lanes.
    ///
    /// # Safety
    ///
    /// As all that follow, within [`Instructions::run`] alone.
    #[expect(unsafe_code, reason = "the caller's instructions must have been found")]
    unsafe fn splat(value: f32) -> Self::Vector;

    /// `WIDTH` values.
    ///
    /// # Safety
    ///
    /// They must be there.
    #[expect(unsafe_code, reason = "reads through a pointer")]
    unsafe fn load(from: *const f32) -> Self::Vector;

    /// `WIDTH` values.
    ///
    /// # Safety
    ///
    /// There must be room for them.
    #[expect(unsafe_code, reason = "writes through a pointer")]
    unsafe fn store(vector: Self::Vector, to: *mut f32);

    /// `a * b + c` in each lane, as [`Simd::mul_add`].
    ///
    /// # Safety
    ///
    /// As [`Simd::splat`].
    #[expect(unsafe_code, reason = "the caller's instructions must have been found")]
    unsafe fn vector_mul_add(a: Self::Vector, b: Self::Vector, c: Self::Vector) -> Self::Vector;

    /// `a + b` in each lane.
    ///
    /// # Safety
    ///
    /// As [`Simd::splat`].
    #[expect(unsafe_code, reason = "the caller's instructions must have been found")]
    unsafe fn vector_add(a: Self::Vector, b: Self::Vector) -> Self::Vector;

    /// `a - b` in each lane.
    ///
    /// # Safety
    ///
    /// As [`Simd::splat`].
    #[expect(unsafe_code, reason = "the caller's instructions must have been found")]
    unsafe fn vector_sub(a: Self::Vector, b: Self::Vector) -> Self::Vector;

    /// `a / b` in each lane.
    ///
    /// # Safety
    ///
    /// As [`Simd::splat`].
    #[expect(unsafe_code, reason = "the caller's instructions must have been found")]
    unsafe fn vector_div(a: Self::Vector, b: Self::Vector) -> Self::Vector;

    /// `a * b` in each lane.
    ///
    /// # Safety
    ///
    /// As [`Simd::splat`].
    #[expect(unsafe_code, reason = "the caller's instructions must have been found")]
    unsafe fn vector_mul(a: Self::Vector, b: Self::Vector) -> Self::Vector;

    /// In each lane the value within these bounds; NaN stays.
    ///
    /// # Safety
    ///
    /// As [`Simd::splat`].
    #[expect(unsafe_code, reason = "the caller's instructions must have been found")]
    unsafe fn vector_clamp(value: Self::Vector, least: Self::Vector, most: Self::Vector) -> Self::Vector;

    /// `2^n` in each lane, of what has the integer `n` in its low bits, within the exponents of normal
    /// numbers.
    ///
    /// # Safety
    ///
    /// As [`Simd::splat`].
    #[expect(unsafe_code, reason = "the caller's instructions must have been found")]
    unsafe fn power_of_two(n: Self::Vector) -> Self::Vector;
}

/// Work that can be compiled for any set of instructions.
pub(crate) trait Job {
    /// Does it. Implementations are `#[inline(always)]`.
    fn run<S: Simd>(self);
}
