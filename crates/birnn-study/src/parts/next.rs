//! What comes next: what training says, and what use says.

use anyhow::Result;
use birnn_report::chart::{Axis, Chart, Line, Side};

use super::{Net, Part, Section, Table, at, command, mean_at, trained, with_quick};
use crate::group::{Group, Measure, error};
use crate::runner::{Ran, Runner};
use crate::trial::Trial;

/// What is predicted, by one experiment of one direction.
struct Next {
    name: &'static str,
    what: &'static str,
    config: &'static str,
    files: &'static [(&'static str, &'static str)],
    measure: Measure,
    /// Where `birnn eval --json` says it of a net that reads what it is asked for: given all of a sequence, and given
    /// what came before alone.
    paths: [&'static str; 2],
    /// Where it says it of one that does not.
    path: &'static str,
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
        paths: ["/in_use/whole/loss", "/in_use/so_far/loss"],
        path: "/loss",
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
        paths: ["/in_use/whole/mae", "/in_use/so_far/mae"],
        path: "/filled/mae",
        both: 64,
        stages: &[1, 2, 4, 7, 10],
        quick: &[],
        quick_stages: &[1, 2],
    },
];

/// Asks it.
pub fn study(runner: &Runner, seeds: u32) -> Result<Section> {
    let mut section = Section {
        part: Part::Next,
        said: "A net that reads both ways is wrong for predicting what comes next: it looks good in training, where it has \
               read what it is asked for, and fails in use, where there is nothing to read yet.",
        asked: "One LSTM layer, one way, and both ways with `task.leak = \"show\"`, of about as many parameters. In training's \
                sense a net answers each step of whole sequences; in use it has read up to that step alone, as `birnn \
                eval` measures at 2,000 steps at most. One way both are the same."
            .to_owned(),
        found: Vec::new(),
        tables: Vec::new(),
        charts: Vec::new(),
        commands: Vec::new(),
    };
    for next in &ALL {
        let nets = next.nets(runner);
        let ran = trained(runner, &nets, seeds)?;
        let [one, both] = ran.as_slice() else { continue };
        let stages = next.stages(runner);
        let measure = next.measure;
        let mut rows = Vec::new();
        let mut lines = [Vec::new(), Vec::new(), Vec::new()];
        let mut last = None;
        for (stage, &epochs) in stages.iter().enumerate() {
            let groups = [
                of_stage("one way", one, stage, next.path)?,
                of_stage("both ways, in training's sense", both, stage, next.paths[0])?,
                of_stage("both ways, in use", both, stage, next.paths[1])?,
            ];
            let means = groups.iter().map(|group| measure.mean(group));
            rows.push([epochs.to_string()].into_iter().chain(means).collect());
            for (line, group) in lines.iter_mut().zip(&groups) {
                line.push(mean_at(epochs as f64, group, &measure));
            }
            last = Some(groups);
        }
        let Some([alone, seen, used]) = last else { continue };
        section.found.push(format!(
            "**{}** ({}), after {} epochs: one way {}; both ways {} in training's sense and {} in use. In training's sense \
             {}; in use {}.",
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

impl Next {
    fn stages(&self, runner: &Runner) -> &'static [usize] {
        if runner.is_quick() { self.quick_stages } else { self.stages }
    }

    fn nets(&self, runner: &Runner) -> Vec<Net> {
        let stem = self.config.rsplit('/').next().unwrap_or_default().trim_end_matches(".toml");
        let net = |name: &str, way: &str, sets: Vec<String>| Net {
            name: format!("{}, {name}", self.name),
            trial: Trial {
                config: self.config,
                name: format!("{stem}-{way}"),
                sets: with_quick(sets, runner, self.quick),
                files: self.files,
                stages: self.stages(runner).to_vec(),
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
            y: Side::new(
                &format!("{}{}", self.measure.name, self.measure.unit.replacen(' ', ", ", 1)),
                Axis::linear(ys.into_iter(), true, false),
            ),
            lines: vec![
                Line::new("one way", one),
                Line::new("both ways, in training's sense", seen),
                Line::new("both ways, in use", used),
            ],
        }
    }
}

fn of_stage(name: &str, ran: &[Ran], stage: usize, path: &str) -> Result<Group> {
    let values = ran.iter().map(|ran| at(&ran.evaluations[stage], path)).collect::<Result<_>>()?;
    Ok(Group { name: name.to_owned(), values })
}
