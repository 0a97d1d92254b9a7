//! Against the textbook: all sequences of tags, one by one; and gradients against differences.

use super::*;

/// Numbers that are the same each time.
struct Draws(u64);

impl Draws {
    /// Below `below`.
    fn index(&mut self, below: usize) -> usize {
        self.0 = self.0.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (self.0 >> 33) as usize % below
    }

    /// Between minus `size` and it.
    fn values(&mut self, count: usize, size: f32) -> Vec<f32> {
        (0..count).map(|_| size * (self.index(1 << 20) as f32 / (1 << 19) as f32 - 1.0)).collect()
    }
}

/// What a random field is asked.
#[derive(Clone, Debug)]
struct Case {
    tags: usize,
    transitions: Vec<f32>,
    start: Vec<f32>,
    end: Vec<f32>,
    legal: Option<LegalTags>,
    lengths: Vec<usize>,
    emissions: Vec<f32>,
    labels: Vec<u16>,
}

/// What it answers.
#[derive(Clone, Debug, PartialEq)]
struct Answer {
    losses: Vec<f64>,
    gradient: CrfGradient,
    d_emissions: Vec<f32>,
    marginals: Vec<f32>,
    tags: Vec<u16>,
}

impl Case {
    /// Parameters and emissions up to so large; labels are legal ones.
    fn new(seed: u64, tags: usize, lengths: &[usize], sizes: (f32, f32), some_illegal: bool) -> Case {
        let mut draws = Draws(seed);
        let steps: usize = lengths.iter().sum();
        let (parameters, emissions) = sizes;
        let mut case = Case {
            tags,
            transitions: draws.values(tags * tags, parameters),
            start: draws.values(tags, parameters),
            end: draws.values(tags, parameters),
            legal: some_illegal.then(|| legal(&mut draws, tags)),
            lengths: lengths.to_vec(),
            emissions: draws.values(steps * tags, emissions),
            labels: vec![0; steps],
        };
        // The best tags of other emissions are legal ones.
        case.labels = case.crf().decode(&draws.values(steps * tags, 1.0), lengths);
        case
    }

    fn crf(&self) -> Crf {
        Crf::new(self.tags, &self.transitions, &self.start, &self.end, self.legal.as_ref())
    }

    fn answer(&self) -> Answer {
        self.answer_with(&self.crf())
    }

    fn answer_with(&self, crf: &Crf) -> Answer {
        let Case { lengths, emissions, labels, .. } = self;
        let mut d_emissions = vec![f32::NAN; emissions.len()];
        Answer {
            losses: crf.losses(emissions, lengths, labels),
            gradient: crf.gradient(emissions, lengths, labels, &mut d_emissions),
            d_emissions,
            marginals: crf.marginals(emissions, lengths),
            tags: crf.decode(emissions, lengths),
        }
    }

    /// Each sequence alone.
    fn alone(&self) -> Vec<Case> {
        let mut start = 0;
        let one = |&length: &usize| {
            let steps = start..start + length;
            start = steps.end;
            Case {
                lengths: vec![length],
                emissions: self.emissions[steps.start * self.tags..steps.end * self.tags].to_vec(),
                labels: self.labels[steps].to_vec(),
                ..self.clone()
            }
        };
        self.lengths.iter().map(one).collect()
    }

    /// The textbook's score of tags for the first sequence.
    fn score(&self, y: &[u16]) -> f64 {
        let y: Vec<usize> = y.iter().map(|&tag| usize::from(tag)).collect();
        let last = y[y.len() - 1];
        let pairs = || y.windows(2).map(|pair| pair[0] * self.tags + pair[1]);
        if let Some(legal) = &self.legal
            && !(legal.start[y[0]] && legal.end[last] && pairs().all(|at| legal.transitions[at]))
        {
            return f64::NEG_INFINITY;
        }
        let emissions = y.iter().enumerate().map(|(step, tag)| self.emissions[step * self.tags + tag]);
        let all = emissions.chain(pairs().map(|at| self.transitions[at]));
        all.chain([self.start[y[0]], self.end[last]]).map(f64::from).sum()
    }

    /// Each sequence of tags that the first could have, the last tag the slowest to change, and its score.
    fn all(&self) -> Vec<(Vec<u16>, f64)> {
        let length = self.lengths[0];
        let tags_of = |mut index: usize| -> Vec<u16> {
            let mut digit = || {
                let tag = index % self.tags;
                index /= self.tags;
                tag as u16
            };
            (0..length).map(|_| digit()).collect()
        };
        let all = (0..self.tags.pow(length as u32)).map(tags_of);
        all.map(|y| (self.score(&y), y)).map(|(score, y)| (y, score)).collect()
    }
}

