//! A net on plain slices: recurrent layers by birnn's kernels, readout, head.

use std::cmp::Reverse;
use std::ops::Range;
use std::sync::atomic::{AtomicUsize, Ordering};

use std::sync::Arc;

use birnn_architecture::{ATTENTION, Architecture, CRF, HEAD, Head, Inputs, Readout};
use birnn_data::{Lexicon, Sequence, Sequences};
use birnn_kernels::{
    Crf, Input, Instructions, LegalTags, Lengths, Linear, OutputMode, Packed, Precision, Spec, States,
    Workers, infer,
};

use crate::embedding::Embedding;
use crate::readout::{Attention, Pooling};

/// A net with its weights laid out for the kernels. Answers change nothing of it, so threads can share it,
/// each with a [`Workspace`] of its own.
///
/// What a sequence gives does not depend on what it is asked with: alone or in any batch it gives the same
/// bits.
#[derive(Debug)]
pub struct Network {
    architecture: Architecture,
    features: usize,
    outputs: usize,
    embedding: Option<Embedding>,
    /// Transitions, beginnings and ends, where the head is a conditional random field.
    crf: Option<[Vec<f32>; 3]>,
    pub(crate) recurrent: Packed,
    /// None where what the kernels give is read as it is.
    pub(crate) pooling: Option<Pooling>,
    pub(crate) head: Linear,
}

/// The memory that answers are worked out in: it grows with what it is used for, and is kept.
#[derive(Debug)]
pub struct Workspace {
    pub(crate) recurrent: birnn_kernels::Workspace,
    pub(crate) read: ReadBatch,
    pub(crate) pooling: PoolingBuffers,
}

/// How sequences become what the recurrent layers read.
#[derive(Clone, Copy)]
pub enum Reading<'a> {
    /// By adding each to the values that are there, as the net is to see it.
    Values(&'a (dyn Fn(Sequence<'_>, &mut Vec<f32>) + Sync)),
    /// By the vectors that the net has for tokens: what it reads of each form.
    Tokens(&'a Lexicon),
}

/// A batch of sequences as the kernels take it.
#[derive(Debug, Default)]
pub(crate) struct ReadBatch {
    values: Vec<f32>,
    lengths: Vec<usize>,
}

impl ReadBatch {
    /// Takes in `sequences` as `network` is to see them.
    pub(crate) fn of<'a>(
        &mut self,
        network: &Network,
        workspace: &mut Workspace,
        sequences: impl Iterator<Item = Sequence<'a>>,
        reading: Reading<'_>,
    ) -> Input<'_> {
        self.values.clear();
        self.lengths.clear();
        let lengths = &mut self.lengths;
        let sequences = sequences.inspect(|sequence| lengths.push(sequence.steps()));
        network.read_into(workspace, sequences, reading, &mut self.values);
        match self.lengths.first() {
            Some(&first) if self.lengths.iter().all(|&length| length == first) => {
                Input::new(&self.values, self.lengths.len(), first)
            }
            _ => Input::ragged(&self.values, &self.lengths),
        }
    }
}

/// What becomes of the outputs of the recurrent layers.
#[derive(Debug, Default)]
pub(crate) struct PoolingBuffers {
    /// What is read of the top layer by the kernels.
    pub(crate) top: Vec<f32>,
    /// What the head sees, where that is not the same.
    read: Vec<f32>,
    scratch: Vec<f32>,
}

impl Default for Workspace {
    fn default() -> Self {
        Workspace::new()
    }
}

impl Workspace {
    /// For one thread.
    pub fn new() -> Workspace {
        Workspace {
            recurrent: birnn_kernels::Workspace::new(&Workers::new(1, crate::cpu::instructions())),
            read: ReadBatch::default(),
            pooling: PoolingBuffers::default(),
        }
    }
}

/// The kernels' description of a net's recurrent layers.
pub fn spec(architecture: &Architecture, features: usize) -> Spec {
    let Architecture { cell, layers, forward, reverse, readout, .. } = *architecture;
    Spec { cell, features, layers, forward, reverse, output: output_of(readout) }
}

/// What a readout wants of the kernels.
fn output_of(readout: Readout) -> OutputMode {
    match readout {
        Readout::Last => OutputMode::Last,
        Readout::Final => OutputMode::Final,
        Readout::Mean | Readout::Max | Readout::Attention | Readout::Sequence => OutputMode::Sequence,
    }
}

