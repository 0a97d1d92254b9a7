//! The page that a network is asked on, in a browser: `cargo xtask browser`.
//!
//! Networks of every kind are written with weights drawn at random and exported as pages, and what these
//! compute is held against the kernels. On the page of a server and on the one without, ten digits are drawn
//! by the mouse, texts typed and tables pasted; what stands on the page is what the server, the page's own
//! forward pass and `birnn predict` say. `browser.py` drives the browser; whatever differs is a panic that
//! says where.
#![expect(clippy::unwrap_used, reason = "a test that cannot go on must stop")]

mod nets;

use std::io::Write;
use std::path::{Path, PathBuf};
use std::process::{Command, ExitCode, Stdio};

use birnn_data::{
    Framing, Ground, Images, Missing, Modality, Per, Preprocessing, Sequences, Values, picture, png,
};
use birnn_infer::Predictor;
use birnn_model::{CellKind, EmbeddingConfig, Head, Hidden, ModelConfig, Readout};
use birnn_tests::server::Server;
use birnn_tests::{Sandbox, workspace};
use serde_json::{Map, Value, json};

use crate::nets::{Plan, explained};

/// How far two logits of the same weights may be apart, and numbers in units of theirs: pages add in 64 bits.
const TOLERANCE: f64 = 1e-4;

const TEXT: &str = "The cat of İstanbul sat on 1999 mats .";
const TABLE: &str = "time;rain;wind\n1;0.5;9\n2;;11\n3;0.9;12.5\n4;1.5;NaN\n5;1.25;10\n";

fn main() -> ExitCode {
    let args: Vec<String> = std::env::args().skip(1).collect();
    let args: Vec<&str> = args.iter().map(String::as_str).collect();
    let (chromium, python, screenshots) = match args[..] {
        ["--chromium", chromium, "--python", python, "--packages", packages, ref rest @ ..] => {
            let screenshots = match *rest {
                [] => None,
                ["--screenshots", folder] => Some(folder),
                _ => return usage(),
            };
            (chromium, Python { program: python, packages }, screenshots)
        }
        _ => return usage(),
    };
    let sandbox = Sandbox::new();
    let folder = screenshots.map_or_else(|| sandbox.path("screenshots"), PathBuf::from);
    std::fs::create_dir_all(&folder).unwrap();

    let computed = computed(&sandbox);
    let shown = Shown::write(&sandbox);
    let digits = workspace().join("crates/birnn-formats/examples/digits.safetensors");
    let digits = digits.to_str().unwrap();
    sandbox.birnn(&["export", digits, "digits.html"]).done();
    let whole = WholePictures::write(&sandbox, digits);
    let named: Vec<String> = shown.iter().map(|shown| format!("{}={}", shown.name, shown.weights)).collect();
    let runs: Vec<&str> = named
        .iter()
        .map(String::as_str)
        .chain([
            format!("digits={digits}").leak() as &str,
            "whole=whole.safetensors",
            "light=light.safetensors",
        ])
        .collect();
    let server = Server::start(&sandbox, &runs);
    let served = |name: &str| format!("http://{}/#{name}", server.address);
    let file = |name: &str| format!("file://{}", sandbox.path(name).display());

    let mut typed = Map::new();
    for Shown { name, text, wrong, .. } in &shown {
        typed.insert(format!("{name}-served"), json!([served(name), text, wrong]));
        typed.insert(format!("{name}-file"), json!([file(&format!("{name}.html")), text, wrong]));
    }
    let plan = json!({
        "chromium": chromium,
        "screenshots": folder,
        "compute": computed.iter().enumerate().map(|(index, (samples, _))| {
            let samples: Vec<&Value> = samples.iter().map(|(sample, _)| sample).collect();
            json!({ "url": file(&format!("net-{index}.html")), "samples": samples })
        }).collect::<Value>(),
        "draw": { "digits-served": served("digits"), "digits-file": file("digits.html") },
        "whole": {
            "whole-served": served("whole"), "whole-file": file("whole.html"),
            "light-served": served("light"), "light-file": file("light.html"),
        },
        "whole_picture": sandbox.path("whole.bmp"),
        "picture": workspace().join("tests/fixtures/pictures/fonts/5-intuitive.png"),
        "no_picture": workspace().join("README.md"),
        "type": typed,
    });
    let found = drive(&python, &plan);
    assert_eq!(server.end(), Some(0));

    let problems = found["problems"].as_array().unwrap();
    assert!(problems.is_empty(), "{problems:#?}");
    check_computed(&computed, &found["computed"]);
    check_digits(&sandbox, digits, &found);
    shown.iter().for_each(|shown| shown.check(&found["typed"]));
    whole.check(&found["whole"]);
    if screenshots.is_some() {
        println!("screenshots in {}", folder.display());
    }
    ExitCode::SUCCESS
}

