//! The versions of what a weights file says of itself, and the limits of a file.

/// The newest version of the description. A file has the oldest that can say what it says, so that an older
/// birnn can read what it would have written.
pub const FORMAT: u32 = FORMAT_WITH_TEXT;
/// The first of nets that read words, answer by a conditional random field, or whose classes are tags of
/// spans.
pub(crate) const FORMAT_WITH_TEXT: u32 = 8;
/// The first of nets that answer otherwise than with a class for each sequence, whose features have names, or
/// that read which values are missing.
pub(crate) const FORMAT_WITH_TASKS: u32 = 7;
/// The first of nets that read series.
pub(crate) const FORMAT_WITH_SERIES: u32 = 6;
/// The first of checkpoints that hold no records.
pub(crate) const FORMAT_OF_CHECKPOINTS: u32 = 5;
/// The version where there are weights alone.
pub(crate) const FORMAT_OF_WEIGHTS: u32 = 4;
/// The first that says what the images were like.
pub(crate) const FORMAT_WITH_PREPROCESSING: u32 = 4;
/// The first that is still read.
pub const OLDEST_FORMAT: u32 = 3;
/// Rows or columns of an image, far above any that a recurrent net reads.
pub const LARGEST_SIDE: usize = 1 << 16;
/// Names and sizes of some thousand tensors, and the description with some hundred thousand words, have room
/// in it.
pub(crate) const LARGEST_HEADER: u64 = 32 << 20;
/// What a run could not read again is not written, and what it would not have written is not read.
pub const LARGEST_FILE: u64 = 16 << 30;
/// Stands for the digest while it is computed.
pub(crate) const NO_DIGEST: [u8; 64] = [b'0'; 64];

/// Whether a header of so many bytes can be read again.
pub(crate) fn check_header(bytes: u64) -> Result<(), String> {
    match bytes > LARGEST_HEADER {
        true => Err(format!(
            "its description takes {bytes} bytes, and {LARGEST_HEADER} are read: shorten names or, of text, know fewer words (`min_count`, `vector_words` under [data])"
        )),
        false => Ok(()),
    }
}
