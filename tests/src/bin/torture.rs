//! The long form of the torture test, which prints its counts: `cargo xtask torture`.

use std::process::ExitCode;
use std::time::Instant;

use birnn_tests::torture::{Limits, torture};

fn main() -> ExitCode {
    let seed = match std::env::args().skip(1).collect::<Vec<_>>().as_slice() {
        [] => Some(0),
        [seed] => seed.parse().ok(),
        _ => None,
    };
    let Some(seed) = seed else {
        eprintln!("error: torture takes a seed, a whole number, or nothing");
        return ExitCode::from(2);
    };
    let start = Instant::now();
    let say = |part: &str| println!("{:4.0} s  {part}", start.elapsed().as_secs_f64());
    let counts =
        torture(Limits { stride: 1, ways: 6, kills: 200, remains: 6, resumed: 4, bits: 8, seed }, &say);
    let kills = counts.kills_at_operations + counts.kills_at_random;
    println!(
        "survived: {kills} kills, {} faults, {} remains of power cuts, {} flips, {} truncations (seed \
         {seed})",
        counts.faults, counts.power_cuts.remains, counts.flips, counts.truncations
    );
    ExitCode::SUCCESS
}
