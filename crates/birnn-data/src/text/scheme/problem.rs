//! What can be wrong with tags.

use std::fmt;

use super::Scheme;
use super::tag::{Marked, Prefix, Tag, is, is_open};
use crate::escape::{quoted, shown};

/// What is wrong with tags.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum TagProblem {
    /// One is no tag of the scheme.
    #[error("found {}, where a tag of {scheme} is {}", quoted(.tag), forms(*.scheme))]
    Unknown {
        /// Its index among those given.
        at: usize,
        /// The scheme.
        scheme: Scheme,
        /// What stands there.
        tag: String,
    },
    /// One cannot stand where it does.
    #[error("{0}")]
    Illegal(IllegalTag),
}

/// A tag that cannot stand where it does. Displayed, it is a sentence such as "`I-NP` stands after `O`, where
/// IOB2 has `B-NP`".
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct IllegalTag {
    /// The scheme.
    pub scheme: Scheme,
    /// Its index in the sequence.
    pub at: usize,
    /// The tag.
    pub tag: String,
    /// The one before, where it is not the first.
    pub before: Option<String>,
    /// Whether it may stand after the one before, but not as the last, which it is.
    pub is_last: bool,
    /// What may stand there for a span of the same type, or for the span before to go on.
    pub instead: Vec<String>,
}

impl TagProblem {
    /// The index of the tag.
    pub fn at(&self) -> usize {
        match self {
            &TagProblem::Unknown { at, .. } => at,
            TagProblem::Illegal(illegal) => illegal.at,
        }
    }
}

impl IllegalTag {
    /// Of the tag at an index that [`Scheme::illegal`] gives; `name` is that of a tag and `kind` that of a
    /// type.
    pub(super) fn new<'a, Kind: Copy + PartialEq>(
        scheme: Scheme,
        tags: &[Tag<Kind>],
        at: usize,
        name: impl Fn(usize) -> &'a str,
        kind: impl Fn(Kind) -> &'a str,
    ) -> IllegalTag {
        let before = super::before(tags, at);
        let written = |marked: Marked<Kind>| marked.with_kind(kind(marked.kind)).to_string();
        IllegalTag {
            scheme,
            at,
            tag: name(at).to_owned(),
            before: at.checked_sub(1).map(|before| name(before).to_owned()),
            is_last: scheme.allows(before, tags[at]),
            instead: instead(scheme, before, tags[at]).into_iter().map(written).collect(),
        }
    }
}

impl fmt::Display for IllegalTag {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} stands ", quoted(&self.tag))?;
        match &self.before {
            _ if self.is_last => f.write_str("last")?,
            Some(before) => write!(f, "after {}", quoted(before))?,
            None => f.write_str("first")?,
        }
        let instead: Vec<_> = self.instead.iter().map(|tag| format!("`{}`", shown(tag))).collect();
        write!(f, ", where {} has {}", self.scheme, instead.join(" or "))
    }
}

/// What may stand in the place of an illegal tag.
fn instead<Kind: Copy + PartialEq>(scheme: Scheme, before: Tag<Kind>, tag: Tag<Kind>) -> Vec<Marked<Kind>> {
    let is_last = scheme.allows(before, tag);
    let (of, prefixes): (_, &[Prefix]) = match scheme {
        Scheme::Iob1 => (tag, &[Prefix::Inside]),
        Scheme::Iob2 => (tag, &[Prefix::Begin]),
        Scheme::Iobes if is_last && is(tag, Prefix::Begin) => (tag, &[Prefix::Single]),
        Scheme::Iobes if is_last => (tag, &[Prefix::End]),
        Scheme::Iobes if is_open(before) => (before, &[Prefix::Inside, Prefix::End]),
        Scheme::Iobes => (tag, &[Prefix::Begin, Prefix::Single]),
    };
    let kinds = of.into_iter().map(|marked| marked.kind);
    kinds.flat_map(|kind| prefixes.iter().map(move |&prefix| Marked { prefix, kind })).collect()
}

/// How tags of a scheme are written.
fn forms(scheme: Scheme) -> &'static str {
    match scheme {
        Scheme::Iob1 | Scheme::Iob2 => "`O`, `B-TYPE` or `I-TYPE`",
        Scheme::Iobes => "`O`, `B-TYPE`, `I-TYPE`, `E-TYPE` or `S-TYPE`",
    }
}
