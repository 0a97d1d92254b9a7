//! Vector code without intrinsics: loops of fixed length, compiled once for each set of instructions, chosen at run time.

/// A set of instructions. Everything that is generic over one is inlined into the function of [`Isa::run`] that has these
/// instructions switched on; there, and not elsewhere, the compiler may use them.
pub(crate) trait Simd: Copy {
    /// `a * b + c`, in one rounding where the instructions have that.
    fn mul_add(a: f32, b: f32, c: f32) -> f32;

    /// `c += a * b`, or `c = start + a * b` with the same row `start [n]` for all rows of `c`.
    fn gemm(product: Product, a: &[f32], b: Columns, c: &mut [f32], start: Option<&[f32]>);
}

/// The shape of a product `c [m, n] += a [m, k] * b [k, n]`. Rows of `b` and `c` are contiguous, `n` is a multiple of
/// [`LANES`].
#[derive(Clone, Copy, Debug)]
pub(crate) struct Product {
    pub(crate) m: usize,
    pub(crate) n: usize,
    pub(crate) k: usize,
    /// From one row of `a` to the next, and from one column to the next.
    pub(crate) a: (usize, usize),
    /// From one row of `c` to the next.
    pub(crate) c: usize,
}

/// The right side of a product.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Columns<'a> {
    /// By rows, so far apart.
    Rows(&'a [f32], usize),
    /// A matrix that was made for this.
    Panels(&'a Matrix),
}

/// A matrix cut into panels of up to [`PANEL`] columns, each stored by rows, one panel after the other: what a tile reads of
/// it lies in one piece.
#[derive(Clone, Debug, Default)]
pub(crate) struct Matrix {
    rows: usize,
    cols: usize,
    values: Vec<f32>,
}

const PANEL: usize = 64;

impl Matrix {
    pub(crate) fn new(rows: usize, cols: usize) -> Matrix {
        Matrix { rows, cols, values: vec![0.0; rows * cols] }
    }

    /// Where a column begins, and how far apart its rows are.
    #[inline(always)]
    fn column(&self, column: usize) -> (usize, usize) {
        let first = column / PANEL * PANEL;
        (first * self.rows + column - first, PANEL.min(self.cols - first))
    }

    /// Replaces a part of a row.
    pub(crate) fn put(&mut self, row: usize, column: usize, values: &[f32]) {
        let (mut column, mut values) = (column, values);
        while !values.is_empty() {
            let (start, stride) = self.column(column);
            let length = values.len().min(stride - column % PANEL);
            let (now, later) = values.split_at(length);
            self.values[start + row * stride..][..length].copy_from_slice(now);
            (column, values) = (column + length, later);
        }
    }

    /// Becomes the transpose of another matrix.
    pub(crate) fn transpose(&mut self, other: &Matrix) {
        let blocks = |length: usize| (0..length).step_by(LANES);
        for (row, column) in
            blocks(other.rows).flat_map(|row| blocks(other.cols).map(move |column| (row, column)))
        {
            let (from, apart) = other.column(column);
            let (to, stride) = self.column(row);
            let from = &other.values[from + row * apart..];
            let to = &mut self.values[to + column * stride..];
            for r in 0..LANES.min(other.rows - row) {
                for c in 0..LANES.min(other.cols - column) {
                    to[c * stride + r] = from[r * apart + c];
                }
            }
        }
    }
}

/// Widths are padded to a multiple of this with zeros, so that no loop has a remainder: the lanes of the widest vector.
pub(crate) const LANES: usize = 16;

/// Instruction sets.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Isa {
    /// 512-bit vectors, fused multiply-add.
    #[cfg(target_arch = "x86_64")]
    Avx512,
    /// 256-bit vectors, fused multiply-add.
    #[cfg(target_arch = "x86_64")]
    Avx2,
    /// What every processor of the architecture has.
    Baseline,
}

/// Work that can be compiled for any instruction set.
pub(crate) trait Work {
    /// Does it. Implementations are `#[inline(always)]`.
    fn run<S: Simd>(self);
}

