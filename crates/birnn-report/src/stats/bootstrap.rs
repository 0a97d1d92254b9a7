//! How sure scores are, where it is not known how they are spread: by drawing the sequences anew.

use birnn_data::Rng;
use birnn_infer::ErrorSums;
use serde::Serialize;
use statrs::distribution::{ContinuousCDF, Normal, StudentsT};

use super::interval::{Interval, wilson};
use super::summary::Summary;

/// The 95 % intervals of the scores of numbers. Serialized, they can stand beside the scores.
#[derive(Clone, Copy, Debug, PartialEq, Serialize)]
pub struct ScoreIntervals {
    /// Of the root of the mean squared error.
    #[serde(rename = "rmse_interval")]
    pub rmse: Interval,
    /// Of the mean absolute error.
    #[serde(rename = "mae_interval")]
    pub mae: Interval,
    /// Of the share of variance that is explained.
    #[serde(rename = "r2_interval")]
    pub r2: Interval,
}

/// So many times samples are drawn anew, or more often.
const DRAWS: usize = 2000;
/// An interval rests on at least so many draws beyond either end.
const BEYOND: f64 = 10.0;
/// With more degrees of freedom Student's t is normal, as far as an interval shows, and quantiles of it
/// become inexact.
const MOST_FREEDOM: f64 = 1e5;
/// More draws than this would take too long.
const MOST_DRAWS: usize = 100_000;
/// Of fewer samples, intervals that are widened for many pairs are still too narrow.
pub(crate) const FEW: usize = 20;
/// The same samples have the same intervals.
const SEED: u64 = 0x626f_6f74_7374_7261;

/// What the scores are where as many samples are drawn from those that there are, each as often as it comes:
/// the bootstrap of Efron 1979 ("Bootstrap methods: another look at the jackknife"), with percentiles that
/// are expanded for how many samples there are (Hesterberg 2015). A sample is a whole sequence, whose steps
/// are not drawn apart: they are alike. Of several numbers, each of which has its errors in the same samples,
/// a score is the mean of theirs. `None` where there are fewer than six samples. Of which nothing was asked
/// are none.
pub fn bootstrap(numbers: &[Vec<ErrorSums>]) -> Option<ScoreIntervals> {
    let asked = asked(numbers);
    let tail = Tail::new(asked.len(), LEVEL)?;
    let sums = |drawn: &[usize]| numbers.iter().map(|of| sum(of, drawn)).collect::<Vec<_>>();
    let found = draws(&asked, tail.draws(), sums);
    let interval =
        |of: fn(&ErrorSums) -> f64| tail.within(found.iter().map(|numbers| mean(numbers, of)).collect());
    Some(ScoreIntervals {
        rmse: interval(ErrorSums::rmse),
        mae: interval(ErrorSums::mae),
        r2: interval(ErrorSums::r2),
    })
}

/// Those samples of which some number was asked for.
pub(crate) fn asked(numbers: &[Vec<ErrorSums>]) -> Vec<usize> {
    let samples = numbers.first().map_or(0, Vec::len);
    (0..samples).filter(|&sample| numbers.iter().any(|of| !of[sample].is_empty())).collect()
}

/// The significance level: what differs counts when chance makes as much of it in fewer tests than this
/// share. A 95 % interval leaves as much out.
pub const LEVEL: f64 = 0.05;

/// The share of all draws that lies beyond either end of an interval.
#[derive(Clone, Copy, Debug, PartialEq)]
struct Tail(f64);

