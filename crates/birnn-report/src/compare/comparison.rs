//! The answers of several nets for the same samples: which is better where, and what follows from it.
//!
//! What is said of pairs is corrected for all of them, even where only those with the best network are shown:
//! the best was chosen by the same answers.

use birnn_data::Per;
use birnn_infer::{ErrorSums, Headline, SpanScore};
use serde::Serialize;

use super::{ClassesScore, Score};
use crate::answered::Answered;
use crate::error::ReportError;
use crate::number_predictions::NumberPredictions;
use crate::predictions::{Prediction, Predictions};
use crate::stats::{Interval, LEVEL, Resampled, all, asked, difference, holm, mcnemar, mean, sum};
use crate::token_predictions::{TokenPredictions, all_of};

/// How nets do on the same samples, each by itself, and every two side by side.
#[derive(Clone, Debug, PartialEq)]
pub struct Comparison {
    /// The number of samples.
    pub samples: u64,
    /// One per net.
    pub scores: Vec<Score>,
    /// Every two nets, the one that comes first as A.
    pub pairs: Vec<Pair>,
}

/// Two nets side by side.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Pair {
    /// The index of the one net.
    pub a: usize,
    /// The index of the other.
    pub b: usize,
    /// A's headline metric less B's: accuracy, of tags that mark spans their F1, of numbers the RMSE, of
    /// values of the samples themselves the MAE in standard deviations, and of tokens of theirs the
    /// perplexity.
    pub difference: f64,
    /// Its 95 % interval: of classes of samples [`difference`], else by drawing samples anew, both nets'
    /// answers together; none of fewer than six samples.
    pub interval: Option<Interval>,
    /// What tells chance from more than that.
    pub evidence: Evidence,
}

/// By what it is judged whether two nets differ.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Evidence {
    /// Of classes of samples, which are independent: those that one net alone classifies correctly.
    Alone {
        /// Samples that A alone classifies correctly.
        only_a: u64,
        /// Samples that B alone classifies correctly.
        only_b: u64,
        /// The p-value of [`mcnemar`], as a logarithm.
        log10_p: f64,
        /// The same, corrected for the number of pairs ([`holm`]).
        log10_p_holm: f64,
    },
    /// Of numbers, and of steps, of which many are of one sample: the difference where samples are drawn
    /// anew.
    Drawn {
        /// Whether more is better.
        is_share: bool,
        /// Whether both nets are right in the same places, or answer with the same numbers.
        same: bool,
        /// The interval of the difference so wide that among all pairs each is within its own with 95 %
        /// confidence (Bonferroni); none of so few samples, for so many pairs, that this cannot be told.
        widened: Option<Interval>,
    },
}

/// What samples say of two nets.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Verdict {
    /// They classify the very same samples correctly, or answer with the very same numbers.
    Same,
    /// Two equally good nets could well differ as much.
    Undecided,
    /// The first is better.
    ABetter,
    /// The second is better.
    BBetter,
}

impl Comparison {
    /// From each net's answers for the same samples, in the same order.
    ///
    /// # Errors
    ///
    /// When they are not the same samples, or not answered with the same, or there are none.
    pub fn new(answered: &[Answered]) -> Result<Comparison, ReportError> {
        let (mut classes, mut numbers, mut tokens) = (Vec::new(), Vec::new(), Vec::new());
        for net in answered {
            match net {
                Answered::Classes(predictions) => classes.push(predictions),
                Answered::Numbers(predictions) => numbers.push(predictions),
                Answered::Tokens(predictions) => tokens.push(predictions),
            }
        }
        let (samples, pairs) = match (classes.as_slice(), numbers.as_slice(), tokens.as_slice()) {
            (nets, [], []) => of_classes(nets)?,
            ([], nets, []) => of_numbers(nets)?,
            ([], [], nets) => of_tokens(nets)?,
            _ => return Err(ReportError::OtherSamples),
        };
        let mut scores: Vec<Score> = answered.iter().map(Score::new).collect();
        // What one of them is not judged by, none is first judged by.
        if scores.iter().any(|score| matches!(score, Score::Classes(ClassesScore { f1: None, .. }))) {
            scores.iter_mut().for_each(Score::leave_spans);
        }
        Ok(Comparison { samples, scores, pairs })
    }

