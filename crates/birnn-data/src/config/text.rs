//! How sentences are read.

use crate::text::encoding::Encoding;
use crate::text::scheme::Scheme;
use crate::text::vocabulary::Folding;
use crate::text::word_vectors::VectorsPlan;

/// How sentences are read, with nothing left to decide.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TextPlan {
    /// In which encoding the files are.
    pub encoding: Encoding,
    /// Which words are the same.
    pub folding: Folding,
    /// How often a word must come to be known.
    pub min_count: usize,
    /// Vectors that others learnt, by which words are known, where there are such: [`DataConfig::vectors`]
    /// for a net.
    ///
    /// [`DataConfig::vectors`]: crate::DataConfig::vectors
    pub vectors: Option<VectorsPlan>,
    /// The scheme that the files' tags are of, where it is said that it is another than the one that is
    /// learnt.
    pub scheme: Option<Scheme>,
    /// Whether tags that their scheme does not allow are read as `conlleval` reads them.
    pub repair_tags: bool,
    /// The scheme of the tags that are learnt, where they mark spans.
    pub learnt: Option<Scheme>,
    /// The tags that there are, where a net that knows these is to be judged; else those of the files.
    pub known: Option<Vec<String>>,
}
