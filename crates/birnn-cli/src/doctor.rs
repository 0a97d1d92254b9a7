//! `birnn doctor`: what this machine offers.

use std::time::Instant;

use birnn_data::{DataConfig, DataError, Locations};
use birnn_engine::device::{Cpu, cpu, cuda_devices, libtorch_folder};
use birnn_engine::{Classification, Device, EngineError, Experiment, LIBTORCH, Learner, Samples};

use crate::args::DoctorArgs;
use crate::failure::{Failure, Outcome};
use crate::print;

/// Says line by line what works here; fails only where nothing can be trained.
pub fn run(args: &DoctorArgs) -> Outcome {
    let revision = option_env!("BIRNN_REVISION").unwrap_or("unknown revision");
    print(&format!("birnn      {} ({revision})\n", env!("CARGO_PKG_VERSION")))?;
    // CUDA is asked for first: libtorch looks for it only once.
    let cuda = match cuda_devices() {
        Ok(count) => format!("{count} GPU(s)"),
        Err(reason) => reason.to_string(),
    };
    let folder =
        libtorch_folder().map_or_else(|| "linked in".to_owned(), |folder| folder.display().to_string());
    print(&format!("libtorch   {LIBTORCH}, {folder}\n"))?;
    let Cpu { threads, instructions } = cpu();
    print(&format!("cpu        {threads} threads, {instructions}, {}\n", training_step()?))?;
    print(&format!("cuda       {cuda}\n"))?;
    print(&format!(
        "mps        {}\n",
        if tch::utils::has_mps() { "yes" } else { "no (macOS on Apple silicon)" }
    ))?;
    let locations = Locations::new(args.data_dir.clone(), true);
    let plan = DataConfig::default().resolve().map_err(Failure::run)?;
    let data = match birnn_data::load(&plan, &locations, &mut |_| ()) {
        Ok(splits) => format!("found and verified: {}", splits.provenance.files[0].path.display()),
        Err(DataError::Unobtainable(missing)) => {
            let searched: Vec<String> =
                missing.searched.iter().map(|path| path.display().to_string()).collect();
            format!(
                "not on this machine yet (not in {}); downloaded when first asked for",
                searched.join(", ")
            )
        }
        Err(error) => error.to_string(),
    };
    print(&format!("mnist      {data}\n"))
}

/// Times a step of the default net: the fastest of a few.
fn training_step() -> Result<String, Failure> {
    let plan = Experiment::default().resolve().map_err(|invalid| Failure::run(invalid.message))?;
    let classes: Vec<String> = (0..10).map(|digit| digit.to_string()).collect();
    let digits = birnn_data::synthetic::digits(0, 0, plan.train.batch_size);
    let samples = Samples::new(digits, Device::Cpu).map_err(EngineError::from)?;
    let task = Classification { classes, label_smoothing: 0.0 };
    let mut learner = Learner::new(&plan.architecture, task, [28, 28], 0, Device::Cpu)?;
    let order = samples.order(0, 0).map_err(EngineError::from)?;
    let batch = samples.batch(&order, 0, plan.train.batch_size, 0).map_err(EngineError::from)?;
    let mut seconds = f64::INFINITY;
    for _ in 0..3 {
        let start = Instant::now();
        let _pass = learner.gradients(&batch, 0)?;
        seconds = seconds.min(start.elapsed().as_secs_f64());
    }
    Ok(format!("gradients of {} images in {:.0} ms", plan.train.batch_size, 1e3 * seconds))
}
