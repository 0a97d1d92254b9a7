//! Weights as PyTorch's users have them: tied, averaged, wrapped, several nets in one file.

#![expect(clippy::unwrap_used, reason = "a test that panics has failed, as it should")]

mod common;

use birnn_formats::{InferredModel, Normalisation, StateDict, check, pytorch, read, read_key};

use crate::common::{fixture, net, weights};

#[track_caller]
fn finds(file: &str, key: Option<&str>) -> InferredModel {
    let found = InferredModel::new(read_key(&fixture(file), key).unwrap()).unwrap();
    check(&found.weights, &net().resolve().unwrap(), 4, 2).unwrap();
    found
}

/// The weights under `key` in a file, or the error.
fn under(file: &str, key: Option<&str>) -> Result<StateDict, String> {
    let weights = read_key(&fixture(file), key).map_err(|error| error.to_string())?;
    InferredModel::new(weights).map(|found| found.weights).map_err(|error| error.to_string())
}

#[track_caller]
fn refused(file: &str, key: Option<&str>, parts: &[&str]) {
    let error = under(file, key).unwrap_err();
    assert!(!error.contains('\n'), "{error}");
    for part in parts {
        assert!(error.contains(part), "no `{part}` in: {error}");
    }
}

#[test]
fn averaged_and_compiled_nets_are_themselves() {
    assert_eq!(finds("compiled.ckpt", None).weights, weights());
    let averaged = finds("averaged.ckpt", None);
    assert_eq!(averaged.weights, weights());
    assert_eq!(averaged.unwrapped, ["`n_averaged` is the counter of averaged weights, and left out"]);
}

#[test]
fn tied_weights_are_copied() {
    let mut tied = weights();
    tied.insert("lstm.bias_hh_l0".to_owned(), tied["lstm.bias_ih_l0"].clone());
    assert_eq!(finds("tied.ckpt", None).weights, tied);
    assert_eq!(finds("tied.safetensors", None).weights, tied);
}

#[test]
fn a_head_without_a_bias_has_zeros() {
    let found = finds("without_head_bias.ckpt", None);
    assert!(found.head_without_bias && !found.without_biases);
    assert_eq!(found.weights["fc.bias"].values(), [0.0, 0.0]);
}

/// Every wrapper there is, around one net: the weights that PyTorch computes with, to the rounding of `f32`.
#[test]
fn wrappers_are_folded_as_pytorch_computes_them() {
    let (found, expected) = (finds("wrapped.ckpt", None), finds("unwrapped.ckpt", None).weights);
    assert_eq!(found.unwrapped.len(), 6, "{:?}", found.unwrapped);
    for (name, array) in &found.weights {
        for (value, expected) in array.values().iter().zip(expected[name].values()) {
            assert!((value - expected).abs() <= 4e-7 * expected.abs(), "{name}: {value} for {expected}");
        }
    }
    refused(
        "orthogonal.ckpt",
        None,
        &["`weight_hh_l0`: it has a parametrization", "remove_parametrizations(module, name)"],
    );
}

