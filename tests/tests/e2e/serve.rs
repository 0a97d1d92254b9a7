//! Networks that answer over HTTP: the same answers as `birnn predict`, and a server that ends as it should.

use birnn_tests::server::Server;
use birnn_tests::{SYNTHETIC, Sandbox, workspace};
use rustix::process::Signal;
use serde_json::{Value, json};

use crate::json;

fn digits() -> String {
    workspace().join("crates/birnn-formats/examples/digits.safetensors").to_str().unwrap().to_owned()
}

/// What `birnn predict --json` says of a file, without where each sample was.
fn predicted(sandbox: &Sandbox, run: &str, file: &str) -> Vec<Value> {
    let told = json(&sandbox.birnn(&["predict", run, file, "--json"]).done().stdout);
    let mut predictions = told["predictions"].as_array().unwrap().clone();
    for prediction in &mut predictions {
        let fields = prediction.as_object_mut().unwrap();
        for field in ["image", "file", "line", "id"] {
            fields.remove(field);
        }
    }
    predictions
}

#[test]
fn every_kind_of_network_answers_as_predict_does() {
    let sandbox = Sandbox::new();
    sandbox.write("series.toml", SYNTHETIC.replace("\"synthetic\"", "\"synthetic-series\""));
    sandbox.birnn(&["train", "series.toml", "--run-dir", "series"]).done();
    let words = SYNTHETIC.replace("\"synthetic\"", "\"synthetic-text\"");
    sandbox.write("words.toml", format!("task = {{ kind = \"tag\" }}\n{words}"));
    let crf = ["--set", "model.head=crf", "--set", "task.scheme=iob2"];
    sandbox.birnn(&[&["train", "words.toml", "--run-dir", "words"], &crf[..]].concat()).done();
    let server = Server::start(&sandbox, &["waves=series", "words", &format!("digits={}", digits())]);

    let (status, told) = server.ask("GET /v1/models", "", b"");
    let models = told["models"].as_array().unwrap();
    let named: Vec<(&str, &str)> = models
        .iter()
        .map(|model| (model["name"].as_str().unwrap(), model["reads"].as_str().unwrap()))
        .collect();
    assert_eq!(
        (status, &named[..]),
        (200, &[("digits", "images"), ("waves", "series"), ("words", "sentences")][..])
    );

    let picture = workspace().join("tests/fixtures/pictures/fonts/5-intuitive.png");
    let (_, told) =
        server.ask("POST /v1/models/digits/predict", "image/png", &std::fs::read(&picture).unwrap());
    let expected = predicted(&sandbox, &digits(), picture.to_str().unwrap());
    assert_eq!(told["predictions"].as_array().unwrap(), &expected);

    let features = models[1]["values_per_step"].as_u64().unwrap() as usize;
    let series: Vec<Vec<Vec<f32>>> = [5, 1, 30]
        .map(|steps| {
            (0..steps).map(|step| (0..features).map(|f| (step * 3 + f) as f32 / 7.0).collect()).collect()
        })
        .to_vec();
    let lines = series.iter().map(|steps: &Vec<Vec<f32>>| {
        let of =
            |feature: usize| steps.iter().map(|step| step[feature].to_string()).collect::<Vec<_>>().join(",");
        (0..features).map(of).collect::<Vec<_>>().join(":")
    });
    sandbox.write("waves.ts", lines.collect::<Vec<_>>().join("\n"));
    let expected = predicted(&sandbox, "series", "waves.ts");
    assert_eq!(server.predict("waves", &json!({ "series": series })).as_array().unwrap(), &expected);

    let sentences = [vec!["The", "cat", "xyzzy"], vec!["1999"]];
    sandbox.write("a.conll", sentences.iter().map(|tokens| tokens.join("\n") + "\n\n").collect::<String>());
    let expected = predicted(&sandbox, "words", "a.conll");
    assert_eq!(server.predict("words", &json!({ "sentences": sentences })).as_array().unwrap(), &expected);
    let texts = json!({ "sentences": ["The cat  xyzzy", "1999"] });
    assert_eq!(server.predict("words", &texts).as_array().unwrap(), &expected, "parted at white space");
    for (model, body, said) in [
        ("waves", json!({ "series": [[]] }), "series[0]: has no step"),
        ("waves", json!({ "series": [[vec![0.5; features + 1]]] }), "and the network reads"),
        ("words", json!({ "sentences": [[]] }), "sentences[0]: has no token"),
        ("words", json!({ "sentences": [["a", ""]] }), "token 2 has 0 characters"),
    ] {
        let first = format!("POST /v1/models/{model}/predict");
        let (status, told) = server.ask(&first, "application/json", body.to_string().as_bytes());
        assert!(status == 422 && told["detail"].as_str().unwrap().contains(said), "{told}");
    }
    assert_eq!(server.end(), Some(0));
}

