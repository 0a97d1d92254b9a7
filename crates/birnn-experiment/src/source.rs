//! An experiment file in memory: reading it, changing it as the command line asks, and saying where a setting
//! was made.

use std::ops::Range;
use std::path::{Path, PathBuf};

use birnn_data::anchored;
use birnn_data::name::shown;
use toml_edit::{DocumentMut, Item, TableLike};

use crate::deserialize;
use crate::device::DeviceChoice;
use crate::error::ExperimentError;
use crate::experiment::{Experiment, Plan};
use crate::invalid::Invalid;
use crate::span::{Found, Part, Setting, excerpt, find, line_and_column, one_line};
use crate::sweep::{Trial, inline, with_paths};

const SET: &str = "--set";
const DEVICE: &str = "--device";

/// An experiment file in memory, with what the command line changes of it: `--set`, `--device`, `--data-dir`.
#[derive(Clone, Debug)]
pub struct Source {
    path: PathBuf,
    /// As it is in the file.
    text: String,
    sets: Vec<Set>,
    /// Where the user's own files are looked for first.
    folder: Option<PathBuf>,
    /// Whether what it says of a sweep is left out, since it is one of its runs.
    alone: bool,
    /// What it says, all of this applied.
    experiment: Experiment,
}

/// A `--set` argument, or another that sets one setting.
#[derive(Clone, Debug)]
struct Set {
    /// The option that it is of.
    option: &'static str,
    /// As it is shown.
    argument: String,
    key: Vec<String>,
    /// As TOML; up to the value it is the argument, byte by byte.
    toml: String,
}

/// Where a setting was made.
#[derive(Debug)]
enum Origin<'a> {
    Default,
    Set(&'a Set, Found),
    File(Found),
}

impl Source {
    /// Reads the file at `path` and applies each `key.path=value` in turn.
    pub fn read(path: &Path, sets: &[String]) -> Result<Source, ExperimentError> {
        let bytes =
            std::fs::read(path).map_err(|source| ExperimentError::Read { path: path.to_owned(), source })?;
        let text = String::from_utf8(bytes).map_err(|error| {
            let read = &error.as_bytes()[..error.utf8_error().valid_up_to()];
            let (line, column) = line_and_column(&String::from_utf8_lossy(read), read.len());
            let message = "a character is not UTF-8; save the file as UTF-8".to_owned();
            let place = format!("{}:{line}:{column}", shown(&path));
            ExperimentError::Wrong { place, key: None, message, excerpt: None }
        })?;
        Source::parse(path, text, sets)
    }

    /// As [`Source::read`], with the text at hand; `path` is what errors and defaults go by.
    pub fn parse(path: &Path, text: String, sets: &[String]) -> Result<Source, ExperimentError> {
        Source::new(path, text, sets.iter().map(|argument| Set::new(argument)), None, false)
    }

    fn new(
        path: &Path,
        text: String,
        sets: impl Iterator<Item = Result<Set, ExperimentError>>,
        folder: Option<PathBuf>,
        alone: bool,
    ) -> Result<Source, ExperimentError> {
        let experiment = Experiment::default();
        let mut source =
            Source { path: path.to_owned(), text, sets: Vec::new(), folder: None, alone, experiment };
        source.experiment = deserialize::experiment(&source.text).map_err(|mistake| {
            source.wrong(mistake.span(), mistake.setting().map(Setting::key), mistake.to_string())
        })?;
        let mut merged = source.text.clone();
        for set in sets {
            let set = set?;
            // Each is checked as it comes, so that a mistake is told of the argument that made it.
            (merged, source.experiment) = set.apply(&merged)?;
            source.sets.push(set);
        }
        if source.experiment.name.is_none() {
            source.experiment.name = path.file_stem().map(birnn_data::name::text);
        }
        let beside = path.parent().unwrap_or(Path::new(""));
        source.experiment.data.anchor(beside);
        match &mut source.experiment.sweep {
            sweep if alone => *sweep = None,
            Some(sweep) => sweep.anchor(beside),
            None => {}
        }
        if let Some(folder) = folder {
            source.take_files(&folder)?;
        }
        Ok(source)
    }

