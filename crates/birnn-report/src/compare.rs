//! Several nets asked for the same images: who is right where, and what follows from it.
//!
//! P-values are corrected for all pairs, even where only those with the best network are shown: the best was
//! chosen by the same answers.

use birnn_engine::{Experiment, differing};
use serde::Serialize;

use crate::answers::Answers;
use crate::error::ReportError;
use crate::stats::{Interval, difference, holm, mcnemar, wilson};

/// How nets do on the same images, each by itself and each beside each other.
#[derive(Clone, Debug, PartialEq)]
pub struct Comparison {
    /// How many images.
    pub images: u64,
    /// One per net.
    pub scores: Vec<Score>,
    /// Every two nets, the one that comes first as A.
    pub pairs: Vec<Pair>,
}

/// How one net does.
#[derive(Clone, Copy, Debug, PartialEq, Serialize)]
pub struct Score {
    /// Images named rightly.
    pub correct: u64,
    /// Share of images named rightly.
    pub accuracy: f64,
    /// Its 95 % interval ([`wilson`]).
    pub interval: Interval,
    /// Mean cross-entropy per image, in nats.
    pub loss: f64,
}

/// Two nets side by side.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Pair {
    /// The place of the one among the nets.
    pub a: usize,
    /// The place of the other.
    pub b: usize,
    /// Images that A alone names rightly.
    pub only_a: u64,
    /// Images that B alone names rightly.
    pub only_b: u64,
    /// A's accuracy less B's.
    pub difference: f64,
    /// Its 95 % interval ([`difference`]).
    pub interval: Interval,
    /// The p-value of [`mcnemar`], as a logarithm.
    pub log10_p: f64,
    /// The same, held to the number of pairs ([`holm`]).
    pub log10_p_holm: f64,
}

/// What images say of two nets.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Verdict {
    /// They are right on the very same images.
    Same,
    /// Two equally good nets could well have answered so.
    Undecided,
    /// The first is better.
    ABetter,
    /// The second is better.
    BBetter,
}

/// A difference counts as seen when chance makes one as large in fewer than so many tests.
pub const LEVEL: f64 = 0.05;

impl Comparison {
    /// From each net's answers to the same images, in the same order.
    ///
    /// # Errors
    ///
    /// They are not the same images, or there are none.
    pub fn new(answers: &[Answers]) -> Result<Comparison, ReportError> {
        let labels =
            |of: &Answers| of.answers.iter().map(|answer| (answer.image, answer.label)).collect::<Vec<_>>();
        let scores =
            answers.iter().map(Score::new).collect::<Option<Vec<_>>>().ok_or(ReportError::NoImages)?;
        let images = answers.first().ok_or(ReportError::NoImages)?;
        if answers.iter().any(|other| labels(other) != labels(images)) {
            return Err(ReportError::OtherImages);
        }
        let mut pairs = Vec::new();
        for (a, of_a) in answers.iter().enumerate() {
            pairs.extend((a + 1..answers.len()).map(|b| Pair::new([a, b], [of_a, &answers[b]])));
        }
        let adjusted = holm(&pairs.iter().map(|pair| pair.log10_p).collect::<Vec<_>>());
        for (pair, adjusted) in pairs.iter_mut().zip(adjusted) {
            pair.log10_p_holm = adjusted;
        }
        Ok(Comparison { images: images.answers.len() as u64, scores, pairs })
    }

    /// The net with the most right answers; of several, the first.
    pub fn best(&self) -> usize {
        let most = self.scores.iter().map(|score| score.correct).max();
        self.scores.iter().position(|score| Some(score.correct) == most).unwrap_or(0)
    }

    /// The net `a` beside each other one. Adjusted for all pairs all the same: which nets are looked at was not settled before
    /// the answers were seen.
    pub fn beside(&self, a: usize) -> Vec<Pair> {
        let with_a = self.pairs.iter().filter(|pair| pair.a == a || pair.b == a);
        with_a.map(|pair| if pair.a == a { *pair } else { pair.turned() }).collect()
    }
}

impl Score {
    fn new(answers: &Answers) -> Option<Score> {
        let found = &answers.evaluation;
        let interval = wilson(found.correct, found.images)?;
        Some(Score { correct: found.correct, accuracy: found.accuracy, interval, loss: found.loss })
    }
}

impl Pair {
    fn new([a, b]: [usize; 2], [of_a, of_b]: [&Answers; 2]) -> Pair {
        let both = || of_a.answers.iter().zip(&of_b.answers);
        let only_a = both().filter(|(a, b)| a.right() && !b.right()).count() as u64;
        let only_b = both().filter(|(a, b)| !a.right() && b.right()).count() as u64;
        let images = of_a.answers.len() as u64;
        let log10_p = mcnemar(only_a, only_b);
        Pair {
            a,
            b,
            only_a,
            only_b,
            difference: (only_a as f64 - only_b as f64) / images as f64,
            interval: difference(only_a, only_b, images),
            log10_p,
            log10_p_holm: log10_p,
        }
    }

    /// The same, B first.
    fn turned(self) -> Pair {
        let Interval { low, high } = self.interval;
        Pair {
            a: self.b,
            b: self.a,
            only_a: self.only_b,
            only_b: self.only_a,
            difference: -self.difference,
            interval: Interval { low: -high, high: -low },
            ..self
        }
    }

