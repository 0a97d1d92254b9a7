//! The page, in Markdown, and its plots.

use std::fmt::Write as _;
use std::path::Path;

use anyhow::Result;

use crate::parts::{Part, Section, Table};

/// What was found of each question.
pub struct Page {
    made: Made,
    sections: Vec<Section>,
    left_out: Vec<String>,
}

/// How a page was made.
pub struct Made {
    /// The arguments of the study.
    pub arguments: Vec<String>,
    /// A look alone.
    pub quick: bool,
    /// Seeds of each net.
    pub seeds: u32,
    /// The machine and the program.
    pub by: String,
}

impl Page {
    /// An empty one.
    pub fn new(made: Made) -> Page {
        Page { made, sections: Vec::new(), left_out: Vec::new() }
    }

    /// Whether every question was asked in full.
    pub fn is_whole(&self) -> bool {
        self.left_out.is_empty()
            && self.sections.len() == Part::ALL.len()
            && self.sections.iter().all(|section| section.left_out.is_empty())
    }

    /// The next section.
    pub fn add(&mut self, section: Section) {
        self.sections.push(section);
    }

    /// What could not be asked, and why.
    pub fn leave_out(&mut self, part: Part, why: &str) {
        self.left_out.push(format!("{} was left out: {why}.", part.title()));
    }

    /// What was left out, and why.
    pub fn left_out(&self) -> impl Iterator<Item = &String> {
        self.left_out.iter().chain(self.sections.iter().flat_map(|section| &section.left_out))
    }

    /// Writes README.md and a file for each plot.
    pub fn write(&self, folder: &Path) -> Result<()> {
        std::fs::create_dir_all(folder)?;
        for chart in self.sections.iter().flat_map(|section| &section.charts) {
            std::fs::write(folder.join(format!("{}.svg", chart.id)), chart.clone().svg_file())?;
        }
        std::fs::write(folder.join("README.md"), self.text())?;
        Ok(())
    }

    fn text(&self) -> String {
        let Made { arguments, quick, seeds, by } = &self.made;
        let arguments: String = arguments.iter().map(|argument| format!(" {argument}")).collect();
        let mut text = format!(
            "# What is said of nets that read both ways, measured\n\nWritten by `cargo xtask study{arguments}`: {by}.\n\nEach \
             figure is a mean over {seeds} seeds, from 0; behind it stands the 95 % interval of that mean by Student's t, and \
             two nets are compared by that of their differences, seed by seed. \"Not told apart\" says that 0 lies within \
             it, and not that the nets are equal. An interval is about seeds: other data of the same kind would move a figure \
             further, and of twenty comparisons one is off by chance.\n\nEach section ends with what to type for its figures: \
             `sweep` trains all seeds, and `cargo xtask run -- eval RUN --json` says what a run came to. `PATH` is your copy of \
             a file that the experiment names. With more threads than one, sums are added in another order, and each net is \
             another one, as by another seed.\n",
        );
        if *quick {
            text += "\nThis is a quick look: a part of the data, few epochs, two seeds. Its figures say little.\n";
        }
        for why in &self.left_out {
            let _ = write!(text, "\n{why}\n");
        }
        for section in &self.sections {
            text += &section_text(section);
        }
        text
    }
}

fn section_text(section: &Section) -> String {
    let Section { part, said, left_out, asked, found, tables, charts, commands } = section;
    let mut text = format!("\n## {}\n\n> {said}\n\n{asked}\n", part.title());
    for why in left_out {
        let _ = write!(text, "\n{why}\n");
    }
    for sentence in found {
        let _ = write!(text, "\n- {sentence}");
    }
    text.push('\n');
    for Table { title, head, rows } in tables {
        let rule = vec!["---"; head.len()].join(" | ");
        let _ = write!(text, "\n{title}\n\n| {} |\n| {rule} |\n", head.join(" | "));
        for row in rows {
            let _ = writeln!(text, "| {} |", row.join(" | "));
        }
    }
    for chart in charts {
        let _ = write!(text, "\n![{}]({}.svg)\n", chart.title, chart.id);
    }
    text += "\n```sh\n";
    for (what, command) in commands {
        let _ = writeln!(text, "# {what}\n{command}");
    }
    text + "```\n"
}
