//! Sentences with the tags of their tokens. What has a token on each line is given back as it is, each token with its
//! tag and how probable the net finds it; of a sentence on each line there is a line with the tags.

use std::io::{self, Write};
use std::path::{Path, PathBuf};

use birnn_data::{AddedColumn, ConllBlock, ConllText, FileProblem, LineText, Sentences, name};
use birnn_infer::{Class, Classify, Task};

use crate::asked::Asked;
use crate::failure::{Failure, Outcome};
use crate::output::pass_on;
use crate::samples::Reading;
use crate::samples::sentences::{self, Form};

/// Sentences that are answered at once: more are no quicker, and in a pipe the first would come later.
const TOGETHER: usize = 1024;

/// Writes every file to standard output, sentence by sentence, with tags.
pub(super) fn run(files: &[PathBuf], asked: &Asked, reading: &Reading<'_>) -> Outcome {
    let Task::Classify(task) = &asked.task else {
        return Err(Failure::request("the net tells numbers, and words have tags"));
    };
    for file in files {
        let unreadable = |problem: FileProblem| unreadable(file, &problem);
        let form = Form::of(file, &reading.data, task.per);
        let form = form.map_err(|error| Failure::request(format!("{}: {error}", name::shown(&file))))?;
        let source = sentences::open(file).map_err(|error| unreadable(error.into()))?;
        match form {
            Form::Tokens(form) => {
                annotate(file, ConllText::new(source, form).map_err(unreadable)?, asked, task)?;
            }
            // Texts are answered whole: no net that learnt from such gives tags.
            Form::Lines | Form::Texts(..) => {
                annotate(file, LineText::new(source).map_err(unreadable)?, asked, task)?;
            }
        }
    }
    Ok(())
}

fn unreadable(file: &Path, problem: &FileProblem) -> Failure {
    Failure::request(format!("{}: {problem}", name::shown(&file)))
}

/// A part of a text, with a sentence or without.
trait Annotated {
    fn tokens(&self) -> impl Iterator<Item = &str>;

    /// Writes it with the answers for its tokens.
    fn write(&self, into: &mut Vec<u8>, task: &Classify, answers: &[Class]) -> io::Result<()>;
}

/// All that was read, with two columns added to the lines of tokens.
impl Annotated for ConllBlock {
    fn tokens(&self) -> impl Iterator<Item = &str> {
        ConllBlock::tokens(self)
    }

    fn write(&self, into: &mut Vec<u8>, task: &Classify, answers: &[Class]) -> io::Result<()> {
        let told = |class: &Class| (task.classes[class.class].clone(), format!("{:.4}", class.probability));
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
        let tags: Vec<&str> = answers.iter().map(|answer| task.classes[answer.class].as_str()).collect();
        writeln!(into, "{}", tags.join(" "))
    }
}

fn annotate<T: Annotated>(
    file: &Path,
    text: impl Iterator<Item = Result<T, FileProblem>>,
    asked: &Asked,
    task: &Classify,
) -> Outcome {
    let mut parts = Vec::new();
    for part in text {
        match part {
            Ok(part) => parts.push(part),
            Err(problem) => {
                // What is before it has its answers.
                answer(&parts, asked, task)?;
                return Err(unreadable(file, &problem));
            }
        }
        if parts.len() == TOGETHER {
            answer(&parts, asked, task)?;
            parts.clear();
        }
    }
    answer(&parts, asked, task)
}

/// Answers some sentences.
fn answer(parts: &[impl Annotated], asked: &Asked, task: &Classify) -> Outcome {
    let mut sentences = Sentences::default();
    for part in parts {
        part.tokens().for_each(|token| sentences.push(token));
        sentences.end();
    }
    let answers = match sentences.is_empty() {
        true => Vec::new().into(),
        false => asked.answers(&sentences.finish())?,
    };
    let (mut position, mut out) = (0, Vec::new());
    for part in parts {
        let end = position + part.tokens().count();
        let own: Vec<Class> = (position..end).map(|position| task.answer_at(&answers, position)).collect();
        position = end;
        // Memory takes all that is written to it.
        part.write(&mut out, task, &own).map_err(|error| Failure::run(error.to_string()))?;
    }
    pass_on(&out)
}
