//! Text: reading sentences and what is said of their words, and how a net reads them.

pub(crate) mod annotate;
mod block;
pub(crate) mod classified;
pub(crate) mod conll;
pub(crate) mod conllu;
pub(crate) mod encoding;
pub(crate) mod forms;
pub(crate) mod gaps;
pub(crate) mod lines;
pub(crate) mod own;
pub(crate) mod problem;
pub(crate) mod reading;
pub(crate) mod scheme;
mod source;
pub(crate) mod synthetic;
pub(crate) mod tags;
pub(crate) mod tokens;
pub(crate) mod vocabulary;
pub(crate) mod word_vectors;

#[cfg(test)]
mod tests;
