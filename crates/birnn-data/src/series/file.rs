//! What a file of series holds, whatever its format.

use std::collections::HashMap;

use crate::sequences::Sequences;
use crate::split::MOST_CLASSES;
use crate::table::problem::Cell;
use crate::targets::Targets;

/// The series of a file.
#[derive(Clone, Debug, PartialEq)]
pub struct SeriesFile {
    /// The series, one or more: numbers, NaN where one is missing.
    pub sequences: Sequences,
    /// What they are to be answered with, where the file has it.
    pub targets: Option<FileTargets>,
    /// What the features are called, where the file says it.
    pub features: Option<Vec<String>>,
    /// Of a wide table, the columns of its steps.
    pub columns: Option<Vec<String>>,
    /// What each series is called, where the file says it.
    pub ids: Option<Vec<String>>,
    /// Of which group each series is, where the file says it.
    pub groups: Option<Vec<String>>,
    /// The line of each series, from 1; of a format without lines, which of them it is.
    pub lines: Vec<usize>,
    /// What these are the numbers of: `line`, or what there is in its place.
    pub unit: &'static str,
    /// The first cell of a table that is empty where a value could be.
    pub gap: Option<Cell>,
    /// Of a long table whose rows are not one series after the other, each in order: the row, from 0, that
    /// each step is.
    pub rows: Option<Vec<u32>>,
}

/// The targets of a file.
#[derive(Clone, Debug, PartialEq)]
pub struct FileTargets {
    /// The targets; of classes, indices into `names`.
    pub targets: Targets,
    /// What the classes are called, or the numbers.
    pub names: Vec<String>,
}

/// Labels as they are read, one after the other, and the classes that they are of.
pub(crate) struct Labels {
    labels: Vec<u16>,
    classes: Vec<String>,
    indices: HashMap<String, u16>,
    /// Whether all classes were named beforehand.
    named: bool,
}

/// Why a label is of no class.
pub(crate) enum NoClass {
    /// There are no more than those named beforehand.
    Unnamed,
    /// There are as many as there may be.
    TooMany,
}

impl Labels {
    /// Of the classes named beforehand, or of whatever comes.
    pub(crate) fn new(classes: Option<Vec<String>>) -> Labels {
        let (classes, named) = classes.map_or_else(|| (Vec::new(), false), |classes| (classes, true));
        let indices = classes.iter().cloned().zip(0..=u16::MAX).collect();
        Labels { labels: Vec::new(), classes, indices, named }
    }

    /// The names of the classes so far.
    pub(crate) fn classes(&self) -> &[String] {
        &self.classes
    }

    /// Whether a class was named beforehand.
    pub(crate) fn is_named(&self, class: &str) -> bool {
        self.named && self.indices.contains_key(class)
    }

    /// The class of the label at `position`.
    pub(crate) fn class_of(&self, position: usize) -> &str {
        &self.classes[usize::from(self.labels[position])]
    }

    /// Adds a label.
    pub(crate) fn push(&mut self, label: &str) -> Result<(), NoClass> {
        let index = match self.indices.get(label) {
            Some(&index) => index,
            None if self.named => return Err(NoClass::Unnamed),
            None if self.classes.len() == MOST_CLASSES => return Err(NoClass::TooMany),
            None => {
                let index = self.classes.len() as u16;
                self.classes.push(label.to_owned());
                self.indices.insert(label.to_owned(), index);
                index
            }
        };
        self.labels.push(index);
        Ok(())
    }

    /// The labels, and the classes that they are indices into: found ones in the order of numbers, where all
    /// are such, or else of the alphabet.
    pub(crate) fn finish(self) -> (Vec<u16>, Vec<String>) {
        if self.named {
            return (self.labels, self.classes);
        }
        let order = class_order(&self.classes);
        let mut places = vec![0; order.len()];
        order.iter().zip(0..=u16::MAX).for_each(|(&class, place)| places[class] = place);
        let labels = self.labels.iter().map(|&label| places[usize::from(label)]).collect();
        (labels, order.iter().map(|&class| self.classes[class].clone()).collect())
    }
}

/// What numbers to predict are called, `width` for each sequence or step, where a file has no names for them.
pub fn target_names(width: usize) -> Vec<String> {
    match width {
        1 => vec!["target".to_owned()],
        _ => (1..=width).map(|number| format!("target_{number}")).collect(),
    }
}

/// In which order classes are counted that were found under these names: that of numbers, where all are such,
/// or else of the alphabet.
pub(crate) fn class_order(names: &[String]) -> Vec<usize> {
    let numbers: Option<Vec<f64>> = names.iter().map(|name| name.parse().ok()).collect();
    let by_name = |&one: &usize, &other: &usize| names[one].cmp(&names[other]);
    let mut order: Vec<usize> = (0..names.len()).collect();
    match numbers {
        Some(numbers) => order.sort_by(|one, other| {
            numbers[*one].total_cmp(&numbers[*other]).then_with(|| by_name(one, other))
        }),
        None => order.sort_by(by_name),
    }
    order
}