impl Isa {
    /// The best that this processor has.
    pub(crate) fn detect() -> Isa {
        #[cfg(target_arch = "x86_64")]
        {
            let avx2 = std::is_x86_feature_detected!("avx2") && std::is_x86_feature_detected!("fma");
            if avx2 && std::is_x86_feature_detected!("avx512f") && std::is_x86_feature_detected!("avx512vl") {
                return Isa::Avx512;
            }
            if avx2 {
                return Isa::Avx2;
            }
        }
        Isa::Baseline
    }

    /// All that this processor has.
    #[cfg(test)]
    pub(crate) fn all() -> Vec<Isa> {
        let mut all = vec![Isa::Baseline];
        #[cfg(target_arch = "x86_64")]
        match Isa::detect() {
            Isa::Avx512 => all.extend([Isa::Avx2, Isa::Avx512]),
            Isa::Avx2 => all.push(Isa::Avx2),
            Isa::Baseline => {}
        }
        all
    }

    /// Does `work` with these instructions.
    #[cfg_attr(
        target_arch = "x86_64",
        expect(
            unsafe_code,
            reason = "`detect` is the only way to these values, and has found the instructions"
        )
    )]
    pub(crate) fn run(self, work: impl Work) {
        match self {
            #[cfg(target_arch = "x86_64")]
            Isa::Avx512 => unsafe { with_avx512(work) },
            #[cfg(target_arch = "x86_64")]
            Isa::Avx2 => unsafe { with_avx2(work) },
            Isa::Baseline => work.run::<Portable>(),
        }
    }
}

#[cfg(target_arch = "x86_64")]
#[target_feature(enable = "avx512f,avx512vl,avx512bw,avx512dq,avx2,fma")]
fn with_avx512(work: impl Work) {
    work.run::<Avx512>();
}

#[cfg(target_arch = "x86_64")]
#[target_feature(enable = "avx2,fma")]
fn with_avx2(work: impl Work) {
    work.run::<Avx2>();
}

/// 512-bit vectors: 6 rows of 64 columns are 24 of 32 registers.
#[cfg(target_arch = "x86_64")]
#[derive(Clone, Copy)]
pub(crate) struct Avx512;

/// 256-bit vectors: 6 rows of 16 columns are 12 of 16 registers.
#[cfg(target_arch = "x86_64")]
#[derive(Clone, Copy)]
pub(crate) struct Avx2;

/// 128-bit vectors; on ARM with fused multiply-add.
#[derive(Clone, Copy)]
pub(crate) struct Portable;

#[cfg(target_arch = "x86_64")]
impl Simd for Avx512 {
    #[inline(always)]
    fn mul_add(a: f32, b: f32, c: f32) -> f32 {
        a.mul_add(b, c)
    }

    #[inline(always)]
    #[expect(unsafe_code, reason = "called from within `Isa::run` alone, where these instructions are")]
    fn gemm(product: Product, a: &[f32], b: Columns, c: &mut [f32], start: Option<&[f32]>) {
        unsafe { gemm_avx512(product, a, b, c, start) }
    }
}

#[cfg(target_arch = "x86_64")]
impl Simd for Avx2 {
    #[inline(always)]
    fn mul_add(a: f32, b: f32, c: f32) -> f32 {
        a.mul_add(b, c)
    }

    #[inline(always)]
    #[expect(unsafe_code, reason = "called from within `Isa::run` alone, where these instructions are")]
    fn gemm(product: Product, a: &[f32], b: Columns, c: &mut [f32], start: Option<&[f32]>) {
        unsafe { gemm_avx2(product, a, b, c, start) }
    }
}

impl Simd for Portable {
    #[inline(always)]
    fn mul_add(a: f32, b: f32, c: f32) -> f32 {
        // Without the instruction `mul_add` is a call into the C library, and slow.
        if cfg!(any(target_arch = "aarch64", target_feature = "fma")) { a.mul_add(b, c) } else { a * b + c }
    }

