//! Spans (entities, phrases) that tags mark: how many of them are found as they are.

use birnn_data::{Span, SpanReading, TagSet};
use serde::{Deserialize, Serialize};

use super::confusion::ratio;

/// What scores of spans follow from: counts, sequence by sequence.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SpanCounts {
    tags: TagSet,
    strict: Vec<Counts>,
    conlleval: Vec<Counts>,
    illegal: u64,
}

/// How a net did on spans, in both readings of tags.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct SpanScores {
    /// Of spans as [`SpanReading::Strict`] reads them.
    pub strict: ReadingScores,
    /// Of spans as [`SpanReading::Conlleval`] reads them.
    pub conlleval: ReadingScores,
    /// How many of the tags that the net gave cannot stand where they do in the scheme. Of tags of which none
    /// is so, in the truth neither, both readings are the same.
    pub illegal: u64,
}

/// How a net did on spans, in one reading of tags.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct ReadingScores {
    /// On all spans, each counting the same.
    pub all: SpanScore,
    /// On those of each type, sorted by name.
    pub types: Vec<TypeScore>,
}

/// How a net did on spans of one type.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct TypeScore {
    /// The name of the type.
    #[serde(rename = "type")]
    pub kind: String,
    /// How it did on them.
    #[serde(flatten)]
    pub score: SpanScore,
}

/// How a net did on some spans. A ratio with nothing to count is 0.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct SpanScore {
    /// Of the spans found, the share that are correct.
    pub precision: f64,
    /// Of the spans that there are, the share found.
    pub recall: f64,
    /// The harmonic mean of the two.
    pub f1: f64,
    /// How many spans there are.
    pub spans: u64,
    /// How many the net found, correct or not.
    pub found: u64,
    /// How many of them are correct: begin and end where a span does, and are of its type.
    pub correct: u64,
}

/// Spans of one type.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
struct Counts {
    spans: u64,
    found: u64,
    correct: u64,
}

impl SpanCounts {
    /// Of no sequences yet, whose classes are these tags.
    pub fn new(tags: TagSet) -> SpanCounts {
        let counts = vec![Counts::default(); tags.kinds().len()];
        SpanCounts { tags, strict: counts.clone(), conlleval: counts, illegal: 0 }
    }

    /// Counts a sequence in: of each step the class that it is of, and the one that the net says.
    pub fn add(&mut self, truth: &[impl Copy + Into<usize>], predicted: &[impl Copy + Into<usize>]) {
        assert_eq!(truth.len(), predicted.len(), "the classes of as many steps");
        self.illegal += self.tags.illegal(predicted) as u64;
        for (reading, counts) in
            [(SpanReading::Strict, &mut self.strict), (SpanReading::Conlleval, &mut self.conlleval)]
        {
            count(counts, &self.tags.spans(truth, reading), &self.tags.spans(predicted, reading));
        }
    }

    /// Counts sequences in that stand one after the other, of these lengths.
    pub fn add_all(
        &mut self,
        truth: &[impl Copy + Into<usize>],
        predicted: &[impl Copy + Into<usize>],
        lengths: impl IntoIterator<Item = usize>,
    ) {
        let mut begin = 0;
        for length in lengths {
            let steps = begin..begin + length;
            self.add(&truth[steps.clone()], &predicted[steps]);
            begin += length;
        }
        assert_eq!((begin, begin), (truth.len(), predicted.len()), "lengths of all sequences");
    }

    /// What follows from the counts.
    pub fn finish(&self) -> SpanScores {
        let scores = |counts: &[Counts]| ReadingScores {
            all: counts.iter().fold(Counts::default(), Counts::and).score(),
            types: self.tags.kinds().iter().zip(counts).map(TypeScore::new).collect(),
        };
        SpanScores { strict: scores(&self.strict), conlleval: scores(&self.conlleval), illegal: self.illegal }
    }
}

impl TypeScore {
    fn new((kind, counts): (&String, &Counts)) -> TypeScore {
        TypeScore { kind: kind.clone(), score: counts.score() }
    }
}

impl Counts {
    /// Of both together.
    fn and(self, other: &Counts) -> Counts {
        Counts {
            spans: self.spans + other.spans,
            found: self.found + other.found,
            correct: self.correct + other.correct,
        }
    }

    fn score(&self) -> SpanScore {
        let &Counts { spans, found, correct } = self;
        SpanScore {
            precision: ratio(correct, found),
            recall: ratio(correct, spans),
            f1: ratio(2 * correct, found + spans),
            spans,
            found,
            correct,
        }
    }
}

/// Counts the spans of a sequence by their types, given in order.
fn count(counts: &mut [Counts], truth: &[Span], found: &[Span]) {
    truth.iter().for_each(|span| counts[span.kind].spans += 1);
    found.iter().for_each(|span| counts[span.kind].found += 1);
    let is_correct = |span: &&Span| truth.binary_search(span).is_ok();
    found.iter().filter(is_correct).for_each(|span| counts[span.kind].correct += 1);
}

