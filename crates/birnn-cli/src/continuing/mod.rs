//! `birnn continue`: what comes next, by a net that learnt to look ahead.

mod series;
mod text;

use birnn_data::name::shown;
use birnn_data::{Modality, SelfTargets, escape};
use birnn_infer::Task;

use crate::args::ContinueArgs;
use crate::asked::Asked;
use crate::failure::{Failure, Outcome};
use crate::output::print;

/// Prints what follows each series, or each text.
pub fn run(args: &ContinueArgs) -> Outcome {
    let asked = Asked::on_the_cpu(&args.run, args.precision.precision)?;
    let run = shown(&args.run);
    if asked.task.self_targets() != Some(SelfTargets::Next) {
        return Err(Failure::request(format!(
            "{run}: a net of task `{}` learnt nothing of what comes next; `kind = \"next\"` under [task] makes a net that \
             does",
            asked.task.kind().name(),
        )));
    }
    let experiment = asked.manifest.experiment().unwrap_or_default();
    if asked.manifest.reads_what_it_is_asked() {
        tracing::warn!(
            "{run}: this net was trained to read what it is asked for (task.leak = \"show\"); what follows is of no use"
        );
    }
    match (&asked.manifest.modality, &asked.task) {
        (Modality::Series(series), Task::Regress(task)) => {
            if let Some(option) = args.of_text() {
                let message = "is about texts: of a series there is one answer to what comes next";
                return Err(Failure::request(format!("{option}: {message}")));
            }
            print(&series::table(args, &asked, (series, task), &experiment.data)?)
        }
        (Modality::Text(text), Task::Classify(task)) => {
            text::each(args, &asked, (text, task), &experiment.data, |text| {
                print(&format!("{}\n", escape::line(text)))
            })
        }
        _ => Err(Failure::request(format!("{run}: its weights are of a net that cannot be"))),
    }
}

impl ContinueArgs {
    /// An option that is given and is about texts alone.
    fn of_text(&self) -> Option<&'static str> {
        let given = [("--temperature", self.temperature.is_some()), ("--seed", self.seed.is_some())];
        given.into_iter().find(|(_, given)| *given).map(|(option, _)| option)
    }
}
