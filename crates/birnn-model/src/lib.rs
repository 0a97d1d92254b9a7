//! birnn-model
