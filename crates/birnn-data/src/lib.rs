//! Sequences to learn from, images, series of numbers and texts: obtain, verify, read, split, sample.
//!
//! A [`DataConfig`], as a user wrote it, resolves to a [`DataPlan`]; [`load`] turns that into [`Splits`],
//! finding, downloading and verifying what it needs. Images are `u8` from the file to the device; this crate
//! names no tensor type, knows no network and no training.

// Locks, permissions and signals are those of Unix throughout; every other crate that needs them needs this
// one.
#[cfg(not(unix))]
compile_error!("birnn is for Linux and macOS: there are no other systems that it was ever built on");

mod check;
mod config;
mod content;
mod cores;
mod dataset;
mod division;
mod elsewhere;
mod error;
pub mod escape;
mod event;
mod fetch;
mod file_error;
mod find;
mod form;
mod found;
mod image;
mod load;
mod locations;
mod lock;
mod modality;
pub mod name;
mod obtain;
mod order;
mod own;
mod package;
mod partial;
mod provenance;
mod published;
mod rng;
mod self_targets;
mod sequences;
mod series;
mod split;
mod table;
mod targets;
mod text;
mod whole;

pub use config::{
    Arrays, Columns, DataConfig, DataPlan, Decides, Fallback, LabelFiles, Layout, NpzOptions, OwnFiles,
    OwnFormat, PATH_SETTINGS, Portion, Source, SplitBy, Table, TextPlan, UserFiles, Window, anchored,
    check_class_names, relative_to,
};
pub use content::{hexadecimal, open_file};
pub use dataset::Dataset;
pub use division::Division;
pub use error::{ConfigError, DataError, Unobtainable};
pub use event::Event;
pub use file_error::{FileError, FileProblem};
pub use form::{Contents, Form, parse as parse_whole};
pub use image::augment::{Augment, AugmentConfig};
pub use image::conversion::Conversion;
pub use image::idx::{parse_images, parse_labels, read_images, read_labels};
pub use image::images::{Images, LabelledImages};
pub use image::png::png;
pub use image::preprocessing::{Framing, Ground, Preprocessing};
pub use image::{picture, synthetic};
pub use load::{Splits, load};
pub use locations::Locations;
pub use lock::FolderLock;
pub use modality::Modality;
pub use order::{epoch_order, grouped_order};
pub use provenance::{Provenance, Recorded, VerifiedFile};
pub use published::Published;
pub use rng::{Rng, splitmix};
pub use self_targets::{Hide, HideWhat, SelfTargets};
pub use sequences::{Part, Sequence, SequenceValues, Sequences, Values};
pub use series::array_problem::ArrayProblem;
pub use series::file::{FileTargets, SeriesFile, target_names};
pub use series::line_problem::{LineProblem, SaidBy};
pub use series::missing::{Missing, MissingValue};
pub use series::npz::{parse_npz, read_npz};
pub use series::sketch::{SKETCH, sketch};
pub use series::standardise::Series;
pub use series::synthetic as synthetic_series;
pub use series::ts::{SeriesLines, parse_series_lines, parse_ts, read_series_lines, read_ts};
pub use split::{MOST_CLASSES, Split};
pub use table::{
    Cell, CellProblem, CsvGaps, NamedBy, RowNumber, TablePiece, TableProblem, each_piece, panic_is_caught,
    parse_table, read_csv, read_table,
};
pub use targets::{NO_CLASS, Outputs, Per, TargetKind, TargetScale, TargetValues, Targets, Wanted};
pub use text::annotate::{AddedColumn, ConllBlock, ConllForm, ConllText};
pub use text::classified::{TextForm, TextOptions, Unit, WORD_OR_PUNCTUATION, parse_texts, read_texts};
pub use text::conll::{ConllColumns, parse_conll, read_conll};
pub use text::conllu::{ConlluTag, parse_conllu, read_conllu};
pub use text::encoding::Encoding;
pub use text::forms::{Forms, Sentences};
pub use text::gaps::TextGaps;
pub use text::lines::{LineText, LinesBeside, parse_lines, read_lines};
pub use text::problem::TextProblem;
pub use text::reading::Labelling;
pub use text::scheme::{IllegalTag, Scheme, Span, SpanReading, TagProblem, TagSet};
pub use text::tokens::TokenBatch;
pub use text::vocabulary::{Folding, HIDDEN, Lexicon, NormalForm, Text, TextIndex};
pub use text::word_vectors::{FoundVectors, VectorProblem, VectorsPlan, WordVectors, parse_vectors};

/// Says that a test has not looked at what is not here, which is shown though the test passes.
#[cfg(test)]
pub(crate) fn skipped(why: &str) {
    use std::io::Write;
    let _ = writeln!(std::io::stderr(), "skipped: {why}");
}
