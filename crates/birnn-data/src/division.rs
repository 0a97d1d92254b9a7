//! Which samples are trained on, which are kept back, and which are for the test.

use std::collections::HashSet;
use std::fmt;
use std::ops::Range;

use serde::Serialize;

use crate::check;
use crate::config::{DataPlan, Portion, SplitBy, Window};
use crate::error::ConfigError;
use crate::order::shuffle;
use crate::rng::Rng;
use crate::sequences::Part;
use crate::split::{STREAM_OF_GROUPS, STREAM_SEED, Split};

/// How samples were divided, where there was more to it than keeping some back at random.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Division {
    /// By what.
    pub by: SplitBy,
    /// Series or images in what was divided.
    pub of: usize,
    /// The share that is for the test, where that has no file of its own.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub test_share: Option<f64>,
    /// What each series was cut into.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub window: Option<Window>,
    /// Steps at the ends of series that fill no window, and were left out.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub steps_left_out: Option<usize>,
    /// Groups that are trained on, kept back, and for the test.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub groups: Option<[usize; 3]>,
}

/// For people: `parted by group (8, 1 and 3 groups), windows of 100 steps`.
impl fmt::Display for Division {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let by = match self.by {
            SplitBy::Random => "at random",
            SplitBy::Time => "by time",
            SplitBy::Group => "by group",
        };
        write!(f, "parted {by}")?;
        if let Some([train, validation, test]) = self.groups {
            let s = if train == 1 { "" } else { "s" };
            write!(f, " ({train} group{s} to train on, {validation} kept back, {test} for the test)")?;
        }
        let Some(window) = self.window else { return Ok(()) };
        let (length, stride, of) = (window.length, window.stride(), self.of);
        write!(f, ", windows of {length} steps every {stride} of {of} series")?;
        match self.steps_left_out {
            Some(count @ 1..) => write!(f, ", {count} steps in no window"),
            _ => Ok(()),
        }
    }
}

/// Samples that were divided.
pub(crate) struct Divided {
    pub(crate) train: Split,
    pub(crate) validation: Split,
    pub(crate) test: Split,
    pub(crate) division: Option<Division>,
    pub(crate) warnings: Vec<ConfigError>,
}

impl Window {
    /// As long, none of whose steps are in two.
    fn apart(self) -> Window {
        Window { stride: Some(self.stride().max(self.length)), ..self }
    }

    /// What series of these lengths are cut into, and how many steps are in no part. A series that is no
    /// longer than one window is kept as it is; of others, what is left at the end and is shorter than one is
    /// left out.
    pub fn cut(self, lengths: impl Iterator<Item = usize>) -> (Vec<Part>, usize) {
        let (mut parts, mut left_out) = (Vec::new(), 0);
        for (sample, steps) in lengths.enumerate() {
            let length = self.length.min(steps);
            let begins = (0..=steps - length).step_by(self.stride());
            left_out += (steps - length) / self.stride() * self.stride().saturating_sub(length);
            parts.extend(begins.map(|begin| Part { sample, steps: begin..begin + length }));
            left_out += parts.last().map_or(0, |last| steps - last.steps.end);
        }
        (parts, left_out)
    }
}

/// Of which group each sample is, counted from 0 through both files, where they say it.
#[derive(Debug, Default)]
pub(crate) struct Groups {
    pub(crate) train: Option<Vec<u32>>,
    pub(crate) test: Option<Vec<u32>>,
}

/// Samples with the group of each, where that is asked for.
struct Samples {
    split: Split,
    groups: Option<Vec<u32>>,
}

