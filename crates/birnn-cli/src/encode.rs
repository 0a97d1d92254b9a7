//! `birnn encode`: what a trained net holds of pictures or series, as features for others.

use std::io::{BufWriter, Write};
use std::time::Instant;

use birnn_convert::writable;
use birnn_data::Per;
use birnn_data::name::shown;
use birnn_formats::states::{States, StatesFormat};
use birnn_infer::{Encoder, Precision, cpu, finite};
use birnn_run::disk;

use crate::args::{EncodeArgs, EncodePer};
use crate::asked::{predictor_of, warn_of_substitution};
use crate::failure::{Failure, Outcome};
use crate::samples::{Reading, outcome};

/// Sequences whose states are worked out at once: it bounds what is held beside the states themselves.
const PART: usize = 1024;
/// Bytes that are written at once.
const BUFFER: usize = 1 << 20;

/// Writes the states of every sample that can be read, in one file, whole or not at all.
pub fn run(args: &EncodeArgs) -> Outcome {
    let disk = disk::from_env()?;
    let out = shown(&args.out);
    let format = StatesFormat::of(&args.out).ok_or_else(|| {
        Failure::request(format!("{out}: the ending says what is written: {}", StatesFormat::EXTENSIONS))
    })?;
    writable(&args.out, args.force)?;
    let (weights, predictor) = predictor_of(&args.run, Precision::Highest)?;
    warn_of_substitution(&weights, predictor.manifest());
    let per = match args.per {
        EncodePer::Sequence => Per::Sequence,
        EncodePer::Step => Per::Step,
    };
    let encoder = Encoder::new(predictor, per).ok_or_else(|| {
        let message =
            "--per sequence: the net answers each step, and has no readout of a whole; take --per step";
        Failure::request(message)
    })?;
    let (mut values, mut ids, mut lengths) = (Vec::new(), Vec::new(), Vec::new());
    let begin = Instant::now();
    let unread = Reading::of(encoder.manifest(), &weights).each(&args.samples, |samples, sequences| {
        ids.extend(samples.iter().map(ToString::to_string));
        lengths.extend(sequences.lengths());
        let indices: Vec<usize> = (0..sequences.len()).collect();
        for part in indices.chunks(PART) {
            let states = encoder.states_of_all(&sequences.select(part), cpu::threads());
            finite(&states).map_err(|why| Failure::request(format!("{}: {why}", shown(&weights))))?;
            values.extend(states);
        }
        Ok(())
    })?;
    let seconds = begin.elapsed().as_secs_f64();
    if ids.is_empty() {
        return outcome(0, &unread);
    }
    let (count, width, noun) = (ids.len(), encoder.width(), encoder.manifest().modality.noun());
    let rows = values.len() / width;
    let lengths = (per == Per::Step).then_some(lengths.as_slice());
    let states = States { values: &values, width, ids: &ids, lengths };
    disk::replace_by(&*disk, &args.out, |file| {
        let mut buffered = BufWriter::with_capacity(BUFFER, file);
        format.write(&states, &mut buffered)?;
        buffered.flush()
    })?;
    let rate = count as f64 / seconds;
    tracing::info!(
        "saved {out}: {rows} x {width} states of {count} {noun}, read and encoded at {rate:.0} {noun}/s"
    );
    outcome(count, &unread)
}
