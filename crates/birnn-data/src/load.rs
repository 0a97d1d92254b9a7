//! From a plan to samples in memory: found, downloaded, verified, split.

use sha2::{Digest, Sha256};

use crate::config::{DataPlan, Fallback, Source, SplitBy, TextPlan};
use crate::division::{Divided, Groups, divide};
use crate::error::{ConfigError, DataError};
use crate::event::Event;
use crate::image::raw::RawImages;
use crate::image::synthetic;
use crate::locations::Locations;
use crate::modality::Modality;
use crate::obtain::obtain;
use crate::own::{not_there, read_idx};
use crate::provenance::{Provenance, VerifiedFile};
use crate::self_targets::SelfTargets;
use crate::sequences::{Sequences, Values};
use crate::series::own::read_own;
use crate::series::standardise::Series;
use crate::split::Split;
use crate::targets::{Outputs, TargetKind, TargetScale, TargetValues, Targets};
use crate::text::vocabulary::Text;
use crate::text::word_vectors::{self, WordVectors};
use crate::whole::{Whole, WholeKind};
use crate::{check, content, series, text};

/// Data that is ready to be trained on.
#[derive(Debug)]
pub struct Splits {
    /// To learn from.
    pub train: Split,
    /// Of sequences some of whose values are hidden, which are others each time they are learnt from: those
    /// of `train` with nothing hidden.
    pub unhidden: Option<Sequences>,
    /// To judge by while training; may be empty.
    pub validation: Split,
    /// To judge by at the end.
    pub test: Split,
    /// What its targets mean.
    pub outputs: Outputs,
    /// What the samples are of, and how a net reads them.
    pub modality: Modality,
    /// Vectors that others learnt, for the words that they are of, where there are such.
    pub vectors: Option<WordVectors>,
    /// Where it all came from.
    pub provenance: Provenance,
    /// What can be, but hardly is what was meant, by the setting that it is about.
    pub warnings: Vec<ConfigError>,
}

impl Splits {
    /// The training samples with nothing hidden.
    pub fn learnt_from(&self) -> &Sequences {
        self.unhidden.as_ref().unwrap_or(&self.train.sequences)
    }
}

/// The digits are the same in every run, as a file's would be.
const SYNTHETIC_SEED: u64 = 0;

/// Brings the data of `plan` into memory, from disk, mirrors or code, and verifies all of it.
pub fn load(
    plan: &DataPlan,
    locations: &Locations,
    on_event: &mut dyn FnMut(Event),
) -> Result<Splits, DataError> {
    let whole = read(plan, locations, on_event)?;
    let mut warnings = whole.warnings;
    let sorted = whole.train.labels().is_some_and(check::is_sorted_by_class);
    let known = check::classes_in(whole.train.labels().unwrap_or_default());
    let of = whole.train.len();
    let mut divided = divide(whole.train, whole.groups, whole.test, plan)?;
    if let Some(validation) = whole.validation {
        divided.validation = validation;
    }
    let Divided { mut train, mut validation, mut test, division, warnings: of_parts } = divided;
    warnings.extend(of_parts);
    if validation_key(plan) == "validation_file" && !plan.judges {
        warnings.extend(check::validation_overlap(&train, &validation, plan));
    }
    let mut provenance = Provenance {
        dataset: whole.dataset.to_owned(),
        substitute_for: whole.substitute_for,
        files: whole.files,
        train: train.len(),
        validation: validation.len(),
        test: test.len(),
        division,
        sha256: String::new(),
    };
    let mut outputs = match train.targets.numbers() {
        None => Outputs::Classes(whole.names),
        Some(numbers) => {
            warnings.extend(check::hardly_told_apart(
                "target",
                numbers,
                whole.names.len(),
                Some(&whole.names),
            ));
            Outputs::Numbers(TargetScale::of(whole.names, numbers))
        }
    };
    if let (Some(labels), Some(classes)) = (train.labels(), outputs.classes()) {
        let as_numbers = check::numbers_as_classes(classes, plan);
        // Of numbers it says nothing that some are not there.
        let untrained = || check::untrained(labels, classes, (&known, of), sorted, plan);
        warnings.extend(as_numbers.or_else(untrained));
    }
    let mut vectors = None;
    let modality = match whole.kind {
        WholeKind::Images { shape, preprocessing } => {
            Modality::Images { shape, preprocessing: Some(preprocessing) }
        }
        WholeKind::Series { features, columns } => {
            warnings.extend(check::never_known(&train.sequences, features.as_deref()));
            if let Values::Floats(values) = train.sequences.values() {
                let (width, names) = (train.sequences.features(), features.as_deref());
                warnings.extend(check::hardly_told_apart("feature", values, width, names));
            }
            Modality::Series(series_of(&train.sequences, features, columns, plan))
        }
        WholeKind::Text => {
            warnings.extend(check::punctuation_in_words(&train.sequences, plan));
            let (text, found) = text_of(&train.sequences, plan, on_event)?;
            if let Some((found, file)) = found {
                provenance.files.push(file);
                vectors = Some(found);
            }
            Modality::Text(text)
        }
    };
    let mut unhidden = None;
    if let Some(own) = plan.self_targets {
        outputs = match &modality {
            Modality::Series(series) => Outputs::Numbers(series.self_scale(&train.sequences)),
            Modality::Text(text) => Outputs::Classes(text.words.clone()),
            Modality::Images { .. } => outputs,
        };
        unhidden = Some(train.sequences.clone()).filter(|_| matches!(own, SelfTargets::Hidden(_)));
        let of = |split: Split| match &modality {
            Modality::Series(series) => series.answered_by_itself(own, split.sequences),
            Modality::Text(text) => text.answered_by_itself(own, split.sequences),
            Modality::Images { .. } => split,
        };
        (train, validation, test) = (of(train), of(validation), of(test));
    }
    let learnt_from =
        [("train", &train), (validation_key(plan), &validation)].into_iter().filter(|_| !plan.judges);
    let of_test = if plan.test_share.is_some() { "test_share" } else { "test" };
    for (key, split) in learnt_from.chain([(of_test, &test)]) {
        asked_for_something(key, split, modality.noun())?;
    }
    provenance.sha256 = digest([&train, &validation, &test]);
    Ok(Splits { train, unhidden, validation, test, outputs, modality, vectors, provenance, warnings })
}