#[test]
fn which_of_several_state_dicts_must_be_said() {
    let negative = |file: &str, key| {
        let found = under(file, Some(key)).unwrap();
        assert!(found["fc.weight"].values()[0] > 0.0, "{file}, {key}");
    };
    refused(
        "ema.ckpt",
        None,
        &["several state dicts are in it; say which is meant: --key state_dict or --key state_dict_ema"],
    );
    assert_eq!(under("ema.ckpt", Some("state_dict_ema")).unwrap(), weights());
    negative("ema.ckpt", "state_dict");
    refused(
        "ema.ckpt",
        Some("ema"),
        &["--key ema: there are no weights under it", "`state_dict`, `state_dict_ema`"],
    );
    refused("two_nested.ckpt", None, &["--key last.model or --key best.model"]);
    assert_eq!(under("two_nested.ckpt", Some("best.model")).unwrap(), weights());
    negative("two_nested.ckpt", "last.model");
    refused("two_nested.ckpt", Some("best"), &["`model` in its state dict is no tensor"]);
    // The same weights in two places are one state dict.
    assert_eq!(under("same_twice.ckpt", None).unwrap(), weights());
    refused("averages_without_names.ckpt", None, &["in `ema.shadow_params`", "--key model"]);
    assert_eq!(under("averages_without_names.ckpt", Some("model")).unwrap(), weights());
    refused("prefixed.ckpt", None, &["several recurrent modules", "--key . or --key ema.module"]);
    assert_eq!(under("prefixed.ckpt", Some("ema.module")).unwrap(), weights());
    negative("prefixed.ckpt", ".");
    assert_eq!(under("ordered.ckpt", Some(".")).unwrap(), weights());
    assert_eq!(under("under_model.ckpt", Some("model")).unwrap(), weights());
    refused("ordered.ckpt", Some("model"), &["--key model: there are no weights under it", "`.`"]);
    refused("single.safetensors", Some("model"), &["--key model: there are no weights", "but under `.`"]);
    assert_eq!(under("single.safetensors", Some(".")).unwrap(), weights());
}

/// The keys that the message about `file` names are `own`, of the net itself, and `averages`; each is enough
/// when it is typed.
#[track_caller]
fn offers(file: &str, own: &str, averages: &str) {
    refused(file, None, &[&format!("say which is meant: --key {own} or --key {averages}")]);
    let found = finds(file, Some(own)).weights;
    for (name, array) in weights() {
        for (value, of_averages) in found[&name].values().iter().zip(array.values()) {
            assert!((value + of_averages).abs() <= 4e-7 * of_averages.abs(), "{file}: {name} is {value}");
        }
    }
    assert_eq!(finds(file, Some(averages)).weights, weights(), "{file}");
}

#[test]
fn every_key_that_is_offered_works() {
    offers("prefixed.ckpt", ".", "ema.module");
    offers("counted_ema.ckpt", ".", "ema.module");
    offers("compiled_ema.ckpt", ".", "ema");
    offers("compiled_ema.safetensors", ".", "ema");
    offers("normed_ema.ckpt", ".", "ema");
    offers("parallel_ema.ckpt", "module", "module.ema");
    offers("under_model_ema.ckpt", "model", "model.ema");
    // As they stand in the file, too.
    assert_eq!(finds("compiled_ema.ckpt", Some("_orig_mod.ema")).weights, weights());
    // What is no key is answered with those that are.
    for (file, key, parts) in [
        ("compiled_ema.ckpt", "none", ["but under `.`, `ema`"]),
        ("compiled_ema.safetensors", "none", ["but under `.`, `ema`"]),
        ("parallel_ema.ckpt", ".", ["--key module or --key module.ema"]),
        ("under_model_ema.ckpt", "ema", ["but under `model`, `model.ema`"]),
        ("parallel_ema.ckpt", "ema", ["but under `module`, `module.ema`"]),
    ] {
        refused(file, Some(key), &parts);
    }
}

/// A shell takes them apart, and a terminal does not show all of them.
#[test]
fn odd_keys_are_typed_as_they_are_shown() {
    refused("odd_keys.ckpt", None, &[r"--key='last.my net' or --key='best.it'\''s \u001b'"]);
    let own = under("odd_keys.ckpt", Some("last.my net")).unwrap();
    assert!(own["fc.weight"].values()[0] > 0.0);
    for key in ["best.it's \u{1b}", r"best.it's \u001b"] {
        assert_eq!(under("odd_keys.ckpt", Some(key)).unwrap(), weights(), "{key}");
    }
}

/// A module around all others, whose name is longer than any line.
#[test]
fn long_names_are_cut() {
    let long = "a".repeat(200_000);
    let wrapped = read(&fixture("wrapped.ckpt")).unwrap();
    let within = |(name, array)| (format!("{long}.{name}"), array);
    let found = InferredModel::new(wrapped.into_iter().map(within).collect()).unwrap();
    assert!(found.unwrapped.len() == 6 && found.renamed.len() == 2);
    for line in &found.unwrapped {
        assert!(line.len() < 200, "{} characters", line.len());
    }
    let mut none = StateDict::new();
    none.insert(format!("{long}.weight"), found.weights["fc.weight"].clone());
    let error = InferredModel::new(none).unwrap_err().to_string();
    assert!(error.contains("it starts with `aaa") && error.len() < 300, "{error}");
}

