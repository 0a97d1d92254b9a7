//! `[sweep]`: one experiment many times over, with other settings and other seeds.

use std::path::{Path, PathBuf};

use birnn_data::{PATH_SETTINGS, Rng};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use toml::{Table, Value};

use crate::invalid::Invalid;

/// The `[sweep]` table as written.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct SweepConfig {
    /// With which seeds each combination of settings is trained: how many, from `seed` on, or which.
    pub seeds: Seeds,
    /// Settings by their own keys, each with the list of values to try: every combination is tried.
    #[schemars(with = "serde_json::Map<String, serde_json::Value>")]
    pub grid: Table,
    /// Settings that are drawn: each from a list, or from a range such as `{ from = 1e-4, to = 1e-2, scale =
    /// "log" }`.
    #[schemars(with = "serde_json::Map<String, serde_json::Value>")]
    pub random: Table,
    /// How often to draw the settings of `random`.
    #[schemars(range(min = 1, max = MOST_RUNS))]
    #[serde(skip_serializing_if = "Option::is_none")]
    pub draws: Option<usize>,
}

/// How many seeds, or which.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(untagged, expecting = "must be a whole number, 1 or more, or a list of seeds such as [0, 7]")]
pub enum Seeds {
    /// So many, from the experiment's own on.
    Count(#[schemars(range(min = 1))] u32),
    /// These.
    List(Vec<u32>),
}

/// One run of a sweep.
#[derive(Clone, Debug, PartialEq)]
pub struct Trial {
    /// What is other than in the experiment itself, by dotted keys.
    pub settings: Vec<(String, Value)>,
    /// The seed.
    pub seed: u32,
}

/// What a setting is drawn from.
enum Choice {
    Among(Vec<Value>),
    Between { from: f64, to: f64, log: bool, whole: bool },
}

/// More runs of a sweep than anyone waits for.
pub const MOST_RUNS: usize = 10_000;

impl Default for Seeds {
    fn default() -> Seeds {
        Seeds::Count(1)
    }
}

impl Trial {
    /// As `--set` arguments.
    pub fn sets(&self) -> Vec<String> {
        let own = self.settings.iter().map(|(key, value)| format!("{key}={}", inline(value)));
        own.chain([format!("seed={}", self.seed)]).collect()
    }

    /// Whether it varies what is at a dotted key: a setting, or anything of a table.
    pub fn varies(&self, key: &str) -> bool {
        self.settings.iter().any(|(own, _)| overlap(own, key))
    }
}

/// Whether what is at one dotted key is, or holds, or lies in, what is at the other.
pub(crate) fn overlap(one: &str, other: &str) -> bool {
    is_within(one, other) || is_within(other, one)
}

/// Whether a dotted key is that of `table`, or of something in it.
fn is_within(key: &str, table: &str) -> bool {
    key.strip_prefix(table).is_some_and(|rest| rest.is_empty() || rest.starts_with('.'))
}

impl SweepConfig {
    /// Makes paths absolute that are tried and were written relative to `folder`.
    pub(crate) fn anchor(&mut self, folder: &Path) {
        self.with_paths(|path| Some(birnn_data::anchored(path, folder)));
    }

    /// Makes each path that is tried what `changed` makes of it, if it makes anything of it.
    pub(crate) fn with_paths(&mut self, changed: impl Fn(&Path) -> Option<PathBuf>) {
        for (key, value) in [&mut self.grid, &mut self.random].into_iter().flatten() {
            with_paths(key, value, &changed);
        }
    }

    /// Whether `grid` has a setting of this dotted key.
    pub(crate) fn is_in_grid(&self, key: &str) -> bool {
        settings(&self.grid, |value| !value.is_table()).iter().any(|(found, _)| found == key)
    }