    /// The net that is best by the number that it is first judged by; of several, the first.
    pub fn best(&self) -> usize {
        let goodness = |net: usize| {
            let Headline { metric, value } = self.scores[net].headline();
            metric.goodness(value)
        };
        let better = |best: usize, net: usize| if goodness(net) > goodness(best) { net } else { best };
        (0..self.scores.len()).reduce(better).unwrap_or(0)
    }

    /// The net `a` beside each other one. Corrected for all pairs nonetheless: which nets are looked at was
    /// not settled before the predictions were seen.
    pub fn beside(&self, a: usize) -> Vec<Pair> {
        let with_a = self.pairs.iter().filter(|pair| pair.a == a || pair.b == a);
        with_a.map(|pair| if pair.a == a { *pair } else { pair.turned() }).collect()
    }
}

/// Every two of so many nets.
fn every_two(nets: usize) -> Vec<[usize; 2]> {
    (0..nets).flat_map(|a| (a + 1..nets).map(move |b| [a, b])).collect()
}

/// How many samples there are, and the pairs of nets that classify them or their steps.
fn of_classes(nets: &[&Predictions]) -> Result<(u64, Vec<Pair>), ReportError> {
    let first = nets.first().filter(|first| !first.predictions.is_empty()).ok_or(ReportError::NoSamples)?;
    let labels = |of: &Predictions| {
        of.predictions.iter().map(|answer| (answer.sample, answer.label)).collect::<Vec<_>>()
    };
    let differ = |other: &&Predictions| {
        labels(other) != labels(first) || (other.per, &other.positions) != (first.per, &first.positions)
    };
    if nets.iter().any(differ) {
        return Err(ReportError::OtherSamples);
    }
    let samples = first.positions.len();
    let pairs = match first.per {
        Per::Sequence => with_holm(every_two(nets.len()).into_iter().map(|pair| alone(nets, pair)).collect()),
        Per::Step => {
            let correct = |net: &&Predictions| -> Vec<f64> {
                let count = |own: &[Prediction]| own.iter().filter(|one| one.is_correct()).count() as f64;
                net.of_samples().map(|range| count(&net.predictions[range])).collect()
            };
            let correct: Vec<Vec<f64>> = nets.iter().map(correct).collect();
            let accuracies = |drawn: &[usize]| {
                let steps: usize = drawn.iter().map(|&sample| first.positions[sample]).sum();
                correct.iter().map(|of| drawn.iter().map(|&s| of[s]).sum::<f64>() / steps as f64).collect()
            };
            let correctness = |net: usize| nets[net].predictions.iter().map(Prediction::is_correct);
            let spans: Option<Vec<&[SpanScore]>> = nets.iter().map(|net| net.spans.as_deref()).collect();
            // Those that are wrong at the same steps can mark other spans.
            let mark_the_same = |a: usize, b: usize| spans.as_ref().is_none_or(|of| of[a] == of[b]);
            let same = |[a, b]: [usize; 2]| correctness(a).eq(correctness(b)) && mark_the_same(a, b);
            let all = all(samples);
            match &spans {
                None => drawn(nets.len(), &all, true, accuracies, same),
                Some(spans) => {
                    let f1s = |drawn: &[usize]| spans.iter().map(|of| f1(of, drawn)).collect();
                    drawn(nets.len(), &all, true, f1s, same)
                }
            }
        }
    };
    Ok((samples as u64, pairs))
}

