//! What a training shows while it goes on, on a terminal and off it.

use std::fs::File;
use std::io::{Read, Write};
use std::process::{Child, Stdio};
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use birnn_tests::{PATIENCE, SMALL, Sandbox};
use rustix::fs::{Mode, OFlags};
use rustix::io::{FdFlags, fcntl_setfd};
use rustix::pty::{OpenptFlags, grantpt, openpt, ptsname, unlockpt};
use rustix::termios::{Winsize, tcgetattr, tcsetwinsize};

#[test]
fn off_a_terminal_there_are_lines_whatever_is_asked_for() {
    let sandbox = Sandbox::new();
    sandbox.write_experiment("small.toml", SMALL);
    for progress in ["auto", "plain", "dashboard"] {
        let ended = sandbox.birnn(&["train", "small.toml", "--progress", progress]).done();
        assert!(!ended.stderr.contains(['\x1b', '\r']), "{progress}: {:?}", ended.stderr);
        let epochs: Vec<&str> = ended.stderr.lines().filter(|line| line.starts_with("epoch ")).collect();
        assert_eq!(epochs.len(), 2, "{progress}: {}", ended.stderr);
        assert!(epochs[0].contains(", lr 3.00e-3, ") && epochs[0].ends_with(" images/s"), "{}", epochs[0]);
        let told = ended.stderr.lines().filter(|line| line.contains("dashboard")).count();
        assert_eq!(told, usize::from(progress == "dashboard"), "{}", ended.stderr);
    }
}

/// A terminal of which the test is the other end.
struct Pty {
    controller: File,
    terminal: File,
    shown: Arc<Mutex<Vec<u8>>>,
}

impl Pty {
    fn new() -> Pty {
        let controller = openpt(OpenptFlags::RDWR | OpenptFlags::NOCTTY).unwrap();
        // The child must not hold this end too, or it would never see it closed.
        fcntl_setfd(&controller, FdFlags::CLOEXEC).unwrap();
        grantpt(&controller).unwrap();
        unlockpt(&controller).unwrap();
        let name = ptsname(&controller, Vec::new()).unwrap();
        let terminal =
            rustix::fs::open(&name, OFlags::RDWR | OFlags::NOCTTY | OFlags::CLOEXEC, Mode::empty()).unwrap();
        tcsetwinsize(&terminal, Winsize { ws_row: 24, ws_col: 80, ws_xpixel: 0, ws_ypixel: 0 }).unwrap();
        let pty = Pty { controller: controller.into(), terminal: terminal.into(), shown: Arc::default() };
        let (mut controller, shown) = (pty.controller.try_clone().unwrap(), pty.shown.clone());
        std::thread::spawn(move || {
            let mut bytes = [0; 4096];
            while let Ok(count) = controller.read(&mut bytes) {
                shown.lock().unwrap().extend(&bytes[..count]);
            }
        });
        pty
    }

    fn end(&self) -> Stdio {
        self.terminal.try_clone().unwrap().into()
    }

    fn shown(&self) -> String {
        String::from_utf8_lossy(&self.shown.lock().unwrap()).into_owned()
    }

    /// What `child` shows must come to hold `part`.
    fn wait_for(&self, part: &str, child: &mut Child) {
        let start = Instant::now();
        while !self.shown().contains(part) {
            if start.elapsed() > PATIENCE {
                let _ = child.kill();
                panic!("no `{part}` in {:?}", self.shown().chars().take(3000).collect::<String>());
            }
            std::thread::sleep(Duration::from_millis(5));
        }
    }
}

const ENTER: &str = "\x1b[?1049h";
const LEAVE: &str = "\x1b[?1049l";

#[test]
fn a_dashboard_hears_keys_and_leaves_the_terminal_as_it_was() {
    let sandbox = Sandbox::new();
    sandbox.write_experiment("small.toml", SMALL);
    let mut pty = Pty::new();
    let before = format!("{:?}", tcgetattr(&pty.terminal).unwrap());
    let args = ["train", "small.toml", "--run-dir", "run", "--progress", "dashboard"];
    let mut child = sandbox
        .command(&args)
        .args(["--set", "train.epochs=9000"])
        .env("TERM", "xterm-256color")
        .env_remove("NO_COLOR")
        .stdin(pty.end())
        .stdout(Stdio::null())
        .stderr(pty.end())
        .spawn()
        .unwrap();
    pty.wait_for(ENTER, &mut child);
    // A misread image: a step was looked at.
    pty.wait_for("▀", &mut child);
    assert_ne!(format!("{:?}", tcgetattr(&pty.terminal).unwrap()), before);
    pty.controller.write_all(b"sq").unwrap();
    assert_eq!(child.wait().unwrap().code(), Some(130));
    pty.wait_for("to go on: birnn train --resume run", &mut child);

    assert_eq!(format!("{:?}", tcgetattr(&pty.terminal).unwrap()), before);
    let shown = pty.shown();
    let (dashboard, after) = shown.rsplit_once(LEAVE).unwrap();
    assert!(dashboard.contains("called") && dashboard.contains("images/s"), "{dashboard}");
    for part in ["epoch 1/9000: loss ", "checkpoint of step ", ", as asked for", "stopped at step "] {
        assert!(after.contains(part), "no `{part}` in {after}");
    }
    // The log has each line once, and nothing of the screen.
    let log = sandbox.text("run/train.log");
    assert!(!log.contains('\x1b') && log.matches("as asked for").count() == 1, "{log}");
}
