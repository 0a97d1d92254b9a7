//! The order in which things are measured, and what is said meanwhile.

use std::cell::RefCell;
use std::iter;

use anyhow::Result;
use birnn_infer::cpu::instructions;
use birnn_kernels::Precision;

use crate::alone::{LONG_STEPS, STEPS, Spinner, Taken, in_process, taken_by, with_threads};
use crate::bench::{AtThreads, Bench, ByPrecision, Long, Measured, Parts, Peak};
use crate::contender::{Contender as _, Kind, images};
use crate::machine::{Machine, bf16_peak, fma_peak};
use crate::ours::{OurAnswers, OurEvaluation, Ours};
use crate::plain::PlainEvaluation;
use crate::point::{Lengths, Point, TUTORIAL};
use crate::pytorch::{EVALUATION, Home, Python, Remote, task};
use crate::stats::Stats;
use crate::sweeps::{self, LONG, Sweep};
use crate::table::number;
use crate::turns::{Effort, Entry, Timed, alternate, median};

/// Images of an evaluation, as many as MNIST has to test by.
pub const TEST_IMAGES: usize = 10_000;
/// Batches that libtorch evaluates by: the tutorial's, and a larger one.
const SIZES: [usize; 2] = [TUTORIAL.batch, 500];

/// Measures all that was asked for; where something fails on the way, the second says it, and the first holds
/// what was measured before.
pub fn measure(
    sweeps: Vec<Sweep>,
    effort: Effort,
    threads: usize,
    home: Option<&Home>,
) -> Result<(Bench, Result<()>)> {
    let (python, versions) = match home.map(Home::start).transpose()? {
        Some((python, versions)) => (Some(RefCell::new(python)), Some(versions)),
        None => (None, None),
    };
    let with_tutorial = versions.as_ref().is_some_and(|versions| versions.torchvision.is_some());
    if versions.is_some() && !with_tutorial {
        eprintln!("note: this Python has no torchvision, so the tutorial's loop is left out");
    }
    let mut bench = Bench {
        machine: Machine::this(threads),
        digits: home.filter(|_| with_tutorial).map(|home| home.digits.clone()),
        python: versions,
        effort,
        points: Vec::new(),
        threads: Vec::new(),
        evaluation: Vec::new(),
        parts: None,
        precision: None,
        busy: Vec::new(),
        memory: Vec::new(),
        long: Vec::new(),
        sweeps,
    };
    let measured = each(&mut bench, threads, home, python.as_ref(), with_tutorial);
    Ok((bench, measured))
}

/// One sweep after the other.
fn each(
    bench: &mut Bench,
    threads: usize,
    home: Option<&Home>,
    python: Option<&RefCell<Python>>,
    with_tutorial: bool,
) -> Result<()> {
    let (sweeps, effort) = (bench.sweeps.clone(), bench.effort);
    let wanted = |sweep| sweeps.contains(&sweep);
    let points = sweeps::points(&sweeps);
    for (index, point) in points.iter().enumerate() {
        let timed = step(point, &effort, python, with_tutorial)?;
        say(&format!("{:2}/{} {point}", index + 1, points.len()), &timed);
        let forward = if Sweep::Directions.points().contains(point) && wanted(Sweep::Directions) {
            forward(point, &effort, python)?
        } else {
            Vec::new()
        };
        let (flop, fma_peak) = (point.flop(), fma_peak(threads));
        bench.points.push(Measured { point: *point, flop, fma_peak, timed, forward });
    }
    if wanted(Sweep::Parts) {
        bench.parts = Some(parts(&effort)?);
    }
    if wanted(Sweep::Threads) {
        for threads in sweeps::threads(bench.machine.cores) {
            let timed = with_threads(threads, &effort)?;
            say(&format!("{threads} of {} threads", bench.machine.cores), &timed);
            bench.threads.push(AtThreads { threads, fma_peak: fma_peak(threads), timed });
        }
    }
    if wanted(Sweep::Evaluation) {
        bench.evaluation = evaluation(&effort, python)?;
        say(&format!("evaluating {TEST_IMAGES} images"), &bench.evaluation);
    }
    if wanted(Sweep::Precision) {
        let timed = precision(&effort, python, with_tutorial)?;
        say("precision", &timed);
        bench.precision =
            Some(ByPrecision { fma_peak: fma_peak(threads), bf16_peak: bf16_peak(threads), timed });
    }
    if wanted(Sweep::Busy) {
        let spinner = Spinner::start()?;
        bench.busy = alternate(&mut in_process(&TUTORIAL)?, &effort)?;
        drop(spinner);
        say("one core busy", &bench.busy);
    }
    if wanted(Sweep::Memory) && cfg!(target_os = "linux") {
        bench.memory = memory(home, with_tutorial)?;
    }
    if wanted(Sweep::Recompute) && cfg!(target_os = "linux") {
        for (index, point) in LONG.iter().enumerate() {
            bench.long.push(Long { point: *point, taken: long(index, point, home)? });
        }
    }
    Ok(())
}

