//! `.cargo/libtorch.toml`, by which plain cargo commands and rust-analyzer find libtorch.
//!
//! `.cargo/config.toml` includes it. It sets `LIBTORCH` for build scripts, and an rpath for all that is
//! linked, so that binaries, tests and doc examples start with nothing exported.

use std::fs;
use std::path::{Path, PathBuf};

use anyhow::{Context, Result};

use crate::libtorch::Tree;

const HEADER: &str = "# Written by `cargo xtask setup`; not to be edited, not to be committed.\n";

/// The libtorch that the last set-up recorded.
pub fn recorded(root: &Path) -> Option<PathBuf> {
    let text = fs::read_to_string(file(root)).ok()?;
    let value = text.lines().find_map(|line| line.strip_prefix("LIBTORCH = "))?;
    unquote(value).map(PathBuf::from)
}

/// Records a libtorch; says whether anything changed by that.
///
/// An unchanged file is left alone and a changed one replaced at once: cargo rebuilds everything when it sees
/// other flags, and a cargo that runs meanwhile must not read half a file.
pub fn record(root: &Path, tree: &Tree) -> Result<bool> {
    let file = file(root);
    let text = render(tree)?;
    if fs::read_to_string(&file).is_ok_and(|old| old == text) {
        return Ok(false);
    }
    let new = file.with_extension(format!("toml.{}", std::process::id()));
    fs::write(&new, text)
        .and_then(|()| fs::rename(&new, &file))
        .inspect_err(|_| _ = fs::remove_file(&new))
        .with_context(|| format!("cannot write {}", file.display()))?;
    Ok(true)
}

/// The compiler flags by which a program finds libtorch when it starts.
pub fn rpath(tree: &Tree) -> Result<Vec<String>> {
    let lib = tree.lib();
    let lib = lib.to_str().with_context(|| format!("{} is not UTF-8", lib.display()))?;
    // Not `-Wl,-rpath,DIR`, which a comma in DIR would break.
    Ok(["-Xlinker", "-rpath", "-Xlinker", lib]
        .into_iter()
        .flat_map(|arg| ["-C".to_owned(), format!("link-arg={arg}")])
        .collect())
}

fn file(root: &Path) -> PathBuf {
    root.join(".cargo").join("libtorch.toml")
}

fn render(tree: &Tree) -> Result<String> {
    let dir = tree.dir.to_str().with_context(|| format!("{} is not UTF-8", tree.dir.display()))?;
    let mut text = format!("{HEADER}\n[env]\nLIBTORCH = {}\n", quote(dir));
    let rpath = rpath(tree)?;
    if !rpath.is_empty() {
        let flags: Vec<String> = rpath.iter().map(|flag| quote(flag)).collect();
        let flags = flags.join(", ");
        text.push_str(&format!("\n[target.'cfg(unix)']\nrustflags = [{flags}]\n"));
        text.push_str(&format!("\n[build]\nrustdocflags = [{flags}]\n"));
    }
    Ok(text)
}

/// A TOML basic string.
fn quote(text: &str) -> String {
    let mut quoted = String::from("\"");
    for character in text.chars() {
        match character {
            '"' => quoted.push_str("\\\""),
            '\\' => quoted.push_str("\\\\"),
            _ if character.is_ascii_control() => quoted.push_str(&format!("\\u{:04X}", u32::from(character))),
            _ => quoted.push(character),
        }
    }
    quoted.push('"');
    quoted
}

/// The text of a string that [`quote`] wrote.
fn unquote(quoted: &str) -> Option<String> {
    let mut characters = quoted.trim().strip_prefix('"')?.strip_suffix('"')?.chars();
    let mut text = String::new();
    while let Some(character) = characters.next() {
        if character != '\\' {
            text.push(character);
            continue;
        }
        text.push(match characters.next()? {
            'u' => {
                let digits: String = characters.by_ref().take(4).collect();
                char::from_u32(u32::from_str_radix(&digits, 16).ok()?)?
            }
            other => other,
        });
    }
    Some(text)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::libtorch::Flavour;

    fn tree(dir: &str) -> Tree {
        Tree { dir: dir.into(), flavour: Flavour::Cpu }
    }

    #[test]
    fn strings_are_quoted_as_toml_has_it() {
        assert_eq!(quote("/opt/my torch"), "\"/opt/my torch\"");
        assert_eq!(quote(r#"C:\a"b"#), r#""C:\\a\"b""#);
        assert_eq!(quote("a\nb\u{7f}é"), "\"a\\u000Ab\\u007Fé\"");
    }

    #[test]
    fn the_file_sets_the_variable_and_both_kinds_of_flags() {
        let flags = r#"["-C", "link-arg=-Xlinker", "-C", "link-arg=-rpath", "-C", "link-arg=-Xlinker", "-C", "link-arg=/a,b \"c\"/lib"]"#;
        let expected = format!(
            "{HEADER}\n[env]\nLIBTORCH = \"/a,b \\\"c\\\"\"\n\n[target.'cfg(unix)']\nrustflags = {flags}\n\
             \n[build]\nrustdocflags = {flags}\n"
        );
        assert_eq!(render(&tree("/a,b \"c\"")).unwrap(), expected);
    }

    #[test]
    fn what_is_recorded_is_read_back() {
        let dir = tempfile::tempdir().unwrap();
        fs::create_dir(dir.path().join(".cargo")).unwrap();
        assert_eq!(recorded(dir.path()), None);
        for path in ["/opt/torch", "/with space/é", "/q\"uote\\u0041", "/line\nbreak"] {
            assert!(record(dir.path(), &tree(path)).unwrap());
            assert_eq!(recorded(dir.path()), Some(PathBuf::from(path)));
        }
    }

    #[test]
    fn the_same_again_leaves_the_file_alone() {
        let dir = tempfile::tempdir().unwrap();
        fs::create_dir(dir.path().join(".cargo")).unwrap();
        assert!(record(dir.path(), &tree("/a")).unwrap());
        let written = fs::metadata(file(dir.path())).unwrap().modified().unwrap();
        assert!(!record(dir.path(), &tree("/a")).unwrap());
        assert_eq!(fs::metadata(file(dir.path())).unwrap().modified().unwrap(), written);
        let names: Vec<_> = fs::read_dir(dir.path().join(".cargo")).unwrap().collect();
        assert_eq!(names.len(), 1, "no temporary file stays");
    }
}
