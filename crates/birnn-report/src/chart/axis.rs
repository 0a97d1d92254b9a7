//! Axes: the position of values, and where the ticks are.

/// How values become positions.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Scale {
    /// In proportion to the value.
    Linear,
    /// In proportion to its logarithm, for values above 0 alone.
    Logarithmic,
}

/// One axis of a chart.
#[derive(Clone, Debug, PartialEq)]
pub struct Axis {
    pub(crate) scale: Scale,
    pub(crate) low: f64,
    pub(crate) high: f64,
    pub(crate) ticks: Vec<f64>,
}

/// About how many ticks a linear axis has.
const TICKS: f64 = 5.0;
/// What an axis with chosen ticks has beyond each end, as a share of what lies between.
const ROOM: f64 = 0.05;

impl Axis {
    /// An axis from `low` to `high`, with a tick at each `step`.
    pub fn fixed(low: f64, high: f64, step: f64) -> Axis {
        let count = ((high - low) / step).round() as usize;
        let ticks = (0..=count).map(|index| low + step * index as f64).collect();
        Axis { scale: Scale::Linear, low, high, ticks }
    }

    /// A linear axis from tick to tick around the finite `values`, and around 0 where `from_zero`; with ticks
    /// at whole numbers alone where `whole`.
    pub fn linear(values: impl Iterator<Item = f64>, from_zero: bool, whole: bool) -> Axis {
        let (mut low, mut high) = range(values).unwrap_or((0.0, 1.0));
        if from_zero {
            (low, high) = (low.min(0.0), high.max(0.0));
        }
        if high - low <= f64::EPSILON * high.abs() {
            let about = if high == 0.0 { 1.0 } else { high.abs() / 2.0 };
            (low, high) = (low - if from_zero && low == 0.0 { 0.0 } else { about }, high + about);
        }
        let mut step = nice((high - low) / TICKS);
        if whole {
            step = step.max(1.0);
        }
        let (first, last) = ((low / step).floor(), (high / step).ceil());
        let ticks: Vec<f64> = (0..=(last - first) as usize).map(|i| (first + i as f64) * step).collect();
        Axis { scale: Scale::Linear, low: first * step, high: last * step, ticks }
    }

    /// How far its ticks are from each other at least, where they are as far everywhere.
    pub(crate) fn step(&self) -> Option<f64> {
        let steps = self.ticks.windows(2).map(|pair| pair[1] - pair[0]);
        steps.min_by(f64::total_cmp).filter(|_| self.scale == Scale::Linear)
    }

    /// A linear axis around shares, which goes no further than a share can: where all are the same, too.
    pub fn of_shares(shares: impl Iterator<Item = f64>) -> Axis {
        let mut axis = Axis::linear(shares, false, false);
        (axis.low, axis.high) = (axis.low.max(0.0), axis.high.min(1.0));
        // A tick's value is a product, and may be above 1 by its rounding.
        axis.ticks.retain(|&tick| (axis.low..=axis.high + f64::EPSILON).contains(&tick));
        axis
    }

    /// An axis that ends where the values do, with ticks at whole numbers: for steps, epochs and rows.
    pub fn counting(low: f64, high: f64) -> Axis {
        let high = if high > low { high } else { low + 1.0 };
        let step = nice((high - low) / TICKS).max(1.0);
        let ticks = ((low / step).ceil() as i64..=(high / step).floor() as i64).map(|n| n as f64 * step);
        let mut ticks: Vec<f64> = ticks.collect();
        // The first row or epoch is one that people look for.
        if ticks.first().is_some_and(|&first| first > low) && low.fract() == 0.0 && step > 1.0 {
            ticks.insert(0, low);
        }
        // So is the last, where it has room.
        if ticks.last().is_some_and(|last| high - last > step / 2.0) {
            ticks.push(high);
        }
        Axis { scale: Scale::Linear, low, high, ticks }
    }

    /// A logarithmic axis around those of `values` that are above 0, with a tick at each power of ten, or
    /// fewer.
    pub fn logarithmic(values: impl Iterator<Item = f64>) -> Axis {
        let (low, high) = range(values.filter(|&value| value > 0.0)).unwrap_or((0.1, 1.0));
        let (first, last) = (low.log10().floor() as i32, high.log10().ceil() as i32);
        let last = last.max(first + 1);
        let every = ((last - first) / 6 + 1) as usize;
        let mut ticks: Vec<f64> = (first..=last).step_by(every).map(|power| 10_f64.powi(power)).collect();
        if last - first <= 2 {
            ticks = (first..last).flat_map(|power| [1.0, 2.0, 5.0].map(|n| n * 10_f64.powi(power))).collect();
            ticks.push(10_f64.powi(last));
        }
        Axis { scale: Scale::Logarithmic, low: 10_f64.powi(first), high: 10_f64.powi(last), ticks }
    }

    /// An axis with a tick at each of `values` and some room at both ends: for values that were chosen, such
    /// as sizes at which something was measured. Values that are not finite, and on a logarithmic axis those
    /// not above 0, are left out.
    pub fn at(scale: Scale, values: &[f64]) -> Axis {
        let least = if scale == Scale::Logarithmic { 0.0 } else { f64::NEG_INFINITY };
        let mut ticks: Vec<f64> =
            values.iter().copied().filter(|value| value.is_finite() && *value > least).collect();
        ticks.sort_by(f64::total_cmp);
        ticks.dedup();
        let (first, last) = range(ticks.iter().copied()).unwrap_or((1.0, 1.0));
        let (low, high) = match scale {
            Scale::Linear => {
                let room = if last > first { ROOM * (last - first) } else { 1.0 };
                (first - room, last + room)
            }
            Scale::Logarithmic => {
                let room = if last > first { (last / first).powf(ROOM) } else { 2.0 };
                (first / room, last * room)
            }
        };
        Axis { scale, low, high, ticks }
    }

