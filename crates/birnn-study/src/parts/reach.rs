//! How far gradients reach: the gradient of the loss with respect to the state of each step, by its distance
//! from where the state is read.

use std::path::{Path, PathBuf};

use anyhow::{Context, Result, ensure};
use birnn_data::{DataConfig, DataError, Locations, Split, Splits, Values};
use birnn_experiment::Source;
use birnn_infer::Predictor;
use birnn_report::StateGradients;
use birnn_report::chart::{Axis, Chart, Line, Side};
use birnn_run::weights_of;

use super::{Net, Part, Section, Table, command, group, trained};
use crate::group::{error, percent};
use crate::runner::{NoData, Ran, Runner};
use crate::trial::Trial;

const CONFIG: &str = "configs/study/reach.toml";
const CELLS: [&str; 3] = ["rnn", "gru", "lstm"];
/// Steps and values of each: the same 784 values of a digit.
const SHAPES: [[usize; 2]; 3] = [[28, 28], [112, 7], [784, 1]];
/// Digits to train and to judge by.
const DIGITS: [usize; 2] = [3000, 1000];
const QUICK_DIGITS: [usize; 2] = [500, 200];
/// A gradient reaches as far as it is more than this share of that at the end where the state is read.
const REACHES: f64 = 0.01;

/// What is less than this is nothing to learn by, and not drawn.
const NOTHING: f64 = 1e-8;

/// A net as it begins, and after training.
struct Pair {
    cell: &'static str,
    shape: [usize; 2],
    began: Net,
    trained: Net,
}

/// Asks it.
pub fn study(runner: &Runner, seeds: u32) -> Result<Section> {
    let data = runner.folder().join("data");
    let (digits, shapes, epochs) =
        if runner.is_quick() { (QUICK_DIGITS, &SHAPES[..2], 2) } else { (DIGITS, &SHAPES[..], 5) };
    write_digits(&data, digits)?;
    let pairs: Vec<Pair> = shapes
        .iter()
        .copied()
        .flat_map(|shape| CELLS.map(|cell| Pair::new(&data, cell, shape, epochs)))
        .collect();
    let (loss, accuracy) = (error("loss", "", 2), percent("accuracy"));
    let lengths: Vec<String> = shapes.iter().map(|[steps, _]| steps.to_string()).collect();
    let mut section = Section::new(
        Part::Reach,
        "The chain of gradients through a recurrent net is long, and gradients vanish along it.",
        format!(
            "The first {} digits of MNIST, cut into {} steps of the same values. One layer of 64 units each \
             way, read by the final states. The norm of the gradient of a digit's loss with respect to the \
             state of a step is compared with that at the end where the direction is read, in the mean over \
             test digits; it reaches so many steps as are passed before it is below {} % of that. As a net \
             begins, and after {epochs} epochs. Of steps the median, and in brackets the least and the most \
             of the seeds; a net that guesses has 10 % of the digits right; \"all\" says that it is nowhere \
             below. `cargo xtask study --only reach` writes the digits' files and measures the gradients; \
             the commands below train the nets.",
            digits[0],
            lengths.join(", "),
            100.0 * REACHES
        ),
    );
    let nets: Vec<Net> = pairs.iter().flat_map(|pair| [pair.began.clone(), pair.trained.clone()]).collect();
    let all = trained(runner, &nets, seeds)?;
    let mut rows = Vec::new();
    let mut lines: Vec<(usize, Line)> = Vec::new();
    for (pair, ran) in pairs.iter().zip(all.chunks(2)) {
        let (began, after) = (&ran[0], &ran[1]);
        let test = pair.test()?;
        let profiles = |ran: &[Ran]| -> Result<Vec<[Vec<f64>; 2]>> {
            ran.iter().map(|ran| profile(&ran.folder, &test)).collect()
        };
        let (began, profiles) = (profiles(began)?, profiles(after)?);
        let [[first, first_reverse], [forward, reverse]] =
            [&began, &profiles].map(|of| [0, 1].map(|direction| reach(of, direction)));
        let accuracy = accuracy.mean(&group("", after, "/accuracy")?);
        section.found.push(format!(
            "**{} over {} steps**: {first} as it begins; trained, when it has {accuracy} of the test digits \
             right, {forward} forward and {reverse} in reverse.",
            pair.cell.to_uppercase(),
            pair.shape[0],
        ));
        rows.push(vec![
            pair.cell.to_uppercase(),
            pair.shape[0].to_string(),
            first,
            first_reverse,
            forward,
            reverse,
            loss.mean(&group("", after, "/loss")?),
            accuracy,
        ]);
        lines.push((pair.shape[0], Line::new(&pair.cell.to_uppercase(), mean(&profiles, 0))));
        section.commands.extend([command(&pair.began, seeds), command(&pair.trained, seeds)]);
    }
    section.tables.push(Table {
        title: "Steps that the gradient reaches".to_owned(),
        head: [
            "cell",
            "steps",
            "as it begins, forward",
            "reverse",
            "trained, forward",
            "reverse",
            "test loss",
            "accuracy",
        ]
        .map(str::to_owned)
        .to_vec(),
        rows,
    });
    for [length, _] in SHAPES {
        let of_length: Vec<Line> =
            lines.iter().filter(|(steps, _)| *steps == length).map(|(_, line)| line.clone()).collect();
        if of_length.is_empty() {
            continue;
        }
        section.charts.push(Chart {
            id: format!("reach-{length}"),
            title: format!("Gradient by distance, {length} steps, forward, after training"),
            caption: String::new(),
            x: Side::new("steps from the end", Axis::counting(0.0, length as f64 - 1.0)),
            y: Side::new("share of that at the end", Axis::logarithmic([NOTHING, 1.0].into_iter())),
            lines: of_length,
        });
    }
    Ok(section)
}

