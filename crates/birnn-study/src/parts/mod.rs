//! The questions, one file each.

mod cost;
mod directions;
mod next;
mod reach;
mod readouts;

use anyhow::{Context, Result};
use birnn_report::chart::{Chart, Line};
use clap::ValueEnum;
use serde_json::Value;

use crate::group::{Group, Measure};
use crate::runner::{NoData, Ran, Runner};
use crate::trial::Trial;

/// A question.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum Part {
    /// Forward, reverse and both, at equal parameters, and what lies between.
    Directions,
    /// What comes next: what training says, and what use says.
    Next,
    /// What a second direction costs.
    Cost,
    /// How far gradients reach.
    Reach,
    /// By what a net is best read.
    Readouts,
}

/// What was found.
pub struct Section {
    /// The question.
    pub part: Part,
    /// What is commonly said.
    pub said: &'static str,
    /// What of it was left out, and why.
    pub left_out: Vec<String>,
    /// How it was asked.
    pub asked: String,
    /// What was found: sentences with figures.
    pub found: Vec<String>,
    /// Each with its title.
    pub tables: Vec<Table>,
    /// Pictures.
    pub charts: Vec<Chart>,
    /// What to type, with what it is.
    pub commands: Vec<(String, String)>,
}

impl Section {
    /// Of which nothing is found yet.
    fn new(part: Part, said: &'static str, asked: String) -> Section {
        Section {
            part,
            said,
            asked,
            left_out: Vec::new(),
            found: Vec::new(),
            tables: Vec::new(),
            charts: Vec::new(),
            commands: Vec::new(),
        }
    }
}

/// A table.
pub struct Table {
    /// What it shows.
    pub title: String,
    /// Names of columns.
    pub head: Vec<String>,
    /// Cells.
    pub rows: Vec<Vec<String>>,
}

impl Part {
    /// In the order of the page.
    pub const ALL: [Part; 5] = [Part::Directions, Part::Next, Part::Cost, Part::Reach, Part::Readouts];

    /// What its section is called.
    pub fn title(self) -> &'static str {
        match self {
            Part::Directions => "Forward, reverse, both",
            Part::Next => "What comes next",
            Part::Cost => "What a second direction costs",
            Part::Reach => "How far gradients reach",
            Part::Readouts => "By what a net is read",
        }
    }

    /// Asks it, of so many seeds.
    pub fn study(self, runner: &Runner, seeds: u32) -> Result<Section> {
        match self {
            Part::Directions => directions::study(runner, seeds),
            Part::Next => next::study(runner, seeds),
            Part::Cost => cost::study(runner),
            Part::Reach => reach::study(runner, seeds),
            Part::Readouts => readouts::study(runner, seeds),
        }
    }
}

/// A net, of which every seed is trained.
#[derive(Clone)]
struct Net {
    name: String,
    /// The seed 0.
    trial: Trial,
}

impl Net {
    fn of_seed(&self, seed: u32) -> Trial {
        Trial { seed, ..self.trial.clone() }
    }
}

/// As [`trained`]; `None` where their data is not here, which `section` then says of `what`.
fn trained_or_left_out(
    runner: &Runner,
    nets: &[Net],
    seeds: u32,
    what: &str,
    section: &mut Section,
) -> Result<Option<Vec<Vec<Ran>>>> {
    match trained(runner, nets, seeds) {
        Err(error) if error.is::<NoData>() => {
            section.left_out.push(format!("{what}: left out, as {error}."));
            Ok(None)
        }
        ran => ran.map(Some),
    }
}

/// Trains all seeds of all nets, and parts what came of it by nets: as many as there are.
fn trained(runner: &Runner, nets: &[Net], seeds: u32) -> Result<Vec<Vec<Ran>>> {
    let trials: Vec<Trial> = nets.iter().flat_map(|net| (0..seeds).map(|seed| net.of_seed(seed))).collect();
    let ran = runner.run(&trials)?;
    Ok(ran.chunks(seeds as usize).map(<[Ran]>::to_vec).collect())
}

/// The number that `birnn eval` has at a path such as `/in_use/whole/mae`, after the last epoch.
fn group(name: &str, ran: &[Ran], path: &str) -> Result<Group> {
    let value = |ran: &Ran| at(ran.evaluation()?, path);
    let values = ran.iter().map(value).collect::<Result<_>>()?;
    Ok(Group { name: name.to_owned(), values })
}

fn at(evaluation: &Value, path: &str) -> Result<f64> {
    let value = evaluation.pointer(path).and_then(Value::as_f64);
    value.with_context(|| format!("birnn eval says nothing of {path}"))
}

/// Settings of a quick study, behind those of a full one.
fn with_quick(mut sets: Vec<String>, is_quick: bool, quick: &[&str]) -> Vec<String> {
    if is_quick {
        sets.extend(quick.iter().map(|&set| set.to_owned()));
    }
    sets
}

/// Each value of each group as a dot.
fn dots<'a>(name: &str, groups: impl IntoIterator<Item = (f64, &'a Group)>, measure: &Measure) -> Line {
    let points = groups
        .into_iter()
        .flat_map(|(x, group)| group.values.iter().map(move |value| (x, measure.times * value)));
    Line::dots(name, points.collect())
}

/// What to type for all seeds of a net, with its name.
fn command(net: &Net, seeds: u32) -> (String, String) {
    (net.name.clone(), net.trial.command(seeds))
}

#[cfg(test)]
mod tests {
    use std::path::Path;

    use birnn_experiment::Source;

    use super::*;

    /// In full and in a look each net's settings make a plan, and name the files of its experiment.
    #[test]
    fn every_net_can_be_trained() {
        let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("../..");
        for quick in [false, true] {
            let nets = [directions::nets(quick), next::nets(quick), readouts::nets(quick)].concat();
            assert_eq!(nets.len(), 15 + 4 + 10);
            for Net { name, trial } in nets {
                let sets: Vec<String> = trial.settings();
                let source = Source::read(&root.join(trial.config), &sets);
                let plan = source.and_then(|source| source.plan());
                assert!(plan.is_ok(), "{name}: {:?}", plan.err());
                let named: Vec<&str> = trial.files.iter().map(|(key, _)| *key).collect();
                let text = std::fs::read_to_string(root.join(trial.config)).unwrap();
                let files = text.lines().filter(|line| line.contains("= \"../../"));
                let files: Vec<String> =
                    files.map(|line| format!("data.{}", line.split(" =").next().unwrap())).collect();
                assert_eq!(named, files, "{name}: the files of its experiment");
            }
        }
    }
}
