//! The report of a run, in Markdown.

use crate::alone::{LONG_STEPS, STEPS, Taken};
use crate::bench::{Bench, ByPrecision, Long, Measured};
use crate::contender::Kind;
use crate::measure::TEST_IMAGES;
use crate::point::{Point, TUTORIAL};
use crate::stats::Stats;
use crate::sweeps::Sweep;
use crate::table::{number, spread, table};
use crate::turns::{Timed, median};

/// All of it. `plots` are the sweeps that there is a picture of.
pub fn report(bench: &Bench, plots: &[Sweep]) -> String {
    let mut parts = vec![
        "# Training steps by birnn, libtorch and PyTorch".to_owned(),
        machine(bench),
        how(bench),
        verdict(bench),
    ];
    for &sweep in &bench.sweeps {
        let Some(mut section) = section(bench, sweep) else { continue };
        if plots.contains(&sweep) {
            let name = sweep.name();
            section.push_str(&format!("\n\n![Milliseconds per step: {name}]({name}.svg)"));
        }
        parts.push(format!("## {}\n\n{section}", title(sweep)));
    }
    parts.join("\n\n") + "\n"
}

/// The machine in a line.
pub fn machine(bench: &Bench) -> String {
    let machine = &bench.machine;
    let python = match &bench.python {
        Some(python) => format!(", PyTorch {}", python.torch),
        None => String::new(),
    };
    format!(
        "{}, {} cores, {} threads, {}, {}; libtorch {}{python}; fused multiply-adds {} GFLOP/s, libtorch's \
         product of 1024 x 1024 matrices {} GFLOP/s.",
        machine.cpu,
        machine.cores,
        machine.threads,
        machine.instructions,
        machine.os,
        machine.libtorch,
        number(machine.fma_peak / 1e9),
        number(machine.gemm / 1e9)
    )
}

fn how(bench: &Bench) -> String {
    let mut text = format!(
        "Milliseconds per training step (forward, backward, Adam): medians, with quartiles in brackets. The \
         contenders took {} turns each of {} s, one after the other; slow points fewer. GFLOP/s, share of \
         the peak and images/s are birnn's; a step's FLOP are those that it needs. What the \
         peak is, is measured right after each point, and a figure is to be compared within its table only: \
         the machine's own speed changes, by which a share can even be above 100. glibc is told to keep freed memory, as the `birnn` program does; \
         libtorch gains by it too; PyTorch has glibc's defaults.",
        bench.effort.rounds, bench.effort.seconds
    );
    if let Some(digits) = &bench.digits {
        text.push_str(&format!(" The tutorial's loop read {digits} through torchvision."));
    }
    text
}

/// Where birnn loses, for each rival that was measured.
fn verdict(bench: &Bench) -> String {
    let mut all: Vec<(String, &[Timed])> =
        bench.points.iter().map(|at| (at.point.to_string(), at.timed.as_slice())).collect();
    all.extend(bench.points.iter().map(|at| (format!("{}, forward", at.point), at.forward.as_slice())));
    all.extend(bench.threads.iter().map(|at| (format!("{} threads", at.threads), at.timed.as_slice())));
    all.push(("evaluation".to_owned(), &bench.evaluation));
    all.push(("one core busy".to_owned(), &bench.busy));
    all.extend(
        bench.precision.iter().map(|found| ("beside other precisions".to_owned(), found.timed.as_slice())),
    );
    let of = |(contender, Taken { ms, .. }): &(Kind, Taken)| Timed {
        contender: *contender,
        ms: Stats::of(ms.clone()),
    };
    let long: Vec<Vec<Timed>> = bench.long.iter().map(|long| long.taken.iter().map(of).collect()).collect();
    all.extend(
        bench
            .long
            .iter()
            .zip(&long)
            .map(|(at, timed)| (format!("{}, each in a process of its own", at.point), timed.as_slice())),
    );
    let rivals = [Kind::Libtorch, Kind::Pytorch, Kind::Tutorial, Kind::Packed, Kind::Padded];
    let lines = rivals.into_iter().filter_map(|rival| {
        let times = |timed| Some((median(timed, Kind::Birnn)?, median(timed, rival)?));
        let met: Vec<_> = all.iter().filter_map(|(name, timed)| Some((name, times(timed)?))).collect();
        let lost: Vec<&str> =
            met.iter().filter(|(_, (own, theirs))| own > theirs).map(|(name, _)| name.as_str()).collect();
        match (met.is_empty(), lost.is_empty()) {
            (true, _) => None,
            (false, true) if met.len() == 1 => {
                Some(format!("birnn is not slower than {}, measured at one point.", name(rival)))
            }
            (false, true) => Some(format!("birnn is nowhere slower than {}.", name(rival))),
            (false, false) => Some(format!("birnn is slower than {} at: {}.", name(rival), lost.join("; "))),
        }
    });
    lines.collect::<Vec<_>>().join("\n\n")
}