impl Pair {
    fn new(data: &Path, cell: &'static str, shape: [usize; 2], epochs: usize) -> Pair {
        let [rows, cols] = shape;
        let files = [
            ("train_images", format!("train-images-{rows}x{cols}")),
            ("train_labels", "train-labels".to_owned()),
            ("test_images", format!("test-images-{rows}x{cols}")),
            ("test_labels", "test-labels".to_owned()),
        ];
        let mut sets = vec![format!("model.cell={cell}")];
        sets.extend(files.map(|(key, name)| format!("data.{key}={}", shown(&data.join(name)))));
        let net = |when: &str, more: &[&str]| Net {
            name: format!("{} over {rows} steps, {when}", cell.to_uppercase()),
            trial: Trial {
                config: CONFIG,
                name: format!("reach-{cell}-{rows}-{when}"),
                sets: sets.iter().cloned().chain(more.iter().map(|&set| set.to_owned())).collect(),
                files: &[],
                stages: Vec::new(),
                seed: 0,
            },
        };
        // Steps that change no weight.
        let began = net("began", &["train.epochs=1", "train.optimizer.lr=1e-30", "data.limit=50"]);
        Pair { cell, shape, began, trained: net("trained", &[&format!("train.epochs={epochs}")]) }
    }

    /// The digits that its nets are judged by.
    fn test(&self) -> Result<Split> {
        let source = Source::read(Path::new(CONFIG), &self.trained.trial.sets)?;
        let Splits { test, .. } =
            birnn_data::load(&source.plan()?.data, &Locations::new(None, true), &mut |_| {})?;
        Ok(test)
    }
}

/// A path as it is typed in the project's folder.
fn shown(path: &Path) -> String {
    let here = std::env::current_dir().unwrap_or_default();
    path.strip_prefix(here).unwrap_or(path).display().to_string()
}

/// By direction, forward first, the norms by the distance from the end where it is read, as shares of that at
/// the end.
fn profile(run: &Path, test: &Split) -> Result<[Vec<f64>; 2]> {
    let predictor = Predictor::open(&weights_of(run)?)?;
    let gradients = StateGradients::new(&predictor, test);
    let of = |reverse: bool| -> Result<Vec<f64>> {
        let direction = gradients.directions.iter().find(|direction| direction.reverse == reverse);
        let direction = direction.context("a direction is missing")?;
        let mut norms: Vec<f64> = direction.norms.iter().map(|norm| norm.unwrap_or(0.0)).collect();
        // The forward direction is read at the last step, the reverse one at the first.
        if !reverse {
            norms.reverse();
        }
        let end = norms.first().copied().filter(|&end| end > 0.0).context("the loss has no gradient")?;
        Ok(norms.into_iter().map(|norm| norm / end).collect())
    };
    Ok([of(false)?, of(true)?])
}

