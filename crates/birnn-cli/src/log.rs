//! What is said while a command runs: to stderr, around a progress bar, and to a run's `train.log`.

use std::fmt::{self, Write as _};
use std::io::{IsTerminal, Write};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use birnn_data::escape;
use birnn_run::{FileError, RecordFile, clock};
use indicatif::{MultiProgress, ProgressDrawTarget};
use tracing::field::{Field, Visit};
use tracing::{Event, Level, Subscriber};
use tracing_subscriber::filter::{FilterExt, LevelFilter, dynamic_filter_fn};
use tracing_subscriber::fmt::format::Writer;
use tracing_subscriber::fmt::{FmtContext, FormatEvent, FormatFields, MakeWriter};
use tracing_subscriber::layer::SubscriberExt;
use tracing_subscriber::registry::LookupSpan;
use tracing_subscriber::util::SubscriberInitExt;
use tracing_subscriber::{EnvFilter, Layer};

/// Where progress bars are drawn, and where the log goes.
#[derive(Clone, Debug)]
pub struct Log {
    /// Progress bars; invisible off a terminal.
    pub bars: MultiProgress,
    held: Held,
    record: Record,
    /// Whether nothing but errors is told to the terminal.
    quiet: Arc<AtomicBool>,
}

/// What the terminal is to show later, while the dashboard has it.
type Held = Arc<Mutex<Option<Vec<u8>>>>;

/// How much is said where nothing else is asked for.
const USUAL: &str = "info,ureq=warn,rustls=warn";

/// Of a bar, per second. Each takes half a millisecond, and training is to lose far less than a hundredth to
/// them.
const REDRAWS: u8 = 8;

/// Keeps what is said until there is a file for it.
#[derive(Clone, Debug, Default)]
struct Record(Arc<Mutex<Sink>>);

#[derive(Debug)]
enum Sink {
    Memory(Vec<u8>),
    File(RecordFile),
}

/// Starts logging: to stderr at the level that `$RUST_LOG` asks for, to the record always at the usual one.
pub fn start() -> Log {
    let bars = MultiProgress::with_draw_target(ProgressDrawTarget::stderr_with_hz(REDRAWS));
    let quiet = Arc::new(AtomicBool::new(false));
    let log = Log { bars, held: Held::default(), record: Record::default(), quiet: quiet.clone() };
    let usual = || EnvFilter::new(USUAL);
    // What is asked for some modules changes nothing of the others.
    let asked = std::env::var(EnvFilter::DEFAULT_ENV).ok().filter(|text| !text.is_empty());
    let no_level = asked.as_deref().and_then(no_level).map(|word| escape::line(word).to_string());
    let (wanted, problem) = match asked.map(|asked| EnvFilter::try_new(format!("{USUAL},{asked}"))) {
        None => (usual(), None),
        Some(Ok(wanted)) => (wanted, None),
        Some(Err(error)) => (usual(), Some(error)),
    };
    let console = tracing_subscriber::fmt::layer()
        .with_ansi(std::io::stderr().is_terminal() && colours())
        .event_format(Line::Plain)
        // Where stderr is gone there is nobody to tell.
        .log_internal_errors(false)
        .with_writer(Console(log.bars.clone(), log.held.clone()))
        .with_filter(wanted.and(dynamic_filter_fn(move |event, _| {
            *event.level() == Level::ERROR || !quiet.load(Ordering::Relaxed)
        })));
    let record = tracing_subscriber::fmt::layer()
        .with_ansi(false)
        .event_format(Line::Dated)
        // There is nobody to tell; the next checkpoint fails, and says so.
        .log_internal_errors(false)
        .with_writer(log.record.clone())
        .with_filter(usual());
    tracing_subscriber::registry().with(console).with(record).init();
    if let Some(problem) = problem {
        tracing::warn!("RUST_LOG: {problem}; it is left out of account: error, warn, info or debug is meant");
    }
    if let Some(word) = no_level {
        tracing::warn!(
            "RUST_LOG: `{word}` is no level, and no module of birnn's: error, warn, info or debug is meant"
        );
    }
    log
}

/// A word of a filter that is neither a level nor a module: it would be taken for a module that says nothing.
fn no_level(filter: &str) -> Option<&str> {
    let mut words = filter.split(',').map(str::trim).filter(|word| !word.is_empty());
    let is_module = |word: &str| word.contains(['=', ':', '[']) || word.starts_with("birnn");
    words.find(|word| !is_module(word) && word.parse::<LevelFilter>().is_err())
}

/// Whether the user is for colours where there can be any.
pub fn colours() -> bool {
    std::env::var_os("NO_COLOR").is_none_or(|value| value.is_empty())
}

impl Log {
    /// From now on nothing but errors is told to the terminal: another process tells the rest.
    pub fn only_errors(&self) {
        self.quiet.store(true, Ordering::Relaxed);
    }

    /// From now on the terminal is another's: what is said to it is kept.
    pub fn hold(&self) {
        lock(&self.held).get_or_insert_default();
    }

    /// The last lines kept, at most `count`, without their colours.
    pub fn last_held(&self, count: usize) -> Vec<String> {
        let held = lock(&self.held);
        let text = String::from_utf8_lossy(held.as_deref().unwrap_or_default());
        let mut lines: Vec<String> = text.lines().rev().take(count).map(plain).collect();
        lines.reverse();
        lines
    }

