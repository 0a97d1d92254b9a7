//! The samples of a run: held once, in memory for a CPU and on the device for any other; batches are gathered
//! there. Images stay bytes until then. Those that are varied each time they are seen are varied by the
//! processor.
//!
//! That takes tens of microseconds per image on all workers, and gives the same variations on every device.

use std::ops::Range;
use std::sync::OnceLock;

use birnn_data::{
    Augment, Lexicon, Modality, NO_CLASS, Per, Sequences, Split, TargetKind, TargetValues, Targets,
    TokenBatch, Values, Wanted, epoch_order, grouped_order,
};
use rayon::prelude::*;
use rayon::{ThreadPool, ThreadPoolBuilder};
use tch::kind::Element;
use tch::{Device, Kind, TchError, Tensor};

use crate::device::workers;
use crate::hiding::{HiddenRead, Hiding};
use crate::tokens::{WordDraw, WordDropout, tokens_of};

/// One split, where batches of it are made.
#[derive(Debug)]
pub struct Samples {
    store: Store,
    /// The first step of each, and after the last the number of all.
    offsets: Vec<usize>,
    /// The steps of any, where all have as many.
    common: Option<usize>,
    features: usize,
    /// Of text: what a net reads of each form.
    lexicon: Option<Lexicon>,
    word_dropout: WordDropout,
    /// Of samples that are learnt from with other values hidden each time.
    hiding: Option<Hiding>,
    /// How many targets of the samples before each the loss counts, and after the last of all; where it does
    /// not count all.
    counted: Option<Vec<usize>>,
    /// Classes `i64 [positions]`, or numbers `f32 [positions, numbers]`, on the device.
    target: Tensor,
    /// The same in memory.
    targets: Targets,
}

/// A class that the loss does not count.
pub(crate) const NOT_ASKED: i64 = -100;

/// A class of own tokens as the loss has it.
fn wide(label: u32) -> i64 {
    if label == NO_CLASS { NOT_ASKED } else { i64::from(label) }
}

/// Where the values are.
#[derive(Debug)]
enum Store {
    /// In memory.
    Memory(Sequences),
    /// In memory, images to be varied.
    Varied(Sequences, Augment),
    /// On the device, `u8` or `f32 [steps of all, features]`.
    Device(Tensor),
}

impl Store {
    fn on_device(sequences: &Sequences, device: Device) -> Result<Store, TchError> {
        let values = match sequences.values() {
            Values::Bytes(bytes) => Tensor::f_from_slice(bytes)?,
            Values::Floats(floats) => Tensor::f_from_slice(floats)?,
            // What a net reads of them is made anew for each batch.
            Values::Tokens(..) => return Ok(Store::Memory(sequences.clone())),
        };
        Ok(Store::Device(values.f_view([-1, sequences.features() as i64])?.f_to_device(device)?))
    }
}

/// What one step sees. While a net computes on it, nothing may write to its tensors' storages; see
/// [`Learner::gradients`](crate::Learner::gradients).
#[derive(Debug)]
pub struct Batch {
    /// As the net reads them: `f32 [batch, time, features]`, or where there are `lengths` one sequence after
    /// the other, `f32 [steps of all, features]`. Of text there is none: it has `tokens`.
    pub input: Tensor,
    /// Of text: its tokens, one sentence after the other.
    pub tokens: Option<TokenBatch>,
    /// The steps of each sequence; `None` where all have as many.
    pub lengths: Option<Vec<usize>>,
    /// What the answers should be: classes, `i64 [positions]`, or numbers, `f32 [positions, numbers]`.
    /// Positions are the sequences, or all their steps.
    pub target: Tensor,
    /// How many positions the loss counts.
    pub positions: usize,
    /// How many steps of the whole batch come before this part of it: dropout draws for each step by its
    /// place in the batch, whatever parts that has.
    pub first_step: usize,
}

impl Batch {
    /// How many sequences.
    pub fn samples(&self) -> usize {
        self.lengths.as_ref().map_or_else(|| self.input.size()[0] as usize, Vec::len)
    }

    /// The steps of each sequence.
    pub fn lengths(&self) -> Vec<usize> {
        let equal = || vec![self.input.size()[1] as usize; self.samples()];
        self.lengths.clone().unwrap_or_else(equal)
    }

