//! Whether what is written under `[data]` can be, and what it comes to.

use std::collections::HashSet;

use super::arrays::NpzOptions;
use super::parts::{Portion, SplitBy};
use super::plan::DataPlan;
use super::source::{LabelFiles, OwnFiles, OwnFormat, Source, UserFiles};
use super::text::TextPlan;
use super::written::{DataConfig, Fallback, is_default};
use crate::dataset::Dataset;
use crate::error::ConfigError;
use crate::image::synthetic;
use crate::series::missing::Missing;
use crate::split::MOST_CLASSES;
use crate::targets::{Per, TargetKind, Wanted};
use crate::text::classified::{TextOptions, Unit};
use crate::text::conll::ConllColumns;
use crate::text::vocabulary::Folding;
use crate::text::word_vectors::VectorsPlan;

/// Rows, and columns, of an image that others are brought to.
const LARGEST_SHAPE: usize = 4096;

/// Whether each class has a name, and one of its own.
///
/// # Errors
///
/// What is wrong, on one line.
pub fn check_class_names(classes: &[String]) -> Result<(), String> {
    if classes.iter().any(String::is_empty) {
        return Err("each must have a name, and one is empty".to_owned());
    }
    let mut seen = HashSet::new();
    match classes.iter().find(|name| !seen.insert(*name)) {
        Some(twice) => Err(format!("`{twice}` is named twice")),
        None => Ok(()),
    }
}

impl DataConfig {
    /// As [`DataConfig::resolve_for`] a class for each sequence.
    pub fn resolve(&self) -> Result<DataPlan, ConfigError> {
        self.resolve_for(Wanted::default())
    }

    /// Checks every setting that can be checked before the data is at hand, which is to have the targets
    /// `wanted`.
    pub fn resolve_for(&self, wanted: Wanted) -> Result<DataPlan, ConfigError> {
        let source = match (self.dataset.published(), self.dataset) {
            (Some(published), _) => Source::Published(published),
            (None, Dataset::Idx) => Source::Files(self.files()?),
            (None, Dataset::Ts) => Source::Own(self.own_files(OwnFormat::Ts)?),
            (None, Dataset::Table) => {
                Source::Own(self.own_files(OwnFormat::Table(self.table(wanted.of_files())?))?)
            }
            (None, Dataset::Npz) => {
                let (arrays, classes) = (self.arrays.clone(), self.class_names()?);
                let options = NpzOptions { arrays, wanted: wanted.of_files(), features: None, classes };
                Source::Own(self.own_files(OwnFormat::Npz(options))?)
            }
            (None, Dataset::Folder) => {
                let (shape, classes) = (self.shape()?, self.class_names()?);
                Source::Own(self.own_files(OwnFormat::Folder { shape, classes })?)
            }
            (None, Dataset::Conll) => {
                Source::Own(self.own_files(OwnFormat::Conll(self.columns.unwrap_or_default()))?)
            }
            (None, Dataset::Conllu) => {
                Source::Own(self.own_files(OwnFormat::Conllu(self.tags.unwrap_or_default()))?)
            }
            (None, Dataset::Lines) if wanted.kind != TargetKind::Classes => {
                return Err(ConfigError::new(
                    "dataset",
                    format!("`lines` are tags or classes, and `[task]` wants {wanted}"),
                ));
            }
            (None, Dataset::Lines) => Source::Own(self.own_files(OwnFormat::Lines(self.label_files()?))?),
            (None, Dataset::Texts) if wanted.of_files().is_some_and(|wanted| wanted != Wanted::default()) => {
                let message = format!("`texts` have a class each, and `[task]` wants {wanted}");
                return Err(ConfigError::new("dataset", message));
            }
            (None, Dataset::Texts) => Source::Own(self.own_files(OwnFormat::Texts(self.text_options()?))?),
            (None, Dataset::SyntheticSeries) => Source::SyntheticSeries,
            (None, Dataset::SyntheticText) if wanted.kind != TargetKind::Classes => {
                let message = format!("`synthetic-text` has classes and tags, and `[task]` wants {wanted}");
                return Err(ConfigError::new("dataset", message));
            }
            (None, Dataset::SyntheticText) => Source::SyntheticText,
            (None, _) => Source::Synthetic,
        };
        if let Some((key, whose)) = self.foreign(&source) {
            return Err(ConfigError::new(key, format!("belongs to {whose} alone")));
        }
        if wanted != Wanted::default() && source.is_images() {
            let message = format!("images have a class each, and `[task]` wants {wanted}");
            return Err(ConfigError::new("dataset", message));
        }
        let has_own = source.is_series() || self.dataset == Dataset::Texts;
        if wanted.of_files().is_none() && !has_own {
            let message = format!(
                "`[task]` wants {wanted}, of series or of texts (`dataset = \"texts\"`), and these are {}",
                source.noun()
            );
            return Err(ConfigError::new("dataset", message));
        }
        if self.fallback != Fallback::None && source.is_own() {
            return Err(ConfigError::new(
                "fallback",
                "stands in for a published data set, not for your own files",
            ));
        }
        if self.fallback != Fallback::None && !source.is_images() {
            let message = "digits drawn by code stand in for images alone; \
                           `dataset = \"synthetic-series\"` are series made by code";
            return Err(ConfigError::new("fallback", message));
        }
        let missing = self.missing_for(wanted)?;
        let missing_mask = self.missing_mask.unwrap_or(wanted.kind == TargetKind::Hidden);
        let limit = self.limit.unwrap_or(usize::MAX);
        if limit == 0 {
            return Err(ConfigError::new("limit", "must be at least 1, is 0"));
        }
        self.check_parts(&source, limit)?;
        let test_share = self.test_share.or(source.test_share());
        Ok(DataPlan {
            source,
            invert: self.invert,
            transpose: self.transpose,
            framing: self.framing,
            fallback: self.fallback,
            test_share,
            validation: self.validation,
            split: self.split,
            window: self.window,
            limit,
            augment: self.augment.resolve()?,
            standardise: self.standardise.unwrap_or(true),
            missing,
            missing_mask,
            text: self.text(wanted)?,
            wanted,
            self_targets: None,
            judges: false,
            read_as: None,
        })
    }

