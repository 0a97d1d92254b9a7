//! The birnn binary.
fn main() {}