    /// What the answers should be, which are `wanted`, in memory; waits for the device.
    pub fn targets(&self, Wanted { kind, per }: Wanted) -> Result<Targets, TchError> {
        let target = self.target.f_view(-1)?;
        let values = match (self.target.kind(), kind) {
            (Kind::Int64, TargetKind::Hidden | TargetKind::Next) => {
                let labels = Vec::<i64>::try_from(target)?.into_iter();
                let labels = labels.map(|label| u32::try_from(label).unwrap_or(NO_CLASS)).collect();
                TargetValues::SelfClasses { labels, kind }
            }
            (Kind::Int64, _) => {
                let labels = Vec::<i64>::try_from(target)?.into_iter();
                TargetValues::Classes(labels.map(|label| label as u16).collect())
            }
            _ => TargetValues::Numbers {
                values: Vec::try_from(target)?,
                width: self.target.size()[1] as usize,
            },
        };
        Ok(Targets { values, per })
    }

    /// Which of its sequences the answer at `position` is of.
    pub fn of_position(&self, position: usize, per: Per) -> usize {
        match (per, &self.lengths) {
            (Per::Sequence, _) => position,
            (Per::Step, None) => position / self.input.size()[1].max(1) as usize,
            (Per::Step, Some(lengths)) => {
                let ends = lengths.iter().scan(0, |end, length| {
                    *end += length;
                    Some(*end)
                });
                ends.take_while(|&end| end <= position).count()
            }
        }
    }

    /// Which of all steps are those of one of its sequences.
    pub fn steps_of(&self, index: usize) -> Range<usize> {
        match &self.lengths {
            None => {
                let steps = self.input.size()[1] as usize;
                index * steps..(index + 1) * steps
            }
            Some(lengths) => {
                let begin = lengths[..index].iter().sum();
                begin..begin + lengths[index]
            }
        }
    }

    /// The values of one of its sequences, as the net reads them, step by step; waits for the device.
    pub fn sequence(&self, index: usize) -> Result<Vec<f32>, TchError> {
        let own = match &self.lengths {
            None => self.input.f_get(index as i64)?,
            Some(_) => {
                let steps = self.steps_of(index);
                self.input.f_narrow(0, steps.start as i64, steps.len() as i64)?
            }
        };
        Vec::try_from(own.f_contiguous()?.f_view(-1)?)
    }
}

/// How much there is of some samples.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Extent {
    /// Steps of all of them.
    pub steps: usize,
    /// Positions that the loss counts: the samples, or all their steps.
    pub positions: usize,
}

/// The order in which an epoch shows the samples.
#[derive(Debug)]
pub struct Order {
    indices: Vec<u32>,
    /// The same on the device, `i64 [samples]`.
    on_device: Tensor,
}

impl Samples {
    /// A split whose sequences a net reads as `modality` says, for `device`. Batches show images varied,
    /// where `augment` says how.
    pub fn new(
        split: Split,
        modality: &Modality,
        augment: Option<Augment>,
        device: Device,
    ) -> Result<Samples, TchError> {
        let Split { sequences, targets } = split;
        let sequences = modality.prepare(sequences);
        let lexicon = modality.lexicon(&sequences);
        // Sentences are never taken to be of one length.
        let common = sequences.common_length().filter(|_| lexicon.is_none());
        let features = sequences.features();
        let mut offsets = vec![0];
        offsets.extend(sequences.lengths().scan(0, |steps, length| {
            *steps += length;
            Some(*steps)
        }));
        let target = match &targets.values {
            TargetValues::Classes(labels) => {
                let labels: Vec<i64> = labels.iter().copied().map(i64::from).collect();
                Tensor::f_from_slice(&labels)?.f_to_device(device)?
            }
            TargetValues::SelfClasses { labels, .. } => {
                let labels: Vec<i64> = labels.iter().copied().map(wide).collect();
                Tensor::f_from_slice(&labels)?.f_to_device(device)?
            }
            TargetValues::Numbers { values, width } | TargetValues::SelfNumbers { values, width, .. } => {
                Tensor::f_from_slice(values)?.f_view([-1, *width as i64])?.f_to_device(device)?
            }
        };
        let store = match (augment, device) {
            (Some(augment), _) => Store::Varied(sequences, augment),
            (None, Device::Cpu) => Store::Memory(sequences),
            (None, _) => Store::on_device(&sequences, device)?,
        };
        let is_partial =
            matches!(targets.values, TargetValues::SelfNumbers { .. } | TargetValues::SelfClasses { .. });
        let counted = is_partial.then(|| {
            let of = |steps: &[usize]| targets.counted(steps[0]..steps[1]);
            let sums = offsets.windows(2).map(of).scan(0, |sum, count| {
                *sum += count;
                Some(*sum)
            });
            std::iter::once(0).chain(sums).collect()
        });
        let (word_dropout, hiding) = (WordDropout::default(), None);
        Ok(Samples {
            store,
            offsets,
            common,
            features,
            lexicon,
            word_dropout,
            hiding,
            counted,
            target,
            targets,
        })
    }