    /// What is read where a value is missing; whoever fills gaps in reads them from the values around unless
    /// it is said otherwise, and whoever looks ahead from those before.
    fn missing_for(&self, wanted: Wanted) -> Result<Missing, ConfigError> {
        let refuse = |key: &str, message: &str| Err(ConfigError::new(key, message));
        let usual = match wanted.kind {
            TargetKind::Classes | TargetKind::Numbers => Missing::Refuse,
            TargetKind::Hidden => Missing::Interpolate,
            TargetKind::Next => Missing::Past,
        };
        let missing = self.missing.unwrap_or(usual);
        match (wanted.kind, missing) {
            (TargetKind::Hidden, Missing::Refuse) => refuse(
                "missing",
                "\"refuse\" leaves nothing to read where a value is hidden: \"interpolate\", \"last\", \"past\" or \"mean\"",
            ),
            (TargetKind::Next, Missing::Last | Missing::Interpolate) => refuse(
                "missing",
                "reads what comes later in place of what is missing, and that is to be found: \"past\" or \"mean\"",
            ),
            (TargetKind::Classes | TargetKind::Numbers, Missing::Refuse)
                if self.missing_mask == Some(true) =>
            {
                refuse(
                    "missing_mask",
                    "tells which values are missing, and `missing` refuses them: set it to \"mean\", \"last\", \"past\" or \
                 \"interpolate\"",
                )
            }
            (_, missing) => Ok(missing),
        }
    }