/// Half of all, and the last tag always.
fn legal(draws: &mut Draws, tags: usize) -> LegalTags {
    let mut some = |count: usize| (0..count).map(|at| draws.index(2) == 0 || at % tags == tags - 1).collect();
    LegalTags { transitions: some(tags * tags), start: some(tags), end: some(tags) }
}

#[track_caller]
fn close(what: &str, found: f64, expected: f64, case: &Case) {
    let allowed = 1e-9 * expected.abs().max(1.0);
    assert!((found - expected).abs() <= allowed, "{what}: {found}, not {expected}: {case:?}");
}

/// One sequence against all that its tags could be.
#[track_caller]
fn check(case: &Case) {
    let Case { tags, labels, .. } = case;
    let tags = *tags;
    let found = case.answer();
    let all = case.all();
    let best = all.iter().map(|(_, score)| *score).fold(f64::NEG_INFINITY, f64::max);
    assert!(best > f64::NEG_INFINITY, "nothing is legal: {case:?}");
    let sum = best + all.iter().map(|(_, score)| (score - best).exp()).sum::<f64>().ln();
    close("loss", found.losses[0], sum - case.score(labels), case);
    assert_eq!(found.gradient.loss, found.losses[0]);
    let mut marginals = vec![0.0; labels.len() * tags];
    let mut transitions = vec![0.0; tags * tags];
    let mut count = |y: &[u16], weight: f64, marginals: &mut [f64]| {
        y.iter().enumerate().for_each(|(step, &tag)| marginals[step * tags + usize::from(tag)] += weight);
        y.windows(2).for_each(|y| transitions[usize::from(y[0]) * tags + usize::from(y[1])] += weight);
    };
    all.iter().for_each(|(y, score)| count(y, (score - sum).exp(), &mut marginals));
    // Rounded to `f32`.
    let near = |found: &[f32], expected: &[f64], what: &str| {
        assert_eq!(found.len(), expected.len());
        for (found, expected) in found.iter().zip(expected) {
            assert!((f64::from(*found) - expected).abs() < 1e-7, "{what}: {found}, not {expected}: {case:?}");
        }
    };
    near(&found.marginals, &marginals, "a marginal");
    count(labels, -1.0, &mut marginals);
    near(&found.d_emissions, &marginals, "an emission");
    let wide = |what, found: &[f64], expected: &[f64]| {
        assert_eq!(found.len(), expected.len());
        found.iter().zip(expected).for_each(|(&found, &expected)| close(what, found, expected, case));
    };
    wide("a start", &found.gradient.start, &marginals[..tags]);
    wide("an end", &found.gradient.end, &marginals[(labels.len() - 1) * tags..]);
    wide("a transition", &found.gradient.transitions, &transitions);
    close("the best", case.score(&found.tags), best, case);
    let near_best = |score: f64| (score - best).abs() <= 1e-9 * best.abs().max(1.0);
    if all.iter().filter(|(_, score)| near_best(*score)).count() == 1 {
        assert!(all.iter().any(|(y, score)| *score == best && *y == found.tags), "{case:?}");
    }
}

/// Parameters and emissions up to these.
const SIZES: [(f32, f32); 12] = [
    (0.0, 0.0),
    (1.0, 1.0),
    (3.0, 30.0),
    (100.0, 10.0),
    (300.0, 300.0),
    (350.0, 350.0),
    (710.0, 355.0),
    (5.0, 740.0),
    (740.0, 5.0),
    (1.0, 1000.0),
    (10_000.0, 1000.0),
    (1e4, 1e-3),
];

#[test]
fn all_answers_are_the_textbooks() {
    for tags in 1..=4 {
        for length in 1..=6 {
            for (seed, sizes) in (0..).zip(SIZES) {
                for repeat in 0..4 {
                    for some_illegal in [false, true] {
                        let seed = seed + 100 * (repeat + 10 * (length + 10 * tags) as u64);
                        check(&Case::new(seed, tags, &[length], sizes, some_illegal));
                    }
                }
            }
        }
    }
}

#[test]
fn weights_that_vanish_before_they_count_are_kept() {
    // Two tags, from the first of which it is dear to go on: what follows from the second, once e^-709 of
    // all, makes a good part of it, and then all.
    for dear in [-707.0, -708.0, -720.0, -10_000.0] {
        for rare in [-200.0, -700.0, -709.0, -750.0, -1000.0] {
            for length in 2..=6 {
                let mut case = Case::new(1, 2, &[length], (0.0, 0.0), false);
                case.transitions = vec![dear, dear, 0.0, 0.0];
                case.emissions = (0..2 * length).map(|at| if at % 2 == 1 { rare } else { 0.0 }).collect();
                check(&case);
                case.start = vec![0.0, -10_000.0];
                check(&case);
                case.end = vec![-10_000.0, 0.0];
                check(&case);
            }
        }
    }
}

