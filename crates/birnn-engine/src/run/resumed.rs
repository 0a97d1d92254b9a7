//! Taking up a run where a session before this one left it.

use birnn_data::name::shown;
use birnn_experiment::{Plan, ScheduleKind};
use birnn_run::{CHECKPOINTS, Meta};
use tch::Device;

use super::RunError;
use crate::device::{choice, cpu};
use crate::resume::Resumed;

/// Takes a run's records back to its checkpoint, and says where it goes on.
pub(super) fn go_on(resumed: &Resumed, plan: &Plan, steps: usize, device: Device) -> Result<(), RunError> {
    // The next save would take its name; but perhaps none comes.
    resumed.run.remove_partial(CHECKPOINTS)?;
    for passed_over in &resumed.passed_over {
        let kept = passed_over.set_aside(&resumed.run)?;
        tracing::warn!("passed over {}; it is kept as {}", passed_over.error, shown(&kept));
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
    // One that cannot be read is told of when it is taken up.
    if let Ok(meta) = Meta::read(resumed.run.path())
        && let Some(session) = meta.sessions.last()
    {
        tracing::info!("the session of {}: {}", session.start, session.status.ended());
    }
    let (path, step, total) = (shown(&checkpoint.path), checkpoint.step(), plan.train.total(steps));
    match step < total {
        true => tracing::info!("going on from {path}: step {step} of {total}"),
        false => tracing::info!(
            "{path} is at step {step} of {total}: nothing is left to train; for longer: --set train.epochs=N"
        ),
    }
    let (before, now) = (checkpoint.cpu(), cpu(plan.train.precision));
    // On a GPU, neither of them computes what is trained.
    if device == Device::Cpu && *before != now && step < total {
        tracing::warn!(
            "the run had {0} threads and {1} instructions and goes on with {2} and {3}, which can round \
             otherwise: for the same bytes as without a stop, set OMP_NUM_THREADS={0} BIRNN_INSTRUCTIONS={1}",
            before.threads,
            before.instructions,
            now.threads,
            now.instructions
        );
    }
    let before = &checkpoint.experiment().train;
    if before.device != choice(device) && step < total {
        tracing::warn!(
            "the run was on `{}` and goes on on `{}`: a GPU of another model can round otherwise",
            String::from(before.device),
            String::from(choice(device))
        );
    }
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
