//! Nets of words that go elsewhere, and come from there.

use birnn_tests::Sandbox;
use safetensors::SafeTensors;
use serde_json::{Value, json};

use crate::json;
use crate::text::trained;

/// What `predict` and `eval` say of a net.
fn told(sandbox: &Sandbox, net: &str) -> (String, Value) {
    let tags = sandbox.birnn(&["predict", net, "test.txt.gz"]).done().stdout;
    let mut evaluation = json(&sandbox.birnn(&["eval", net, "--json"]).done().stdout);
    evaluation.as_object_mut().unwrap().remove("weights");
    (tags, evaluation)
}

/// The weights of the run, each module under another name where one is given.
fn renamed(sandbox: &Sandbox, names: &[(&str, &str)]) -> Vec<u8> {
    let bytes = sandbox.read("run/model.safetensors");
    let found = SafeTensors::deserialize(&bytes).unwrap();
    let name = |own: &str| {
        let other =
            names.iter().find_map(|(module, other)| Some(format!("{other}{}", own.strip_prefix(module)?)));
        other.unwrap_or_else(|| own.to_owned())
    };
    safetensors::serialize(found.iter().map(|(own, view)| (name(own), view)), None).unwrap()
}

#[test]
fn a_tagger_goes_out_and_comes_back_the_same() {
    let sandbox = trained();
    let expected = told(&sandbox, "run");
    let said = sandbox.birnn(&["export", "run", "names.ckpt"]).done().stderr;
    assert!(
        said.contains("self.crf = torchcrf.CRF(") && said.contains("self.char_lstm = nn.LSTM("),
        "{said}"
    );
    let ended = sandbox.birnn(&["import", "names.ckpt", "--out", "back.safetensors"]).done();
    assert!(
        ended.stdout.contains("head = \"crf\"") && ended.stdout.contains("[model.embedding]"),
        "{}",
        ended.stdout
    );
    assert!(!ended.stderr.contains("warning"), "{}", ended.stderr);
    assert!(ended.stderr.contains("for sentences, of "), "{}", ended.stderr);
    assert_eq!(told(&sandbox, "back.safetensors"), expected);
    sandbox.birnn(&["export", "back.safetensors", "again.pt"]).done();
    assert_eq!(sandbox.read("again.pt"), sandbox.read("names.ckpt"));
    // The experiment's own data has the vocabulary, too.
    let with_config = ["import", "names.ckpt", "--config", "names.toml", "--out", "config.safetensors"];
    sandbox.birnn(&with_config).done();
    assert_eq!(told(&sandbox, "config.safetensors"), expected);
    // From elsewhere straight to elsewhere.
    sandbox.birnn(&["export", "run", "names.onnx"]).done();
    sandbox.birnn(&["import", "names.ckpt", "--out", "straight.onnx"]).done();
    assert_eq!(transitions(&sandbox, "straight.onnx"), transitions(&sandbox, "names.onnx"));
}

/// With a description that somebody wrote who has no experiment of birnn's.
#[test]
fn a_tagger_of_ones_own_is_brought_in() {
    let sandbox = trained();
    sandbox.birnn(&["export", "run", "names.ckpt"]).done();
    let beside = json(&sandbox.text("names.ckpt.json"));
    let names = [
        ("embedding.", "model.word_embeds."),
        ("char_embedding.", "model.char_embeds."),
        ("char_lstm.", "model.char_encoder."),
        ("lstm.", "model.encoder."),
        ("fc.", "model.hidden2tag."),
        ("crf.", "model.CRF."),
    ];
    sandbox.write("own.safetensors", renamed(&sandbox, &names));
    let own =
        json!({ "classes": beside["classes"], "per": "step", "scheme": "iob2", "text": beside["text"] });
    sandbox.write("own.safetensors.json", own.to_string());
    let said = sandbox.birnn(&["import", "own.safetensors", "--out", "net.safetensors"]).done().stderr;
    for (ours, theirs) in names {
        let [theirs, ours] = [theirs, ours].map(|module| module.trim_end_matches('.'));
        assert!(said.contains(&format!("its `{theirs}` is birnn's `{ours}`")), "{said}");
    }
    // It is not known of which column its tokens are: a file of its kind has them in the first.
    let tokens = "the\nana\nsaid\n\nthe\nbo\nstreet\n";
    let tags = |net: &str, input: &str| {
        let found = json(&sandbox.birnn_given(&["predict", net, "-", "--json"], input).done().stdout);
        found["predictions"].as_array().unwrap().iter().map(|one| one["tags"].clone()).collect::<Vec<_>>()
    };
    let numbered: String = tokens
        .lines()
        .map(|token| if token.is_empty() { "\n".into() } else { format!("1 {token}\n") })
        .collect();
    assert_eq!(tags("net.safetensors", tokens), tags("run", &numbered));
    assert_eq!(tags("net.safetensors", tokens)[1], json!(["O", "B-place", "O"]));
    let parts = ["which sentences weights from elsewhere are for is not known", "--set data.dataset=conll"];
    sandbox.birnn(&["eval", "net.safetensors"]).failed(2, &parts);
}

