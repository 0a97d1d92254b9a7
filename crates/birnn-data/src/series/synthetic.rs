//! Synthetic series: what happens in which order, for whoever has no series at hand.

use std::array;
use std::f64::consts::TAU;
use std::ops::RangeInclusive;

use crate::cores::on_all_cores;
use crate::rng::Rng;
use crate::sequences::{Sequences, Values};
use crate::split::Split;
use crate::targets::{Per, TargetKind, TargetValues, Targets, Wanted};

/// Training series and test series.
pub(crate) const TRAIN: usize = 2000;
pub(crate) const TEST: usize = 1000;
/// How many a processor draws before it looks for more.
const SHARE: usize = 32;

const FEATURES: usize = 3;
const STEPS: RangeInclusive<usize> = 10..=60;

/// What happens once in each series.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Event {
    /// The first feature rises and falls back.
    Peak,
    /// The first feature falls and rises again.
    Dip,
    /// The second feature does either.
    Pulse,
}

/// A class is an order.
const ORDERS: [[Event; 3]; 6] = [
    [Event::Peak, Event::Dip, Event::Pulse],
    [Event::Peak, Event::Pulse, Event::Dip],
    [Event::Pulse, Event::Peak, Event::Dip],
    [Event::Dip, Event::Peak, Event::Pulse],
    [Event::Dip, Event::Pulse, Event::Peak],
    [Event::Pulse, Event::Dip, Event::Peak],
];

/// Steps between the middles of two events, at least.
const APART: usize = 3;
/// How an event begins, is at its height, and ends.
const SHAPE: [f64; 3] = [0.5, 1.0, 0.5];
/// The deviation of the noise, where an event is about 1 high.
const NOISE: f64 = 0.12;
/// Where each feature is zero, and how much one is, in units of its own.
const UNITS: [(f64, f64); FEATURES] = [(0.02, 0.004), (1013.0, 6.0), (250_000.0, 40_000.0)];

/// What a step is called in which nothing happens, or the event of it by its place.
const TAGS: [&str; 4] = ["nothing", "first", "second", "third"];

/// The names of the classes, or of the numbers.
pub(crate) fn names(wanted: Wanted) -> Vec<String> {
    match (wanted.kind, wanted.per) {
        (TargetKind::Classes, Per::Sequence) => classes(),
        (TargetKind::Classes, Per::Step) => TAGS.map(str::to_owned).to_vec(),
        (TargetKind::Numbers, Per::Sequence) => vec!["distance".to_owned()],
        (TargetKind::Numbers, Per::Step) => vec!["wave".to_owned()],
        (TargetKind::Hidden | TargetKind::Next, _) => Vec::new(),
    }
}

fn classes() -> Vec<String> {
    let name = |event: &Event| format!("{event:?}").to_lowercase();
    ORDERS.iter().map(|order| order.each_ref().map(name).join("-")).collect()
}

/// A series, and all that there is to ask of it.
#[derive(Clone, Default)]
struct Drawn {
    /// Step by step.
    values: Vec<f32>,
    /// The order of its events.
    label: u16,
    /// Of each step, an index into [`TAGS`].
    tags: Vec<u16>,
    /// Steps from the middle of the first event to that of the last.
    distance: f32,
    /// The wave of the third feature without its noise, level and scale.
    wave: Vec<f32>,
}

/// As [`series`], with the targets `wanted`: the order of the events; for each step, which of the events it
/// is of, if any, where only what follows tells the last event; the steps from the first event to the last;
/// or for each step the wave of the third feature, without noise.
pub(crate) fn split(seed: u64, first: u64, count: usize, wanted: Wanted) -> Split {
    let drawn = draw_all(seed, first, count);
    let number = |values: Vec<f32>| TargetValues::Numbers { values, width: 1 };
    let values = match (wanted.kind, wanted.per) {
        (TargetKind::Classes, Per::Sequence) => {
            TargetValues::Classes(drawn.iter().map(|one| one.label).collect())
        }
        (TargetKind::Classes, Per::Step) => {
            TargetValues::Classes(drawn.iter().flat_map(|one| one.tags.iter().copied()).collect())
        }
        (TargetKind::Numbers, Per::Sequence) => number(drawn.iter().map(|one| one.distance).collect()),
        (TargetKind::Numbers, Per::Step) => {
            number(drawn.iter().flat_map(|one| one.wave.iter().copied()).collect())
        }
        (TargetKind::Hidden | TargetKind::Next, _) => {
            return Split::unanswered(sequences(drawn), wanted.kind);
        }
    };
    Split { sequences: sequences(drawn), targets: Targets { values, per: wanted.per } }
}

