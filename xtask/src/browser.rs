//! `browser`: the page that a network is asked on, in Chromium, driven by Playwright.

use std::ffi::{OsStr, OsString};
use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, ExitCode};

use anyhow::{Context, Result};

use crate::commands::{become_program, usage};
use crate::kit::output;
use crate::machine::Machine;
use crate::python;

/// What drives the browser, and what looks for what keeps people from using a page.
const PACKAGES: [&str; 2] = ["playwright==1.65.2", "axe-playwright-python==0.1.8"];
/// By which names a Chromium is found.
const NAMES: [&str; 5] = ["chromium", "chromium-browser", "google-chrome", "google-chrome-stable", "chrome"];
/// Written last: what has it is complete.
const COMPLETE: &str = "complete";

/// Gets what drives the browser, and runs the tests. Where the tools cannot be had it says so and ends with
/// 2, so that nobody takes it for a test that passed or failed.
pub fn run(machine: &Machine, args: &[OsString]) -> Result<ExitCode> {
    let screenshots = match args {
        [] => None,
        [option, folder] if option == "--screenshots" => Some(std::path::absolute(folder)?),
        _ => return Err(usage("browser takes --screenshots FOLDER alone".to_owned())),
    };
    let (chromium, python, packages) = match tools(machine) {
        Ok(tools) => tools,
        Err(reason) => {
            eprintln!("the page was not tested: {reason:#}");
            return Ok(ExitCode::from(2));
        }
    };
    let mut given = vec!["--chromium".into(), chromium.into_os_string()];
    given.extend([
        "--python".into(),
        python.into_os_string(),
        "--packages".into(),
        packages.into_os_string(),
    ]);
    given
        .extend(screenshots.into_iter().flat_map(|folder| ["--screenshots".into(), folder.into_os_string()]));
    become_program(machine, &["browser", "birnn", "birnn-torch"], &given)
}

/// A Chromium, a Python, and the folder of what it is to import.
fn tools(machine: &Machine) -> Result<(PathBuf, PathBuf, PathBuf)> {
    let chromium = match machine.var("CHROMIUM") {
        Some(named) => machine
            .find_program(named)
            .with_context(|| format!("CHROMIUM={} is no program: correct or unset it", named.display()))?,
        None => NAMES.iter().find_map(|name| machine.find_program(OsStr::new(name))).context(
            "there is no Chromium on PATH: install one (Debian: apt install chromium), or set CHROMIUM to its path",
        )?,
    };
    let python = python::find(machine)?.program;
    let folder = machine.cache_dir()?.join("playwright-1.65.2");
    // It is compiled for one version of Python, which may be another by now.
    if !folder.join(COMPLETE).is_file() || imports(&python, &folder).is_err() {
        python::require_pip(&python)?;
        fetch(&python, &folder)?;
        imports(&python, &folder)?;
    }
    Ok((chromium, python, folder))
}

fn imports(python: &Path, folder: &Path) -> Result<()> {
    let mut import = Command::new(python);
    import
        .env("PYTHONPATH", folder)
        .args(["-c", "import playwright.sync_api, axe_playwright_python.sync_playwright"]);
    output(&mut import, "python3").map(drop)
}

fn fetch(python: &Path, folder: &Path) -> Result<()> {
    eprintln!("fetching Playwright, once, into {}: 50 MB to download", folder.display());
    // What an interrupted call left.
    if folder.exists() {
        fs::remove_dir_all(folder).with_context(|| format!("{} cannot be removed", folder.display()))?;
    }
    fs::create_dir_all(folder).with_context(|| format!("{} cannot be made", folder.display()))?;
    let mut pip = python::pip(python, folder);
    pip.args(["install", "--quiet", "--disable-pip-version-check", "--target"]).arg(folder);
    output(pip.args(PACKAGES), "python3-pip")?;
    fs::write(folder.join(COMPLETE), "").with_context(|| format!("{} cannot be written", folder.display()))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::machine::made_up;

    #[test]
    fn without_a_browser_it_says_what_to_install() {
        let dir = tempfile::tempdir().unwrap();
        let mut machine = made_up::machine(dir.path());
        let error = tools(&machine).unwrap_err().to_string();
        assert!(error.contains("apt install chromium"), "{error}");
        assert_eq!(run(&machine, &[]).unwrap(), ExitCode::from(2));
        machine.vars.insert("CHROMIUM".into(), "nowhere".into());
        assert!(tools(&machine).unwrap_err().to_string().contains("CHROMIUM=nowhere is no program"));
        assert!(run(&machine, &["--fast".into()]).unwrap_err().is::<crate::commands::Usage>());
        assert!(!dir.path().join("cache/birnn").exists());
    }
}
