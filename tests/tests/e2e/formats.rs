//! Weights that come from elsewhere, and go there.

use std::path::PathBuf;

use birnn_tests::{SMALL, SYNTHETIC, Sandbox, workspace};
use serde_json::Value;

/// A file that PyTorch wrote, for the tests of birnn-formats.
fn fixture(name: &str) -> String {
    let path: PathBuf = workspace().join("crates/birnn-formats/tests/fixtures").join(name);
    path.to_str().unwrap().to_owned()
}

/// What eval says of a file, its name left out.
fn evaluation(sandbox: &Sandbox, weights: &str) -> Value {
    let mut found: Value =
        serde_json::from_str(&sandbox.birnn(&["eval", weights, "--json"]).done().stdout).unwrap();
    found.as_object_mut().unwrap().remove("weights");
    found
}

#[test]
fn a_state_dict_goes_out_and_comes_back_the_same() {
    let sandbox = Sandbox::new();
    sandbox.train_small("run");
    let expected = evaluation(&sandbox, "run");
    for file in ["out.ckpt", "other.pt", "third.PTH"] {
        let ended = sandbox.birnn(&["export", "run", file]).done();
        assert!(
            ended.stderr.contains(&format!("saved {file}")) && ended.stdout.is_empty(),
            "{}",
            ended.stderr
        );
        let back = format!("{file}.safetensors");
        sandbox.birnn(&["import", file, "--config", "small.toml", "--out", &back]).done();
        assert_eq!(evaluation(&sandbox, &back), expected);
    }
    assert_eq!(sandbox.read("other.pt"), sandbox.read("run/model.ckpt"));
    let ended = sandbox.birnn(&["export", "run", "out.safetensors"]).done();
    assert!(!ended.stderr.contains("in Python it is of"));
    sandbox
        .birnn(&["import", "out.safetensors", "--out", "x.ckpt"])
        .failed(2, &["is a weights file of birnn's"]);
    assert_eq!(sandbox.read("out.safetensors"), sandbox.read("run/model.safetensors"));

    // Where its data is missing, it is not judged by other data.
    sandbox.write("mnist.toml", SYNTHETIC.replace("\"synthetic\"", "\"mnist\"\nfallback = \"synthetic\""));
    sandbox.birnn(&["import", "out.ckpt", "--config", "mnist.toml", "--out", "mnist.safetensors"]).done();
    sandbox.birnn(&["eval", "mnist.safetensors", "--offline"]).failed(1, &["mnist can be neither found"]);

    // A checkpoint has more in it than weights.
    sandbox.birnn(&["export", "run/checkpoints/last.safetensors", "last.safetensors"]).done();
    assert_eq!(evaluation(&sandbox, "last.safetensors"), expected);
    // From elsewhere straight to elsewhere.
    sandbox.birnn(&["export", "run", "a.onnx"]).done();
    sandbox.birnn(&["import", "out.ckpt", "--config", "small.toml", "--out", "b.onnx"]).done();
    // The same but for what they say of themselves, which is in one place.
    let (a, b) = (sandbox.read("a.onnx"), sandbox.read("b.onnx"));
    let same = |pairs: &mut dyn Iterator<Item = (&u8, &u8)>| pairs.take_while(|(a, b)| a == b).count();
    let common = same(&mut a.iter().zip(&b)) + same(&mut a.iter().rev().zip(b.iter().rev()));
    assert!(common + 1000 > a.len().max(b.len()), "{common} of {} and {} bytes", a.len(), b.len());
}