impl Tail {
    /// For an interval of a score of `count` samples that is wrong with a chance of `level`. Half of `level`
    /// would make it too narrow: draws from a few samples differ less than samples do, and by how much is not
    /// known for sure. So the share is a smaller one, with which the interval of a mean is that of Student's
    /// t (Hesterberg 2015, "What teachers should know about the bootstrap": expanded percentiles).
    ///
    /// The score of a few samples that is no mean is not spread as t: an interval of the RMSE of eight is
    /// wrong one time in seven rather than 20, of 20 one time in eleven. Differences of two nets' RMSEs are
    /// nearer to it.
    ///
    /// `None` of so few samples that all of them lie on one side of the truth with a chance of `level` or
    /// more: no interval within them is right often enough. That is of fewer than six where `level` is
    /// [`LEVEL`].
    fn new(count: usize, level: f64) -> Option<Tail> {
        let n = count as f64;
        if 0.5_f64.powf(n - 1.0) >= level {
            return None;
        }
        let t = StudentsT::new(0.0, 1.0, (n - 1.0).min(MOST_FREEDOM)).ok()?.inverse_cdf(1.0 - level / 2.0);
        Some(Tail(Normal::standard().cdf(-(n / (n - 1.0)).sqrt() * t)))
    }

    /// How many draws it takes.
    fn draws(self) -> usize {
        DRAWS.max((BEYOND / self.0).ceil() as usize)
    }

    /// What the draws between both ends are within.
    fn within(self, mut draws: Vec<f64>) -> Interval {
        let last = (draws.len() - 1) as f64;
        let mut at = |share: f64| {
            let (_, value, _) = draws.select_nth_unstable_by((share * last).round() as usize, f64::total_cmp);
            *value
        };
        Interval { low: at(self.0), high: at(1.0 - self.0) }
    }
}

/// Those of all `drawn` together.
pub(crate) fn sum(of: &[ErrorSums], drawn: &[usize]) -> ErrorSums {
    drawn.iter().fold(ErrorSums::default(), |sum, &index| sum.and(&of[index]))
}

/// The mean of a score over those numbers that were asked for, as an evaluation has it.
pub(crate) fn mean(numbers: &[ErrorSums], of: fn(&ErrorSums) -> f64) -> f64 {
    let asked = numbers.iter().filter(|number| !number.is_empty());
    // Of none a sum is -0.
    (0.0 + asked.clone().map(of).sum::<f64>()) / asked.count().max(1) as f64
}

/// Every one of so many samples.
pub(crate) fn all(count: usize) -> Vec<usize> {
    (0..count).collect()
}

/// What `of` makes of each of so many draws of as many of these samples as there are.
fn draws<T>(samples: &[usize], draws: usize, of: impl Fn(&[usize]) -> T) -> Vec<T> {
    let mut drawn = vec![0; samples.len()];
    let draw = |draw: usize| {
        let mut rng = Rng::new(SEED, draw as u64);
        drawn.iter_mut().for_each(|sample| *sample = samples[rng.below(samples.len())]);
        of(&drawn)
    };
    (0..draws).map(draw).collect()
}

/// The 95 % interval of a share of what sequences have, each of which has a part and a whole and is drawn
/// whole; see [`bootstrap`]. Where the share is none or all, every draw would be alike: then each sequence
/// counts as one that was seen ([`wilson`]). `None` where nothing was counted but in a single sequence, or
/// else in fewer than six.
pub(crate) fn share_interval(of: &[(u64, u64)]) -> Option<Interval> {
    let counted: Vec<(u64, u64)> = of.iter().copied().filter(|(_, whole)| *whole > 0).collect();
    let sequences = counted.len() as u64;
    match counted.iter().fold((0, 0), |(part, whole), own| (part + own.0, whole + own.1)) {
        _ if sequences < 2 => return None,
        (0, _) => return wilson(0, sequences),
        (part, whole) if part == whole => return wilson(sequences, sequences),
        _ => {}
    }
    let tail = Tail::new(counted.len(), LEVEL)?;
    let share = |drawn: &[usize]| {
        let sum = |(part, whole), &index: &usize| (part + counted[index].0, whole + counted[index].1);
        let (part, whole): (u64, u64) = drawn.iter().fold((0, 0), sum);
        part as f64 / whole as f64
    };
    Some(tail.within(draws(&all(counted.len()), tail.draws(), share)))
}

