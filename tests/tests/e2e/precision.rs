//! Products of bf16, on processors that are quicker at them and on those that are not.

use birnn_tests::{Sandbox, idx};
use serde_json::Value;

/// So small that plain code can do what tiles would, on images that are few and small.
const NET: &str = "
[data]
dataset = \"idx\"
train_images = \"train-images\"
train_labels = \"train-labels\"
test_images = \"test-images\"
test_labels = \"test-labels\"
validation = 20
[model]
cell = \"gru\"
hidden = 5
layers = 1
[train]
epochs = 2
batch_size = 20
checkpoint_every = 2
";

const ROWS: usize = 9;
const COLUMNS: usize = 7;

/// What a net answers, on f32 unless `args` say otherwise.
fn answer(sandbox: &Sandbox, run: &str, args: &[&str], variables: &[(&str, &str)]) -> String {
    let ask = [&["predict", run, "a.pgm", "--json"][..], args].concat();
    let found: Value = serde_json::from_str(&sandbox.birnn_with(&ask, variables).done().stdout).unwrap();
    found["predictions"].to_string()
}

fn sandbox() -> Sandbox {
    let sandbox = Sandbox::new();
    sandbox.write("net.toml", NET);
    for (split, count) in [("train", 60), ("test", 20)] {
        let pixels: Vec<u8> = (0..count * ROWS * COLUMNS).map(|place| (place * place % 251) as u8).collect();
        let labels: Vec<u8> = (0..count).map(|image| (image % 3) as u8).collect();
        sandbox.write(&format!("{split}-images"), idx(&[count as u32, ROWS as u32, COLUMNS as u32], &pixels));
        sandbox.write(&format!("{split}-labels"), idx(&[count as u32], &labels));
    }
    let pixels: Vec<u8> = (0..28 * 28).map(|place| (place * 7 % 256) as u8).collect();
    sandbox.write("a.pgm", [b"P5 28 28 255\n".as_slice(), &pixels].concat());
    sandbox
}

#[test]
fn what_processors_compute_is_the_twins_and_goes_on_as_it_began() {
    computes_as_its_twin("amx", &["highest", "high", "medium"]);
    computes_as_its_twin("avx512-bf16", &["highest", "medium"]);
}

/// Instructions, where this processor has them, and their twin at each precision.
fn computes_as_its_twin(instructions: &str, precisions: &[&str]) {
    let sandbox = sandbox();
    let twin = format!("{instructions}-twin");
    let is_there = sandbox.birnn_with(&["doctor"], &[("BIRNN_INSTRUCTIONS", instructions)]).code != 2;
    let mut answers = Vec::new();
    for precision in precisions {
        let set = format!("train.precision={precision}");
        for instructions in [twin.as_str()].into_iter().chain(is_there.then_some(instructions)) {
            let variables = [("BIRNN_INSTRUCTIONS", instructions), ("OMP_NUM_THREADS", "2")];
            let run = format!("{precision}-{instructions}");
            let train = ["train", "net.toml", "--run-dir", &run, "--set", &set];
            let ended = sandbox.birnn_with(&train, &variables).done();
            assert!(!ended.stderr.contains("train.precision"), "{}", ended.stderr);
            let whole = sandbox.read(&format!("{run}/model.safetensors"));

            // Stopped, and gone on with.
            let stopped = format!("{run}-stopped");
            let train =
                ["train", "net.toml", "--run-dir", &stopped, "--set", &set, "--set", "train.epochs=1"];
            sandbox.birnn_with(&train, &variables).done();
            let longer = ["train", "--resume", &stopped, "--set", "train.epochs=2"];
            sandbox.birnn_with(&longer, &variables).done();
            assert!(sandbox.read(&format!("{stopped}/model.safetensors")) == whole, "{run}");
            answers.push((precision, answer(&sandbox, &run, &[], &variables)));
        }
    }
    for (precision, answered) in &answers {
        let of_the_same: Vec<_> = answers.iter().filter(|(other, _)| other == precision).collect();
        assert!(of_the_same.iter().all(|(_, other)| other == answered), "{precision}: the twin's");
        let of_others = answers.iter().filter(|(other, _)| other != precision);
        assert!(of_others.into_iter().all(|(_, other)| other != answered), "{precision}: of its own");
    }
    // Asked with less, and with what it was not trained with.
    let run = format!("highest-{twin}");
    let variables = [("BIRNN_INSTRUCTIONS", twin.as_str())];
    let exact = answer(&sandbox, &run, &[], &variables);
    assert!(answer(&sandbox, &run, &["--precision", "highest"], &variables) == exact);
    assert!(answer(&sandbox, &run, &["--precision", "medium"], &variables) != exact);
    let eval = ["eval", &run, "--precision", "high"];
    assert!(sandbox.birnn_with(&eval, &variables).done().stdout.contains("accuracy"));
}

#[test]
fn what_is_no_quicker_at_bf16_is_exact_and_says_so() {
    let sandbox = sandbox();
    let none = [("BIRNN_INSTRUCTIONS", "baseline")];
    let vectors = [("BIRNN_INSTRUCTIONS", "avx512-bf16-twin")];
    let train = ["train", "net.toml", "--run-dir", "high", "--set", "train.precision=high"];
    let said = sandbox.birnn_with(&train, &vectors).done().stderr;
    let warning = "train.precision: is `high`, and avx512-bf16-twin has nothing quicker for it than f32";
    assert!(said.contains(warning), "{said}");
    let train = |run: &str, precision: &str| {
        let set = format!("train.precision={precision}");
        sandbox.birnn_with(&["train", "net.toml", "--run-dir", run, "--set", &set], &none).done().stderr
    };
    let said = train("medium", "medium");
    let warning = "train.precision: is `medium`, and baseline has nothing quicker for it than f32";
    assert!(said.contains(warning), "{said}");
    assert!(!train("highest", "highest").contains("train.precision"));
    assert_eq!(answer(&sandbox, "medium", &[], &none), answer(&sandbox, "highest", &[], &none));
    let other = ["predict", "medium", "a.pgm", "--precision", "double"];
    let refused = sandbox.birnn_with(&other, &none);
    assert!(refused.code == 2 && refused.stderr.contains("[possible values: highest, high, medium]"));
}
