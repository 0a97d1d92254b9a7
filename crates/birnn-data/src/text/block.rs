//! Texts with a token on each line and an empty line behind each sentence: the lines up to the end of a
//! sentence at a time.

use std::io::Read;

use super::source::Source;
use crate::file_error::FileProblem;

/// A text that is read block by block.
pub(super) struct Blocks<R, G> {
    source: Source<R>,
    grammar: G,
}

/// What the lines of a text are.
pub(super) trait Grammar {
    /// Whether a line stands between sentences.
    fn is_boundary(&self, line: &str) -> bool;

    /// Checks the rows of a block and leaves those that are tokens.
    fn choose(&mut self, block: &mut Block) -> Result<(), FileProblem>;
}

/// The lines of a sentence, what stands before them, and the line that ends it. There may be no token in it:
/// behind the last sentence, or among comments.
#[derive(Clone, Debug, Default)]
pub(super) struct Block {
    /// All of its lines.
    pub(super) text: String,
    pub(super) rows: Vec<Row>,
}

/// A line that is no boundary.
#[derive(Clone, Copy, Debug)]
pub(super) struct Row {
    /// Which one, from 1.
    pub(super) number: usize,
    /// Where it begins and ends in the text of its block, without what ends it.
    pub(super) begin: usize,
    pub(super) end: usize,
}

impl<R: Read, G: Grammar> Blocks<R, G> {
    pub(super) fn new(source: R, grammar: G) -> Blocks<R, G> {
        Blocks { source: Source::new(source), grammar }
    }

    /// The next block, until the text ends.
    pub(super) fn next(&mut self) -> Result<Option<Block>, FileProblem> {
        let mut block = Block::default();
        while let Some(line) = self.source.next()? {
            let begin = block.text.len() + line.begin;
            block.text.push_str(line.whole);
            if !self.grammar.is_boundary(line.text) {
                block.rows.push(Row { number: line.number, begin, end: begin + line.text.len() });
            } else if !block.rows.is_empty() {
                break;
            }
        }
        self.grammar.choose(&mut block)?;
        Ok(Some(block).filter(|block| !block.text.is_empty()))
    }

    /// What was read so far is not held in memory, and does not count.
    pub(super) fn forget(&mut self) {
        self.source.forget();
    }
}

impl Block {
    /// A row of it.
    pub(super) fn row(&self, row: Row) -> &str {
        &self.text[row.begin..row.end]
    }

    /// All rows, with the number of each.
    pub(super) fn rows(&self) -> impl Iterator<Item = (usize, &str)> {
        self.rows.iter().map(|&row| (row.number, self.row(row)))
    }
}

/// The columns of a line: parted by tabs or, where it has none, by spaces.
pub(super) fn cells(line: &str) -> impl Iterator<Item = &str> {
    let has_tabs = line.contains('\t');
    let cells = line.split(if has_tabs { '\t' } else { ' ' }).map(|cell| cell.trim_matches(' '));
    cells.filter(move |cell| has_tabs || !cell.is_empty())
}
