//! Whatever happens to one of several processes, all end, say why, and leave a run that goes on.

use std::process::Command;
use std::sync::atomic::{AtomicUsize, Ordering};

use birnn_tests::{Sandbox, idx, wait_until};

use super::{
    Job, LONG, Rank, TIMEOUT, done, failed, port, sandbox, start, start_some, wait_for_step, with_sets,
};

/// What happens to a rank while a run goes on, or before; how each ends, and what is told.
#[track_caller]
fn faulty(happens: impl FnOnce(&Job), codes: &[i32], parts: &[&str]) {
    faulty_from(|_, _| {}, happens, codes, |ranks| failed(ranks, codes, parts));
}

/// As [`faulty`], with what `each` changes for a rank from the start.
#[track_caller]
fn faulty_from(
    each: impl FnMut(usize, &mut Command),
    happens: impl FnOnce(&Job),
    codes: &[i32],
    told: impl FnOnce(&[Rank]),
) {
    let sandbox = sandbox();
    let args = with_sets(&["train", "x.toml", "--run-dir", "run", "--timeout", TIMEOUT], LONG);
    let job = start_some(&sandbox, (codes.len(), codes.len()), &args, each);
    wait_for_step(&sandbox, "run", 20);
    happens(&job);
    told(&job.ended(&sandbox));
    goes_on(&sandbox);
}

/// Nothing is lost: what was checkpointed is there, and a run goes on from it.
#[track_caller]
fn goes_on(sandbox: &Sandbox) {
    let epochs = sandbox.text("run/metrics.jsonl").lines().filter(|line| line.contains("train_loss")).count();
    let until = format!("train.epochs={}", epochs + 1);
    let ended = sandbox.birnn(&["train", "--resume", "run", "--set", &until]).done();
    assert!(ended.stderr.contains("going on from run/checkpoints/"), "{}", ended.stderr);
}

#[test]
fn a_killed_rank_ends_all() {
    faulty(|job| job.signal(1, "KILL"), &[1, 137, 1], &["rank 1 on ", "is gone: it was killed"]);
}

#[test]
fn the_first_rank_killed_ends_all() {
    faulty(|job| job.signal(0, "KILL"), &[137, 1, 1], &["rank 0 on ", "is gone: it was killed"]);
}

/// Stops one for good, until all others have ended: a process that has is a zombie until it is waited for.
fn stall(job: &Job, stalled: usize) {
    job.signal(stalled, "STOP");
    let others = job.children.iter().enumerate().filter(|(rank, _)| *rank != stalled);
    for (_, (child, _)) in others {
        let state = || std::fs::read_to_string(format!("/proc/{}/stat", child.id())).unwrap_or_default();
        let ended = || cfg!(not(target_os = "linux")) || state().contains(") Z ");
        wait_until(ended, || "another waits for ever".to_owned());
    }
    job.signal(stalled, "KILL");
}

#[test]
fn a_rank_that_stalls_ends_all_others() {
    let parts = ["rank 1 on ", "does not answer: it stalls"];
    faulty(|job| stall(job, 1), &[1, 137, 1], &parts);
}

#[test]
fn the_first_rank_stalling_ends_all_others() {
    faulty(|job| stall(job, 0), &[137, 1, 1], &["rank 0 on ", "does not answer"]);
}

#[test]
fn a_rank_that_panics_ends_all() {
    let panics = |rank, command: &mut Command| {
        if rank == 0 {
            command.env("BIRNN_FAULT", "PANIC@600");
        }
    };
    let told = |ranks: &[Rank]| {
        failed(ranks, &[1; 3], &["a fault of birnn's"]);
        assert!(ranks[0].stderr.contains("please report it"), "{ranks:#?}");
        for rank in &ranks[1..] {
            assert!(rank.stderr.contains("error: rank 0 on "), "{ranks:#?}");
            assert!(rank.stderr.contains("it panicked"), "{ranks:#?}");
        }
    };
    faulty_from(panics, |_| {}, &[1; 3], told);
}

/// Two hosts and a cable between them: network namespaces, which are gone when this is dropped.
struct Cable {
    hosts: [String; 2],
}

impl Cable {
    /// Where they can be made: as root, under Linux. If not, says so.
    fn lay() -> Option<Cable> {
        match Cable::try_lay() {
            Ok(cable) => Some(cable),
            Err(why) => {
                birnn_tests::skipped(&format!("no network namespaces can be made here ({why})"));
                None
            }
        }
    }

    fn try_lay() -> Result<Cable, String> {
        static LAID: AtomicUsize = AtomicUsize::new(0);
        let (process, index) = (std::process::id(), LAID.fetch_add(1, Ordering::Relaxed));
        // So begins what `cargo xtask cluster` tidies away after processes that are gone.
        let name = |end| format!("birnn-{process}-e2e{index}-{end}");
        let cable = Cable { hosts: [name("a"), name("b")] };
        let [a, b] = &cable.hosts;
        ip(&format!("netns add {a}"))?;
        let done = |args: String| ip(&args).unwrap();
        done(format!("netns add {b}"));
        done(format!("link add eth0 netns {a} type veth peer name eth0 netns {b}"));
        for (host, address) in cable.hosts.iter().zip(ADDRESSES) {
            done(format!("-n {host} addr add {address}/24 dev eth0"));
            done(format!("-n {host} link set eth0 up"));
            done(format!("-n {host} link set lo up"));
        }
        Ok(cable)
    }

