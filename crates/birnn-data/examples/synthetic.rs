//! Writes the synthetic digits as the four gzipped IDX files of MNIST, for programs that read nothing else:
//!
//! ```sh
//! cargo run -p birnn-data --example synthetic -- FOLDER
//! ```

use std::error::Error;
use std::fs::File;
use std::io::Write;
use std::path::PathBuf;

use birnn_data::{DataConfig, Dataset, Locations, load};
use flate2::Compression;
use flate2::write::GzEncoder;

fn main() -> Result<(), Box<dyn Error>> {
    let folder = PathBuf::from(std::env::args_os().nth(1).ok_or("the folder to write to is not named")?);
    std::fs::create_dir_all(&folder)?;
    let plan = DataConfig { dataset: Dataset::Synthetic, ..DataConfig::default() }.resolve()?;
    let splits = load(&plan, &Locations::new(None, true), &mut |_| ())?;
    for (prefix, split) in [("train", &splits.train), ("t10k", &splits.test)] {
        let images = split.sequences.to_images().ok_or("digits are images")?;
        let labels = split.labels().ok_or("digits have classes")?;
        let files = [
            ("images-idx3", vec![labels.len(), images.rows, images.cols], &images.pixels),
            ("labels-idx1", vec![labels.len()], &labels.iter().map(|&label| label as u8).collect()),
        ];
        for (name, shape, bytes) in files {
            let file = File::create(folder.join(format!("{prefix}-{name}-ubyte.gz")))?;
            // No time of day in its header: the same digits are the same file.
            let mut file = GzEncoder::new(file, Compression::best());
            file.write_all(&[0, 0, 8, shape.len() as u8])?;
            for length in shape {
                file.write_all(&u32::try_from(length)?.to_be_bytes())?;
            }
            file.write_all(bytes)?;
            file.finish()?.sync_all()?;
        }
    }
    Ok(())
}