fn usage() -> ExitCode {
    eprintln!(
        "error: usage: browser --python PYTHON --chromium CHROMIUM [--screenshots FOLDER]; `cargo xtask browser` finds both"
    );
    ExitCode::from(2)
}

/// A Python, and the folder of what it is to import.
struct Python<'a> {
    program: &'a str,
    packages: &'a str,
}

/// What `browser.py` found.
fn drive(python: &Python<'_>, plan: &Value) -> Value {
    let mut command = Command::new(python.program);
    command.env("PYTHONPATH", python.packages).arg(workspace().join("tests/browser.py"));
    command.stdin(Stdio::piped()).stdout(Stdio::piped());
    let mut child = command.spawn().unwrap();
    child.stdin.take().unwrap().write_all(plan.to_string().as_bytes()).unwrap();
    let output = child.wait_with_output().unwrap();
    assert!(output.status.success(), "browser.py ended with {}", output.status);
    serde_json::from_slice(&output.stdout).unwrap()
}

type Asked = (Vec<(Value, Sequences)>, Predictor);

/// Networks of every kind, each exported as a page.
fn computed(sandbox: &Sandbox) -> Vec<Asked> {
    let plans = nets::all().into_iter().enumerate();
    let made = plans.map(|(index, plan)| {
        let name = format!("net-{index}");
        let bytes = plan.file(index as u64, &name);
        let weights = format!("{name}.safetensors");
        sandbox.write(&weights, &bytes);
        sandbox.birnn(&["export", &weights, &format!("{name}.html")]).done();
        (plan.samples(), Predictor::from_bytes(Path::new(&weights), &bytes).unwrap())
    });
    made.collect()
}

fn check_computed(asked: &[Asked], found: &Value) {
    let mut most = 0.0_f64;
    let mut count = 0;
    for ((samples, predictor), found) in asked.iter().zip(found.as_array().unwrap()) {
        for ((sample, sequence), found) in samples.iter().zip(found.as_array().unwrap()) {
            let expected = explained(predictor, sequence);
            let architecture = predictor.network().architecture();
            most = most.max(apart(found, &expected, &format!("{architecture}, {sample}")));
            count += 1;
        }
    }
    assert_eq!(found.as_array().unwrap().len(), asked.len());
    println!("{} networks, {count} samples: pages are at most {most:.1e} from the kernels", asked.len());
}

/// How far numbers are apart, of those that `expected` has; all else is to be the same.
fn apart(found: &Value, expected: &Value, at: &str) -> f64 {
    match (found, expected) {
        (Value::Number(found), Value::Number(expected)) => {
            let (found, expected) = (found.as_f64().unwrap(), expected.as_f64().unwrap());
            let apart = (found - expected).abs() / expected.abs().max(1.0);
            assert!(apart < TOLERANCE, "{at}: {found}, and by the kernels {expected}");
            apart
        }
        (Value::Array(found), Value::Array(expected)) => {
            assert_eq!(found.len(), expected.len(), "{at}");
            let each = found.iter().zip(expected).enumerate();
            each.map(|(index, (found, expected))| apart(found, expected, &format!("{at}[{index}]")))
                .fold(0.0, f64::max)
        }
        (Value::Object(_), Value::Object(expected)) => expected
            .iter()
            .map(|(key, expected)| apart(&found[key], expected, &format!("{at}.{key}")))
            .fold(0.0, f64::max),
        _ => {
            assert_eq!(found, expected, "{at}");
            0.0
        }
    }
}

