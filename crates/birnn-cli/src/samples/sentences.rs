//! Sentences and texts, from files or from standard input.

use std::path::{Path, PathBuf};

use birnn_data::{
    ConllForm, ConlluTag, DataConfig, Dataset, Labelling, Per, Sequences, SeriesFile, TextForm, Unit,
    read_conll, read_conllu, read_lines, read_texts,
};

use super::named::{ends_with, is_standard, open};
use super::{Place, Sample, Unread};
use crate::failure::{Failure, Outcome};

/// How the sentences of a file are written.
#[derive(Debug, PartialEq, Eq)]
pub enum Form {
    /// A token on each line.
    Tokens(ConllForm),
    /// A sentence on each line.
    Lines,
    /// Texts, and what their tokens are.
    Texts(TextForm, Unit),
}

/// Every sentence of every file, a file at a time; `-` is standard input. They are written as those of
/// `data`, which the net learnt from, and answered per sentence or token.
pub(super) fn each(
    files: &[PathBuf],
    data: &DataConfig,
    per: Per,
    take: &mut dyn FnMut(Vec<Sample>, &Sequences) -> Outcome,
) -> Result<Vec<Unread>, Failure> {
    let mut unread = Vec::new();
    for file in files {
        match read(file, data, per) {
            Ok(SeriesFile { sequences, lines, .. }) => {
                let place = |line| Some(Place { line, id: None, steps: None, rows: None });
                let sample = |line| Sample::Series { file: file.clone(), place: place(line) };
                take(lines.into_iter().map(sample).collect(), &sequences)?;
            }
            Err(error) => {
                let sample = Sample::Series { file: file.clone(), place: None };
                unread.push(Unread { sample, error });
            }
        }
    }
    Ok(unread)
}

pub(crate) fn read(file: &Path, data: &DataConfig, per: Per) -> Result<SeriesFile, String> {
    let form = Form::of(file, data, per)?;
    let source = open(file).map_err(|error| error.to_string())?;
    let read = match form {
        Form::Tokens(ConllForm::Columns { .. }) => {
            read_conll(source, data.columns.unwrap_or_default(), &Labelling::None)
        }
        Form::Tokens(ConllForm::Conllu) => read_conllu(source, ConlluTag::default(), &Labelling::None),
        Form::Lines => read_lines(source),
        Form::Texts(form, unit) => read_texts(source, &form, unit, &Labelling::None),
    };
    read.map_err(|problem| problem.to_string())
}

impl Form {
    /// That of a file: as its name says, or as those were that the net learnt from, which answers per
    /// sentence or token.
    ///
    /// # Errors
    ///
    /// Where the data is described as it cannot be.
    pub fn of(file: &Path, data: &DataConfig, per: Per) -> Result<Form, String> {
        let columns = || Form::Tokens(ConllForm::Columns { token: data.columns.unwrap_or_default().token });
        Ok(match data.dataset {
            _ if ends_with(file, &[".conllu"]) => Form::Tokens(ConllForm::Conllu),
            // Treebanks have this name, too.
            Dataset::Conllu => Form::Tokens(ConllForm::Conllu),
            _ if ends_with(file, &[".conll"]) => columns(),
            Dataset::Texts => {
                let options = data.text_options().map_err(|error| error.to_string())?;
                // Standard input has no name.
                let named = if is_standard(file) { data.train.as_deref().unwrap_or(file) } else { file };
                Form::Texts(options.form(named), options.unit)
            }
            Dataset::Lines => Form::Lines,
            Dataset::SyntheticText if per == Per::Sequence => Form::Lines,
            _ => columns(),
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn form(file: &str, settings: &str, per: Per) -> Form {
        Form::of(Path::new(file), &toml::from_str(settings).unwrap(), per).unwrap()
    }

    #[test]
    fn files_are_read_as_their_names_say_or_as_those_that_were_learnt_from() {
        let columns = |token| Form::Tokens(ConllForm::Columns { token });
        let conllu = || Form::Tokens(ConllForm::Conllu);
        let lines = || Form::Texts(TextForm::Lines, Unit::Words);
        for (file, settings, per, expected) in [
            ("a.conllu.gz", "dataset = \"lines\"", Per::Step, conllu()),
            ("a.conll", "dataset = \"conllu\"", Per::Step, conllu()),
            ("a.CONLL", "dataset = \"texts\"", Per::Sequence, columns(1)),
            ("-", "dataset = \"conllu\"", Per::Step, conllu()),
            ("a.txt", "dataset = \"conll\"\ncolumns = { token = 2 }", Per::Step, columns(2)),
            ("-", "dataset = \"lines\"", Per::Step, Form::Lines),
            ("seq.in", "dataset = \"lines\"", Per::Sequence, Form::Lines),
            ("-", "dataset = \"synthetic-text\"", Per::Step, columns(1)),
            ("-", "dataset = \"synthetic-text\"", Per::Sequence, Form::Lines),
            ("-", "dataset = \"texts\"", Per::Sequence, lines()),
            ("a.txt.gz", "dataset = \"texts\"", Per::Sequence, lines()),
        ] {
            assert_eq!(form(file, settings, per), expected, "{file}, {settings}");
        }
        let own = "dataset = \"texts\"\nunit = \"characters\"\ntext = \"t\"";
        let Form::Texts(TextForm::Table { text, delimiter: b'\t', .. }, Unit::Characters) =
            form("a.tsv", own, Per::Sequence)
        else {
            panic!("a table was wanted")
        };
        assert_eq!(text, "t");
        let learnt = format!("{own}\ntrain = \"folder/a.jsonl.gz\"");
        assert!(matches!(form("-", &learnt, Per::Sequence), Form::Texts(TextForm::Json { .. }, _)));
        assert!(matches!(form("b.txt", &learnt, Per::Sequence), Form::Texts(TextForm::Lines, _)));
        let Form::Texts(TextForm::Json { text, .. }, _) = form("a.jsonl", own, Per::Sequence) else {
            panic!("JSON was wanted")
        };
        assert_eq!(text, "t");
    }
}