    fn gemm(product: Product, a: &[f32], b: Columns, c: &mut [f32], start: Option<&[f32]>) {
        gemm::<Self, 4, 16>(product, a, b, c, start);
    }
}

// One copy of the product for each set of instructions, for all places that need one.

#[cfg(target_arch = "x86_64")]
#[target_feature(enable = "avx512f,avx512vl,avx512bw,avx512dq,avx2,fma")]
fn gemm_avx512(product: Product, a: &[f32], b: Columns, c: &mut [f32], start: Option<&[f32]>) {
    gemm::<Avx512, 6, 64>(product, a, b, c, start);
}

#[cfg(target_arch = "x86_64")]
#[target_feature(enable = "avx2,fma")]
fn gemm_avx2(product: Product, a: &[f32], b: Columns, c: &mut [f32], start: Option<&[f32]>) {
    gemm::<Avx2, 6, 16>(product, a, b, c, start);
}

/// Rows of `b` that are gone through before the next columns: they and a strip of `a` stay in the second-level cache.
pub(crate) const DEPTH: usize = 256;

/// Tiles of `ROWS` x `COLS` values of `c` stay in registers while `a` and `b` stream past.
#[inline(always)]
fn gemm<S: Simd, const ROWS: usize, const COLS: usize>(
    product: Product,
    a: &[f32],
    b: Columns,
    c: &mut [f32],
    mut start: Option<&[f32]>,
) {
    let Product { m, n, k, .. } = product;
    debug_assert!(n.is_multiple_of(LANES) && k > 0);
    if let Columns::Panels(matrix) = b {
        assert!(k <= matrix.rows && n <= matrix.cols, "{k} x {n} of {} x {}", matrix.rows, matrix.cols);
    }
    if m == 0 {
        return;
    }
    let mut done = 0;
    while done < k {
        let part = Product { k: DEPTH.min(k - done), ..product };
        let a = &a[done * product.a.1..];
        let mut column = 0;
        while column < n {
            // What is left of the columns is a multiple of LANES.
            let width = if column + COLS <= n { COLS } else { LANES };
            let (values, (place, apart)) = match b {
                Columns::Rows(values, apart) => (values, (column, apart)),
                Columns::Panels(matrix) => (&matrix.values[..], matrix.column(column)),
            };
            let b = (&values[place + done * apart..], apart);
            let c = &mut c[column..];
            let start = start.map(|start| &start[column..]);
            if width == COLS {
                strip::<S, ROWS, COLS>(part, a, b, c, start);
            } else {
                strip::<S, ROWS, LANES>(part, a, b, c, start);
            }
            column += width;
        }
        start = None;
        done += part.k;
    }
}

/// `COLS` columns of all rows.
#[inline(always)]
fn strip<S: Simd, const ROWS: usize, const COLS: usize>(
    product: Product,
    a: &[f32],
    b: (&[f32], usize),
    c: &mut [f32],
    start: Option<&[f32]>,
) {
    let mut row = 0;
    while row < product.m {
        let (a, c) = (&a[row * product.a.0..], &mut c[row * product.c..]);
        row += match product.m - row {
            left if left >= ROWS => tile::<S, ROWS, COLS>(product, a, b, c, start),
            4.. => tile::<S, 4, COLS>(product, a, b, c, start),
            2.. => tile::<S, 2, COLS>(product, a, b, c, start),
            _ => tile::<S, 1, COLS>(product, a, b, c, start),
        };
    }
}

