//! What is learned: target, loss and metrics of classification, in one place.

use serde::{Deserialize, Serialize};
use tch::{Device, Kind, Reduction, TchError, Tensor};

/// One class per image: cross-entropy on the logits, judged by the class of the largest.
#[derive(Clone, Debug)]
pub struct Classification {
    /// The names of the classes; the head has one output for each.
    pub classes: Vec<String>,
    /// Share of the target spread evenly over all classes, in training only.
    pub label_smoothing: f64,
}

/// How a net did on a set of images.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Evaluation {
    /// How many images.
    pub images: u64,
    /// How many of them were classified correctly.
    pub correct: u64,
    /// Share of images classified correctly, from 0 to 1.
    pub accuracy: f64,
    /// Mean cross-entropy per image, in nats.
    pub loss: f64,
    /// Per class, in the order of the classes.
    pub classes: Vec<ClassScore>,
    /// `confusion[label][prediction]`: how many images.
    pub confusion: Vec<Vec<u64>>,
    /// The images named wrongly, the surest answers first. Left out of the metrics, where they would be most of the file.
    #[serde(skip)]
    pub mistakes: Vec<Mistake>,
}

/// An image named wrongly.
#[derive(Clone, Copy, Debug, PartialEq, Serialize)]
pub struct Mistake {
    /// Its place among the images evaluated, from 0.
    pub image: usize,
    /// The class that it is of, by its place among the classes.
    pub label: usize,
    /// The class that the net calls it.
    pub class: usize,
    /// The probability that the net gives to that class.
    pub probability: f32,
}

/// How a net did on one class. A ratio with nothing to count is 0.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct ClassScore {
    /// The name of the class.
    pub class: String,
    /// Of the images called so, the share that are.
    pub precision: f64,
    /// Of the images that are so, the share called so.
    pub recall: f64,
    /// The harmonic mean of the two.
    pub f1: f64,
    /// How many images are of the class.
    pub images: u64,
}

/// Loss and confusion summed on the device, batch by batch, so that nothing waits for it.
#[derive(Debug)]
pub struct Tally {
    loss: Tensor,
    confusion: Tensor,
    /// Per batch: labels, classes of the answers, their probabilities.
    answers: Vec<[Tensor; 3]>,
}

impl Classification {
    /// Mean smoothed cross-entropy of `logits [batch, classes]` against `labels [batch]`: what training lowers.
    pub fn loss(&self, logits: &Tensor, labels: &Tensor) -> Result<Tensor, TchError> {
        cross_entropy(logits, labels, Reduction::Mean, self.label_smoothing)
    }

    /// Nothing counted yet.
    pub fn tally(&self, device: Device) -> Result<Tally, TchError> {
        let cells = (self.classes.len() * self.classes.len()) as i64;
        Ok(Tally {
            loss: Tensor::f_zeros(&[] as &[i64], (Kind::Float, device))?,
            confusion: Tensor::f_zeros([cells], (Kind::Int64, device))?,
            answers: Vec::new(),
        })
    }

    /// Counts a batch in.
    pub fn count(&self, tally: &mut Tally, logits: &Tensor, labels: &Tensor) -> Result<(), TchError> {
        let classes = self.classes.len() as i64;
        let called = logits.f_argmax(1, false)?;
        let cell = labels.f_mul_scalar(classes)?.f_add(&called)?;
        let _ = tally.confusion.f_add_(&cell.f_bincount(None::<Tensor>, classes * classes)?)?;
        let _ = tally.loss.f_add_(&cross_entropy(logits, labels, Reduction::Sum, 0.0)?)?;
        let probability = logits.f_softmax(1, Kind::Float)?.f_amax([1], false)?;
        tally.answers.push([labels.shallow_clone(), called, probability]);
        Ok(())
    }

    /// Fetches the tally from the device and works out the scores.
    pub fn evaluation(&self, tally: &Tally) -> Result<Evaluation, TchError> {
        let loss = f64::try_from(&tally.loss)?;
        let cells = Vec::<i64>::try_from(&tally.confusion)?;
        let classes = self.classes.len();
        let confusion = cells.chunks(classes).map(|row| row.iter().map(|&n| n as u64).collect()).collect();
        Ok(Evaluation::new(&self.classes, confusion, loss, tally.mistakes()?))
    }
}

impl Tally {
    /// The images named wrongly, the surest answers first.
    fn mistakes(&self) -> Result<Vec<Mistake>, TchError> {
        if self.answers.is_empty() {
            return Ok(Vec::new());
        }
        let all = |part: usize| {
            let parts: Vec<&Tensor> = self.answers.iter().map(|answers| &answers[part]).collect();
            Tensor::f_cat(&parts, 0)
        };
        let (labels, called) = (all(0)?, all(1)?);
        let wrong = labels.f_ne_tensor(&called)?.f_nonzero()?.f_view(-1)?;
        let whole = |values: &Tensor| Vec::<i64>::try_from(values);
        let (labels, called) = (whole(&labels.f_take(&wrong)?)?, whole(&called.f_take(&wrong)?)?);
        let probabilities = Vec::<f32>::try_from(all(2)?.f_take(&wrong)?)?;
        let answers = whole(&wrong)?.into_iter().zip(labels).zip(called).zip(probabilities);
        let mut mistakes: Vec<Mistake> = answers
            .map(|(((image, label), class), probability)| Mistake {
                image: image as usize,
                label: label as usize,
                class: class as usize,
                probability,
            })
            .collect();
        mistakes.sort_by(|a, b| b.probability.total_cmp(&a.probability).then(a.image.cmp(&b.image)));
        Ok(mistakes)
    }
}