/// The samples that the plan names, undivided.
fn read(plan: &DataPlan, locations: &Locations, on_event: &mut dyn FnMut(Event)) -> Result<Whole, DataError> {
    Ok(match &plan.source {
        Source::Synthetic => draw(plan.limit).prepare(plan)?,
        Source::Files(files) => read_idx(files)?.prepare(plan)?,
        Source::SyntheticSeries => make(plan),
        Source::SyntheticText => write(plan),
        Source::Own(files) => read_own(files, plan)?,
        Source::Published(published) => match (obtain(published, plan, locations, on_event), plan.fallback) {
            (Err(DataError::Unobtainable(reason)), Fallback::Synthetic) => {
                on_event(Event::Substituted { dataset: published.name, reason: &reason.to_string() });
                let stand_in = draw(plan.limit).prepare(plan)?;
                Whole { substitute_for: Some(published.name.to_owned()), ..stand_in }
            }
            (whole, _) => whole?,
        },
    })
}

/// How a net reads series: as it learns from these, or as one learnt that is asked for values of its own.
fn series_of(
    train: &Sequences,
    names: Option<Vec<String>>,
    columns: Option<Vec<String>>,
    plan: &DataPlan,
) -> Series {
    if let Some(Modality::Series(net)) = &plan.read_as
        && net.features() == train.features()
    {
        return net.clone();
    }
    let series = Series::of(train, plan.missing, plan.standardise);
    Series { names, columns, missing_mask: plan.missing_mask, ..series }
}

/// The words that a net knows: those that it learns from these, and those that there are vectors of, with the
/// file of these; or those of one that is asked for tokens of its own.
fn text_of(
    train: &Sequences,
    plan: &DataPlan,
    on_event: &mut dyn FnMut(Event),
) -> Result<(Text, Option<(WordVectors, VerifiedFile)>), DataError> {
    let TextPlan { folding, min_count, vectors, .. } = &plan.text;
    let mut text = Text::of(train, *folding, *min_count);
    let mut known = None;
    if let Some(plan) = vectors {
        let (with_theirs, found, digests) =
            word_vectors::read(plan, text).map_err(not_there("data.vectors"))?;
        text = with_theirs;
        let bytes = size_of::<f32>() * plan.width * text.word_count();
        on_event(Event::Vectors { told: &found.found.told(&plan.path, bytes) });
        known = Some((found, VerifiedFile::new(&plan.path, digests)));
    }
    if plan.self_targets.is_some() {
        if let Some(Modality::Text(net)) = &plan.read_as {
            text = net.clone();
        }
        if text.words.len() < 2 {
            let message = format!(
                "of the training tokens {} come at least so often: there is nothing to tell apart; a smaller \
                 number leaves more",
                text.words.len()
            );
            return Err(ConfigError::new("min_count", message).into());
        }
    }
    Ok((text, known))
}

