//! `birnn train`: from an experiment file, or from a run that was stopped, to a finished run directory.

use std::path::Path;
use std::time::Instant;

use birnn_dashboard::RunInfo;
use birnn_data::name::shown;
use birnn_data::{Dataset, Fallback, Ground, Splits, name};
use birnn_engine::{
    About, Checkpoints, Classification, Device, DeviceChoice, EngineError, Evaluation, Experiment, Invalid,
    LIBTORCH, Learner, Meta, Observer, Plan, Record, Resumed, RunDir, Samples, ScheduleKind, Session, Source,
    State, TensorBoard, Timed, Trained, TrainingData,
};

use crate::args::TrainArgs;
use crate::clock::now;
use crate::export::state_dict_files;
use crate::failure::{Failure, Outcome};
use crate::log::Log;
use crate::{data, fault, print, view};

/// Where runs go when nothing else is said.
pub const RUNS: &str = "runs";

/// The final weights, readable by `torch.load`: the tutorial's last line.
const STATE_DICT: &str = "model.ckpt";
/// What no state dict can say: classes, and how images are prepared.
const DESCRIPTION: &str = "model.ckpt.json";

/// What stays as it is while a run trains.
struct Job {
    plan: Plan,
    data: TrainingData,
    test: Samples,
    run: RunDir,
    about: About,
}

/// A run that is done.
pub struct Finished {
    found: Evaluation,
    /// The data set that drawn digits stood in for.
    substitution: Option<String>,
}

/// Trains, and prints the result.
pub fn run(args: &TrainArgs, log: &Log) -> Outcome {
    report(&train(args, log)?)
}