    /// Whether samples can be parted as it is said.
    fn check_parts(&self, source: &Source, limit: usize) -> Result<(), ConfigError> {
        let refuse = |key: &str, message: String| Err(ConfigError::new(key, message));
        // Of windows nobody knows how many there will be.
        let samples = source.samples().filter(|_| self.window.is_none());
        let most = limit.min(samples.unwrap_or(usize::MAX));
        if let Portion::Count(count) = self.validation {
            let what = source.noun();
            if count >= most {
                let message = format!("{count} {what} cannot be kept back of {most} training {what}");
                return refuse("validation", message);
            }
            if count > 0 && self.split != SplitBy::Random {
                let message = "must be a share, such as 0.1, where `split` is not \"random\"";
                return refuse("validation", message.to_owned());
            }
        }
        match self.split {
            SplitBy::Time if !source.is_series() => {
                let message = format!("{} have no time that they could be parted by", source.noun());
                return refuse("split", message);
            }
            SplitBy::Group if source.is_text() => {
                let message = "of sentences it is not known that any belong together";
                return refuse("split", message.to_owned());
            }
            SplitBy::Group if !source.is_series() && self.group.is_none() => {
                let message = match self.dataset {
                    Dataset::Table => "`group` names the column with the groups, and is missing",
                    _ => {
                        "of these images it is not known that any belong together; those of a table can have a column \
                          that says it"
                    }
                };
                return refuse("split", message.to_owned());
            }
            SplitBy::Random | SplitBy::Time | SplitBy::Group => {}
        }
        if self.test_share.is_some_and(|share| !(share > 0.0 && share < 1.0)) {
            return refuse("test_share", "must be more than 0 and less than 1, such as 0.2".to_owned());
        }
        if self.window.is_some_and(|window| !window.has_steps()) {
            return refuse("window", "`length` and `stride` are 1 or more".to_owned());
        }
        Ok(())
    }

    /// The first setting that is about data of another kind than `source`, and about which.
    fn foreign(&self, source: &Source) -> Option<(&'static str, &'static str)> {
        let idx = |key, given| (key, given, "`dataset = \"idx\"`", matches!(source, Source::Files(_)));
        let own = |key, given| {
            let whose = "`dataset = \"ts\"`, `\"table\"`, `\"npz\"`, `\"folder\"`, `\"conll\"`, `\"conllu\"`, \
                         `\"lines\"` or `\"texts\"`";
            (key, given, whose, matches!(source, Source::Own(_)))
        };
        let format =
            |suits: fn(&OwnFormat) -> bool| matches!(source, Source::Own(files) if suits(&files.format));
        let is_table = format(|format| matches!(format, OwnFormat::Table(_)));
        let npz = format(|format| matches!(format, OwnFormat::Npz(_)));
        let folder = format(|format| matches!(format, OwnFormat::Folder { .. }));
        let table = |key, given| (key, given, "`dataset = \"table\"`", is_table);
        let series = |key, given| (key, given, "series", source.is_series());
        let images = |key, given| (key, given, "images", source.is_images());
        let text = |key, given| (key, given, "text", source.is_text());
        let conll = format(|format| matches!(format, OwnFormat::Conll(_)));
        let conllu = format(|format| matches!(format, OwnFormat::Conllu(_)));
        let lines = format(|format| matches!(format, OwnFormat::Lines(_)));
        let texts = format(|format| matches!(format, OwnFormat::Texts(_)));
        let labels = |key, given| {
            let suits = lines || matches!(source, Source::Files(_));
            (key, given, "`dataset = \"idx\"` or `\"lines\"`", suits)
        };
        let of_texts = |key, given| (key, given, "`dataset = \"texts\"`", texts);
        let classes = is_table || npz || folder || matches!(source, Source::Files(_));
        let settings = [
            idx("train_images", self.train_images.is_some()),
            labels("train_labels", self.train_labels.is_some()),
            idx("test_images", self.test_images.is_some()),
            labels("test_labels", self.test_labels.is_some()),
            (
                "classes",
                self.classes.is_some(),
                "`dataset = \"idx\"`, `\"table\"`, `\"npz\"` or `\"folder\"`",
                classes,
            ),
            ("arrays", !is_default(&self.arrays), "`dataset = \"npz\"`", npz),
            ("shape", self.shape.is_some(), "`dataset = \"table\"` or `\"folder\"`", is_table || folder),
            own("train", self.train.is_some()),
            own("test", self.test.is_some()),
            own("test_share", self.test_share.is_some()),
            table("layout", self.layout.is_some()),
            table("id", self.id.is_some()),
            table("time", self.time.is_some()),
            table("features", self.features.is_some()),
            table("target", self.target.is_some()),
            table("group", self.group.is_some()),
            (
                "delimiter",
                self.delimiter.is_some(),
                "`dataset = \"table\"` or `\"texts\"`",
                is_table || texts,
            ),
            table("skip_lines", self.skip_lines > 0),
            ("columns", self.columns.is_some(), "`dataset = \"conll\"`", conll),
            ("tags", self.tags.is_some(), "`dataset = \"conllu\"`", conllu),
            (
                "validation_file",
                self.validation_file.is_some(),
                "`dataset = \"conll\"`, `\"conllu\"`, `\"lines\"` or `\"texts\"`",
                source.is_own() && source.is_text(),
            ),
            ("validation_labels", self.validation_labels.is_some(), "`dataset = \"lines\"`", lines),
            (
                "encoding",
                !self.encoding.is_utf_8(),
                "your own files of text",
                source.is_own() && source.is_text(),
            ),
            of_texts("text", self.text.is_some()),
            of_texts("label", self.label.is_some()),
            of_texts("unit", self.unit != Unit::default()),
            text("scheme", self.scheme.is_some()),
            text("repair_tags", self.repair_tags),
            text("normal_form", self.normal_form.is_some()),
            text("lowercase", self.lowercase),
            text("merge_digits", self.merge_digits),
            text("min_count", self.min_count.is_some()),
            text("vectors", self.vectors.is_some()),
            text("vector_words", self.vector_words.is_some()),
            series("window", self.window.is_some()),
            series("standardise", self.standardise.is_some()),
            series("missing", self.missing.is_some()),
            series("missing_mask", self.missing_mask.is_some()),
            images("invert", self.invert),
            images("transpose", self.transpose.is_some()),
            images("framing", self.framing.is_some()),
            images("augment", !self.augment.is_off()),
        ];
        let foreign = settings.into_iter().find(|&(_, given, _, suits)| given && !suits);
        foreign.map(|(key, _, whose, _)| (key, whose))
    }

