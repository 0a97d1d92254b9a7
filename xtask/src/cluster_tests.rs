use super::*;

fn words(text: &str) -> Vec<OsString> {
    text.split_whitespace().map(OsString::from).collect()
}

fn plan(text: &str) -> Plan {
    parse(&words(text)).unwrap()
}

#[test]
fn what_is_asked_for_is_understood() {
    let plan = plan("3 --rate 1gbit -- train a.toml --set train.shards=4");
    let args = words("train a.toml --set train.shards=4");
    assert_eq!(plan, Plan { size: 3, rate: Some("1gbit".to_owned()), loopback: false, args });
    assert!(self::plan("2 --loopback -- train -- x").loopback);
}

#[test]
fn what_makes_no_sense_is_refused() {
    for (args, expected) in [
        ("3 train a.toml", "wants a `--`"),
        ("-- train", "wants a number"),
        ("2 --", "wants a number and what to do"),
        ("0 -- train", "`0`: 1 to 64"),
        ("65 -- train", "`65`: 1 to 64"),
        ("2 3 -- train", "`3`"),
        ("two -- train", "`two`"),
        ("2 --rate -- train", "--rate wants a number and kbit"),
        ("2 --rate 1 -- train", "--rate wants"),
        ("2 --rate -1gbit -- train", "--rate wants"),
        ("2 --rate 1gbit --loopback -- train", "which --loopback has not"),
    ] {
        let error = parse(&words(args)).unwrap_err().to_string();
        assert!(error.contains(expected), "{args}: {error}");
    }
}

#[test]
fn hosts_hang_on_one_switch() {
    let network = std::mem::ManuallyDrop::new(Network { prefix: "x-".to_owned(), size: 2 });
    let commands = network.commands(Some("1gbit"));
    assert_eq!(commands.len(), 3 + 2 * 8);
    assert_eq!(commands[0], "ip netns add x-sw");
    for wanted in [
        "ip link add port1 netns x-sw type veth peer name eth0 netns x-1",
        "ip -n x-1 addr add 10.77.0.2/24 dev eth0",
        "tc -n x-1 qdisc add dev eth0 root tbf rate 1gbit burst 128kb latency 100ms",
        "tc -n x-sw qdisc add dev port1 root tbf rate 1gbit burst 128kb latency 100ms",
    ] {
        assert!(commands.iter().any(|command| command == wanted), "{wanted}: {commands:#?}");
    }
    assert!(network.commands(None).iter().all(|command| !command.starts_with("tc")));
}

#[test]
fn the_worst_end_counts() {
    let code = |code: i32| ExitStatus::from_raw(code << 8);
    let signal = ExitStatus::from_raw;
    for (ended, expected) in [
        (&[code(0), code(0)][..], 0),
        (&[code(0), code(130), code(143)], 130),
        (&[code(130), code(1), code(2)], 1),
        (&[code(0), signal(9), code(1)], 137),
        (&[code(143), signal(2)], 130),
        (&[], 0),
    ] {
        assert_eq!(worst(ended.iter().copied()), expected, "{ended:?}");
    }
}

/// A program in the place of `birnn`, and what it left in a folder.
fn tried(flags: &str, script: &str, signals: &Signals) -> (u8, tempfile::TempDir) {
    let folder = tempfile::tempdir().unwrap();
    let mut plan = plan(&format!("{flags} -- -c"));
    plan.args.push(format!("cd {}; {script}", folder.path().display()).into());
    let code = run_all(&plan, &Command::new("sh"), None, signals).unwrap();
    (code, folder)
}

fn quiet() -> Signals {
    Signals { came: Arc::default(), last: Arc::default() }
}

#[test]
fn each_process_knows_which_it_is() {
    let script =
        "echo $WORLD_SIZE $LOCAL_RANK $LOCAL_WORLD_SIZE $MASTER_ADDR $OMP_NUM_THREADS > $RANK; exit $RANK";
    let (code, folder) = tried("3 --loopback", script, &quiet());
    assert_eq!(code, 1);
    for rank in 0..3 {
        let said = std::fs::read_to_string(folder.path().join(rank.to_string())).unwrap();
        assert_eq!(said, format!("3 {rank} 3 127.0.0.1 1\n"));
    }
}

/// A first signal is theirs to answer; a third ends who does not.
#[test]
fn signals_are_handed_on() {
    let signals = quiet();
    let (came, last) = (signals.came.clone(), signals.last.clone());
    // What is started in the background of a script ignores SIGINT, and no shell can trap what it ignores.
    last.store(SIGTERM as usize, Ordering::SeqCst);
    let (begin, end) = ("trap 'echo x >> stopped$RANK' TERM; echo > up$RANK", "while :; do sleep 0.05; done");
    let folder = tempfile::tempdir().unwrap();
    let mut plan = plan("2 --loopback -- -c");
    plan.args.push(format!("cd {}; {begin}; {end}", folder.path().display()).into());
    let there = |name: &str| (0..2).all(|rank| folder.path().join(format!("{name}{rank}")).exists());
    let wait = |name: &str| {
        let start = std::time::Instant::now();
        while !there(name) {
            assert!(start.elapsed() < Duration::from_secs(30), "no {name}");
            std::thread::sleep(GLANCE);
        }
    };
    std::thread::scope(|scope| {
        let code = scope.spawn(|| run_all(&plan, &Command::new("sh"), None, &signals).unwrap());
        wait("up");
        came.store(1, Ordering::SeqCst);
        wait("stopped");
        assert!(!code.is_finished());
        came.store(3, Ordering::SeqCst);
        assert_eq!(code.join().unwrap(), 137);
    });
}

/// Where network namespaces can be made: as root, and in few containers.
#[test]
fn hosts_reach_each_other_and_are_taken_down() {
    let machine = Machine::this();
    let namespaces = Command::new("unshare").args(["--net", "true"]).output();
    let can = namespaces.is_ok_and(|output| output.status.success());
    if may_make_hosts(&machine, true).is_err() || !can {
        println!("no network namespaces here");
        return;
    }
    let script =
        "hostname > $RANK; ip -br -4 addr show eth0 >> $RANK; echo $MASTER_ADDR $LOCAL_RANK >> $RANK";
    let (code, folder) = tried("2 --rate 100mbit", script, &quiet());
    assert_eq!(code, 0);
    let said = std::fs::read_to_string(folder.path().join("1")).unwrap();
    assert!(said.starts_with("host1\neth0") && said.contains("10.77.0.2/24"), "{said}");
    assert!(said.ends_with("10.77.0.1 0\n"), "{said}");
    let left = format!("{NAME}{}-", std::process::id());
    let names = std::fs::read_dir("/run/netns").unwrap().flatten();
    assert!(names.filter(|name| name.file_name().to_string_lossy().starts_with(&left)).count() == 0);
}