/// A training step of a point by everyone there is.
fn step(
    point: &Point,
    effort: &Effort,
    python: Option<&RefCell<Python>>,
    with_tutorial: bool,
) -> Result<Vec<Timed>> {
    let mut entries: Vec<Entry<'_>> = in_process(point)?;
    if let Some(python) = python {
        let mut kinds = match point.lengths {
            Lengths::Equal => vec![Kind::Pytorch],
            _ => vec![Kind::Packed, Kind::Padded],
        };
        if with_tutorial && *point == TUTORIAL {
            kinds.push(Kind::Tutorial);
        }
        let tasks: Vec<_> = kinds.iter().copied().map(task).collect();
        python.borrow_mut().prepare(&tasks, point)?;
        for kind in kinds {
            entries.push((kind, Box::new(Remote::new(python, task(kind)))));
        }
    }
    alternate(&mut entries, effort)
}

fn parts(effort: &Effort) -> Result<Parts> {
    let mut ours = Ours::new(&TUTORIAL)?;
    let mut times = [Vec::new(), Vec::new()];
    for _ in 0..effort.rounds {
        let turn = ours.parts(effort.seconds)?;
        times.iter_mut().zip(turn).for_each(|(times, turn)| times.extend(turn));
    }
    let [gradients, optimizer] = times.map(Stats::of);
    Ok(Parts { gradients, optimizer })
}

/// The tutorial's step by every precision that is computed here, beside PyTorch's.
fn precision(effort: &Effort, python: Option<&RefCell<Python>>, with_tutorial: bool) -> Result<Vec<Timed>> {
    let lower = [(Kind::High, Precision::High), (Kind::Medium, Precision::Medium)];
    let lower = lower.into_iter().filter(|&(_, precision)| instructions().multiplies_bf16(precision));
    let mut entries: Vec<Entry<'_>> = Vec::new();
    for (kind, precision) in iter::once((Kind::Birnn, Precision::Highest)).chain(lower) {
        entries.push((kind, Box::new(Ours::with_precision(&TUTORIAL, precision)?)));
    }
    if let Some(python) = python {
        let mut kinds = vec![Kind::Pytorch, Kind::Autocast, Kind::Bf16];
        kinds.extend(with_tutorial.then_some(Kind::Tutorial));
        let tasks: Vec<_> = kinds.iter().copied().map(task).collect();
        python.borrow_mut().prepare(&tasks, &TUTORIAL)?;
        for kind in kinds {
            entries.push((kind, Box::new(Remote::new(python, task(kind)))));
        }
    }
    alternate(&mut entries, effort)
}

