//! How a training shows what goes on: what `--progress` asks for, as far as there is a terminal for it.

use std::io::IsTerminal;

use birnn_engine::Observer;
use indicatif::ProgressDrawTarget;

use crate::args::Progress;
use crate::dashboard::{Dashboard, Screen};
use crate::escape;
use crate::failure::Failure;
use crate::interrupt::Interrupt;
use crate::log::Log;
use crate::progress::{Bar, Lines};

/// What stays the same while a run trains.
#[derive(Clone, Debug)]
pub struct Facts {
    /// The run's name.
    pub name: String,
    /// The net, in words.
    pub architecture: String,
    /// Where it computes.
    pub device: String,
    /// The run directory.
    pub run: String,
    /// The names of the classes.
    pub classes: Vec<String>,
    /// Rows and columns of an image.
    pub shape: [usize; 2],
    /// Training images.
    pub images: usize,
    /// How many epochs there are to be.
    pub epochs: usize,
    /// Steps per epoch.
    pub steps: usize,
    /// Steps done before this session.
    pub before: usize,
}

impl Facts {
    /// As a terminal can be given them.
    fn escaped(self) -> Facts {
        let line = |text: &String| escape::line(text).into_owned();
        Facts {
            name: line(&self.name),
            run: line(&self.run),
            classes: self.classes.iter().map(line).collect(),
            ..self
        }
    }
}

/// The way that was chosen.
#[derive(Debug)]
pub struct Show {
    progress: Progress,
    log: Log,
    screen: Screen,
}

impl Show {
    /// What the user `wanted`, or what comes nearest to it.
    pub fn new(wanted: Progress, log: &Log) -> Show {
        let dumb = std::env::var_os("TERM").is_some_and(|term| term == "dumb");
        let progress = match wanted {
            Progress::Dashboard if !std::io::stderr().is_terminal() || dumb => {
                tracing::info!("stderr is no terminal that can show a dashboard: a line per epoch instead");
                Progress::Plain
            }
            wanted => wanted,
        };
        if progress == Progress::Plain {
            log.bars.set_draw_target(ProgressDrawTarget::hidden());
        }
        Show { progress, log: log.clone(), screen: Screen::new(log) }
    }

    /// Listens for signals; the last one leaves no dashboard behind.
    pub fn interrupt(&self) -> Result<Interrupt, Failure> {
        if self.progress == Progress::Dashboard {
            let screen = self.screen.clone();
            return Interrupt::listen_then(move || screen.close());
        }
        Interrupt::listen()
    }

    /// Those who show the training, to be told from now on.
    pub fn observers(&self, facts: Facts) -> Result<Vec<Box<dyn Observer>>, Failure> {
        let facts = facts.escaped();
        let mut observers: Vec<Box<dyn Observer>> = vec![Box::new(Lines::new(facts.epochs))];
        match self.progress {
            Progress::Auto => observers.push(Box::new(Bar::new(&self.log.bars, &facts)?)),
            Progress::Plain => {}
            Progress::Dashboard => match Dashboard::open(&self.screen, &self.log, facts) {
                Ok(dashboard) => observers.push(Box::new(dashboard)),
                Err(error) => tracing::info!("no dashboard, but a line per epoch: {error}"),
            },
        }
        Ok(observers)
    }
}
