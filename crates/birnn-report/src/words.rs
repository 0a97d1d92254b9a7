//! How a page calls samples and their time steps: those of images are rows.

use birnn_data::{Modality, Per};

/// The words for samples of one kind.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Words {
    /// Several.
    pub(crate) samples: &'static str,
    /// One.
    pub(crate) sample: &'static str,
    /// Any one.
    pub(crate) a_sample: &'static str,
    /// Several, at the beginning of a sentence.
    pub(crate) heading: &'static str,
    /// One after the other, at the beginning of a sentence.
    pub(crate) each: &'static str,
    /// A time step, several, any one, and several at the beginning of a sentence.
    pub(crate) step: &'static str,
    pub(crate) steps: &'static str,
    a_step: &'static str,
    steps_heading: &'static str,
    /// What counts the steps on an axis.
    pub(crate) position: &'static str,
    /// What the net is shown where it is shown a part.
    pub(crate) first: &'static str,
    pub(crate) last: &'static str,
    /// In which order steps were added, of an answer that comes late.
    pub(crate) late: &'static str,
    /// From where steps are added.
    pub(crate) added: &'static str,
    /// Which way the forward direction reads.
    pub(crate) forward: &'static str,
    /// Which way the reverse direction reads.
    pub(crate) reverse: &'static str,
}

impl Words {
    pub(crate) fn of(modality: &Modality) -> Words {
        let (samples, sample) = (modality.noun(), modality.singular());
        match modality {
            Modality::Images { .. } => Words {
                samples,
                sample,
                a_sample: "an image",
                heading: "Images",
                each: "Image by image",
                step: "row",
                steps: "rows",
                a_step: "a row",
                steps_heading: "Rows",
                position: "row, from above",
                first: "first rows, from above",
                last: "last rows, from below",
                late: "from above",
                added: "from above and from below",
                forward: "The forward direction reads from the top row down and is at its end on the right.",
                reverse: "The reverse direction reads from the bottom row up and is at its end on the left.",
            },
            Modality::Text(_) => Words {
                samples,
                sample,
                a_sample: "a sentence",
                heading: "Sentences",
                each: "Sentence by sentence",
                step: "token",
                steps: "tokens",
                a_step: "a token",
                steps_heading: "Tokens",
                position: "token",
                first: "first tokens",
                last: "last tokens",
                late: "from the start",
                added: "from the start and from the end",
                forward: "The forward direction reads from the first token to the last and is at its end on the \
                          right.",
                reverse: "The reverse direction reads from the last token to the first and is at its end on the left.",
            },
            Modality::Series(_) => Words {
                samples,
                sample,
                a_sample: "a series",
                heading: "Series",
                each: "Series by series",
                step: "time step",
                steps: "time steps",
                a_step: "a time step",
                steps_heading: "Time steps",
                position: "time step",
                first: "first steps",
                last: "last steps",
                late: "from the start",
                added: "from the start and from the end",
                forward: "The forward direction reads from the first step to the last and is at its end on the \
                          right.",
                reverse: "The reverse direction reads from the last step to the first and is at its end on the left.",
            },
        }
    }
    /// The words for what there is an answer for, which may be steps: with these in place of samples.
    pub(crate) fn counted(self, per: Per) -> Words {
        let Words { step, steps, a_step, steps_heading, .. } = self;
        match per {
            Per::Sequence => self,
            Per::Step => {
                Words { samples: steps, sample: step, a_sample: a_step, heading: steps_heading, ..self }
            }
        }
    }
}