/// Divides training samples, each of a group, and those to test with, where there are such.
pub(crate) fn divide(
    train: Split,
    groups: Groups,
    test: Option<Split>,
    plan: &DataPlan,
) -> Result<Divided, ConfigError> {
    let (of, mut left_out) = (train.len(), 0);
    let (what, is_own) = (plan.source.noun(), plan.source.is_own());
    let mut warnings: Vec<ConfigError> = shared(&groups).into_iter().collect();
    let (has_groups, has_test) = (groups.train.is_some(), test.is_some());
    let kept = |groups: Option<Vec<u32>>, own: Range<usize>| match plan.split {
        // Where nothing is said of groups, what was cut out of one series stays together.
        SplitBy::Group => Some(groups.unwrap_or_else(|| own.map(|index| index as u32).collect())),
        SplitBy::Random | SplitBy::Time => None,
    };
    let train = Samples { groups: kept(groups.train, 0..of), split: train };
    let test = test.map(|test| Samples { groups: kept(groups.test, of..of + test.len()), split: test });
    let share = plan.test_share.map(Portion::Share).unwrap_or_default();
    let mut cut = |samples: Samples, window| samples.windows(window, &mut left_out);
    // A step that is in several windows would be judged as often.
    let judged = plan.window.map(Window::apart);
    let mut neighbours = false;
    let [train, validation, test] = match plan.split {
        SplitBy::Time | SplitBy::Group => {
            let part = |samples: Samples, portion, key| match plan.split {
                SplitBy::Time => samples.without_ends(portion, key),
                SplitBy::Random | SplitBy::Group => samples.without(portion, key, what),
            };
            let (train, test) = match test {
                Some(test) => (train, test),
                None => part(train, share, "test_share")?,
            };
            if is_own && (has_test || plan.split == SplitBy::Group) {
                warnings.extend(check::overlap(&train.split, &test.split, plan));
            }
            let (train, validation) = part(train, plan.validation, "validation")?;
            let train = cut(train, plan.window).first(plan.limit);
            [train, cut(validation, judged), cut(test, judged)]
        }
        SplitBy::Random => {
            let train = cut(train, plan.window);
            neighbours = train.len() > of;
            let (train, test) = match test {
                Some(test) => (train, cut(test, judged)),
                None => train.without(share, "test_share", what)?,
            };
            let train = train.first(plan.limit);
            if is_own {
                warnings.extend(check::overlap(&train.split, &test.split, plan));
            }
            let (train, validation) = train.without(plan.validation, "validation", what)?;
            [train, validation, test]
        }
    };
    let parted = !plan.validation.is_none() || plan.test_share.is_some();
    let is_noteworthy = plan.window.is_some() || plan.test_share.is_some() || plan.split != SplitBy::Random;
    let division = is_noteworthy.then(|| Division {
        by: plan.split,
        of,
        test_share: plan.test_share,
        window: plan.window,
        steps_left_out: plan.window.map(|_| left_out),
        groups: (plan.split == SplitBy::Group).then(|| [&train, &validation, &test].map(Samples::groups)),
    });
    if let Some(window) = plan.window {
        let longest = train.split.sequences.lengths().max().unwrap_or(0);
        if window.length > longest {
            warnings.push(uncut(window, longest));
        } else if parted && neighbours {
            warnings.push(leak(window));
        }
    }
    if parted && has_groups && plan.split != SplitBy::Group {
        warnings.push(ungrouped());
    }
    let [train, validation, test] = [train, validation, test].map(|samples| samples.split);
    Ok(Divided { train, validation, test, division, warnings })
}

/// Groups of the test that are groups of the training file.
fn shared(groups: &Groups) -> Option<ConfigError> {
    let known: HashSet<u32> = groups.train.iter().flatten().copied().collect();
    let all: HashSet<u32> = groups.test.iter().flatten().copied().collect();
    let message = match all.intersection(&known).count() {
        0 => return None,
        count => format!(
            "{count} of its {} groups are groups of the training file too: how a net does on them says too much of \
             others",
            all.len()
        ),
    };
    Some(ConfigError::new("test", message))
}

fn ungrouped() -> ConfigError {
    let message = "the samples have groups, and those that are kept back or for the test can be of the same ones as \
                   those that are trained on: `split = \"group\"` keeps each group whole";
    ConfigError::new("split", message)
}

fn leak(window: Window) -> ConfigError {
    let how = match window.stride() < window.length {
        true => "windows overlap, and those that are kept back or for the test share steps with",
        false => "windows that are kept back or for the test are of the same series as",
    };
    let message = format!(
        "{how} those that are trained on: results on them say too much; `split = \"time\"` or `\"group\"` keeps them \
         apart"
    );
    ConfigError::new("split", message)
}

fn uncut(window: Window, longest: usize) -> ConfigError {
    let message = format!(
        "no training series has the {} steps of a window, the longest has {longest}: each is read whole",
        window.length
    );
    ConfigError::new("window", message)
}

impl Samples {
    fn len(&self) -> usize {
        self.split.len()
    }

    /// How many groups there are.
    fn groups(&self) -> usize {
        let mut groups = self.groups.clone().unwrap_or_default();
        groups.sort_unstable();
        groups.dedup();
        groups.len()
    }

