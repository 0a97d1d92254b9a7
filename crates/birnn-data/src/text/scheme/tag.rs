//! One tag, and what two in a row are to each other.

use std::fmt;

/// As a tag outside of all spans is written.
pub(super) const OUTSIDE: &str = "O";

/// A tag: `None` is `O`.
pub(super) type Tag<Kind> = Option<Marked<Kind>>;

/// The tag of a token within a span.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Marked<Kind> {
    /// Where in the span the token is.
    pub prefix: Prefix,
    /// The type of the span.
    pub kind: Kind,
}

/// Where in a span a token is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Prefix {
    /// `B-`.
    Begin,
    /// `I-`.
    Inside,
    /// `E-`.
    End,
    /// `S-`.
    Single,
}

impl<Kind> Marked<Kind> {
    /// The same of a span of another type, or of one that is called otherwise.
    pub(super) fn with_kind<Other>(self, kind: Other) -> Marked<Other> {
        Marked { prefix: self.prefix, kind }
    }
}

impl fmt::Display for Marked<&str> {
    /// As it is written.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let letter = match self.prefix {
            Prefix::Begin => 'B',
            Prefix::Inside => 'I',
            Prefix::End => 'E',
            Prefix::Single => 'S',
        };
        write!(f, "{letter}-{}", self.kind)
    }
}

/// As it is written.
pub(super) fn name(tag: Tag<&str>) -> String {
    tag.map_or_else(|| OUTSIDE.to_owned(), |marked| marked.to_string())
}

/// Whether the tag has this prefix.
pub(super) fn is<Kind>(tag: Tag<Kind>, prefix: Prefix) -> bool {
    tag.is_some_and(|marked| marked.prefix == prefix)
}

/// Whether more of its span is to follow.
pub(super) fn is_open<Kind>(tag: Tag<Kind>) -> bool {
    tag.is_some_and(|marked| matches!(marked.prefix, Prefix::Begin | Prefix::Inside))
}

/// Whether more of its span is before.
pub(super) fn goes_on<Kind>(tag: Tag<Kind>) -> bool {
    tag.is_some_and(|marked| matches!(marked.prefix, Prefix::Inside | Prefix::End))
}

/// Whether both are of spans, and those of one type.
pub(super) fn same_kind<Kind: PartialEq>(before: Tag<Kind>, tag: Tag<Kind>) -> bool {
    before.zip(tag).is_some_and(|(before, tag)| before.kind == tag.kind)
}

/// Whether a tag goes on with the span of the one before.
pub(super) fn joined<Kind: Copy + PartialEq>(before: Tag<Kind>, tag: Tag<Kind>) -> bool {
    is_open(before) && goes_on(tag) && same_kind(before, tag)
}
