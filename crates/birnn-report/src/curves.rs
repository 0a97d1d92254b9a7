//! How the training went: curves of the run's records.

use birnn_data::Per;
use birnn_experiment::Monitor;
use birnn_infer::Task;

use crate::chart::{Axis, Chart, Line, Point, Scale, Side, thinned};
use crate::figure::Figure;
use crate::number::number;
use crate::records::Records;
use crate::words::Words;

/// More points than this would be too close to be told apart.
const POINTS: usize = 250;
/// Values that differ by more than this factor are drawn on a logarithmic scale.
const WIDE: f64 = 20.0;

/// The figures for which there are records.
pub(crate) fn curves(records: &Records, monitor: Monitor, task: &Task, words: Words) -> Vec<Figure> {
    let tells_numbers = matches!(task, Task::Regress(_));
    let mut scores = vec![if tells_numbers { Monitor::Rmse } else { Monitor::Accuracy }];
    // Of others there is a curve where they decide; older runs did not record macro F1.
    if ![Monitor::Loss, scores[0]].contains(&monitor) {
        scores.push(monitor);
    }
    let scores = scores.into_iter().map(|found| score(records, found, monitor, task, words));
    let figures = std::iter::once(loss(records, tells_numbers, words)).chain(scores);
    figures.chain([rate(records), speed(records, words)]).flatten().collect()
}

/// That points `of` a line are means of several in a row, where they are.
fn means(of: &str, several: usize, what: &str) -> String {
    if several > 1 { format!(" Each point {of}is the mean of {several} {what}.") } else { String::new() }
}

fn loss(records: &Records, tells_numbers: bool, words: Words) -> Option<Figure> {
    let steps: Vec<Point> =
        records.steps.iter().filter_map(|step| Some((step.step as f64, step.loss?))).collect();
    let (steps, several) = thinned(&steps, POINTS);
    let epochs = records.epochs.iter();
    let validation = epochs.clone().filter_map(|e| Some((e.step as f64, e.validation.as_ref()?.loss)));
    let lines = [
        Line::new("one batch", steps),
        Line::new("mean of the epoch", epochs.map(|epoch| (epoch.step as f64, epoch.train_loss)).collect()),
        Line::new("validation", validation.collect()),
    ];
    let lines = present(lines)?;
    let x = across("step", &lines);
    let axis = losses(&lines);
    let scale = if axis.scale == Scale::Logarithmic {
        " The scale is logarithmic: each power of ten is as far from the next."
    } else {
        ""
    };
    let mean = means("of a batch ", several, "logged steps");
    let samples = words.samples;
    let (what, unit) = match tells_numbers {
        true => ("The error that training lowers, in standard deviations of the training targets,", "loss"),
        false => ("Cross-entropy", "loss in nats"),
    };
    let validation = if lines.iter().any(|line| line.name == "validation") {
        format!(
            " Where the validation loss, of {samples} that training never sees, rises while the others fall, the \
             net learns its training {samples} by heart."
        )
    } else {
        String::new()
    };
    let caption = format!(
        "{what} as training went on, one step being one update from one batch: lower is better. One \
         batch is noisy; the mean of an epoch is over all its batches, as they were \
         taken.{validation}{mean}{scale}"
    );
    Some(figure("loss", "Loss", caption, x, Side::new(unit, axis), lines))
}