fn name(rival: Kind) -> String {
    if rival == Kind::Tutorial { format!("the {rival}") } else { rival.to_string() }
}

fn title(sweep: Sweep) -> &'static str {
    match sweep {
        Sweep::Cells => "The tutorial's net",
        Sweep::Batch => "Images per step",
        Sweep::Time => "Time steps",
        Sweep::Vanishing => "Gradients that vanish",
        Sweep::Lengths => "Sequences of unequal lengths",
        Sweep::Hidden => "Hidden units",
        Sweep::Layers => "Layers",
        Sweep::Directions => "One direction and two",
        Sweep::Threads => "Threads",
        Sweep::Evaluation => "Evaluation",
        Sweep::Parts => "Parts of birnn's step",
        Sweep::Precision => "How exact products are",
        Sweep::Busy => "With one core busy",
        Sweep::Memory => "Memory",
        Sweep::Recompute => "Long sequences",
    }
}

fn section(bench: &Bench, sweep: Sweep) -> Option<String> {
    match sweep {
        Sweep::Vanishing => vanishing(bench),
        Sweep::Lengths => lengths(bench),
        Sweep::Directions => directions(bench),
        Sweep::Threads => threads(bench),
        Sweep::Evaluation => evaluation(bench),
        Sweep::Parts => parts(bench),
        Sweep::Precision => precision(bench),
        Sweep::Busy => busy(bench),
        Sweep::Memory => memory(bench),
        Sweep::Recompute => long(bench),
        _ => {
            let measured: Vec<&Measured> = sweep.points().iter().filter_map(|at| bench.at(at)).collect();
            let rows: Vec<_> =
                measured.iter().map(|at| (at.point.to_string(), at.point, at.timed.as_slice())).collect();
            let table = steps("net, batch x time x features", &rows, |index| measured[index].fma_peak)?;
            let has_pytorch = measured.iter().any(|at| median(&at.timed, Kind::Pytorch).is_some());
            // Who reads this table alone is not to take for speed what is a matter of numbers.
            let note = "Over many steps gradients vanish, and PyTorch computes with what is left of them, which on some \
                        processors takes most of its time: see the next table.";
            Some(if sweep == Sweep::Time && has_pytorch { format!("{table}\n\n{note}") } else { table })
        }
    }
}

/// A table of training steps. `peak` is what the machine could do for a row, in FLOP/s.
fn steps(first: &str, rows: &[(String, Point, &[Timed])], peak: impl Fn(usize) -> f64) -> Option<String> {
    let has = |kind| rows.iter().any(|(_, _, timed)| median(timed, kind).is_some());
    let others: Vec<(Kind, &str, &str)> = [
        (Kind::Pytorch, "PyTorch, ms", "PyTorch / birnn"),
        (Kind::Tutorial, "tutorial's loop, ms", "tutorial's loop / birnn"),
    ]
    .into_iter()
    .filter(|&(kind, ..)| has(kind))
    .collect();
    let mut head =
        vec![first, "libtorch, ms", "birnn, ms", "libtorch / birnn", "GFLOP/s", "% of peak", "images/s"];
    others.iter().for_each(|(_, ms, times)| head.extend([ms, times]));
    let row = |(index, (name, point, timed)): (usize, &(String, Point, &[Timed]))| {
        let own = median(timed, Kind::Birnn)?;
        let rate = point.flop() / own * 1e3;
        let mut cells = vec![
            name.clone(),
            spread(timed, Kind::Libtorch),
            spread(timed, Kind::Birnn),
            times(timed, Kind::Libtorch),
            number(rate / 1e9),
            format!("{:.0}", 100.0 * rate / peak(index)),
            format!("{:.0}", 1e3 * point.batch as f64 / own),
        ];
        others.iter().for_each(|&(kind, ..)| cells.extend([spread(timed, kind), times(timed, kind)]));
        Some(cells)
    };
    let rows: Vec<_> = rows.iter().enumerate().filter_map(row).collect();
    (!rows.is_empty()).then(|| table(&head, &rows).trim_end().to_owned())
}

/// How many times as quick birnn is.
pub fn times(timed: &[Timed], rival: Kind) -> String {
    match (median(timed, rival), median(timed, Kind::Birnn)) {
        (Some(theirs), Some(own)) => number(theirs / own),
        _ => String::new(),
    }
}