    /// What can be said.
    pub fn verdict(&self) -> Verdict {
        match (self.only_a, self.only_b) {
            (0, 0) => Verdict::Same,
            _ if self.log10_p_holm >= LEVEL.log10() => Verdict::Undecided,
            (a, b) if a > b => Verdict::ABetter,
            _ => Verdict::BBetter,
        }
    }
}

/// The places of experiments that differ in their seeds alone, together; what they are called does not matter.
pub fn recipes(experiments: &[&Experiment]) -> Vec<Vec<usize>> {
    let plain: Vec<_> = experiments
        .iter()
        .map(|experiment| Experiment { name: None, seed: 0, ..(*experiment).clone() }.to_json())
        .collect();
    let mut recipes: Vec<Vec<usize>> = Vec::new();
    for place in 0..plain.len() {
        let same = |recipe: &&mut Vec<usize>| {
            differing(&[plain[recipe[0]].clone(), plain[place].clone()]).is_empty()
        };
        match recipes.iter_mut().find(same) {
            Some(recipe) => recipe.push(place),
            None => recipes.push(vec![place]),
        }
    }
    recipes
}

#[cfg(test)]
mod tests {
    use birnn_engine::Evaluation;

    use super::*;
    use crate::answers::Answer;
    use crate::stats::Calibration;

    /// The answers of a net to images of class 1: `r` is right, all else is wrong.
    fn answers(right: &str) -> Answers {
        let answer = |(image, right): (usize, char)| Answer {
            image,
            label: 1,
            class: usize::from(right == 'r'),
            probability: 0.9,
            of_label: 0.9,
        };
        let answers: Vec<Answer> = right.chars().enumerate().map(answer).collect();
        let (images, correct) = (answers.len() as u64, right.matches('r').count() as u64);
        let evaluation = Evaluation {
            images,
            correct,
            accuracy: correct as f64 / images.max(1) as f64,
            loss: 0.5,
            classes: Vec::new(),
            confusion: Vec::new(),
            mistakes: Vec::new(),
        };
        Answers { answers, evaluation, calibration: Calibration::new(&[], 1) }
    }

    #[test]
    fn images_that_one_alone_is_right_on_decide() {
        let found = Comparison::new(&[answers("rrrrr--r--"), answers("rr---r---r")]).unwrap();
        assert_eq!(found.images, 10);
        assert_eq!((found.scores[0].correct, found.scores[1].correct), (6, 4));
        let [pair] = found.pairs[..] else { panic!("{found:?}") };
        assert_eq!((pair.a, pair.b, pair.only_a, pair.only_b), (0, 1, 4, 2));
        assert!((pair.difference - 0.2).abs() < 1e-12);
        assert_eq!(pair.interval, difference(4, 2, 10));
        assert_eq!((pair.log10_p, pair.log10_p_holm), (mcnemar(4, 2), mcnemar(4, 2)));
        assert_eq!(pair.verdict(), Verdict::Undecided);
    }

    #[test]
    fn better_worse_and_the_same_are_told_apart() {
        let (good, bad) = (answers(&"r".repeat(12)), answers(&format!("rr{}", "-".repeat(10))));
        let found = Comparison::new(&[bad, good, answers(&"r".repeat(12))]).unwrap();
        let verdicts: Vec<Verdict> = found.pairs.iter().map(Pair::verdict).collect();
        assert_eq!(verdicts, [Verdict::BBetter, Verdict::BBetter, Verdict::Same]);
        assert_eq!(found.best(), 1);
        let beside = found.beside(1);
        assert_eq!(beside.iter().map(|pair| (pair.a, pair.b)).collect::<Vec<_>>(), [(1, 0), (1, 2)]);
        assert_eq!(beside[0].verdict(), Verdict::ABetter);
        assert_eq!((beside[0].only_a, beside[0].only_b), (10, 0));
        assert!(beside[0].interval.low > 0.0 && beside[0].difference > 0.8, "{:?}", beside[0]);
    }

    /// 7 to 0 would do alone (p = 0.016), and does not beside others.
    #[test]
    fn many_nets_are_held_to_more() {
        let with = |others: usize| {
            let mut nets = vec![answers(&"r".repeat(7))];
            nets.extend((0..others).map(|_| answers(&"-".repeat(7))));
            Comparison::new(&nets).unwrap().pairs[0].verdict()
        };
        assert_eq!(with(1), Verdict::ABetter);
        assert_eq!(with(3), Verdict::Undecided);
    }

    #[test]
    fn other_images_are_refused() {
        let refused = |nets: &[Answers]| Comparison::new(nets).unwrap_err();
        assert!(matches!(refused(&[answers("rr"), answers("rrr")]), ReportError::OtherImages));
        let mut other = answers("rr");
        other.answers[1].label = 0;
        assert!(matches!(refused(&[answers("rr"), other]), ReportError::OtherImages));
        assert!(matches!(refused(&[answers("")]), ReportError::NoImages));
        assert!(matches!(refused(&[]), ReportError::NoImages));
    }

    #[test]
    fn runs_of_one_recipe_differ_in_seed_and_name_alone() {
        let with = |seed: u32, name: &str, epochs: usize| {
            let mut experiment = Experiment { seed, name: Some(name.to_owned()), ..Experiment::default() };
            experiment.train.epochs = epochs;
            experiment
        };
        let all = [with(0, "a", 2), with(1, "a", 2), with(0, "a", 3), with(2, "b", 2)];
        assert_eq!(recipes(&all.iter().collect::<Vec<_>>()), [vec![0, 1, 3], vec![2]]);
    }
}
