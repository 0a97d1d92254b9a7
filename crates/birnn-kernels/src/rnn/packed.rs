//! Parameters as the kernels want them: padded, and the weights both ways round.

use std::sync::atomic::{AtomicU64, Ordering};

use birnn_architecture::Precision;

use super::padded::PaddedRow;
use super::spec::{OutputMode, Spec};
use crate::buffer::Buffer;
use crate::gemm::parts::Parts;
use crate::gemm::{PackedWeights, Products};
use crate::isa::{Instructions, Job, LANES, Simd};
use crate::workers::Workers;

/// The parameters of a stack of recurrent layers, laid out for a set of instructions and a precision. Passes
/// only read it: any number of threads may share one, each with a [`Workspace`](crate::Workspace) of its own.
#[derive(Clone, Debug)]
pub struct Packed {
    spec: Spec,
    instructions: Instructions,
    precision: Precision,
    layers: Vec<Vec<PackedDirection>>,
    /// Another one for other parameters, in the whole process.
    version: u64,
}

/// The parameters of one direction of one layer. The candidate of a GRU has its recurrent part apart, since
/// the reset gate comes between.
#[derive(Clone, Debug, Default)]
pub(crate) struct PackedDirection {
    /// Values of one time step of the input, padded.
    pub(crate) features: usize,
    /// Hidden units, padded.
    pub(crate) hidden: usize,
    /// Gates times hidden units, padded.
    pub(crate) gates: usize,
    /// What products with them multiply.
    pub(crate) products: Products,
    /// `[gates, features]`.
    pub(crate) w_ih: PackedWeights,
    /// `[gates, hidden]`; GRU: of the first two gates.
    pub(crate) w_hh: PackedWeights,
    /// GRU: `[hidden, hidden]` of the candidate.
    pub(crate) w_hn: PackedWeights,
    /// What the gates start from, `[gates]`: both biases, but for the GRU's candidate that of the input
    /// alone.
    pub(crate) b: Buffer,
    /// GRU: what the recurrent part of the candidate starts from, `[hidden]`.
    pub(crate) b_hn: Buffer,
}

impl Packed {
    /// Lays `parameters` out: in the order and of the lengths of [`Spec::parameters`]. Products are as exact
    /// as those of f32.
    ///
    /// # Panics
    ///
    /// Where there is no layer, no feature, no direction, or one without units; where there are more or fewer
    /// parameters, or of other lengths.
    pub fn new(spec: Spec, instructions: Instructions, parameters: &[&[f32]]) -> Packed {
        Packed::with_precision(spec, instructions, Precision::Highest, parameters)
    }

    /// As [`Packed::new`], with products as exact as `precision` asks, or more.
    ///
    /// # Panics
    ///
    /// As [`Packed::new`].
    pub fn with_precision(
        spec: Spec,
        instructions: Instructions,
        precision: Precision,
        parameters: &[&[f32]],
    ) -> Packed {
        let sizes = [spec.layers, spec.features, spec.directions().count()];
        let all_there = sizes.into_iter().chain(spec.directions()).all(|size| size > 0);
        assert!(all_there, "a stack needs a layer, a feature, a direction and a unit in each: {spec:?}");
        let products = instructions.products(precision);
        let directions =
            |layer| spec.directions().map(move |units| PackedDirection::new(&spec, products, layer, units));
        let layers = (0..spec.layers).map(|layer| directions(layer).collect()).collect();
        let mut packed = Packed { spec, instructions, precision, layers, version: 0 };
        packed.update(&Workers::new(1, instructions), parameters);
        packed
    }

    /// Lays other `parameters` out, in the same memory, shared out over `workers`. What a workspace has saved
    /// for a backward pass cannot go back through them.
    ///
    /// # Panics
    ///
    /// Where there are more or fewer parameters than [`Spec::parameters`], or of other lengths.
    pub fn update(&mut self, workers: &Workers, parameters: &[&[f32]]) {
        let lengths: Vec<usize> = parameters.iter().map(|values| values.len()).collect();
        assert_eq!(lengths, self.spec.parameters(), "the lengths of the parameters");
        self.version = next_version();
        let mut parameters = parameters.as_chunks::<4>().0.iter();
        let mut jobs = Vec::new();
        for (layer, directions) in self.layers.iter_mut().enumerate() {
            for ((packed, units), &parameters) in
                directions.iter_mut().zip(self.spec.directions()).zip(&mut parameters)
            {
                jobs.push(Pack { packed, parameters, units, input: self.spec.input_row(layer) });
            }
        }
        workers.share(self.instructions, jobs);
    }

    /// The same parameters, of which other outputs are wanted.
    pub fn with_output(mut self, output: OutputMode) -> Packed {
        self.spec.output = output;
        self.version = next_version();
        self
    }