#[test]
fn sighup_takes_new_weights_and_sigterm_ends_it() {
    let sandbox = Sandbox::new();
    sandbox.write("net.safetensors", std::fs::read(digits()).unwrap());
    let mut server = Server::start(&sandbox, &["net.safetensors"]);
    let (_, told) = server.ask("GET /v1/models", "", b"");
    let name = told["models"][0]["name"].as_str().unwrap().to_owned();
    server.signal(Signal::HUP);
    server.until_it_says(&format!("{name}: took new weights"));
    // Without a signal, too.
    std::fs::remove_file(sandbox.path("net.safetensors")).unwrap();
    sandbox.write("net.safetensors", b"no net");
    server.until_it_says("the old ones go on");
    assert_eq!(server.ask("GET /readyz2", "", b"").0, 404);
    assert_eq!(server.end(), Some(0));
    // One who has begun to ask is waited for, but not at a second signal.
    let mut server = Server::start(&sandbox, &[&digits()]);
    let mut half = std::net::TcpStream::connect(&server.address).unwrap();
    std::io::Write::write_all(
        &mut half,
        b"POST /v1/models/digits/predict HTTP/1.1\r\nHost: localhost\r\n\
        Content-Type: image/png\r\nContent-Length: 100\r\n\r\nhalf",
    )
    .unwrap();
    assert_eq!(server.ask("GET /v1/models", "", b"").0, 200);
    server.signal(Signal::TERM);
    server.until_it_says("about to stop");
    server.signal(Signal::TERM);
    server.until_it_says("error: a second signal: ");
    assert_eq!(server.end(), Some(1));
}

/// As the other commands say them that ask a network.
#[test]
fn what_there_is_to_doubt_is_told() {
    let sandbox = Sandbox::new();
    // There is no MNIST.
    sandbox.write("x.toml", SYNTHETIC.replace("\"synthetic\"", "\"mnist\"\nfallback = \"synthetic\""));
    sandbox.birnn(&["train", "x.toml", "--offline", "--run-dir", "run"]).done();
    sandbox.birnn(&["export", "run", "bare.ckpt"]).done();
    // As weights come from elsewhere, without a word of what they are for.
    std::fs::remove_file(sandbox.path("bare.ckpt.json")).unwrap();
    sandbox.birnn(&["import", "bare.ckpt", "--out", "bare.safetensors"]).done();
    for (run, told) in [
        ("net=run", "net: trained on SYNTHETIC DIGITS, NOT ON MNIST"),
        ("net=bare.safetensors", "net: it is not known what its training images were like"),
    ] {
        let mut server = Server::start(&sandbox, &[run]);
        assert_eq!(server.ask("GET /v1/models", "", b"").0, 200);
        server.signal(Signal::HUP);
        server.until_it_says(told);
        assert_eq!(server.end(), Some(0));
    }
    let mut weights = std::fs::read(sandbox.path("run/model.safetensors")).unwrap();
    *weights.last_mut().unwrap() ^= 1;
    sandbox.write("run/model.safetensors", weights);
    sandbox.birnn(&["serve", "run"]).failed(2, &["altered or damaged; name another of its weights files"]);
}

#[test]
fn what_cannot_be_served_is_refused_at_once() {
    let sandbox = Sandbox::new();
    let digits = digits();
    let server = Server::start(&sandbox, &[&digits]);
    sandbox
        .birnn(&["serve", &digits, "--listen", &server.address])
        .failed(2, &["--listen takes another address"]);
    assert_eq!(server.end(), Some(0));
    sandbox.birnn(&["serve", &digits, &digits]).failed(2, &["two networks would be called", "NAME=RUN"]);
    sandbox.birnn(&["serve", "nowhere"]).failed(2, &["there is no such run"]);
    sandbox.birnn(&["serve", &format!("a b={digits}")]).failed(2, &["`a b` is no name for a network"]);
}