/// Digits that were drawn, and one that was opened: the page shows what its network says, which is what
/// `predict` says of the same pixels.
fn check_digits(sandbox: &Sandbox, digits: &str, found: &Value) {
    let predictor = Predictor::open(Path::new(digits)).unwrap();
    let mut right = Map::new();
    let mut most = 0.0_f64;
    let mut hold = |answer: &Value, name: &str| {
        let pixels: Vec<u8> = serde_json::from_value(answer["sample"]["pixels"].clone()).unwrap();
        let images: Sequences = Images { rows: 28, cols: 28, pixels: pixels.clone() }.into();
        let expected = predictor.explain(&mut birnn_infer::Workspace::new(), &images, nets::STOPS);
        let expected = serde_json::to_value(expected).unwrap();
        most = most.max(apart(&answer["explanation"], &expected, name));
        pixels
    };
    let without = found["without_workers"].as_object().unwrap();
    assert_eq!(without.len(), 2);
    for (why, answer) in without {
        hold(answer, &format!("without a worker: {why}"));
    }
    for (index, drawn) in found["drawn"].as_array().unwrap().iter().enumerate() {
        let (page, digit) = (drawn["page"].as_str().unwrap(), &drawn["digit"]);
        let pixels = hold(drawn, &format!("{page}, a drawn {digit}"));
        let explanation = &drawn["explanation"];
        assert_eq!(drawn["shown"], explanation["prediction"]["class"], "{page}");
        let count = right.entry(page).or_insert(json!(0));
        *count = json!(count.as_u64().unwrap() + u64::from(&drawn["shown"] == digit));

        let picture = format!("drawn-{index}.png");
        sandbox.write(&picture, png(&pixels, [28, 28]).unwrap());
        let told = sandbox.birnn(&["predict", digits, &picture, "--json"]).done();
        let told: Value = serde_json::from_str(&told.stdout).unwrap();
        let told = &told["predictions"][0];
        assert_eq!(told["class"], drawn["shown"], "{told}");
        // Logits are logarithms of probabilities, less what is the same for all.
        let logits: Vec<f64> = serde_json::from_value(explanation["logits"][0].clone()).unwrap();
        let probabilities: Vec<f64> = serde_json::from_value(told["probabilities"].clone()).unwrap();
        let off: Vec<f64> = logits.iter().zip(&probabilities).map(|(logit, of)| logit - of.ln()).collect();
        assert!(off.iter().all(|own| (own - off[0]).abs() < TOLERANCE), "{page}, a drawn {digit}: {off:?}");
    }
    println!(
        "digits drawn by the mouse: {}; at most {most:.1e} from the kernels",
        Value::Object(right.clone())
    );
    assert!(right.len() == 2 && right.values().all(|count| count.as_u64() >= Some(9)), "{right:?}");
    for opened in found["opened"].as_array().unwrap() {
        assert_eq!(opened["explanation"]["prediction"]["class"], "5", "{opened}");
    }
}

/// Networks that learnt from whole pictures, of things that are light on dark, and dark on light, and a
/// picture of their images' size.
struct WholePictures {
    picture: Vec<u8>,
}

impl WholePictures {
    fn write(sandbox: &Sandbox, digits: &str) -> WholePictures {
        sandbox.birnn(&["export", digits, "net.ckpt"]).done();
        for (name, invert) in [("whole", "false"), ("light", "true")] {
            let (net, page) = (format!("{name}.safetensors"), format!("{name}.html"));
            let invert = format!("data.invert={invert}");
            let sets = ["--set", "data.framing=resize", "--set", &invert, "--out", &net];
            sandbox.birnn(&[&["import", "net.ckpt"], &sets[..]].concat()).done();
            sandbox.birnn(&["export", &net, &page]).done();
        }
        let within = |side: usize| (6..20).contains(&side);
        // Of all sorts of colours, which both weigh alike.
        let colour = |row: usize, col: usize| match within(row) && within(col) {
            true => [9 * row + 3 * col, 11 * col, 12 * row].map(|level| level as u8),
            false => [0; 3],
        };
        let picture = bmp([28, 28], colour);
        sandbox.write("whole.bmp", &picture);
        WholePictures { picture }
    }

    /// What the page has its network see is what `predict` has it see.
    fn check(&self, found: &Value) {
        let found = found.as_array().unwrap();
        assert_eq!(found.len(), 4);
        for answer in found {
            let is_light = answer["page"].as_str().unwrap().starts_with("light");
            let ground = if is_light { Ground::Light } else { Ground::Dark };
            let preprocessing = Preprocessing::new(ground, false, Framing::Resize);
            let expected = picture::parse(&self.picture, [28, 28], &preprocessing).unwrap();
            let pixels: Vec<u8> = serde_json::from_value(answer["sample"]["pixels"].clone()).unwrap();
            assert!(pixels == expected, "{}: {pixels:?} and not {expected:?}", answer["page"]);
        }
        println!("pictures of {} networks that read whole ones: the pixels of `predict`", found.len());
    }
}

