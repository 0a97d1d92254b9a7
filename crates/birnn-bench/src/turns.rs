//! Contenders take turns, so that whatever slows the machine for a while slows all of them.
//!
//! All contenders are measured in one run, with Python waiting on its stdin in between, because results of
//! two runs differ by whatever else the machine did.

use std::time::Instant;

use anyhow::Result;
use clap::Args;
use serde::{Deserialize, Serialize};

use crate::contender::{Contender, Kind};
use crate::stats::Stats;

/// What a contender took.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct Timed {
    /// Which one.
    pub contender: Kind,
    /// Milliseconds.
    #[serde(flatten)]
    pub ms: Stats,
}

/// How long to measure.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize, Args)]
pub struct Effort {
    /// Turns of each contender.
    #[arg(long)]
    pub rounds: usize,
    /// Seconds per turn.
    #[arg(long)]
    pub seconds: f64,
    /// Seconds after which a point gets no further round, once it has had two.
    #[arg(long)]
    pub budget: f64,
}

impl Effort {
    /// For figures to be quoted.
    pub const FULL: Effort = Effort { rounds: 5, seconds: 0.5, budget: 30.0 };
    /// For a first look.
    pub const QUICK: Effort = Effort { rounds: 2, seconds: 0.3, budget: 10.0 };
}

/// A contender by its name.
pub type Entry<'a> = (Kind, Box<dyn Contender + 'a>);

/// Lets each have its turn, round by round.
pub fn alternate(entries: &mut [Entry<'_>], effort: &Effort) -> Result<Vec<Timed>> {
    let begin = Instant::now();
    let mut times = vec![Vec::new(); entries.len()];
    for round in 0..effort.rounds {
        if round >= 2 && begin.elapsed().as_secs_f64() > effort.budget {
            break;
        }
        for ((_, contender), times) in entries.iter_mut().zip(&mut times) {
            times.extend(contender.turn(effort.seconds)?);
        }
    }
    let timed = |(&(contender, _), times): (&Entry<'_>, _)| Timed { contender, ms: Stats::of(times) };
    Ok(entries.iter().zip(times).map(timed).collect())
}

/// The median of one of them.
pub fn median(timed: &[Timed], contender: Kind) -> Option<f64> {
    Some(timed.iter().find(|timed| timed.contender == contender)?.ms.median)
}

#[cfg(test)]
mod tests {
    use std::cell::RefCell;

    use super::*;

    struct Scribe<'a>(&'a RefCell<String>, char);

    impl Contender for Scribe<'_> {
        fn turn(&mut self, _: f64) -> Result<Vec<f64>> {
            self.0.borrow_mut().push(self.1);
            Ok(vec![1.0, 3.0])
        }
    }

    #[track_caller]
    fn check(effort: Effort, turns: &str) {
        let written = RefCell::new(String::new());
        let mut entries: Vec<Entry<'_>> = vec![
            (Kind::Libtorch, Box::new(Scribe(&written, 'l'))),
            (Kind::Birnn, Box::new(Scribe(&written, 'b'))),
        ];
        let timed = alternate(&mut entries, &effort).unwrap();
        assert_eq!(written.borrow().as_str(), turns);
        assert_eq!(median(&timed, Kind::Birnn), Some(2.0));
        assert_eq!(timed[0].ms.count, turns.len());
        assert_eq!(median(&timed, Kind::Tutorial), None);
    }

    #[test]
    fn turns_alternate_and_slow_points_have_two_rounds() {
        check(Effort { rounds: 3, seconds: 0.0, budget: 1e9 }, "lblblb");
        check(Effort { rounds: 3, seconds: 0.0, budget: -1.0 }, "lblb");
    }
}