    /// The runs, in order; `seed` is the experiment's own.
    pub(crate) fn trials(&self, seed: u32) -> Result<Vec<Trial>, Invalid> {
        let seeds = self.seeds(seed)?;
        let grid = grid(&self.grid)?;
        let random = random(&self.random)?;
        let keys =
            grid.iter().map(|(key, _)| ("grid", key)).chain(random.iter().map(|(key, _)| ("random", key)));
        for (table, key) in keys {
            let instead = match key.split('.').next() {
                Some("seed") => "`sweep.seeds` says which",
                Some("name") => "all runs of a sweep share it",
                Some("sweep") => "it is about the sweep, not about a run",
                _ => continue,
            };
            let message = format!("cannot be varied; {instead}");
            return Err(Invalid::new(&format!("sweep.{table}.{key}"), message));
        }
        if let Some((key, _)) = random.iter().find(|(key, _)| grid.iter().any(|(other, _)| other == key)) {
            return Err(Invalid::new(
                &format!("sweep.random.{key}"),
                "is in `sweep.grid` too; leave one out",
            ));
        }
        let of_grid = grid.iter().map(|(key, _)| ("grid", key));
        let keys: Vec<(&str, &String)> =
            of_grid.chain(random.iter().map(|(key, _)| ("random", key))).collect();
        for (index, (table, key)) in keys.iter().enumerate() {
            // What is written last would undo the other.
            let others = keys.iter().enumerate().filter(|(other, _)| *other != index);
            let message = match others.map(|(_, other)| other.1).find(|other| is_within(key, other)) {
                None => continue,
                Some(same) if same == *key => {
                    "is there twice, with quotes and without; leave one out".to_owned()
                }
                Some(whole) => format!("is a part of `{whole}`, which is varied too; leave one out"),
            };
            return Err(Invalid::new(&format!("sweep.{table}.{key}"), message));
        }
        let draws = match (random.is_empty(), self.draws) {
            (true, None) => 1,
            (true, Some(_)) => {
                return Err(Invalid::new("sweep.draws", "there is no `sweep.random` to draw from"));
            }
            (false, None) => {
                let message = "there is no `sweep.draws`, which says how often to draw; for example 20";
                return Err(Invalid::new("sweep.random", message));
            }
            (false, Some(0)) => return Err(Invalid::new("sweep.draws", "must be at least 1, is 0")),
            (false, Some(draws)) => draws,
        };
        let combinations = grid.iter().map(|(_, values)| values.len());
        let runs = combinations.chain([draws, seeds.len()]).fold(1, usize::saturating_mul);
        if runs > MOST_RUNS {
            return Err(Invalid::new(
                "sweep",
                format!("these are {runs} runs, and {MOST_RUNS} are the most"),
            ));
        }
        let mut trials: Vec<Trial> = Vec::with_capacity(runs);
        let mut earlier: Vec<Vec<(String, Value)>> = Vec::new();
        for draw in 0..draws {
            let drawn = |(index, (key, choice)): (usize, &(String, Choice))| {
                // Each setting has draws of its own, whatever the others are.
                (key.clone(), choice.draw(uniform(seed, draw, index)))
            };
            let drawn: Vec<(String, Value)> = random.iter().enumerate().map(drawn).collect();
            // Drawn again, these are the same runs again, and would only seem to confirm the first.
            if earlier.contains(&drawn) {
                continue;
            }
            for mut settings in combinations_of(&grid) {
                settings.extend(drawn.iter().cloned());
                trials.extend(seeds.iter().map(|&seed| Trial { settings: settings.clone(), seed }));
            }
            earlier.push(drawn);
        }
        Ok(trials)
    }

