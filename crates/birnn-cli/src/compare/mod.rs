//! `birnn compare`: what differs between runs, in settings and in results, and what the test images say of
//! it.

mod facts;
mod text;

use std::collections::BTreeMap;

use birnn_data::name::shown;
use birnn_data::{AugmentConfig, DataConfig, Dataset, Splits};
use birnn_engine::{Learner, differing};
use birnn_report::stats::Interval;
use birnn_report::{Answers, Comparison, Spread, Verdict, recipes};
use serde::Serialize;
use serde_json::Value;

use crate::args::CompareArgs;
use crate::data;
use crate::eval::{open, suits};
use crate::failure::{Failure, Outcome};
use crate::log::Log;
use crate::{print, print_json, run_data};

use self::facts::Facts;

/// All that there is to tell; as JSON what `--json` prints.
#[derive(Serialize)]
struct Report {
    dataset: String,
    images: u64,
    runs: Vec<Facts>,
    /// Each setting that is not the same everywhere, with its value in each run.
    settings: BTreeMap<String, Vec<Option<Value>>>,
    pairs: Vec<PairReport>,
    /// Settings that several of the runs were trained by, each with a seed of its own.
    recipes: Vec<Recipe>,
    #[serde(skip)]
    comparison: Comparison,
}

/// Two runs side by side.
#[derive(Serialize)]
struct PairReport {
    a: String,
    b: String,
    only_a: u64,
    only_b: u64,
    difference: f64,
    interval: Interval,
    p: f64,
    p_holm: f64,
    /// What `p` and `p_holm` may be too small to hold.
    log10_p: f64,
    log10_p_holm: f64,
    verdict: Verdict,
}

/// Runs that differ in their seeds alone.
#[derive(Serialize)]
struct Recipe {
    runs: Vec<String>,
    accuracy: Spread,
}

/// Asks every net for the same test images, and tells of what differs.
pub fn run(args: &CompareArgs, log: &Log) -> Outcome {
    let mut nets = Vec::new();
    for (place, run) in args.runs.iter().enumerate() {
        let trained = open(run, args.device)?;
        let facts = Facts::new(letter(place), run, &trained, &args.sets, &args.place)?;
        for problem in &facts.problems {
            tracing::warn!("{problem}");
        }
        nets.push((facts, trained.learner));
    }
    let (facts, learners): (Vec<Facts>, Vec<Learner>) = nets.into_iter().unzip();
    let splits = same_images(&facts, args, log)?;
    tracing::info!(
        "asking {} nets for {} test images of {}",
        facts.len(),
        splits.test.labels.len(),
        splits.provenance.dataset
    );
    let answers = learners.into_iter().map(|mut learner| Answers::new(&mut learner, &splits.test));
    let report = report(facts, &answers.collect::<Result<Vec<_>, _>>()?, splits.provenance.dataset)?;
    if args.json { print_json(&report) } else { print(&text::text(&report)) }
}

fn report(mut runs: Vec<Facts>, answers: &[Answers], dataset: String) -> Result<Report, Failure> {
    let comparison = Comparison::new(answers)?;
    for (facts, score) in runs.iter_mut().zip(&comparison.scores) {
        facts.score = Some(*score);
    }
    let experiments: Vec<_> = runs.iter().map(|facts| &facts.experiment).collect();
    let settings = differing(&experiments.iter().map(|experiment| experiment.to_json()).collect::<Vec<_>>());
    let pairs = comparison.pairs.iter().map(|pair| PairReport {
        a: runs[pair.a].name.clone(),
        b: runs[pair.b].name.clone(),
        only_a: pair.only_a,
        only_b: pair.only_b,
        difference: pair.difference,
        interval: pair.interval,
        p: 10_f64.powf(pair.log10_p),
        p_holm: 10_f64.powf(pair.log10_p_holm),
        log10_p: pair.log10_p,
        log10_p_holm: pair.log10_p_holm,
        verdict: pair.verdict(),
    });
    let recipes = recipes(&experiments).into_iter().filter_map(|mut places| {
        // Half a training says nothing of its settings, and the same seed nothing new.
        let mut seeds = Vec::new();
        places.retain(|&place| {
            let seed = runs[place].experiment.seed;
            let counts = runs[place].is_finished() && !seeds.contains(&seed);
            if counts {
                seeds.push(seed);
            }
            counts
        });
        let accuracies: Vec<f64> = places.iter().map(|&place| comparison.scores[place].accuracy).collect();
        let names = places.iter().map(|&place| runs[place].name.clone()).collect();
        Some(Recipe { runs: names, accuracy: Spread::new(&accuracies).filter(|spread| spread.runs > 1)? })
    });
    let (pairs, recipes) = (pairs.collect(), recipes.collect());
    Ok(Report { dataset, images: comparison.images, runs, settings, pairs, recipes, comparison })
}

/// The data of which all nets are asked the test images; an error where they are not the same for all.
fn same_images(runs: &[Facts], args: &CompareArgs, log: &Log) -> Result<Splits, Failure> {
    let differ = |a: &Facts, b: &Facts| {
        let (of_a, of_b) = (a.images(), b.images());
        let but = if of_a == of_b { "; they are not the same images" } else { "" };
        Failure::request(format!(
            "{} and {} cannot be compared, for there are no test images for both: {of_a}; {of_b}{but}",
            shown(&a.run),
            shown(&b.run)
        ))
    };
    let Some(first) = runs.first() else { return Err(Failure::request("nothing to compare")) };
    let named = |facts: &Facts| !matches!(facts.data.dataset, Dataset::Idx);
    // Before anything is loaded, let alone downloaded.
    for other in runs {
        let (data, others) = (&first.data, &other.data);
        let other_set = named(first) && named(other) && data.dataset != others.dataset;
        if other_set || first.about.shape != other.about.shape || first.about.classes != other.about.classes {
            return Err(differ(first, other));
        }
    }
    let mut loaded: Vec<(DataConfig, Splits)> = Vec::new();
    for facts in runs {
        let config = only_test(&facts.data);
        let known = loaded.iter().position(|(other, _)| *other == config);
        let place = known.map_or_else(
            || {
                let plan = config.resolve().map_err(Failure::request)?;
                loaded.push((config, data::load(&plan, &args.place.locations(), log, None)?));
                Ok::<_, Failure>(loaded.len() - 1)
            },
            Ok,
        )?;
        let splits = &loaded[place].1;
        suits(&facts.weights, &facts.about, splits)?;
        if splits.test != loaded[0].1.test {
            return Err(differ(first, facts));
        }
        run_data::warn_of_preprocessing(&facts.weights, &facts.about, splits);
        run_data::warn_of_change(&facts.run, &facts.about, splits);
    }
    Ok(loaded.swap_remove(0).1)
}

/// The same data with as little as can be of what is not asked for.
fn only_test(data: &DataConfig) -> DataConfig {
    DataConfig { validation: 0, limit: Some(1), augment: AugmentConfig::default(), ..data.clone() }
}

/// What a run is called for short: A to Z, then AA.
fn letter(place: usize) -> String {
    let last = char::from(b'A' + (place % 26) as u8);
    match place / 26 {
        0 => last.to_string(),
        more => format!("{}{last}", letter(more - 1)),
    }
}