    /// The user's own files, of a `format` that has one to train on and one to test with.
    fn own_files(&self, format: OwnFormat) -> Result<OwnFiles, ConfigError> {
        let name = format.name();
        let (one, two) = match format {
            OwnFormat::Folder { .. } => ("a folder", "two folders"),
            OwnFormat::Lines(_) => ("two files", "four files"),
            _ => ("a file", "two files"),
        };
        let wants = if self.test_share.is_some() { one } else { two };
        let missing = |key: &str, or: &str| {
            ConfigError::new("dataset", format!("`{name}` wants {wants}, and `data.{key}` is missing{or}"))
        };
        let train = self.train.clone().ok_or_else(|| missing("train", ""))?;
        match (&self.test, self.test_share) {
            (None, None) => {
                Err(missing("test", "; `data.test_share` says which share of the first stands in for it"))
            }
            (Some(_), Some(_)) => {
                let message = "`test` names the samples to test with, and so there is nothing to share";
                Err(ConfigError::new("test_share", message))
            }
            (test, _) => {
                let validation = self.validation_file.clone();
                if validation.is_some() && !self.validation.is_none() {
                    let message =
                        "`validation_file` names the samples to judge by, and so none need be kept back";
                    return Err(ConfigError::new("validation", message));
                }
                Ok(OwnFiles { format, train, test: test.clone(), validation })
            }
        }
    }

    /// The files with what is said of the sentences of `lines`.
    fn label_files(&self) -> Result<LabelFiles, ConfigError> {
        let pairs = [
            ("train", &self.train, "train_labels", &self.train_labels),
            ("test", &self.test, "test_labels", &self.test_labels),
            ("validation_file", &self.validation_file, "validation_labels", &self.validation_labels),
        ];
        for (of, sentences, key, labels) in pairs {
            match (sentences, labels) {
                (Some(_), None) => {
                    let message = format!(
                        "`lines` wants a file with the tags, or the classes, of the sentences of `data.{of}`, and \
                         `data.{key}` is missing"
                    );
                    return Err(ConfigError::new("dataset", message));
                }
                (None, Some(_)) => {
                    let message = format!("is about the sentences of `data.{of}`, which is missing");
                    return Err(ConfigError::new(key, message));
                }
                (Some(_), Some(_)) | (None, None) => {}
            }
        }
        Ok(LabelFiles {
            train: self.train_labels.clone().unwrap_or_default(),
            test: self.test_labels.clone(),
            validation: self.validation_labels.clone(),
        })
    }