    /// The same with more `--set` arguments, which come after all that was changed before.
    pub fn with(&self, sets: &[String]) -> Result<Source, ExperimentError> {
        self.changed(sets.iter().map(|argument| Set::new(argument)))
    }

    /// The experiment of a run of its sweep, which has none.
    pub fn of_trial(&self, trial: &Trial) -> Result<Source, ExperimentError> {
        Source { alone: true, ..self.clone() }.with(&trial.sets())
    }

    /// The same on another device, as `--device` asks.
    pub fn on(&self, device: DeviceChoice) -> Result<Source, ExperimentError> {
        self.changed(std::iter::once(Ok(Set::device(device))))
    }

    fn changed(
        &self,
        sets: impl Iterator<Item = Result<Set, ExperimentError>>,
    ) -> Result<Source, ExperimentError> {
        let own = self.sets.iter().cloned().map(Ok);
        Source::new(&self.path, self.text.clone(), own.chain(sets), self.folder.clone(), self.alone)
    }

    /// Takes the user's own files from `folder`, under the names that they have, but for those that a `--set`
    /// names, as `--data-dir` asks. Says whether there are any; an experiment on other data has none.
    ///
    /// # Errors
    ///
    /// Where there is no such folder, or some of the files are in it and not all of them.
    pub fn take_files(&mut self, folder: &Path) -> Result<bool, ExperimentError> {
        self.folder = Some(folder.to_owned());
        if !self.experiment.data.dataset.is_own() {
            return Ok(false);
        }
        let mut data = self.experiment.data.clone();
        let any = data.take_from(folder, |key| self.is_set(&format!("data.{key}")))?;
        self.experiment.data = data;
        Ok(any)
    }

    /// Whether a `--set` argument is about what is at this dotted key: the setting, one within it where it is
    /// a table, or a table around it that names it; however its own key is written.
    pub fn is_about(argument: &str, key: &str) -> bool {
        Set::new(argument).is_ok_and(|set| set.find(&parts(key)).is_some())
    }

    /// What it says.
    pub fn experiment(&self) -> &Experiment {
        &self.experiment
    }

    /// Checks everything that can be checked before data and device are at hand.
    pub fn plan(&self) -> Result<Plan, ExperimentError> {
        self.experiment.resolve().map_err(|invalid| self.locate(invalid))
    }

    /// Where a setting that turned out impossible was made.
    pub fn locate(&self, Invalid { key, message }: Invalid) -> ExperimentError {
        let said = format!("{key}: {message}");
        match self.origin(&parts(&key)) {
            Origin::Set(Set { option: DEVICE, .. }, _) if key == "train.device" => {
                let (place, key) = (DEVICE.to_owned(), Some(key));
                ExperimentError::Wrong { place, key, message: one_line(&message), excerpt: None }
            }
            Origin::Set(set, found) => set.wrong(found.span, key, said),
            Origin::File(found) => self.wrong(Some(&found.span), Some(key), said),
            Origin::Default => self.wrong(None, Some(key), said),
        }
    }

    /// Checks what depends on how many time steps the longest sequence has.
    pub fn suits(&self, longest: usize, features: usize) -> Result<(), ExperimentError> {
        self.experiment.suits(longest, features).map_err(|invalid| self.locate(invalid))
    }

    /// Settings that hardly are what was meant, as warnings; `known` is how many samples there are to train
    /// on, and the steps of the shortest and the longest, once they are at hand.
    pub fn warnings(&self, known: Option<(usize, [usize; 2])>) -> Vec<ExperimentError> {
        self.experiment.warnings(known).into_iter().map(|warning| self.locate(warning)).collect()
    }

    /// Whether the command line is about the setting of this dotted key, be it as a part of a table.
    pub fn is_set(&self, key: &str) -> bool {
        self.set_about(key).is_some()
    }

    /// The last argument of the command line that is about what is at this dotted key.
    pub fn set_about(&self, key: &str) -> Option<&str> {
        let path = parts(key);
        match self.origin(&path) {
            Origin::Set(set, found) if found.depth == path.len() => Some(&set.argument),
            _ => None,
        }
    }

