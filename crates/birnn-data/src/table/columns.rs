//! Which columns of a table are what, by the names in its header.

use std::collections::{HashMap, HashSet};

use super::problem::{NamedBy, TableProblem};
use super::rows::As;
use crate::config::{Layout, Table};
use crate::file_error::FileProblem;
use crate::targets::{TargetKind, Wanted};

/// What the columns of a table are, counted from 0.
pub(super) struct Roles {
    pub(super) id: Option<usize>,
    pub(super) time: Option<usize>,
    pub(super) group: Option<usize>,
    /// Those with what is to be learned; none where a net is asked.
    pub(super) targets: Vec<usize>,
    /// Of a long table those of the features; of a wide one those of all steps, the features of each
    /// together.
    pub(super) values: Vec<usize>,
    /// The names of the features, where they have such.
    pub(super) features: Option<Vec<String>>,
}

impl Roles {
    /// What the columns of a table with this header are. Where a net is asked, nothing is `wanted`; of series
    /// that are to be answered with their own values no targets are.
    pub(super) fn of(header: &[String], table: &Table, wanted: Option<Wanted>) -> Result<Roles, FileProblem> {
        let named = |name: &Option<String>, key| {
            name.as_deref().map(|name| find(header, name, NamedBy::Key(key))).transpose()
        };
        let there = |name: &String| header.iter().position(|other| other == name);
        let targets: Vec<usize> = table.target.iter().filter_map(there).collect();
        if wanted.is_some() {
            table.target.iter().try_for_each(|name| find(header, name, NamedBy::Key("target")).map(drop))?;
        }
        let group = match wanted {
            Some(_) => named(&table.group, "group")?,
            None => table.group.as_ref().and_then(there),
        };
        let mut roles = Roles {
            id: named(&table.id, "id")?,
            time: named(&table.time, "time")?,
            group,
            targets,
            values: Vec::new(),
            features: table.features.clone(),
        };
        let by = if wanted.is_some() { NamedBy::Features } else { NamedBy::Net };
        match (table.layout, &table.features) {
            (Layout::Long, Some(names)) => roles.values = find_all(header, names, by)?,
            (Layout::Wide, Some(names)) => roles.values = steps(header, names, table, by)?,
            (Layout::Wide, None) if let Some(prefix) = table.columns.as_deref().and_then(numbered) => {
                // Series of one file can be longer than those of another.
                roles.values = steps(header, &[prefix.to_owned()], table, by)?;
            }
            (Layout::Wide, None) if let Some(names) = &table.columns => {
                roles.values = find_all(header, names, by)?;
            }
            (layout, None) => {
                roles.values = roles.others(header)?;
                if layout == Layout::Wide {
                    in_order(header, &mut roles.values);
                }
                let names = || roles.values.iter().map(|&column| header[column].clone()).collect();
                roles.features = (layout == Layout::Long).then(names);
            }
        }
        if let Some([rows, cols]) = table.shape
            && rows.saturating_mul(cols) != roles.values.len()
        {
            return Err(TableProblem::Pixels { found: roles.values.len(), rows, cols }.into());
        }
        if wanted.and_then(Wanted::of_files).is_none() {
            roles.targets = Vec::new();
        }
        if wanted.is_none() {
            roles.group = None;
        }
        Ok(roles)
    }

    /// All that are nothing else.
    fn others(&self, header: &[String]) -> Result<Vec<usize>, FileProblem> {
        let own = [self.id, self.time, self.group];
        let is_other = |column: &usize| !own.contains(&Some(*column)) && !self.targets.contains(column);
        let others: Vec<usize> = (0..header.len()).filter(is_other).collect();
        if let Some(&nameless) = others.iter().find(|&&column| header[column].is_empty()) {
            return Err(TableProblem::Nameless(nameless + 1).into());
        }
        let is_first = |(name, first): (&String, usize)| name.parse() == Ok(first);
        let counts = |from: usize| header.iter().zip(from..).all(is_first);
        let are_numbers = header.iter().all(|name| name.parse::<f64>().is_ok());
        if others.len() == header.len() && are_numbers && !counts(0) && !counts(1) {
            return Err(TableProblem::NumbersAsNames(header.to_vec()).into());
        }
        if others.is_empty() {
            return Err(TableProblem::NoFeatures(header.to_vec()).into());
        }
        let mut seen = HashSet::new();
        match others.iter().find(|&&column| !seen.insert(&header[column])) {
            Some(&twice) => Err(TableProblem::Twice(header[twice].clone()).into()),
            None => Ok(others),
        }
    }