    /// The position of a value, from 0 to 1 along the axis; `None` of one that has none, such as 0 on a
    /// logarithmic axis.
    pub fn position(&self, value: f64) -> Option<f64> {
        let share = match self.scale {
            Scale::Linear => (value - self.low) / (self.high - self.low),
            Scale::Logarithmic if value <= 0.0 => return None,
            Scale::Logarithmic => (value / self.low).log10() / (self.high / self.low).log10(),
        };
        share.is_finite().then(|| share.clamp(0.0, 1.0))
    }
}

fn range(values: impl Iterator<Item = f64>) -> Option<(f64, f64)> {
    values.filter(|value| value.is_finite()).fold(None, |range, value| match range {
        None => Some((value, value)),
        Some((low, high)) => Some((f64::min(low, value), f64::max(high, value))),
    })
}

/// The least of 1, 2 and 5, times a power of ten, that is not below `step`.
fn nice(step: f64) -> f64 {
    let power = 10_f64.powf(step.log10().floor());
    [1.0, 2.0, 5.0].into_iter().map(|n| n * power).find(|&n| n >= step * 0.999).unwrap_or(10.0 * power)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ticks_are_round_and_around_the_values() {
        let ticks = |values: &[f64], zero, whole| Axis::linear(values.iter().copied(), zero, whole).ticks;
        assert_eq!(ticks(&[1.0, 99.0], false, false), [0.0, 20.0, 40.0, 60.0, 80.0, 100.0]);
        assert_eq!(ticks(&[100.0, 1200.0], true, true), [0.0, 500.0, 1000.0, 1500.0]);
        assert_eq!(ticks(&[1.0, 2.0], false, true), [1.0, 2.0]);
        assert_eq!(ticks(&[5.0], true, false), [0.0, 1.0, 2.0, 3.0, 4.0, 5.0]);
        let [low, high] =
            [0.003, 0.003].map(|value| Axis::linear([value].into_iter(), false, false).position(value));
        assert_eq!((low, high), (Some(0.5), Some(0.5)));
        assert_eq!(ticks(&[f64::NAN], false, false).len(), 6, "of what is no number, some axis");
    }

    #[test]
    fn an_axis_of_shares_ends_where_shares_do() {
        let ends = |shares: &[f64]| {
            let axis = Axis::of_shares(shares.iter().copied());
            (axis.low, axis.high, axis.ticks.first().copied(), axis.ticks.last().copied())
        };
        assert_eq!(ends(&[1.0]), (0.4, 1.0, Some(0.4), Some(1.0)), "all right");
        assert_eq!(ends(&[0.0]), (0.0, 1.0, Some(0.0), Some(1.0)), "all wrong");
        assert_eq!(ends(&[0.91, 0.99]), (0.9, 1.0, Some(0.9), Some(1.0)));
    }

    #[test]
    fn a_counting_axis_ends_where_the_values_do() {
        let axis = Axis::counting(1.0, 28.0);
        assert_eq!((axis.high, axis.ticks), (28.0, vec![1.0, 10.0, 20.0, 28.0]));
        assert_eq!(Axis::counting(0.0, 1200.0).ticks, [0.0, 500.0, 1000.0]);
        assert_eq!(Axis::counting(1.0, 3.0).ticks, [1.0, 2.0, 3.0]);
        assert_eq!(Axis::counting(1.0, 1.0).ticks, [1.0, 2.0]);
    }

    #[test]
    fn chosen_ticks_have_room_around_them() {
        let axis = Axis::at(Scale::Logarithmic, &[8.0, 1.0, 64.0, 8.0, 0.0, f64::NAN]);
        assert_eq!(axis.ticks, [1.0, 8.0, 64.0]);
        let [low, middle, high] = [1.0, 8.0, 64.0].map(|value| axis.position(value).unwrap());
        assert!(low > 0.0 && (middle - 0.5).abs() < 1e-9 && high < 1.0, "{low}, {middle}, {high}");
        assert_eq!(Axis::at(Scale::Linear, &[3.0]).position(3.0), Some(0.5));
        assert_eq!(Axis::at(Scale::Logarithmic, &[]).position(1.0), Some(0.5));
    }

    #[test]
    fn logarithmic_ticks_are_powers_of_ten() {
        let axis = Axis::logarithmic([0.0, 3e-5, 0.2, f64::NAN].into_iter());
        assert_eq!((axis.low, axis.high), (1e-5, 1.0));
        assert_eq!(axis.ticks.len(), 6);
        assert_eq!(
            (axis.position(0.0), axis.position(1e-5), axis.position(1.0)),
            (None, Some(0.0), Some(1.0))
        );
        assert_eq!(Axis::logarithmic([0.5].into_iter()).ticks, [0.1, 0.2, 0.5, 1.0]);
        assert!(Axis::logarithmic([1e-30, 1.0].into_iter()).ticks.len() <= 7);
        assert_eq!(Axis::logarithmic(std::iter::empty()).high, 1.0);
    }
}