impl Evaluation {
    /// From `confusion[label][prediction]`, the loss summed over all images, and those named wrongly.
    pub(crate) fn new(
        names: &[String],
        confusion: Vec<Vec<u64>>,
        loss: f64,
        mistakes: Vec<Mistake>,
    ) -> Evaluation {
        let images: u64 = confusion.iter().flatten().sum();
        let correct: u64 = (0..names.len()).map(|class| confusion[class][class]).sum();
        let classes = names.iter().enumerate().map(|(class, name)| {
            let right = confusion[class][class];
            let are = confusion[class].iter().sum();
            let called = confusion.iter().map(|row| row[class]).sum();
            ClassScore {
                class: name.clone(),
                precision: ratio(right, called),
                recall: ratio(right, are),
                f1: ratio(2 * right, called + are),
                images: are,
            }
        });
        Evaluation {
            images,
            correct,
            accuracy: ratio(correct, images),
            loss: loss / images.max(1) as f64,
            classes: classes.collect(),
            confusion,
            mistakes,
        }
    }

    /// The most images in a cell of the diagonal of the confusion, and in one beside it.
    pub fn most(&self) -> (u64, u64) {
        let mut most = (0, 0);
        for (label, row) in self.confusion.iter().enumerate() {
            for (class, &count) in row.iter().enumerate() {
                let side = if label == class { &mut most.0 } else { &mut most.1 };
                *side = count.max(*side);
            }
        }
        most
    }
}

fn ratio(part: u64, whole: u64) -> f64 {
    if whole == 0 { 0.0 } else { part as f64 / whole as f64 }
}

fn cross_entropy(
    logits: &Tensor,
    labels: &Tensor,
    reduction: Reduction,
    smoothing: f64,
) -> Result<Tensor, TchError> {
    logits.f_cross_entropy_loss(labels, None::<Tensor>, reduction, -100, smoothing)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn abc() -> Classification {
        let classes = ["a", "b", "c"].map(str::to_owned).to_vec();
        Classification { classes, label_smoothing: 0.0 }
    }

    #[test]
    fn scores_follow_from_the_confusion() {
        let task = abc();
        let mut tally = task.tally(Device::Cpu).unwrap();
        let sure = 20.0_f32;
        // Labels a a b b b; predictions a b b b a; nothing is c.
        let logits = [[sure, 0., 0.], [0., sure, 0.], [0., sure, 0.], [0., sure, 0.], [sure, 0., 0.]];
        let labels = Tensor::from_slice(&[0_i64, 0, 1, 1, 1]);
        for part in [0..2, 2..5_usize] {
            let logits = Tensor::from_slice2(&logits[part.clone()]);
            let labels = labels.narrow(0, part.start as i64, part.len() as i64);
            task.count(&mut tally, &logits, &labels).unwrap();
        }
        let found = task.evaluation(&tally).unwrap();
        assert_eq!(found.confusion, [[1, 1, 0], [1, 2, 0], [0, 0, 0]]);
        assert_eq!((found.images, found.correct, found.accuracy), (5, 3, 0.6));
        assert_eq!(found.most(), (2, 1));
        assert!((found.loss - 2.0 * 20.0 / 5.0).abs() < 1e-4, "{}", found.loss);
        let scores: Vec<_> = found.classes.iter().map(|s| (s.precision, s.recall, s.images)).collect();
        assert_eq!(scores, [(0.5, 0.5, 2), (2.0 / 3.0, 2.0 / 3.0, 3), (0.0, 0.0, 0)]);
        assert_eq!(found.classes[1].f1, 2.0 / 3.0);
        let mistakes: Vec<_> = found.mistakes.iter().map(|m| (m.image, m.label, m.class)).collect();
        assert_eq!(mistakes, [(1, 0, 1), (4, 1, 0)], "equally sure, so in order");
        assert!(found.mistakes.iter().all(|mistake| mistake.probability > 0.99));
    }

    /// -(0.9 + 0.1/3) log p_label - sum over the others of 0.1/3 log p, with p = softmax([1, 0, 0]).
    #[test]
    fn smoothing_spreads_the_target() {
        let task = Classification { label_smoothing: 0.1, ..abc() };
        let logits = Tensor::from_slice(&[1.0_f32, 0.0, 0.0]).view([1, 3]);
        let loss = task.loss(&logits, &Tensor::from_slice(&[0_i64])).unwrap().double_value(&[]);
        let log_sum = (1.0_f64.exp() + 2.0).ln();
        let expected = log_sum - (0.9 + 0.1 / 3.0);
        assert!((loss - expected).abs() < 1e-6, "{loss}, not {expected}");
    }
}
