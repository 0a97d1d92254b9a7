//! Any bytes are a checkpoint that a net can be made of, or an error. Here, and only here, the digest is not
//! held against the content, which no mutation would get past. What is asked without libtorch is a net too,
//! and answers.
#![no_main]

use std::path::Path;

use birnn_data::{Modality, Sentences, Sequence};
use birnn_engine::{Checkpoint, Device};
use birnn_infer::{Predictor, Workspace};
use libfuzzer_sys::fuzz_target;

fuzz_target!(|bytes: &[u8]| {
    if let Ok(predictor) = Predictor::from_bytes(Path::new("fuzzed"), bytes) {
        let modality = &predictor.manifest().modality;
        let (rows, features) = (modality.steps().map_or(1, |steps| steps[0]), modality.features());
        // Samples of any size are allowed; what a mutation makes of one is not worth the time.
        if rows.saturating_mul(features) <= 1 << 12 {
            let (pixels, numbers) = (vec![255; rows * features], vec![0.5; rows * features]);
            let mut sentence = Sentences::default();
            (0..rows).for_each(|_| sentence.push("word"));
            sentence.end();
            let sentence = sentence.finish();
            let sample = match modality {
                Modality::Text(_) => sentence.get(0),
                Modality::Images { .. } => Sequence::of_image(&pixels, features),
                Modality::Series(_) => Sequence::of_series(&numbers, features),
            };
            predictor.logits(&mut Workspace::new(), sample);
        }
    }
    if let Ok(checkpoint) = Checkpoint::parse(Path::new("fuzzed"), bytes) {
        let mut learner = checkpoint.learner(Device::Cpu).expect("what was verified makes a net");
        checkpoint.restore(&mut learner).expect("what was verified is restored");
    }
});
