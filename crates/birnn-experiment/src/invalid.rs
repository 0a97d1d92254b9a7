//! Settings that cannot be, and what numbers are refused as.

/// A setting that cannot be, by its dotted key.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Invalid {
    /// The key as a user would write it, such as `train.epochs`.
    pub key: String,
    /// What is wrong and what would be right.
    pub message: String,
}

impl Invalid {
    pub(crate) fn new(key: &str, message: impl Into<String>) -> Invalid {
        Invalid { key: key.to_owned(), message: message.into() }
    }
}

impl From<birnn_data::ConfigError> for Invalid {
    fn from(error: birnn_data::ConfigError) -> Invalid {
        Invalid::new(&error.key, error.message)
    }
}

/// Refuses zero.
pub(crate) fn at_least_one(key: &'static str, value: usize) -> Result<(), Invalid> {
    if value == 0 { Err(Invalid::new(key, "must be at least 1, is 0")) } else { Ok(()) }
}

// Settings are written as f64, and nets are computed in f32: what counts is what a number is there.

/// Refuses what is not a finite number above zero.
pub(crate) fn positive(key: &str, value: f64) -> Result<(), Invalid> {
    within(key, value, "must be above 0", |value| value > 0.0 && value.is_finite())
}

/// Refuses what is not a finite number, zero or above.
pub(crate) fn not_negative(key: &str, value: f64) -> Result<(), Invalid> {
    within(key, value, "must be at least 0", |value| value >= 0.0 && value.is_finite())
}

/// Refuses what is not at least zero and below one.
pub(crate) fn fraction(key: &str, value: f64) -> Result<(), Invalid> {
    within(key, value, "must be at least 0 and below 1", |value| (0.0..1.0).contains(&value))
}

/// `fits` is asked of the value as it is written, as it would be taken by libtorch, and as it is in f32.
fn within(key: &str, value: f64, must: &str, fits: impl Fn(f64) -> bool) -> Result<(), Invalid> {
    let single = value as f32;
    // Whatever computes with it takes a subnormal number for zero.
    let single = if single.is_subnormal() { 0.0 } else { f64::from(single) };
    match (fits(value), fits(single)) {
        (true, true) => Ok(()),
        (false, _) => Err(Invalid::new(key, format!("{must}, is {value}"))),
        (true, false) => Err(Invalid::new(key, format!("{must}, is {value}, which in 32 bits is {single}"))),
    }
}
