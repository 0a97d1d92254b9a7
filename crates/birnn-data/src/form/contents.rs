//! The four IDX files that each form is turned into.

use crate::file_error::FileProblem;

/// What the four IDX files hold: training images and labels, test images and labels.
pub type Contents = [Vec<u8>; 4];

/// Bytes of all arrays together, decompressed, and of any compressed file: twice what MNIST has.
pub(super) const MOST: u64 = 128 << 20;

/// An IDX file of these dimensions, its values still to come; as much memory is taken as they need, where
/// `room` has so much left.
pub(super) fn begun(dimensions: &[usize], room: &mut u64) -> Result<Vec<u8>, FileProblem> {
    let too_much = || FileProblem::TooMuch { most: MOST };
    let mut content = vec![0, 0, 8, dimensions.len() as u8];
    let mut count = 1_u64;
    for &size in dimensions {
        count = count.checked_mul(size as u64).ok_or_else(too_much)?;
        content.extend(u32::try_from(size).map_err(|_| too_much())?.to_be_bytes());
    }
    *room = room.checked_sub(count).ok_or_else(too_much)?;
    Ok(content)
}