impl Network {
    /// A net for these inputs, such as so many values per time step, with `outputs` outputs; `values` gives
    /// the parameter of a name that [`Architecture::parameters`] lists.
    ///
    /// # Panics
    ///
    /// Where a parameter has not the length that its shape asks for.
    pub fn new(
        architecture: &Architecture,
        inputs: impl Into<Inputs>,
        outputs: usize,
        instructions: Instructions,
        values: impl Fn(&str) -> Vec<f32>,
    ) -> Network {
        Network::with_precision(architecture, inputs, outputs, (instructions, Precision::Highest), values)
    }

    /// As [`Network::new`], with products of this precision in the recurrent layers.
    ///
    /// # Panics
    ///
    /// As [`Network::new`].
    pub fn with_precision(
        architecture: &Architecture,
        inputs: impl Into<Inputs>,
        outputs: usize,
        (instructions, precision): (Instructions, Precision),
        values: impl Fn(&str) -> Vec<f32>,
    ) -> Network {
        let inputs = inputs.into();
        let features = architecture.features(inputs);
        let embedding = Embedding::new(architecture, inputs, (instructions, precision), &values);
        let recurrent: Vec<Vec<f32>> =
            architecture.recurrent_parameters(features).iter().map(|(name, _)| values(name)).collect();
        let recurrent: Vec<&[f32]> = recurrent.iter().map(Vec::as_slice).collect();
        let of = |module: &str, name: &str| values(&format!("{module}.{name}"));
        let pooling = match architecture.readout {
            Readout::Last | Readout::Final | Readout::Sequence => None,
            Readout::Mean => Some(Pooling::Mean),
            Readout::Max => Some(Pooling::Max),
            Readout::Attention => {
                let [weight, bias] = ["weight", "bias"].map(|name| of(ATTENTION, name));
                let attention = Attention::new(instructions, &weight, &bias, of(ATTENTION, "context"));
                Some(Pooling::Attention(attention))
            }
        };
        let width = architecture.output_features();
        let [weight, bias] = ["weight", "bias"].map(|name| of(HEAD, name));
        let crf = (architecture.head == Head::Crf)
            .then(|| ["transitions", "start_transitions", "end_transitions"].map(|name| of(CRF, name)));
        Network {
            architecture: *architecture,
            features,
            outputs,
            embedding,
            crf,
            recurrent: Packed::with_precision(
                spec(architecture, features),
                instructions,
                precision,
                &recurrent,
            ),
            pooling,
            head: Linear::new(instructions, width, outputs, &weight, Some(&bias)),
        }
    }

    /// What it was built from.
    pub fn architecture(&self) -> &Architecture {
        &self.architecture
    }

    /// The conditional random field over its outputs, where it has one; where `legal` says so, of some
    /// transitions alone.
    pub fn crf(&self, legal: Option<&LegalTags>) -> Option<Arc<Crf>> {
        let [transitions, start, end] = self.crf.as_ref()?;
        Some(Arc::new(Crf::new(self.outputs, transitions, start, end, legal)))
    }

    /// The scores of that: of each transition `[from, to]`, of each beginning and of each end `[outputs]`,
    /// what is illegal among them.
    pub fn transitions(&self) -> Option<[&[f32]; 3]> {
        self.crf.as_ref().map(|scores| scores.each_ref().map(Vec::as_slice))
    }

    /// The logits of a batch: `input [batch, time, features]` to `[batch, outputs]`, or
    /// `[batch, time, outputs]` for [`Readout::Sequence`].
    ///
    /// # Panics
    ///
    /// Where `input` is not of that length, or has no time step.
    pub fn logits(&self, workspace: &mut Workspace, input: &[f32], batch: usize) -> Vec<f32> {
        self.answer(workspace, self.input(input, batch))
    }

    /// As [`Network::logits`], of sequences of these `lengths`, one after the other: `input [steps of all,
    /// features]` to `[batch, outputs]`, or `[steps of all, outputs]`.
    ///
    /// # Panics
    ///
    /// Where `input` is not of that length, or a sequence has no time step.
    pub fn logits_ragged(&self, workspace: &mut Workspace, input: &[f32], lengths: &[usize]) -> Vec<f32> {
        self.answer(workspace, Input::ragged(input, lengths))
    }