/// The 95 % interval of what `of` tells of `count` samples, by their indices; see [`bootstrap`]. `None` of
/// fewer than six.
pub(crate) fn interval_of(count: usize, of: impl Fn(&[usize]) -> f64) -> Option<Interval> {
    let tail = Tail::new(count, LEVEL)?;
    Some(tail.within(draws(&all(count), tail.draws(), of)))
}

/// Nets' scores on the same draws of the same sequences.
#[derive(Clone, Debug)]
pub(crate) struct Resampled {
    /// How many sequences.
    count: usize,
    /// `scores[draw][net]`.
    scores: Vec<Vec<f64>>,
}

impl Resampled {
    /// Draws these sequences anew, often enough for the intervals of so many pairs of nets together, or where
    /// that would be too often, of each alone; `of` tells the scores of all nets on those drawn.
    pub(crate) fn new(sequences: &[usize], pairs: usize, of: impl Fn(&[usize]) -> Vec<f64>) -> Resampled {
        let count = sequences.len();
        let enough = |level: f64| Some(Tail::new(count, level)?.draws()).filter(|&draws| draws <= MOST_DRAWS);
        let times = enough(LEVEL / pairs.max(1) as f64).or_else(|| enough(LEVEL));
        Resampled { count, scores: draws(sequences, times.unwrap_or(0), of) }
    }