fn sequences(drawn: Vec<Drawn>) -> Sequences {
    let lengths: Vec<usize> = drawn.iter().map(|one| one.tags.len()).collect();
    let values = drawn.into_iter().flat_map(|one| one.values).collect();
    Sequences::new(Values::Floats(values), FEATURES, lengths)
}

/// The series `first..first + count` of the endless sequence of `seed`, 10 to 60 steps of 3 features, and
/// their labels, 0 to 5.
///
/// In each, three things happen at random steps, in noise: a peak and a dip of the first feature, and a
/// pulse, up or down, of the second. The class is the order in which they do, so that neither a part of the
/// series nor the values without their order tell it. The third feature is a wave that has nothing to do with
/// it. Features are in very different units, and of no series at quite the same level and scale as of
/// another.
///
/// Each is a pure function of `seed` and its index in the sequence, and so is its label, each class being
/// equally likely. The work is shared among all processors.
pub fn series(seed: u64, first: u64, count: usize) -> (Sequences, Vec<u16>) {
    let drawn = draw_all(seed, first, count);
    let labels = drawn.iter().map(|one| one.label).collect();
    (sequences(drawn), labels)
}

fn draw_all(seed: u64, first: u64, count: usize) -> Vec<Drawn> {
    let mut drawn = vec![Drawn::default(); count];
    on_all_cores(drawn.chunks_mut(SHARE).enumerate(), |(part, drawn)| {
        for (offset, one) in drawn.iter_mut().enumerate() {
            *one = draw(&mut Rng::new(seed, first + (part * SHARE + offset) as u64));
        }
    });
    drawn
}

fn draw(rng: &mut Rng) -> Drawn {
    let steps = STEPS.start() + rng.below(STEPS.end() - STEPS.start() + 1);
    let label = rng.below(ORDERS.len());
    let mut features: [Vec<f64>; FEATURES] =
        array::from_fn(|_| (0..steps).map(|_| NOISE * rng.normal()).collect());
    let (middles, mut tags) = (middles(steps, rng), vec![0; steps]);
    for ((event, middle), tag) in ORDERS[label].into_iter().zip(middles).zip(1..) {
        let height = rng.uniform(0.8, 1.4);
        let (feature, height) = match event {
            Event::Peak => (0, height),
            Event::Dip => (0, -height),
            Event::Pulse => (1, [-height, height][rng.below(2)]),
        };
        let around = features[feature][middle - 1..].iter_mut();
        around.zip(SHAPE).for_each(|(value, shape)| *value += height * shape);
        tags[middle - 1..][..SHAPE.len()].fill(tag);
    }
    let (period, phase) = (rng.uniform(6.0, 40.0), rng.uniform(0.0, TAU));
    let wave: Vec<f64> = (0..steps).map(|step| (TAU * step as f64 / period + phase).sin()).collect();
    features[2].iter_mut().zip(&wave).for_each(|(value, wave)| *value += wave);
    for (values, (zero, one)) in features.iter_mut().zip(UNITS) {
        let (level, scale) = (rng.uniform(-0.5, 0.5), rng.uniform(0.7, 1.3));
        values.iter_mut().for_each(|value| *value = zero + one * (level + scale * *value));
    }
    let step = |step: usize| features.each_ref().map(|values| values[step] as f32);
    Drawn {
        values: (0..steps).flat_map(step).collect(),
        label: label as u16,
        tags,
        distance: (middles[2] - middles[0]) as f32,
        wave: wave.into_iter().map(|value| value as f32).collect(),
    }
}

