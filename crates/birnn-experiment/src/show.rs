//! An experiment written out, with where each value comes from.

use toml_edit::{DocumentMut, TableLike};

use crate::source::Source;

/// Comments are lined up, unless values are longer than this.
const WIDTH: usize = 40;

impl Source {
    /// The experiment with every default in place, as TOML that repeats it, and behind each value where it
    /// comes from.
    pub fn shown(&self) -> Result<String, toml::ser::Error> {
        let text = self.experiment().to_toml()?;
        let Ok(mut document) = text.parse::<DocumentMut>() else { return Ok(text) };
        let width = text.lines().map(|line| line.chars().count()).filter(|&width| width <= WIDTH).max();
        self.comment(document.as_table_mut(), &mut Vec::new(), width.unwrap_or(0));
        Ok(document.to_string())
    }

    /// Puts the comments behind the values in `table`, which is at `path`.
    fn comment(&self, table: &mut dyn TableLike, path: &mut Vec<String>, width: usize) {
        for (key, item) in table.iter_mut() {
            path.push(key.get().to_owned());
            if let Some(value) = item.as_value_mut() {
                let keys: Vec<&str> = path.iter().map(String::as_str).collect();
                let length = format!("{} = {}", key.get(), value.to_string().trim()).chars().count();
                let blank = " ".repeat(width.saturating_sub(length));
                value.decor_mut().set_suffix(format!("{blank}  # {}", self.origin_name(&keys)));
            } else if let Some(table) = item.as_table_like_mut() {
                self.comment(table, path, width);
            }
            path.pop();
        }
    }
}
