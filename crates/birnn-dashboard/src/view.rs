//! What is shown of a run: what the user asked for, as far as there is a terminal for it.

use std::io::IsTerminal;
use std::sync::Arc;

use birnn_engine::Observer;
use indicatif::ProgressDrawTarget;

use crate::bar::Bar;
use crate::console::Console;
use crate::dashboard::Dashboard;
use crate::interrupt::{Interrupt, SignalError};
use crate::lines::Lines;
use crate::run_info::RunInfo;
use crate::screen::Screen;

/// How a run is shown.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Progress {
    /// A line per epoch, and on a terminal a progress bar.
    #[default]
    Auto,
    /// A line per epoch.
    Plain,
    /// The whole screen; off a terminal, as [`Progress::Plain`].
    Dashboard,
}

/// The view of a run on stderr's terminal.
#[derive(Debug)]
pub struct View {
    progress: Progress,
    console: Arc<dyn Console>,
    screen: Screen,
}

impl View {
    /// The view that was asked for, or the one that comes nearest to it on this terminal, which is logged.
    pub fn new(wanted: Progress, console: Arc<dyn Console>) -> View {
        let dumb = std::env::var_os("TERM").is_some_and(|term| term == "dumb");
        let progress = match wanted {
            Progress::Dashboard if !std::io::stderr().is_terminal() || dumb => {
                tracing::info!("stderr is no terminal that can show a dashboard: a line per epoch instead");
                Progress::Plain
            }
            wanted => wanted,
        };
        if progress == Progress::Plain {
            console.bars().set_draw_target(ProgressDrawTarget::hidden());
        }
        View { progress, screen: Screen::new(console.clone()), console }
    }

    /// Listens for the signals that ask to stop, from now on. A second one gives the terminal back before it
    /// ends the process.
    ///
    /// # Errors
    ///
    /// When the system installs no signal handler, or starts no thread.
    pub fn interrupt(&self) -> Result<Interrupt, SignalError> {
        if self.progress == Progress::Dashboard {
            let screen = self.screen.clone();
            return Interrupt::listen_then(move || screen.close());
        }
        Interrupt::listen()
    }

    /// The observers that show a run, from now on. A dashboard takes the terminal at once, and gives it back
    /// when it is dropped.
    pub fn observers(&self, run: RunInfo) -> Vec<Box<dyn Observer>> {
        let run = run.escaped();
        let mut observers: Vec<Box<dyn Observer>> = vec![Box::new(Lines::new(&run))];
        match self.progress {
            Progress::Auto => observers.push(Box::new(Bar::new(&self.console.bars(), &run))),
            Progress::Plain => {}
            Progress::Dashboard => match Dashboard::open(&self.screen, self.console.clone(), run) {
                Ok(dashboard) => observers.push(Box::new(dashboard)),
                Err(error) => tracing::info!("no dashboard, but a line per epoch: {error}"),
            },
        }
        observers
    }
}
