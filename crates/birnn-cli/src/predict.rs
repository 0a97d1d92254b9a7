//! `birnn predict`: what pictures show.

use std::path::Path;

use birnn_data::picture;
use serde::Serialize;

use crate::args::PredictArgs;
use crate::eval::{Trained, open};
use crate::failure::Outcome;
use crate::{print, print_json};

/// What `--json` prints.
#[derive(Serialize)]
struct Report<'a> {
    weights: &'a Path,
    classes: &'a [String],
    predictions: Vec<Prediction<'a>>,
}

#[derive(Serialize)]
struct Prediction<'a> {
    image: &'a Path,
    class: &'a str,
    probability: f32,
    /// In the order of the classes.
    probabilities: Vec<f32>,
}

/// Names every picture, or none where one of them cannot be read.
pub fn run(args: &PredictArgs) -> Outcome {
    let Trained { weights, mut learner, about } = open(&args.run, args.device)?;
    let [rows, cols] = about.shape;
    let mut predictions = Vec::new();
    for path in &args.images {
        let probabilities = learner.predict(&picture::read(path, rows, cols)?)?;
        let best = (0..probabilities.len())
            .max_by(|&a, &b| probabilities[a].total_cmp(&probabilities[b]))
            .unwrap_or(0);
        let (class, probability) = (about.classes[best].as_str(), probabilities[best]);
        predictions.push(Prediction { image: path, class, probability, probabilities });
    }
    if args.json {
        return print_json(&Report { weights: &weights, classes: &about.classes, predictions });
    }
    let line =
        |p: &Prediction| format!("{}: {} ({:.2} %)\n", p.image.display(), p.class, 100.0 * p.probability);
    print(&predictions.iter().map(line).collect::<String>())
}
