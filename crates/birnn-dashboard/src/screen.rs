//! stderr's other screen, while the dashboard has it, and the way back to the usual one.
//!
//! Ctrl-C is still a signal here. In raw mode it would be a key, and nobody reads keys during a step or an
//! evaluation. So only line editing and echo are off, and a thread that waits for a second signal gives the
//! terminal back before the process ends.
//!
//! What is logged meanwhile is kept, and printed once the terminal is given back; `train.log` has it at once.

use std::io::{self, BufWriter, Stderr, stderr};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use ratatui::backend::CrosstermBackend;
use ratatui::crossterm::cursor::Show;
use ratatui::crossterm::execute;
use ratatui::crossterm::terminal::{Clear, ClearType, EnterAlternateScreen, LeaveAlternateScreen};
use ratatui::layout::Rect;
use ratatui::{Frame, Terminal, TerminalOptions, Viewport};
use rustix::termios::{
    InputModes, LocalModes, OptionalActions, SpecialCodeIndex, Termios, tcgetattr, tcgetwinsize, tcsetattr,
};

use crate::console::Console;

/// Closes what [`Screen::open`] opens, from wherever it must be: the loop, a panic, a signal.
#[derive(Clone, Debug)]
pub struct Screen {
    console: Arc<dyn Console>,
    /// How the terminal was set before; there is something to close only where it is known.
    before: Arc<Mutex<Option<Termios>>>,
}

/// A frame goes out in one piece.
type Whole = Terminal<CrosstermBackend<BufWriter<Stderr>>>;

/// What is drawn on.
#[derive(Debug)]
pub struct Canvas {
    screen: Screen,
    terminal: Whole,
}

impl Screen {
    /// Not yet open.
    pub fn new(console: Arc<dyn Console>) -> Screen {
        Screen { console, before: Arc::default() }
    }

    /// Takes the terminal; what is logged from now on waits until it is given back.
    pub fn open(&self) -> io::Result<Canvas> {
        let before = tcgetattr(stderr())?;
        let mut modes = before.clone();
        // Keys come at once and unseen. Ctrl-C stays a signal, so that it is heard while nobody asks for
        // keys; what would leave this screen standing (Ctrl-Z, Ctrl-\) does not.
        modes.local_modes.remove(LocalModes::ICANON | LocalModes::ECHO);
        // Ctrl-S would stop the training with the screen.
        modes.input_modes.remove(InputModes::IXON);
        for index in [SpecialCodeIndex::VSUSP, SpecialCodeIndex::VQUIT] {
            modes.special_codes[index] = 0;
        }
        let previous = std::panic::take_hook();
        let screen = self.clone();
        std::panic::set_hook(Box::new(move |panic| {
            screen.close();
            previous(panic);
        }));
        self.console.hold();
        *self.lock() = Some(before);
        let canvas = || {
            tcsetattr(stderr(), OptionalActions::Now, &modes)?;
            execute!(stderr(), EnterAlternateScreen)?;
            Ok(Canvas { screen: self.clone(), terminal: empty(size()?)? })
        };
        canvas().inspect_err(|_| self.close())
    }

    /// Gives the terminal back as it was, and shows what was logged meanwhile. Once is enough.
    pub fn close(&self) {
        if let Some(before) = self.lock().take() {
            self.console.release(&mut || {
                // Where this fails there is nobody left to see it.
                let _ = execute!(stderr(), Show, LeaveAlternateScreen);
                let _ = tcsetattr(stderr(), OptionalActions::Flush, &before);
            });
        }
    }

    fn lock(&self) -> MutexGuard<'_, Option<Termios>> {
        self.before.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Canvas {
    /// Draws, in the size that the terminal has now, unless it was given back.
    pub fn draw(&mut self, draw: impl FnOnce(&mut Frame)) -> io::Result<()> {
        if self.screen.lock().is_none() {
            return Ok(());
        }
        let size = size()?;
        if size != self.terminal.get_frame().area() {
            self.terminal = empty(size)?;
        }
        self.terminal.draw(draw)?;
        Ok(())
    }
}

impl Drop for Canvas {
    fn drop(&mut self) {
        self.screen.close();
    }
}

/// The terminal, emptied. [`Terminal::clear`] and [`Terminal::resize`] would ask it where the cursor is or
/// how large it is, by way of stdin and stdout, which may be anything.
fn empty(size: Rect) -> io::Result<Whole> {
    execute!(stderr(), Clear(ClearType::All))?;
    let backend = CrosstermBackend::new(BufWriter::with_capacity(1 << 16, stderr()));
    Terminal::with_options(backend, TerminalOptions { viewport: Viewport::Fixed(size) })
}

/// The size of stderr's terminal.
fn size() -> io::Result<Rect> {
    let size = tcgetwinsize(stderr())?;
    Ok(Rect::new(0, 0, size.ws_col, size.ws_row))
}
