//! What is asked: digits, each a PNG of the network's own size, so that all who answer prepare it alike.

use std::io::Cursor;
use std::path::Path;

use anyhow::{Context, Result, anyhow};
use birnn_data::{Preprocessing, picture};
use image::{GrayImage, ImageFormat};

/// A picture's file, and what it shows.
#[derive(Clone, Debug)]
pub struct Picture {
    pub file: Vec<u8>,
    pub digit: char,
}

/// The digits that the tests have, drawn by many hands and fonts.
pub fn all() -> Result<Vec<Picture>> {
    let folder = Path::new("tests/fixtures/pictures/fonts");
    let mut paths: Vec<_> = std::fs::read_dir(folder)
        .with_context(|| folder.display().to_string())?
        .map(|entry| Ok(entry?.path()))
        .collect::<Result<_>>()?;
    paths.retain(|path| picture::is_picture(path));
    paths.sort();
    paths.iter().map(|path| of(path)).collect()
}

fn of(path: &Path) -> Result<Picture> {
    let name = path.file_name().unwrap_or_default().to_string_lossy();
    let digit = name.chars().next().filter(char::is_ascii_digit);
    let digit =
        digit.with_context(|| format!("{}: its name does not begin with its digit", path.display()))?;
    let pixels = picture::read(path, [28, 28], &Preprocessing::default())?;
    let grey = GrayImage::from_raw(28, 28, pixels).ok_or_else(|| anyhow!("28 x 28 pixels were wanted"))?;
    let mut file = Cursor::new(Vec::new());
    grey.write_to(&mut file, ImageFormat::Png)?;
    Ok(Picture { file: file.into_inner(), digit })
}
