//! Digits drawn from strokes.