#[test]
fn what_cannot_be_a_tagger_is_refused_with_the_way_out() {
    let sandbox = trained();
    sandbox.birnn(&["export", "run", "names.ckpt"]).done();
    let beside = json(&sandbox.text("names.ckpt.json"));
    let words = beside["text"]["words"].as_array().unwrap().len();
    let import =
        |args: &[&str]| sandbox.birnn(&[&["import", "names.ckpt", "--out", "x.safetensors"], args].concat());
    let changed = |change: &dyn Fn(&mut Value)| {
        let mut beside = beside.clone();
        change(&mut beside);
        sandbox.write("names.ckpt.json", beside.to_string());
    };
    for (args, part) in [
        (&["--mean", "0.5"][..], "--mean and --std are of numbers, and the net reads words"),
        (&["--rows", "7"], "--rows 7: the net reads sentences, which have steps"),
        (&["--series"], "--series: its config, or the description beside it, says that it reads sentences"),
        (&["--classes", "a,b"], "--classes: 2 names for a net of 5 classes"),
        (&["--classes", "a,b,c,d,e"], "--classes: found `a`, where a tag of IOB2 is"),
    ] {
        import(args).failed(2, &[part]);
    }
    let said = import(&["--classes", "O,I-a,B-b,I-b,I-c"]).done().stderr;
    let never = "the net never answers `I-a` and 1 more, which no sequence of IOB2 has with these classes";
    assert!(said.contains(never), "{said}");
    std::fs::remove_file(sandbox.path("x.safetensors")).unwrap();
    changed(&|beside| beside["text"]["words"].as_array_mut().unwrap().push("padding".into()));
    import(&[]).failed(
        2,
        &[
            &format!("`embedding.weight` is [{}, 6] and should be [{}, 6]", words + 1, words + 2),
            "row 0 of such a table is what is not known",
        ],
    );
    let unreadable = |part: &str| {
        import(&[])
            .failed(2, &["names.ckpt.json: birnn cannot read the net's description in it", part, "mend it"]);
    };
    changed(&|beside| beside["text"]["words"][1] = beside["text"]["words"][0].clone());
    unreadable("it knows a word or a character twice");
    changed(&|beside| beside["unit"] = "characters".into());
    unreadable("unit: it is not that of its `experiment`");
    changed(&|beside| beside["classes"][0] = "person".into());
    unreadable("found `person`, where a tag of IOB2 is");
    changed(&|beside| {
        beside["text"]["words"][0] = "Ann".into();
        beside["text"]["lowercase"] = true.into();
    });
    let said = import(&[]).done().stderr;
    let part = "1 of the 9 words that it knows, such as Ann, are never read";
    assert!(said.contains(part), "{said}");
    std::fs::remove_file(sandbox.path("x.safetensors")).unwrap();
    std::fs::remove_file(sandbox.path("names.ckpt.json")).unwrap();
    import(&[]).failed(
        2,
        &[
            &format!(
                "it reads words, and weights do not tell which the {} rows of `embedding.weight` are",
                words + 1
            ),
            "say so in names.ckpt.json",
            "row 0 is what is not known",
            "--config",
        ],
    );
    // Nor is what reads no words made to read some.
    sandbox.train_small("small");
    sandbox.birnn(&["export", "small", "small.ckpt"]).done();
    sandbox.write("small.ckpt.json", beside.to_string());
    sandbox.birnn(&["import", "small.ckpt", "--out", "x.safetensors"]).failed(
        2,
        &["there is no `embedding.weight` in it, and the description beside it says that it reads words"],
    );
    assert!(!sandbox.path("x.safetensors").exists());
}

/// The scores of transitions that the metadata of an ONNX file have, as they stand in it.
fn transitions(sandbox: &Sandbox, file: &str) -> Value {
    let bytes = sandbox.read(file);
    let text = String::from_utf8_lossy(&bytes);
    let start = text.find("{\"end_transitions\":").unwrap();
    json(&text[start..=start + text[start..].find('}').unwrap()])
}

#[test]
fn metadata_has_the_transitions_that_are_legal() {
    let sandbox = trained();
    sandbox.birnn(&["export", "run", "names.onnx"]).done();
    sandbox.birnn(&["export", "run", "names.ckpt"]).done();
    let bytes = sandbox.read("run/model.safetensors");
    let weights = SafeTensors::deserialize(&bytes).unwrap();
    let weight = |name: &str, index: usize| {
        let data = weights.tensor(name).unwrap().data();
        f64::from(f32::from_le_bytes(data[4 * index..][..4].try_into().unwrap()))
    };
    let mut beside = json(&sandbox.text("names.ckpt.json"));
    let tags: Vec<String> = serde_json::from_value(beside["classes"].clone()).unwrap();
    let check = |file: &str, is_legal: &dyn Fn(&str, &str) -> bool| {
        let found = transitions(&sandbox, file);
        let score = |legal: bool, weight: f64| if legal { weight } else { -1e30 };
        let near = |found: &Value, expected: f64| {
            let found = found.as_f64().unwrap();
            assert!((found - expected).abs() <= 1e-6 * expected.abs(), "{found} for {expected}");
        };
        for (from, name) in tags.iter().enumerate() {
            near(
                &found["start_transitions"][from],
                score(is_legal("O", name), weight("crf.start_transitions", from)),
            );
            near(&found["end_transitions"][from], weight("crf.end_transitions", from));
            for (to, after) in tags.iter().enumerate() {
                let weight = weight("crf.transitions", from * tags.len() + to);
                near(&found["transitions"][from][to], score(is_legal(name, after), weight));
            }
        }
    };
    // In IOB2 what is inside stands behind its own type.
    check("names.onnx", &|from, to| {
        to.strip_prefix("I-")
            .is_none_or(|kind| from.strip_prefix(['B', 'I']).is_some_and(|own| own[1..] == *kind))
    });
    beside["unconstrained"] = true.into();
    sandbox.write("names.ckpt.json", beside.to_string());
    sandbox.birnn(&["import", "names.ckpt", "--out", "free.onnx"]).done();
    check("free.onnx", &|_, _| true);
    sandbox
        .birnn(&["export", "run", "single.onnx", "--single"])
        .failed(2, &["--single is for .onnx files of nets that read series"]);
}