#[test]
fn what_is_far_from_zero_all_together_is_not_far_apart() {
    for shift in [-1000.0, 1000.0, 60_000.0] {
        let mut case = Case::new(3, 3, &[5], (1.0, 1.0), true);
        case.emissions.iter_mut().for_each(|emission| *emission += shift);
        case.transitions.iter_mut().for_each(|transition| *transition -= shift);
        check(&case);
    }
}

#[test]
fn gradients_are_those_of_differences() {
    for (seed, tags) in [(1, 2), (2, 7), (3, 8), (4, 9), (5, 23)] {
        for some_illegal in [false, true] {
            let case = Case::new(seed, tags, &[9, 1, 14, 2], (1.0, 2.0), some_illegal);
            let Answer { gradient, d_emissions, .. } = case.answer();
            let loss = |case: &Case| -> f64 {
                case.crf().losses(&case.emissions, &case.lengths, &case.labels).iter().sum()
            };
            let difference = |at: &dyn Fn(&mut Case) -> &mut f32| {
                let (mut less, mut more) = (case.clone(), case.clone());
                *at(&mut less) -= 1.0 / 1024.0;
                *at(&mut more) += 1.0 / 1024.0;
                let step = f64::from(*at(&mut more)) - f64::from(*at(&mut less));
                (loss(&more) - loss(&less)) / step
            };
            let near = |what: &str, found: f64, at: &dyn Fn(&mut Case) -> &mut f32| {
                let expected = difference(at);
                assert!((found - expected).abs() < 2e-5, "{what}: {found}, not {expected}");
            };
            for index in (0..tags * tags).step_by(1 + tags / 5) {
                near("a transition", gradient.transitions[index], &|case| &mut case.transitions[index]);
            }
            for tag in 0..tags {
                near("a start", gradient.start[tag], &|case| &mut case.start[tag]);
                near("an end", gradient.end[tag], &|case| &mut case.end[tag]);
            }
            for index in (0..case.emissions.len()).step_by(5) {
                near("an emission", f64::from(d_emissions[index]), &|case| &mut case.emissions[index]);
            }
        }
    }
}

#[test]
fn a_sequence_gives_the_same_bits_alone_and_beside_others() {
    // Those of the last are computed by their logarithms, in the middle of others that are not.
    for (tags, size) in [(1, 1.0), (2, 3.0), (9, 3.0), (23, 5.0), (5, 400.0)] {
        for some_illegal in [false, true] {
            let mut case = Case::new(7, tags, &[5, 1, 30, 2, 17, 30], (1.0, size), some_illegal);
            case.emissions[..5 * tags].iter_mut().for_each(|emission| *emission /= size);
            let whole = case.answer();
            let alone: Vec<Answer> = case.alone().iter().map(Case::answer).collect();
            let joined = |part: fn(&Answer) -> &[f32]| -> Vec<f32> {
                alone.iter().flat_map(|answer| part(answer).to_vec()).collect()
            };
            assert_eq!(whole.d_emissions, joined(|answer| &answer.d_emissions));
            assert_eq!(whole.marginals, joined(|answer| &answer.marginals));
            let tags_found: Vec<u16> = alone.iter().flat_map(|answer| answer.tags.clone()).collect();
            assert_eq!(whole.tags, tags_found);
            let losses: Vec<f64> = alone.iter().map(|answer| answer.losses[0]).collect();
            assert_eq!(whole.losses, losses);
            assert_eq!(whole.gradient.loss, losses.iter().sum::<f64>());
        }
    }
}

#[test]
fn all_instructions_give_the_same_bits() {
    for (tags, size) in [(3, 2.0), (23, 4.0), (23, 400.0)] {
        let case = Case::new(11, tags, &[12, 1, 5], (1.0, size), true);
        let answers = Instructions::all().into_iter().map(|instructions| {
            let crf = Crf { instructions, ..case.crf() };
            let mut linear = crf.log.clone();
            instructions.run(Exponentials(&mut linear));
            case.answer_with(&Crf { linear, ..crf })
        });
        let expected = case.answer();
        answers.for_each(|answer| assert_eq!(answer, expected));
    }
}

#[test]
fn of_equally_probable_tags_the_lowest_are_found() {
    let mut case = Case::new(1, 3, &[4, 1], (0.0, 0.0), false);
    assert_eq!(case.answer().tags, [0; 5]);
    case.emissions[3 * 3] = -1.0;
    assert_eq!(case.answer().tags, [0, 0, 0, 1, 0]);
    let mut legal =
        LegalTags { transitions: vec![true; 9], start: vec![false, true, true], end: vec![true; 3] };
    legal.transitions[3] = false;
    case.legal = Some(legal);
    assert_eq!(case.answer().tags, [2, 0, 0, 1, 1]);
}