#[test]
fn what_is_written_has_the_order_of_pytorchs_modules() {
    let orders = std::fs::read_to_string(fixture("parameter_order.txt")).unwrap();
    let mut nets = 0;
    for order in orders.split("\n\n") {
        let names: Vec<&str> = order.lines().collect();
        let one = || birnn_formats::Array::new(vec![1], vec![1.0]);
        let weights: StateDict = names.iter().map(|name| ((*name).to_owned(), one())).collect();
        assert_eq!(weights.len(), names.len());
        let bytes = pytorch::encode(&weights).unwrap();
        // Behind the opcode and length of each name.
        let position = |name: &&str| {
            let opcode = common::text(name);
            bytes.windows(opcode.len()).position(|window| window == opcode).unwrap()
        };
        let positions: Vec<usize> = names.iter().map(position).collect();
        assert!(positions.is_sorted(), "{names:?}: {positions:?}");
        nets += 1;
    }
    assert_eq!(nets, 3);
}

#[test]
fn an_input_that_was_normalised_is_folded_into_the_first_layer() {
    let mut found = finds("ordered.ckpt", None);
    let input = Normalisation { mean: vec![0.5, 0.0, 1.0, -1.0], std: vec![0.5, 1.0, 2.0, 0.25] };
    found.fold(&input).unwrap();
    let before = weights();
    for suffix in ["", "_reverse"] {
        let [weight, bias, hidden] =
            ["weight_ih", "bias_ih", "weight_hh"].map(|name| format!("lstm.{name}_l0{suffix}"));
        assert_eq!(found.weights[&hidden], before[&hidden]);
        for row in 0..12 {
            let w = &before[&weight].values()[4 * row..][..4];
            // Multiples of 1/32 below 200: exact.
            assert_eq!(
                found.weights[&weight].values()[4 * row..][..4],
                [w[0] * 2.0, w[1], w[2] * 0.5, w[3] * 4.0]
            );
            let shifted = before[&bias].values()[row] - w[0] - 0.5 * w[2] + 4.0 * w[3];
            assert_eq!(found.weights[&bias].values()[row], shifted);
        }
    }
    assert_eq!(found.weights["fc.weight"], before["fc.weight"]);

    let refused = |mean: &[f64], std: &[f64], part: &str| {
        let mut found = finds("ordered.ckpt", None);
        let error =
            found.fold(&Normalisation { mean: mean.to_vec(), std: std.to_vec() }).unwrap_err().to_string();
        assert!(error.contains(part), "no `{part}` in: {error}");
    };
    refused(&[0.0; 3], &[1.0], "mean: 3 numbers for a net of 4 features");
    refused(&[0.0], &[], "std: 0 numbers");
    refused(&[f64::NAN], &[1.0], "mean: NaN is no number");
    refused(&[0.0], &[0.0], "std: must be above 0, is 0");
    refused(&[0.0], &[-1.0], "std: must be above 0, is -1");
    refused(&[0.0], &[1e-300], "too large for f32");
}

#[test]
fn every_file_without_wrappers_has_nothing_to_take_off() {
    for name in ["ordered.ckpt", "renamed.ckpt", "under_state_dict.ckpt"] {
        assert!(InferredModel::new(read(&fixture(name)).unwrap()).unwrap().unwrapped.is_empty(), "{name}");
    }
}

/// Names whose common beginning ends within a character.
#[test]
fn names_in_other_letters_are_told_apart() {
    let own = weights();
    let named = own
        .into_iter()
        .map(|(name, array)| (name.replace("lstm.", "ж.lstm.").replace("fc.", "б.fc."), array));
    let found = InferredModel::new(named.collect()).unwrap();
    assert_eq!(found.weights, weights());
}