/// The F1 of the spans of all `drawn` samples together.
fn f1(of: &[SpanScore], drawn: &[usize]) -> f64 {
    let sum = |(correct, all): (u64, u64), &sample: &usize| {
        let SpanScore { spans, found, correct: own, .. } = of[sample];
        (correct + own, all + spans + found)
    };
    let (correct, all) = drawn.iter().fold((0, 0), sum);
    2.0 * correct as f64 / all.max(1) as f64
}

/// How many samples there are, and the pairs of nets that tell their numbers.
fn of_numbers(nets: &[&NumberPredictions]) -> Result<(u64, Vec<Pair>), ReportError> {
    let first = nets.first().filter(|first| !first.truth.is_empty()).ok_or(ReportError::NoSamples)?;
    if nets.iter().any(|other| other.truth != first.truth || other.positions != first.positions) {
        return Err(ReportError::OtherSamples);
    }
    let error = |net: &&NumberPredictions, drawn: &[usize]| {
        let of: Vec<_> = net.errors.iter().map(|number| sum(number, drawn)).collect();
        match net.task.self_targets {
            None => mean(&of, ErrorSums::rmse),
            Some(_) => mae_in_deviations(&of, &net.task.scale.deviation),
        }
    };
    let samples = first.positions.len();
    let errors = |drawn: &[usize]| nets.iter().map(|net| error(net, drawn)).collect();
    let same = |[a, b]: [usize; 2]| nets[a].answers == nets[b].answers;
    Ok((samples as u64, drawn(nets.len(), &asked(&first.errors), false, errors, same)))
}

/// The mean absolute error of all numbers together, each in standard deviations of its own.
fn mae_in_deviations(of: &[ErrorSums], deviation: &[f32]) -> f64 {
    let absolute =
        of.iter().zip(deviation).map(|(of, &deviation)| of.count() * of.mae() / f64::from(deviation));
    absolute.sum::<f64>() / of.iter().map(ErrorSums::count).sum::<f64>().max(1.0)
}

/// How many samples there are, and the pairs of nets that answer with tokens of theirs.
fn of_tokens(nets: &[&TokenPredictions]) -> Result<(u64, Vec<Pair>), ReportError> {
    let first = nets.first().ok_or(ReportError::NoSamples)?;
    let differ = |other: &&TokenPredictions| {
        (&other.labels, other.known, &other.positions) != (&first.labels, first.known, &first.positions)
    };
    if nets.iter().any(differ) {
        return Err(ReportError::OtherSamples);
    }
    let samples = first.positions.len();
    let perplexities =
        |drawn: &[usize]| nets.iter().map(|net| all_of(&net.sums, drawn).perplexity()).collect();
    let same = |[a, b]: [usize; 2]| nets[a].scores == nets[b].scores;
    let asked: Vec<usize> = (0..samples).filter(|&sample| first.sums[sample].asked > 0).collect();
    Ok((samples as u64, drawn(nets.len(), &asked, false, perplexities, same)))
}

/// Every two of so many nets, where samples are drawn anew, of those that something is asked of: `of` tells
/// the scores of all nets on those drawn.
fn drawn(
    nets: usize,
    samples: &[usize],
    is_share: bool,
    of: impl Fn(&[usize]) -> Vec<f64>,
    same: impl Fn([usize; 2]) -> bool,
) -> Vec<Pair> {
    let scores = of(samples);
    let pairs = every_two(nets);
    let resampled = Resampled::new(samples, pairs.len(), of);
    let level = LEVEL / pairs.len() as f64;
    let pair = |[a, b]: [usize; 2]| Pair {
        a,
        b,
        difference: scores[a] - scores[b],
        interval: resampled.difference([a, b], LEVEL),
        evidence: Evidence::Drawn {
            is_share,
            same: same([a, b]),
            widened: resampled.difference([a, b], level),
        },
    };
    pairs.into_iter().map(pair).collect()
}

