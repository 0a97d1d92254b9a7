//! Tags of tokens that mark spans of them (named entities, phrases): IOB1, IOB2 and IOBES, read, checked and
//! converted.

mod problem;
mod tag;
mod tag_set;
#[cfg(test)]
mod tests;

use std::fmt;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

pub use problem::{IllegalTag, TagProblem};
use tag::{Marked, Prefix, Tag, goes_on, is, is_open, joined, same_kind};
pub use tag_set::TagSet;

/// How tags mark spans. A tag is `O`, of a token outside of all spans, or a prefix with the type of the span,
/// such as `B-NP`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum Scheme {
    /// `I-` for each token of a span, but `B-` for the first where a span of the same type ends right before
    /// it.
    Iob1,
    /// `B-` for the first token of a span and `I-` for each other.
    Iob2,
    /// `B-` for the first token of a span, `E-` for the last, `I-` for those between, and `S-` for the one
    /// token of a span. `M-`, `L-` and `U-` are read as `I-`, `E-` and `S-`.
    Iobes,
}

/// How spans are read from tags. From tags that are legal in their scheme, both read the same.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum SpanReading {
    /// Spans that are marked as the scheme has it, as seqeval reads them with `mode="strict"`.
    ///
    /// - IOB2: `B-` and each `I-` of its type after it. Any other `I-` is of no span.
    /// - IOBES: `S-`, or `B-`, any number of `I-` and `E-`, all of one type. All else is of no span.
    /// - IOB1: the first `I-` after `O`, after another type or after a `B-` that is of no span, and each `I-`
    ///   of its type after it; or `B-` right after a tag of its type, in the same way. Any other `B-` is of
    ///   no span. A span whose last tag is `B-` does not count if `B-` of another type follows, which is as
    ///   seqeval has it.
    Strict,
    /// Also spans that are marked in another way, as conlleval.pl and seqeval without a mode read them, in
    /// all schemes by the same rules: a span begins with any tag but `O`, and goes on as long as `B-` or `I-`
    /// has `I-` or `E-` of its type after it.
    ///
    /// conlleval.pl says it in two rules for neighbours. A span ends between `B-` or `I-` and `B-` or `O`,
    /// between `E-` and `E-`, `I-` or `O`, and wherever the type changes. A span begins at `B-` after `B-`,
    /// `I-` or `O`, at `I-` or `E-` after `E-` or `O`, and wherever the type changes. Its `E-` is that of
    /// IOE, where there is no `B-` beside it, and it knows no `S-`: of IOBES it would join neighbours of one
    /// type. Here, as in seqeval, `B-` and `S-` always begin a span, and `E-` and `S-` always end one.
    Conlleval,
}

/// A stretch of tokens. Spans of one sequence do not overlap, and are in order.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Span<Kind = usize> {
    /// Where it begins.
    pub begin: usize,
    /// Right after its last token.
    pub end: usize,
    /// Its type: an index among [`TagSet::kinds`], or the name.
    pub kind: Kind,
}

impl Scheme {
    /// All of them.
    pub const ALL: [Scheme; 3] = [Scheme::Iob1, Scheme::Iob2, Scheme::Iobes];

