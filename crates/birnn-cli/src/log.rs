//! What is said while a command runs: to stderr, around a progress bar, and to a run's `train.log`.

use std::fmt;
use std::fs::File;
use std::io::{IsTerminal, Write};
use std::path::Path;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use indicatif::MultiProgress;
use tracing::{Event, Level, Subscriber};
use tracing_subscriber::fmt::format::Writer;
use tracing_subscriber::fmt::{FmtContext, FormatEvent, FormatFields, MakeWriter};
use tracing_subscriber::layer::SubscriberExt;
use tracing_subscriber::registry::LookupSpan;
use tracing_subscriber::util::SubscriberInitExt;
use tracing_subscriber::{EnvFilter, Layer};

use crate::failure::Failure;

/// Where progress bars are drawn, and where the log goes.
#[derive(Clone, Debug)]
pub struct Log {
    /// Progress bars; invisible off a terminal.
    pub bars: MultiProgress,
    record: Record,
}

/// Keeps what is said until there is a file for it.
#[derive(Clone, Debug, Default)]
struct Record(Arc<Mutex<Sink>>);

#[derive(Debug)]
enum Sink {
    Memory(Vec<u8>),
    File(File),
}

/// Starts logging: to stderr at the level that `$RUST_LOG` asks for, to the record always at the usual one.
pub fn start() -> Log {
    let log = Log { bars: MultiProgress::new(), record: Record::default() };
    let usual = || EnvFilter::new("info,ureq=warn,rustls=warn");
    let wanted = EnvFilter::try_from_default_env().unwrap_or_else(|_| usual());
    let colours =
        std::io::stderr().is_terminal() && std::env::var_os("NO_COLOR").is_none_or(|value| value.is_empty());
    let console = tracing_subscriber::fmt::layer()
        .with_ansi(colours)
        .event_format(Plain)
        .with_writer(Console(log.bars.clone()))
        .with_filter(wanted);
    let record = tracing_subscriber::fmt::layer()
        .with_ansi(false)
        .with_target(false)
        .with_writer(log.record.clone())
        .with_filter(usual());
    tracing_subscriber::registry().with(console).with(record).init();
    log
}

impl Log {
    /// From now on everything goes to the end of the file at `path` too, what was said so far first.
    pub fn continue_in(&self, path: &Path) -> Result<(), Failure> {
        let mut sink = self.record.lock();
        if let Sink::Memory(said) = &*sink {
            let start = || {
                let mut file = File::options().create(true).append(true).open(path)?;
                file.write_all(said)?;
                Ok(file)
            };
            let file = start()
                .map_err(|error: std::io::Error| Failure::run(format!("{}: {error}", path.display())))?;
            *sink = Sink::File(file);
        }
        Ok(())
    }

    /// The file is complete: what is said from now on is for the next.
    pub fn detach(&self) {
        *self.record.lock() = Sink::default();
    }
}

/// `warning: ` and `error: ` as compilers write them; everything else as it is.
struct Plain;

impl<S, N> FormatEvent<S, N> for Plain
where
    S: Subscriber + for<'a> LookupSpan<'a>,
    N: for<'a> FormatFields<'a> + 'static,
{
    fn format_event(
        &self,
        context: &FmtContext<'_, S, N>,
        mut writer: Writer<'_>,
        event: &Event<'_>,
    ) -> fmt::Result {
        let (colour, word) = match *event.metadata().level() {
            Level::ERROR => ("\x1b[1;31m", "error: "),
            Level::WARN => ("\x1b[1;33m", "warning: "),
            Level::INFO => ("", ""),
            Level::DEBUG => ("\x1b[2m", "debug: "),
            Level::TRACE => ("\x1b[2m", "trace: "),
        };
        if writer.has_ansi_escapes() && !word.is_empty() {
            write!(writer, "{colour}{word}\x1b[0m")?;
        } else {
            write!(writer, "{word}")?;
        }
        context.format_fields(writer.by_ref(), event)?;
        writeln!(writer)
    }
}

/// stderr, with the progress bars out of the way.
struct Console(MultiProgress);

impl<'a> MakeWriter<'a> for Console {
    type Writer = &'a Console;

    fn make_writer(&'a self) -> &'a Console {
        self
    }
}

impl Write for &Console {
    fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
        self.0.suspend(|| std::io::stderr().write(bytes))
    }

    fn flush(&mut self) -> std::io::Result<()> {
        std::io::stderr().flush()
    }
}

impl Record {
    fn lock(&self) -> MutexGuard<'_, Sink> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Default for Sink {
    fn default() -> Sink {
        Sink::Memory(Vec::new())
    }
}

impl<'a> MakeWriter<'a> for Record {
    type Writer = &'a Record;

    fn make_writer(&'a self) -> &'a Record {
        self
    }
}

impl Write for &Record {
    fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
        match &mut *self.lock() {
            Sink::Memory(said) => said.write(bytes),
            Sink::File(file) => file.write(bytes),
        }
    }

    fn flush(&mut self) -> std::io::Result<()> {
        Ok(())
    }
}
