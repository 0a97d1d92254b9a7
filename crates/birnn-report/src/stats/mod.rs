//! How sure a share is, how far probabilities can be believed, and whether two shares differ.

mod calibration;
mod interval;
mod paired;
mod summary;

pub use self::calibration::{Bin, Calibration};
pub use self::interval::{Interval, wilson};
pub use self::paired::{difference, holm, mcnemar};
pub use self::summary::Summary;
