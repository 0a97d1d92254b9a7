//! What was found, as a table.

use std::fmt::{self, Write};

use anyhow::{Result, ensure};

use crate::contender::Contender;
use crate::drive::Turn;

/// What a contender comes to at a number of connections: medians over its turns.
#[derive(Clone, Debug)]
pub struct Row {
    name: String,
    connections: usize,
    rate: f64,
    p50: f64,
    p99: f64,
    memory: Option<f64>,
}

impl Row {
    pub fn new(contender: &Contender, connections: usize, turns: &[Turn]) -> Result<Row> {
        let failed: usize = turns.iter().map(|turn| turn.failed).sum();
        ensure!(failed == 0, "{}: {failed} questions without an answer", contender.name());
        let of = |what: &dyn Fn(&Turn) -> f64| median(turns.iter().map(what).collect());
        Ok(Row {
            name: contender.name(),
            connections,
            rate: of(&Turn::rate),
            p50: of(&|turn| turn.percentile(50.0)),
            p99: of(&|turn| turn.percentile(99.0)),
            memory: contender.memory(),
        })
    }
}

fn median(mut values: Vec<f64>) -> f64 {
    values.sort_by(f64::total_cmp);
    let middle = values.len() / 2;
    match values.len() % 2 {
        1 => values[middle],
        _ => (values[middle - 1] + values[middle]) / 2.0,
    }
}

impl fmt::Display for Row {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Row { name, connections, rate, p50, p99, memory } = self;
        write!(
            f,
            "{connections:2} connections, {name}: {rate:.0} answers/s, p50 {p50:.2} ms, p99 {p99:.2} ms"
        )?;
        memory.map_or(Ok(()), |memory| write!(f, ", {memory:.0} MiB"))
    }
}

/// All that was found.
#[derive(Debug)]
pub struct Page {
    pub machine: String,
    pub seconds: u64,
    pub turns: u32,
    pub rows: Vec<Row>,
}

impl Page {
    /// As Markdown.
    pub fn text(&self) -> String {
        let Page { machine, seconds, turns, rows } = self;
        let mut text = format!(
            "# Answers over HTTP\n\nWritten by `cargo xtask load`: birnn {}, {machine}.\n\nThe network that comes with birnn \
             (one LSTM layer, 64+64 units, 28 x 28 pixels), asked on loopback for one picture at a time, a PNG of its own size; \
             who asks, on one thread, shares the cores with who answers. Medians over {turns} turns of {seconds} s, all \
             contenders taking turns; memory is what each holds at the end, proportional set size.\n\n\
             | connections | server | answers/s | p50, ms | p99, ms | MiB | answers of birnn to one of its |\n\
             | ---: | --- | ---: | ---: | ---: | ---: | ---: |\n",
            env!("CARGO_PKG_VERSION")
        );
        for row in rows {
            let Row { name, connections, rate, p50, p99, memory } = row;
            let own =
                rows.iter().find(|other| other.connections == *connections).map_or(f64::NAN, |own| own.rate);
            let memory = memory.map_or_else(String::new, |memory| format!("{memory:.0}"));
            // Writing into a string does not fail.
            let _ = writeln!(
                text,
                "| {connections} | {name} | {rate:.0} | {p50:.2} | {p99:.2} | {memory} | {:.1} |",
                own / rate
            );
        }
        text
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn medians_and_percentiles_are_those_of_sorted_values() {
        assert_eq!((median(vec![3.0, 1.0, 2.0]), median(vec![4.0, 1.0, 2.0, 3.0])), (2.0, 2.5));
        let turn =
            Turn { latencies: (0..=1000).map(|micros| micros * 1000).collect(), seconds: 2.0, failed: 0 };
        assert_eq!((turn.percentile(50.0), turn.percentile(99.0), turn.rate()), (500.0, 990.0, 500.5));
    }
}