    /// What the head sees of sequences of these `lengths`, one after the other, as [`Network::logits_ragged`]
    /// takes them: `[batch, width]`, or `[steps of all, width]` for [`Readout::Sequence`].
    ///
    /// # Panics
    ///
    /// As [`Network::logits_ragged`].
    pub fn states_ragged(&self, workspace: &mut Workspace, input: &[f32], lengths: &[usize]) -> Vec<f32> {
        self.seen(workspace, Input::ragged(input, lengths)).to_vec()
    }

    fn answer(&self, workspace: &mut Workspace, input: Input) -> Vec<f32> {
        self.apply_head(self.seen(workspace, input))
    }

    /// What the head sees of a batch: `[batch, width]`, or `[steps of all, width]` where it sees every step.
    fn seen<'w>(&self, workspace: &'w mut Workspace, input: Input) -> &'w [f32] {
        let Workspace { recurrent, pooling, .. } = workspace;
        infer(&self.recurrent, recurrent, input, self.room(input, pooling));
        self.read(input.lengths, pooling)
    }

    /// The net with the same weights whose head sees the outputs of the top layer at every step:
    /// [`Readout::Sequence`].
    pub fn with_every_step(self) -> Network {
        let architecture = Architecture { readout: Readout::Sequence, ..self.architecture };
        let recurrent = self.recurrent.with_output(output_of(architecture.readout));
        Network { architecture, recurrent, pooling: None, ..self }
    }

    /// Adds to `into` what the recurrent layers read of `sequences`: `[steps of all, features]`.
    pub(crate) fn read_into<'a>(
        &self,
        workspace: &mut Workspace,
        sequences: impl Iterator<Item = Sequence<'a>>,
        reading: Reading<'_>,
        into: &mut Vec<f32>,
    ) {
        match (reading, &self.embedding) {
            (Reading::Values(read), _) => sequences.for_each(|sequence| read(sequence, into)),
            (Reading::Tokens(lexicon), Some(embedding)) => {
                embedding.read(workspace, sequences, lexicon, into);
            }
            (Reading::Tokens(_), None) => unreachable!("a net that reads words has vectors for them"),
        }
    }

    /// What the head sees of sequences of these `lengths` that go on from `states`, zeros where there are
    /// none; they become those after them.
    pub(crate) fn states_from(
        &self,
        workspace: &mut Workspace,
        (values, lengths): (&[f32], &[usize]),
        states: &mut Option<States>,
    ) -> Vec<f32> {
        let input = Input { initial: states.as_ref(), ..Input::ragged(values, lengths) };
        let seen = self.seen(workspace, input).to_vec();
        *states = Some(workspace.recurrent.final_states(&self.recurrent));
        seen
    }

    /// Values of a step that the recurrent layers read.
    pub(crate) fn features(&self) -> usize {
        self.features
    }

    /// A batch for the recurrent layers.
    pub(crate) fn input<'a>(&self, values: &'a [f32], batch: usize) -> Input<'a> {
        Input::new(values, batch, values.len() / (batch * self.features).max(1))
    }

    /// Where the outputs of the recurrent layers go.
    pub(crate) fn room<'b>(&self, input: Input, buffers: &'b mut PoolingBuffers) -> &'b mut [f32] {
        let Input { lengths, .. } = input;
        let rows = if self.architecture.readout.needs_sequence() { lengths.steps() } else { lengths.batch() };
        buffers.top.resize(rows * self.architecture.output_features(), 0.0);
        &mut buffers.top
    }

    /// What the head sees of the outputs of the recurrent layers.
    pub(crate) fn read<'b>(&self, lengths: Lengths, buffers: &'b mut PoolingBuffers) -> &'b [f32] {
        let PoolingBuffers { top, read, scratch } = buffers;
        let Some(pooling) = &self.pooling else { return top };
        let width = self.architecture.output_features();
        read.resize(lengths.batch() * width, 0.0);
        let mut rest = &top[..];
        for (time, into) in lengths.each().zip(read.chunks_exact_mut(width)) {
            let (outputs, others) = rest.split_at(time * width);
            rest = others;
            pooling.read(outputs, scratch, into);
        }
        read
    }

    /// The logits, from what the head sees.
    pub(crate) fn apply_head(&self, seen: &[f32]) -> Vec<f32> {
        let mut logits = vec![0.0; seen.len() / self.head.inputs() * self.outputs];
        self.head.forward(seen, &mut logits);
        logits
    }

    /// As [`Network::logits`], of sequences that are read so.
    pub(crate) fn logits_of<'a>(
        &self,
        workspace: &mut Workspace,
        sequences: impl Iterator<Item = Sequence<'a>>,
        reading: Reading<'_>,
    ) -> Vec<f32> {
        self.apply_head(&self.states_of(workspace, sequences, reading))
    }

    /// What the head sees of sequences that are read so.
    pub(crate) fn states_of<'a>(
        &self,
        workspace: &mut Workspace,
        sequences: impl Iterator<Item = Sequence<'a>>,
        reading: Reading<'_>,
    ) -> Vec<f32> {
        let mut batch = std::mem::take(&mut workspace.read);
        let input = batch.of(self, workspace, sequences, reading);
        let states = self.seen(workspace, input).to_vec();
        workspace.read = batch;
        states
    }

    /// The logits of many sequences, on so many threads: in their order, and the same whatever the number.
    ///
    /// # Panics
    ///
    /// Where they are read to other features than the net is for.
    pub fn logits_of_all(
        &self,
        sequences: &Sequences,
        range: Range<usize>,
        reading: Reading<'_>,
        threads: usize,
    ) -> Vec<f32> {
        self.each_batch(sequences, range, threads, |workspace, batch| {
            self.logits_of(workspace, batch, reading)
        })
    }

    /// What the head sees of many sequences, as [`Network::logits_of_all`] has their logits.
    pub(crate) fn states_of_all(
        &self,
        sequences: &Sequences,
        reading: Reading<'_>,
        threads: usize,
    ) -> Vec<f32> {
        self.each_batch(sequences, 0..sequences.len(), threads, |workspace, batch| {
            self.states_of(workspace, batch, reading)
        })
    }

    /// What `work` makes of batches of those of `sequences` that are in `range`, on so many threads, in their
    /// order.
    pub(crate) fn each_batch<'a>(
        &self,
        sequences: &'a Sequences,
        range: Range<usize>,
        threads: usize,
        work: impl Fn(&mut Workspace, &mut dyn Iterator<Item = Sequence<'a>>) -> Vec<f32> + Sync,
    ) -> Vec<f32> {
        let rows = |sample: usize| match self.architecture.readout {
            Readout::Sequence => sequences.get(sample).steps(),
            _ => 1,
        };
        let begin = range.start;
        let mut order: Vec<usize> = range.collect();
        // The kernels are quickest at sequences that are about as long; and the longest last no longer than
        // the rest.
        order.sort_by_key(|&sample| Reverse(sequences.get(sample).steps()));
        let next = AtomicUsize::new(0);
        let take = || {
            let mut workspace = Workspace::new();
            let mut found = Vec::new();
            loop {
                let first = next.fetch_add(BATCH, Ordering::Relaxed);
                let Some(rest) = order.get(first..).filter(|rest| !rest.is_empty()) else { return found };
                let batch = &rest[..BATCH.min(rest.len())];
                let mut taken = batch.iter().map(|&sample| sequences.get(sample));
                found.push((batch, work(&mut workspace, &mut taken)));
            }
        };
        let found = std::thread::scope(|scope| {
            // As many as the system gives: no answer depends on it.
            let start = |_| std::thread::Builder::new().spawn_scoped(scope, take).ok();
            let others: Vec<_> = (1..threads.min(order.len().div_ceil(BATCH))).map_while(start).collect();
            let mut found = take();
            for other in others {
                found.extend(other.join().unwrap_or_else(|panic| std::panic::resume_unwind(panic)));
            }
            found
        });
        let mut of_samples = vec![&[][..]; order.len()];
        for (batch, values) in &found {
            let width = values.len() / batch.iter().map(|&sample| rows(sample)).sum::<usize>();
            let mut rest = values.as_slice();
            for &sample in *batch {
                let (own, others) = rest.split_at(rows(sample) * width);
                of_samples[sample - begin] = own;
                rest = others;
            }
        }
        of_samples.concat()
    }
}

/// Sequences that are worked on together: more are no faster, and take more memory.
const BATCH: usize = 32;