/// Checks everything first, then loads, trains, evaluates and saves.
pub fn train(args: &TrainArgs, log: &Log) -> Result<Finished, Failure> {
    let show = view::new(args.progress, log);
    let disk = fault::disk()?;
    let resumed = match &args.resume {
        Some(run) => Some(Resumed::open(run, &args.sets.sets, disk.clone())?),
        None => None,
    };
    let mut source = match (&resumed, &args.config) {
        (None, Some(config)) => written(config, args)?,
        (Some(resumed), _) => resumed.source.clone(),
        (None, None) => return Err(Failure::request("train wants an experiment file, or --resume RUN")),
    };
    args.place.take_files(&mut source)?;
    let source = &source;
    let plan = source.plan()?;
    let device = device(source, args.device)?;
    if let Some(path) = &args.run_dir {
        // Better said now than after a download.
        RunDir::check(path)?;
    }
    // A run to go on with has no settings to change for want of data.
    let changeable = if resumed.is_some() { None } else { Some(source) };
    let mut splits = data::load(&plan.data, &args.place.locations(), log, changeable)?;
    if let Some(source) = changeable {
        source.suits(splits.shape()[0])?;
        let doubts = source.doubts(Some(splits.train.labels.len())).into_iter();
        let of_data = splits.warnings.iter().map(|warning| source.locate(warning.clone().into()));
        doubts.chain(of_data).for_each(|doubt| tracing::warn!("{doubt}"));
    }
    if let Some(resumed) = &resumed {
        splits.provenance.substitute_for = resumed.substitute_for();
    }

    let experiment = resolved(&source.experiment, &plan, device.into(), &splits);
    let shape = splits.shape();
    let substitution = splits.provenance.substitute_for.clone();
    let provenance = serde_json::to_value(&splits.provenance).map_err(Failure::run)?;
    tracing::info!("{}", summary(&plan, &splits, &String::from(experiment.train.device)));

    let text = experiment.to_toml().map_err(Failure::request)?;
    // A run whose checkpoints do not say what its images are like goes on as what it was.
    let preprocessing = match resumed.as_ref().and_then(|resumed| resumed.checkpoint.as_ref()) {
        Some(checkpoint) => checkpoint.about().preprocessing,
        None => Some(splits.preprocessing),
    };
    let about = About::new(text, shape, splits.classes.clone(), preprocessing, provenance.clone());
    // Before memory is taken for the net, and a directory made.
    about.check()?;
    let steps = splits.train.labels.len().div_ceil(plan.train.batch_size);
    if let Some(resumed) = &resumed {
        resumed.verify(&about)?;
        resumed.fits(plan.train.epochs, steps)?;
    }
    let task = Classification { classes: splits.classes, label_smoothing: plan.train.label_smoothing };
    let ground = about.preprocessing.map_or(Ground::Dark, |preprocessing| preprocessing.ground);
    let augment = plan.data.augment.map(|augment| augment.on(ground));
    let data = TrainingData {
        train: Samples::varied(splits.train, augment, device).map_err(EngineError::from)?,
        validation: Samples::new(splits.validation, device).map_err(EngineError::from)?,
    };
    let test = Samples::new(splits.test, device).map_err(EngineError::from)?;
    let mut learner = Learner::new(&plan.architecture, task, shape, plan.seed, device)?;
    let checkpoint = resumed.as_ref().and_then(|resumed| resumed.checkpoint.as_ref());
    let mut state = match checkpoint {
        Some(checkpoint) => checkpoint.restore(&mut learner)?,
        None => State::new(plan.train.rule, &learner).map_err(EngineError::from)?,
    };

    let interrupt = show.interrupt().map_err(Failure::run)?;
    let run = match (resumed, &args.run_dir) {
        (Some(resumed), _) => {
            go_on(&resumed, &plan, steps)?;
            resumed.run
        }
        (None, Some(path)) => RunDir::chosen(path, disk)?,
        (None, None) => RunDir::numbered(Path::new(RUNS), &plan.name, disk)?,
    };
    let mut meta = started(&plan, experiment.train.device, provenance, &run, state.step);
    meta.write(&run)?;
    // With it there is a run; before it there was nothing to go on with.
    let text = movable(&experiment, run.path())?;
    run.write("config.toml", format!("{}{text}", heading(&plan.name, substitution.as_deref())).as_bytes())?;
    log.continue_in(run.log()?)?;
    tracing::info!("run directory {}", shown(run.path()));

    let mut observers = show.observers(RunInfo {
        name: plan.name.clone(),
        architecture: plan.architecture.to_string(),
        device: String::from(experiment.train.device),
        run: shown(run.path()).to_string(),
        classes: learner.task.classes.clone(),
        shape,
        images: data.train.len(),
        epochs: plan.train.epochs,
        steps,
        before: state.step,
    });
    // Last, so that it hears of a stop that the others ask for.
    observers.push(Box::new(interrupt.clone()));
    let job = Job { plan, data, test, run, about };
    let outcome = train_and_save(&job, &mut learner, &mut state, observers);
    let status = match &outcome {
        Ok(Some(_)) => "done".to_owned(),
        Ok(None) => format!("stopped at step {}", state.step),
        Err(error) => format!("failed: {error}"),
    };
    meta.now(status, Some(now()));
    let written = meta.write(&job.run);
    let again = resume_command("train", job.run.path());
    // The first failure is the one to tell of.
    let found = outcome.map_err(|error| match error {
        EngineError::Io { .. } => Failure::run(format!("{error}; once that is mended, go on: {again}")),
        error => error.into(),
    })?;
    written?;
    let Some(found) = found else {
        let (step, total) = (state.step, job.plan.train.total(steps));
        let message = format!("stopped at step {step} of {total}, which is saved; to go on: {again}");
        return Err(Failure::with(interrupt.exit_code(), message));
    };
    Ok(Finished { found, substitution })
}

/// Where an experiment computes; `option` is what `--device` said, if anything.
pub fn device(source: &Source, option: Option<DeviceChoice>) -> Result<Device, Failure> {
    source.experiment.train.device.resolve().map_err(|error| match option {
        Some(_) => Failure::request(format!("--device: {error}")),
        None => source.locate(Invalid { key: "train.device".to_owned(), message: error.to_string() }).into(),
    })
}

/// The experiment as the command line has it.
fn written(config: &Path, args: &TrainArgs) -> Result<Source, Failure> {
    let mut source = Source::read(config, &args.sets.sets)?;
    if let Some(device) = args.device {
        source.experiment.train.device = device;
    }
    Ok(source)
}