/// How far gradients reach in a direction, by the seeds: the median, the least and the most.
fn reach(profiles: &[[Vec<f64>; 2]], direction: usize) -> String {
    let mut each: Vec<usize> = profiles.iter().map(|of| reached(&of[direction])).collect();
    each.sort_unstable();
    let all = profiles.first().map_or(0, |of| of[direction].len() - 1);
    let named = |steps: usize| if steps == all { "all".to_owned() } else { steps.to_string() };
    let (Some(&least), Some(&most)) = (each.first(), each.last()) else { return String::new() };
    // Of an even number it is halfway between the two in the middle.
    let median = (each[(each.len() - 1) / 2] + each[each.len() / 2]).div_ceil(2);
    format!("{} steps ({} to {})", named(median), named(least), named(most))
}

/// Steps before the gradient is below [`REACHES`], the end itself left out.
fn reached(shares: &[f64]) -> usize {
    shares.iter().take_while(|&&share| share >= REACHES).count().saturating_sub(1)
}

/// The geometric mean over seeds, by distance, as far as it is more than [`NOTHING`]: of what falls by orders
/// of magnitude the usual one is the largest's.
fn mean(profiles: &[[Vec<f64>; 2]], direction: usize) -> Vec<(f64, f64)> {
    let length = profiles.first().map_or(0, |of| of[direction].len());
    let at = |distance: usize| {
        let logs: f64 = profiles.iter().map(|of| of[direction][distance].ln()).sum();
        (distance as f64, (logs / profiles.len() as f64).exp())
    };
    (0..length).map(at).filter(|&(_, share)| share >= NOTHING).collect()
}

/// Writes the first digits of MNIST as IDX files of every shape; those of training and those of the test.
fn write_digits(folder: &Path, [train, test]: [usize; 2]) -> Result<()> {
    std::fs::create_dir_all(folder).with_context(|| format!("cannot make {}", folder.display()))?;
    // MNIST.
    let plan = DataConfig::default().resolve()?;
    let splits =
        birnn_data::load(&plan, &Locations::new(None, false), &mut |_| {}).map_err(|error| match error {
            DataError::Unobtainable(reason) => NoData::new(reason.to_string()).into(),
            other => anyhow::Error::from(other),
        })?;
    for (name, split, count) in [("train", &splits.train, train), ("test", &splits.test, test)] {
        let (Values::Bytes(pixels), Some(labels)) = (split.sequences.values(), split.labels()) else {
            anyhow::bail!("MNIST is no images");
        };
        let size = 28 * 28;
        ensure!(pixels.len() >= count * size && labels.len() >= count, "MNIST is too small");
        for [rows, cols] in SHAPES {
            let to = folder.join(format!("{name}-images-{rows}x{cols}"));
            write(&to, &idx(&[count, rows, cols], &pixels[..count * size]))?;
        }
        let labels: Vec<u8> = labels[..count].iter().map(|&digit| digit as u8).collect();
        write(&folder.join(format!("{name}-labels")), &idx(&[count], &labels))?;
    }
    Ok(())
}

fn write(to: &PathBuf, bytes: &[u8]) -> Result<()> {
    std::fs::write(to, bytes).with_context(|| format!("cannot write {}", to.display()))
}

/// An IDX file of bytes: a magic number with the count of dimensions, the dimensions, the values.
fn idx(shape: &[usize], values: &[u8]) -> Vec<u8> {
    let mut file = vec![0, 0, 8, shape.len() as u8];
    shape.iter().for_each(|&size| file.extend((size as u32).to_be_bytes()));
    file.extend(values);
    file
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_gradient_reaches_until_it_is_too_small() {
        assert_eq!(reached(&[1.0, 0.5, 0.02, 0.009, 0.5]), 2);
        assert_eq!(reached(&[1.0, 0.001]), 0);
        assert_eq!(reached(&[1.0, 1.0, 1.0]), 2);
        let profiles =
            [[vec![1.0, 1.0, 1.0], vec![1.0, 0.0, 0.0]], [vec![1.0, 0.5, 0.0], vec![1.0, 0.0, 0.0]]];
        assert_eq!(reach(&profiles, 0), "all steps (1 to all)");
        assert_eq!(reach(&profiles, 1), "0 steps (0 to 0)");
    }

    #[test]
    fn idx_files_are_read_back() {
        let images = birnn_data::parse_images(&idx(&[2, 3, 1], &[1, 2, 3, 4, 5, 6])).unwrap();
        assert_eq!((images.rows, images.cols, images.pixels.as_slice()), (3, 1, &[1, 2, 3, 4, 5, 6][..]));
        assert_eq!(birnn_data::parse_labels(&idx(&[2], &[7, 8])).unwrap(), [7, 8]);
    }
}
