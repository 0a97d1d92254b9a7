//! MNIST-family data: obtain, verify, decode, split, sample.
//!
//! Images are `u8` from the file to the device; this crate names no tensor type, knows no network and no
//! training.

mod images;
pub mod picture;
pub mod synthetic;

pub use images::{Images, Split};