/// Trained, exported, told from its weights alone, brought back, judged and shown.
#[test]
fn a_net_that_reads_in_reverse_alone_goes_out_and_comes_back_the_same() {
    let sandbox = Sandbox::new();
    let model = "bidirectional = false\nreadout = \"final\"\nhidden = { reverse = 8 }";
    sandbox.write_experiment("reverse.toml", SMALL.replace("hidden = 8", model));
    let trained = sandbox.birnn(&["train", "reverse.toml", "--run-dir", "run"]).done();
    assert!(trained.stderr.contains("8 in reverse, readout final"), "{}", trained.stderr);
    let exported = sandbox.birnn(&["export", "run", "out.pt"]).done();
    assert!(exported.stderr.contains("from the end to the beginning alone"), "{}", exported.stderr);
    sandbox.birnn(&["import", "out.pt", "--config", "reverse.toml", "--out", "back.safetensors"]).done();
    assert_eq!(evaluation(&sandbox, "back.safetensors"), evaluation(&sandbox, "run"));
    std::fs::remove_file(sandbox.path("out.pt.json")).unwrap();
    let alone = ["import", "out.pt", "--out", "alone.safetensors"];
    sandbox.birnn(&alone).failed(2, &["model.readout: `last`", "`final` reads it"]);
    let told = sandbox.birnn(&[&alone[..], &["--set", "model.readout=final"]].concat()).done();
    let expected = "bidirectional = false\nlayers = 2\ndropout = 0.0\nreadout = \"final\"\n\n[model.hidden]\nreverse = 8\n";
    assert!(
        told.stdout.contains(expected) && !told.stderr.contains("readout last"),
        "{} {}",
        told.stdout,
        told.stderr
    );
    let report = sandbox.birnn(&["report", "run"]).done();
    assert!(report.stderr.contains("saved"), "{}", report.stderr);
    let page = String::from_utf8(sandbox.read("run/report.html")).unwrap();
    assert!(page.contains("8 units, reverse only"));
}

#[test]
fn what_net_it_is_is_told_from_the_weights_alone() {
    let sandbox = Sandbox::new();
    let ended = sandbox.birnn(&["import", &fixture("renamed.ckpt"), "--out", "net.safetensors"]).done();
    assert_eq!(
        ended.stdout,
        "[model]\ncell = \"lstm\"\nbidirectional = true\nlayers = 1\nhidden = 3\ndropout = 0.0\n\
         readout = \"last\"\n"
    );
    for part in
        ["its `encoder` is birnn's `lstm`", "its `out` is birnn's `fc`", "weights do not tell how", "4 x 4"]
    {
        assert!(ended.stderr.contains(part), "no `{part}` in: {}", ended.stderr);
    }
    let sets = ["--set", "model.readout=mean", "--force", "--classes", "left,right"];
    let ended = sandbox
        .birnn(&[&["import", &fixture("half.ckpt"), "--out", "net.safetensors"], sets.as_slice()].concat())
        .done();
    assert!(
        ended.stdout.contains("readout = \"mean\"") && !ended.stderr.contains("readout last"),
        "{}",
        ended.stderr
    );
    sandbox.write("x.pgm", [b"P5 4 4 255\n".as_slice(), &[0, 0, 255, 0].repeat(4)].concat());
    let ended = sandbox.birnn(&["predict", "net.safetensors", "x.pgm"]).done();
    assert!(
        ["x.pgm: left (", "x.pgm: right ("].iter().any(|start| ended.stdout.starts_with(start)),
        "{}",
        ended.stdout
    );
    let half = fixture("half.ckpt");
    sandbox
        .birnn(&["import", &half, "--out", "y.onnx", "--classes", "a,b,c"])
        .failed(2, &["--classes: 3 names for a net of 2 classes"]);
}

#[test]
fn names_of_any_length_are_told_in_a_few_words() {
    let sandbox = Sandbox::new();
    let long = "a".repeat(200_000);
    let shapes = [
        ("lstm.weight_ih_l0", [4, 4]),
        ("lstm.weight_hh_l0", [4, 1]),
        ("fc.weight_orig", [2, 1]),
        ("fc.weight_mask", [2, 1]),
    ];
    let (mut tensors, mut end) = (serde_json::Map::new(), 0);
    for (name, shape) in shapes {
        let start = end;
        end += 4 * shape[0] * shape[1];
        let tensor = serde_json::json!({ "dtype": "F32", "shape": shape, "data_offsets": [start, end] });
        tensors.insert(format!("{long}.{name}"), tensor);
    }
    let header = serde_json::to_vec(&tensors).unwrap();
    let file = [&(header.len() as u64).to_le_bytes(), header.as_slice(), &vec![0; end]].concat();
    sandbox.write("long.safetensors", file);
    let said = sandbox.birnn(&["import", "long.safetensors", "--out", "net.safetensors"]).done().stderr;
    for part in
        ["aaa...` is birnn's `lstm`", "aaa...` is birnn's `fc`", "aaa...`: pruned, folded into the weight"]
    {
        assert!(said.contains(part), "no `{part}` in {} bytes", said.len());
    }
    assert!(said.len() < 3000, "{} bytes", said.len());
}

