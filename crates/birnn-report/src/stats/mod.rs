//! How sure a share is, how far probabilities can be believed, whether two shares differ, and whether length matters.

mod calibration;
mod interval;
mod lengths;
mod paired;
mod summary;

pub use self::calibration::{Bin, Calibration};
pub use self::interval::{Interval, wilson};
pub use self::lengths::{LengthGroup, by_length};
pub use self::paired::{difference, holm, mcnemar};
pub use self::summary::Summary;
