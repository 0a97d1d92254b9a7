//! birnn as its users meet it: the real binary, driven from outside. One program, so that all of it is linked
//! once and runs side by side.
#![expect(clippy::unwrap_used, reason = "tests")]

mod ask;
mod bad_input;
mod compare;
mod configs;
mod docs;
mod doctor;
mod exits;
mod formats;
mod output;
mod own_data;
mod packages;
mod progress;
mod readme;
mod report;
mod resume;
mod series;
mod sweep;
mod train;
mod without_libtorch;

use serde_json::Value;

fn json(text: &str) -> Value {
    serde_json::from_str(text).unwrap_or_else(|error| panic!("{error}: {text}"))
}
