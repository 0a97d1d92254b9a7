//! Which tags may stand where.

/// Which tags a conditional random field may give: all others have probability zero.
///
/// There is a legal sequence of any length if one tag may stand first and last, which can then be repeated
/// ([`LegalTags::always`]).
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LegalTags {
    /// `[from, to]`: whether a tag may stand right after another.
    pub transitions: Vec<bool>,
    /// Whether each may be the first.
    pub start: Vec<bool>,
    /// Whether each may be the last.
    pub end: Vec<bool>,
}

impl LegalTags {
    /// Whether there is a legal sequence of any length.
    pub fn always(&self) -> bool {
        self.start.iter().zip(&self.end).any(|(&start, &end)| start && end)
    }
}
