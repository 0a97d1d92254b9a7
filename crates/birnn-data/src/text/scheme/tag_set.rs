//! Tags as the classes of a net.

use birnn_architecture::LegalTags;

use super::tag::Tag;
use super::{IllegalTag, Scheme, Span, SpanReading, TagProblem};

/// The tags that are the classes of a net, their names taken apart once: what is asked about sequences of
/// classes is answered without text. Classes are indices among the names; one that has none is a mistake of
/// the caller's, and a panic.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TagSet {
    scheme: Scheme,
    names: Vec<String>,
    kinds: Vec<String>,
    /// What each name says, with its type as an index among `kinds`.
    tags: Vec<Tag<usize>>,
}

impl TagSet {
    /// Of the names of classes.
    pub fn new(scheme: Scheme, names: &[impl AsRef<str>]) -> Result<TagSet, TagProblem> {
        let parsed = scheme.parse_all(names)?;
        let mut kinds: Vec<&str> = parsed.iter().flatten().map(|marked| marked.kind).collect();
        kinds.sort_unstable();
        kinds.dedup();
        let index = |kind| kinds.partition_point(|&other| other < kind);
        Ok(TagSet {
            scheme,
            names: names.iter().map(|name| name.as_ref().to_owned()).collect(),
            tags: parsed.iter().map(|tag| tag.map(|marked| marked.with_kind(index(marked.kind)))).collect(),
            kinds: kinds.into_iter().map(str::to_owned).collect(),
        })
    }

    /// The scheme.
    pub fn scheme(&self) -> Scheme {
        self.scheme
    }

    /// The names of the classes.
    pub fn names(&self) -> &[String] {
        &self.names
    }

    /// The types of spans that they mark, sorted.
    pub fn kinds(&self) -> &[String] {
        &self.kinds
    }

    /// The type of the span that a class marks, an index among them; none of what is outside of all spans.
    pub fn kind(&self, class: usize) -> Option<usize> {
        self.tags[class].map(|marked| marked.kind)
    }

    /// The spans that a sequence marks.
    pub fn spans(&self, classes: &[impl Copy + Into<usize>], reading: SpanReading) -> Vec<Span> {
        self.scheme.read(&self.of(classes), reading)
    }

    /// How many of a sequence's tags cannot stand where they do: after the one before, or as the last.
    pub fn illegal(&self, classes: &[impl Copy + Into<usize>]) -> usize {
        self.scheme.illegal(&self.of(classes)).count()
    }

    /// The first of them.
    pub fn first_illegal(&self, classes: &[impl Copy + Into<usize>]) -> Option<IllegalTag> {
        let tags = self.of(classes);
        let at = self.scheme.illegal(&tags).next()?;
        let name = |at: usize| self.names[classes[at].into()].as_str();
        Some(IllegalTag::new(self.scheme, &tags, at, name, |kind| &self.kinds[kind]))
    }

    /// Which tags may stand where.
    ///
    /// A tag may be allowed at the start that none of the set may follow, such as `B-NP` of IOBES in a set
    /// without `I-NP` and `E-NP`. There is still a legal sequence of any length ([`LegalTags::always`]) where
    /// the set has `O`, or all tags of its types ([`Scheme::tags`]). In a set that has no tag that may stand
    /// alone no sequence of one tag is legal, and in some, such as `I-NP` of IOB2 alone, none at all.
    pub fn legal(&self) -> LegalTags {
        let after = |from| self.tags.iter().map(move |&to| self.scheme.allows(from, to));
        LegalTags {
            transitions: self.tags.iter().flat_map(|&from| after(from)).collect(),
            start: after(None).collect(),
            end: self.tags.iter().map(|&tag| self.scheme.allows(tag, None)).collect(),
        }
    }

    fn of(&self, classes: &[impl Copy + Into<usize>]) -> Vec<Tag<usize>> {
        classes.iter().map(|&class| self.tags[class.into()]).collect()
    }
}
