//! What this process computes with on a CPU.

use std::num::NonZero;
use std::sync::OnceLock;

use birnn_kernels::Instructions;

static INSTRUCTIONS: OnceLock<Instructions> = OnceLock::new();

/// A variable that says what to compute with, and cannot be obeyed.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Unobeyable {
    /// Vector instructions that this processor does not have, or that do not exist.
    #[error(
        "BIRNN_INSTRUCTIONS: no vector instructions called `{name}` here; there are: {there}; unset it for the \
         best"
    )]
    Instructions {
        /// The name asked for.
        name: String,
        /// Those that it has.
        there: String,
    },
    /// No number of threads.
    #[error(
        "OMP_NUM_THREADS: `{0}` is no number of threads; set it to one from 1 on, or unset it for one per core"
    )]
    Threads(String),
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

/// Chooses the vector instructions that `$BIRNN_INSTRUCTIONS` names, if it is set, so that another machine's
/// results can be had here, byte for byte; and makes sure that `$OMP_NUM_THREADS`, if it is set, says how
/// many threads there are to be, as libtorch would pass over what does not. To be called before anything
/// computes; later it has no effect.
pub fn configure_from_env() -> Result<(), Unobeyable> {
    variable("BIRNN_INSTRUCTIONS").map_or(Ok(()), |name| choose(&name))?;
    variable("OMP_NUM_THREADS").map_or(Ok(()), |value| threads_of(&value).map(drop))
}

/// A variable, if it is set to something.
fn variable(name: &str) -> Option<String> {
    std::env::var_os(name).filter(|value| !value.is_empty()).map(birnn_data::name::text)
}

fn choose(name: &str) -> Result<(), Unobeyable> {
    let all = Instructions::all();
    match all.iter().copied().chain(Instructions::twins()).find(|instructions| instructions.name() == name) {
        Some(instructions) => {
            INSTRUCTIONS.get_or_init(|| instructions);
            Ok(())
        }
        None => {
            let names: Vec<&str> = all.into_iter().map(Instructions::name).collect();
            Err(Unobeyable::Instructions { name: name.to_owned(), there: names.join(", ") })
        }
    }
}

/// How many threads to answer many questions with: what `$OMP_NUM_THREADS` says, else one for each processor
/// that the process may use. No answer depends on it.
pub fn threads() -> usize {
    let asked = variable("OMP_NUM_THREADS").and_then(|value| threads_of(&value).ok());
    asked.unwrap_or_else(|| std::thread::available_parallelism().map_or(1, NonZero::get))
}

/// What `$OMP_NUM_THREADS` says: of a list, as OpenMP has it, the first is for what is not nested. One that
/// has anything else in it OpenMP passes over as a whole.
pub fn threads_of(value: &str) -> Result<usize, Unobeyable> {
    let all: Result<Vec<NonZero<usize>>, _> = value.split(',').map(|item| item.trim().parse()).collect();
    all.map(|all| all[0].get()).map_err(|_| Unobeyable::Threads(value.to_owned()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn instructions_that_are_not_there_are_refused_with_those_that_are() {
        let error = choose("mmx").unwrap_err();
        assert!(error.to_string().contains("baseline; unset it"), "{error}");
    }

    #[test]
    fn threads_are_a_number_or_the_first_of_a_list() {
        assert_eq!([threads_of("4"), threads_of(" 2 , 8")], [Ok(4), Ok(2)]);
        for value in ["0", "2.0", "many", "-1", ",2", "1,", "1,x", "1,0"] {
            assert_eq!(threads_of(value), Err(Unobeyable::Threads(value.to_owned())));
        }
    }
}
