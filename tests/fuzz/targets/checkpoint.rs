//! Any bytes are a checkpoint that a net can be made of, or an error. Here, and only here, the digest is not held against
//! the content, which no mutation would get past.
#![no_main]

use std::path::Path;

use birnn_engine::{Checkpoint, Device};
use libfuzzer_sys::fuzz_target;

fuzz_target!(|bytes: &[u8]| {
    if let Ok(checkpoint) = Checkpoint::parse(Path::new("fuzzed"), bytes) {
        let mut learner = checkpoint.learner(Device::Cpu).expect("what was verified makes a net");
        checkpoint.restore(&mut learner).expect("what was verified is restored");
    }
});