    /// The same, whose batches have other values hidden each time.
    pub fn with_hidden(self, hiding: Hiding) -> Samples {
        Samples { hiding: Some(hiding), ..self }
    }

    /// The same, whose batches have words read as ones that are not known.
    pub fn with_word_dropout(self, word_dropout: WordDropout) -> Samples {
        Samples { word_dropout, ..self }
    }

    /// How many samples.
    pub fn len(&self) -> usize {
        self.offsets.len() - 1
    }

    /// How many positions the loss counts in all of them: those of an epoch's batches together.
    pub fn positions(&self) -> usize {
        self.counted.as_ref().map_or_else(|| self.targets.len(), |counted| counted[self.len()])
    }

    /// Whether there is no sample at all.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// Values per time step.
    pub fn features(&self) -> usize {
        self.features
    }

    /// What all samples are to be answered with.
    pub fn targets(&self) -> &Targets {
        &self.targets
    }

    /// How many answers each sample has: one, or one for each step.
    pub fn answered(&self) -> Vec<usize> {
        let per = self.targets.per;
        self.offsets.windows(2).map(|ends| per.positions(ends[1] - ends[0])).collect()
    }

    /// The sample that the answer at `position` is of.
    pub fn of_position(&self, position: usize) -> usize {
        match self.targets.per {
            Per::Sequence => position,
            Per::Step => self.offsets.partition_point(|&begin| begin <= position) - 1,
        }
    }

    /// How many answers there are of each class, of so many.
    pub fn counts(&self, classes: usize) -> Vec<usize> {
        let mut counts = vec![0; classes];
        let labels = self.targets.classes().unwrap_or_default();
        labels.iter().for_each(|&label| counts[usize::from(label)] += 1);
        counts
    }

    /// The order of the samples in `epoch`: a pure function of `(seed, epoch)`, and where they are grouped by
    /// length, of the lengths and of the size of a batch.
    pub fn order(&self, seed: u64, epoch: usize, grouped: Option<usize>) -> Result<Order, TchError> {
        let indices = match grouped {
            None => epoch_order(seed, epoch as u64, self.len()),
            Some(batch) => {
                let lengths: Vec<usize> = (0..self.len()).map(|index| self.steps(index).len()).collect();
                grouped_order(seed, epoch as u64, &lengths, batch)
            }
        };
        let wide: Vec<i64> = indices.iter().copied().map(i64::from).collect();
        Ok(Order { indices, on_device: self.upload(&wide)? })
    }

    /// Where in an order the `index`-th batch of `size` samples is; the last takes what is left.
    pub fn range(&self, index: usize, size: usize) -> Range<usize> {
        index * size..self.len().min((index + 1) * size)
    }

    /// How many positions the loss counts in these of an order, and how many steps they have.
    pub fn extent(&self, order: &Order, range: Range<usize>) -> Extent {
        let samples = range.len();
        let steps = match self.common {
            Some(time) => samples * time,
            None => {
                order.indices[range.clone()].iter().map(|&sample| self.steps(sample as usize).len()).sum()
            }
        };
        let positions = match (&self.counted, self.targets.per) {
            (Some(_), _) => self.counted_of(order.indices[range].iter().map(|&sample| sample as usize)),
            (None, Per::Step) => steps,
            (None, Per::Sequence) => samples,
        };
        Extent { steps, positions }
    }

    /// How many targets of these samples the loss counts, where it does not count all.
    fn counted_of(&self, chosen: impl Iterator<Item = usize>) -> usize {
        let counted = self.counted.as_deref().unwrap_or_default();
        chosen.map(|sample| counted[sample + 1] - counted[sample]).sum()
    }