    /// As experiments have it, such as `iob2`.
    pub fn name(self) -> &'static str {
        match self {
            Scheme::Iob1 => "iob1",
            Scheme::Iob2 => "iob2",
            Scheme::Iobes => "iobes",
        }
    }

    /// All tags for spans of these types, `O` first.
    pub fn tags(self, kinds: &[impl AsRef<str>]) -> Vec<String> {
        let of = |kind| self.prefixes().iter().map(move |&prefix| Marked { prefix, kind }.to_string());
        [tag::OUTSIDE.to_owned()].into_iter().chain(kinds.iter().flat_map(|kind| of(kind.as_ref()))).collect()
    }

    /// The spans that the tags of a sequence mark.
    pub fn spans(
        self,
        tags: &[impl AsRef<str>],
        reading: SpanReading,
    ) -> Result<Vec<Span<&str>>, TagProblem> {
        Ok(self.read(&self.parse_all(tags)?, reading))
    }

    /// The first tag of a sequence that cannot stand where it does.
    pub fn first_illegal(self, tags: &[impl AsRef<str>]) -> Result<Option<IllegalTag>, TagProblem> {
        let parsed = self.parse_all(tags)?;
        let first = self.illegal(&parsed).next();
        Ok(first.map(|at| IllegalTag::new(self, &parsed, at, |at| tags[at].as_ref(), |kind| kind)))
    }

    /// The tags of another scheme for the same spans. An illegal sequence is refused. Converted back, they
    /// are the tags that they were, but for `M-`, `L-` and `U-`.
    pub fn convert(self, tags: &[impl AsRef<str>], to: Scheme) -> Result<Vec<String>, TagProblem> {
        match self.first_illegal(tags)? {
            None => self.repair(tags, to),
            Some(illegal) => Err(TagProblem::Illegal(illegal)),
        }
    }

    /// As [`Scheme::convert`], but of an illegal sequence too: its spans are those of
    /// [`SpanReading::Conlleval`].
    pub fn repair(self, tags: &[impl AsRef<str>], to: Scheme) -> Result<Vec<String>, TagProblem> {
        let written = to.write(&self.spans(tags, SpanReading::Conlleval)?, tags.len());
        Ok(written.into_iter().map(tag::name).collect())
    }

    fn prefixes(self) -> &'static [Prefix] {
        match self {
            Scheme::Iob1 | Scheme::Iob2 => &[Prefix::Begin, Prefix::Inside],
            Scheme::Iobes => &[Prefix::Begin, Prefix::Inside, Prefix::End, Prefix::Single],
        }
    }

    fn parse_all(self, tags: &[impl AsRef<str>]) -> Result<Vec<Tag<&str>>, TagProblem> {
        let unknown = |at, tag: &str| TagProblem::Unknown { at, scheme: self, tag: tag.to_owned() };
        let tags = tags.iter().map(AsRef::as_ref).enumerate();
        tags.map(|(at, tag)| self.parse(tag).ok_or_else(|| unknown(at, tag))).collect()
    }

    /// `None` where it is no tag of the scheme.
    fn parse(self, tag: &str) -> Option<Tag<&str>> {
        if tag == tag::OUTSIDE {
            return Some(None);
        }
        let (letter, kind) = tag.split_once('-').filter(|(_, kind)| !kind.is_empty())?;
        let prefix = match (letter, self) {
            ("B", _) => Prefix::Begin,
            ("I", _) | ("M", Scheme::Iobes) => Prefix::Inside,
            ("E" | "L", Scheme::Iobes) => Prefix::End,
            ("S" | "U", Scheme::Iobes) => Prefix::Single,
            _ => return None,
        };
        Some(Some(Marked { prefix, kind }))
    }

    /// Whether a tag may stand right after another. At the start of a sequence stands what may stand after
    /// `O`, and at its end what `O` may stand after.
    fn allows<Kind: Copy + PartialEq>(self, before: Tag<Kind>, tag: Tag<Kind>) -> bool {
        match self {
            Scheme::Iob1 => !is(tag, Prefix::Begin) || same_kind(before, tag),
            Scheme::Iob2 => !is(tag, Prefix::Inside) || joined(before, tag),
            Scheme::Iobes => joined(before, tag) || !is_open(before) && !goes_on(tag),
        }
    }

    /// Which tags cannot stand where they do: after the one before, or as the last.
    fn illegal<Kind: Copy + PartialEq>(self, tags: &[Tag<Kind>]) -> impl Iterator<Item = usize> {
        let fits = move |at: usize| {
            let last = at + 1 == tags.len();
            self.allows(before(tags, at), tags[at]) && (!last || self.allows(tags[at], None))
        };
        (0..tags.len()).filter(move |&at| !fits(at))
    }

    fn read<Kind: Copy + PartialEq>(self, tags: &[Tag<Kind>], reading: SpanReading) -> Vec<Span<Kind>> {
        let (mut spans, mut begin) = (Vec::new(), 0);
        while begin < tags.len() {
            let mut end = begin + 1;
            if let Some(marked) = tags[begin]
                && self.begins(before(tags, begin), marked, reading)
            {
                while end < tags.len() && joined(tags[end - 1], tags[end]) {
                    end += 1;
                }
                if self.ends(tags[end - 1], tags.get(end).copied().flatten(), reading) {
                    spans.push(Span { begin, end, kind: marked.kind });
                }
            }
            begin = end;
        }
        spans
    }

    /// Whether a span begins at a tag that goes on with none.
    fn begins<Kind: Copy + PartialEq>(
        self,
        before: Tag<Kind>,
        tag: Marked<Kind>,
        reading: SpanReading,
    ) -> bool {
        let same_kind = same_kind(before, Some(tag));
        match (reading, self) {
            (SpanReading::Conlleval, _) => true,
            (SpanReading::Strict, Scheme::Iob1) => match tag.prefix {
                Prefix::Begin => same_kind,
                _ => !(same_kind && is(before, Prefix::Inside)),
            },
            (SpanReading::Strict, Scheme::Iob2 | Scheme::Iobes) => {
                matches!(tag.prefix, Prefix::Begin | Prefix::Single)
            }
        }
    }

    /// Whether what has begun is a span, by its last tag and the one after it, which does not go on with it.
    fn ends<Kind: Copy + PartialEq>(self, last: Tag<Kind>, after: Tag<Kind>, reading: SpanReading) -> bool {
        match (reading, self) {
            (SpanReading::Conlleval, _) | (SpanReading::Strict, Scheme::Iob2) => true,
            (SpanReading::Strict, Scheme::Iob1) => {
                !(is(last, Prefix::Begin) && is(after, Prefix::Begin)) || same_kind(last, after)
            }
            (SpanReading::Strict, Scheme::Iobes) => !is_open(last),
        }
    }

    /// The tags of a sequence of so many tokens.
    fn write<Kind: Copy + PartialEq>(self, spans: &[Span<Kind>], length: usize) -> Vec<Tag<Kind>> {
        let mut tags = vec![None; length];
        let mut before: Option<Span<Kind>> = None;
        for &span in spans {
            let Span { begin, end, kind } = span;
            let touches = before.is_some_and(|before| before.end == begin && before.kind == kind);
            tags[begin..end].fill(Some(Marked { prefix: Prefix::Inside, kind }));
            let mut set = |at: usize, prefix| tags[at] = Some(Marked { prefix, kind });
            match self {
                Scheme::Iob1 if touches => set(begin, Prefix::Begin),
                Scheme::Iob1 => {}
                Scheme::Iob2 => set(begin, Prefix::Begin),
                Scheme::Iobes if end - begin == 1 => set(begin, Prefix::Single),
                Scheme::Iobes => {
                    set(begin, Prefix::Begin);
                    set(end - 1, Prefix::End);
                }
            }
            before = Some(span);
        }
        tags
    }
}

/// For people.
impl fmt::Display for Scheme {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Scheme::Iob1 => "IOB1",
            Scheme::Iob2 => "IOB2",
            Scheme::Iobes => "IOBES",
        })
    }
}

/// The tag before, which is as `O` at the start.
fn before<Kind: Copy>(tags: &[Tag<Kind>], at: usize) -> Tag<Kind> {
    at.checked_sub(1).and_then(|before| tags[before])
}
