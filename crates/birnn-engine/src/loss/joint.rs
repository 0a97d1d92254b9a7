//! Of tags by a conditional random field: the negative logarithm of the probability of all tags of a sequence
//! together.

use birnn_kernels::{Crf, CrfGradient, LegalTags};
use tch::{Kind, TchError, Tensor};

use super::Lowered;

/// The loss of a conditional random field.
#[derive(Clone, Debug)]
pub struct Joint {
    legal: Option<LegalTags>,
}

/// The parameters of a conditional random field over tags.
#[derive(Clone, Copy, Debug)]
pub struct Transitions<'a> {
    /// From one tag to the next, `[from, to]`.
    pub transitions: &'a Tensor,
    /// Of the first tag.
    pub start: &'a Tensor,
    /// Of the last.
    pub end: &'a Tensor,
}

impl Joint {
    pub(super) fn new(legal: Option<LegalTags>) -> Joint {
        Joint { legal }
    }

    /// The sum over sequences of these lengths, divided by all their steps, from emissions `[steps of all,
    /// tags]` and `labels [steps of all]`.
    ///
    /// It is worked out on the CPU in f64, with its gradient. What is differentiated has that gradient, and
    /// another value.
    pub(super) fn mean(
        &self,
        emissions: &Tensor,
        labels: &Tensor,
        lengths: &[usize],
        parameters: Transitions<'_>,
    ) -> Result<Lowered, TchError> {
        let Transitions { transitions, start, end } = parameters;
        let values = |tensor: &Tensor| -> Result<Vec<f32>, TchError> {
            Vec::try_from(tensor.detach().f_to_kind(Kind::Float)?.f_contiguous()?.f_view(-1)?)
        };
        let tags = start.numel();
        let crf = Crf::new(tags, &values(transitions)?, &values(start)?, &values(end)?, self.legal.as_ref());
        let labels = Vec::<i64>::try_from(labels.f_to_kind(Kind::Int64)?)?;
        let labels: Vec<u16> = labels.into_iter().map(|label| label as u16).collect();
        let own = values(emissions)?;
        let mut d_emissions = vec![0.0; own.len()];
        let CrfGradient { loss, transitions: d_transitions, start: d_start, end: d_end } =
            crf.gradient(&own, lengths, &labels, &mut d_emissions);
        let (device, kind) = (emissions.device(), emissions.kind());
        let upload = |values: &Tensor, like: &Tensor| -> Result<Tensor, TchError> {
            values.f_to_device(device)?.f_to_kind(kind)?.f_view_as(like)
        };
        let mut sum =
            upload(&Tensor::f_from_slice(&d_emissions)?, emissions)?.f_mul(emissions)?.f_sum(kind)?;
        for (d_parameter, parameter) in [(d_transitions, transitions), (d_start, start), (d_end, end)] {
            let d_parameter = upload(&Tensor::f_from_slice(&d_parameter)?, parameter)?;
            sum = sum.f_add(&d_parameter.f_mul(parameter)?.f_sum(kind)?)?;
        }
        let steps = labels.len() as f64;
        let value = Tensor::f_from_slice(&[(loss / steps) as f32])?.f_squeeze()?.f_to_device(device)?;
        Ok(Lowered { value, differentiated: sum.f_div_scalar(steps)? })
    }
}