/// Whether the tags of each sequence are legal.
fn are_legal(case: &Case, tags: &[u16]) -> bool {
    let plain = |values: &[f32]| vec![0.0; values.len()];
    let case = Case {
        labels: tags.to_vec(),
        emissions: plain(&case.emissions),
        transitions: plain(&case.transitions),
        start: plain(&case.start),
        end: plain(&case.end),
        ..case.clone()
    };
    case.alone().iter().all(|case| case.score(&case.labels) == 0.0)
}

#[test]
fn what_is_no_number_gives_none_and_legal_tags() {
    for bad in [f32::NAN, f32::INFINITY, f32::NEG_INFINITY] {
        for place in 0..4 {
            for every in [1, 3] {
                for seed in 0..10 {
                    let mut case = Case::new(seed, 4, &[6, 6, 1], (1.0, 1.0), true);
                    let values = match place {
                        0 => &mut case.emissions[..],
                        1 => &mut case.emissions[4 * 4..][..4],
                        2 => &mut case.transitions,
                        _ => &mut case.start,
                    };
                    values.iter_mut().step_by(every).for_each(|value| *value = bad);
                    let Answer { losses, gradient, tags, .. } = case.answer();
                    // What is minus infinity is impossible: in a parameter, where it makes illegal.
                    if bad == f32::NEG_INFINITY && place > 1 {
                        continue;
                    }
                    assert!(are_legal(&case, &tags), "{tags:?}: {case:?}");
                    if bad.is_nan() {
                        assert!(losses[0].is_nan() && gradient.loss.is_nan(), "{losses:?}");
                    }
                }
            }
        }
    }
}

#[test]
fn what_is_impossible_has_no_probability() {
    let case = || Case::new(2, 3, &[4], (1.0, 1.0), false);
    // An emission.
    let mut impossible = case();
    impossible.emissions[5] = f32::NEG_INFINITY;
    impossible.labels = vec![0; 4];
    let answer = impossible.answer();
    assert!(answer.losses[0].is_finite() && answer.marginals[5] == 0.0);
    impossible.labels = vec![2; 4];
    assert_eq!(impossible.answer().losses, [f64::INFINITY]);
    // Labels.
    let mut illegal = case();
    let mut legal = LegalTags { transitions: vec![true; 9], start: vec![true; 3], end: vec![true; 3] };
    legal.transitions[0] = false;
    illegal.legal = Some(legal.clone());
    illegal.labels = vec![0; 4];
    let answer = illegal.answer();
    assert_eq!((answer.losses[0], answer.gradient.transitions[0]), (f64::INFINITY, 0.0));
    assert!(answer.d_emissions.iter().all(|d| d.is_finite()));
    // All: nothing panics.
    legal.transitions.fill(false);
    illegal.legal = Some(legal);
    let answer = illegal.answer();
    assert!(answer.losses[0].is_nan() && answer.marginals.iter().all(|p| p.is_nan()));
}

#[test]
fn no_sequences_are_none() {
    let mut case = Case::new(1, 3, &[4], (1.0, 1.0), true);
    (case.lengths, case.emissions, case.labels) = (vec![], vec![], vec![]);
    let Answer { losses, gradient, d_emissions, marginals, tags } = case.answer();
    assert!(losses.is_empty() && d_emissions.is_empty() && marginals.is_empty() && tags.is_empty());
    let (transitions, start, end) = (vec![0.0; 9], vec![0.0; 3], vec![0.0; 3]);
    assert_eq!(gradient, CrfGradient { loss: 0.0, transitions, start, end });
}

#[test]
fn no_subnormal_number_comes_out() {
    for size in [87.0, 90.0, 95.0, 100.0] {
        let case = Case::new(1, 5, &[20], (1.0, size), false);
        let Answer { d_emissions, marginals, .. } = case.answer();
        assert!(d_emissions.iter().chain(&marginals).all(|value| !value.is_subnormal()), "{size}");
    }
}

#[test]
#[should_panic(expected = "a label 3 of 3 tags")]
fn labels_that_are_no_tags_are_refused() {
    let mut case = Case::new(1, 3, &[4], (1.0, 1.0), false);
    case.labels[2] = 3;
    case.answer();
}

#[test]
#[should_panic(expected = "a sequence of no steps")]
fn sequences_of_no_steps_are_refused() {
    let mut case = Case::new(1, 3, &[4], (1.0, 1.0), false);
    case.lengths.push(0);
    case.answer();
}