    /// The first `--set` argument that is about nothing in `table`.
    pub fn set_outside(&self, table: &str) -> Option<&str> {
        self.sets.iter().find(|set| set.key[0] != table).map(|set| set.argument.as_str())
    }

    /// Where the value of the setting at `path` comes from: `FILE:LINE`, `--set` or `default`.
    pub(crate) fn origin_name(&self, path: &[&str]) -> String {
        match self.origin(path) {
            Origin::Set(set, found) if found.depth == path.len() => set.option.to_owned(),
            Origin::File(found) if found.depth == path.len() => {
                format!("{}:{}", shown(&self.path), line_and_column(&self.text, found.span.start).0)
            }
            _ => "default".to_owned(),
        }
    }

    /// Where the setting at `path` was made last, or else the table that lacks it.
    fn origin(&self, path: &[&str]) -> Origin<'_> {
        let mut nearest = Origin::Default;
        for set in self.sets.iter().rev() {
            let Some(found) = find(&set.toml, path, Part::Value) else { continue };
            // A set that is about the very setting, about a table that is meant, or about one that
            // replaces an older.
            let settles = found.depth == path.len() || set.key.len() <= found.depth;
            let span = set.clamp(found.span);
            nearest = Origin::Set(set, Found { span, ..found });
            if settles {
                return nearest;
            }
        }
        find(&self.text, path, Part::Value).map_or(nearest, Origin::File)
    }

    fn wrong(&self, span: Option<&Range<usize>>, key: Option<String>, message: String) -> ExperimentError {
        let message = one_line(&message);
        let path = shown(&self.path);
        let Some(span) = span else {
            return ExperimentError::Wrong { place: path.to_string(), key, message, excerpt: None };
        };
        let (line, column) = line_and_column(&self.text, span.start);
        let excerpt = Some(excerpt(&self.text, span, Some(line)));
        ExperimentError::Wrong { place: format!("{path}:{line}:{column}"), key, message, excerpt }
    }
}

impl Set {
    /// Reads `key.path=value`: the value is TOML, or a string that needs no quotes.
    fn new(argument: &str) -> Result<Set, ExperimentError> {
        let blank = |c: char| if c.is_control() { " ".repeat(c.len_utf8()) } else { c.to_string() };
        let shown: String = argument.chars().map(blank).collect();
        let mut set = Set { option: SET, argument: shown, key: Vec::new(), toml: argument.to_owned() };
        let all = 0..argument.len();
        let Some((key, value)) = key_and_value(argument) else {
            return Err(set.wrong_itself(all, "expected key.path=value, such as train.epochs=4".to_owned()));
        };
        set.key = parts_of(key);
        if set.key.iter().any(String::is_empty) {
            return Err(set.wrong_itself(0..key.len(), "the key is empty".to_owned()));
        }
        if let Err(error) = value.trim().parse::<toml_edit::Value>() {
            if value.trim().starts_with(['[', '{', '"', '\'']) {
                // No name or number begins so: it is meant as TOML.
                let message = error.message().lines().collect::<Vec<_>>().join("; ");
                return Err(set.wrong_itself(key.len() + 1..argument.len(), message));
            }
            set.toml = format!("{key}={}", toml_edit::Value::from(value.trim()));
        }
        Ok(set)
    }

    /// What `--device` sets.
    fn device(device: DeviceChoice) -> Set {
        let argument = String::from(device);
        let toml = format!("train.device={}", toml_edit::Value::from(argument.as_str()));
        Set { option: DEVICE, argument, key: ["train", "device"].map(str::to_owned).to_vec(), toml }
    }

    /// Where the value of the whole `path` is in it.
    fn find(&self, path: &[&str]) -> Option<Found> {
        find(&self.toml, path, Part::Value).filter(|found| found.depth == path.len())
    }

