//! How a run is shown, with the log of this process as the console.

use std::sync::Arc;

use birnn_cli::args::Progress;
use birnn_cli::log::{self, Log};
use birnn_dashboard::{Console, View};
use indicatif::MultiProgress;

/// What `--progress` asks for.
pub fn new(wanted: Progress, log: &Log) -> View {
    let wanted = match wanted {
        Progress::Auto => birnn_dashboard::Progress::Auto,
        Progress::Plain => birnn_dashboard::Progress::Plain,
        Progress::Dashboard => birnn_dashboard::Progress::Dashboard,
    };
    View::new(wanted, Arc::new(LogConsole(log.clone())))
}

/// The log as what shares the terminal with the view.
#[derive(Debug)]
struct LogConsole(Log);

impl Console for LogConsole {
    fn bars(&self) -> MultiProgress {
        self.0.bars.clone()
    }

    fn colours(&self) -> bool {
        log::colours()
    }

    fn hold(&self) {
        self.0.hold();
    }

    fn last_held(&self, count: usize) -> Vec<String> {
        self.0.last_held(count)
    }

    fn release(&self, give_back: &mut dyn FnMut()) {
        self.0.release(give_back);
    }
}