    /// All of them, with what each is read as.
    pub(super) fn chosen(&self, wanted: Option<Wanted>) -> Vec<(usize, As)> {
        let target = match wanted.unwrap_or_default().kind {
            TargetKind::Classes => As::Text,
            TargetKind::Numbers | TargetKind::Hidden | TargetKind::Next => As::Number,
        };
        let texts = [self.id, self.group].into_iter().flatten().map(|column| (column, As::Text));
        let mut chosen: Vec<(usize, As)> = texts.collect();
        chosen.extend(self.time.map(|column| (column, As::Time)));
        chosen.extend(self.targets.iter().map(|&column| (column, target)));
        chosen.extend(self.values.iter().map(|&column| (column, As::Number)));
        chosen
    }
}

/// Characters of names that are held against each other.
const COMPARED: usize = 60;

/// The column of this name.
pub(super) fn find(header: &[String], name: &str, by: NamedBy) -> Result<usize, FileProblem> {
    let mut found = header.iter().enumerate().filter(|(_, other)| *other == name);
    match (found.next(), found.next()) {
        (Some((column, _)), None) => Ok(column),
        (Some(_), Some(_)) => Err(TableProblem::Twice(name.to_owned()).into()),
        (None, _) => Err(no_column(header, name, by)),
    }
}

/// The columns of these names.
fn find_all(header: &[String], names: &[String], by: NamedBy) -> Result<Vec<usize>, FileProblem> {
    let mut columns: HashMap<&str, Option<usize>> = HashMap::with_capacity(header.len());
    for (column, name) in header.iter().enumerate() {
        // None is of several.
        columns.entry(name).and_modify(|column| *column = None).or_insert(Some(column));
    }
    let column = |name: &String| match columns.get(name.as_str()) {
        Some(&Some(column)) => Ok(column),
        Some(None) => Err(TableProblem::Twice(name.to_owned()).into()),
        None => Err(no_column(header, name, by)),
    };
    names.iter().map(column).collect()
}

fn no_column(header: &[String], name: &str, named: NamedBy) -> FileProblem {
    no_column_but(header, name, named, &[])
}

/// A column that is not there, and is none of those that are `taken`, though their names may be near.
fn no_column_but(header: &[String], name: &str, named: NamedBy, taken: &[(u64, usize)]) -> FileProblem {
    // What differs behind so many characters is near enough, and a header may have anything in it.
    let start = |name: &str| name.chars().take(COMPARED).flat_map(char::to_lowercase).collect::<String>();
    let distance = |other: &String| strsim::damerau_levenshtein(&start(name), &start(other));
    let is_near = |other: &&String| 3 * distance(other) <= name.chars().count().max(3);
    let is_free = |(column, _): &(usize, &String)| taken.iter().all(|(_, other)| other != column);
    let others = header.iter().enumerate().filter(is_free).map(|(_, other)| other);
    let nearest = others.min_by_key(|other| distance(other)).filter(is_near).cloned();
    TableProblem::NoColumn { name: name.to_owned(), named, nearest, others: header.to_vec() }.into()
}

/// What the names of columns begin with that count on: `x_` of `x_0`, `x_1`, `x_2`.
fn numbered(names: &[String]) -> Option<&str> {
    let prefix = names.first()?.trim_end_matches(|digit: char| digit.is_ascii_digit());
    let number = |name: &String| -> Option<u64> {
        let digits = name.strip_prefix(prefix)?;
        digits.bytes().all(|byte| byte.is_ascii_digit()).then(|| digits.parse().ok()).flatten()
    };
    let numbers: Vec<u64> = names.iter().map(number).collect::<Option<_>>()?;
    numbers.is_sorted_by(|one, next| one < next).then_some(prefix)
}

/// Puts steps, or pixels, that are numbered into the order of their numbers, as a table may have its columns
/// by the alphabet: `pixel0`, `pixel1`, `pixel10`. Those of other names are where they are.
fn in_order(header: &[String], columns: &mut [usize]) {
    let Some(first) = columns.first() else { return };
    let beginning = header[*first].trim_end_matches(|digit: char| digit.is_ascii_digit());
    let numbers =
        columns.iter().map(|&column| step(&header[column], beginning).map(|number| (number, column)));
    let Some(mut numbers) = numbers.collect::<Option<Vec<_>>>() else { return };
    numbers.sort_unstable();
    if numbers.is_sorted_by(|one, next| one.0 < next.0) {
        columns.iter_mut().zip(numbers).for_each(|(place, (_, column))| *place = column);
    }
}

/// Which step of a feature a column is.
fn step(column: &str, feature: &str) -> Option<u64> {
    let digits = column.strip_prefix(feature)?;
    let digits = digits.strip_prefix('_').unwrap_or(digits);
    digits.bytes().all(|byte| byte.is_ascii_digit()).then(|| digits.parse().ok()).flatten()
}

