//! How long an answer will take, before anything is done for it.

use birnn_architecture::{CHARACTER_EMBEDDING, CHARACTERS, EMBEDDING};
use birnn_data::{Modality, Per, picture};
use birnn_infer::Predictor;

use crate::asked::{Asked, Length};

/// A step takes as long as so many products at least, however narrow the network is.
const LEAST: usize = 4000;

/// So many that one of its numbers takes, written as JSON.
const NUMBER: usize = 1000;

/// So many that a pixel takes which is looked at for ink, of the square around a picture.
const PIXEL: usize = 1000;

/// What the answers of a network take, in products and sums of its, of which a core does some ten million in
/// a millisecond.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Effort {
    step: usize,
    character: usize,
    /// Steps of an image.
    rows: usize,
}

impl Effort {
    /// That of a network: its parameters, but of tables a step reads one row.
    pub(crate) fn of(predictor: &Predictor) -> Effort {
        let (architecture, manifest) = (predictor.network().architecture(), predictor.manifest());
        let outputs = predictor.task().outputs();
        let [mut step, mut character] = [LEAST; 2];
        for (name, shape) in architecture.parameters(manifest.modality.inputs(), outputs) {
            let is_table = [EMBEDDING, CHARACTER_EMBEDDING]
                .iter()
                .any(|table| name.strip_suffix(".weight") == Some(table));
            let of = if name.starts_with(CHARACTERS) { &mut character } else { &mut step };
            *of += if is_table { 0 } else { shape.iter().product::<usize>() };
        }
        if predictor.task().per() == Per::Step {
            step += NUMBER * outputs;
        }
        let rows = match manifest.modality {
            Modality::Images { shape: [rows, _], .. } => rows,
            Modality::Series(_) | Modality::Text(_) => 0,
        };
        Effort { step, character, rows }
    }

    /// That of a picture's file, by the size that it says it has; of what is no picture none.
    pub(crate) fn of_picture(self, file: &[u8]) -> usize {
        let [width, height] = picture::size(file).unwrap_or_default().map(|side| side as usize);
        let side = width.max(height);
        side.saturating_mul(side).saturating_mul(PIXEL).saturating_add(self.rows * self.step)
    }

    /// That of samples; `None` where files of pictures are among them.
    pub(crate) fn of_asked(self, asked: &Asked) -> Option<usize> {
        let Length { images, steps, characters } = asked.length()?;
        let steps = (images * self.rows).saturating_add(steps).saturating_mul(self.step);
        Some(steps.saturating_add(characters.saturating_mul(self.character)))
    }
}