/// Whether a time step of one image takes as long where its gradient is next to nothing.
fn vanishing(bench: &Bench) -> Option<String> {
    let measured: Vec<&Measured> = Sweep::Vanishing.points().iter().filter_map(|at| bench.at(at)).collect();
    let kinds = those_of(&measured, &[Kind::Libtorch, Kind::Birnn, Kind::Pytorch]);
    let row = |at: &&Measured| {
        let Point { batch, time, .. } = at.point;
        let ms = kinds.iter().map(|&kind| spread(&at.timed, kind));
        let each = kinds.iter().map(|&kind| {
            let ms = median(&at.timed, kind);
            ms.map_or_else(String::new, |ms| number(1e3 * ms / (batch * time) as f64))
        });
        [at.point.to_string()].into_iter().chain(ms).chain(each).collect()
    };
    let rows: Vec<_> = measured.iter().map(row).collect();
    let ms = kinds.iter().map(|kind| format!("{kind}, ms"));
    let each = kinds.iter().map(|kind| format!("{kind}, µs per time step and image"));
    let head: Vec<String> =
        ["net, batch x time x features".to_owned()].into_iter().chain(ms).chain(each).collect();
    let head: Vec<&str> = head.iter().map(String::as_str).collect();
    let note = "A frozen net is one that does not learn: its gradients become smaller from step to step, \
                down to the subnormal numbers, with which processors compute many times slower. birnn's \
                kernels take those for zero, and so does libtorch in birnn's processes; PyTorch does not \
                unless it is told to (`torch.set_flush_denormal(True)`, before its threads begin).";
    (!rows.is_empty()).then(|| format!("{}\n{note}", table(&head, &rows)))
}

/// Sequences of unequal lengths, and what PyTorch does with them.
fn lengths(bench: &Bench) -> Option<String> {
    let measured: Vec<&Measured> = Sweep::Lengths.points().iter().filter_map(|at| bench.at(at)).collect();
    let rivals = those_of(&measured, &[Kind::Packed, Kind::Padded]);
    let row = |at: &&Measured| {
        let Point { batch, time, .. } = at.point;
        let steps = at.point.steps();
        let real = format!("{:.0}", 100.0 * steps as f64 / (batch * time) as f64);
        let ms = rivals.iter().chain([&Kind::Birnn]).map(|&kind| spread(&at.timed, kind));
        let faster = rivals.iter().map(|&kind| times(&at.timed, kind));
        [at.point.to_string(), steps.to_string(), real].into_iter().chain(ms).chain(faster).collect()
    };
    let rows: Vec<_> = measured.iter().map(row).collect();
    let ms = rivals.iter().chain([&Kind::Birnn]).map(|kind| format!("{kind}, ms"));
    let faster = rivals.iter().map(|kind| format!("{kind} / birnn"));
    let first = ["net, batch x time x features", "steps of all", "% of the padded batch"].map(str::to_owned);
    let head: Vec<String> = first.into_iter().chain(ms).chain(faster).collect();
    let head: Vec<&str> = head.iter().map(String::as_str).collect();
    let note = "The net is read by the final states of both directions. birnn's kernels read the sequences one \
                after the other, with no padding. PyTorch pads the batch, and packs it \
                (`pack_padded_sequence`, `enforce_sorted=False`) or reads the padding too, forward and \
                backward: its final states are then those after the padding and not those that are wanted, so \
                it is here for its time alone. Where lengths go from one number to another, about half of the \
                padded batch are steps of sequences; where one sequence is longer than all others, the padded \
                batch grows with it, and the steps of all hardly do.";
    (!rows.is_empty()).then(|| format!("{}\n{note}", table(&head, &rows)))
}

