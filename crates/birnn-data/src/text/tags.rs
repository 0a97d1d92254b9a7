//! The tags of a file's sentences in the scheme that is learnt.

use crate::config::DataPlan;
use crate::file_error::FileProblem;
use crate::series::file::{FileTargets, Labels, SeriesFile};
use crate::split::MOST_CLASSES;
use crate::targets::{Per, TargetValues, Targets};
use crate::text::problem::TextProblem;

/// The file with tags in the scheme that is learnt, where they mark spans; an error names the line of the
/// first that its scheme does not allow, unless such are to be read as `conlleval` reads them.
pub(crate) fn rewritten(file: SeriesFile, plan: &DataPlan) -> Result<SeriesFile, FileProblem> {
    let (Some(learnt), Some(FileTargets { targets, names })) = (plan.text.learnt, &file.targets) else {
        return Ok(file);
    };
    let (Per::Step, Some(labels)) = (targets.per, targets.classes()) else { return Ok(file) };
    // Where not each line is a token, a sentence is told by its first.
    let has_line_per_token = plan.source.has_line_per_token();
    let own = plan.text.scheme.unwrap_or(learnt);
    let mut written = Labels::new(None);
    for (sentence, &line) in file.lines.iter().enumerate() {
        let steps = file.sequences.steps_of(sentence);
        let tags: Vec<&str> = labels[steps].iter().map(|&label| names[usize::from(label)].as_str()).collect();
        let tags = match plan.text.repair_tags {
            true => own.repair(&tags, learnt),
            false => own.convert(&tags, learnt),
        };
        let tags = tags.map_err(|problem| FileProblem::Text {
            line: if has_line_per_token { line + problem.at() } else { line },
            problem: TextProblem::Tag(Box::new(problem)),
        })?;
        for tag in tags {
            written.push(&tag).map_err(|_| FileProblem::Text {
                line,
                problem: TextProblem::Classes { name: tag, most: MOST_CLASSES },
            })?;
        }
    }
    let (labels, names) = written.finish();
    let targets = Targets { values: TargetValues::Classes(labels), per: Per::Step };
    Ok(SeriesFile { targets: Some(FileTargets { targets, names }), ..file })
}
