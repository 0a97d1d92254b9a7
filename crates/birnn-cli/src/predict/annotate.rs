//! Sentences with the tags of their tokens. What has a token on each line is given back as it is, each token
//! with its tag and how probable the net finds it; of a sentence on each line there is a line with the tags.

use std::io::{self, Write};
use std::path::{Path, PathBuf};

use birnn_data::{AddedColumn, ConllBlock, ConllText, FileProblem, LineText, Sentences, escape};
use birnn_infer::{Class, Classify, Task};

use crate::asked::Asked;
use crate::failure::{Failure, Outcome};
use crate::output::pass_on;
use crate::samples::named::open;
use crate::samples::sentences::Form;
use crate::samples::{Reading, Sample, Unread, outcome};

/// Sentences that are answered at once: more are no quicker, and in a pipe the first would come later.
const TOGETHER: usize = 1024;

/// Writes every file to standard output, sentence by sentence, with tags. Where one cannot be read, the
/// others are.
pub(super) fn run(files: &[PathBuf], asked: &Asked, reading: &Reading<'_>) -> Outcome {
    let Task::Classify(task) = &asked.task else {
        return Err(Failure::request("the net tells numbers, and words have tags"));
    };
    let mut writing = Writing { asked, task, count: 0 };
    let mut unread = Vec::new();
    for file in files {
        if let Err(error) = writing.file(file, reading)? {
            unread.push(Unread { sample: Sample::Series { file: file.clone(), place: None }, error });
        }
    }
    match (files, unread.as_slice()) {
        // Of an empty text there is nothing to write.
        (_, []) => Ok(()),
        ([_], [only]) => Err(Failure::request(only)),
        _ => outcome(writing.count, &unread),
    }
}

/// What answers, and how many sentences it has answered.
struct Writing<'a> {
    asked: &'a Asked,
    task: &'a Classify,
    count: usize,
}

impl Writing<'_> {
    /// Writes a file with tags; what the inner error says is wrong with it.
    fn file(&mut self, file: &Path, reading: &Reading<'_>) -> Result<Result<(), String>, Failure> {
        let form = match Form::of(file, reading.data, self.task.per) {
            Ok(form) => form,
            Err(error) => return Ok(Err(error)),
        };
        let source = match open(file) {
            Ok(source) => source,
            Err(error) => return Ok(Err(error.to_string())),
        };
        match form {
            Form::Tokens(form) => self.text(ConllText::new(source, form)),
            // Texts are answered whole: no net that learnt from such gives tags.
            Form::Lines | Form::Texts(..) => self.text(LineText::new(source)),
        }
    }

    fn text<T: Annotated>(
        &mut self,
        text: Result<impl Iterator<Item = Result<T, FileProblem>>, FileProblem>,
    ) -> Result<Result<(), String>, Failure> {
        let text = match text {
            Ok(text) => text,
            Err(problem) => return Ok(Err(problem.to_string())),
        };
        let mut parts = Vec::new();
        // As long as each sentence looks so.
        let mut wide = None;
        for part in text {
            match part {
                Ok(part) => {
                    if let Some(looks_so) = part.looks_like_a_sentence() {
                        wide = Some(looks_so && wide != Some(false));
                    }
                    parts.push(part);
                }
                Err(problem) => {
                    // What is before it has its answers.
                    self.answer(&parts)?;
                    return Ok(Err(problem.to_string()));
                }
            }
            if parts.len() == TOGETHER {
                self.answer(&parts)?;
                parts.clear();
            }
        }
        if wide == Some(true) {
            tracing::warn!(
                "each line was read as one token with other columns behind it; to tag the words of a sentence, put \
                 each on a line of its own, and an empty line behind the sentence: tr ' ' '\\n'"
            );
        }
        self.answer(&parts).map(Ok)
    }

    /// Answers some sentences.
    fn answer(&mut self, parts: &[impl Annotated]) -> Outcome {
        let mut sentences = Sentences::default();
        for part in parts {
            part.tokens().for_each(|token| sentences.push(token));
            sentences.end();
        }
        let answers = match sentences.is_empty() {
            true => Vec::new().into(),
            false => {
                let sentences = sentences.finish();
                self.count += sentences.len();
                self.asked.answers(&sentences)?
            }
        };
        let (mut position, mut out) = (0, Vec::new());
        for part in parts {
            let end = position + part.tokens().count();
            let own: Vec<Class> =
                (position..end).map(|position| self.task.answer_at(&answers, position)).collect();
            position = end;
            // Memory takes all that is written to it.
            part.write(&mut out, self.task, &own).map_err(|error| Failure::run(error.to_string()))?;
        }
        pass_on(&out)
    }
}

/// A part of a text, with a sentence or without.
trait Annotated {
    fn tokens(&self) -> impl Iterator<Item = &str>;

    /// Whether what was read as one token and what else is said of it may be a whole sentence; nothing where
    /// there is no token.
    fn looks_like_a_sentence(&self) -> Option<bool> {
        Some(false)
    }

    /// Writes it with the answers for its tokens.
    fn write(&self, into: &mut Vec<u8>, task: &Classify, answers: &[Class]) -> io::Result<()>;
}

/// All that was read, with two columns added to the lines of tokens.
impl Annotated for ConllBlock {
    fn tokens(&self) -> impl Iterator<Item = &str> {
        ConllBlock::tokens(self)
    }

    fn looks_like_a_sentence(&self) -> Option<bool> {
        (!self.is_empty()).then(|| self.is_one_wide_line())
    }

    fn write(&self, into: &mut Vec<u8>, task: &Classify, answers: &[Class]) -> io::Result<()> {
        let told = |class: &Class| {
            (escape::line(&task.classes[class.class]).into_owned(), format!("{:.4}", class.probability))
        };
        let (tags, sure): (Vec<String>, Vec<String>) = answers.iter().map(told).unzip();
        let columns =
            [AddedColumn { name: "Tag", values: &tags }, AddedColumn { name: "Confidence", values: &sure }];
        ConllBlock::write(self, into, &columns)
    }
}

/// The tags alone, on the line that the sentence has, so that `paste` joins both.
impl Annotated for Vec<String> {
    fn tokens(&self) -> impl Iterator<Item = &str> {
        self.iter().map(String::as_str)
    }

    fn write(&self, into: &mut Vec<u8>, task: &Classify, answers: &[Class]) -> io::Result<()> {
        let tags: Vec<_> = answers.iter().map(|answer| escape::line(&task.classes[answer.class])).collect();
        writeln!(into, "{}", tags.join(" "))
    }
}
