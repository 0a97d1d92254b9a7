//! The short table, put between two markers of a Markdown file.

use std::path::{Path, PathBuf};

use anyhow::{Context, Result, bail};

use crate::bench::Bench;
use crate::contender::Kind;
use crate::measure::TEST_IMAGES;
use crate::point::{Point, TUTORIAL};
use crate::report::{machine, times};
use crate::sweeps::{PIXELS, Sweep};
use crate::table::{number, table};
use crate::turns::{Timed, median};

const OPEN: &str = "<!-- bench -->";
const CLOSE: &str = "<!-- /bench -->";

/// A file with both markers.
pub struct Readme {
    path: PathBuf,
    before: String,
    after: String,
}

impl Readme {
    /// Reads it; one without the markers is refused.
    pub fn open(path: &Path) -> Result<Readme> {
        let text =
            std::fs::read_to_string(path).with_context(|| format!("cannot read {}", path.display()))?;
        let (before, after) = split(&text).with_context(|| format!("{}", path.display()))?;
        Ok(Readme { path: path.to_owned(), before, after })
    }

    /// Writes it with the table of this run.
    pub fn replace(&self, bench: &Bench) -> Result<()> {
        let text = format!("{}\n\n{}\n\n{}", self.before, short(bench), self.after);
        std::fs::write(&self.path, text).with_context(|| format!("cannot write {}", self.path.display()))
    }
}

/// Up to the first marker and from the second one on, both included.
fn split(text: &str) -> Result<(String, String)> {
    for marker in [OPEN, CLOSE] {
        match text.matches(marker).count() {
            1 => {}
            0 => bail!(
                "there is no `{marker}` in it: put `{OPEN}` and `{CLOSE}` on lines of their own where the \
                 table is to be"
            ),
            count => bail!("there are {count} times `{marker}` in it, so the table's place is not certain"),
        }
    }
    match text.split_once(OPEN).and_then(|(before, rest)| Some((before, rest.split_once(CLOSE)?.1))) {
        Some((before, after)) => Ok((format!("{before}{OPEN}"), format!("{CLOSE}{after}"))),
        None => bail!("`{CLOSE}` stands before `{OPEN}` in it"),
    }
}

/// Rows of the short table.
fn rows() -> Vec<Point> {
    let mut rows = Sweep::Cells.points();
    rows.extend([1, 8, 1000].map(|batch| Point { batch, ..TUTORIAL }));
    rows.extend([32, 1024].map(|hidden| Point { hidden, ..TUTORIAL }));
    rows.push(PIXELS);
    rows
}

fn short(bench: &Bench) -> String {
    let mut measured: Vec<(String, &[Timed])> = Vec::new();
    for point in rows() {
        let Some(at) = bench.at(&point) else { continue };
        let tutorials = if point == TUTORIAL { " (the tutorial's)" } else { "" };
        measured.push((format!("{point}{tutorials}"), &at.timed));
    }
    if !bench.evaluation.is_empty() {
        measured.push((format!("evaluation of {TEST_IMAGES} images"), &bench.evaluation));
    }
    let with_python = measured.iter().any(|(_, timed)| median(timed, Kind::Pytorch).is_some());
    let mut head = vec!["net, batch x time x features", "libtorch, ms", "birnn, ms", "libtorch / birnn"];
    if with_python {
        head.extend(["PyTorch, ms", "PyTorch / birnn"]);
    }
    let cell = |timed: &[Timed], kind| median(timed, kind).map(number).unwrap_or_default();
    let rows: Vec<_> = measured
        .into_iter()
        .map(|(name, timed)| {
            let [theirs, own] = [Kind::Libtorch, Kind::Birnn].map(|kind| cell(timed, kind));
            let mut cells = vec![name, theirs, own, times(timed, Kind::Libtorch)];
            if with_python {
                cells.extend([cell(timed, Kind::Pytorch), times(timed, Kind::Pytorch)]);
            }
            cells
        })
        .collect();
    format!("{}\n{}", table(&head, &rows), notes(bench))
}

fn notes(bench: &Bench) -> String {
    let tutorials = bench.at(&TUTORIAL).and_then(|at| {
        let slower = median(&at.timed, Kind::Tutorial)?;
        Some(format!(
            " The tutorial's own loop, which reads its digits through torchvision, takes {} ms per step.",
            number(slower)
        ))
    });
    format!("{}{}", machine(bench), tutorials.unwrap_or_default())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::bench::made_up::bench;

    #[track_caller]
    fn refused(text: &str, part: &str) {
        let error = split(text).unwrap_err().to_string();
        assert!(error.contains(part), "{error}");
    }

    #[test]
    fn a_file_without_a_place_for_the_table_is_refused() {
        refused("# A\n<!-- /bench -->", "no `<!-- bench -->`");
        refused("# A\n<!-- bench -->", "no `<!-- /bench -->`");
        refused("<!-- /bench --> <!-- bench -->", "`<!-- /bench -->` stands before");
        refused("<!-- bench --> <!-- bench --> <!-- /bench -->", "2 times `<!-- bench -->`");
        let missing = tempfile::tempdir().unwrap().path().join("no.md");
        assert!(Readme::open(&missing).err().unwrap().to_string().starts_with("cannot read "));
    }

    /// The guide's table is that of the run in docs/bench.
    #[test]
    fn the_guide_shows_the_committed_run() {
        let docs = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../docs");
        let committed = std::fs::read(docs.join("bench/bench.json")).unwrap();
        let committed: Bench = serde_json::from_slice(&committed).unwrap();
        let guide = std::fs::read_to_string(docs.join("guide/performance.md")).unwrap();
        assert!(
            guide.contains(&format!("{OPEN}\n\n{}\n\n{CLOSE}", short(&committed))),
            "write it anew: cargo xtask bench --from docs/bench/bench.json --readme docs/guide/performance.md"
        );
    }

    #[test]
    fn only_what_stands_between_the_markers_is_replaced() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("README.md");
        std::fs::write(&path, "# A\n\n<!-- bench -->\nold\n<!-- /bench -->\n\nB\n").unwrap();
        for _ in 0..2 {
            Readme::open(&path).unwrap().replace(&bench()).unwrap();
            let text = std::fs::read_to_string(&path).unwrap();
            let inner = text.strip_prefix("# A\n\n<!-- bench -->\n\n").unwrap();
            let inner = inner.strip_suffix("\n\n<!-- /bench -->\n\nB\n").unwrap();
            assert!(
                inner.starts_with("| net, batch x time x features | libtorch, ms | birnn, ms |"),
                "{inner}"
            );
            assert!(inner.contains("| LSTM 2 x 128+128, 100 x 784 x 1 |"), "{inner}");
            assert!(inner.contains("| evaluation of 10000 images | 1000 | 400 | 2.50 |"), "{inner}");
            assert!(inner.contains("\n\nAbacus 3000, 2 cores"), "{inner}");
            assert!(!inner.contains("old"));
        }
    }
}