    /// The interval of the difference of two nets' scores, the first's less the second's, that is wrong with
    /// a chance of `level`. Where its ends would lie beyond all draws, as with very many pairs, they are
    /// those of the normal distribution with the draws' mean and deviation. `None` of so few sequences that
    /// of equally good nets one is ahead on all of them more often than that, or that the draws are not known
    /// to be normal.
    pub(crate) fn difference(&self, [a, b]: [usize; 2], level: f64) -> Option<Interval> {
        let tail = Tail::new(self.count, level)?;
        let draws: Vec<f64> = self.scores.iter().map(|scores| scores[a] - scores[b]).collect();
        if tail.draws() <= draws.len() {
            return Some(tail.within(draws));
        }
        let Summary { mean, deviation, .. } = Summary::new(&draws).filter(|_| self.count >= FEW)?;
        let half = -Normal::standard().inverse_cdf(tail.0) * deviation?;
        Some(Interval { low: mean - half, high: mean + half })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn errors(count: usize, noise: f64) -> Vec<ErrorSums> {
        let mut rng = Rng::new(1, 0);
        let one = |_| {
            let mut of = ErrorSums::default();
            let truth = rng.normal() as f32;
            of.add(truth + (noise * rng.normal()) as f32, truth, 0.0);
            of
        };
        (0..count).map(one).collect()
    }

    /// Of normal errors of deviation 0.5 the RMSE has about the deviation 0.5 / sqrt(2 n).
    #[test]
    fn an_interval_is_as_wide_as_chance_makes_it() {
        let all = [errors(800, 0.5)];
        let found = bootstrap(&all).unwrap();
        let width = found.rmse.high - found.rmse.low;
        let expected = 2.0 * 1.96 * 0.5 / (2.0 * 800.0_f64).sqrt();
        assert!((0.8..1.25).contains(&(width / expected)), "{found:?}");
        assert!(found.rmse.low < 0.5 && 0.5 < found.rmse.high, "{found:?}");
        assert!(found.r2.low < 0.75 && 0.75 < found.r2.high, "{found:?}");
        assert_eq!(bootstrap(&all), Some(found), "the same each time");
        assert_eq!(bootstrap(&[errors(1, 0.5)]), None);
        // Of two numbers it is that of their mean.
        let both = bootstrap(&[errors(800, 0.5), errors(800, 1.5)]).unwrap();
        assert!(both.rmse.low < 1.0 && 1.0 < both.rmse.high, "{both:?}");
    }

    #[test]
    fn samples_that_nothing_is_asked_of_count_for_nothing() {
        let mut all = errors(5, 0.5);
        all.resize(30, ErrorSums::default());
        assert_eq!(bootstrap(&[all]), None);
        let mut all = errors(40, 0.5);
        let expected = bootstrap(&[all.clone()]);
        all.splice(0..0, vec![ErrorSums::default(); 100]);
        assert_eq!(bootstrap(&[all]), expected);
    }

    /// Steps that are alike in a sequence tell as much as one of them: of 100 sequences right or wrong
    /// throughout.
    #[test]
    fn steps_of_a_sequence_are_not_taken_for_independent() {
        let half: Vec<(u64, u64)> = (0..100).map(|index| (50 * (index % 2), 50)).collect();
        let Interval { low, high } = share_interval(&half).unwrap();
        let expected = 2.0 * 1.96 * 0.5 / 10.0;
        assert!((0.85..1.15).contains(&((high - low) / expected)), "{low} to {high}");
        assert_eq!(share_interval(&[(3, 5)]), None);
        assert_eq!(share_interval(&[(0, 0), (0, 0)]), None);
        assert_eq!(share_interval(&[(0, 0), (2, 4), (0, 0)]), None);
        let known = |sequences: usize| {
            share_interval(&[vec![(0, 0); 3], [(2, 4), (1, 2)].repeat(sequences / 2)].concat())
        };
        assert_eq!((known(4), known(6)), (None, Some(Interval { low: 0.5, high: 0.5 })));
        // What was never seen may still be, as far as so many series tell.
        assert_eq!(share_interval(&[(0, 50); 10]), wilson(0, 10));
        assert_eq!(share_interval(&[(50, 50); 10]), wilson(10, 10));
    }

    #[test]
    fn nets_are_told_apart_by_the_same_draws() {
        // The second is worse by 0.1 on each sequence, which differ by far more among themselves.
        let of = |index: usize| (index * 37 % 100) as f64;
        let mean = |drawn: &[usize]| drawn.iter().map(|&index| of(index)).sum::<f64>() / 100.0;
        let found = Resampled::new(&all(100), 1, |drawn| vec![mean(drawn), mean(drawn) + 0.1]);
        let Interval { low, high } = found.difference([1, 0], LEVEL).unwrap();
        assert!((low - 0.1).abs() < 1e-9 && (high - 0.1).abs() < 1e-9, "{low} to {high}");
        // The more pairs, the wider; and the more draws it takes.
        let both = Resampled::new(&all(100), 10, |drawn| vec![mean(drawn), 0.0]);
        let [alone, widened] = [LEVEL, LEVEL / 10.0].map(|level| both.difference([0, 1], level).unwrap());
        assert!(alone.low < 48.0 && 51.0 < alone.high, "{alone:?}");
        assert!(widened.low < alone.low && alone.high < widened.high, "{widened:?}");
        // Where the ends would be beyond all draws, these are taken for normal.
        let beyond = Resampled::new(&all(100), 1, |drawn| vec![mean(drawn), 0.0])
            .difference([0, 1], LEVEL / 10.0)
            .unwrap();
        assert!(
            (beyond.low - widened.low).abs() < 2.0 && (beyond.high - widened.high).abs() < 2.0,
            "{beyond:?}"
        );
        // Of five throws of a coin all are alike one time in 16, of six one in 32.
        let few = |count: usize, pairs: usize| {
            let drawn = Resampled::new(&all(count), pairs, |_| vec![1.0, 0.0]);
            [LEVEL, LEVEL / pairs as f64].map(|level| drawn.difference([0, 1], level).is_some())
        };
        assert_eq!([0, 1, 5, 6].map(|count| few(count, 1)[0]), [false, false, false, true]);
        // Where so many draws would be wanted that it would take too long, a few sequences tell nothing.
        assert_eq!([6, 7, 12, 100].map(|count| few(count, 3)[1]), [false, true, true, true]);
        assert_eq!([12, 20, 100].map(|count| few(count, 45)), [[true, false], [true, true], [true, true]]);
    }

    /// Percentiles of Student's t from its tables; with them, and many samples, the share is half of the
    /// level.
    #[test]
    fn tails_are_those_of_student() {
        for (count, level, t) in [
            (6, 0.05, 2.570_582),
            (8, 0.05, 2.364_624),
            (20, 0.05, 2.093_024),
            (20, 0.01, 2.860_935),
            (1001, 0.05, 1.962_339),
        ] {
            let n = f64::from(count);
            let Tail(share) = Tail::new(count as usize, level).unwrap();
            let expected = Normal::standard().cdf(-t * (n / (n - 1.0)).sqrt());
            assert!((share / expected - 1.0).abs() < 1e-4, "{count}, {level}: {share}, not {expected}");
        }
        for many in [1_000_000, usize::MAX] {
            let Tail(share) = Tail::new(many, LEVEL).unwrap();
            assert!((share - 0.025).abs() < 1e-5, "{share}");
        }
        assert_eq!(
            [0, 1, 2, 5, 6].map(|count| Tail::new(count, LEVEL).is_some()),
            [false, false, false, false, true]
        );
    }

    /// Three equally good nets' errors on so many samples; what is hard is hard for all of them.
    fn equally_good(count: usize, set: u64) -> [Vec<f64>; 3] {
        let mut rng = Rng::new(1, set);
        let mut nets = [const { Vec::new() }; 3];
        for _ in 0..count {
            let common = rng.normal();
            nets.iter_mut().for_each(|errors| errors.push(common + 0.5 * rng.normal()));
        }
        nets
    }

    /// On how many in 1000 of so many sets of samples that is so.
    fn per_mille(sets: u64, is_so: impl Fn(u64) -> bool) -> u64 {
        1000 * (0..sets).filter(|&set| is_so(set)).count() as u64 / sets
    }

    /// Whether equally good nets are told apart, of so many pairs any.
    fn are_told_apart(nets: &[Vec<f64>; 3], pairs: &[[usize; 2]]) -> bool {
        let rmse = |errors: &Vec<f64>, drawn: &[usize]| {
            (drawn.iter().map(|&index| errors[index].powi(2)).sum::<f64>() / drawn.len() as f64).sqrt()
        };
        let of = |drawn: &[usize]| nets.iter().map(|net| rmse(net, drawn)).collect();
        let drawn = Resampled::new(&all(nets[0].len()), pairs.len(), of);
        let level = LEVEL / pairs.len() as f64;
        pairs.iter().any(|&pair| drawn.difference(pair, level).unwrap().is_of_a_sign())
    }

    /// About one time in 20, where plain percentiles would be wrong one time in eight of eight samples.
    #[test]
    fn intervals_are_wrong_as_often_as_they_say() {
        for count in [8, 20] {
            let apart = per_mille(1000, |set| are_told_apart(&equally_good(count, set), &[[0, 1]]));
            assert!((35..75).contains(&apart), "{count}: {apart}");
            let outside = per_mille(1000, |set| {
                let [errors, ..] = equally_good(count, set);
                let sums_of = |&error: &f64| {
                    let mut of = ErrorSums::default();
                    of.add(error as f32, 0.0, 0.0);
                    of
                };
                let found = bootstrap(&[errors.iter().map(sums_of).collect()]).unwrap().mae;
                // Of normal errors with variance 1 + 0.25.
                let truth = (1.25 * std::f64::consts::FRAC_2_PI).sqrt();
                truth < found.low || found.high < truth
            });
            assert!((35..75).contains(&outside), "{count}: {outside}");
        }
        // What is asked for three pairs lies further out, where few samples tell less.
        let pairs = [[0, 1], [0, 2], [1, 2]];
        let any =
            [8, 20].map(|count| per_mille(200, |set| are_told_apart(&equally_good(count, set), &pairs)));
        assert!(any[0] < 110 && any[1] < 80, "{any:?}");
    }
}