    fn cut(&self) {
        ip(&format!("-n {} link set eth0 down", self.hosts[1])).unwrap();
    }

    /// Has a command run on a host; only after this is it said where its input and output go.
    fn put(&self, host: usize, command: &mut Command) {
        let mut there = Command::new("ip");
        there.args(["netns", "exec", &self.hosts[host]]).arg(command.get_program()).args(command.get_args());
        there.current_dir(command.get_current_dir().unwrap());
        for (name, value) in command.get_envs() {
            match value {
                Some(value) => there.env(name, value),
                None => there.env_remove(name),
            };
        }
        there.env("MASTER_ADDR", ADDRESSES[0]);
        *command = there;
    }
}

impl Drop for Cable {
    fn drop(&mut self) {
        for host in &self.hosts {
            let _ = ip(&format!("netns del {host}"));
        }
    }
}

const ADDRESSES: [&str; 2] = ["10.78.0.1", "10.78.0.2"];

fn ip(args: &str) -> Result<(), String> {
    let output = Command::new("ip").args(args.split(' ')).output().map_err(|error| format!("ip: {error}"))?;
    match output.status.success() {
        true => Ok(()),
        false => Err(format!("ip {args}: {}", String::from_utf8_lossy(&output.stderr).trim())),
    }
}

#[test]
fn a_cut_link_ends_both_sides() {
    let Some(cable) = Cable::lay() else { return };
    let told = |ranks: &[Rank]| {
        failed(ranks, &[1; 2], &["does not answer", "the network to it is cut", "birnn train --resume run"]);
        for (rank, other) in [(0, 1), (1, 0)] {
            assert!(ranks[rank].stderr.contains(&format!("error: rank {other} on ")), "{ranks:#?}");
        }
    };
    faulty_from(|rank, command| cable.put(rank, command), |_| cable.cut(), &[1; 2], told);
}

#[test]
fn a_full_disk_of_the_first_rank_ends_all() {
    let sandbox = sandbox();
    let args = with_sets(&["train", "x.toml", "--run-dir", "run"], LONG);
    let job = start_some(&sandbox, (3, 3), &args, |_, command| {
        command.env("BIRNN_FAULT", "ENOSPC@150+");
    });
    let parts =
        ["rank 0 on ", "No space left on device", "once that is mended, go on: birnn train --resume run"];
    failed(&job.ended(&sandbox), &[1, 1, 1], &parts);
    goes_on(&sandbox);

    // At the very end, when the others have nothing more to exchange but that all is well.
    std::fs::remove_file(sandbox.path("run/model.ckpt")).unwrap();
    std::fs::create_dir_all(sandbox.path("run/model.ckpt/full")).unwrap();
    let epochs = sandbox.text("run/metrics.jsonl").lines().filter(|line| line.contains("train_loss")).count();
    let until = format!("train.epochs={}", epochs + 1);
    let job = start(&sandbox, 3, &["train", "--resume", "run", "--set", &until]);
    failed(&job.ended(&sandbox), &[1; 3], &["rank 0 on ", "model.ckpt", "birnn train --resume run"]);

    // Where there can be no run at all.
    sandbox.write("file", "");
    let job = start(&sandbox, 2, &["train", "x.toml", "--run-dir", "file/run"]);
    failed(&job.ended(&sandbox), &[2, 2], &["rank 0 on ", "file/run: file is no folder"]);
}

#[test]
fn a_rank_that_does_something_else_is_refused_by_name() {
    let sandbox = sandbox();
    let differs = |other: &[&str], codes: [i32; 3], parts: &[&str]| {
        let job = start_some(&sandbox, (3, 3), &["train", "x.toml", "--run-dir", "run"], |rank, command| {
            if rank == 2 {
                command.args(other);
            }
        });
        failed(&job.ended(&sandbox), &codes, parts);
        assert!(!sandbox.path("run").exists(), "a run was begun");
    };
    let parts = ["rank 2 on ", "rank 0 on ", "experiment.seed is 7 and 0"];
    differs(&["--set", "seed=7"], [2; 3], &parts);
    differs(&["--set", "data.limit=129"], [2; 3], &["rank 2 on ", "data.limit is 129 and 130"]);
    // Its file has another content, under whatever name.
    let pixels: Vec<u8> = (0..140 * 8 * 6).map(|index: u32| (index % 250) as u8).collect();
    sandbox.write("others", idx(&[140, 8, 6], &pixels));
    let parts = ["rank 2 on ", "rank 0 on ", "net.data.", "sha256 is "];
    differs(&["--set", "data.train_images=others"], [2; 3], &parts);
    // It fails by itself, before there is anything to compare.
    let parts = ["rank 2 on ", "train.epochs"];
    differs(&["--set", "train.epochs=0"], [2; 3], &parts);
    // More processes than parts.
    let job = start(&sandbox, 2, &["train", "x.toml", "--run-dir", "run", "--set", "train.shards=1"]);
    failed(&job.ended(&sandbox), &[2; 2], &["train.shards", "2 processes were started", "train.shards=2"]);
    assert!(!sandbox.path("run").exists());
}