/// Two nets that classify samples.
fn alone(nets: &[&Predictions], [a, b]: [usize; 2]) -> Pair {
    let both = || nets[a].predictions.iter().zip(&nets[b].predictions);
    let only_a = both().filter(|(a, b)| a.is_correct() && !b.is_correct()).count() as u64;
    let only_b = both().filter(|(a, b)| !a.is_correct() && b.is_correct()).count() as u64;
    let samples = nets[a].predictions.len() as u64;
    let log10_p = mcnemar(only_a, only_b);
    Pair {
        a,
        b,
        difference: (only_a as f64 - only_b as f64) / samples as f64,
        interval: Some(difference(only_a, only_b, samples)),
        evidence: Evidence::Alone { only_a, only_b, log10_p, log10_p_holm: log10_p },
    }
}

/// The pairs with their p-values corrected for the number of them.
fn with_holm(mut pairs: Vec<Pair>) -> Vec<Pair> {
    let alone = |pair: &Pair| match pair.evidence {
        Evidence::Alone { log10_p, .. } => Some(log10_p),
        Evidence::Drawn { .. } => None,
    };
    let adjusted = holm(&pairs.iter().filter_map(alone).collect::<Vec<_>>());
    for (pair, adjusted) in pairs.iter_mut().zip(adjusted) {
        if let Evidence::Alone { log10_p_holm, .. } = &mut pair.evidence {
            *log10_p_holm = adjusted;
        }
    }
    pairs
}

impl Pair {
    /// The same, B first.
    fn turned(self) -> Pair {
        let turned = |Interval { low, high }: Interval| Interval { low: -high, high: -low };
        let evidence = match self.evidence {
            Evidence::Alone { only_a, only_b, log10_p, log10_p_holm } => {
                Evidence::Alone { only_a: only_b, only_b: only_a, log10_p, log10_p_holm }
            }
            Evidence::Drawn { is_share, same, widened } => {
                Evidence::Drawn { is_share, same, widened: widened.map(turned) }
            }
        };
        let interval = self.interval.map(turned);
        Pair { a: self.b, b: self.a, difference: -self.difference, interval, evidence }
    }

    /// Whether the first is ahead, rather than behind.
    pub fn is_ahead(&self) -> bool {
        match self.evidence {
            Evidence::Alone { .. } | Evidence::Drawn { is_share: true, .. } => self.difference > 0.0,
            Evidence::Drawn { is_share: false, .. } => self.difference < 0.0,
        }
    }

    /// What follows, among all pairs: from the p-value corrected for the number of them, at [`LEVEL`], or
    /// from the widened interval.
    pub fn verdict(&self) -> Verdict {
        let better = if self.is_ahead() { Verdict::ABetter } else { Verdict::BBetter };
        match self.evidence {
            Evidence::Alone { only_a: 0, only_b: 0, .. } | Evidence::Drawn { same: true, .. } => {
                Verdict::Same
            }
            Evidence::Alone { log10_p_holm, .. } if log10_p_holm >= LEVEL.log10() => Verdict::Undecided,
            Evidence::Alone { .. } => better,
            Evidence::Drawn { widened, .. } if widened.is_some_and(Interval::is_of_a_sign) => better,
            Evidence::Drawn { .. } => Verdict::Undecided,
        }
    }
}

#[cfg(test)]
pub(crate) mod made_up {
    use birnn_data::{TargetScale, TargetValues, Targets};
    use birnn_experiment::RegressionLoss;
    use birnn_infer::{Regress, Task, TokenScore, TokenScores, TokenSums};

    use super::*;
    use crate::records::made_up::evaluation;
    use crate::stats::Calibration;

    /// The predictions of a net for samples of class 1: `r` is correct, all else is wrong.
    pub(crate) fn predictions(right: &str) -> Answered {
        Answered::Classes(classes(right))
    }