/// Takes a run's records back to its checkpoint, and says where it goes on.
fn go_on(resumed: &Resumed, plan: &Plan, steps: usize) -> Result<(), Failure> {
    for passed_over in &resumed.passed_over {
        tracing::warn!("passed over {passed_over}; it is kept as {}.damaged", shown(&passed_over.path));
    }
    let Some(checkpoint) = &resumed.checkpoint else {
        tracing::info!("there is no checkpoint yet: starting from the beginning");
        return Ok(());
    };
    for lost in checkpoint.resume_records(&resumed.run)? {
        let path = shown(&lost.path);
        match &lost.kept {
            Some(kept) => tracing::warn!(
                "{path} is not what it was at the checkpoint; it is kept as {}, and begun anew",
                shown(kept)
            ),
            None => tracing::warn!("{path} is gone; it is begun anew"),
        }
    }
    if let Some(session) = Meta::read(&resumed.run).and_then(|meta| meta.sessions.last().cloned()) {
        tracing::info!("the session of {}: {}", session.start, ended(&session));
    }
    let (path, step, total) = (shown(&checkpoint.path), checkpoint.step(), plan.train.total(steps));
    match step < total {
        true => tracing::info!("going on from {path}: step {step} of {total}"),
        false => tracing::info!(
            "{path} is at step {step} of {total}: nothing is left to train; for longer: --set train.epochs=N"
        ),
    }
    let (before, now) = (checkpoint.cpu(), birnn_engine::device::cpu());
    if *before != now {
        tracing::warn!(
            "the run had {0} threads and {1} instructions and goes on with {2} and {3}, which can round otherwise: for the \
             same bytes as without a stop, set OMP_NUM_THREADS={0} BIRNN_INSTRUCTIONS={1}",
            before.threads,
            before.instructions,
            now.threads,
            now.instructions
        );
    }
    let before = &checkpoint.experiment().train;
    if before.epochs != plan.train.epochs {
        tracing::info!("train.epochs was {} and is {}", before.epochs, plan.train.epochs);
    }
    if before.epochs != plan.train.epochs && before.schedule.kind != ScheduleKind::Constant {
        tracing::warn!(
            "from here on the learning rate follows a run of {} epochs, and so far it followed one of {}",
            plan.train.epochs,
            before.epochs
        );
    }
    Ok(())
}

/// How a session before this one ended. One that could not say so was killed: the run is not in use.
fn ended(session: &Session) -> String {
    if session.status == "running" { "killed".to_owned() } else { session.status.clone() }
}

/// What there is to type to go on with a run or a sweep, the way that the user started this process.
pub fn resume_command(command: &str, folder: &Path) -> String {
    let program = if std::env::var_os("CARGO").is_some() { "cargo xtask" } else { "birnn" };
    format!("{program} {command} --resume {}", shown(&folder))
}

/// The result on the test images; `None` where the training was stopped.
fn train_and_save(
    job: &Job,
    learner: &mut Learner,
    state: &mut State,
    observers: Vec<Box<dyn Observer>>,
) -> Result<Option<Evaluation>, EngineError> {
    let Job { plan, data, test, run, about } = job;
    let checkpoints = Checkpoints::new(run, about.clone())?;
    let mut record = Timed::new(Record::open(run, &about.data)?);
    let mut board = Timed::new(TensorBoard::open(run, about, learner, &data.validation, state.step)?);
    if state.step > 0 && run.has_new_records() {
        // One was lost. What is begun in its place is not what the checkpoint knows.
        checkpoints.save(learner, state)?;
    }
    let mut shown = Timed::new(observers);
    let mut all: Vec<Box<dyn Observer + '_>> =
        vec![Box::new(&mut record), Box::new(&mut board), Box::new(&mut shown)];
    let start = Instant::now();
    let trained = birnn_engine::train(&plan.train, plan.seed, learner, data, state, &checkpoints, &mut all)?;
    drop(all);
    let seconds = start.elapsed().as_secs_f64();
    let [metrics, events, shown] =
        [record.taken, board.taken, shown.taken].map(|taken| 100.0 * taken.as_secs_f64() / seconds);
    tracing::debug!(
        "of {seconds:.1} s, metrics took {metrics:.3} %, TensorBoard's events {events:.3} %, what is shown {shown:.3} %"
    );
    let Trained::Done { epochs, kept } = trained else { return Ok(None) };
    if kept < epochs {
        tracing::info!("keeping epoch {kept}, the best on the validation images");
    }
    tracing::info!("testing on {} images", test.len());
    let found = learner.evaluate(test)?;
    record.observer.test(&found)?;
    board.observer.test(state.step, &found, test)?;
    let weights = checkpoints.save_final(learner)?;
    let [state_dict, description] = state_dict_files(about, learner)?;
    run.write(STATE_DICT, &state_dict)?;
    run.write(DESCRIPTION, &description)?;
    tracing::info!("saved {}, and {STATE_DICT} for PyTorch", name::shown(&weights));
    run.flush_records()?;
    Ok(Some(found))
}

