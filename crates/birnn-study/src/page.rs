//! The page, in Markdown, and its plots.

use std::fmt::Write as _;
use std::path::Path;

use anyhow::Result;

use crate::parts::{Part, Section, Table};

/// What was found of each question.
pub struct Page {
    quick: bool,
    seeds: u32,
    cores: usize,
    sections: Vec<Section>,
    left_out: Vec<String>,
}

impl Page {
    /// Of so many seeds, on so many cores.
    pub fn new(quick: bool, seeds: u32, cores: usize) -> Page {
        Page { quick, seeds, cores, sections: Vec::new(), left_out: Vec::new() }
    }

    /// The next section.
    pub fn add(&mut self, section: Section) {
        self.sections.push(section);
    }

    /// What could not be asked, and why.
    pub fn leave_out(&mut self, part: Part, why: &str) {
        self.left_out.push(format!("{} was left out: {why}.", part.title()));
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
        let seeds = self.seeds;
        let mut text = format!(
            "# What is said of nets that read both ways, measured\n\nWritten by `cargo xtask study{}`, on {} cores. Each \
             figure is a mean over {seeds} seeds, from 0; behind it stands the 95 % interval of that mean by Student's t, and \
             two nets are compared by that of their differences, seed by seed. \"Not told apart\" says that 0 lies within \
             it, and not that the nets are equal. Each net was trained by one thread; with more, sums are added in another \
             order, and a figure may differ in its last digits.\n\nEach section ends with what to type for its figures: \
             `sweep` trains all seeds, and `cargo xtask run -- eval RUN --json` says what a run came to. An experiment's \
             comment says what it reads; where your copy of the data lies elsewhere, name it: `--set data.train=PATH`.\n",
            if self.quick { " --quick" } else { "" },
            self.cores,
        );
        if self.quick {
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
    let Section { part, said, asked, found, tables, charts, commands } = section;
    let mut text = format!("\n## {}\n\n> {said}\n\n{asked}\n", part.title());
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
