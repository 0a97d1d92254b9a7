//! `birnn compare`: what differs between runs, in settings and in results, and what the test samples
//! say of it.

use birnn_data::name::shown;
use birnn_infer::{Precision, Predictor, folder_of};
use birnn_report::{Answered, ComparedRun, ComparisonReport, Records, common_test_samples};

use crate::args::CompareArgs;
use crate::asked::{check_data, predictor_of, refuse_gpu, tell_of_the_test, warn_of_substitution};
use crate::data;
use crate::failure::{Failure, Outcome};
use crate::log::Log;
use crate::output::{print, print_json};

/// Has every net answer for the same test samples, and says what differs.
pub fn run(args: &CompareArgs, log: &Log) -> Outcome {
    refuse_gpu("a comparison", args.device)?;
    let mut nets = Vec::new();
    for path in &args.runs {
        let (weights, predictor) = predictor_of(path, Precision::Highest)?;
        let manifest = predictor.manifest().clone();
        warn_of_substitution(&weights, &manifest);
        if manifest.reads_what_it_is_asked() {
            let run = shown(path);
            tracing::warn!(
                "{run}: this net has read what it is asked for (task.leak); how it does here is of no use"
            );
        }
        let data = args.data.data_of_run(&manifest, &weights, &args.sets)?;
        let folder = folder_of(&weights);
        let records = folder.map(|folder| Records::read(&folder)).unwrap_or_default();
        let run = ComparedRun::new(path, &weights, manifest, data, records)?;
        for problem in &run.problems {
            tracing::warn!("{problem}");
        }
        nets.push((run, predictor));
    }
    let (runs, predictors): (Vec<ComparedRun>, Vec<Predictor>) = nets.into_iter().unzip();
    let locations = args.data.locations()?;
    let samples = common_test_samples(&runs, |run, config| {
        let plan = run.manifest.plan(config).map_err(Failure::request)?;
        data::load(&plan, &locations, log, None)
    })?;
    for (index, run) in runs.iter().enumerate() {
        check_data(&run.run, &run.weights, &run.manifest, samples.of(index), true)?;
    }
    if ["data.test", "data.test_images"].iter().any(|key| args.sets.are_about(key)) {
        // Above as few training samples were read as can be.
        for (index, run) in runs.iter().enumerate() {
            if runs[..index].iter().any(|other| other.data == run.data) {
                continue;
            }
            let plan = run.manifest.plan(&run.data).map_err(Failure::request)?;
            let whole = data::load(&plan, &locations, log, None)?;
            tell_of_the_test(&whole);
        }
    }
    let splits = samples.of(0);
    let (count, dataset) = (splits.test.len(), &splits.provenance.dataset);
    let what = splits.modality.noun();
    tracing::info!("asking {} nets for {count} test {what} of {dataset}", runs.len());
    let answered = predictors
        .iter()
        .enumerate()
        .map(|(index, predictor)| Answered::new(predictor, &samples.of(index).test));
    let answered: Vec<Answered> = answered.collect::<Result<_, _>>()?;
    let report = ComparisonReport::new(runs, &answered, dataset.clone())?;
    if args.json { print_json(&report) } else { print(&report.text()) }
}