    /// The `index`-th batch of `size` samples in `order`; the last takes what is left. `rng_key` decides what
    /// is drawn at random: how images are varied, which values are hidden, which words are dropped.
    pub fn batch(&self, order: &Order, index: usize, size: usize, rng_key: i64) -> Result<Batch, TchError> {
        let batch = self.range(index, size);
        let whole = 0..batch.len();
        self.part(order, batch, whole, rng_key)
    }

    /// A part of the batch that is at `batch` in `order`. `rng_key` decides what is drawn for the batch's
    /// samples, for each by its place in it.
    ///
    /// # Panics
    ///
    /// Where the order has not so many samples.
    pub fn part(
        &self,
        order: &Order,
        batch: Range<usize>,
        part: Range<usize>,
        rng_key: i64,
    ) -> Result<Batch, TchError> {
        let start = batch.start + part.start;
        let count = part.len();
        let chosen: Vec<usize> =
            order.indices[start..start + count].iter().map(|&sample| sample as usize).collect();
        // Of what is on the device nothing is sent there step by step, which would wait for it; but of
        // sequences of unequal lengths.
        let on_device = order.on_device.f_narrow(0, start as i64, count as i64)?;
        let first_step = self.extent(order, batch.start..start).steps;
        let draw = WordDraw { dropout: self.word_dropout, rng_key, first_step };
        if let Some(hiding) = &self.hiding {
            let batch = match &hiding.read {
                HiddenRead::Series(series) => {
                    let (values, targets) = hiding.draw(series, &chosen, (rng_key, part.start));
                    let target = self.upload(&targets)?.f_view(&self.target_shape()[..])?;
                    self.formed(self.upload(&values)?, chosen.into_iter(), target)?
                }
                HiddenRead::Text(lexicon) => {
                    let labels = hiding.draw_tokens(lexicon, &chosen, (rng_key, part.start));
                    let target = self.upload(&labels.iter().copied().map(wide).collect::<Vec<i64>>())?;
                    let is_hidden = |position: usize| labels[position] != NO_CLASS;
                    let tokens =
                        tokens_of(&hiding.sequences, lexicon, chosen.iter().copied(), |position, form| {
                            is_hidden(position) || draw.drops(position, lexicon.is_rare(form))
                        });
                    let formed = self.formed(self.upload::<f32>(&[])?, chosen.into_iter(), target)?;
                    Batch { tokens: Some(tokens), ..formed }
                }
            };
            return Ok(Batch { first_step, ..batch });
        }
        let input = match &self.store {
            Store::Varied(images, augment) => {
                // Images have as many rows each.
                let size = self.common.unwrap_or_default() * self.features;
                self.upload(&vary(augment, images, size, &chosen, (rng_key, part.start)))?
            }
            Store::Memory(sequences) => self.gathered(sequences, chosen.iter().copied())?,
            Store::Device(values) => normalise(&match self.common {
                Some(time) => {
                    let size = [-1, time as i64 * self.features as i64];
                    values.f_view(size)?.f_index_select(0, &on_device)?
                }
                None => values.f_index_select(0, &self.upload(&self.steps_of(&chosen))?)?,
            })?,
        };
        let target = match (self.targets.per, self.common) {
            (Per::Sequence, _) => self.target.f_index_select(0, &on_device)?,
            (Per::Step, Some(time)) => {
                let by_sample = self.target.f_view([self.len() as i64, time as i64, -1])?;
                by_sample.f_index_select(0, &on_device)?.f_view(&self.target_shape()[..])?
            }
            (Per::Step, None) => self.target.f_index_select(0, &self.upload(&self.steps_of(&chosen))?)?,
        };
        let tokens = self.tokens(chosen.iter().copied(), Some(draw));
        Ok(Batch { first_step, tokens, ..self.formed(input, chosen.into_iter(), target)? })
    }

    /// Of the targets of any positions.
    fn target_shape(&self) -> Vec<i64> {
        let mut shape = self.target.size();
        shape[0] = -1;
        shape
    }

    /// Where the steps of these samples are among all, in their order.
    fn steps_of(&self, chosen: &[usize]) -> Vec<i64> {
        chosen.iter().flat_map(|&sample| self.steps(sample)).map(|step| step as i64).collect()
    }

    /// How many samples a batch of at most `size` samples and about so many `steps` has, whichever they are.
    pub fn batch_size(&self, size: usize, steps: usize) -> usize {
        let longest = (0..self.len()).map(|index| self.steps(index).len()).max().unwrap_or(1);
        size.min(steps / longest).max(1)
    }

