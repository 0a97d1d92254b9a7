//! `birnn eval`: how a trained network does on a set of samples.

mod classes;
mod numbers;
pub mod stream;
mod wrong;

use std::path::Path;

use birnn_data::name::shown;
use birnn_data::{DataConfig, DataPlan, Modality, Per, SelfTargets, Sequences, Split, Splits, name};
use birnn_experiment::Source;
use birnn_infer::{
    Answers, Detail, Evaluation, InUse, KnownWords, Manifest, Task, TokenScores, data_set_for, hidden_of_run,
    loss_by_counting,
};
use birnn_report::Judged;
use serde::Serialize;

use crate::args::{DataSets, EvalArgs, SplitName};
use crate::asked::{Asked, check_data, tell_of_the_test};
use crate::data;
use crate::failure::{Failure, Outcome};
use crate::log::Log;
use crate::output::{print, print_json};
use crate::samples::series::first_refused;

use self::wrong::Wrong;

/// What `--json` prints.
#[derive(Serialize)]
struct Report<'a> {
    #[serde(serialize_with = "name::serialize")]
    weights: &'a Path,
    /// The files of the nets that were asked with it.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    ensemble: Vec<String>,
    dataset: &'a str,
    split: &'a str,
    #[serde(flatten)]
    evaluation: &'a Evaluation,
    /// Of a table that is read as it comes nothing is kept.
    #[serde(flatten)]
    wrong: Option<Wrong>,
    /// Of tags of words.
    #[serde(skip_serializing_if = "Option::is_none")]
    words: Option<KnownWords>,
    /// Of numbers.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    judged: Vec<Judged>,
    /// Of tokens of the samples themselves.
    #[serde(skip_serializing_if = "Option::is_none")]
    by_counting: Option<ByCounting>,
    /// Of a net that has read what it is asked for.
    #[serde(skip_serializing_if = "Option::is_none")]
    in_use: Option<TwiceJudged>,
}

/// How well tokens are found by their frequency in training data alone.
#[derive(Serialize)]
struct ByCounting {
    loss: f64,
    perplexity: f64,
}

impl ByCounting {
    fn new(loss: f64) -> ByCounting {
        ByCounting { loss, perplexity: loss.exp() }
    }
}

/// How a net does that is given whole sequences, and how given what came before alone.
#[derive(Serialize)]
struct TwiceJudged {
    steps: usize,
    whole: Judgement,
    so_far: Judgement,
}

#[derive(Serialize)]
struct Judgement {
    loss: f64,
    /// Of tokens.
    #[serde(skip_serializing_if = "Option::is_none")]
    accuracy: Option<f64>,
    /// Of numbers, in standard deviations.
    #[serde(skip_serializing_if = "Option::is_none")]
    mae: Option<f64>,
}

impl From<&InUse> for TwiceJudged {
    fn from(InUse { steps, whole, so_far }: &InUse) -> TwiceJudged {
        let judgement = |found: &Evaluation| Judgement {
            loss: found.loss,
            accuracy: found.classified().map(|found| found.accuracy),
            mae: found.regressed().and_then(|found| found.filled).map(|filled| filled.mae),
        };
        TwiceJudged { steps: *steps, whole: judgement(whole), so_far: judgement(so_far) }
    }
}

/// What is to be said of a net that has read what it is asked for.
fn told_in_use(InUse { whole, so_far, .. }: &InUse) -> String {
    let told = |found: &Evaluation| match found.regressed() {
        Some(_) => format!("{} standard deviations", found.headline()),
        None => format!("loss {:.4}, {}", found.loss, found.headline()),
    };
    format!(
        "\nTHIS NET READS WHAT IT IS ASKED FOR (task.leak = \"show\"): all above is of no use.\n\
         In use, of {} of these: {}, given only what came before;\n\
         given what comes after, too: {}\n",
        whole.positions,
        told(so_far),
        told(whole)
    )
}

/// How a net does, and its answers; of tokens of the samples themselves these would take more memory than
/// there is.
fn judged(asked: &Asked, samples: &Split) -> Result<(Evaluation, Option<Answers>), Failure> {
    let (Task::Classify(task), Some(_)) = (&asked.task, samples.targets.own_tokens()) else {
        let answers = asked.answers(&samples.sequences)?;
        return Ok((asked.task.evaluate(&answers, &samples.targets), Some(answers)));
    };
    let logits = |sequences: &Sequences| Ok::<_, Failure>(asked.answers(sequences)?.logits);
    Ok((TokenScores::of(task, samples, logits)?.evaluation(), None))
}

/// Steps by which a net is judged in use: each is asked for with all that comes before it.
const IN_USE: usize = 2000;

impl EvalArgs {
    /// The one net that is asked.
    fn net(&self) -> Result<&Path, Failure> {
        match &self.runs[..] {
            [run] => Ok(run),
            _ => Err(Failure::request(
                "eval: several nets are asked as one with --ensemble, and held against each other by `birnn compare`",
            )),
        }
    }