/// A score of the validation, which is not the loss, after each epoch.
fn score(records: &Records, score: Monitor, monitor: Monitor, task: &Task, words: Words) -> Option<Figure> {
    let found = records.epochs.iter().filter_map(|e| Some((e.epoch as f64, e.validation.as_ref()?)));
    let count = found.clone().map(|(_, validation)| validation.positions).max()?;
    let points: Vec<Point> = found.map(|(epoch, validation)| (epoch, validation.monitored(score))).collect();
    let (points, several) = thinned(&points, POINTS);
    let lines = present([Line::new("validation", points)])?;
    let values = lines[0].points.iter().map(|point| point.1);
    let is_share = matches!(score, Monitor::Accuracy | Monitor::MacroF1 | Monitor::F1);
    let axis = if is_share { Axis::of_shares(values) } else { Axis::linear(values, false, false) };
    let cut = if axis.low > 0.0 { " The axis does not begin at 0." } else { "" };
    let y = Side { percent: is_share, ..Side::new(&score.to_string(), axis) };
    let of = if task.per() == Per::Step { format!(" of the {}", words.samples) } else { String::new() };
    let (counted, unit) = match (task.self_targets(), task) {
        (Some(own), Task::Regress(_)) => (own.kind().noun(), "in standard deviations of the features"),
        (Some(_), Task::Classify(_)) => (task.counted(), ""),
        (None, _) => (words.counted(task.per()).samples, "in the units of the targets"),
    };
    let kept = format!("{} {counted}{of} kept back from training", number(count as f64));
    let (id, title, what) = match score {
        // It has a figure of its own.
        Monitor::Loss => return None,
        Monitor::Accuracy => (
            "accuracy",
            "Validation accuracy",
            format!("Share of the {kept} that were classified correctly after each epoch."),
        ),
        Monitor::MacroF1 => (
            "macro-f1",
            "Validation macro F1",
            format!("Mean of the classes' F1 on the {kept}, each class counting the same, after each epoch."),
        ),
        Monitor::F1 => (
            "f1",
            "Validation F1",
            format!(
                "F1 of the spans that the tags of the {kept} mark, of all types together, after each epoch."
            ),
        ),
        Monitor::Rmse => (
            "rmse",
            "Validation RMSE",
            format!(
                "The root of the mean squared error on the {kept}, in the units of the targets, after each epoch."
            ),
        ),
        Monitor::Mae => (
            "mae",
            "Validation MAE",
            format!("The mean absolute error on the {kept}, {unit}, after each epoch."),
        ),
        Monitor::R2 => (
            "r2",
            "Validation R2",
            format!(
                "The share of the targets' variance that the predictions explain, on the {kept}, after each epoch."
            ),
        ),
    };
    let decides = match (score == monitor, monitor.is_better(1.0, 0.0)) {
        (false, _) => "",
        (true, true) => " The best epoch is the one in which it is highest.",
        (true, false) => " The best epoch is the one in which it is lowest.",
    };
    let mean = means("", several, "epochs");
    Some(figure(id, title, format!("{what}{decides}{mean}{cut}"), across("epoch", &lines), y, lines))
}

fn rate(records: &Records) -> Option<Figure> {
    let steps: Vec<Point> = records.steps.iter().map(|step| (step.step as f64, step.rate)).collect();
    let (steps, several) = thinned(&steps, POINTS);
    let lines = present([Line::new("learning rate", steps)])?;
    let axis = Axis::linear(lines[0].points.iter().map(|point| point.1), true, false);
    let caption = format!(
        "How far each update went along the gradient, at the steps that were logged: the schedule of the experiment.{}",
        means("", several, "logged steps")
    );
    let y = Side::new("learning rate", axis);
    Some(figure("rate", "Learning rate", caption, across("step", &lines), y, lines))
}

fn speed(records: &Records, words: Words) -> Option<Figure> {
    let per_second = format!("{} per second", words.samples);
    let epochs: Vec<Point> =
        records.timing.iter().map(|timing| (timing.epoch as f64, timing.samples_per_second)).collect();
    let (epochs, several) = thinned(&epochs, POINTS);
    let lines = present([Line::new(&per_second, epochs)])?;
    let axis = Axis::linear(lines[0].points.iter().map(|point| point.1), true, false);
    let seconds: f64 = records.timing.iter().map(|timing| timing.seconds).sum();
    let caption = format!(
        "Training {per_second} in each epoch, evaluation and checkpoints left out; {} of training in \
         all. It says something of the machine and what else it did, and nothing of the net.{}",
        duration(seconds),
        means("", several, "epochs")
    );
    let y = Side::new(&per_second, axis);
    Some(figure("speed", "Speed", caption, across("epoch", &lines), y, lines))
}

/// The lines that have points; `None` where none has.
fn present<const N: usize>(lines: [Line; N]) -> Option<Vec<Line>> {
    let lines: Vec<Line> = lines.into_iter().filter(|line| !line.points.is_empty()).collect();
    (!lines.is_empty()).then_some(lines)
}