    /// Samples in the order of the data, nothing varied, in batches of `size`.
    pub fn batches(&self, range: Range<usize>, size: usize) -> impl Iterator<Item = Result<Batch, TchError>> {
        let last = range.end;
        range.step_by(size).map(move |start| {
            let end = last.min(start + size);
            let input = match &self.store {
                Store::Memory(sequences) | Store::Varied(sequences, _) => {
                    self.gathered(sequences, start..end)?
                }
                Store::Device(values) => {
                    let (first, last) = (self.offsets[start] as i64, self.offsets[end] as i64);
                    normalise(&values.f_narrow(0, first, last - first)?)?
                }
            };
            let positions = self.positions_of(start..end);
            let target = self.target.f_narrow(0, positions.start as i64, positions.len() as i64)?;
            let tokens = self.tokens(start..end, None);
            Ok(Batch { tokens, ..self.formed(input, start..end, target)? })
        })
    }

    /// The positions of samples in the order of the data.
    pub fn positions_of(&self, samples: Range<usize>) -> Range<usize> {
        match self.targets.per {
            Per::Sequence => samples,
            Per::Step => self.offsets[samples.start]..self.offsets[samples.end],
        }
    }

    /// One of the samples in memory, nothing varied: images as bytes, series as the net reads them.
    pub fn fetch(&self, index: usize) -> Result<Sequences, TchError> {
        let on_device = match &self.store {
            Store::Memory(sequences) | Store::Varied(sequences, _) => return Ok(sequences.select(&[index])),
            Store::Device(values) => values,
        };
        let steps = self.steps(index);
        let own = on_device.f_narrow(0, steps.start as i64, steps.len() as i64)?.f_view(-1)?;
        let values = match own.kind() {
            Kind::Uint8 => Values::Bytes(Vec::try_from(own)?),
            _ => Values::Floats(Vec::try_from(own)?),
        };
        Ok(Sequences::new(values, self.features, [steps.len()]))
    }

    /// All of them as they lie in memory, where they do.
    pub(crate) fn in_memory(&self) -> Option<&Sequences> {
        match &self.store {
            Store::Memory(sequences) | Store::Varied(sequences, _) => Some(sequences),
            Store::Device(_) => None,
        }
    }

    /// Of text, the tokens of the samples at these indices.
    fn tokens(&self, chosen: impl Iterator<Item = usize>, draw: Option<WordDraw>) -> Option<TokenBatch> {
        let lexicon = self.lexicon.as_ref()?;
        Some(tokens_of(self.in_memory()?, lexicon, chosen, |position, form| {
            draw.is_some_and(|draw| draw.drops(position, lexicon.is_rare(form)))
        }))
    }

    /// What a net reads of each form, of text.
    pub(crate) fn lexicon(&self) -> Option<&Lexicon> {
        self.lexicon.as_ref()
    }

    /// Where the steps of a sample are among all.
    fn steps(&self, index: usize) -> Range<usize> {
        self.offsets[index]..self.offsets[index + 1]
    }

    /// The values of the samples at these indices, one after the other, out of memory to the device.
    fn gathered(
        &self,
        sequences: &Sequences,
        chosen: impl Iterator<Item = usize> + Clone,
    ) -> Result<Tensor, TchError> {
        let steps: usize = chosen.clone().map(|index| self.steps(index).len()).sum();
        let mut values = Vec::with_capacity(steps * self.features);
        chosen.for_each(|index| sequences.get(index).read(&mut values));
        self.upload(&values)
    }

    fn upload<T: Element>(&self, values: &[T]) -> Result<Tensor, TchError> {
        Tensor::f_from_slice(values)?.f_to_device(self.target.device())
    }

    /// The samples at these indices as a batch, their values and targets being gathered.
    fn formed(
        &self,
        values: Tensor,
        chosen: impl ExactSizeIterator<Item = usize> + Clone,
        target: Tensor,
    ) -> Result<Batch, TchError> {
        // Of text nothing was gathered.
        let features = if self.lexicon.is_some() { 0 } else { self.features as i64 };
        let positions = match &self.counted {
            Some(_) => self.counted_of(chosen.clone()),
            None => target.size()[0] as usize,
        };
        let (input, lengths) = match self.common {
            Some(time) => (values.f_view([-1, time as i64, features])?, None),
            None => {
                let lengths = chosen.map(|index| self.steps(index).len());
                let lengths: Vec<usize> = lengths.collect();
                let steps: usize = lengths.iter().sum();
                (values.f_view([steps as i64, features])?, Some(lengths))
            }
        };
        Ok(Batch { input, tokens: None, lengths, target, positions, first_step: 0 })
    }
}

