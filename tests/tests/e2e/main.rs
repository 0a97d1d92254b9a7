//! birnn as its users meet it: the real binary, driven from outside. One program, so that all of it is linked
//! once and runs side by side.
#![expect(clippy::unwrap_used, reason = "tests")]

mod ask;
mod bad_input;
mod compare;
mod configs;
mod docs;
mod doctor;
mod encode;
mod exits;
mod formats;
mod output;
mod own_data;
mod packages;
mod precision;
mod progress;
mod ranks;
mod readme;
mod report;
mod resume;
mod runs;
mod same_data;
mod self_targets;
mod series;
mod serve;
mod streams;
mod sweep;
mod tables;
mod tasks;
mod text;
mod text_formats;
mod train;
mod without_libtorch;

use serde_json::Value;

fn json(text: &str) -> Value {
    serde_json::from_str(text).unwrap_or_else(|error| panic!("{error}: {text}"))
}

/// A small experiment on made up series, with this `[task]`.
fn series_of(task: &str) -> String {
    format!(
        "[task]\n{task}\n[data]\ndataset = \"synthetic-series\"\nlimit = 300\nvalidation = 50\n[model]\n\
         cell = \"gru\"\nhidden = 8\nlayers = 1\n[train]\ndevice = \"cpu\"\nepochs = 2\nbatch_size = 25\n"
    )
}
