//! How a run is shown, with the log of this process as the console.

use std::sync::Arc;

use birnn_dashboard::{Console, View};
use indicatif::MultiProgress;

use crate::args::Progress;
use crate::log::{self, Log};

/// What `--progress` asks for.
pub fn new(wanted: Progress, log: &Log) -> View {
    let wanted = match wanted {
        Progress::Auto => birnn_dashboard::Progress::Auto,
        Progress::Plain => birnn_dashboard::Progress::Plain,
        Progress::Dashboard => birnn_dashboard::Progress::Dashboard,
    };
    View::new(wanted, Arc::new(log.clone()))
}

impl Console for Log {
    fn bars(&self) -> MultiProgress {
        self.bars.clone()
    }

    fn colours(&self) -> bool {
        log::colours()
    }

    fn hold(&self) {
        Log::hold(self);
    }

    fn last_held(&self, count: usize) -> Vec<String> {
        Log::last_held(self, count)
    }

    fn release(&self, give_back: &mut dyn FnMut()) {
        Log::release(self, give_back);
    }
}