#[cfg(test)]
mod tests {
    use birnn_data::Scheme;

    use super::*;

    const TAGS: [&str; 5] = ["O", "B-per", "I-per", "B-loc", "I-loc"];

    fn classes(tags: &str) -> Vec<usize> {
        tags.split_whitespace().map(|tag| TAGS.iter().position(|&other| other == tag).unwrap()).collect()
    }

    fn counts() -> SpanCounts {
        SpanCounts::new(TagSet::new(Scheme::Iob2, &TAGS).unwrap())
    }

    /// `[spans, found, correct]`.
    fn of(score: &SpanScore) -> [u64; 3] {
        [score.spans, score.found, score.correct]
    }

    #[test]
    fn spans_are_counted_in_both_readings() {
        // Truth, prediction; strict, conlleval, as spans, found and correct; tags that cannot stand there.
        let cases = [
            ("O O", "O O", [0, 0, 0], [0, 0, 0], 0),
            ("B-per I-per O", "B-per I-per O", [1, 1, 1], [1, 1, 1], 0),
            ("B-per I-per O", "B-per O O", [1, 1, 0], [1, 1, 0], 0),
            ("B-per I-per O", "B-loc I-loc O", [1, 1, 0], [1, 1, 0], 0),
            ("B-per I-per O", "I-per I-per O", [1, 0, 0], [1, 1, 1], 1),
            ("B-per I-per B-per", "B-per I-per I-per", [2, 1, 0], [2, 1, 0], 0),
            ("B-per B-loc I-loc", "B-per I-loc I-loc", [2, 1, 1], [2, 2, 2], 1),
            ("O O O", "I-loc O I-per", [0, 0, 0], [0, 2, 0], 2),
        ];
        for (truth, predicted, strict, conlleval, illegal) in cases {
            let mut counts = counts();
            counts.add(&classes(truth), &classes(predicted));
            let found = counts.finish();
            assert_eq!(of(&found.strict.all), strict, "{truth}: {predicted}");
            assert_eq!(of(&found.conlleval.all), conlleval, "{truth}: {predicted}");
            assert_eq!(found.illegal, illegal, "{truth}: {predicted}");
        }
    }

    #[test]
    fn scores_follow_from_the_counts() {
        let (truth, predicted) = ("B-per O B-per I-per B-per", "B-per O B-per O B-loc");
        let mut all = counts();
        all.add_all(&classes(truth), &classes(predicted), [2, 3]);
        let scores = all.finish();
        let kinds: Vec<_> = scores.strict.types.iter().map(|of| of.kind.as_str()).collect();
        assert_eq!(kinds, ["loc", "per"]);
        let [loc, per] = [0, 1].map(|kind| scores.strict.types[kind].score);
        assert_eq!((of(&loc), loc.precision, loc.recall, loc.f1), ([0, 1, 0], 0.0, 0.0, 0.0));
        assert_eq!((of(&per), per.precision, per.recall, per.f1), ([3, 2, 1], 0.5, 1.0 / 3.0, 0.4));
        let over_all = scores.strict.all;
        assert_eq!((of(&over_all), over_all.precision, over_all.f1), ([3, 3, 1], 1.0 / 3.0, 1.0 / 3.0));
        assert_eq!(scores.conlleval, scores.strict);
        assert_eq!(counts().finish().strict.all, SpanScore::default());
    }

    /// A span does not reach from one sequence into the next.
    #[test]
    fn sequences_are_read_apart() {
        let (truth, predicted) = (classes("B-per I-per"), classes("B-per I-per"));
        let read = |lengths: &[usize]| {
            let mut counts = counts();
            counts.add_all(&truth, &predicted, lengths.iter().copied());
            let found = counts.finish();
            (of(&found.strict.all), of(&found.conlleval.all), found.illegal)
        };
        assert_eq!(read(&[2]), ([1, 1, 1], [1, 1, 1], 0));
        assert_eq!(read(&[1, 1]), ([1, 1, 1], [2, 2, 2], 1));
        assert_eq!(read(&[0, 2, 0]), read(&[2]));
    }

    #[test]
    fn scores_read_back_as_they_were_written() {
        let mut counts = counts();
        counts.add(&classes("B-per I-per B-loc"), &classes("B-per I-per I-loc"));
        let scores = counts.finish();
        let text = serde_json::to_string(&scores).unwrap();
        let loc = r#"{"type":"loc","precision":0.0,"recall":0.0,"f1":0.0,"spans":1,"found":0,"correct":0}"#;
        assert!(text.contains(loc), "{text}");
        assert_eq!(serde_json::from_str::<SpanScores>(&text).unwrap(), scores);
    }
}