/// Variations of the images at these indices, of `size` pixels each, one after the other: by a key, and by
/// each image's place in the batch, the first one's being given. No image depends on which thread varies it.
fn vary(
    augment: &Augment,
    images: &Sequences,
    size: usize,
    chosen: &[usize],
    (rng_key, first): (i64, usize),
) -> Vec<f32> {
    let mut values = vec![0.0; chosen.len() * size];
    let vary = |(row, (out, &index)): (usize, (&mut [f32], &usize))| {
        let image = images.get(index).bytes().unwrap_or_default();
        augment.apply(image, images.features(), rng_key as u64, (first + row) as u64, out);
    };
    match threads() {
        Some(pool) => pool
            .install(|| values.par_chunks_exact_mut(size).zip(chosen.par_iter()).enumerate().for_each(vary)),
        None => values.chunks_exact_mut(size).zip(chosen).enumerate().for_each(vary),
    }
    values
}

/// As many as the kernels have, once they are asked for; none where there is but one, or the system refuses
/// them.
fn threads() -> Option<&'static ThreadPool> {
    static THREADS: OnceLock<Option<ThreadPool>> = OnceLock::new();
    let count = workers().count();
    let pool = || ThreadPoolBuilder::new().num_threads(count).build().ok();
    THREADS.get_or_init(|| (count > 1).then(pool).flatten()).as_ref()
}

/// Bytes to `f32` from 0 to 1, as torchvision's `ToTensor` does; numbers as they are.
fn normalise(values: &Tensor) -> Result<Tensor, TchError> {
    match values.kind() {
        Kind::Uint8 => values.f_to_kind(Kind::Float)?.f_div_scalar_(255.0),
        _ => Ok(values.shallow_clone()),
    }
}

#[cfg(test)]
mod tests {
    use birnn_data::{AugmentConfig, Images, Series};

    use super::*;

    const IMAGES: Modality = Modality::Images { shape: [2, 3], preprocessing: None };

    fn images(rows: usize, cols: usize, pixels: Vec<u8>, labels: Vec<u16>) -> Split {
        Split::classified(Images { rows, cols, pixels }.into(), labels)
    }

    fn samples(count: u8) -> Samples {
        let pixels = (0..count).flat_map(|image| [image, 0, 255, 51, 0, 0]).collect();
        Samples::new(images(2, 3, pixels, (0..u16::from(count)).collect()), &IMAGES, None, Device::Cpu)
            .unwrap()
    }

    #[test]
    fn an_epoch_shows_each_image_once_with_its_own_label() {
        let samples = samples(10);
        let order = samples.order(3, 0, None).unwrap();
        let mut seen = Vec::new();
        for index in 0..3 {
            let batch = samples.batch(&order, index, 4, 0).unwrap();
            assert_eq!(batch.samples(), if index == 2 { 2 } else { 4 });
            let first = batch.input.select(1, 0).select(1, 0) * 255.0;
            assert!(first.round().to_kind(Kind::Int64) == batch.target);
            seen.extend(Vec::<i64>::try_from(batch.target).unwrap());
        }
        assert_ne!(seen, (0..10).collect::<Vec<_>>());
        seen.sort_unstable();
        assert_eq!(seen, (0..10).collect::<Vec<_>>());
    }

    /// Series that hold their label in every step, less 2 and in halves.
    #[test]
    fn series_are_shown_one_after_the_other_as_the_net_reads_them() {
        let lengths = [3, 1, 2, 3, 5];
        let values = lengths.iter().zip(0_u8..).flat_map(|(&length, label)| vec![f32::from(label); length]);
        let sequences = Sequences::new(Values::Floats(values.collect()), 1, lengths);
        let split = Split::classified(sequences, (0..5).collect());
        let series = Series { steps: Some([1, 5]), deviation: Some(vec![0.5]), ..Series::plain(vec![2.0]) };
        let samples = Samples::new(split, &Modality::Series(series), None, Device::Cpu).unwrap();
        for grouped in [None, Some(2)] {
            let order = samples.order(1, 0, grouped).unwrap();
            for index in 0..3 {
                let batch = samples.batch(&order, index, 2, 0).unwrap();
                let lengths_seen = batch.lengths.clone().unwrap();
                let labels = Vec::<i64>::try_from(&batch.target).unwrap();
                assert_eq!(batch.samples(), labels.len());
                for (place, (&label, &length)) in labels.iter().zip(&lengths_seen).enumerate() {
                    assert_eq!(length, lengths[label as usize]);
                    assert_eq!(batch.sequence(place).unwrap(), vec![(label as f32 - 2.0) / 0.5; length]);
                }
                assert_eq!(batch.input.size(), [lengths_seen.iter().sum::<usize>() as i64, 1]);
            }
        }
        assert_eq!(samples.fetch(4).unwrap().get(0).floats().unwrap(), [4.0; 5]);
    }

