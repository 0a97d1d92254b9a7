//! The confusion matrix, and the scores that follow from it.

use serde::{Deserialize, Serialize};

/// Of more classes no matrix is kept: it grows with their square, and a run records one for each epoch.
pub const MOST_CONFUSED: usize = 256;

/// `[label][prediction]`: how many samples; empty of more than [`MOST_CONFUSED`] classes.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Confusion(pub Vec<Vec<u64>>);

/// What samples of each class were called, as they are counted in.
#[derive(Clone, Debug)]
pub(crate) struct ClassCounts {
    classes: Vec<ClassCount>,
    confusion: Confusion,
}

/// Of one class.
#[derive(Clone, Copy, Debug, Default)]
struct ClassCount {
    /// Samples that are of it.
    are: u64,
    /// Samples that were called so.
    called: u64,
    /// Samples that are both.
    correct: u64,
}

/// How a net did on one class. A ratio with nothing to count is 0.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct ClassScore {
    /// The name of the class.
    pub class: String,
    /// Of the samples called so, the share that are.
    pub precision: f64,
    /// Of the samples that are so, the share called so.
    pub recall: f64,
    /// The harmonic mean of the two.
    pub f1: f64,
    /// How many samples are of the class.
    #[serde(alias = "images")]
    pub samples: u64,
}

impl ClassCounts {
    pub(crate) fn new(classes: usize) -> ClassCounts {
        let side = if classes > MOST_CONFUSED { 0 } else { classes };
        let confusion = Confusion(vec![vec![0; side]; side]);
        ClassCounts { classes: vec![ClassCount::default(); classes], confusion }
    }

    /// Counts a sample in.
    pub(crate) fn add(&mut self, label: usize, prediction: usize) {
        self.classes[label].are += 1;
        self.classes[prediction].called += 1;
        self.classes[label].correct += u64::from(label == prediction);
        if let Some(row) = self.confusion.0.get_mut(label) {
            row[prediction] += 1;
        }
    }

    /// How many samples.
    pub(crate) fn count(&self) -> u64 {
        self.classes.iter().map(|class| class.are).sum()
    }

    /// How many of them were called what they are.
    pub(crate) fn correct(&self) -> u64 {
        self.classes.iter().map(|class| class.correct).sum()
    }

    /// The share of them that were.
    pub(crate) fn accuracy(&self) -> f64 {
        ratio(self.correct(), self.count())
    }

    /// Precision, recall and F1 of each class, called `names`.
    pub(crate) fn scores(&self, names: &[String]) -> Vec<ClassScore> {
        let score = |(&ClassCount { are, called, correct }, name): (&ClassCount, &String)| ClassScore {
            class: name.clone(),
            precision: ratio(correct, called),
            recall: ratio(correct, are),
            f1: ratio(2 * correct, called + are),
            samples: are,
        };
        self.classes.iter().zip(names).map(score).collect()
    }

    /// The mean of the classes' F1, each class counting the same; classes that no sample is of and none was
    /// called are left out.
    pub(crate) fn macro_f1(&self) -> f64 {
        let of = |&ClassCount { are, called, correct }: &ClassCount| {
            (are + called > 0).then(|| ratio(2 * correct, called + are))
        };
        let scores: Vec<f64> = self.classes.iter().filter_map(of).collect();
        scores.iter().sum::<f64>() / scores.len().max(1) as f64
    }

    /// The matrix.
    pub(crate) fn into_confusion(self) -> Confusion {
        self.confusion
    }
}

impl Confusion {
    /// The largest count on the diagonal, and beside it.
    pub fn most(&self) -> (u64, u64) {
        let mut most = (0, 0);
        for (label, row) in self.0.iter().enumerate() {
            for (class, &count) in row.iter().enumerate() {
                let side = if label == class { &mut most.0 } else { &mut most.1 };
                *side = count.max(*side);
            }
        }
        most
    }
}

/// 0 of nothing.
pub(super) fn ratio(part: u64, whole: u64) -> f64 {
    if whole == 0 { 0.0 } else { part as f64 / whole as f64 }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn scores_follow_from_the_counts() {
        let mut counts = ClassCounts::new(3);
        // Labels a a b b b; predictions a b b b a; nothing is c.
        for (label, prediction) in [(0, 0), (0, 1), (1, 1), (1, 1), (1, 0)] {
            counts.add(label, prediction);
        }
        assert_eq!((counts.count(), counts.correct(), counts.accuracy()), (5, 3, 0.6));
        let scores = counts.scores(&["a", "b", "c"].map(str::to_owned));
        let found: Vec<_> = scores.iter().map(|s| (s.precision, s.recall, s.samples)).collect();
        assert_eq!(found, [(0.5, 0.5, 2), (2.0 / 3.0, 2.0 / 3.0, 3), (0.0, 0.0, 0)]);
        assert_eq!(scores[1].f1, 2.0 / 3.0);
        // Of a and b; c does not occur.
        assert_eq!(counts.macro_f1(), (0.5 + 2.0 / 3.0) / 2.0);
        let confusion = counts.into_confusion();
        assert_eq!(confusion.0, [[1, 1, 0], [1, 2, 0], [0, 0, 0]]);
        assert_eq!(confusion.most(), (2, 1));
        assert_eq!((ClassCounts::new(2).accuracy(), ClassCounts::new(2).macro_f1()), (0.0, 0.0));
    }

    #[test]
    fn of_many_classes_there_are_scores_and_no_matrix() {
        let mut counts = ClassCounts::new(MOST_CONFUSED + 1);
        for (label, prediction) in [(256, 256), (256, 0), (3, 3)] {
            counts.add(label, prediction);
        }
        assert_eq!((counts.correct(), counts.count()), (2, 3));
        let names: Vec<String> = (0..=MOST_CONFUSED).map(|class| class.to_string()).collect();
        let last = &counts.scores(&names)[256];
        assert_eq!((last.precision, last.recall, last.samples), (1.0, 0.5, 2));
        assert_eq!(counts.into_confusion(), Confusion::default());
        assert_eq!(ClassCounts::new(MOST_CONFUSED).into_confusion().0.len(), MOST_CONFUSED);
    }
}
