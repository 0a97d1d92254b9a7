//! What a user writes under `[data]`, and the plan that data is loaded by.

mod arrays;
mod decides;
mod described_table;
mod parts;
mod paths;
mod plan;
mod resolve;
mod source;
mod table;
mod text;
mod written;

pub use self::arrays::{Arrays, NpzOptions};
pub use self::decides::Decides;
pub use self::parts::{Portion, SplitBy, Window};
pub use self::paths::{PATH_SETTINGS, anchored, relative_to};
pub use self::plan::DataPlan;
pub use self::resolve::check_class_names;
pub use self::source::{LabelFiles, OwnFiles, OwnFormat, Source, UserFiles};
pub use self::table::{Columns, Layout, Table};
pub use self::text::TextPlan;
pub use self::written::{DataConfig, Fallback};

#[cfg(test)]
mod tests;
