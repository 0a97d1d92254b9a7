//! Digits where torchvision looks for them, so that the tutorial's loop downloads nothing.

use std::path::Path;

use anyhow::{Context, Result};
use birnn_data::{DataConfig, Fallback, Images, Locations, load};

/// Writes MNIST under `root`, or synthetic digits where it is nowhere on disk; says which.
pub fn lay_out(root: &Path) -> Result<String> {
    let plan = DataConfig { fallback: Fallback::Synthetic, ..DataConfig::default() }.resolve()?;
    let splits = load(&plan, &Locations::new(None, true), &mut |_| ())?;
    let folder = root.join("MNIST/raw");
    std::fs::create_dir_all(&folder).with_context(|| format!("cannot make {}", folder.display()))?;
    for (prefix, split) in [("train", &splits.train), ("t10k", &splits.test)] {
        let labels = split.labels().context("MNIST has classes")?;
        let labels: Vec<u8> = labels.iter().map(|&digit| digit as u8).collect();
        let Images { rows, cols, pixels } = split.sequences.to_images().context("MNIST is images")?;
        let files = [
            ("images-idx3-ubyte", idx(&[labels.len(), rows, cols], &pixels)),
            ("labels-idx1-ubyte", idx(&[labels.len()], &labels)),
        ];
        for (name, bytes) in files {
            let path = folder.join(format!("{prefix}-{name}"));
            std::fs::write(&path, bytes).with_context(|| format!("cannot write {}", path.display()))?;
        }
    }
    Ok(splits.provenance.dataset)
}

fn idx(shape: &[usize], bytes: &[u8]) -> Vec<u8> {
    let mut file = vec![0, 0, 8, shape.len() as u8];
    shape.iter().for_each(|&n| file.extend((n as u32).to_be_bytes()));
    file.extend(bytes);
    file
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_written_is_idx() {
        let images = birnn_data::parse_images(&idx(&[2, 1, 3], &[1, 2, 3, 4, 5, 6])).unwrap();
        assert_eq!((images.rows, images.cols, images.len()), (1, 3, 2));
        assert_eq!(birnn_data::parse_labels(&idx(&[2], &[7, 9])).unwrap(), [7, 9]);
    }
}
