//! Forward, reverse and both, at equal parameters, and what lies between.

use anyhow::Result;
use birnn_infer::Predictor;
use birnn_report::chart::{Axis, Chart, Line, Scale, Side};
use birnn_run::weights_of;

use super::{Net, Part, Section, Table, command, dots, group, trained_or_left_out, with_quick};
use crate::group::{Group, Measure, error, percent};
use crate::runner::{Ran, Runner};
use crate::trial::{Trial, stem};

/// A task, by one experiment.
struct Task {
    name: &'static str,
    what: &'static str,
    config: &'static str,
    files: &'static [(&'static str, &'static str)],
    measure: Measure,
    /// Where `birnn eval --json` says it.
    path: &'static str,
    /// Forward and reverse units, by falling share of the forward direction, of about as many parameters.
    units: [(usize, usize); 5],
    quick: &'static [&'static str],
}

/// The share of the parameters that the forward direction has, in percent.
const SHARES: [f64; 5] = [100.0, 75.0, 50.0, 25.0, 0.0];
const FORWARD: usize = 0;
const BOTH: usize = 2;
const REVERSE: usize = 4;

const TASKS: [Task; 3] = [
    Task {
        name: "Tagging",
        what: "chunks of CoNLL-2000, F1 of spans in the test file",
        config: "configs/study/chunks.toml",
        files: &[("data.train", "conll2000/train.txt.gz"), ("data.test", "conll2000/test.txt.gz")],
        measure: percent("F1"),
        path: "/spans/strict/all/f1",
        units: [(157, 0), (131, 61), (100, 100), (61, 131), (0, 157)],
        quick: &["data.limit=1500", "train.epochs=3"],
    },
    Task {
        name: "Filling in",
        what: "a tenth of the values of ETTh1 hidden at random, mean absolute error in the last fifth",
        config: "configs/study/gaps.toml",
        files: &[("data.train", "impute/ETTh1.csv.gz")],
        measure: error("MAE", " deviations", 4),
        path: "/filled/mae",
        units: [(94, 0), (80, 43), (64, 64), (43, 80), (0, 94)],
        quick: &["train.epochs=3"],
    },
    Task {
        name: "Classification",
        what: "spoken digits, accuracy on 300 recordings",
        config: "configs/study/digits-spoken.toml",
        files: &[],
        measure: percent("accuracy"),
        path: "/accuracy",
        units: [(94, 0), (80, 43), (64, 64), (43, 80), (0, 94)],
        quick: &["train.epochs=3", "data.limit=1000"],
    },
];

/// Asks it.
pub fn study(runner: &Runner, seeds: u32) -> Result<Section> {
    let mut section = Section::new(
        Part::Directions,
        "A net that reads both ways is right for tagging, for filling in what is missing, and for encoding a \
         sequence as a whole, where what follows tells as much as what came before. Its directions may \
         differ in size.",
        "One LSTM layer, by forward units, reverse units, or both, of about as many parameters in each net. Of \
         the tagger's parameters most are vectors of words, and each word's characters are read both ways by \
         all."
            .to_owned(),
    );
    for task in &TASKS {
        let nets = task.nets(runner.is_quick());
        let Some(ran) = trained_or_left_out(runner, &nets, seeds, task.name, &mut section)? else { continue };
        let groups: Vec<Group> = nets
            .iter()
            .zip(&ran)
            .map(|(net, ran)| group(&net.name, ran, task.path))
            .collect::<Result<_>>()?;
        let measure = task.measure;
        section.found.push(task.sentences(&groups));
        let mut rows = Vec::new();
        for ((net, ran), group) in nets.iter().zip(&ran).zip(&groups) {
            rows.push(vec![net.name.clone(), parameters(ran)?, measure.mean(group)]);
        }
        section.tables.push(Table {
            title: format!("{}: {}", task.name, task.what),
            head: vec!["net".to_owned(), "parameters".to_owned(), measure.name.to_owned()],
            rows,
        });
        section.charts.push(task.chart(&groups));
        section.commands.extend(nets.iter().map(|net| command(net, seeds)));
    }
    Ok(section)
}

/// All nets of the question.
#[cfg(test)]
pub(super) fn nets(quick: bool) -> Vec<Net> {
    TASKS.iter().flat_map(|task| task.nets(quick)).collect()
}

impl Task {
    fn nets(&self, quick: bool) -> Vec<Net> {
        self.units.iter().map(|&units| self.net(quick, units)).collect()
    }

    fn net(&self, quick: bool, (forward, reverse): (usize, usize)) -> Net {
        let one_way = |hidden: String| vec!["model.bidirectional=false".to_owned(), hidden];
        let (name, sets) = match (forward, reverse) {
            (units, 0) => (format!("{units} forward"), one_way(format!("model.hidden={units}"))),
            (0, units) => {
                (format!("{units} reverse"), one_way(format!("model.hidden={{ reverse = {units} }}")))
            }
            _ => (
                format!("{forward} forward, {reverse} reverse"),
                vec![format!("model.hidden={{ forward = {forward}, reverse = {reverse} }}")],
            ),
        };
        let trial = Trial {
            config: self.config,
            name: format!("{}-{forward}-{reverse}", stem(self.config)),
            sets: with_quick(sets, quick, self.quick),
            files: self.files,
            stages: Vec::new(),
            seed: 0,
        };
        Net { name, trial }
    }

    /// What the five nets come to.
    fn sentences(&self, groups: &[Group]) -> String {
        let measure = self.measure;
        let named = |index: usize, name: &str| Group { name: name.to_owned(), ..groups[index].clone() };
        let (forward, both, reverse) =
            (named(FORWARD, "forward"), named(BOTH, "both ways"), named(REVERSE, "reverse"));
        let sizes: Vec<String> = [FORWARD + 1, REVERSE - 1]
            .map(|index| measure.comparison(&groups[index], &named(BOTH, "the net of equal directions")))
            .to_vec();
        let sizes = format!("Of unequal directions, {}.", sizes.join("; "));
        format!(
            "**{}** ({}): both ways {}, forward {}, reverse {}. At equal parameters {}; {}. {sizes}",
            self.name,
            self.what,
            measure.mean(&both),
            measure.mean(&forward),
            measure.mean(&reverse),
            measure.comparison(&both, &forward),
            measure.comparison(&both, &reverse)
        )
    }

    fn chart(&self, groups: &[Group]) -> Chart {
        let measure = self.measure;
        let means = SHARES.iter().zip(groups).map(|(&share, group)| (share, measure.mean_of(group)));
        let mut means: Vec<_> = means.collect();
        means.reverse();
        let each = dots("one seed", SHARES.iter().copied().zip(groups), &measure);
        let values: Vec<f64> = each.points.iter().map(|point| point.1).collect();
        let id = format!("directions-{}", self.name.to_lowercase().replace(' ', "-"));
        Chart {
            id,
            title: format!("{} by the share of the forward direction", self.name),
            caption: String::new(),
            x: Side::new("parameters of the forward direction, %", Axis::at(Scale::Linear, &SHARES)),
            y: Side::new(&measure.label(), Axis::linear(values.into_iter(), false, false)),
            lines: vec![Line::new("mean", means), each],
        }
    }
}

/// How many parameters a net has.
fn parameters(ran: &[Ran]) -> Result<String> {
    let Some(first) = ran.first() else { return Ok(String::new()) };
    let predictor = Predictor::open(&weights_of(&first.folder)?)?;
    let (manifest, network) = (predictor.manifest(), predictor.network());
    let inputs = manifest.modality.inputs();
    Ok(network.architecture().parameter_count(inputs, predictor.task().outputs()).to_string())
}