/// What multiplies bf16 is asked below the highest precision alone: to one that has it and one that has not,
/// it is no difference before.
#[test]
fn instructions_that_are_not_used_part_no_ranks() {
    let sandbox = sandbox();
    let job = |run, precision| {
        let args = with_sets(&["train", "x.toml", "--run-dir", run], precision);
        let job = start_some(&sandbox, (2, 2), &args, |rank, command| {
            if rank == 1 {
                command.env("BIRNN_INSTRUCTIONS", "amx-twin");
            }
        });
        job.ended(&sandbox)
    };
    done(&job("run", &["train.precision=highest"]));
    let ranks = job("other", &["train.precision=medium"]);
    failed(&ranks, &[2; 2], &["rank 1 on ", "cpu.instructions is \"amx-twin\" and "]);
}

#[test]
fn a_rank_that_is_missing_is_told_of() {
    let sandbox = sandbox();
    let args = ["train", "x.toml", "--run-dir", "run", "--timeout", "2"];
    let job = start_some(&sandbox, (2, 3), &args, |_, _| {});
    let parts = ["rank 2 has not joined within 2 s: 2 of 3 processes are there", "--timeout"];
    failed(&job.ended(&sandbox), &[1, 1], &parts);
    // The first, who has the others meet.
    let mut job = start_some(&sandbox, (2, 2), &args, |_, _| {});
    job.children[0].0.kill().unwrap();
    failed(&job.ended(&sandbox), &[137, 1], &["rank 0", "MASTER_ADDR"]);
    assert!(!sandbox.path("run").exists());
}

#[test]
fn a_first_rank_that_is_not_where_the_others_look_for_it_is_told_of() {
    let Some(cable) = Cable::lay() else { return };
    let sandbox = sandbox();
    let args = ["train", "x.toml", "--run-dir", "run", "--timeout", "10"];
    let job = start_some(&sandbox, (1, 2), &args, |_, command| {
        cable.put(0, command);
        command.env("MASTER_ADDR", ADDRESSES[1]);
    });
    let parts = ["rank 0 does not reach itself at 10.78.0.2:", "set MASTER_ADDR to"];
    failed(&job.ended(&sandbox), &[1], &parts);
}

#[test]
fn an_interface_that_is_not_there_is_told_by_its_name() {
    let sandbox = sandbox();
    let job = start_some(&sandbox, (2, 2), &["train", "x.toml", "--run-dir", "run"], |_, command| {
        command.env("GLOO_SOCKET_IFNAME", "none0");
    });
    failed(&job.ended(&sandbox), &[2, 2], &["GLOO_SOCKET_IFNAME is `none0`", "correct or unset it"]);
    assert!(!sandbox.path("run").exists());
}

#[test]
fn another_training_on_the_same_port_is_refused_and_disturbs_nobody() {
    let port = port().to_string();
    let second = || {
        let sandbox = sandbox();
        let args = ["train", "x.toml", "--run-dir", "run", "--timeout", TIMEOUT];
        let job = start_some(&sandbox, (2, 2), &args, |_, command| {
            command.env("MASTER_PORT", &port);
        });
        let ranks = job.ended(&sandbox);
        failed(&ranks, &[1, 2], &["MASTER_PORT"]);
        assert!(ranks[0].stderr.contains(&format!("port {port} cannot be had")), "{ranks:#?}");
        assert!(ranks[1].stderr.contains("a rank 1 is there already, of another training"), "{ranks:#?}");
        assert!(!sandbox.path("run").exists());
    };
    let happens = |job: &Job| {
        second();
        job.signal(1, "KILL");
    };
    let same_port = |_, command: &mut Command| {
        command.env("MASTER_PORT", &port);
    };
    let killed = |ranks: &[Rank]| failed(ranks, &[1, 137], &["rank 1 on ", "is gone: it was killed"]);
    faulty_from(same_port, happens, &[1, 137], killed);
}

#[test]
fn processes_that_go_on_with_other_settings_are_refused() {
    let sandbox = sandbox();
    sandbox.birnn(&["train", "x.toml", "--run-dir", "run"]).done();
    let before = sandbox.text("run/config.toml");
    let job = start_some(&sandbox, (2, 2), &["train", "--resume", "run"], |rank, command| {
        command.args(["--set", if rank == 0 { "train.epochs=3" } else { "train.epochs=4" }]);
    });
    let parts =
        ["rank 1 on ", "`train --resume --set train.epochs=4`", "`train --resume --set train.epochs=3`"];
    failed(&job.ended(&sandbox), &[2, 2], &parts);
    assert_eq!(sandbox.text("run/config.toml"), before, "nothing was begun");
}
