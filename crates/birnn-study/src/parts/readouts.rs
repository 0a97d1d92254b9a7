//! By what a net is best read.

use anyhow::Result;

use super::{Net, Part, Section, Table, command, group, trained_or_left_out, with_quick};
use crate::group::{Group, percent};
use crate::runner::Runner;
use crate::trial::Trial;

const READOUTS: [&str; 5] = ["last", "final", "mean", "max", "attention"];

/// Experiments, and what they are.
const DATA: [(&str, &str, &str, &[&str]); 2] = [
    (
        "written",
        "configs/study/digits-written.toml",
        "MNIST, 28 rows each, trained on the first 10,000",
        &["data.limit=2000", "train.epochs=2"],
    ),
    (
        "spoken",
        "configs/study/digits-spoken.toml",
        "spoken digits, of 6 to 92 steps",
        &["data.limit=1000", "train.epochs=3"],
    ),
];

/// Asks it.
pub fn study(runner: &Runner, seeds: u32) -> Result<Section> {
    let accuracy = percent("accuracy");
    let mut section = Section::new(
        Part::Readouts,
        "The tutorial reads the output at the last time step, where the reverse direction has seen that step alone.",
        "One LSTM layer of 64 units each way, read by the output at the last step (`last`), by each \
         direction's own end (`final`), by the mean or the largest value of each output over the steps, or \
         by a mean with learnt weights (`attention`)."
            .to_owned(),
    );
    for (name, config, what, quick) in DATA {
        let nets = of_data((name, config, quick), runner.is_quick());
        let Some(ran) = trained_or_left_out(runner, &nets, seeds, what, &mut section)? else { continue };
        let groups: Vec<Group> = READOUTS
            .iter()
            .zip(&ran)
            .map(|(readout, ran)| group(&format!("`{readout}`"), ran, "/accuracy"))
            .collect::<Result<_>>()?;
        let (last, ends, others) = (&groups[0], &groups[1], &groups[2..]);
        let others: Vec<String> = others.iter().map(|other| accuracy.comparison(other, ends)).collect();
        section.found.push(format!(
            "**{}** ({what}): `last` {}, `final` {}; {}. {}.",
            if name == "written" { "Written digits" } else { "Spoken digits" },
            accuracy.mean(last),
            accuracy.mean(ends),
            accuracy.comparison(ends, last),
            others.join("; ")
        ));
        section.tables.push(Table {
            title: format!("Accuracy: {what}"),
            head: vec!["readout".to_owned(), "accuracy".to_owned()],
            rows: groups.iter().map(|group| vec![group.name.clone(), accuracy.mean(group)]).collect(),
        });
        section.commands.extend(nets.iter().map(|net| command(net, seeds)));
    }
    Ok(section)
}

/// A net for each readout.
fn of_data((name, config, quick): (&str, &'static str, &[&str]), is_quick: bool) -> Vec<Net> {
    let net = |readout: &&str| Net {
        name: format!("{name} digits, `{readout}`"),
        trial: Trial {
            config,
            name: format!("readout-{name}-{readout}"),
            sets: with_quick(vec![format!("model.readout={readout}")], is_quick, quick),
            files: &[],
            stages: Vec::new(),
            seed: 0,
        },
    };
    READOUTS.iter().map(net).collect()
}

/// All nets of the question.
#[cfg(test)]
pub(super) fn nets(is_quick: bool) -> Vec<Net> {
    DATA.into_iter().flat_map(|(name, config, _, quick)| of_data((name, config, quick), is_quick)).collect()
}