    /// Says all that was kept, once `ready` has given the terminal back.
    pub fn release(&self, ready: impl FnOnce()) {
        let mut held = lock(&self.held);
        ready();
        if let Some(said) = held.take() {
            // As when it is said at once: there is nobody to tell where stderr is gone.
            let _ = std::io::stderr().write_all(&said);
        }
    }

    /// From now on everything goes to the end of `file` too, what was said so far first.
    pub fn continue_in(&self, file: RecordFile) -> Result<(), FileError> {
        let mut sink = lock(&self.record.0);
        if let Sink::Memory(said) = &*sink {
            file.append(said)?;
            *sink = Sink::File(file);
        }
        Ok(())
    }

    /// The file is complete: what is said from now on is for the next.
    pub fn detach(&self) {
        *lock(&self.record.0) = Sink::default();
    }
}

/// How a line begins.
enum Line {
    /// `warning: ` and `error: ` as compilers write them; everything else as it is.
    Plain,
    /// With the time and the level, for a file.
    Dated,
}

impl<S, N> FormatEvent<S, N> for Line
where
    S: Subscriber + for<'a> LookupSpan<'a>,
    N: for<'a> FormatFields<'a> + 'static,
{
    fn format_event(
        &self,
        _: &FmtContext<'_, S, N>,
        mut writer: Writer<'_>,
        event: &Event<'_>,
    ) -> fmt::Result {
        let level = *event.metadata().level();
        let (colour, word) = match level {
            Level::ERROR => ("\x1b[1;31m", "error: "),
            Level::WARN => ("\x1b[1;33m", "warning: "),
            Level::INFO => ("", ""),
            Level::DEBUG => ("\x1b[2m", "debug: "),
            Level::TRACE => ("\x1b[2m", "trace: "),
        };
        match self {
            Line::Dated => write!(writer, "{} {level:>5} ", clock::precisely())?,
            Line::Plain if writer.has_ansi_escapes() && !word.is_empty() => {
                write!(writer, "{colour}{word}\x1b[0m")?;
            }
            Line::Plain => write!(writer, "{word}")?,
        }
        Said::of(event).write(writer)
    }
}

/// What an event says: its message in one line, whatever names there are in it, and an excerpt in lines
/// below.
#[derive(Default)]
struct Said {
    message: String,
    excerpt: String,
}

impl Said {
    fn of(event: &Event<'_>) -> Said {
        let mut said = Said::default();
        event.record(&mut said);
        said
    }

    fn write(&self, mut writer: Writer<'_>) -> fmt::Result {
        writeln!(writer, "{}", escape::line(&self.message))?;
        self.excerpt.lines().try_for_each(|line| writeln!(writer, "{}", escape::lines(line)))
    }
}

impl Visit for Said {
    fn record_str(&mut self, field: &Field, value: &str) {
        match field.name() {
            "excerpt" => self.excerpt.push_str(value),
            _ => self.record_debug(field, &format_args!("{value}")),
        }
    }

    fn record_debug(&mut self, field: &Field, value: &dyn fmt::Debug) {
        // Writing into a string does not fail.
        let _ = match field.name() {
            "message" => write!(self.message, "{value:?}"),
            // Where in another's code it was said.
            name if name.starts_with("log.") => Ok(()),
            // Other people's.
            name => write!(self.message, " {name}={value:?}"),
        };
    }
}

/// stderr, with the progress bars out of the way, unless all is to be kept for later.
struct Console(MultiProgress, Held);

impl<'a> MakeWriter<'a> for Console {
    type Writer = &'a Console;

    fn make_writer(&'a self) -> &'a Console {
        self
    }
}

impl Write for &Console {
    fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
        match &mut *lock(&self.1) {
            Some(held) => held.write(bytes),
            None => self.0.suspend(|| std::io::stderr().write(bytes)),
        }
    }

    fn flush(&mut self) -> std::io::Result<()> {
        std::io::stderr().flush()
    }
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

/// A line without the colours that [`Line::Plain`] gives it.
fn plain(line: &str) -> String {
    let mut parts = line.split("\x1b[");
    let first = parts.next().unwrap_or_default().to_owned();
    first + &parts.filter_map(|part| Some(part.split_once('m')?.1)).collect::<String>()
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
        match &mut *lock(&self.0) {
            Sink::Memory(said) => said.write(bytes),
            Sink::File(file) => {
                file.append(bytes).map_err(std::io::Error::other)?;
                Ok(bytes.len())
            }
        }
    }

    fn flush(&mut self) -> std::io::Result<()> {
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::no_level;

    #[test]
    fn words_that_are_no_level_are_found() {
        for filter in
            ["", "warn", "OFF,", "birnn", "birnn_server=debug, info", "hyper::proto", "[span]=trace"]
        {
            assert_eq!(no_level(filter), None, "{filter}");
        }
        for (filter, word) in [("verbose", "verbose"), ("info,loud", "loud"), ("debug, hyper", "hyper")] {
            assert_eq!(no_level(filter), Some(word), "{filter}");
        }
    }
}