    fn seeds(&self, seed: u32) -> Result<Vec<u32>, Invalid> {
        let invalid = |message: String| Err(Invalid::new("sweep.seeds", message));
        match &self.seeds {
            Seeds::Count(0) => invalid("must be at least 1, is 0".to_owned()),
            Seeds::Count(count) if *count as usize > MOST_RUNS => {
                invalid(format!("must be at most {MOST_RUNS}, is {count}"))
            }
            Seeds::Count(count) => match seed.checked_add(count - 1) {
                Some(last) => Ok((seed..=last).collect()),
                None => invalid(format!("{count} seeds from {seed} on are more than there are")),
            },
            Seeds::List(list) if list.is_empty() => invalid("must have at least one seed".to_owned()),
            Seeds::List(list) => match twice(list) {
                Some(seed) => invalid(format!("has {seed} twice, which is the same run twice")),
                None => Ok(list.clone()),
            },
        }
    }
}

fn twice<T: PartialEq>(list: &[T]) -> Option<&T> {
    list.iter().enumerate().find(|(index, value)| list[..*index].contains(value)).map(|(_, value)| value)
}

/// Each setting of the grid with its values.
fn grid(table: &Table) -> Result<Vec<(String, Vec<Value>)>, Invalid> {
    let settings = settings(table, |value| !value.is_table());
    let values = |(key, value): (String, &Value)| match value.as_array() {
        Some(values) if !values.is_empty() => match twice(values) {
            Some(value) => Err(Invalid::new(
                &format!("sweep.grid.{key}"),
                format!("has {} twice, which is the same run twice", inline(value)),
            )),
            None => Ok((key, values.clone())),
        },
        _ => Err(Invalid::new(
            &format!("sweep.grid.{key}"),
            format!("must be a list of values to try, such as [1, 2], is {}", inline(value)),
        )),
    };
    settings.into_iter().map(values).collect()
}

/// Each drawn setting with what it is drawn from.
fn random(table: &Table) -> Result<Vec<(String, Choice)>, Invalid> {
    let is_range =
        |value: &Value| value.as_table().is_none_or(|t| t.contains_key("from") || t.contains_key("to"));
    let settings = settings(table, is_range);
    settings.into_iter().map(|(key, value)| Ok((key.clone(), Choice::new(&key, value)?))).collect()
}

/// The settings in a table of tables by their dotted keys, whether the keys were written with quotes or
/// without.
fn settings(table: &Table, is_setting: impl Fn(&Value) -> bool + Copy) -> Vec<(String, &Value)> {
    let mut found = Vec::new();
    for (key, value) in table {
        match value {
            Value::Table(inner) if !is_setting(value) => {
                let within = settings(inner, is_setting).into_iter();
                found.extend(within.map(|(rest, value)| (format!("{key}.{rest}"), value)));
            }
            _ => found.push((key.clone(), value)),
        }
    }
    found
}

/// Every way to choose one value of each setting, the last changing first.
fn combinations_of(grid: &[(String, Vec<Value>)]) -> Vec<Vec<(String, Value)>> {
    grid.iter().fold(vec![Vec::new()], |combinations, (key, values)| {
        let with = |before: &Vec<(String, Value)>| {
            let before = before.clone();
            values.iter().map(move |value| [&before[..], &[(key.clone(), value.clone())]].concat())
        };
        combinations.iter().flat_map(with).collect()
    })
}

impl Choice {
    fn new(key: &str, value: &Value) -> Result<Choice, Invalid> {
        let invalid = |message: String| Invalid::new(&format!("sweep.random.{key}"), message);
        let form = "a list of values, or a range such as { from = 0.0001, to = 0.01, scale = \"log\" }";
        let range = match value {
            Value::Array(values) if !values.is_empty() => return Ok(Choice::Among(values.clone())),
            Value::Table(range) => range,
            _ => return Err(invalid(format!("must be {form}, is {}", inline(value)))),
        };
        if let Some(other) = range.keys().find(|key| !["from", "to", "scale"].contains(&key.as_str())) {
            return Err(invalid(format!("has `{other}`, and must be {form}")));
        }
        let number = |end: &str| {
            let value = range.get(end)?;
            value.as_float().or_else(|| value.as_integer().map(|n| n as f64)).filter(|n| n.is_finite())
        };
        let (Some(from), Some(to)) = (number("from"), number("to")) else {
            return Err(invalid(format!("must have a number as `from` and as `to`: {form}")));
        };
        if from >= to {
            return Err(invalid(format!("`from` must be below `to`, is {from} and {to}")));
        }
        let log = match range.get("scale").map(|scale| scale.as_str().unwrap_or_default()) {
            None | Some("linear") => false,
            Some("log") if from > 0.0 => true,
            Some("log") => return Err(invalid(format!("a log scale begins above 0, not at {from}"))),
            Some(_) => return Err(invalid("`scale` must be \"linear\" or \"log\"".to_owned())),
        };
        let whole = ["from", "to"].iter().all(|end| range[*end].is_integer());
        Ok(Choice::Between { from, to, log, whole })
    }