    /// The stack that these are the parameters of.
    pub fn spec(&self) -> &Spec {
        &self.spec
    }

    /// What it is laid out for, and computed with.
    pub fn instructions(&self) -> Instructions {
        self.instructions
    }

    /// How exact its products are, at least.
    pub fn precision(&self) -> Precision {
        self.precision
    }

    /// What they multiply.
    pub(super) fn products(&self) -> Products {
        self.instructions.products(self.precision)
    }

    /// By layer and direction.
    pub(super) fn layers(&self) -> &[Vec<PackedDirection>] {
        &self.layers
    }

    /// The same number for the same parameters only.
    pub(super) fn version(&self) -> u64 {
        self.version
    }
}

fn next_version() -> u64 {
    static NEXT: AtomicU64 = AtomicU64::new(0);
    NEXT.fetch_add(1, Ordering::Relaxed)
}

impl PackedDirection {
    fn new(spec: &Spec, products: Products, layer: usize, units: usize) -> PackedDirection {
        let hidden = units.next_multiple_of(LANES);
        let gates = spec.cell.gates() * hidden;
        PackedDirection {
            features: spec.input_row(layer).padded,
            hidden,
            gates,
            products,
            b: Buffer::zeros(gates),
            b_hn: Buffer::zeros(if spec.cell.scales_recurrent_part() { hidden } else { 0 }),
            ..PackedDirection::default()
        }
    }
}

/// One direction's parameters to be laid out.
struct Pack<'a> {
    packed: &'a mut PackedDirection,
    /// `weight_ih`, `weight_hh`, `bias_ih`, `bias_hh`.
    parameters: [&'a [f32]; 4],
    units: usize,
    /// How a row of the layer's input lies.
    input: PaddedRow,
}

impl Job for Pack<'_> {
    #[inline(always)]
    fn run<S: Simd>(self) {
        let Pack { packed, parameters: [w_ih, w_hh, b_ih, b_hh], units, input } = self;
        match packed.products {
            Products::Parts(parts) if units == packed.hidden && input.len == input.padded => {
                packed.set_all_weights(parts, w_ih, w_hh);
            }
            _ => packed.set_weights::<S>(w_ih, w_hh, units, &input),
        }
        for (own, row) in rows(packed.gates, packed.hidden, units) {
            match packed.of_candidate(row) {
                Some(unit) => (packed.b[row], packed.b_hn[unit]) = (b_ih[own], b_hh[own]),
                None => packed.b[row] = b_ih[own] + b_hh[own],
            }
        }
    }
}

/// The rows of a weight of all gates: where each is without padding, and where with it.
#[inline(always)]
pub(crate) fn rows(gates: usize, hidden: usize, units: usize) -> impl Iterator<Item = (usize, usize)> {
    let of_gate = move |gate| (0..units).map(move |unit| (gate * units + unit, gate * hidden + unit));
    (0..gates / hidden).flat_map(of_gate)
}

impl PackedDirection {
    /// Which unit of a GRU's candidate a row with padding is of, if it is.
    #[inline(always)]
    pub(crate) fn of_candidate(&self, row: usize) -> Option<usize> {
        row.checked_sub(self.gates - self.b_hn.len())
    }

    /// Lays weights out row by row, with padding where they have to have it.
    #[inline(always)]
    fn set_weights<S: Simd>(&mut self, w_ih: &[f32], w_hh: &[f32], units: usize, input: &PaddedRow) {
        let PackedDirection { features, hidden, gates, products, .. } = *self;
        let candidate = self.b_hn.len();
        self.w_ih.reshape::<S>(products, gates, features);
        self.w_hh.reshape::<S>(products, gates - candidate, hidden);
        self.w_hn.reshape::<S>(products, candidate, candidate);
        for (own, row) in rows(gates, hidden, units) {
            for (part, there) in input.pieces() {
                self.w_ih.set(row, there.start, &w_ih[own * input.len..][part]);
            }
            let values = &w_hh[own * units..][..units];
            match self.of_candidate(row) {
                Some(unit) => self.w_hn.set(unit, 0, values),
                None => self.w_hh.set(row, 0, values),
            }
        }
        self.w_ih.finish::<S>();
        self.w_hh.finish::<S>();
        self.w_hn.finish::<S>();
    }

    /// The same for tiles, of weights that need no padding: as they lie.
    fn set_all_weights(&mut self, parts: Parts, w_ih: &[f32], w_hh: &[f32]) {
        let PackedDirection { features, hidden, gates, .. } = *self;
        let candidate = self.b_hn.len();
        let (w_hh, w_hn) = w_hh.split_at((gates - candidate) * hidden);
        self.w_ih.set_all(parts, gates, features, w_ih);
        self.w_hh.set_all(parts, gates - candidate, hidden, w_hh);
        self.w_hn.set_all(parts, candidate, candidate, w_hn);
    }
}
