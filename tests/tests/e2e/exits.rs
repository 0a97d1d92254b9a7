//! Whatever is typed, and whatever is in the files: birnn ends with a code that its help names and says why
//! in one line; where the request was wrong, nothing is left behind. A panic would be 101, an abort a
//! signal.

use std::ffi::OsStr;
use std::os::unix::ffi::OsStrExt;

use birnn_tests::exits::{Case, Fixture, case};

const COUNTS: [&str; 13] = [
    "seed",
    "data.validation",
    "data.limit",
    "model.layers",
    "model.hidden",
    "train.epochs",
    "train.batch_size",
    "train.log_every",
    "train.checkpoint_every",
    "train.schedule.warmup_steps",
    "train.early_stop.patience",
    "sweep.seeds",
    "model.hidden={forward}",
];

const NUMBERS: [&str; 14] = [
    "model.dropout",
    "train.label_smoothing",
    "train.clip_norm",
    "train.ema_decay",
    "train.optimizer.lr",
    "train.optimizer.eps",
    "train.optimizer.weight_decay",
    "train.optimizer.momentum",
    "data.augment.shift",
    "data.augment.rotate",
    "data.augment.scale",
    "data.augment.shear",
    "data.augment.elastic",
    "train.optimizer.betas",
];

#[test]
fn every_setting_with_every_number() {
    let fixture = Fixture::new();
    let mut cases = Vec::new();
    let mut of = |sets: &str| {
        let sets: Vec<String> = sets.split(' ').map(|set| format!("--set {set}")).collect();
        let command =
            if sets[0].contains("sweep.") { "config check own.toml" } else { "train own.toml --run-dir OUT" };
        cases.push(case(&format!("{command} {}", sets.join(" "))));
    };
    for key in COUNTS {
        for value in ["0", "9223372036854775807", "-1"] {
            match key.strip_suffix("={forward}") {
                Some(key) => of(&format!("{key}={{forward={value},reverse=2}}")),
                None => of(&format!("{key}={value}")),
            }
        }
    }
    for key in NUMBERS {
        for value in ["0.99999999", "nan", "inf", "1e-46"] {
            match key {
                "train.optimizer.betas" => of(&format!("{key}=[{value},{value}]")),
                "train.optimizer.momentum" => of(&format!("train.optimizer.kind=sgd {key}={value}")),
                _ => of(&format!("{key}={value}")),
            }
        }
    }
    of("train.optimizer.lr=1e38 train.optimizer.kind=sgd");
    of("train.optimizer.eps=1e-45");
    of("train.epochs=9223372036854775807 train.schedule.kind=one-cycle");
    of("train.epochs=9223372036854775807 train.schedule.kind=linear train.batch_size=9223372036854775807");
    of("train.batch_size=9223372036854775807 data.augment.shift=1000 data.augment.elastic=1000");
    of("model.layers=100 model.hidden=65536");
    of("data.validation=11 train.early_stop.patience=9223372036854775807");
    of("train.device=cuda:18446744073709551615");
    of("train.device=cuda:99999999999999999999");
    fixture.try_all(&cases);
}

#[test]
fn every_command_with_every_kind_of_file() {
    let fixture = Fixture::new();
    let mut cases = Vec::new();
    let mut files: Vec<String> = std::fs::read_dir(fixture.sandbox.path(""))
        .unwrap()
        .map(|entry| entry.unwrap().file_name().into_string().unwrap())
        .filter(|name| !["run", "cache", "own.toml", "sweep.toml"].contains(&name.as_str()))
        .collect();
    files.sort();
    files.extend(
        ["/dev/null", "none", "/", ".", "..", "run/config.toml", "run/metrics.jsonl"].map(str::to_owned),
    );
    for file in &files {
        let mut of = |line: &str| cases.push(case(&line.replace("FILE", file)));
        let is = |extension: &str| file.ends_with(extension);
        let strange = ["images", "folder", "/dev/null", "none", "/"].contains(&file.as_str());
        if is(".toml") || strange {
            of("train FILE --run-dir OUT --offline");
            of("config show FILE");
        }
        if is(".safetensors") || is(".ckpt") || strange {
            of("eval FILE");
            of("import FILE --out OUT.safetensors");
        }
        if is(".png") || is(".jpg") || is(".pgm") || is(".bmp") || strange {
            of("predict run FILE");
        }
        if strange {
            of("train --resume FILE");
            of("sweep --resume FILE");
            of("report FILE --out OUT.html");
            of("compare run FILE");
            of("export FILE OUT.onnx");
            of("data verify FILE --offline");
            of("train own.toml --run-dir OUT --set data.train_images=FILE");
            of("train own.toml --run-dir OUT --set data.test_labels=FILE");
        }
    }
    fixture.try_all(&cases);
}

