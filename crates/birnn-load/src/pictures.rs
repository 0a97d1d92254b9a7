//! What is asked: digits, each a PNG of the network's own size, so that all who answer prepare it alike.

use std::io::Cursor;
use std::path::Path;

use anyhow::{Context, Result, anyhow, ensure};
use birnn_data::{Preprocessing, Sequence, picture};
use birnn_infer::{Predictor, Task, Workspace};
use image::{GrayImage, ImageFormat};

/// A picture's file, and the class that the network finds in it.
#[derive(Clone, Debug)]
pub struct Picture {
    pub file: Vec<u8>,
    pub class: String,
}

/// The digits that the tests have, of many fonts.
pub fn all(weights: &Path) -> Result<Vec<Picture>> {
    let predictor = Predictor::open(weights)?;
    let folder = Path::new("tests/fixtures/pictures/fonts");
    let mut paths: Vec<_> = std::fs::read_dir(folder)
        .with_context(|| folder.display().to_string())?
        .map(|entry| Ok(entry?.path()))
        .collect::<Result<_>>()?;
    paths.retain(|path| picture::is_picture(path));
    paths.sort();
    ensure!(!paths.is_empty(), "{}: no pictures", folder.display());
    paths.iter().map(|path| of(path, &predictor)).collect()
}

fn of(path: &Path, predictor: &Predictor) -> Result<Picture> {
    let pixels = picture::read(path, [28, 28], &Preprocessing::default())?;
    let Task::Classify(task) = predictor.task() else {
        return Err(anyhow!("a network of classes was wanted"));
    };
    let logits = predictor.logits(&mut Workspace::new(), Sequence::of_image(&pixels, 28));
    let class = task.classes[task.answer(&logits).class].clone();
    let grey = GrayImage::from_raw(28, 28, pixels).ok_or_else(|| anyhow!("28 x 28 pixels were wanted"))?;
    let mut file = Cursor::new(Vec::new());
    grey.write_to(&mut file, ImageFormat::Png)?;
    Ok(Picture { file: file.into_inner(), class })
}
