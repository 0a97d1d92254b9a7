//! `birnn compare`: what differs between runs, in settings and in results, and what the test images say of
//! it.

use birnn_cli::args::CompareArgs;
use birnn_cli::asked::check_data;
use birnn_cli::data;
use birnn_cli::failure::{Failure, Outcome};
use birnn_cli::log::Log;
use birnn_cli::output::{print, print_json};
use birnn_engine::Learner;
use birnn_infer::folder_of;
use birnn_report::compare::NotComparable;
use birnn_report::{ComparedRun, ComparisonReport, Predictions, Records, common_test_images};

use crate::failed::{Fails, OrFail};
use crate::learned::Learned;

/// Has every net classify the same test images, and says what differs.
pub fn run(args: &CompareArgs, log: &Log) -> Outcome {
    let mut nets = Vec::new();
    for path in &args.runs {
        let net = Learned::open(path, args.device)?;
        net.warn_of_substitution();
        let data = args.data.data_of_run(&net.manifest, &net.weights, &args.sets)?;
        let folder = folder_of(&net.weights);
        let records = folder.map(|folder| Records::read(&folder)).unwrap_or_default();
        let run =
            ComparedRun::new(path, &net.weights, &net.learner, net.manifest, data, records).or_fail()?;
        for problem in &run.problems {
            tracing::warn!("{problem}");
        }
        nets.push((run, net.learner));
    }
    let (runs, learners): (Vec<ComparedRun>, Vec<Learner>) = nets.into_iter().unzip();
    let images = common_test_images(&runs, |config| {
        let plan = config.resolve().map_err(|error| Failed(Failure::request(error)))?;
        data::load(&plan, &args.data.locations(), log, None).map_err(Failed)
    });
    let images = images.map_err(|Failed(failure)| failure)?;
    for (index, run) in runs.iter().enumerate() {
        check_data(&run.run, &run.weights, &run.manifest, images.of(index), true)?;
    }
    let splits = images.of(0);
    let (count, dataset) = (splits.test.labels.len(), &splits.provenance.dataset);
    tracing::info!("asking {} nets for {count} test images of {dataset}", runs.len());
    let predictions = learners.iter().map(|learner| Predictions::new(learner, &splits.test));
    let predictions = predictions.collect::<Result<Vec<_>, _>>().or_fail()?;
    let report = ComparisonReport::new(runs, &predictions, dataset.clone()).or_fail()?;
    if args.json { print_json(&report) } else { print(&report.text()) }
}

/// Test images that cannot be had, or not for all.
struct Failed(Failure);

impl From<NotComparable> for Failed {
    fn from(error: NotComparable) -> Failed {
        Failed(error.failure())
    }
}
