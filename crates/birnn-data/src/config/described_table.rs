//! Whether a table can be as it is described under `[data]`, and how it is read.

use super::table::{Columns, Layout, Table};
use super::written::DataConfig;
use crate::dataset::Dataset;
use crate::error::ConfigError;
use crate::name;
use crate::series::standardise::Series;
use crate::table::by_ending;
use crate::targets::{Per, TargetKind, Wanted};

impl DataConfig {
    /// The table that is described; where no targets are `wanted`, a net is to be asked about one like it.
    pub(super) fn table(&self, wanted: Option<Wanted>) -> Result<Table, ConfigError> {
        let refuse = |key: &str, message: String| Err(ConfigError::new(key, message));
        let layout = self.layout.unwrap_or_default();
        let long_only = [("time", self.time.is_some())];
        let wide_only = [("shape", self.shape.is_some())];
        let (others, whose) = match layout {
            Layout::Long => (wide_only, "wide"),
            Layout::Wide => (long_only, "long"),
        };
        if let Some((key, _)) = others.into_iter().find(|&(_, given)| given) {
            return refuse(key, format!("belongs to `layout = \"{whose}\"` alone"));
        }
        let target = self.target.as_ref().map_or(&[][..], Columns::names);
        match (target, wanted) {
            (_, None) => {}
            ([], _) => {
                let message = "`table` wants `target`, the column with what is to be learned";
                return refuse("dataset", message.to_owned());
            }
            ([_, _, ..], Some(Wanted { kind: TargetKind::Classes, .. })) => {
                return refuse("target", "a class is in one column, and here are several".to_owned());
            }
            (_, Some(Wanted { per: Per::Step, .. })) if layout == Layout::Wide => {
                let message = "a row of a wide table has one target, and `[task]` wants one for each step: \
                               `layout = \"long\"` has them";
                return refuse("layout", message.to_owned());
            }
            _ => {}
        }
        let roles = [("id", &self.id), ("time", &self.time), ("group", &self.group)];
        let mut named: Vec<(&str, &String)> =
            roles.into_iter().filter_map(|(role, name)| Some((role, name.as_ref()?))).collect();
        named.extend(target.iter().map(|name| ("target", name)));
        // Of a wide table features are what the names of columns begin with.
        let features = self.features.iter().flatten().filter(|_| layout == Layout::Long);
        named.extend(features.map(|name| ("features", name)));
        for (index, (role, name)) in named.iter().enumerate() {
            let same = |(other, _): &&(&str, &String)| *role != "group" || *other != "id";
            if let Some((other, _)) = named[..index].iter().filter(same).find(|(_, other)| other == name) {
                let message = format!("the column `{}` is `{other}` already", name.escape_debug());
                return refuse(role, message);
            }
        }
        if self.features.as_ref().is_some_and(Vec::is_empty) {
            return refuse("features", "a net reads at least one; leave it out for all columns".to_owned());
        }
        self.shape()?;
        if self.shape.is_some() && self.features.as_ref().is_some_and(|names| names.len() > 1) {
            return refuse("features", "an image has one column for each pixel: one name at most".to_owned());
        }
        Ok(Table {
            layout,
            id: self.id.clone(),
            time: self.time.clone(),
            features: self.features.clone(),
            columns: None,
            target: target.to_vec(),
            group: self.group.clone(),
            classes: self.class_names()?,
            delimiter: self.delimiter()?,
            usual_delimiter: None,
            skip_lines: self.skip_lines,
            shape: self.shape,
        })
    }

    /// What parts the cells of a text, where it is said.
    pub(super) fn delimiter(&self) -> Result<Option<u8>, ConfigError> {
        match self.delimiter.as_deref().map(str::as_bytes) {
            None => Ok(None),
            Some(&[byte]) if byte.is_ascii() && !b"\"\r\n".contains(&byte) => Ok(Some(byte)),
            Some(_) => Err(ConfigError::new(
                "delimiter",
                "must be one ASCII character, no quote and no line end, such as `;`",
            )),
        }
    }

    /// How a table is read for a net that learnt from this data to be asked about it, and that reads series
    /// so. Of other data than tables it is a long table of one series.
    ///
    /// # Errors
    ///
    /// Where this is a table that cannot be.
    pub fn table_to_ask(&self, net: Option<&Series>) -> Result<Table, ConfigError> {
        let features = net.and_then(|net| net.names.clone());
        let columns = net.and_then(|net| net.columns.clone());
        match self.dataset {
            Dataset::Table => {
                let table = self.table(None)?;
                let usual_delimiter = self.usual_delimiter();
                Ok(Table { features: features.or(table.features), columns, usual_delimiter, ..table })
            }
            _ => Ok(Table { features, ..Table::default() }),
        }
    }

    /// How a table is read on which a net is to be judged that learnt from this data, that reads series so
    /// and tells these `classes` apart, if any.
    ///
    /// # Errors
    ///
    /// Where this is a table that cannot be, or none, and so without the targets that are wanted.
    pub fn table_to_judge(
        &self,
        net: &Series,
        wanted: Wanted,
        classes: &[String],
    ) -> Result<Table, ConfigError> {
        let Some(wanted) = wanted.of_files() else { return self.table_to_ask(Some(net)) };
        if self.dataset != Dataset::Table {
            let message =
                "the net learnt from no `table`, and nothing says which columns hold what is to be learned";
            return Err(ConfigError::new("dataset", message.to_owned()));
        }
        let table = self.table(Some(wanted))?;
        let features = net.names.clone().or(table.features);
        let classes = (wanted.kind == TargetKind::Classes).then(|| classes.to_vec());
        // By groups samples are parted, and here are none to part.
        let (columns, usual_delimiter) = (net.columns.clone(), self.usual_delimiter());
        Ok(Table { features, columns, classes, group: None, usual_delimiter, ..table })
    }

    /// What parts the cells of the training file by its ending, if that says it.
    fn usual_delimiter(&self) -> Option<u8> {
        self.train.as_ref().and_then(|path| by_ending(&name::text(path)))
    }
}

#[cfg(test)]
impl DataConfig {
    /// The table that is described, which can be.
    pub(crate) fn table_of(&self, wanted: Wanted) -> Table {
        self.table(Some(wanted)).unwrap()
    }
}