/// What a second direction costs: a training step, and the answers alone.
fn directions(bench: &Bench) -> Option<String> {
    let measured: Vec<&Measured> = Sweep::Directions.points().iter().filter_map(|at| bench.at(at)).collect();
    let kinds = those_of(&measured, &[Kind::Libtorch, Kind::Birnn, Kind::Pytorch]);
    let row = |at: &&Measured| {
        let one = measured.iter().find(|one| one.point == Point { bidirectional: false, ..at.point });
        let cells = |of: fn(&Measured) -> &[Timed]| {
            kinds.iter().flat_map(move |&kind| {
                let (own, single) = (median(of(at), kind), one.and_then(|one| median(of(one), kind)));
                let times = match (own, single) {
                    (Some(own), Some(single)) if at.point.bidirectional => number(own / single),
                    _ => String::new(),
                };
                [spread(of(at), kind), times]
            })
        };
        let steps = cells(|at| &at.timed);
        [at.point.to_string()].into_iter().chain(steps).chain(cells(|at| &at.forward)).collect()
    };
    let rows: Vec<_> = measured.iter().map(row).collect();
    let of = |what: &str| {
        let columns = |kind: &Kind| [format!("{kind}, {what}, ms"), "two / one".to_owned()];
        kinds.iter().flat_map(columns).collect::<Vec<_>>()
    };
    let head: Vec<String> = ["net, batch x time x features".to_owned()]
        .into_iter()
        .chain(of("step"))
        .chain(of("forward"))
        .collect();
    let head: Vec<&str> = head.iter().map(String::as_str).collect();
    let note = "The nets are read by their final states, so that both directions read the whole sequence. Forward \
                is the answers to the batch, without gradients. Two layers: the upper one of two directions reads \
                the outputs of both, and has more than twice the arithmetic of one.";
    (!rows.is_empty()).then(|| format!("{}\n{note}", table(&head, &rows)))
}

/// Those of some contenders that were measured.
fn those_of(measured: &[&Measured], kinds: &[Kind]) -> Vec<Kind> {
    let was_measured = |kind: &Kind| measured.iter().any(|at| median(&at.timed, *kind).is_some());
    kinds.iter().copied().filter(was_measured).collect()
}

fn threads(bench: &Bench) -> Option<String> {
    let rows: Vec<_> =
        bench.threads.iter().map(|at| (at.threads.to_string(), TUTORIAL, at.timed.as_slice())).collect();
    steps("threads, at the tutorial's point", &rows, |index| bench.threads[index].fma_peak)
}

fn evaluation(bench: &Bench) -> Option<String> {
    median(&bench.evaluation, Kind::Birnn)?;
    let rows: Vec<_> = bench
        .evaluation
        .iter()
        .map(|&Timed { contender, ms }| {
            let speed = 1e3 * TEST_IMAGES as f64 / ms.median;
            let times =
                if contender == Kind::Birnn { String::new() } else { times(&bench.evaluation, contender) };
            vec![contender.to_string(), spread(&bench.evaluation, contender), format!("{speed:.0}"), times]
        })
        .collect();
    let head = ["the tutorial's net", "ms for 10,000 images", "images/s", "its time / birnn's"];
    let note = "libtorch by batches of 100 or 500, whichever is quicker; PyTorch by 100, as in the tutorial.";
    Some(format!("{}\n{note}", table(&head, &rows)))
}

fn parts(bench: &Bench) -> Option<String> {
    let parts = bench.parts.as_ref()?;
    let whole = parts.gradients.median + parts.optimizer.median;
    let row = |name: &str, median: f64| {
        vec![name.to_owned(), number(median), format!("{:.1}", 100.0 * median / whole)]
    };
    let rows = [row("gradients", parts.gradients.median), row("optimizer", parts.optimizer.median)];
    Some(table(&["part", "ms", "%"], &rows).trim_end().to_owned())
}

fn precision(bench: &Bench) -> Option<String> {
    let ByPrecision { timed, fma_peak, bf16_peak } = bench.precision.as_ref()?;
    let (own, flop) = (median(timed, Kind::Birnn)?, TUTORIAL.flop());
    let rows: Vec<_> = timed
        .iter()
        .map(|&Timed { contender, ms }| {
            let rate = |ms: f64| flop / (ms / 1e3);
            let share = |ms: f64| 100.0 * rate(ms) / fma_peak;
            let shares = format!("{:.0}, {:.0}", share(ms.median), share(ms.p25));
            let rate = number(rate(ms.median) / 1e9);
            vec![contender.to_string(), spread(timed, contender), rate, shares, number(own / ms.median)]
        })
        .collect();
    let head = [
        "the tutorial's step",
        "ms",
        "GFLOP/s",
        "% of f32's peak: median, best quarter of steps",
        "birnn's f32 / its time",
    ];
    let of_bf16 =
        bf16_peak.map_or_else(String::new, |peak| format!(", products of bf16 {}", number(peak / 1e9)));
    let peaks = format!(
        "Peaks right after it, in GFLOP/s: fused multiply-adds of f32 {}{of_bf16}.",
        number(fma_peak / 1e9)
    );
    Some(format!("{}\n{peaks}", table(&head, &rows)))
}