    /// What is held on a device, here the CPU's, is shown as what is held in memory, images and series alike.
    #[test]
    fn a_device_shows_what_memory_does() {
        let of_images = || images(2, 3, (0..60).collect(), (0..10).collect());
        let of_series = || {
            let lengths = (0..10).map(|index| 1 + index * 7 % 5);
            let values = (0..3 * lengths.clone().sum::<usize>()).map(|value| value as f32);
            let sequences = Sequences::new(Values::Floats(values.collect()), 3, lengths);
            Split::classified(sequences, (0..10).collect())
        };
        let (mean, deviation) = (vec![5.0; 3], Some(vec![2.0; 3]));
        let series = Modality::Series(Series { steps: Some([1, 5]), deviation, ..Series::plain(mean) });
        for (split, modality) in [(of_images(), IMAGES), (of_series(), series)] {
            let in_memory = Samples::new(split.clone(), &modality, None, Device::Cpu).unwrap();
            let mut on_device = Samples::new(split, &modality, None, Device::Cpu).unwrap();
            let held = Store::on_device(in_memory.in_memory().unwrap(), Device::Cpu).unwrap();
            on_device.store = held;
            let same = |a: Batch, b: Batch| {
                assert!(a.input == b.input && a.target == b.target, "{modality}");
                assert_eq!((a.lengths, a.positions), (b.lengths, b.positions));
            };
            for grouped in [None, Some(4)] {
                let [a, b] = [&in_memory, &on_device].map(|samples| samples.order(3, 1, grouped).unwrap());
                (0..3).for_each(|index| {
                    same(
                        in_memory.batch(&a, index, 4, 0).unwrap(),
                        on_device.batch(&b, index, 4, 0).unwrap(),
                    );
                });
            }
            for (a, b) in in_memory.batches(0..10, 3).zip(on_device.batches(0..10, 3)) {
                same(a.unwrap(), b.unwrap());
            }
            assert!((0..10).all(|index| in_memory.fetch(index).unwrap() == on_device.fetch(index).unwrap()));
        }
    }

    /// What an image is varied by depends on the step and its index in the batch, not on how the work was
    /// shared out.
    #[test]
    fn variations_are_drawn_by_index() {
        let split = || images(4, 4, (0..160).collect(), vec![0; 10]);
        let config = AugmentConfig { shift: 1.0, ..Default::default() };
        let of = |augment| Samples::new(split(), &IMAGES, augment, Device::Cpu).unwrap();
        let samples = of(config.resolve().unwrap());
        let order = samples.order(3, 0, None).unwrap();
        let batch = |index, size, rng_key| samples.batch(&order, index, size, rng_key).unwrap().input;
        assert!(batch(0, 7, 5) == batch(0, 7, 5));
        assert!(batch(0, 7, 5) != batch(0, 7, 6));
        assert!(batch(0, 3, 5) == batch(0, 7, 5).narrow(0, 0, 3));
        let plain = of(None);
        assert!(plain.batch(&order, 0, 7, 5).unwrap().input == plain.batch(&order, 0, 7, 6).unwrap().input);
        assert!(
            samples.batches(0..samples.len(), 10).next().unwrap().unwrap().input
                == plain.batches(0..plain.len(), 10).next().unwrap().unwrap().input
        );
    }

    #[test]
    fn bytes_become_zero_to_one() {
        let input = samples(1).batches(0..1, 5).next().unwrap().unwrap().input;
        assert_eq!(Vec::<f32>::try_from(input.view(-1)).unwrap(), [0.0, 0.0, 1.0, 0.2, 0.0, 0.0]);
    }
}
