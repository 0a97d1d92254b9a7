//! What this process computes with on a CPU.

use std::num::NonZero;
use std::sync::OnceLock;

use birnn_kernels::{Instructions, Precision};

static INSTRUCTIONS: OnceLock<Instructions> = OnceLock::new();
static PRECISION: OnceLock<Precision> = OnceLock::new();

/// Vector instructions that this processor does not have, or that do not exist.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error(
    "BIRNN_INSTRUCTIONS: no vector instructions called `{name}` here; there are: {there}; unset it for the \
     best"
)]
pub struct NoSuchInstructions {
    /// The name asked for.
    name: String,
    /// Those that it has.
    there: String,
}

/// The processor's name, where the system tells; else the architecture's.
pub fn name() -> String {
    let text = std::fs::read_to_string("/proc/cpuinfo").unwrap_or_default();
    let line = text.lines().find(|line| line.starts_with("model name"));
    let name = line.and_then(|line| line.split_once(':')).map(|(_, name)| name.trim().to_owned());
    name.unwrap_or_else(|| std::env::consts::ARCH.to_owned())
}

/// The vector instructions to compute with: the best there are, unless others were chosen.
pub fn instructions() -> Instructions {
    *INSTRUCTIONS.get_or_init(Instructions::best)
}

/// How exact answers are: `highest`, unless another precision was chosen. Training has one of its own.
pub fn precision() -> Precision {
    *PRECISION.get_or_init(Precision::default)
}

/// Chooses how exact answers are. To be called before anything computes; later it has no effect.
pub fn choose_precision(precision: Precision) {
    PRECISION.get_or_init(|| precision);
}

/// Chooses the vector instructions that `$BIRNN_INSTRUCTIONS` names, if it is set, so that another machine's
/// results can be had here, byte for byte. To be called before anything computes; later it has no effect.
pub fn configure_from_env() -> Result<(), NoSuchInstructions> {
    let name = std::env::var_os("BIRNN_INSTRUCTIONS").filter(|name| !name.is_empty());
    name.map_or(Ok(()), |name| choose(&birnn_data::name::text(name)))
}

fn choose(name: &str) -> Result<(), NoSuchInstructions> {
    let all = Instructions::all();
    match all.iter().copied().chain(Instructions::twins()).find(|instructions| instructions.name() == name) {
        Some(instructions) => {
            INSTRUCTIONS.get_or_init(|| instructions);
            Ok(())
        }
        None => {
            let names: Vec<&str> = all.into_iter().map(Instructions::name).collect();
            Err(NoSuchInstructions { name: name.to_owned(), there: names.join(", ") })
        }
    }
}

/// How many threads to answer many questions with: what `$OMP_NUM_THREADS` says, else one for each processor
/// that the process may use. No answer depends on it.
pub fn threads() -> usize {
    let asked = std::env::var("OMP_NUM_THREADS").ok();
    // Of a list, as OpenMP has it, the first is for what is not nested.
    let asked = asked.and_then(|text| text.split(',').next()?.trim().parse().ok());
    asked.or_else(|| std::thread::available_parallelism().ok()).map_or(1, NonZero::get)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn instructions_that_are_not_there_are_refused_with_those_that_are() {
        let error = choose("mmx").unwrap_err();
        assert!(error.to_string().contains("baseline; unset it"), "{error}");
    }
}
