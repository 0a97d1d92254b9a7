//! How sure a share or an error is, how far probabilities can be believed, whether two nets differ, and
//! whether length matters.

mod bootstrap;
mod calibration;
mod interval;
mod lengths;
mod paired;
mod share;
mod summary;

pub(crate) use self::bootstrap::{FEW, Resampled, all, asked, interval_of, mean, share_interval, sum};
pub use self::bootstrap::{LEVEL, ScoreIntervals, bootstrap};
pub(crate) use self::calibration::bin_of;
pub use self::calibration::{Bin, Calibration};
pub use self::interval::{Interval, wilson};
pub use self::lengths::{LengthGroup, by_length};
pub use self::paired::{difference, holm, mcnemar};
pub(crate) use self::share::Share;
pub use self::summary::Summary;