/// The setting that says which samples a net is judged by while it learns.
fn validation_key(plan: &DataPlan) -> &'static str {
    match &plan.source {
        Source::Own(files) if files.validation.is_some() => "validation_file",
        _ => "validation",
    }
}

/// That there is something to ask for in samples that are answered with values or tokens of their own, if
/// there are any.
fn asked_for_something(key: &'static str, split: &Split, samples: &str) -> Result<(), ConfigError> {
    let Targets { values, .. } = &split.targets;
    if split.is_empty() || split.targets.counted(0..split.targets.len()) > 0 {
        return Ok(());
    }
    let why = match values {
        TargetValues::SelfClasses { kind: TargetKind::Next, .. } => {
            "none has a token behind another one that is a word of the training texts; letters are tokens with \
             `unit = \"characters\"`"
        }
        TargetValues::SelfClasses { .. } => "no token of them is a word of the training texts",
        TargetValues::SelfNumbers { kind: TargetKind::Next, .. } => {
            "none has a value in a step behind another one; of tables `id` says which rows are steps of one"
        }
        _ => "none has a value that could be hidden",
    };
    Err(ConfigError::new(key, format!("its {} {samples} leave nothing to ask for: {why}", split.len())))
}

fn digest(splits: [&Split; 3]) -> String {
    let mut hash = Sha256::new();
    for split in splits {
        match split.sequences.values() {
            Values::Bytes(bytes) => hash.update(bytes),
            Values::Floats(floats) => {
                split.sequences.lengths().for_each(|length| hash.update((length as u64).to_le_bytes()));
                floats.iter().for_each(|value| hash.update(value.to_le_bytes()));
            }
            Values::Tokens(tokens, forms) => {
                split.sequences.lengths().for_each(|length| hash.update((length as u64).to_le_bytes()));
                for &token in tokens {
                    hash.update(forms.get(token));
                    // No token has it.
                    hash.update([0]);
                }
            }
        }
        split.targets.bytes(|bytes| hash.update(bytes));
    }
    content::hexadecimal(&hash.finalize())
}

fn draw(limit: usize) -> RawImages {
    RawImages {
        dataset: "synthetic",
        substitute_for: None,
        train: synthetic::digits(SYNTHETIC_SEED, 0, synthetic::TRAIN.min(limit)),
        groups: Groups::default(),
        test: Some(synthetic::digits(SYNTHETIC_SEED, synthetic::TRAIN as u64, synthetic::TEST)),
        classes: synthetic::classes(),
        files: Vec::new(),
        known: Some(synthetic::STORED.preprocessing(false, false)),
        warnings: Vec::new(),
    }
}

fn make(plan: &DataPlan) -> Whole {
    let made = |first: usize, count: usize| {
        series::synthetic::split(SYNTHETIC_SEED, first as u64, count, plan.wanted)
    };
    // Those that are kept back by time or by group do not count.
    let count = if plan.split == SplitBy::Random { plan.limit } else { usize::MAX };
    Whole {
        dataset: "synthetic-series",
        substitute_for: None,
        train: made(0, series::synthetic::TRAIN.min(count)),
        groups: Groups::default(),
        test: Some(made(series::synthetic::TRAIN, series::synthetic::TEST)),
        validation: None,
        names: series::synthetic::names(plan.wanted),
        files: Vec::new(),
        kind: WholeKind::Series { features: None, columns: None },
        warnings: Vec::new(),
    }
}

fn write(plan: &DataPlan) -> Whole {
    let made =
        |first: usize, count: usize| text::synthetic::split(SYNTHETIC_SEED, first as u64, count, plan.wanted);
    Whole {
        dataset: "synthetic-text",
        substitute_for: None,
        train: made(0, text::synthetic::TRAIN.min(plan.limit)),
        groups: Groups::default(),
        test: Some(made(text::synthetic::TRAIN, text::synthetic::TEST)),
        validation: None,
        names: text::synthetic::names(plan.wanted),
        files: Vec::new(),
        kind: WholeKind::Text,
        warnings: Vec::new(),
    }
}

#[cfg(test)]
pub(crate) mod tests;