/// Of a wide table the columns of the steps of all features: `x_0`, `y_0`, `x_1`, `y_1`, .. of `x` and `y`.
/// Those that are something else by their names are none.
fn steps(
    header: &[String],
    features: &[String],
    table: &Table,
    by: NamedBy,
) -> Result<Vec<usize>, FileProblem> {
    let other = table.others();
    let mut all: Vec<Vec<(u64, usize)>> = Vec::new();
    let mut is_taken = vec![false; header.len()];
    for feature in features {
        let columns = header.iter().enumerate().filter(|(_, name)| !other.contains(name));
        let mut own: Vec<(u64, usize)> =
            columns.filter_map(|(column, name)| Some((step(name, feature)?, column))).collect();
        own.sort_unstable();
        if own.is_empty() {
            return Err(no_column(header, &format!("{feature}_0"), by));
        }
        if let Some(pair) = own.windows(2).find(|pair| pair[0].0 == pair[1].0) {
            return Err(TableProblem::Twice(header[pair[1].1].clone()).into());
        }
        for &(_, column) in &own {
            if std::mem::replace(&mut is_taken[column], true) {
                return Err(TableProblem::OfTwo(header[column].clone()).into());
            }
        }
        match &table.columns {
            Some(known) => same_steps(header, &own, (known, feature), by)?,
            // Training can have left some out; what a net read that does not know its columns, nobody can
            // say.
            None if by == NamedBy::Net => {
                if let Some((missing, _)) = gap(header, &own) {
                    return Err(no_column_but(header, &missing, by, &own));
                }
            }
            None => {}
        }
        all.push(own);
    }
    for (own, feature) in all.iter().zip(features).skip(1) {
        if let Some((there, missing)) = unequal((&all[0], &features[0]), (own, feature)) {
            return Err(TableProblem::UnequalSteps { there: header[there].clone(), missing }.into());
        }
    }
    Ok((0..all[0].len()).flat_map(|step| all.iter().map(move |own| own[step].1)).collect())
}

/// Steps are told by their places: those of a feature are the ones that are known, or more or fewer at the
/// end.
fn same_steps(
    header: &[String],
    own: &[(u64, usize)],
    (known, feature): (&[String], &str),
    by: NamedBy,
) -> Result<(), FileProblem> {
    let known: Vec<_> = known.iter().filter_map(|name| Some((step(name, feature)?, name))).collect();
    match known.iter().zip(own).find(|((number, _), (found, _))| number != found) {
        // Those at the end count on from the last that is known.
        None => match gap(header, own.get(known.len().saturating_sub(1)..).unwrap_or_default()) {
            None => Ok(()),
            Some((missing, next)) => Err(TableProblem::LeftOut { missing, next, named: by }.into()),
        },
        Some(((number, name), (found, _))) if number < found => Err(no_column_but(header, name, by, own)),
        Some(((_, next), &(_, column))) => {
            let (name, next) = (header[column].clone(), (*next).clone());
            Err(TableProblem::Between { name, next, named: by }.into())
        }
    }
}

/// Where the steps of a feature do not count on: what the column of the first that is missing would be
/// called, and the one of the next that is there.
fn gap(header: &[String], own: &[(u64, usize)]) -> Option<(String, String)> {
    let pair = own.windows(2).find(|pair| pair[0].0 + 1 < pair[1].0)?;
    let (number, column) = pair[0];
    let beginning = header[column].trim_end_matches(|digit: char| digit.is_ascii_digit());
    Some((format!("{beginning}{}", number + 1), header[pair[1].1].clone()))
}

/// A column of a step that one feature has and another has not, and what that of the other would be called.
fn unequal(one: (&[(u64, usize)], &str), other: (&[(u64, usize)], &str)) -> Option<(usize, String)> {
    let mut steps = one.0.iter().zip(other.0);
    let (there, number, lacks) = match steps.find(|(own, others)| own.0 != others.0) {
        Some((own, others)) if own.0 < others.0 => (own.1, own.0, other.1),
        Some((_, others)) => (others.1, others.0, one.1),
        None => {
            let shorter = one.0.len().min(other.0.len());
            match (one.0.get(shorter), other.0.get(shorter)) {
                (Some(own), _) => (own.1, own.0, other.1),
                (None, Some(others)) => (others.1, others.0, one.1),
                (None, None) => return None,
            }
        }
    };
    Some((there, format!("{lacks}_{number}")))
}

impl From<TableProblem> for FileProblem {
    fn from(problem: TableProblem) -> FileProblem {
        FileProblem::Table(Box::new(problem))
    }
}
