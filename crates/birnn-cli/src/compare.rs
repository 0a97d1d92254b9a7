//! `birnn compare`: what differs between runs, in settings and in results, and what the test images say of
//! it.

use birnn_engine::Learner;
use birnn_report::{ComparedRun, ComparisonReport, Predictions, Records, common_test_images};

use crate::args::CompareArgs;
use crate::eval::{open, suits};
use crate::failure::{Failure, Outcome};
use crate::log::Log;
use crate::{data, print, print_json, run_data};

/// Has every net classify the same test images, and says what differs.
pub fn run(args: &CompareArgs, log: &Log) -> Outcome {
    let mut nets = Vec::new();
    for path in &args.runs {
        let net = open(path, args.device)?;
        let data = run_data::config(&net.about, &net.weights, &args.sets, &args.place)?;
        let folder = run_data::folder_of(&net.weights);
        let records = folder.map(|folder| Records::read(&folder)).unwrap_or_default();
        let run = ComparedRun::new(path, &net.weights, &net.learner, net.about, data, records)?;
        for problem in &run.problems {
            tracing::warn!("{problem}");
        }
        nets.push((run, net.learner));
    }
    let (runs, learners): (Vec<ComparedRun>, Vec<Learner>) = nets.into_iter().unzip();
    let images = common_test_images(&runs, |config| {
        let plan = config.resolve().map_err(Failure::request)?;
        data::load(&plan, &args.place.locations(), log, None)
    })?;
    for (index, run) in runs.iter().enumerate() {
        suits(&run.weights, &run.about, images.of(index))?;
        run_data::warn_of_preprocessing(&run.weights, &run.about, images.of(index));
        run_data::warn_of_change(&run.run, &run.about, images.of(index));
    }
    let splits = images.of(0);
    let (count, dataset) = (splits.test.labels.len(), &splits.provenance.dataset);
    tracing::info!("asking {} nets for {count} test images of {dataset}", runs.len());
    let predictions = learners.into_iter().map(|mut learner| Predictions::new(&mut learner, &splits.test));
    let report = ComparisonReport::new(runs, &predictions.collect::<Result<Vec<_>, _>>()?, dataset.clone())?;
    if args.json { print_json(&report) } else { print(&report.text()) }
}