    /// How texts are read for a net to learn from, or for one that learnt from this data to be asked about.
    ///
    /// # Errors
    ///
    /// Where a name is empty, or cells cannot be parted so.
    pub fn text_options(&self) -> Result<TextOptions, ConfigError> {
        let name = |key, given: &Option<String>, usual: &str| match given.as_deref().unwrap_or(usual) {
            "" => Err(ConfigError::new(key, "must be the name of a key or a column, and is empty")),
            name => Ok(name.to_owned()),
        };
        Ok(TextOptions {
            text: name("text", &self.text, "text")?,
            label: name("label", &self.label, "label")?,
            delimiter: self.delimiter()?,
            unit: self.unit,
        })
    }

    /// The vectors to begin with, for a net of which these are so many values; `frozen` says whether they
    /// stay so.
    pub fn vectors(&self, width: usize, frozen: bool) -> Option<VectorsPlan> {
        let path = self.vectors.clone()?;
        Some(VectorsPlan { path, beyond: self.vector_words, width, frozen })
    }

    /// How sentences are read.
    fn text(&self, wanted: Wanted) -> Result<TextPlan, ConfigError> {
        let min_count = self.min_count.unwrap_or(1);
        if min_count == 0 {
            return Err(ConfigError::new("min_count", "must be at least 1, is 0"));
        }
        if let Some(ConllColumns { token, tag }) = self.columns {
            if token == 0 || tag == Some(0) {
                return Err(ConfigError::new("columns", "are counted from 1, and one is 0"));
            }
            if tag == Some(token) {
                return Err(ConfigError::new(
                    "columns",
                    format!("the tokens and their tags are both column {token}"),
                ));
            }
        }
        if wanted.per != Per::Step && self.scheme.is_some() {
            return Err(ConfigError::new("scheme", "is that of tags, and `[task]` wants none"));
        }
        if self.vectors.is_none() && self.vector_words.is_some() {
            return Err(ConfigError::new(
                "vector_words",
                "is about the words of `vectors`, which is missing",
            ));
        }
        let (normal_form, lowercase, merge_digits) = (self.normal_form, self.lowercase, self.merge_digits);
        let folding = Folding { normal_form, lowercase, merge_digits };
        let (scheme, repair_tags) = (self.scheme, self.repair_tags);
        let encoding = self.encoding;
        Ok(TextPlan {
            encoding,
            folding,
            min_count,
            vectors: None,
            scheme,
            repair_tags,
            learnt: None,
            known: None,
        })
    }

    /// Rows and columns of an image.
    pub(super) fn shape(&self) -> Result<[usize; 2], ConfigError> {
        let shape = self.shape.unwrap_or([synthetic::SIDE; 2]);
        match shape.iter().all(|side| (1..=LARGEST_SHAPE).contains(side)) {
            true => Ok(shape),
            false => Err(ConfigError::new("shape", format!("rows and columns are 1 to {LARGEST_SHAPE}"))),
        }
    }

    /// The names of the classes, checked.
    pub(super) fn class_names(&self) -> Result<Option<Vec<String>>, ConfigError> {
        let Some(classes) = &self.classes else { return Ok(None) };
        if !(2..=MOST_CLASSES).contains(&classes.len()) {
            let message = format!("must be 2 to {MOST_CLASSES} names, are {}", classes.len());
            return Err(ConfigError::new("classes", message));
        }
        check_class_names(classes).map_err(|message| ConfigError::new("classes", message))?;
        Ok(Some(classes.clone()))
    }

    fn files(&self) -> Result<UserFiles, ConfigError> {
        let [train_images, train_labels, test_images, test_labels, ..] = self.paths().map(|(key, path)| {
            let missing = || format!("`idx` wants four files, and `data.{key}` is missing");
            path.clone().ok_or_else(|| ConfigError::new("dataset", missing()))
        });
        let classes = self.class_names()?;
        Ok(UserFiles {
            train_images: train_images?,
            train_labels: train_labels?,
            test_images: test_images?,
            test_labels: test_labels?,
            classes,
        })
    }
}
