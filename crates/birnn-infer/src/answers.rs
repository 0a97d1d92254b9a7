//! What a net answers, before its task says what that means.

use std::sync::Arc;

use birnn_kernels::Crf;

/// The answers of a net to some sequences, one sequence after the other.
#[derive(Clone, Debug)]
pub struct Answers {
    /// Of each position `[outputs]`, of which its task makes an answer. Of a conditional random field the
    /// logarithm of each tag's probability given all of the sequence, its marginal.
    pub logits: Vec<f32>,
    /// How many positions each sequence has; empty where that is not known. Tags of spans are judged with it
    /// alone.
    pub lengths: Vec<usize>,
    /// Of a conditional random field.
    pub joint: Option<Joint>,
}

/// What a net answers is not a number: on its way there sums have overflowed.
#[derive(Clone, Copy, Debug, PartialEq, thiserror::Error)]
#[error(
    "the net answers {0}, which is no number: what it adds up has overflowed, as it can where sequences are much longer, or \
     their values much larger, than those that it learnt from"
)]
pub struct Overflow(f32);

/// That all `values`, which a net's head gave, are numbers.
///
/// # Errors
///
/// The first of them that is none.
pub fn finite(values: &[f32]) -> Result<(), Overflow> {
    values.iter().find(|value| !value.is_finite()).map_or(Ok(()), |&value| Err(Overflow(value)))
}

/// The tags of whole sequences, by a conditional random field.
#[derive(Clone, Debug)]
pub struct Joint {
    crf: Arc<Crf>,
    emissions: Vec<f32>,
    /// The most probable tags of each sequence, all together (Viterbi).
    pub tags: Vec<u16>,
}

/// Of answers that each stand for themselves.
impl From<Vec<f32>> for Answers {
    fn from(logits: Vec<f32>) -> Answers {
        Answers { logits, lengths: Vec::new(), joint: None }
    }
}

impl Joint {
    /// What the head gave of each position.
    pub(crate) fn emissions(&self) -> &[f32] {
        &self.emissions
    }
}

impl Answers {
    /// Of what a net's head gives, `[positions, outputs]`, for sequences of so many positions.
    pub fn new(emissions: Vec<f32>, lengths: Vec<usize>, crf: Option<Arc<Crf>>) -> Answers {
        let Some(crf) = crf else { return Answers { logits: emissions, lengths, joint: None } };
        let tags = crf.decode(&emissions, &lengths);
        let mut logits = crf.marginals(&emissions, &lengths);
        logits.iter_mut().for_each(|probability| *probability = probability.ln());
        Answers { logits, lengths, joint: Some(Joint { crf, emissions, tags }) }
    }

    /// What the head gave of each position, `[outputs]`.
    pub fn given(&self) -> &[f32] {
        self.joint.as_ref().map_or(&self.logits, Joint::emissions)
    }

    /// The tag at a position, of those that are the most probable together; none where each stands for
    /// itself.
    pub fn tag(&self, position: usize) -> Option<usize> {
        self.joint.as_ref().map(|joint| usize::from(joint.tags[position]))
    }

    /// The sum of the losses of whole sequences with these labels, in nats; none where each answer stands for
    /// itself.
    pub(crate) fn joint_loss(&self, labels: &[u16]) -> Option<f64> {
        let Joint { crf, emissions, .. } = self.joint.as_ref()?;
        Some(crf.losses(emissions, &self.lengths, labels).iter().sum())
    }

    /// The gradient of that sum with respect to what the head gave.
    pub(crate) fn joint_loss_gradient(&self, labels: &[u16]) -> Option<Vec<f32>> {
        let Joint { crf, emissions, .. } = self.joint.as_ref()?;
        let mut gradient = vec![0.0; emissions.len()];
        crf.gradient(emissions, &self.lengths, labels, &mut gradient);
        Some(gradient)
    }
}