    /// The net that is asked, or the ensemble, each opened by `open`.
    fn asked(&self, open: impl Fn(&Path) -> Result<Asked, Failure>) -> Result<Asked, Failure> {
        let (first, others) = match &self.runs[..] {
            [first, others @ ..] if self.ensemble && !others.is_empty() => (first, others),
            _ if self.ensemble => return Err(Failure::request("--ensemble: name two nets at least")),
            _ => return open(self.net()?),
        };
        let others = others.iter().map(|run| open(run)).collect::<Result<_, Failure>>()?;
        open(first)?.with_others(others)
    }

    /// How the data is loaded that the net is judged by.
    fn plan(&self, asked: &Asked) -> Result<DataPlan, Failure> {
        let Asked { weights, manifest, .. } = asked;
        let is_of_hidden = |set: &String| Source::is_about(set, "task.hide");
        let (hidden, sets): (Vec<String>, Vec<String>) =
            self.sets.sets.iter().cloned().partition(is_of_hidden);
        let config = match self.dataset {
            None => self.data.data_of_run(manifest, weights, &DataSets { sets })?,
            Some(dataset) => {
                // What a language is made of is counted in training samples; else none of these is asked for.
                let test_alone = matches!(self.split, SplitName::Test) && asked.task.self_targets().is_none();
                DataConfig { limit: test_alone.then_some(1), ..data_set_for(manifest, dataset) }
            }
        };
        let mut plan = manifest.plan(&config).map_err(Failure::request)?;
        let about = |key: &str| self.sets.are_about(key);
        let had_share = manifest.experiment().data.test_share.is_some();
        if had_share
            && about("data.test")
            && !(about("data.train") || about("data.dataset") || matches!(self.split, SplitName::Test))
        {
            return Err(Failure::request(
                "--split: the run's test was a share of its file (`data.test_share`), which data.test takes the place of, so that \
                 others would be kept back than were; leave data.test out, or take test",
            ));
        }
        if !hidden.is_empty() {
            plan.self_targets = Some(hidden_of_run(manifest, &hidden)?);
        }
        Ok(plan)
    }

    /// Checks that the nets can be judged by this data, and says what there is to doubt.
    fn check(&self, asked: &Asked, plan: &DataPlan, splits: &Splits) -> Outcome {
        for (run, (weights, manifest)) in self.runs.iter().zip(asked.nets()) {
            check_data(run, weights, manifest, splits, self.dataset.is_none())?;
        }
        if !self.sets.sets.is_empty() {
            tell_of_the_test(splits);
        }
        if self.dataset.is_none() {
            self.tell_of_other_divisions(asked, plan);
        }
        Ok(())
    }

    /// The samples that the nets are judged by, which they can all read, and the name of their split.
    fn samples(&self, asked: &Asked, splits: Splits) -> Result<(&'static str, Split), Failure> {
        let what = splits.modality.noun();
        let (name, samples) = match self.split {
            SplitName::Test => ("test", splits.test),
            SplitName::Validation => ("validation", splits.validation),
            SplitName::Train => ("train", splits.train),
        };
        if samples.is_empty() {
            return Err(Failure::request(match self.dataset {
                None => format!(
                    "--split: the run kept no validation {what} back (`data.validation` is 0); take test or train"
                ),
                Some(_) => {
                    format!(
                        "--split: no validation {what} are kept back of another data set; take test or train"
                    )
                }
            }));
        }
        for (weights, manifest) in asked.nets() {
            if let Modality::Series(series) = &manifest.modality {
                first_refused(&samples.sequences, series)
                    .map_err(|why| Failure::request(format!("{}: {why}", shown(weights))))?;
            }
        }
        Ok((name, samples))
    }

    /// Says which of several nets can have learnt from what the first is judged by, by `plan`: its run's data
    /// is another, or is divided otherwise.
    fn tell_of_other_divisions(&self, asked: &Asked, plan: &DataPlan) {
        let of_validation = match self.split {
            SplitName::Test if plan.test_share.is_none() => return,
            SplitName::Train => return,
            SplitName::Test => false,
            SplitName::Validation => true,
        };
        let own = |manifest: &Manifest| {
            let data = manifest.experiment().data.clone();
            Some((data.dataset, manifest.plan(&data).ok()?))
        };
        let Some((dataset, first)) = own(&asked.manifest) else { return };
        for (run, (_, manifest)) in self.runs.iter().zip(asked.nets()).skip(1) {
            let Some((other, divided)) = own(manifest) else { continue };
            let same_files =
                !dataset.is_own() || asked.manifest.recorded().has_same_files(manifest.recorded());
            if other == dataset && !(same_files && first.divides_as(&divided, of_validation)) {
                tracing::warn!(
                    "{}: its run had other samples to learn from than that of {}, and perhaps some of those that both are judged \
                     by here: what they come to together says too much",
                    shown(run),
                    shown(&self.runs[0])
                );
            }
        }
    }
}

