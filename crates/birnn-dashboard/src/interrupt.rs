//! Ctrl-C and SIGTERM: the first one stops a run after its step, with a checkpoint; a second one ends the
//! process.

use std::io;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::{Arc, OnceLock, mpsc};
use std::time::Duration;

use birnn_engine::{Control, EngineError, Observer, StepContext};
use birnn_infer::Step;
use signal_hook::consts::{SIGINT, SIGTERM};
use signal_hook::iterator::Signals;
use signal_hook::{flag, low_level};

/// Signals cannot be listened for.
#[derive(Debug, thiserror::Error)]
#[error("signals: {0}")]
pub struct SignalError(#[from] io::Error);

/// Stops a run when a signal asks for it.
///
/// It belongs behind all other observers, so that it hears of a stop that they ask for.
#[derive(Clone, Debug)]
pub struct Interrupt {
    /// The signal that came, or 0.
    signal: Arc<AtomicUsize>,
}

impl Interrupt {
    /// From now on the first signal is noted, and the second one ends the process at once.
    ///
    /// A process has one listener: a signal that comes between two of its runs stops the next.
    pub(crate) fn listen() -> Result<Interrupt, SignalError> {
        static LISTENING: OnceLock<Interrupt> = OnceLock::new();
        if let Some(listening) = LISTENING.get() {
            return Ok(listening.clone());
        }
        let signal = Arc::new(AtomicUsize::new(0));
        let came = Arc::new(AtomicBool::new(false));
        for kind in [SIGINT, SIGTERM] {
            // In this order: the first signal finds nothing yet to end for.
            flag::register_conditional_default(kind, came.clone())?;
            flag::register(kind, came.clone())?;
            flag::register_usize(kind, signal.clone(), kind as usize)?;
        }
        Ok(LISTENING.get_or_init(|| Interrupt { signal }).clone())
    }

    /// As [`Interrupt::listen`], where a second signal must not end the process before `last` is done, which
    /// takes more than a signal handler may do.
    pub(crate) fn listen_then(last: impl FnOnce() + Send + 'static) -> Result<Interrupt, SignalError> {
        let signal = Arc::new(AtomicUsize::new(0));
        let mut signals = Signals::new([SIGINT, SIGTERM])?;
        for kind in [SIGINT, SIGTERM] {
            flag::register_usize(kind, signal.clone(), kind as usize)?;
        }
        let wait = move || {
            if let Some(kind) = signals.forever().nth(1) {
                // A terminal that takes nothing in any more must not hold the process.
                let (done, waiting) = mpsc::channel();
                std::thread::spawn(move || {
                    last();
                    done.send(())
                });
                let _ = waiting.recv_timeout(Duration::from_secs(1));
                // By the signal itself, as one that nobody listens for: whoever looks can tell that no
                // checkpoint was made.
                let _ = low_level::emulate_default_handler(kind);
            }
        };
        std::thread::Builder::new().name("signals".to_owned()).spawn(wait)?;
        Ok(Interrupt { signal })
    }

    /// The exit code of a process that a signal ended, as shells have it: 128 and the signal's number.
    pub fn exit_code(&self) -> u8 {
        128 + self.signal.load(Ordering::SeqCst) as u8
    }
}

impl Observer for Interrupt {
    fn step(&mut self, _step: &Step, _context: &StepContext) -> Result<Control, EngineError> {
        match self.signal.load(Ordering::SeqCst) {
            0 => Ok(Control::Continue),
            _ => Ok(Control::Stop),
        }
    }
}