/// A BMP file of `height x width` pixels, which are red, green and blue. A row's bytes are a multiple of
/// four.
fn bmp([height, width]: [usize; 2], colour: impl Fn(usize, usize) -> [u8; 3]) -> Vec<u8> {
    const HEADERS: u32 = 14 + 40;
    let size = HEADERS + 3 * (height * width) as u32;
    let mut bytes = b"BM".to_vec();
    // Its size and where the pixels begin; then the length of what follows, the width and, from below, the
    // height.
    for word in [size, 0, HEADERS, HEADERS - 14, width as u32, height as u32] {
        bytes.extend(word.to_le_bytes());
    }
    // One plane of 24 bits per pixel, not compressed.
    bytes.extend([1, 0, 24, 0]);
    bytes.extend([0; 24]);
    for row in (0..height).rev() {
        for col in 0..width {
            let [red, green, blue] = colour(row, col);
            bytes.extend([blue, green, red]);
        }
    }
    bytes
}

/// A network that is asked by typing or pasting.
struct Shown {
    name: &'static str,
    weights: String,
    text: &'static str,
    /// What the page cannot read, and says so.
    wrong: Option<&'static str>,
    predictor: Predictor,
    sequence: Sequences,
}

impl Shown {
    fn write(sandbox: &Sandbox) -> Vec<Shown> {
        let net = |readout| ModelConfig {
            cell: CellKind::Lstm,
            layers: 1,
            hidden: Hidden::Same(8),
            readout,
            ..ModelConfig::default()
        };
        let embedding = Some(EmbeddingConfig { width: 6, ..EmbeddingConfig::default() });
        let of_words = |readout| ModelConfig { embedding: embedding.clone(), ..net(readout) };
        let tagger = ModelConfig { head: Head::Crf, ..of_words(Readout::Sequence) };
        let (gaps, words) = (nets::series(Missing::Interpolate, false, true), nets::sentences(None));
        let plans = [
            ("names", tagger, words.clone(), nets::spans()),
            ("moods", of_words(Readout::Mean), words, nets::told_apart(Per::Sequence)),
            ("waves", net(Readout::Final), gaps.clone(), nets::told_apart(Per::Sequence)),
            ("moments", net(Readout::Sequence), gaps.clone(), nets::told_apart(Per::Step)),
            ("heights", net(Readout::Last), gaps.clone(), nets::numbers(Per::Sequence)),
            ("levels", net(Readout::Sequence), gaps, nets::numbers(Per::Step)),
        ];
        let made = plans.into_iter().enumerate().map(|(index, (name, model, modality, task))| {
            let is_text = matches!(modality, Modality::Text(_));
            let bytes = Plan { model, modality, task }.file(99 + index as u64, name);
            let weights = format!("{name}.safetensors");
            sandbox.write(&weights, &bytes);
            sandbox.birnn(&["export", &weights, &format!("{name}.html")]).done();
            let sequence = match is_text {
                true => nets::tokens_of(TEXT.split(' ').map(str::to_owned).collect()).1,
                false => {
                    let values = vec![9.0, 0.5, 11.0, f32::NAN, 12.5, 0.9, f32::NAN, 1.5, 10.0, 1.25];
                    Sequences::new(Values::Floats(values), 2, vec![5])
                }
            };
            Shown {
                name,
                predictor: Predictor::from_bytes(Path::new(&weights), &bytes).unwrap(),
                weights,
                text: if is_text { TEXT } else { TABLE },
                wrong: (!is_text).then_some("wind,rain\n1,2\n3,much\n"),
                sequence,
            }
        });
        made.collect()
    }

    /// Both pages say what the kernels say.
    fn check(&self, found: &Value) {
        let own = found.as_array().unwrap().iter().filter(|one| {
            one["page"]
                .as_str()
                .is_some_and(|page| page.rsplit_once('-').is_some_and(|(name, _)| name == self.name))
        });
        let mut pages = 0;
        for found in own {
            let expected =
                self.predictor.explain(&mut birnn_infer::Workspace::new(), &self.sequence, nets::STOPS);
            let expected = serde_json::to_value(expected).unwrap();
            let most = apart(&found["explanation"], &expected, found["page"].as_str().unwrap());
            println!("{}: at most {most:.1e} from the kernels", found["page"]);
            if let Some(wrong) = self.wrong {
                let told = found["problem"].as_str().unwrap();
                assert!(told.contains("row 2: `much` is no number"), "{wrong:?}: {told}");
            }
            pages += 1;
        }
        assert_eq!(pages, 2, "{}", self.name);
    }
}