    pub(crate) fn classes(right: &str) -> Predictions {
        let prediction = |(sample, right): (usize, char)| Prediction {
            sample,
            label: 1,
            class: usize::from(right == 'r'),
            probability: 0.9,
            p_true: 0.9,
        };
        let predictions: Vec<Prediction> = right.chars().enumerate().map(prediction).collect();
        let (samples, correct) = (predictions.len() as u64, right.matches('r').count() as u64);
        let evaluation = evaluation(samples, correct, 0.5);
        let classified = evaluation.classified().unwrap().clone();
        Predictions {
            positions: vec![1; predictions.len()],
            per: Per::Sequence,
            predictions,
            evaluation,
            classified,
            calibration: Calibration::new(&[], 1),
            spans: None,
        }
    }
    /// As [`classes`], of steps of series that have so many each.
    pub(crate) fn steps(right: &str, each: usize) -> Predictions {
        let all = classes(right);
        Predictions { per: Per::Step, positions: vec![each; right.len() / each], ..all }
    }

    /// A net that finds the right ones of some tokens with these losses, one in each sample.
    pub(crate) fn tokens(losses: &[f32]) -> Answered {
        let scores: Vec<_> =
            losses.iter().map(|&loss| Some(TokenScore { loss, is_right: loss < 0.7 })).collect();
        let flat = losses.iter().flat_map(|&loss| [loss, f32::from(u8::from(loss < 0.7))]).collect();
        let evaluation = TokenScores::from_values(flat).evaluation();
        let sum = |&loss: &f32| TokenSums { asked: 1, right: u64::from(loss < 0.7), loss: f64::from(loss) };
        Answered::Tokens(TokenPredictions {
            sums: losses.iter().map(sum).collect(),
            labels: vec![0; losses.len()],
            known: 2,
            positions: vec![1; losses.len()],
            classified: evaluation.classified().unwrap().clone(),
            evaluation,
            scores,
        })
    }

    /// A net that is off by so much on each of some samples whose number is their index.
    pub(crate) fn numbers(off: &[f32]) -> Answered {
        let truth: Vec<f32> = (0..off.len()).map(|index| index as f32).collect();
        let answers: Vec<f32> = truth.iter().zip(off).map(|(truth, off)| truth + off).collect();
        let scale = TargetScale { names: vec!["n".to_owned()], mean: vec![0.0], deviation: vec![1.0] };
        let task = Regress { scale, per: Per::Sequence, loss: RegressionLoss::Squared, self_targets: None };
        let values = TargetValues::Numbers { values: truth.clone(), width: 1 };
        let targets = Targets { values, per: Per::Sequence };
        let evaluation = Task::Regress(task.clone()).evaluate(&answers.clone().into(), &targets);
        Answered::Numbers(NumberPredictions {
            errors: task.errors_by_sequence(&answers, &targets, off.iter().map(|_| 1)),
            regressed: evaluation.regressed().unwrap().clone(),
            evaluation,
            positions: vec![1; off.len()],
            judged: Vec::new(),
            asked: None,
            answers,
            truth,
            task,
        })
    }
}

#[cfg(test)]
mod tests {
    use birnn_infer::{Metric, ReadingScores, SpanScores};

    use super::made_up::{classes, numbers, predictions, steps, tokens};
    use super::*;

    #[test]
    fn samples_that_one_alone_is_right_on_decide() {
        let found = Comparison::new(&[predictions("rrrrr--r--"), predictions("rr---r---r")]).unwrap();
        assert_eq!(found.samples, 10);
        assert_eq!(found.scores.iter().map(|score| score.headline().value).collect::<Vec<_>>(), [0.6, 0.4]);
        let [pair] = found.pairs[..] else { panic!("{found:?}") };
        assert_eq!((pair.a, pair.b), (0, 1));
        assert!((pair.difference - 0.2).abs() < 1e-12);
        assert_eq!(pair.interval, Some(difference(4, 2, 10)));
        let log10_p = mcnemar(4, 2);
        assert_eq!(pair.evidence, Evidence::Alone { only_a: 4, only_b: 2, log10_p, log10_p_holm: log10_p });
        assert_eq!(pair.verdict(), Verdict::Undecided);
    }