    fn select(&self, indices: &[usize]) -> Samples {
        let groups = self.groups.as_ref().map(|groups| indices.iter().map(|&index| groups[index]).collect());
        Samples { split: self.split.select(indices), groups }
    }

    fn first(self, limit: usize) -> Samples {
        let groups = self.groups.map(|mut groups| {
            groups.truncate(limit);
            groups
        });
        Samples { split: self.split.first(limit), groups }
    }

    /// The same samples, cut into windows; the steps that are left out are added to `left_out`.
    fn windows(self, window: Option<Window>, left_out: &mut usize) -> Samples {
        let Some(window) = window else { return self };
        let (parts, count) = window.cut(self.split.sequences.lengths());
        *left_out += count;
        self.parts(&parts)
    }

    fn parts(&self, parts: &[Part]) -> Samples {
        let groups = self.groups.as_ref();
        let groups = groups.map(|groups| parts.iter().map(|part| groups[part.sample]).collect());
        Samples { split: self.split.parts(parts), groups }
    }

    /// The samples without the last share of the steps of each, and those steps. At least one step of each
    /// stays.
    fn without_ends(self, portion: Portion, key: &str) -> Result<(Samples, Samples), ConfigError> {
        let share = match portion {
            Portion::Share(share) => share,
            Portion::Count(_) => {
                let none = self.select(&[]);
                return Ok((self, none));
            }
        };
        let (mut stay, mut go) = (Vec::new(), Vec::new());
        for (sample, steps) in self.split.sequences.lengths().enumerate() {
            let end = steps - ((share * steps as f64).round() as usize).min(steps - 1);
            stay.push(Part { sample, steps: 0..end });
            go.extend((end < steps).then_some(Part { sample, steps: end..steps }));
        }
        if go.is_empty() {
            let message =
                format!("no series has enough steps for {share} of them to be parted from the others");
            return Err(ConfigError::new(key, message));
        }
        Ok((self.parts(&stay), self.parts(&go)))
    }

