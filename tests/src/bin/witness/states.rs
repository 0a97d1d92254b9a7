//! What `birnn encode` writes, read by NumPy and safetensors beside PyTorch's states, and the guide's Python
//! on it.

use std::fmt::Write;
use std::process::Command;

use birnn_data::{Modality, Series};
use birnn_infer::Predictor;
use birnn_tests::docs::page;
use birnn_tests::{Random, workspace};

use crate::ragged::described;
use crate::{Python, TOLERANCE};

impl Python {
    /// Of series of 1 to 60 steps.
    pub fn states(&self) {
        let (config, run) = (workspace().join("configs/series/synthetic.toml"), "runs/states/001");
        self.sandbox.birnn(&["train", config.to_str().unwrap(), "--run-dir", run]).done();
        let predictor = Predictor::open(&self.sandbox.path(&format!("{run}/model.safetensors"))).unwrap();
        let net = described(predictor.network().architecture());
        self.sandbox.write("states.json", net.to_string());
        let Modality::Series(Series { mean, deviation: Some(deviation), .. }) =
            &predictor.manifest().modality
        else {
            panic!("a net of series that are standardised")
        };
        let mut lines = String::new();
        for index in 0..300 {
            let mut random = Random::new(11, index);
            let length = 1 + random.below(60);
            // Up to two deviations from the mean: farther off, rounding is all that there is to see.
            let mut value =
                |mean: f32, deviation: f32| mean + deviation * (random.below(401) as f32 / 100.0 - 2.0);
            let features = mean.iter().zip(deviation).map(|(&mean, &deviation)| {
                let values: Vec<String> = (0..length).map(|_| value(mean, deviation).to_string()).collect();
                values.join(",")
            });
            writeln!(lines, "{}", features.collect::<Vec<_>>().join(":")).unwrap();
        }
        self.sandbox.write("some.ts", lines);
        for (per, out) in [("sequence", "states.npz"), ("step", "steps.npz"), ("step", "steps.safetensors")] {
            self.sandbox.birnn(&["encode", run, "some.ts", "--per", per, "--out", out]).done();
        }
        let answer = self.ask(&["states"]).remove(0);
        println!("states of {} series and {} steps in files: {answer}", answer["series"], answer["steps"]);
        for key in ["states", "per_step"] {
            assert!(answer[key].as_f64().unwrap() < TOLERANCE, "{key} differ by more than rounding");
        }
        self.guide_on_states();
    }

    /// The commands and the Python of docs/guide/states.md.
    fn guide_on_states(&self) {
        let (series, states) = (page("docs/guide/series.md"), page("docs/guide/states.md"));
        self.sandbox.write("pumps.toml", series.blocks_in("toml").next().unwrap());
        self.sandbox.write("write.py", series.blocks_in("python").next().unwrap());
        let written = Command::new(&self.program).arg("write.py").current_dir(self.sandbox.path("")).status();
        assert!(written.unwrap().success());
        self.sandbox.birnn(&["train", "pumps.toml"]).done();
        for line in states.blocks_in("sh").collect::<String>().lines() {
            let command = line.split(" # ").next().unwrap().trim();
            let args = command.strip_prefix("cargo xtask run -- ").unwrap();
            if args.contains("pumps") {
                self.sandbox.birnn(&args.split_whitespace().collect::<Vec<_>>()).done();
            }
        }
        self.sandbox.write("guide.py", states.blocks_in("python").next().unwrap());
        let answer = self.ask(&["nearest"]).remove(0);
        println!("the guide's Python on states: {answer}");
        assert!(answer["accuracy"].as_f64().unwrap() > 0.9);
    }
}