fn across(label: &str, lines: &[Line]) -> Side {
    let last = lines.iter().flat_map(|line| &line.points).map(|point| point.0).fold(0.0, f64::max);
    Side::new(label, Axis::counting(if label == "step" { 0.0 } else { 1.0 }, last))
}

fn losses(lines: &[Line]) -> Axis {
    let values = || lines.iter().flat_map(|line| &line.points).map(|point| point.1);
    let (low, high) = (values().fold(f64::INFINITY, f64::min), values().fold(0.0, f64::max));
    if low > 0.0 && high > WIDE * low {
        Axis::logarithmic(values())
    } else {
        Axis::linear(values(), true, false)
    }
}

fn figure(id: &str, title: &str, caption: String, x: Side, y: Side, lines: Vec<Line>) -> Figure {
    Chart { id: id.to_owned(), title: title.to_owned(), caption, x, y, lines }.figure()
}

/// Seconds for people.
pub(crate) fn duration(seconds: f64) -> String {
    match seconds {
        ..10.0 => format!("{seconds:.1} s"),
        ..120.0 => format!("{seconds:.0} s"),
        ..7200.0 => format!("{:.0} min", seconds / 60.0),
        _ => format!("{:.1} h", seconds / 3600.0),
    }
}

#[cfg(test)]
mod tests {
    use birnn_infer::{Step, Timing};

    use super::*;
    use crate::records::made_up;

    fn records(steps: usize, last: f64) -> Records {
        let loss = |step: usize| if step < steps { 1.0 } else { last };
        let step = |step: usize| Step { step, epoch: 1, rate: 0.1, samples: 5, loss: Some(loss(step)) };
        let epoch = made_up::epoch(steps, None);
        let steps = (1..=steps).map(step).collect();
        Records { steps, epochs: vec![epoch], ..Records::default() }
    }

    fn curves_of(records: &Records, monitor: Monitor) -> Vec<Figure> {
        let images = birnn_data::Modality::Images { shape: [1, 1], preprocessing: None };
        curves(records, monitor, &Task::classify(Vec::new()), Words::of(&images))
    }

    fn ids(records: &Records) -> Vec<String> {
        curves_of(records, Monitor::Loss).into_iter().map(|figure| figure.id).collect()
    }

    #[test]
    fn there_are_figures_of_what_was_recorded() {
        assert!(ids(&Records::default()).is_empty());
        let mut some = records(3, 1.0);
        assert_eq!(ids(&some), ["loss", "rate"]);
        some.epochs[0].validation = Some(made_up::evaluation(1000, 900, 0.5));
        some.timing.push(Timing { epoch: 1, seconds: 180.0, samples_per_second: 20.0 });
        assert_eq!(ids(&some), ["loss", "accuracy", "rate", "speed"]);
        let figures = curves_of(&some, Monitor::Loss);
        assert!(figures[0].legend.contains(&("validation".to_owned(), false)));
        assert!(figures[1].caption.contains("Share of the 1,000 images"));
        assert!(figures[3].caption.contains("3 min of training"));
        assert!(!figures[1].caption.contains("best epoch"));
        let monitored = curves_of(&some, Monitor::Accuracy);
        assert!(monitored.len() == 4 && monitored[1].caption.contains("best epoch"));
        let monitored = curves_of(&some, Monitor::MacroF1);
        assert_eq!(monitored[2].id, "macro-f1");
        assert!(monitored[2].caption.contains("best epoch") && !monitored[1].caption.contains("best epoch"));
    }

    #[test]
    fn captions_say_how_the_lines_were_drawn() {
        let caption = |records: &Records| curves_of(records, Monitor::Loss).remove(0).caption;
        let plain = caption(&records(POINTS, 0.5));
        assert!(!plain.contains("logarithmic") && !plain.contains("logged steps"), "{plain}");
        let thin = caption(&records(POINTS + 1, 0.001));
        assert!(thin.contains("the mean of 2 logged steps"), "{thin}");
        assert!(caption(&records(10, 0.001)).contains("logarithmic"));
    }

    #[test]
    fn durations_are_short() {
        assert_eq!([3.2, 119.0, 180.0, 9000.0].map(duration), ["3.2 s", "119 s", "3 min", "2.5 h"]);
    }
}