/// A tile of `c`; gives the number of its rows.
#[inline(always)]
#[expect(
    unsafe_code,
    reason = "bounds checks in the innermost loop cost half of its speed; they are made before it"
)]
fn tile<S: Simd, const ROWS: usize, const COLS: usize>(
    product: Product,
    a: &[f32],
    (b, next): (&[f32], usize),
    c: &mut [f32],
    start: Option<&[f32]>,
) -> usize {
    let Product { k, a: (down, right), c: below, .. } = product;
    assert!(a.len() > (ROWS - 1) * down + (k - 1) * right && b.len() >= (k - 1) * next + COLS);
    let mut sums = [[0.0_f32; COLS]; ROWS];
    for (row, sums) in sums.iter_mut().enumerate() {
        sums.copy_from_slice(match start {
            Some(start) => &start[..COLS],
            None => &c[row * below..row * below + COLS],
        });
    }
    for step in 0..k {
        // SAFETY: step < k, row < ROWS, and the slices are as long as was asserted.
        let b: &[f32; COLS] = unsafe { &*b.as_ptr().add(step * next).cast() };
        for (row, sums) in sums.iter_mut().enumerate() {
            let a = unsafe { *a.get_unchecked(row * down + step * right) };
            for (sum, b) in sums.iter_mut().zip(b) {
                *sum = S::mul_add(a, *b, *sum);
            }
        }
    }
    for (row, sums) in sums.iter().enumerate() {
        c[row * below..row * below + COLS].copy_from_slice(sums);
    }
    ROWS
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    struct Multiply<'a>(Product, &'a [f32], Columns<'a>, &'a mut [f32], Option<&'a [f32]>);

    impl Work for Multiply<'_> {
        #[inline(always)]
        fn run<S: Simd>(self) {
            S::gemm(self.0, self.1, self.2, self.3, self.4);
        }
    }

    proptest! {
        #[test]
        fn products_are_right_on_every_instruction_set(
            m in 1_usize..20, n in 1_usize..10, k in 1_usize..600, transposed in any::<bool>(), pad in 0_usize..3,
            started in any::<bool>(),
        ) {
            let n = n * LANES;
            // Small integers: sums are exact in any order.
            let value = |index: usize| ((index * 7919) % 17) as f32 - 8.0;
            let a: Vec<f32> = (0..m * k).map(value).collect();
            let b: Vec<f32> = (0..k * (n + pad)).map(|index| value(index + 3)).collect();
            let start: Vec<f32> = (0..m * (n + pad)).map(|index| value(index + 5)).collect();
            let strides = if transposed { (1, m) } else { (k, 1) };
            let product = Product { m, n, k, a: strides, c: n + pad };
            let mut panels = Matrix::new(k, n);
            (0..k).for_each(|row| panels.put(row, 0, &b[row * (n + pad)..][..n]));
            let row: Vec<f32> = (0..n).map(|index| value(index + 9)).collect();
            let mut expected = start.clone();
            if started {
                expected.chunks_mut(n + pad).for_each(|sums| sums[..n].copy_from_slice(&row));
            }
            for (row, column) in (0..m).flat_map(|row| (0..n).map(move |column| (row, column))) {
                let sum: f32 = (0..k)
                    .map(|step| a[row * strides.0 + step * strides.1] * b[step * (n + pad) + column])
                    .sum();
                expected[row * (n + pad) + column] += sum;
            }
            for (isa, b) in Isa::all().into_iter().flat_map(|isa| {
                [Columns::Rows(&b, n + pad), Columns::Panels(&panels)].map(|b| (isa, b))
            }) {
                let mut found = start.clone();
                isa.run(Multiply(product, &a, b, &mut found, started.then_some(&row)));
                prop_assert_eq!(&found, &expected, "{:?}", isa);
            }
        }
    }

    #[test]
    fn a_transpose_is_one() {
        let (rows, cols) = (48, 80);
        let (mut matrix, mut across) = (Matrix::new(rows, cols), Matrix::new(cols, rows));
        let value = |row: usize, col: usize| (row * 1000 + col) as f32;
        for row in 0..rows {
            let values: Vec<f32> = (0..cols).map(|col| value(row, col)).collect();
            matrix.put(row, 0, &values[..7]);
            matrix.put(row, 7, &values[7..]);
        }
        across.transpose(&matrix);
        let at = |matrix: &Matrix, row: usize, col: usize| {
            let (start, apart) = matrix.column(col);
            matrix.values[start + row * apart]
        };
        for (row, col) in (0..rows).flat_map(|row| (0..cols).map(move |col| (row, col))) {
            assert_eq!((at(&matrix, row, col), at(&across, col, row)), (value(row, col), value(row, col)));
        }
    }
}