/// The warning of `import` about what weights do not tell; "" where there is none.
fn doubts(sandbox: &Sandbox, args: &[&str]) -> String {
    let import = ["import", &fixture("ordered.ckpt"), "--out", "doubts.safetensors", "--force"];
    let ended = sandbox.birnn(&[&import, args].concat()).done();
    let lines: Vec<_> = ended.stderr.lines().filter(|line| line.starts_with("warning: ")).collect();
    assert!(lines.len() <= 1, "{lines:?}");
    lines.concat()
}

#[test]
fn what_weights_do_not_tell_is_said_once_with_what_says_it() {
    let sandbox = Sandbox::new();
    let flags = [
        ("--mean M --std S", &["--mean", "0.5", "--std", "0.25"][..]),
        ("--rows N", &["--rows", "7"]),
        ("--set data.invert=true", &["--set", "data.invert=true"]),
        ("--set data.transpose=true", &["--set", "data.transpose=false"]),
        ("--set data.framing=emnist or resize", &["--set", "data.framing=\"resize\""]),
        ("--set model.readout=final, mean or max", &["--set", "model.readout=\"last\""]),
    ];
    let all = doubts(&sandbox, &[]);
    for (flag, said) in flags {
        assert!(all.contains(flag), "no `{flag}` in: {all}");
        let rest = doubts(&sandbox, said);
        assert!(!rest.contains(flag) && rest.starts_with("warning: "), "`{flag}` in: {rest}");
    }
    let said: Vec<&str> = flags.iter().flat_map(|(_, said)| said.iter().copied()).collect();
    assert_eq!(doubts(&sandbox, &said), "");
    // Of pixels from 0 to 255, as they are not meant.
    assert!(
        doubts(&sandbox, &[&said[2..], &["--mean", "33.3"]].concat()).contains("divide it and --std by 255")
    );
}