/// How a net does, and what is said beside it.
struct Found {
    evaluation: Evaluation,
    /// Of tags of words.
    words: Option<KnownWords>,
    /// Of numbers.
    judged: Vec<Judged>,
    /// Of tokens of the samples themselves.
    by_counting: Option<ByCounting>,
    /// Of a net that has read what it is asked for.
    in_use: Option<InUse>,
}

impl Found {
    /// Asks for the answers to `samples`. `counts` says how often each token is in what the net learnt from,
    /// where it is asked for such.
    fn of(asked: &Asked, samples: &Split, counts: &[u64]) -> Result<Found, Failure> {
        let (evaluation, answers) = judged(asked, samples)?;
        let judged = match (&asked.task, &answers) {
            (Task::Classify(_), _) | (_, None) => Vec::new(),
            (Task::Regress(task), Some(answers)) => {
                let (answers, lengths) = (task.answer(&answers.logits), samples.sequences.lengths());
                let errors = task.errors_by_sequence(&answers, &samples.targets, lengths);
                Judged::all(task, &errors, &samples.targets)
            }
        };
        let words = match (&asked.manifest.modality, &asked.task, &answers) {
            (Modality::Text(text), Task::Classify(task), Some(answers)) => {
                KnownWords::new(text, task, &samples.sequences, answers, &samples.targets)
            }
            _ => None,
        };
        let labels = samples.targets.own_tokens();
        let by_counting = labels.and_then(|labels| loss_by_counting(counts, labels)).map(ByCounting::new);
        let in_use = match asked.nets().any(|(_, manifest)| manifest.reads_what_it_is_asked()) {
            true => {
                let logits = |sequences: &Sequences| Ok::<_, Failure>(asked.answers(sequences)?.logits);
                InUse::of(&asked.task, samples, IN_USE, logits)?
            }
            false => None,
        };
        Ok(Found { evaluation, words, judged, by_counting, in_use })
    }
}

/// Evaluates a net, or several as one, on one of its run's splits. `open` opens a net.
pub fn run(args: &EvalArgs, log: &Log, open: impl Fn(&Path) -> Result<Asked, Failure>) -> Outcome {
    let asked = args.asked(open)?;
    let plan = args.plan(&asked)?;
    let splits = data::load(&plan, &args.data.locations()?, log, None)?;
    args.check(&asked, &plan, &splits)?;
    let counts = match &splits.modality {
        Modality::Text(text) if asked.task.self_targets().is_some() => text.counts(splits.learnt_from()),
        _ => Vec::new(),
    };
    let (dataset, what) = (splits.provenance.dataset.clone(), splits.modality.noun());
    let (split, samples) = args.samples(&asked, splits)?;
    let found = Found::of(&asked, &samples, &counts)?;
    if args.json {
        return print_json(&Report {
            weights: &asked.weights,
            ensemble: asked.others.iter().map(|(weights, _)| shown(weights).to_string()).collect(),
            dataset: &dataset,
            split,
            wrong: Some(Wrong::new(&found.evaluation, asked.task.per(), &samples.sequences)),
            in_use: found.in_use.as_ref().map(TwiceJudged::from),
            evaluation: &found.evaluation,
            words: found.words,
            judged: found.judged,
            by_counting: found.by_counting,
        });
    }
    let by = match asked.others.len() {
        0 => String::new(),
        others => format!(", by the mean of {} nets", 1 + others),
    };
    let of = match asked.task.per() {
        Per::Sequence => format!("{dataset}, {} {split} {what}{by}", samples.len()),
        Per::Step => {
            let (counted, positions) = (asked.task.counted(), found.evaluation.positions);
            format!("{dataset}, {positions} {counted} of {} {split} {what}{by}", samples.len())
        }
    };
    let answered = if asked.task.per() == Per::Step { asked.task.counted() } else { what };
    let told = match &found.evaluation.detail {
        Detail::Classify(detail) if asked.task.self_targets().is_some() => {
            classes::of_tokens(&found.evaluation, detail, found.by_counting.as_ref(), &of)
        }
        Detail::Classify(detail) => {
            classes::table(&found.evaluation, detail, found.words.as_ref(), &of, answered)
        }
        Detail::Regress(detail) => numbers::table(&found.evaluation, detail, &found.judged, &of),
    };
    let hidden = match plan.self_targets {
        Some(SelfTargets::Hidden(hide)) => format!("\nhidden: {hide}\n"),
        Some(SelfTargets::Next) | None => String::new(),
    };
    print(&(told + &hidden + &found.in_use.as_ref().map_or_else(String::new, told_in_use)))
}
