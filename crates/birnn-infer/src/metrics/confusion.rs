//! The confusion matrix, and the scores that follow from it.

use serde::{Deserialize, Serialize};

/// `[label][prediction]`: how many samples.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Confusion(pub Vec<Vec<u64>>);

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

impl Confusion {
    pub(crate) fn new(classes: usize) -> Confusion {
        Confusion(vec![vec![0; classes]; classes])
    }

    /// Counts a sample in.
    pub(crate) fn add(&mut self, label: usize, prediction: usize) {
        self.0[label][prediction] += 1;
    }

    /// How many samples.
    pub fn count(&self) -> u64 {
        self.0.iter().flatten().sum()
    }

    /// How many of them are on the diagonal.
    pub fn correct(&self) -> u64 {
        self.0.iter().enumerate().map(|(class, row)| row[class]).sum()
    }

    /// The share of them that are.
    pub fn accuracy(&self) -> f64 {
        ratio(self.correct(), self.count())
    }

    /// Precision, recall and F1 of each class, called `names`.
    pub fn scores(&self, names: &[String]) -> Vec<ClassScore> {
        let score = |(class, name): (usize, &String)| {
            let correct = self.0[class][class];
            let are = self.0[class].iter().sum();
            let called = self.0.iter().map(|row| row[class]).sum();
            ClassScore {
                class: name.clone(),
                precision: ratio(correct, called),
                recall: ratio(correct, are),
                f1: ratio(2 * correct, called + are),
                samples: are,
            }
        };
        names.iter().enumerate().map(score).collect()
    }

    /// The mean of the classes' F1, each class counting the same; classes that no sample is of and none was
    /// called are left out.
    pub fn macro_f1(&self) -> f64 {
        let of = |class: usize| {
            let are: u64 = self.0[class].iter().sum();
            let called: u64 = self.0.iter().map(|row| row[class]).sum();
            (are + called > 0).then(|| ratio(2 * self.0[class][class], called + are))
        };
        let scores: Vec<f64> = (0..self.0.len()).filter_map(of).collect();
        scores.iter().sum::<f64>() / scores.len().max(1) as f64
    }

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
        let mut confusion = Confusion::new(3);
        // Labels a a b b b; predictions a b b b a; nothing is c.
        for (label, prediction) in [(0, 0), (0, 1), (1, 1), (1, 1), (1, 0)] {
            confusion.add(label, prediction);
        }
        assert_eq!(confusion.0, [[1, 1, 0], [1, 2, 0], [0, 0, 0]]);
        assert_eq!((confusion.count(), confusion.correct(), confusion.accuracy()), (5, 3, 0.6));
        assert_eq!(confusion.most(), (2, 1));
        let scores = confusion.scores(&["a", "b", "c"].map(str::to_owned));
        let found: Vec<_> = scores.iter().map(|s| (s.precision, s.recall, s.samples)).collect();
        assert_eq!(found, [(0.5, 0.5, 2), (2.0 / 3.0, 2.0 / 3.0, 3), (0.0, 0.0, 0)]);
        assert_eq!(scores[1].f1, 2.0 / 3.0);
        // Of a and b; c does not occur.
        assert_eq!(confusion.macro_f1(), (0.5 + 2.0 / 3.0) / 2.0);
        assert_eq!((Confusion::new(2).accuracy(), Confusion::new(2).macro_f1()), (0.0, 0.0));
    }
}