    /// Where one of them marks spans and the other does not.
    #[test]
    fn nets_are_judged_by_what_all_of_them_tell() {
        let score = SpanScore { f1: 0.5, spans: 2, found: 2, correct: 1, ..SpanScore::default() };
        let reading = ReadingScores { all: score, types: Vec::new() };
        let of_spans = |right: &str| {
            let mut found = steps(right, 2);
            let scores = SpanScores { strict: reading.clone(), conlleval: reading.clone(), illegal: 0 };
            found.classified.spans = Some(Box::new(scores));
            found.spans = Some(vec![score; right.len() / 2]);
            Answered::Classes(found)
        };
        let without = |right: &str| Answered::Classes(steps(right, 2));
        let names = |nets: [Answered; 2]| {
            let found = Comparison::new(&nets).unwrap();
            let difference = found.pairs[0].difference;
            (found.scores.iter().map(|score| score.headline().metric).collect::<Vec<_>>(), difference)
        };
        let (all, none) = ("r".repeat(20), "r---".repeat(5));
        assert_eq!(names([of_spans(&all), of_spans(&none)]), (vec![Metric::F1; 2], 0.0));
        assert_eq!(names([of_spans(&all), without(&none)]), (vec![Metric::Accuracy; 2], 0.75));
        let found = Comparison::new(&[of_spans(&all), without(&all)]).unwrap();
        assert_eq!(found.pairs[0].verdict(), Verdict::Same);
    }

    #[test]
    fn better_worse_and_the_same_are_told_apart() {
        let (good, bad) = (predictions(&"r".repeat(12)), predictions(&format!("rr{}", "-".repeat(10))));
        let found = Comparison::new(&[bad, good, predictions(&"r".repeat(12))]).unwrap();
        let verdicts: Vec<Verdict> = found.pairs.iter().map(Pair::verdict).collect();
        assert_eq!(verdicts, [Verdict::BBetter, Verdict::BBetter, Verdict::Same]);
        assert_eq!(found.best(), 1);
        let beside = found.beside(1);
        assert_eq!(beside.iter().map(|pair| (pair.a, pair.b)).collect::<Vec<_>>(), [(1, 0), (1, 2)]);
        assert_eq!(beside[0].verdict(), Verdict::ABetter);
        assert!(
            matches!(beside[0].evidence, Evidence::Alone { only_a: 10, only_b: 0, .. }),
            "{:?}",
            beside[0]
        );
        assert!(beside[0].interval.unwrap().low > 0.0 && beside[0].difference > 0.8, "{:?}", beside[0]);
    }

    /// 7 to 0 would do alone (p = 0.016), and does not beside others.
    #[test]
    fn many_nets_are_held_to_more() {
        let with = |others: usize| {
            let mut nets = vec![predictions(&"r".repeat(7))];
            nets.extend((0..others).map(|_| predictions(&"-".repeat(7))));
            Comparison::new(&nets).unwrap().pairs[0].verdict()
        };
        assert_eq!(with(1), Verdict::ABetter);
        assert_eq!(with(3), Verdict::Undecided);
    }

    #[test]
    fn other_samples_are_refused() {
        let refused = |nets: &[Answered]| Comparison::new(nets).unwrap_err();
        assert!(matches!(refused(&[predictions("rr"), predictions("rrr")]), ReportError::OtherSamples));
        let mut other = classes("rr");
        other.predictions[1].label = 0;
        assert!(matches!(refused(&[predictions("rr"), Answered::Classes(other)]), ReportError::OtherSamples));
        assert!(matches!(refused(&[predictions("rr"), numbers(&[0.0, 0.0])]), ReportError::OtherSamples));
        let steps = Answered::Classes(steps("rr", 2));
        assert!(matches!(refused(&[predictions("rr"), steps]), ReportError::OtherSamples));
        assert!(matches!(refused(&[predictions("")]), ReportError::NoSamples));
        assert!(matches!(refused(&[]), ReportError::NoSamples));
    }

