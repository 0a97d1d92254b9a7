//! The documentation as tests see it: its pages, their code blocks, tables and links.

use std::path::{Path, PathBuf};

use crate::{Sandbox, idx, listing, workspace};

/// A page of the documentation.
#[derive(Debug)]
pub struct Page {
    /// Its path in the workspace.
    pub name: PathBuf,
    /// Its Markdown.
    pub text: String,
}

/// A fenced code block.
#[derive(Debug, PartialEq, Eq)]
pub struct Block {
    /// What stands behind the opening fence.
    pub language: String,
    /// Its lines.
    pub text: String,
}

/// README, ARCHITECTURE, CHANGELOG, and all pages below `docs`, in alphabetical order.
pub fn pages() -> Vec<Page> {
    let root = workspace();
    let own = ["README.md", "ARCHITECTURE.md", "CHANGELOG.md"].map(|name| root.join(name));
    let below = listing(&root.join("docs"));
    let below = below.into_iter().filter(|path| path.extension().is_some_and(|extension| extension == "md"));
    let read = |path: PathBuf| Page {
        text: std::fs::read_to_string(&path).unwrap(),
        name: path.strip_prefix(root).unwrap().to_owned(),
    };
    own.into_iter().chain(below).map(read).collect()
}

/// One page.
pub fn page(name: &str) -> Page {
    let text =
        std::fs::read_to_string(workspace().join(name)).unwrap_or_else(|error| panic!("{name}: {error}"));
    Page { name: PathBuf::from(name), text }
}

/// README and the guide: what users follow, README first.
pub fn guide() -> Vec<Page> {
    let is_guide = |page: &Page| page.name == Path::new("README.md") || page.name.starts_with("docs/guide");
    pages().into_iter().filter(is_guide).collect()
}

impl Page {
    /// All code blocks.
    pub fn blocks(&self) -> Vec<Block> {
        self.parts().1
    }

    /// The code blocks in one language.
    pub fn blocks_in<'a>(&'a self, language: &'a str) -> impl Iterator<Item = String> + 'a {
        self.blocks().into_iter().filter(move |block| block.language == language).map(|block| block.text)
    }

    /// The lines that are not in code blocks.
    pub fn prose(&self) -> Vec<&str> {
        self.parts().0
    }

    /// The part below a heading, up to the next heading of any level.
    pub fn section(&self, heading: &str) -> Page {
        let (_, rest) = self
            .text
            .split_once(&format!("\n{heading}\n"))
            .unwrap_or_else(|| panic!("{}: no `{heading}`", self.name.display()));
        let end = rest.find("\n#").unwrap_or(rest.len());
        Page { name: self.name.clone(), text: rest[..end].to_owned() }
    }

    /// The cells of the first column of every table.
    pub fn first_cells(&self) -> Vec<&str> {
        let rows = self.prose().into_iter().filter_map(|line| line.strip_prefix("| "));
        rows.filter(|row| !row.starts_with("---")).map(|row| row.split(" | ").next().unwrap()).collect()
    }

    fn parts(&self) -> (Vec<&str>, Vec<Block>) {
        let (mut prose, mut blocks, mut open) = (Vec::new(), Vec::new(), None::<Block>);
        for line in self.text.lines() {
            match (line.strip_prefix("```"), &mut open) {
                (Some(_), Some(_)) => blocks.extend(open.take()),
                (Some(language), None) => {
                    open = Some(Block { language: language.to_owned(), text: String::new() });
                }
                (None, Some(block)) => block.text += &format!("{line}\n"),
                (None, None) => prose.push(line),
            }
        }
        assert!(open.is_none(), "{}: a code block without an end", self.name.display());
        (prose, blocks)
    }
}

/// What is quoted by backticks.
pub fn quoted(text: &str) -> impl Iterator<Item = &str> {
    text.split('`').skip(1).step_by(2)
}

/// The anchor that GitHub gives a heading.
pub fn anchor(heading: &str) -> String {
    let kept = heading.to_lowercase().replace(' ', "-");
    kept.chars().filter(|&c| c.is_alphanumeric() || c == '-' || c == '_').collect()
}

/// The images of docs/guide/own-data.md: two classes, told apart by which half is bright.
pub fn write_cats(sandbox: &Sandbox) {
    for (split, count) in [("train", 120), ("test", 40_u32)] {
        let labels: Vec<u8> = (0..count).map(|image| (image % 2) as u8).collect();
        let image = |&label: &u8| (0..64).map(move |pixel| if (pixel / 32) as u8 == label { 250 } else { 5 });
        let mut pixels: Vec<u8> = labels.iter().flat_map(image).collect();
        // No image of the test is one of training.
        pixels
            .iter_mut()
            .step_by(64)
            .enumerate()
            .for_each(|(n, pixel)| *pixel = n as u8 + u8::from(split == "test"));
        sandbox.write(&format!("cats/{split}-images"), idx(&[count, 8, 8], &pixels));
        sandbox.write(&format!("cats/{split}-labels"), idx(&[count], &labels));
    }
    let own = page("docs/guide/own-data.md");
    let cats = own.blocks_in("toml").find(|block| block.starts_with("# cats.toml\n")).unwrap();
    sandbox.write("cats.toml", cats);
}