#[test]
fn every_flag_with_what_it_is_not_for() {
    let fixture = Fixture::new();
    let long = "n".repeat(256);
    let lines = [
        "",
        "--",
        "train",
        "train own.toml --run-dir",
        "train own.toml --run-dir own.toml",
        "train own.toml --run-dir /dev/null",
        "train own.toml --run-dir /dev/full/OUT",
        "train own.toml --run-dir run",
        "train own.toml --run-dir /proc/OUT",
        &format!("train own.toml --run-dir OUT{long}"),
        &format!("train own.toml --set name={long} --run-dir OUT"),
        "train own.toml --resume run",
        "train --resume run --set train.epochs=0",
        "train --resume run --set seed=5",
        "train --resume run/checkpoints",
        "train own.toml --progress dashboard --run-dir OUT",
        "train own.toml --progress loud --run-dir OUT",
        "train own.toml --data-dir /dev/null --run-dir OUT",
        "train own.toml --set = --run-dir OUT",
        "train own.toml --set a.b.c.d.e=1 --run-dir OUT",
        "train own.toml --set data=1 --run-dir OUT",
        "train own.toml --set model=[] --run-dir OUT",
        "train own.toml --set data.classes=[] --run-dir OUT",
        "train own.toml --set data.classes=[\"a\",\"b\"] --run-dir OUT",
        "train own.toml --set name=.. --run-dir OUT",
        "sweep own.toml --run-dir OUT",
        "sweep sweep.toml --run-dir run",
        "sweep sweep.toml --set sweep.grid.model.hidden=[0,1] --run-dir OUT",
        "sweep sweep.toml --set sweep.grid.nothing=[0,1] --run-dir OUT",
        "sweep sweep.toml --set sweep.grid.model.hidden=[] --run-dir OUT",
        "eval run --split validation",
        "eval run --split all",
        "eval run --dataset cifar",
        "eval run --device cuda:9",
        "eval run --data-dir none --dataset mnist --offline",
        "predict run",
        "predict run *.none",
        "predict run [",
        "predict run good.pgm good.pgm none.png dangling.png",
        "predict none good.pgm",
        "report run --out own.toml",
        "report run --out none/OUT",
        "report run --out /dev/null --force",
        "report run --out folder --force",
        "report run/model.safetensors",
        "report run --device cuda",
        "compare run",
        "compare run run --device cuda:0",
        "compare run run/model.safetensors none",
        "export run OUT",
        "export run OUT.tar",
        "export run none/OUT.onnx",
        "export run OUT.onnx/",
        &format!("export run OUT{long}.onnx"),
        "import run/model.ckpt --out OUT.safetensors --classes a",
        "import run/model.ckpt --out OUT.safetensors --config own.toml",
        "import run/model.ckpt --out OUT.safetensors --set model.layers=9",
        "import run/model.safetensors --out OUT.safetensors",
        "data",
        "data fetch own.toml --data-dir /dev/null",
        "data verify --offline --data-dir none",
        "config check",
        "config check none own.toml",
        "config show own.toml --set train.optimizer.lr=nan",
        "completions csh",
        "doctor --data-dir none",
        "help me",
    ];
    let mut cases: Vec<Case> = lines.into_iter().map(case).collect();
    for name in
        [&b"caf\xe9"[..], b"a\nb", b"\x1b[2J\x07", "\u{202e}gnp".as_bytes(), b"", b"-", b"--", &[b'n'; 5000]]
    {
        let name = OsStr::from_bytes(name);
        let args: [&[&OsStr]; 7] = [
            &["train".as_ref(), name],
            &[
                "train".as_ref(),
                "own.toml".as_ref(),
                "--run-dir".as_ref(),
                "own.toml".as_ref(),
                "--set".as_ref(),
                name,
            ],
            &["train".as_ref(), "--resume".as_ref(), name],
            &["eval".as_ref(), name, "--json".as_ref()],
            &["predict".as_ref(), "run".as_ref(), name],
            &["compare".as_ref(), "run".as_ref(), name],
            &[name],
        ];
        let case = |args: &[&OsStr]| Case {
            args: args.iter().map(|&arg| arg.to_owned()).collect(),
            variables: Vec::new(),
        };
        cases.extend(args.map(case));
    }
    for variable in [
        ("OMP_NUM_THREADS", "0"),
        ("OMP_NUM_THREADS", "-3"),
        ("OMP_NUM_THREADS", "many"),
        ("OMP_NUM_THREADS", "300"),
        ("BIRNN_INSTRUCTIONS", "sse9"),
        ("BIRNN_FAULT", "EIO"),
        ("BIRNN_DATA_DIR", "/dev/null"),
        ("RUST_LOG", "((("),
        ("COLUMNS", "0"),
        ("TERM", ""),
        ("XDG_CACHE_HOME", "relative"),
        ("HOME", ""),
        ("CUDA_VISIBLE_DEVICES", "x"),
    ] {
        let train = case("train own.toml --run-dir OUT");
        cases.push(Case { variables: vec![variable], ..train });
    }
    fixture.try_all(&cases);
}