    /// The lower RMSE is the better one, told by the same samples drawn anew.
    #[test]
    fn errors_are_compared_on_the_same_draws() {
        let off = |by: f32| -> Vec<f32> { (0..200).map(|index| by + (index * 37 % 100) as f32).collect() };
        let nets = [numbers(&off(0.0)), numbers(&off(1.0)), numbers(&off(0.0))];
        let found = Comparison::new(&nets).unwrap();
        assert_eq!((found.samples, found.best()), (200, 0));
        let verdicts: Vec<Verdict> = found.pairs.iter().map(Pair::verdict).collect();
        assert_eq!(verdicts, [Verdict::ABetter, Verdict::Same, Verdict::BBetter]);
        let [first, ..] = found.pairs[..] else { panic!("{found:?}") };
        let (interval, Evidence::Drawn { widened, .. }) = (first.interval.unwrap(), first.evidence) else {
            panic!("{first:?}")
        };
        let widened = widened.unwrap();
        assert!(widened.low <= interval.low && interval.high <= widened.high && interval.high < 0.0);
        assert!(interval.low < first.difference && first.difference < interval.high, "{first:?}");
        assert_eq!(found.beside(1)[0].verdict(), Verdict::BBetter);
        // Each is far better on half of the samples.
        let half = |which: usize| -> Vec<f32> {
            (0..40).map(|index| (index % 2 == which).into()).map(|off: u8| off.into()).collect()
        };
        let found = Comparison::new(&[numbers(&half(0)), numbers(&half(1))]).unwrap();
        assert_eq!(found.pairs[0].verdict(), Verdict::Undecided);
        let single = Comparison::new(&[numbers(&[0.0]), numbers(&[1.0])]).unwrap();
        assert_eq!((single.pairs[0].verdict(), single.pairs[0].interval), (Verdict::Undecided, None));
    }

    /// The lower perplexity is the better one.
    #[test]
    fn perplexities_are_compared_on_the_same_draws() {
        let losses =
            |by: f32| -> Vec<f32> { (0..200).map(|index| by + (index * 37 % 10) as f32 / 10.0).collect() };
        let nets = [tokens(&losses(0.1)), tokens(&losses(0.0)), tokens(&losses(0.1))];
        let found = Comparison::new(&nets).unwrap();
        let verdicts: Vec<Verdict> = found.pairs.iter().map(Pair::verdict).collect();
        assert_eq!(verdicts, [Verdict::BBetter, Verdict::Same, Verdict::ABetter]);
        assert_eq!((found.best(), found.scores[1].headline().metric), (1, Metric::Perplexity));
        let expected = 0.55_f64.exp() - 0.45_f64.exp();
        assert!((found.pairs[0].difference - expected).abs() < 1e-6, "{:?}", found.pairs[0]);
        let refused = |other: Answered| Comparison::new(&[tokens(&[0.1, 0.2]), other]).unwrap_err();
        assert!(matches!(refused(tokens(&[0.1])), ReportError::OtherSamples));
        assert!(matches!(refused(numbers(&[0.1, 0.2])), ReportError::OtherSamples));
    }

    /// 300 steps would decide; the six series that they are of do not.
    #[test]
    fn steps_of_a_series_are_one_observation() {
        let nets = |each: usize| {
            let right =
                |series: &str| -> String { series.chars().map(|c| c.to_string().repeat(each)).collect() };
            let of = |series: &str| Answered::Classes(steps(&right(series), each));
            Comparison::new(&[of("rrrr--"), of("rr--r-"), of("rrrr--")]).unwrap()
        };
        let found = nets(50);
        assert_eq!((found.samples, found.scores[0].headline().value), (6, 4.0 / 6.0));
        let verdicts: Vec<Verdict> = found.pairs.iter().map(Pair::verdict).collect();
        assert_eq!(verdicts, [Verdict::Undecided, Verdict::Same, Verdict::Undecided]);
    }
}