/// The steps in whose middle the three events are, anywhere but at the very ends.
fn middles(steps: usize, rng: &mut Rng) -> [usize; 3] {
    let free = steps - 2 - 2 * APART;
    let mut middles: [usize; 3] = array::from_fn(|_| rng.below(free));
    middles.sort_unstable();
    array::from_fn(|event| 1 + event * APART + middles[event])
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::series::missing::Missing;
    use crate::series::standardise::Series;

    #[test]
    fn a_series_is_a_function_of_seed_and_index() {
        let (all, labels) = series(7, 0, 200);
        for (first, count) in [(100, 10), (0, 1), (193, 7), (5, 0)] {
            let (part, own) = series(7, first as u64, count);
            assert_eq!(own, labels[first..first + count]);
            assert_eq!(part, all.select(&(first..first + count).collect::<Vec<_>>()));
        }
        assert_eq!(series(7, u64::MAX - 1, 1).0.len(), 1);
        assert_ne!(series(8, 0, 200).0, all);
    }

    #[test]
    fn all_lengths_occur_and_all_labels_about_equally_often() {
        let (series, labels) = series(3, 0, 6000);
        let mut lengths: Vec<usize> = series.lengths().collect();
        lengths.sort_unstable();
        lengths.dedup();
        assert!(lengths.iter().copied().eq(STEPS));
        for class in 0..classes().len() {
            let count = labels.iter().filter(|&&label| usize::from(label) == class).count();
            assert!((850..1150).contains(&count), "{class}: {count}");
        }
    }

    #[test]
    fn classes_are_all_orders() {
        let names = classes();
        assert_eq!(names[0], "peak-dip-pulse");
        assert!(ORDERS.iter().enumerate().all(|(index, order)| !ORDERS[..index].contains(order)));
        crate::check_class_names(&names).unwrap();
    }

    /// Where a feature differs most from its first value, the way that `sign` says.
    #[test]
    fn the_class_is_the_order_of_what_happens() {
        let (series, labels) = series(1, 0, 1000);
        let right = series.iter().zip(labels).filter(|(one, label)| {
            let values = one.floats().unwrap();
            let feature = |index: usize| values.iter().skip(index).step_by(FEATURES).enumerate();
            let highest = feature(0).max_by(|a, b| a.1.total_cmp(b.1)).unwrap().0;
            let lowest = feature(0).min_by(|a, b| a.1.total_cmp(b.1)).unwrap().0;
            let mut sorted: Vec<f32> = feature(1).map(|(_, &value)| value).collect();
            sorted.sort_unstable_by(f32::total_cmp);
            let usual = sorted[sorted.len() / 2];
            let away = |value: &f32| (value - usual).abs();
            let pulse = feature(1).max_by(|a, b| away(a.1).total_cmp(&away(b.1))).unwrap().0;
            let mut order = [(highest, Event::Peak), (lowest, Event::Dip), (pulse, Event::Pulse)];
            order.sort_by_key(|&(step, _)| step);
            order.map(|(_, event)| event) == ORDERS[usize::from(*label)]
        });
        let right = right.count();
        assert!(right > 980, "{right} of 1000");
    }

    #[test]
    fn features_have_units_of_their_own() {
        let (all, _) = series(2, 0, TRAIN);
        let found = Series::of(&all, Missing::Refuse, true);
        let deviations = found.deviation.unwrap();
        for ((mean, deviation), (zero, one)) in found.mean.iter().zip(deviations).zip(UNITS) {
            let (mean, deviation) = ((f64::from(*mean) - zero) / one, f64::from(deviation) / one);
            assert!(mean.abs() < 0.1 && (0.3..1.0).contains(&deviation), "{mean} {deviation}");
        }
        let Values::Floats(values) = all.values() else { panic!("not numbers") };
        assert!(values.iter().all(|value| value.is_finite()));
    }

    #[test]
    fn no_two_series_are_the_same() {
        let (one, other) = (series(4, 0, 1000).0, series(5, 0, 1000).0);
        let mut all: Vec<Vec<u32>> = one
            .iter()
            .chain(other.iter())
            .map(|series| series.floats().unwrap().iter().map(|value| value.to_bits()).collect())
            .collect();
        all.sort_unstable();
        all.dedup();
        assert_eq!(all.len(), 2000);
    }
}