    /// The samples without some at random, and those: of whole groups, or else of each class by its share.
    fn without(self, portion: Portion, key: &str, what: &str) -> Result<(Samples, Samples), ConfigError> {
        if portion.is_none() {
            let none = self.select(&[]);
            return Ok((self, none));
        }
        let total = self.len();
        let refuse = |message: String| Err(ConfigError::new(key, message));
        let share = |of: usize, share: f64| ((share * of as f64).round() as usize).max(1).min(of - 1);
        let go = match (&self.groups, portion) {
            (Some(groups), Portion::Share(part)) => {
                let mut order = groups.clone();
                order.sort_unstable();
                order.dedup();
                if order.len() < 2 {
                    return refuse(format!("all {what} are of one group, and groups are not parted"));
                }
                let count = share(order.len(), part);
                shuffle(&mut order, &mut Rng::new(STREAM_SEED, STREAM_OF_GROUPS));
                let chosen: HashSet<u32> = order.drain(..count).collect();
                groups.iter().map(|group| chosen.contains(group)).collect()
            }
            (_, Portion::Share(_)) if total < 2 => {
                return refuse(format!("no share of {total} {what} can be parted from the others"));
            }
            (_, Portion::Count(count)) if count >= total => {
                return refuse(format!("{count} {what} cannot be kept back of {total} training {what}"));
            }
            (_, Portion::Share(part)) => self.split.of_each_class(share(total, part)),
            (_, Portion::Count(count)) => self.split.of_each_class(count),
        };
        let (go, stay): (Vec<usize>, Vec<usize>) = (0..total).partition(|&index| go[index]);
        Ok((self.select(&stay), self.select(&go)))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::DataConfig;
    use crate::sequences::{Sequences, Values};
    use crate::targets::{Per, TargetValues, Targets};

    /// Series of these lengths, whose values count on through all of them, each value its step's target too.
    fn counting(lengths: &[usize]) -> Split {
        let values: Vec<f32> = (0..lengths.iter().sum()).map(|step: usize| step as f32).collect();
        let targets =
            Targets { values: TargetValues::Numbers { values: values.clone(), width: 1 }, per: Per::Step };
        Split { sequences: Sequences::new(Values::Floats(values), 1, lengths.iter().copied()), targets }
    }

    fn plan(more: &str) -> DataPlan {
        let text = format!("dataset = \"ts\"\ntrain = \"a\"\n{more}");
        toml::from_str::<DataConfig>(&text).unwrap().resolve().unwrap()
    }

    /// The values of each sample.
    fn values(split: &Split) -> Vec<Vec<f32>> {
        assert_eq!(
            split.targets.numbers().unwrap(),
            split.sequences.iter().fold(Vec::new(), |mut all, one| {
                one.read(&mut all);
                all
            })
        );
        split.sequences.iter().map(|sequence| sequence.floats().unwrap().to_vec()).collect()
    }

    fn divided(lengths: &[usize], groups: Option<Vec<u32>>, more: &str) -> Divided {
        divide(counting(lengths), Groups { train: groups, test: None }, None, &plan(more)).unwrap()
    }

    #[test]
    fn series_are_cut_into_windows_and_what_is_left_is_counted() {
        let cut = |length, stride| {
            let mut left_out = 0;
            let samples = Samples { split: counting(&[5, 2, 3]), groups: Some(vec![7, 8, 9]) };
            let window = Window { length, stride };
            let samples = samples.windows(Some(window), &mut left_out);
            (values(&samples.split), samples.groups.unwrap(), left_out)
        };
        let (windows, groups, left_out) = cut(3, Some(1));
        assert_eq!(windows[..3], [[0.0, 1.0, 2.0], [1.0, 2.0, 3.0], [2.0, 3.0, 4.0]]);
        assert_eq!((&windows[3], &windows[4]), (&vec![5.0, 6.0], &vec![7.0, 8.0, 9.0]));
        assert_eq!((groups, left_out), (vec![7, 7, 7, 8, 9], 0));
        assert_eq!(cut(2, None).2, 2, "one step of the first, and one of the last");
        assert_eq!(cut(2, Some(3)).0, [vec![0.0, 1.0], vec![3.0, 4.0], vec![5.0, 6.0], vec![7.0, 8.0]]);
        assert_eq!(cut(2, Some(3)).2, 2, "one between the windows of the first, and one of the last");
        assert_eq!(cut(9, None), (values(&counting(&[5, 2, 3])), vec![7, 8, 9], 0));
    }

    #[test]
    fn by_time_the_last_of_each_series_is_for_the_test() {
        let found = divided(&[10, 1], None, "split = \"time\"\ntest_share = 0.2\nvalidation = 0.25");
        assert_eq!(values(&found.test), [[8.0, 9.0]]);
        assert_eq!(values(&found.validation), [[6.0, 7.0]]);
        assert_eq!(values(&found.train), [vec![0.0, 1.0, 2.0, 3.0, 4.0, 5.0], vec![10.0]]);
        let more = "split = \"time\"\ntest_share = 0.5\nwindow = { length = 2, stride = 1 }";
        let found = divided(&[8], None, more);
        assert_eq!((found.train.len(), found.warnings.len()), (3, 0));
        assert_eq!(values(&found.test), [[4.0, 5.0], [6.0, 7.0]], "each step once");
    }

    #[test]
    fn groups_are_never_parted() {
        let groups: Vec<u32> = (0..40).map(|series| series % 8).collect();
        let more = "split = \"group\"\ntest_share = 0.25\nvalidation = 0.2";
        let found = divided(&[2; 40], Some(groups.clone()), more);
        let of = |split: &Split| -> Vec<u32> {
            let mut of: Vec<u32> = values(split).iter().map(|one| groups[one[0] as usize / 2]).collect();
            of.sort_unstable();
            of.dedup();
            of
        };
        let parts = [&found.train, &found.validation, &found.test].map(of);
        assert_eq!(parts.each_ref().map(Vec::len), [5, 1, 2]);
        assert_eq!(found.division.as_ref().unwrap().groups, Some([5, 1, 2]));
        let mut all = parts.concat();
        all.sort_unstable();
        assert_eq!(all, (0..8).collect::<Vec<_>>());
        // Without groups each series is one, and its windows stay together.
        let found = divided(&[4; 4], None, &format!("{more}\nwindow = {{ length = 2, stride = 1 }}"));
        assert_eq!([found.train.len(), found.validation.len(), found.test.len()], [6, 2, 2]);
        let told = found.division.unwrap().to_string();
        assert!(
            told.starts_with("parted by group (2 groups to train on, 1 kept back, 1 for the test), windows")
        );
    }

    #[test]
    fn at_random_windows_leak_where_they_overlap() {
        let warnings = |more: &str| divided(&[20; 5], None, &format!("test_share = 0.2\n{more}")).warnings;
        let told = warnings("window = { length = 4, stride = 2 }")[0].to_string();
        assert!(told.starts_with("data.split: windows overlap") && told.contains("\"time\""), "{told}");
        let told = warnings("window = { length = 4 }")[0].to_string();
        assert!(told.starts_with("data.split: windows that are kept back"), "{told}");
        assert!(warnings("window = { length = 4 }\nsplit = \"group\"").is_empty());
        assert!(warnings("window = { length = 20 }").is_empty(), "each series is one window");
        let told = warnings("window = { length = 21 }")[0].to_string();
        assert!(told.starts_with("data.window: no training series has the 21 steps"), "{told}");
        // What is twice in the one file can be on both sides.
        let same = counting(&[4; 2]).select(&[0, 0]);
        let told =
            divide(same, Groups::default(), None, &plan("test_share = 0.5")).unwrap().warnings[0].to_string();
        assert!(told.starts_with("data.test_share: 1 of 1 test series are training series too"), "{told}");
        assert!(warnings("").is_empty());
    }

    #[test]
    fn groups_that_nothing_keeps_whole_are_told_of() {
        let warnings = |more: &str| divided(&[5; 6], Some(vec![0, 0, 1, 1, 2, 2]), more).warnings;
        let told = warnings("test_share = 0.5")[0].to_string();
        assert!(told.starts_with("data.split: the samples have groups"), "{told}");
        assert!(warnings("test_share = 0.5\nsplit = \"group\"").is_empty());
    }

    #[test]
    fn what_is_judged_by_is_not_what_was_trained_on() {
        let warnings = |more: &str, same: bool| -> Vec<String> {
            let (train, test) = (counting(&[3; 4]), counting(&[4; 3]));
            let test = if same { train.clone() } else { test };
            let groups = Groups { train: Some(vec![0, 0, 1, 2]), test: Some(vec![2, 3, 0]) };
            let groups = if same { Groups::default() } else { groups };
            let more = format!("test = \"b\"\n{more}");
            divide(train, groups, Some(test), &plan(&more))
                .unwrap()
                .warnings
                .iter()
                .map(ToString::to_string)
                .collect()
        };
        for split in ["", "split = \"time\"", "split = \"group\""] {
            let told = &warnings(split, true)[0];
            assert!(told.starts_with("data.test: 4 of 4 test series are in `data.train` too"), "{told}");
            let told = &warnings(split, false)[0];
            assert!(
                told.starts_with("data.test: 2 of its 3 groups are groups of the training file too"),
                "{told}"
            );
        }
        let groups = Groups { train: Some(vec![0, 0, 1]), test: None };
        let more = "test = \"b\"\nsplit = \"group\"\nwindow = { length = 2, stride = 1 }";
        let found = divide(counting(&[3; 3]), groups, Some(counting(&[4; 2])), &plan(more)).unwrap();
        assert_eq!(found.division.unwrap().groups, Some([2, 0, 2]));
        assert_eq!((found.train.len(), found.test.len()), (6, 4), "each step of the test once");
    }

    #[test]
    fn something_is_left_of_all() {
        let error = |lengths: &[usize], groups, more| {
            let groups = Groups { train: groups, test: None };
            divide(counting(lengths), groups, None, &plan(more)).err().unwrap().to_string()
        };
        let at_random = "test_share = 0.1";
        let found = divided(&[1; 3], None, at_random);
        assert_eq!((found.train.len(), found.test.len()), (2, 1));
        assert!(error(&[1], None, at_random).starts_with("data.test_share: no share of 1 series"));
        let by_group = "test_share = 0.1\nsplit = \"group\"";
        assert!(
            error(&[1; 3], Some(vec![0; 3]), by_group).starts_with("data.test_share: all series are of one")
        );
        let by_time = "test_share = 0.1\nsplit = \"time\"";
        assert!(error(&[1; 3], None, by_time).starts_with("data.test_share: no series has enough steps"));
        let many = "test_share = 0.5\nvalidation = 3";
        let message = "data.validation: 3 series cannot be kept back of 3 training series";
        assert_eq!(error(&[1; 6], None, many), message);
    }
}
