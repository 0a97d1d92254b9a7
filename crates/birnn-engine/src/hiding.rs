//! Samples some of whose values or tokens are hidden from the net, others each time they are learnt from.

use birnn_data::{Hide, Lexicon, Modality, Sequence, Sequences, Series};

/// Samples whose values or tokens are hidden anew whenever they are learnt from.
#[derive(Debug)]
pub struct Hiding {
    /// The samples, with nothing hidden.
    pub(crate) sequences: Sequences,
    /// How the net reads them.
    pub(crate) read: HiddenRead,
    /// Which values are hidden.
    hide: Hide,
}

/// What there is to know of how a net reads them.
#[derive(Debug)]
pub(crate) enum HiddenRead {
    Series(Series),
    Text(Lexicon),
}

impl Hiding {
    /// Samples that a net reads as `modality` says; none where it reads images.
    pub fn new(sequences: Sequences, modality: &Modality, hide: Hide) -> Option<Hiding> {
        let read = match modality {
            Modality::Images { .. } => return None,
            Modality::Series(series) => HiddenRead::Series(series.clone()),
            Modality::Text(_) => HiddenRead::Text(modality.lexicon(&sequences)?),
        };
        Some(Hiding { sequences, read, hide })
    }

    /// Of the texts at these indices, the classes of the tokens that are hidden by a key and by each text's
    /// place in the batch, the first one's being given; of all others [`NO_CLASS`].
    pub(crate) fn draw_tokens(
        &self,
        lexicon: &Lexicon,
        chosen: &[usize],
        (rng_key, first): (i64, usize),
    ) -> Vec<u32> {
        let hidden = |(place, &index): (usize, &usize)| {
            let tokens = self.sequences.get(index).tokens().unwrap_or_default();
            lexicon.hide(&self.hide, (rng_key as u64, place as u64), tokens)
        };
        (first..).zip(chosen).flat_map(hidden).collect()
    }

    /// The series at these indices as the net reads them, some of their values hidden by a key and by each
    /// one's place in the batch, the first one's being given; and what is to be answered.
    pub(crate) fn draw(
        &self,
        series: &Series,
        chosen: &[usize],
        (rng_key, first): (i64, usize),
    ) -> (Vec<f32>, Vec<f32>) {
        let (mut read, mut targets) = (Vec::new(), Vec::new());
        for (place, &index) in (first..).zip(chosen) {
            let mut values = self.sequences.get(index).floats().unwrap_or_default().to_vec();
            targets.extend(series.hide(&self.hide, (rng_key as u64, place as u64), &mut values));
            series.read(Sequence::of_series(&values, series.features()), &mut read);
        }
        (read, targets)
    }
}