/// The answers to a point's batch, without gradients.
fn forward(point: &Point, effort: &Effort, python: Option<&RefCell<Python>>) -> Result<Vec<Timed>> {
    let samples = images(point.batch, [point.time, point.features])?;
    let mut entries: Vec<Entry<'_>> = vec![
        (Kind::Libtorch, Box::new(PlainEvaluation::new(point, &samples, point.batch)?)),
        (Kind::Birnn, Box::new(OurAnswers::new(point)?)),
    ];
    if let Some(python) = python {
        python.borrow_mut().prepare_evaluation(point, point.batch, point.batch)?;
        entries.push((Kind::Pytorch, Box::new(Remote::new(python, EVALUATION))));
    }
    alternate(&mut entries, effort)
}

fn evaluation(effort: &Effort, python: Option<&RefCell<Python>>) -> Result<Vec<Timed>> {
    let samples = images(TEST_IMAGES, [TUTORIAL.time, TUTORIAL.features])?;
    let mut entries: Vec<Entry<'_>> = Vec::new();
    for size in SIZES {
        entries.push((Kind::Libtorch, Box::new(PlainEvaluation::new(&TUTORIAL, &samples, size)?)));
    }
    entries.push((Kind::Birnn, Box::new(OurEvaluation::new(&TUTORIAL, &samples)?)));
    if let Some(python) = python {
        python.borrow_mut().prepare_evaluation(&TUTORIAL, TEST_IMAGES, TUTORIAL.batch)?;
        entries.push((Kind::Pytorch, Box::new(Remote::new(python, EVALUATION))));
    }
    let mut timed = alternate(&mut entries, effort)?;
    // Whichever of its batch sizes suits libtorch better.
    let worse = usize::from(timed[0].ms.median < timed[1].ms.median);
    timed.remove(worse);
    Ok(timed)
}

fn memory(home: Option<&Home>, with_tutorial: bool) -> Result<Vec<Peak>> {
    let mut peaks = Vec::new();
    for contender in [Kind::Libtorch, Kind::Birnn] {
        peaks.push(Peak { contender, kib: taken_by(contender, None)?.kib });
    }
    for contender in [Kind::Pytorch, Kind::Tutorial] {
        let Some(home) = home.filter(|_| contender == Kind::Pytorch || with_tutorial) else { continue };
        let (mut python, _) = home.start()?;
        python.prepare(&[task(contender)], &TUTORIAL)?;
        peaks.push(Peak { contender, kib: python.memory(task(contender), STEPS)? });
    }
    Ok(peaks)
}

/// What a net of long sequences takes, by everyone there is.
fn long(index: usize, point: &Point, home: Option<&Home>) -> Result<Vec<(Kind, Taken)>> {
    let mut taken = Vec::new();
    let mut say = |kind: Kind, by: Taken| {
        let ms = Stats::of(by.ms.clone()).median;
        eprintln!("{point}, {kind}: {} ms, {:.0} MiB", number(ms), by.kib as f64 / 1024.0);
        taken.push((kind, by));
    };
    for kind in [Kind::Birnn, Kind::Recomputed, Kind::Libtorch] {
        say(kind, taken_by(kind, Some(index))?);
    }
    if let Some(home) = home {
        let (python, _) = home.start()?;
        let python = RefCell::new(python);
        python.borrow_mut().prepare(&[task(Kind::Pytorch)], point)?;
        // A turn warms up by a step, and takes one at least.
        let mut ms = Vec::new();
        while ms.len() + 1 < LONG_STEPS {
            ms.extend(Remote::new(&python, task(Kind::Pytorch)).turn(0.0)?);
        }
        let kib = python.borrow_mut().memory(task(Kind::Pytorch), 0)?;
        say(Kind::Pytorch, Taken { kib, ms });
    }
    Ok(taken)
}

fn say(what: &str, timed: &[Timed]) {
    let each: Vec<String> =
        timed.iter().map(|timed| format!("{} {}", timed.contender, number(timed.ms.median))).collect();
    let times = match (median(timed, Kind::Libtorch), median(timed, Kind::Birnn)) {
        (Some(theirs), Some(own)) => format!("; {} times as quick", number(theirs / own)),
        _ => String::new(),
    };
    eprintln!("{what}: {} ms{times}", each.join(", "));
}