#[test]
fn a_normalisation_becomes_part_of_the_net_and_is_recorded() {
    let sandbox = Sandbox::new();
    let file = fixture("ordered.ckpt");
    let import = |out: &str, args: &[&str]| {
        sandbox.birnn(&[&["import", &file, "--out", out, "--rows", "3"], args].concat()).done();
        sandbox.read(out)
    };
    let plain = import("plain.safetensors", &[]);
    let same = import("same.safetensors", &["--mean", "0", "--std", "1"]);
    let one = import("one.safetensors", &["--mean", "0.5", "--std", "0.25"]);
    let each = import("each.safetensors", &["--mean=0.5,0.5,0.5,0.5", "--std", "0.25,0.25,0.25,0.25"]);
    let negative = import("negative.safetensors", &["--mean", "-0.5,0,0,0", "--key", "."]);
    let holds = |bytes: &[u8], part: &str| String::from_utf8_lossy(bytes).contains(part);
    assert!(!holds(&plain, "mean") && holds(&plain, r#"\"shape\":[3,4]"#));
    assert!(holds(&same, r#"\"mean\":0.0,\"std\":1.0"#), "{}", String::from_utf8_lossy(&same));
    assert!(holds(&one, r#"\"mean\":0.5,\"std\":0.25"#));
    assert!(holds(&each, r#"\"mean\":[0.5,0.5,0.5,0.5],\"std\":[0.25,0.25,0.25,0.25]"#));
    assert!(holds(&negative, r#"\"key\":\".\",\"mean\":[-0.5,0.0,0.0,0.0]"#));
    // The weights are at the end.
    let numbers = |bytes: &[u8]| bytes[bytes.len() - 4 * 200..].to_vec();
    assert_eq!(numbers(&plain), numbers(&same));
    assert_eq!(numbers(&one), numbers(&each));
    assert_ne!(numbers(&one), numbers(&plain));

    let refused = |args: &[&str], part: &str| {
        sandbox.birnn(&[&["import", &file, "--out", "x.onnx"], args].concat()).failed(2, &[part]);
    };
    refused(&["--mean", "1,2"], "--mean and --std: mean: 2 numbers for a net of 4 features");
    refused(&["--std", "0"], "--mean and --std: std: must be above 0");
    refused(&["--std", "-1"], "std: must be above 0, is -1");
    refused(&["--mean", "nan"], "mean: NaN is no number");
    refused(&["--rows", "1"], "`last` tells time steps apart");
    refused(&["--config", "small.toml", "--rows", "5"], "small.toml");
    sandbox.train_small("run");
    sandbox
        .birnn(&["import", "run/model.ckpt", "--config", "small.toml", "--rows", "5", "--out", "x.onnx"])
        .failed(2, &["--rows 5: the images of small.toml have 28 rows"]);
}

#[test]
fn which_of_several_state_dicts_is_asked() {
    let sandbox = Sandbox::new();
    let import = |file: &str, args: &[&str]| {
        sandbox.birnn(&[&["import", &fixture(file), "--force", "--out", "x.safetensors"], args].concat())
    };
    import("ema.ckpt", &[])
        .failed(2, &["ema.ckpt: several state dicts", "--key state_dict or --key state_dict_ema"]);
    import("ema.ckpt", &["--key", "none"])
        .failed(2, &["--key none: there are no weights under it", "`state_dict`"]);
    import("prefixed.ckpt", &[]).failed(2, &["--key . or --key ema.module"]);
    import("prefixed.ckpt", &["--key", "ema.module"]).done();
    import("under_model_ema.ckpt", &[]).failed(2, &["--key model or --key model.ema"]);
    import("under_model_ema.ckpt", &["--key", "model"]).done();
    import("counted_ema.ckpt", &["--key", "."]).done();
    let of = |key| {
        import("ema.ckpt", &["--key", key]).done();
        sandbox.read("x.safetensors")
    };
    assert_ne!(of("state_dict"), of("state_dict_ema"));
    let wrapped = import("wrapped.ckpt", &[]).done().stderr;
    for part in ["`module.fc.weight`: weight norm, folded", "`n_averaged` is the counter"] {
        assert!(wrapped.contains(part), "no `{part}` in: {wrapped}");
    }
    import("orthogonal.ckpt", &[]).failed(2, &["remove_parametrizations(module, name)"]);
    let without = import("without_head_bias.ckpt", &[]).done().stderr;
    assert!(without.contains("its head has no bias"), "{without}");
}

#[test]
fn what_does_not_fit_is_named_and_nothing_is_written() {
    let sandbox = Sandbox::new();
    sandbox.train_small("run");
    sandbox.write_experiment(
        "gru.toml",
        format!("{SMALL}\n[train.optimizer]\nlr = 0.1\n").replace("hidden = 8", "cell = \"gru\""),
    );
    sandbox.write("net.ckpt", "");
    sandbox.write("word.ckpt", b"PK\x03\x04");
    let before = sandbox.listing();
    let refused = |args: &[&str], parts: &[&str]| sandbox.birnn(args).failed(2, parts);
    refused(
        &["import", "run/model.ckpt", "--config", "gru.toml", "--out", "x.safetensors"],
        &[
            "run/model.ckpt: these look like 2 x LSTM 8+8",
            "gru.toml is 2 x GRU 128+128",
            "missing: `gru.bias_hh_l0`",
        ],
    );
    for (set, part) in [
        ("model.layers=1", "unexpected: `lstm.bias_hh_l1`"),
        ("model.bidirectional=false", "`fc.weight` is [10, 16] and should be [10, 8]"),
        ("model.hidden=9", "misshapen: `fc.weight`"),
        ("model.readout=attention", "missing: `attention.bias`"),
        ("data.dataset=mnist", "data.train_images"),
    ] {
        let config = ["--config", "small.toml", "--set", set, "--out", "x.safetensors"];
        refused(&[&["import", "run/model.ckpt"], config.as_slice()].concat(), &[part]);
    }
    refused(&["import", "none.ckpt", "--out", "x.onnx"], &["none.ckpt: No such file"]);
    refused(&["import", "net.ckpt", "--out", "x.onnx"], &["net.ckpt: it is empty"]);
    refused(&["import", "word.ckpt", "--out", "x.onnx"], &["word.ckpt: a zip archive that is damaged"]);
    refused(&["import", "small.toml", "--out", "x.onnx"], &["small.toml: neither a state dict"]);
    refused(&["import", "run", "--out", "x.onnx"], &["run: is not a file"]);
    // birnn's own, damaged: not to be read as if it were another's.
    let mut own = sandbox.read("run/model.safetensors");
    *own.last_mut().unwrap() ^= 1;
    std::fs::write(sandbox.path("net.ckpt"), own).unwrap();
    refused(
        &["import", "net.ckpt", "--out", "x.onnx"],
        &["net.ckpt: its content does not match its SHA-256"],
    );
    std::fs::write(sandbox.path("net.ckpt"), "").unwrap();
    refused(
        &["import", "run/model.ckpt", "--out", "x.txt"],
        &["x.txt: the extension says what is written: .ckpt"],
    );
    refused(&["export", "run", "x"], &["x: the extension says"]);
    refused(&["export", "run", "net.ckpt"], &["net.ckpt: is there already", "--force"]);
    refused(
        &["eval", "run/model.ckpt"],
        &["bring a PyTorch state dict in first: birnn import run/model.ckpt"],
    );
    refused(
        &["export", "run", "no/folder/x.onnx"],
        &["no/folder/x.onnx: there is no such folder; make it first"],
    );
    std::fs::create_dir(sandbox.path("d.onnx")).unwrap();
    refused(&["export", "run", "d.onnx", "--force"], &["d.onnx: is a folder"]);
    std::fs::remove_dir(sandbox.path("d.onnx")).unwrap();
    assert_eq!(sandbox.listing(), before);
}

/// A safetensors file of zeros.
fn zeros(tensors: &[(&str, &[usize])]) -> Vec<u8> {
    let (mut header, mut end) = (serde_json::Map::new(), 0);
    for (name, shape) in tensors {
        let start = end;
        end += 4 * shape.iter().product::<usize>();
        let tensor = serde_json::json!({ "dtype": "F32", "shape": shape, "data_offsets": [start, end] });
        header.insert((*name).to_owned(), tensor);
    }
    let header = serde_json::to_vec(&header).unwrap();
    [&(header.len() as u64).to_le_bytes(), header.as_slice(), &vec![0; end]].concat()
}

#[test]
fn what_is_missing_is_called_as_the_file_calls_it() {
    let sandbox = Sandbox::new();
    let whole: [(&str, &[usize]); 10] = [
        ("encoder.weight_ih_l0", &[3, 4]),
        ("encoder.weight_hh_l0", &[3, 3]),
        ("encoder.bias_ih_l0", &[3]),
        ("encoder.bias_hh_l0", &[3]),
        ("encoder.weight_ih_l0_reverse", &[3, 4]),
        ("encoder.weight_hh_l0_reverse", &[3, 3]),
        ("encoder.bias_ih_l0_reverse", &[3]),
        ("encoder.bias_hh_l0_reverse", &[3]),
        ("out.weight", &[2, 6]),
        ("out.bias", &[2]),
    ];
    sandbox.write("net.safetensors", zeros(&whole));
    sandbox.birnn(&["import", "net.safetensors", "--out", "x.ckpt", "--classes", "a,b"]).done();
    let names = |classes: &str, part: &str| {
        sandbox
            .birnn(&["import", "net.safetensors", "--out", "x.onnx", "--classes", classes])
            .failed(2, &[part]);
    };
    names("a,a", "--classes: `a` is named twice");
    names("a,", "--classes: each must have a name, and one is empty");
    for part in [1, 5, 6] {
        let (name, _) = whole[part];
        let rest: Vec<_> = whole.into_iter().filter(|(other, _)| *other != name).collect();
        sandbox.write("less.safetensors", zeros(&rest));
        let ended = sandbox.birnn(&["import", "less.safetensors", "--out", "x.onnx"]);
        let said = &ended.stderr;
        let told =
            said.contains(&format!("missing: `{name}`")) || said.contains(&format!("`{name}` is missing"));
        assert!(ended.code == 2 && told && !said.contains("--key"), "{name}: {said}");
        assert!(!said.contains("unexpected"), "{said}");
    }
}

#[test]
fn the_description_beside_weights_says_what_net_they_are_of() {
    let sandbox = Sandbox::new();
    sandbox.write_experiment("small.toml", SMALL.replace("hidden = 8", "hidden = 8\nreadout = \"mean\""));
    sandbox.birnn(&["train", "small.toml", "--run-dir", "run"]).done();
    sandbox.birnn(&["export", "run", "d.ckpt"]).done();
    let import = |args: &[&str]| {
        let import = ["import", "d.ckpt", "--force", "--out", "d.safetensors"];
        sandbox.birnn(&[&import, args].concat())
    };
    let told = "d.ckpt.json beside it says what net it is";
    let said = import(&[]).done().stderr;
    assert!(said.contains(told) && !said.contains("warning: "), "{said}");
    assert_eq!(evaluation(&sandbox, "d.safetensors"), evaluation(&sandbox, "run"));
    let written = || String::from_utf8_lossy(&sandbox.read("d.safetensors")).into_owned();
    assert!(written().contains(r#"\"framing\":\"mnist\""#));
    let said = import(&["--set", "data.framing=resize"]).done();
    assert!(
        said.stdout.contains("readout = \"mean\"") && !said.stderr.contains("warning: "),
        "{}",
        said.stderr
    );
    assert!(written().contains(r#"\"framing\":\"resize\""#));
    import(&["--rows", "7", "--classes", "a,b,c,d,e,f,g,h,i,j"]).done();
    assert!(written().contains(r#"\"shape\":[7,28],\"classes\":[\"a\","#));

    // Of images of one's own, which need not be there.
    let own: Value = serde_json::from_str(&sandbox.text("d.ckpt.json")).unwrap();
    let mut other = own.clone();
    let elsewhere = |line: &str| match line.split_once(" = ") {
        Some((key, _)) if key.ends_with("_images") || key.ends_with("_labels") => {
            format!("{key} = \"/none/{key}\"\n")
        }
        _ => format!("{line}\n"),
    };
    let experiment: String = own["experiment"].as_str().unwrap().lines().map(elsewhere).collect();
    other["experiment"] = experiment.into();
    other["classes"] = ["k", "l", "m", "n", "o", "p", "q", "r", "s", "t"].as_slice().into();
    other["preprocessing"] = serde_json::json!({
        "ground": "light", "levels": [200, 60], "transposed": false, "framing": "emnist",
    });
    sandbox.write("d.ckpt.json", other.to_string());
    import(&["--set", "data.framing=resize"]).done();
    assert!(
        written().contains(
            r#"\"ground\":\"light\",\"levels\":[200,60],\"transposed\":false,\"framing\":\"resize\""#
        )
    );
    assert!(written().contains(r#"\"classes\":[\"k\","#));
    import(&["--set", "data.invert=true"]).done();
    assert!(
        written().contains(
            r#"\"ground\":\"dark\",\"levels\":[55,195],\"transposed\":false,\"framing\":\"emnist\""#
        )
    );

    // As some editors begin a file.
    other["classes"] = ["z", "y", "x", "w", "v", "u", "t", "s", "r", "q"].as_slice().into();
    sandbox.write("d.ckpt.json", format!("\u{feff}{other}"));
    assert!(!import(&[]).done().stderr.contains("no such keys"));
    other["preprocesing"] = other["preprocessing"].clone();
    sandbox.write("d.ckpt.json", other.to_string());
    assert!(import(&[]).done().stderr.contains("a description has no such keys: preprocesing"));
    assert!(written().contains(r#"\"classes\":[\"z\","#));

    // Of other weights, and none.
    other["columns"] = 27.into();
    sandbox.write("d.ckpt.json", other.to_string());
    import(&[])
        .failed(2, &["d.ckpt.json beside it is", "`lstm.weight_ih_l0` is [32, 28] and should be [32, 27]"]);
    let twice = own.to_string().replace("\"1\",\"2\"", "\"1\",\"1\"");
    for text in [&own.to_string()[..100], &twice] {
        sandbox.write("d.ckpt.json", text);
        import(&[]).failed(
            2,
            &["d.ckpt.json: birnn cannot read the net's description in it", "; mend it, move it away"],
        );
    }
    for text in ["", "{}", "[1]"] {
        sandbox.write("d.ckpt.json", text);
        let said = import(&[]).done().stderr;
        let passed_over = said.lines().filter(|line| line.contains("d.ckpt.json: passed over")).count();
        assert!(passed_over == 1 && !said.contains(told) && said.contains("weights do not tell"), "{said}");
    }
    sandbox.birnn(&["export", "run", "e.onnx"]).done();
    let ended = sandbox.birnn(&["predict", "e.onnx", "x.png"]);
    assert!(ended.code == 2 && !ended.stderr.contains("import e.onnx"), "{}", ended.stderr);
    assert!(ended.stderr.contains("birnn writes ONNX and reads none; name the run"), "{}", ended.stderr);
}

#[test]
fn hostile_files_are_refused_and_do_nothing() {
    let sandbox = Sandbox::new();
    let before = sandbox.listing();
    for (file, part) in [
        ("hostile_system.ckpt", "it names `posix.system`"),
        ("hostile_system_legacy.ckpt", "it names `posix.system`"),
        ("whole_model.ckpt", "save `model.state_dict()` alone"),
        ("hostile_overlap.ckpt", "overlap in storage"),
        ("hostile_expanded.ckpt", "overlap"),
    ] {
        sandbox.birnn(&["import", &fixture(file), "--out", "x.safetensors"]).failed(2, &[file, part]);
    }
    assert_eq!(sandbox.listing(), before);
}

/// Files of some kilobytes that asked for gigabytes, or for arithmetic beyond 64 bits.
#[test]
#[cfg(target_os = "linux")]
fn hostile_files_end_in_one_line_in_bounded_memory() {
    let sandbox = Sandbox::new();
    // A legacy file: its number, its version, nothing of the machine, the object, no storages.
    let legacy = |pickle: &[u8]| {
        let start =
            b"\x80\x02\x8a\x0a\x6c\xfc\x9c\x46\xf9\x20\x6a\xa8\x50\x19.\x80\x02M\xe9\x03.\x80\x02}.\x80\x02";
        [start, pickle, b"\x80\x02]."].concat()
    };
    let items = b"h\x01".repeat(30_000);
    let copies = b"h\x00h\x02R".repeat(30_000);
    let bomb = [
        b"ccollections\nOrderedDict\nq\x000NN\x86q\x010](".as_slice(),
        &items,
        b"e\x85q\x020(",
        &copies,
        b"t.",
    ];
    let header = r#"{"lstm.weight_ih_l0":{"dtype":"F32","shape":[2305843009213693952,0],"data_offsets":[0,0]},"lstm.weight_hh_l0":{"dtype":"F32","shape":[4,1],"data_offsets":[0,16]},"fc.weight":{"dtype":"F32","shape":[2,1],"data_offsets":[16,24]}}"#;
    let rows = [&(header.len() as u64).to_le_bytes()[..], header.as_bytes(), &[0; 24]].concat();
    for (file, bytes, part) in [
        ("bomb.ckpt", legacy(&bomb.concat()), "far more values than its length has room for"),
        ("escape.ckpt", legacy(b"ctorch\n\x1b[31mRED\nh\0."), r"it names `torch.\u001b[31mRED`"),
        ("rows.safetensors", rows, "`lstm.weight_ih_l0` is [2305843009213693952, 0], with no number in it"),
    ] {
        sandbox.write(file, bytes);
        let direct = sandbox.command(&["import", file, "--out", "x.safetensors"]);
        let mut limited = std::process::Command::new("sh");
        limited
            .args(["-c", "ulimit -v 4000000; exec \"$0\" \"$@\""])
            .arg(direct.get_program())
            .args(direct.get_args());
        limited.current_dir(sandbox.path("")).env("OMP_NUM_THREADS", "1");
        let output = limited.output().unwrap();
        let error = String::from_utf8(output.stderr).unwrap();
        assert_eq!(output.status.code(), Some(2), "{file}: {error}");
        assert!(error.contains(part) && error.trim_end().lines().count() == 1, "{file}: {error}");
        assert!(!error.contains('\u{1b}') && !sandbox.path("x.safetensors").exists(), "{file}");
    }
}

/// A disk that fails, or a process that is killed, at any file operation leaves the old file or none.
#[test]
fn a_file_is_written_whole_or_not_at_all() {
    let sandbox = Sandbox::new();
    sandbox.train_small("run");
    sandbox.birnn(&["export", "run", "x.ckpt"]).done();
    let old = sandbox.read("x.ckpt");
    for file in ["x.ckpt", "x.safetensors", "x.onnx"] {
        for at in 1..20 {
            let fault = format!("ENOSPC@{at}");
            let ended = sandbox.birnn_with(&["export", "run", file, "--force"], &[("BIRNN_FAULT", &fault)]);
            if ended.code == 0 {
                assert!(at > 4, "only {at} operations");
                break;
            }
            assert_eq!(ended.code, 1);
            // A state dict has a description beside it.
            let named = |file: &&str| ended.stderr.contains(&format!("{file}: No space left"));
            assert!([file, "x.ckpt.json"].iter().any(named), "{}", ended.stderr);
            assert!(!sandbox.path(&format!(".{file}.partial")).exists());
            assert_eq!(sandbox.read("x.ckpt"), old);
        }
    }
}