fn busy(bench: &Bench) -> Option<String> {
    let idle = &bench.at(&TUTORIAL)?.timed;
    let rows: Vec<_> = bench
        .busy
        .iter()
        .filter_map(|&Timed { contender, ms }| {
            let idle = median(idle, contender)?;
            let busy = spread(&bench.busy, contender);
            Some(vec![contender.to_string(), number(idle), busy, number(ms.median / idle)])
        })
        .collect();
    let head = ["the tutorial's step, another process on one core", "idle, ms", "busy, ms", "times as long"];
    (!rows.is_empty()).then(|| table(&head, &rows).trim_end().to_owned())
}

fn memory(bench: &Bench) -> Option<String> {
    let row = |peak: &crate::bench::Peak| {
        vec![peak.contender.to_string(), format!("{:.0}", peak.kib as f64 / 1024.0)]
    };
    let rows: Vec<_> = bench.memory.iter().map(row).collect();
    let note = format!(
        "Of a process that takes {STEPS} of the tutorial's steps, libtorch itself included; Python's may be \
         a build for GPUs, which is larger."
    );
    (!rows.is_empty()).then(|| format!("{}\n{note}", table(&["", "peak, MiB"], &rows)))
}

/// What long sequences take, with segments recomputed and without.
fn long(bench: &Bench) -> Option<String> {
    let rows: Vec<Vec<String>> = bench
        .long
        .iter()
        .flat_map(|Long { point, taken }| {
            taken.iter().map(move |(kind, Taken { kib, ms })| {
                let ms = number(Stats::of(ms.clone()).median);
                vec![point.to_string(), kind.to_string(), ms, format!("{:.0}", *kib as f64 / 1024.0)]
            })
        })
        .collect();
    let head = ["net, batch x time x features", "", "ms", "peak, MiB"];
    let note = format!(
        "Each in a process of its own that takes {LONG_STEPS} steps or a few more, libtorch itself included: medians of those \
         after the first. `train.recompute` is the square root of the time steps."
    );
    (!rows.is_empty()).then(|| format!("{}\n{note}", table(&head, &rows)))
}

#[cfg(test)]
mod tests {
    use super::*;
    use birnn_model::Readout;

    use crate::bench::made_up::bench;

    #[test]
    fn the_report_has_all_that_was_measured() {
        let report = report(&bench(), &[Sweep::Batch]);
        for part in [
            "Abacus 3000, 2 cores, 2 threads, avx512, linux; libtorch 2.11.0, PyTorch 2.11.0; ",
            "| LSTM 2 x 128+128, 100 x 28 x 28 | 59.4 [53.5-65.4] | 30.2 [27.2-33.2] | 1.97 | 197 | 49 | \
             3309 | 65.5",
            "![Milliseconds per step: batch](batch.svg)",
            "| 2 | 50.0 [45.0-55.0] | 25.0 [22.5-27.5] | 2.00 | 238 | 59 | 4000 |\n",
            "| libtorch | 1000 [900-1100] | 10000 | 2.50 |\n",
            "| optimizer | 10.0 | 25.0 |",
            "| birnn, medium | 10.0 [9.00-11.0] | 594 | 198, 220 | 3.00 |",
            "fused multiply-adds of f32 300, products of bf16 4000.",
            "| birnn | 30.2 | 60.0 [54.0-66.0] | 1.99 |",
            "| birnn | 256 |",
            "| LSTM 2 x 128+128, 100 x 784 x 1 | birnn, recomputed | 1250 | 256 |",
            "| 817 [735-898] | 1796 [1616-1975] | 20.8 | 10.4 | 22.9 |",
            "| LSTM 1 x 100+100, 64 x 20 (one 320) x 13 | 1580 | 8 | ",
        ] {
            assert!(report.contains(part), "no `{part}` in {report}");
        }
        assert!(!report.contains("time.svg"));
    }

    #[test]
    fn where_birnn_loses_is_said() {
        let mut bench = bench();
        let line = |bench: &Bench, start: &str| {
            verdict(bench).lines().find(|line| line.starts_with(start)).map(str::to_owned)
        };
        bench.points.retain(|at| at.point.readout == Readout::Last);
        let small = "LSTM 2 x 128+128, 1 x 28 x 28";
        assert_eq!(
            line(&bench, "birnn is slower than libtorch at: "),
            Some(format!("birnn is slower than libtorch at: {small}."))
        );
        bench.points.retain(|at| at.point.batch > 1);
        assert_eq!(
            line(&bench, "birnn is nowhere"),
            Some("birnn is nowhere slower than libtorch.".to_owned())
        );
        assert_eq!(line(&bench, "birnn is slower"), None);
        assert!(!verdict(&bench).contains("tutorial's loop"));
    }
}