/// The experiment that repeats this run: what stood in for the data, and the device, are now decided.
fn resolved(experiment: &Experiment, plan: &Plan, device: DeviceChoice, splits: &Splits) -> Experiment {
    let mut experiment = experiment.clone();
    experiment.name = Some(plan.name.clone());
    experiment.train.device = device;
    if splits.provenance.substitute_for.is_some() {
        experiment.data.dataset = Dataset::Synthetic;
    }
    // Repeated or evaluated where its data is missing, the run must not go on with other data.
    experiment.data.fallback = Fallback::None;
    // This is one run of it.
    experiment.sweep = None;
    experiment
}

/// The text of an experiment that is kept in `folder`: paths to what lies beside it in the project, which is
/// where the user is, are relative, so that the project can be moved.
pub fn movable(experiment: &Experiment, folder: &Path) -> Result<String, Failure> {
    let mut experiment = experiment.clone();
    if let Ok(project) = std::env::current_dir() {
        experiment.data.relate(folder, &project);
    }
    experiment.to_toml().map_err(Failure::run)
}

fn heading(name: &str, substitution: Option<&str>) -> String {
    let warning = substitution.map_or_else(String::new, |dataset| {
        format!("# SYNTHETIC DIGITS stood in for `{dataset}`, which could be neither found nor downloaded.\n")
    });
    format!(
        "# The run `{name}` with every default written out: training this file again repeats it.\n{warning}\n"
    )
}

fn summary(plan: &Plan, splits: &Splits, device: &str) -> String {
    let Plan { name, seed, architecture, .. } = plan;
    let provenance = &splits.provenance;
    let kept_back = match provenance.validation {
        0 => String::new(),
        count => format!(", {count} kept back"),
    };
    format!(
        "{name}: {architecture}, seed {seed}, on {device}; {}: {} training images{kept_back}, {} test images",
        provenance.dataset, provenance.train, provenance.test
    )
}

/// What a run records of itself when a session starts, those before included.
fn started(
    plan: &Plan,
    device: DeviceChoice,
    data: serde_json::Value,
    run: &RunDir,
    from_step: usize,
) -> Meta {
    let mut sessions = Meta::read(run).map_or_else(Vec::new, |meta| meta.sessions);
    for session in &mut sessions {
        session.status = ended(session);
    }
    sessions.push(Session {
        command: std::env::args_os().map(name::text).collect(),
        from_step,
        status: "running".to_owned(),
        start: now(),
        end: None,
        host: name::text(gethostname::gethostname()),
        cpu: birnn_engine::device::cpu(),
        birnn: env!("CARGO_PKG_VERSION").to_owned(),
        revision: option_env!("BIRNN_REVISION").map(str::to_owned),
    });
    Meta {
        name: plan.name.clone(),
        seed: plan.seed,
        device: String::from(device),
        libtorch: LIBTORCH.to_owned(),
        status: "running".to_owned(),
        sessions,
        data,
    }
}

/// The tutorial's line, and a last reminder of what stood in for the data.
fn report(Finished { found, substitution }: &Finished) -> Outcome {
    let stand_in =
        substitution.as_deref().map_or_else(String::new, |name| format!(" (synthetic digits, not {name})"));
    let (images, accuracy) = (found.images, 100.0 * found.accuracy);
    print(&format!("Test Accuracy of the model on the {images} test images: {accuracy:.2} %{stand_in}\n"))?;
    if let Some(name) = substitution {
        let name = name.to_uppercase();
        tracing::warn!("TRAINED AND TESTED ON SYNTHETIC DIGITS, NOT ON {name}: see the first warning");
    }
    Ok(())
}
