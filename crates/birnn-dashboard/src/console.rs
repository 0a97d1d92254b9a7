//! The program's log, as far as what is shown on the same terminal must know of it.

use std::fmt::Debug;

use indicatif::MultiProgress;

/// Where the program logs to while a run trains. The dashboard takes the whole terminal, so that what is
/// logged meanwhile must wait.
pub trait Console: Debug + Send + Sync {
    /// The progress bars that log lines are printed above.
    fn bars(&self) -> MultiProgress;

    /// Whether the user allows colours.
    fn colours(&self) -> bool;

    /// From now on the terminal is the dashboard's: log lines are kept.
    fn hold(&self);

    /// The last log lines kept, at most `count`, the oldest first, without colours. They are drawn as they
    /// are, so that nothing in them may act on a terminal.
    fn last_held(&self, count: usize) -> Vec<String>;

    /// Calls `give_back`, which gives the terminal back, then prints all that was kept. No line may be
    /// printed between the two.
    fn release(&self, give_back: &mut dyn FnMut());
}
