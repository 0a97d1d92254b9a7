//! What comes next: what training says, and what use says.

use anyhow::{Context, Result, ensure};
use birnn_report::chart::{Axis, Chart, Line, Side};

use super::{Net, Part, Section, Table, at, command, trained_or_left_out, with_quick};
use crate::group::{Group, Measure, error};
use crate::runner::{Ran, Runner};
use crate::trial::{Trial, stem};

/// What is predicted, by one experiment of one direction.
struct Next {
    name: &'static str,
    what: &'static str,
    config: &'static str,
    files: &'static [(&'static str, &'static str)],
    measure: Measure,
    /// Where `birnn eval --json` says it, given whole sequences.
    path: &'static str,
    /// Where it says it of a net that reads what it is asked for, given what came before alone.
    in_use: &'static str,
    /// Where it says how far off the value before is, which is answered without a net.
    baseline: Option<&'static str>,
    /// Units of each direction of a net with two, of about as many parameters as the experiment's.
    both: usize,
    stages: &'static [usize],
    quick: &'static [&'static str],
    quick_stages: &'static [usize],
}

const ALL: [Next; 2] = [
    Next {
        name: "Characters",
        what: "of film reviews, mean cross-entropy of the next one in a tenth of the reviews",
        config: "configs/study/next-character.toml",
        files: &[("data.train", "sent/rt-polarity.all.gz")],
        measure: error("loss", " nats", 3),
        path: "/loss",
        in_use: "/in_use/so_far/loss",
        baseline: None,
        both: 96,
        stages: &[1, 2, 4, 6],
        quick: &["data.limit=1500"],
        quick_stages: &[1, 2],
    },
    Next {
        name: "Numbers",
        what: "of ETTh1, mean absolute error of the next hour in the last fifth",
        config: "configs/study/next-hour.toml",
        files: &[("data.train", "impute/ETTh1.csv.gz")],
        measure: error("MAE", " deviations", 4),
        path: "/filled/mae",
        in_use: "/in_use/so_far/mae",
        baseline: Some("/filled/baseline_mae"),
        both: 64,
        stages: &[1, 2, 4, 7, 10],
        quick: &[],
        quick_stages: &[1, 2],
    },
];

/// Asks it.
pub fn study(runner: &Runner, seeds: u32) -> Result<Section> {
    let mut section = Section::new(
        Part::Next,
        "A net that reads both ways is wrong for predicting what comes next: it looks good in training, \
         where it has read what it is asked for, and fails in use, where there is nothing to read yet.",
        "One LSTM layer, one way, and both ways with `task.leak = \"show\"`, of about as many parameters. In \
         training's sense a net answers each step of whole sequences; in use it has read up to that step \
         alone, as `birnn eval` measures at 2,000 steps, taken evenly. Of one direction both are the same. A \
         line of the film reviews begins with its class, a character that counts as the others do. `cargo \
         xtask study --only next` evaluates after several epochs; the commands below come to the last of \
         them."
            .to_owned(),
    );
    for next in &ALL {
        let nets = next.nets(runner.is_quick());
        let Some(ran) = trained_or_left_out(runner, &nets, seeds, next.name, &mut section)? else { continue };
        let (one, both) = (&ran[0], &ran[1]);
        let stages = next.stages(runner.is_quick());
        let measure = next.measure;
        let mut rows = Vec::new();
        let mut lines = [Vec::new(), Vec::new(), Vec::new()];
        let mut last = None;
        for (stage, &epochs) in stages.iter().enumerate() {
            let groups = [
                of_stage("one way", one, stage, next.path)?,
                of_stage("both ways, in training's sense", both, stage, next.path)?,
                of_stage("both ways, in use", both, stage, next.in_use)?,
            ];
            let means = groups.iter().map(|group| measure.mean(group));
            rows.push([epochs.to_string()].into_iter().chain(means).collect());
            for (line, group) in lines.iter_mut().zip(&groups) {
                line.push((epochs as f64, measure.mean_of(group)));
            }
            last = Some(groups);
        }
        let [alone, seen, used] = last.context("a question without stages")?;
        let baseline = match next.baseline {
            None => String::new(),
            Some(path) => {
                let value = at(one[0].evaluation()?, path)?;
                format!("the value before, without a net, {}{}; ", measure.plain(value), measure.unit)
            }
        };
        section.found.push(format!(
            "**{}** ({}), after {} epochs: {baseline}one way {}; both ways {} in training's sense and {} in \
             use. In training's sense {}; in use {}.",
            next.name,
            next.what,
            stages.last().copied().unwrap_or_default(),
            measure.mean(&alone),
            measure.mean(&seen),
            measure.mean(&used),
            measure.comparison(&Group { name: "the net that reads both ways".to_owned(), ..seen }, &alone),
            measure.comparison(&Group { name: "it".to_owned(), ..used }, &alone)
        ));
        section.tables.push(Table {
            title: format!("{}: {}, by epochs", next.name, measure.name),
            head: ["epochs", "one way", "both ways, in training's sense", "both ways, in use"]
                .map(str::to_owned)
                .to_vec(),
            rows,
        });
        section.charts.push(next.chart(stages, lines));
        section.commands.extend(nets.iter().map(|net| command(net, seeds)));
    }
    Ok(section)
}

/// All nets of the question.
#[cfg(test)]
pub(super) fn nets(quick: bool) -> Vec<Net> {
    ALL.iter().flat_map(|next| next.nets(quick)).collect()
}

impl Next {
    fn stages(&self, quick: bool) -> &'static [usize] {
        if quick { self.quick_stages } else { self.stages }
    }

    fn nets(&self, quick: bool) -> Vec<Net> {
        let stem = stem(self.config);
        let net = |name: &str, way: &str, sets: Vec<String>| Net {
            name: format!("{}, {name}", self.name),
            trial: Trial {
                config: self.config,
                name: format!("{stem}-{way}"),
                sets: with_quick(sets, quick, self.quick),
                files: self.files,
                stages: self.stages(quick).to_vec(),
                seed: 0,
            },
        };
        let hidden = format!("model.hidden={}", self.both);
        let both = ["model.bidirectional=true", "task.leak=show", &hidden].map(str::to_owned).to_vec();
        vec![net("one way", "one", Vec::new()), net("both ways", "both", both)]
    }

    fn chart(&self, stages: &[usize], lines: [Vec<(f64, f64)>; 3]) -> Chart {
        let ys: Vec<f64> = lines.iter().flatten().map(|point| point.1).collect();
        let [one, seen, used] = lines;
        let last = stages.last().copied().unwrap_or(1) as f64;
        Chart {
            id: format!("next-{}", self.name.to_lowercase()),
            title: format!("The next of {}: what training says and what use says", self.name.to_lowercase()),
            caption: String::new(),
            x: Side::new("epochs", Axis::counting(1.0, last)),
            y: Side::new(&self.measure.label(), Axis::linear(ys.into_iter(), true, false)),
            lines: vec![
                Line::new("one way", one),
                Line::new("both ways, in training's sense", seen),
                Line::new("both ways, in use", used),
            ],
        }
    }
}

fn of_stage(name: &str, ran: &[Ran], stage: usize, path: &str) -> Result<Group> {
    let value = |ran: &Ran| {
        ensure!(stage < ran.evaluations.len(), "a net was not evaluated after all stages");
        at(&ran.evaluations[stage], path)
    };
    let values = ran.iter().map(value).collect::<Result<_>>()?;
    Ok(Group { name: name.to_owned(), values })
}