    /// What `uniform`, from 0 to 1, falls on.
    fn draw(&self, uniform: f64) -> Value {
        match *self {
            Choice::Among(ref values) => {
                let index = (uniform * values.len() as f64) as usize;
                values[index.min(values.len() - 1)].clone()
            }
            Choice::Between { from, to, log, whole } => {
                // Each whole number has an interval of its own, the last too.
                let end = if whole { to + 1.0 } else { to };
                let value = match log {
                    true => from * (end / from).powf(uniform),
                    false => from + (end - from) * uniform,
                };
                match whole {
                    true => Value::Integer(value.floor().clamp(from, to) as i64),
                    false => Value::Float(short(value, to - from).clamp(from, to)),
                }
            }
        }
    }
}

/// Makes each path to a file of the user's that is the value of a dotted key, or anywhere in it, what
/// `changed` makes of it, if it makes anything of it; says whether there was one.
pub(crate) fn with_paths(key: &str, value: &mut Value, changed: &impl Fn(&Path) -> Option<PathBuf>) -> bool {
    let tried = ["sweep.grid.", "sweep.random."].iter().find_map(|table| key.strip_prefix(table));
    match value {
        Value::Table(table) => table
            .iter_mut()
            .fold(false, |any, (name, value)| with_paths(&format!("{key}.{name}"), value, changed) | any),
        Value::Array(values) => {
            values.iter_mut().fold(false, |any, value| with_paths(key, value, changed) | any)
        }
        Value::String(path) if PATH_SETTINGS.contains(&tried.unwrap_or(key)) => {
            let changed = changed(Path::new(path)).and_then(|path| path.into_os_string().into_string().ok());
            changed.map(|changed| *path = changed).is_some()
        }
        _ => false,
    }
}

/// With three digits that count: nobody tells 0.0031 from 0.00310437. Of a narrow range they are those of
/// what it spans.
fn short(value: f64, span: f64) -> f64 {
    let size = |number: f64| number.abs().log10().floor();
    let more = (size(value) - size(span)).clamp(0.0, 12.0);
    let digits = if more.is_finite() { 2 + more as usize } else { 2 };
    format!("{value:.digits$e}").parse().unwrap_or(value)
}

/// From 0 to 1, a function of its arguments.
fn uniform(seed: u32, draw: usize, setting: usize) -> f64 {
    Rng::new(u64::from(seed), (setting as u64) << 32 | draw as u64).uniform(0.0, 1.0)
}

/// A value as TOML on one line.
pub(crate) fn inline(value: &Value) -> String {
    let mut text = String::new();
    match value.serialize(toml::ser::ValueSerializer::new(&mut text)) {
        Ok(_) => text,
        Err(_) => value.to_string(),
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;
    use std::path::Path;

    use super::*;
    use crate::source::Source;

    fn source(sweep: &str) -> Source {
        Source::parse(Path::new("x.toml"), format!("seed = 3\n{sweep}"), &[]).unwrap()
    }

    fn sets(sweep: &str) -> Vec<String> {
        source(sweep).trials().unwrap().iter().map(|trial| trial.sets().join(" ")).collect()
    }

    #[track_caller]
    fn refused(sweep: &str, part: &str) {
        let error = source(sweep).trials().unwrap_err().to_string();
        assert!(error.contains(part), "no `{part}` in: {error}");
    }

    #[test]
    fn a_grid_is_every_combination_with_every_seed() {
        assert_eq!(sets(""), ["seed=3"]);
        assert_eq!(sets("[sweep]\nseeds = 2"), ["seed=3", "seed=4"]);
        let few = "[sweep]\ndraws = 50\nseeds = 2\n[sweep.random]\nmodel.layers = { from = 1, to = 2 }";
        assert_eq!(sets(few).len(), 4, "what is drawn again is not run again");
        let grid =
            "[sweep]\nseeds = [7]\n[sweep.grid]\nmodel.cell = [\"gru\", \"lstm\"]\n\"train.epochs\" = [1, 2]";
        assert_eq!(
            sets(grid),
            [
                "model.cell=\"gru\" train.epochs=1 seed=7",
                "model.cell=\"gru\" train.epochs=2 seed=7",
                "model.cell=\"lstm\" train.epochs=1 seed=7",
                "model.cell=\"lstm\" train.epochs=2 seed=7",
            ]
        );
        let tables = "[sweep.grid]\nmodel.hidden = [{ forward = 2, reverse = 3 }, 4]";
        assert_eq!(
            sets(tables),
            ["model.hidden={ forward = 2, reverse = 3 } seed=3", "model.hidden=4 seed=3"]
        );
    }

    #[test]
    fn draws_lie_in_their_ranges_and_repeat_themselves() {
        let random = "[sweep]\ndraws = 200\n[sweep.random]\nmodel.hidden = { from = 3, to = 6 }\n\
                      train.optimizer.lr = { from = 1e-4, to = 1e-2, scale = \"log\" }\n\
                       model.layers = [1, 2]";
        let trials = source(random).trials().unwrap();
        assert!((190..=200).contains(&trials.len()), "{}", trials.len());
        assert_eq!(trials, source(random).trials().unwrap());
        let of = |key: &str| -> Vec<Value> {
            let value = |trial: &Trial| trial.settings.iter().find(|s| s.0 == key).unwrap().1.clone();
            trials.iter().map(value).collect()
        };
        let hidden: BTreeSet<i64> =
            of("model.hidden").iter().map(|value| value.as_integer().unwrap()).collect();
        assert_eq!(hidden, BTreeSet::from([3, 4, 5, 6]));
        let layers: BTreeSet<i64> =
            of("model.layers").iter().map(|value| value.as_integer().unwrap()).collect();
        assert_eq!(layers, BTreeSet::from([1, 2]));
        let rates: Vec<f64> =
            of("train.optimizer.lr").iter().map(|value| value.as_float().unwrap()).collect();
        assert!(rates.iter().all(|rate| (1e-4..=1e-2).contains(rate)));
        let low = rates.iter().filter(|&&rate| rate < 1e-3).count();
        assert!((60..140).contains(&low), "half of a log range lies below its middle: {low}");
        // The draws of a setting do not depend on those that come after it.
        let alone = "[sweep]\ndraws = 200\n[sweep.random]\nmodel.hidden = { from = 3, to = 600 }";
        let beside = format!("{alone}\nmodel.layers = [1, 2]");
        let first = |sweep: &str| {
            let trials = source(sweep).trials().unwrap();
            let mut drawn: Vec<_> = trials.iter().map(|t| t.settings[0].1.as_integer().unwrap()).collect();
            drawn.dedup();
            drawn.truncate(5);
            drawn
        };
        assert_eq!(first(alone), first(&beside));
    }

    /// Of a narrow one, too.
    #[test]
    fn draws_fill_their_range() {
        let random = "[sweep]\ndraws = 20\n[sweep.random]\ntrain.ema_decay = { from = 0.999, to = 0.9999 }";
        let trials = source(random).trials().unwrap();
        let within = trials.iter().filter(|trial| {
            let decay = trial.settings[0].1.as_float().unwrap();
            0.999 < decay && decay < 0.9999
        });
        assert!(within.count() >= 18, "{trials:?}");
        assert_eq!([short(0.003_104_37, 0.1), short(0.999_312_3, 9e-4)], [0.0031, 0.999_312]);
    }

    #[test]
    fn paths_that_are_tried_are_those_beside_the_experiment_or_the_user() {
        let here = std::env::current_dir().unwrap();
        let text = "[sweep.grid]\n\"data.train\" = [\"a\"]\ndata.test = [\"/b\", \"c\"]".to_owned();
        let sets = ["sweep.grid.data.vectors=[\"d\", \"/e\"]".to_owned()];
        let source = Source::parse(Path::new("/exp/x.toml"), text, &sets).unwrap();
        let told: BTreeSet<String> =
            settings(&source.experiment().sweep.as_ref().unwrap().grid, |v| !v.is_table())
                .into_iter()
                .flat_map(|(_, values)| values.as_array().unwrap().clone())
                .map(|value| value.as_str().unwrap().to_owned())
                .collect();
        let expected = ["/exp/a", "/b", "/exp/c", &here.join("d").display().to_string(), "/e"];
        assert_eq!(told, expected.map(str::to_owned).into());
    }

    /// Its run is one of no others: seeds that come after its own are not its business.
    #[test]
    fn a_trial_has_no_sweep() {
        let text = "seed = 4294967294\n[sweep]\nseeds = 2".to_owned();
        let source = Source::parse(Path::new("x.toml"), text, &[]).unwrap();
        for trial in source.trials().unwrap() {
            let alone = source.of_trial(&trial).unwrap().with(&[]).unwrap();
            assert!(alone.experiment().sweep.is_none() && alone.plan().is_ok());
        }
    }

    #[test]
    fn what_cannot_be_swept_is_told_by_its_key() {
        refused("[sweep]\nseeds = 0", "x.toml:3:9: sweep.seeds: must be at least 1");
        refused("[sweep]\nseeds = [1, 2, 1]", "sweep.seeds: has 1 twice");
        refused("[sweep]\nseeds = []", "sweep.seeds: must have at least one seed");
        refused("[sweep]\ndraws = 3", "sweep.draws: there is no `sweep.random`");
        refused("[sweep.random]\nmodel.layers = [1]", "sweep.random: there is no `sweep.draws`");
        refused("[sweep]\ndraws = 0\n[sweep.random]\nmodel.layers = [1]", "sweep.draws: must be at least 1");
        refused("[sweep.grid]\nmodel.layers = 2", "x.toml:3:16: sweep.grid.model.layers: must be a list");
        refused("[sweep.grid]\nmodel.layers = []", "must be a list of values to try");
        refused("[sweep.grid]\nseed = [1, 2]", "`sweep.seeds` says which");
        refused("[sweep.grid]\nname = [\"a\"]", "share it");
        refused(
            "[sweep.grid]\nsweep.seeds = [1]",
            "sweep.grid.sweep.seeds: cannot be varied; it is about the sweep",
        );
        refused(
            "[sweep.grid]\nmodel.cell = [\"gru\", \"lstm\", \"gru\"]",
            "sweep.grid.model.cell: has \"gru\" twice",
        );
        refused(
            "[sweep.grid]\nmodel.layers = [1, 0]",
            "x.toml:3:16: sweep.grid.model.layers: --set model.layers=0: ",
        );
        refused("[sweep.grid]\nmodel.layres = [1]", "did you mean `layers`?");
        // What the advice names is not to blame.
        refused(
            "[sweep]\ndraws = 1\n[sweep.grid]\ntrain.optimizer.lr = [0.1]\n[sweep.random]\n\
             train.learning_rate = [0.1]",
            "sweep.random.train.learning_rate: --set train.learning_rate=0.1: ",
        );
        // A setting that all others rely on is, though the error is about one of those.
        refused(
            "[train.early_stop]\npatience = 1\n[data]\nvalidation = 10\n[sweep.grid]\n\
             data.validation = [10, 0]\nmodel.layers = [1]",
            "sweep.grid.data.validation: x.toml:2:8: train.early_stop: ",
        );
        let random =
            |range: &str| format!("[sweep]\ndraws = 2\n[sweep.random]\ntrain.optimizer.lr = {range}");
        refused(&random("{ from = 1 }"), "`from` and as `to`");
        refused(&random("{ from = 2, to = 1 }"), "`from` must be below `to`, is 2 and 1");
        refused(&random("{ from = 0, to = 1, scale = \"log\" }"), "begins above 0");
        refused(&random("{ from = 1, to = 2, scale = \"ln\" }"), "\"linear\" or \"log\"");
        refused(&random("{ from = 1, to = 2, step = 1 }"), "has `step`");
        refused(
            &random("3"),
            "x.toml:5:22: sweep.random.train.optimizer.lr: must be a list of values, or a range",
        );
        refused(&(random("[0.1]") + "\n[sweep.grid]\ntrain.optimizer.lr = [0.1]"), "is in `sweep.grid` too");
        refused(
            "[sweep.grid]\n\"model.hidden\" = [3]\nmodel.hidden = [8]",
            "is there twice, with quotes and without",
        );
        refused(
            "[sweep.grid]\ntrain.optimizer.lr = [0.1]\n\"train.optimizer\" = [{ kind = \"sgd\" }]",
            "sweep.grid.train.optimizer.lr: is a part of `train.optimizer`, which is varied too",
        );
        refused("[sweep]\nseeds = 9999\n[sweep.grid]\nmodel.layers = [1, 2]", "19998 runs");
    }
}
