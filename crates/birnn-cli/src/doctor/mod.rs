//! `birnn doctor`: what this machine offers, what is wrong with it, and what to do.

mod compute;
mod data;
mod room;
mod step;

use birnn_data::escape;
use serde::Serialize;

use crate::args::DoctorArgs;
use crate::failure::{Failure, Outcome};
use crate::{print, print_json};

/// Something looked at.
#[derive(Debug, PartialEq, Eq, Serialize)]
struct Item {
    name: &'static str,
    state: State,
    /// What was found.
    text: String,
    /// What to do about it.
    remedy: Option<String>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
enum State {
    /// As it should be.
    Ok,
    /// Training works, and something could be better.
    Note,
    /// Something will not work.
    Problem,
}

impl Item {
    fn ok(name: &'static str, text: impl Into<String>) -> Item {
        Item { name, state: State::Ok, text: text.into(), remedy: None }
    }

    fn note(name: &'static str, text: impl Into<String>, remedy: impl Into<String>) -> Item {
        Item { name, state: State::Note, text: text.into(), remedy: Some(remedy.into()) }
    }

    fn problem(name: &'static str, text: impl Into<String>, remedy: impl Into<String>) -> Item {
        Item { state: State::Problem, ..Item::note(name, text, remedy) }
    }
}

/// What `--json` prints.
#[derive(Serialize)]
struct Report<'a> {
    birnn: &'a str,
    revision: Option<&'a str>,
    can_train: bool,
    items: &'a [Item],
}

/// Says item by item what works here; fails only where nothing can be trained.
pub fn run(args: &DoctorArgs) -> Outcome {
    let mut items = compute::items();
    let untrainable = step::training(&mut items).err();
    items.extend(data::items(args.data_dir.clone()));
    items.extend(room::items(args.data_dir.clone()));
    let (birnn, revision) = (env!("CARGO_PKG_VERSION"), option_env!("BIRNN_REVISION"));
    if args.json {
        print_json(&Report { birnn, revision, can_train: untrainable.is_none(), items: &items })?;
    } else {
        print(&format!("birnn {birnn} ({})\n{}", revision.unwrap_or("unknown revision"), text(&items)))?;
    }
    match untrainable {
        None => Ok(()),
        Some(error) => Err(Failure::run(format!("nothing can be trained here: {}", error.message))),
    }
}

fn text(items: &[Item]) -> String {
    let width = items.iter().map(|item| item.name.len()).max().unwrap_or(0);
    let mut text = String::new();
    for Item { name, state, text: found, remedy } in items {
        let state = match state {
            State::Ok => "ok",
            State::Note => "note",
            State::Problem => "problem",
        };
        text += &format!("{state:7}  {name:width$}  {}\n", escape::line(found));
        if let Some(remedy) = remedy {
            text += &format!("{:7}  {:width$}  -> {}\n", "", "", escape::line(remedy));
        }
    }
    let count = |state| items.iter().filter(|item| item.state == state).count();
    text + &match (count(State::Problem), count(State::Note)) {
        (0, 0) => "Everything is in order.\n".to_owned(),
        (problems, notes) => format!("Problems: {problems}, notes: {notes}.\n"),
    }
}

/// Such as `1.5 GiB`.
fn bytes(count: u64) -> String {
    const UNITS: [&str; 5] = ["B", "KiB", "MiB", "GiB", "TiB"];
    let (mut size, mut unit) = (count as f64, 0);
    while size >= 1024.0 && unit + 1 < UNITS.len() {
        (size, unit) = (size / 1024.0, unit + 1);
    }
    let digits = if size < 10.0 && unit > 0 { 1 } else { 0 };
    format!("{size:.digits$} {}", UNITS[unit])
}

const MIB: u64 = 1 << 20;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_item_is_a_line_and_its_remedy_another() {
        let items = [
            Item::ok("cpu", "two"),
            Item::note("mnist", "absent", "fetch it"),
            Item::problem("runs", "full", "x"),
        ];
        assert_eq!(
            text(&items),
            "ok       cpu    two\nnote     mnist  absent\n                -> fetch it\nproblem  runs   full\n                \
             -> x\nProblems: 1, notes: 1.\n"
        );
        assert!(text(&items[..1]).ends_with("Everything is in order.\n"));
    }

    #[test]
    fn sizes_are_short() {
        let shown = [0, 1023, 1024, 10 * 1024, 1536 * MIB, u64::MAX].map(bytes);
        assert_eq!(shown, ["0 B", "1023 B", "1.0 KiB", "10 KiB", "1.5 GiB", "16777216 TiB"]);
    }
}
