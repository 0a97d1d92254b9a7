//! What the net answers to each image, and how that adds up.

use birnn_data::{Images, Split};
use birnn_engine::{Evaluation, Learner, Samples};
use tch::{Device, Kind, Tensor};

use crate::error::ReportError;
use crate::stats::Calibration;

/// The answer to one image.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Answer {
    /// Its place among the images.
    pub image: usize,
    /// What the image is.
    pub label: usize,
    /// The likeliest class.
    pub class: usize,
    /// The probability of that.
    pub probability: f64,
    /// The probability of what the image is.
    pub of_label: f64,
}

/// The answers to all images of a split.
#[derive(Debug)]
pub struct Answers {
    /// In the order of the images.
    pub answers: Vec<Answer>,
    /// Scores and confusion.
    pub evaluation: Evaluation,
    /// How far the probabilities can be believed.
    pub calibration: Calibration,
}

/// As many as Guo et al. use.
const BINS: usize = 15;

impl Answer {
    /// Whether it is right.
    pub fn right(&self) -> bool {
        self.label == self.class
    }
}

impl Answers {
    /// Asks the net for all images of `split`.
    pub fn new(learner: &mut Learner, split: &Split) -> Result<Answers, ReportError> {
        let samples = Samples::new(split.clone(), learner.device)?;
        let logits = learner.logits(&samples)?;
        let labels = labels_of(split)?.f_to_device(learner.device)?;
        let mut tally = learner.task.tally(learner.device)?;
        learner.task.count(&mut tally, &logits, &labels)?;
        let evaluation = learner.task.evaluation(&tally)?;
        // As the tally counts them, so that equal logits are the same answer there and here.
        let classes = Vec::<i64>::try_from(logits.f_argmax(1, false)?)?;
        let probabilities = probabilities(&logits)?;
        let answers: Vec<Answer> = probabilities
            .chunks(learner.task.classes.len())
            .zip(classes.iter().zip(&split.labels))
            .enumerate()
            .map(|(image, (of, (&class, &label)))| {
                let (class, label) = (class as usize, usize::from(label));
                Answer { image, label, class, probability: of[class], of_label: of[label] }
            })
            .collect();
        let sure: Vec<(f64, bool)> =
            answers.iter().map(|answer| (answer.probability, answer.right())).collect();
        Ok(Answers { answers, evaluation, calibration: Calibration::new(&sure, BINS) })
    }

    /// The wrong answers, the surest first.
    pub fn mistakes(&self) -> Vec<Answer> {
        self.evaluation.mistakes.iter().map(|mistake| self.answers[mistake.image]).collect()
    }
}

/// The probabilities of `logits [images, classes]`, image by image.
pub(crate) fn probabilities(logits: &Tensor) -> Result<Vec<f64>, ReportError> {
    // Not every device has f64.
    let logits = logits.f_to_device(Device::Cpu)?.f_to_kind(Kind::Double)?;
    Ok(Vec::<f64>::try_from(logits.f_softmax(1, None::<Kind>)?.f_view(-1)?)?)
}

/// `i64 [images]`.
pub(crate) fn labels_of(split: &Split) -> Result<Tensor, ReportError> {
    Ok(Tensor::f_from_slice(&split.labels)?.f_to_kind(Kind::Int64)?)
}

/// The places of at most `most` of a split's images, evenly spread over it.
pub(crate) fn spread(split: &Split, most: usize) -> Vec<usize> {
    let all = split.labels.len();
    let count = all.min(most);
    (0..count).map(|index| index * all / count).collect()
}

/// The images at these places of a split.
pub(crate) fn taken(split: &Split, places: &[usize]) -> Split {
    let images = &split.images;
    let pixels = places.iter().flat_map(|&place| images.get(place)).copied().collect();
    let labels = places.iter().map(|&place| split.labels[place]).collect();
    Split { images: Images { pixels, ..*images }, labels }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn images_are_taken_from_all_over() {
        let split = Split {
            images: Images { rows: 1, cols: 2, pixels: (0..20).collect() },
            labels: (100..110).collect(),
        };
        let places = spread(&split, 4);
        assert_eq!(places, [0, 2, 5, 7]);
        let some = taken(&split, &places);
        assert_eq!(some.labels, [100, 102, 105, 107]);
        assert_eq!(some.images.pixels, [0, 1, 4, 5, 10, 11, 14, 15]);
        assert_eq!(spread(&split, 50).len(), 10);
        assert!(spread(&taken(&split, &[]), 5).is_empty());
    }
}
