//! birnn-engine