    /// The text with the setting changed, and what it says then.
    fn apply(&self, text: &str) -> Result<(String, Experiment), ExperimentError> {
        let mut document: DocumentMut =
            text.parse().map_err(|error: toml_edit::TomlError| self.wrong_key(error.message().to_owned()))?;
        let value = key_and_value(&self.toml).and_then(|(_, value)| value.trim().parse().ok());
        let value = from_here(&self.key, value.unwrap_or_else(|| toml_edit::Value::from("")));
        put(document.as_table_mut(), &self.key, value).map_err(|message| self.wrong_key(message))?;
        let text = document.to_string();
        let experiment = deserialize::experiment(&text).map_err(|mistake| {
            let found = mistake.setting().and_then(|setting| {
                let found = find(&self.toml, &setting.path, setting.part)?;
                (found.depth == setting.path.len()).then_some((found, setting.key()))
            });
            match found {
                Some((found, key)) => self.wrong(self.clamp(found.span), key, mistake.to_string()),
                None => self.wrong_key(mistake.to_string()),
            }
        })?;
        Ok((text, experiment))
    }

    fn wrong_key(&self, message: String) -> ExperimentError {
        self.wrong_itself(0..key_and_value(&self.argument).map_or(0, |(key, _)| key.len()), message)
    }

    fn wrong_itself(&self, span: Range<usize>, message: String) -> ExperimentError {
        self.wrong(span, self.key.join("."), message)
    }

    /// `key` is of the setting that is wrong, which can lie within the one that is set.
    fn wrong(&self, span: Range<usize>, key: String, message: String) -> ExperimentError {
        let message = one_line(&message);
        let place = format!("{} {}", self.option, self.argument);
        let before = self.option.len() + 1;
        let excerpt = Some(excerpt(&place, &(span.start + before..span.end + before), None));
        ExperimentError::Wrong { place, key: Some(key), message, excerpt }
    }

    /// A span of the TOML as one of the argument, where a string may be without its quotes.
    fn clamp(&self, span: Range<usize>) -> Range<usize> {
        let end = self.argument.len();
        span.start.min(end)..span.end.min(end)
    }
}

/// A value that is set, where paths to the user's own files are from where the user is, as every path on the
/// command line.
fn from_here(key: &[String], value: toml_edit::Value) -> toml_edit::Value {
    let document = toml::from_str::<toml::Table>(&format!("value = {}", value.to_string().trim()));
    let parsed = document.ok().and_then(|mut document| document.remove("value"));
    let (Some(mut parsed), Ok(here)) = (parsed, std::env::current_dir()) else { return value };
    match with_paths(&key.join("."), &mut parsed, &|path| Some(anchored(path, &here))) {
        true => inline(&parsed).parse().unwrap_or(value),
        false => value,
    }
}

/// The two sides of the first `=` that is in no quotes of a key or, where there is none, of the first.
fn key_and_value(argument: &str) -> Option<(&str, &str)> {
    let mut quoted = None;
    let at = argument.find(|c| {
        match quoted {
            Some(quote) if quote == c => quoted = None,
            None if ['"', '\''].contains(&c) => quoted = Some(c),
            _ => {}
        }
        c == '=' && quoted.is_none()
    });
    at.map(|at| (&argument[..at], &argument[at + 1..])).or_else(|| argument.split_once('='))
}

/// Those of a dotted key that needs no quotes.
fn parts(key: &str) -> Vec<&str> {
    key.split('.').collect()
}

/// The parts of a dotted key that a user wrote. One in quotes may have dots of its own; names need no quotes,
/// whatever else is in them.
fn parts_of(key: &str) -> Vec<String> {
    match toml_edit::Key::parse(key) {
        Ok(parts) => parts.iter().map(|part| part.get().to_owned()).collect(),
        Err(_) => key.split('.').map(|part| part.trim().to_owned()).collect(),
    }
}

/// Puts `value` at the dotted `key`, making tables on the way.
fn put(root: &mut dyn TableLike, key: &[String], value: toml_edit::Value) -> Result<(), String> {
    let Some((last, tables)) = key.split_last() else { return Ok(()) };
    let mut table = root;
    for part in tables {
        let item = table.entry(part).or_insert_with(|| Item::Table(toml_edit::Table::new()));
        table = item.as_table_like_mut().ok_or_else(|| format!("`{part}` is a value and has no keys"))?;
    }
    table.insert(last, Item::Value(value));
    Ok(())
}
