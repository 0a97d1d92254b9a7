//! Nets that read words, told from the names and shapes of their weights.

#![expect(clippy::unwrap_used, reason = "a test that panics has failed, as it should")]

use birnn_architecture::{
    CellKind, CharacterNet, EmbeddingConfig, Head, Hidden, Inputs, ModelConfig, Readout,
};
use birnn_formats::{Array, InferredModel, StateDict, check};

const INPUTS: Inputs = Inputs::Tokens { words: 9, characters: 7 };
const TAGS: usize = 4;

fn net(cell: CellKind, head: Head, characters: Option<CharacterNet>) -> ModelConfig {
    ModelConfig {
        cell,
        head,
        layers: 1,
        hidden: Hidden::Same(5),
        embedding: Some(EmbeddingConfig { width: 6, characters, ..EmbeddingConfig::default() }),
        ..ModelConfig::default()
    }
}

const CHARACTERS: Option<CharacterNet> = Some(CharacterNet { width: 3, hidden: 2 });

fn tagger() -> ModelConfig {
    net(CellKind::Lstm, Head::Crf, CHARACTERS)
}

/// Weights of that net, each of other numbers.
fn weights(config: &ModelConfig) -> StateDict {
    let filled = |(index, (name, shape)): (usize, (String, Vec<usize>))| {
        let values = vec![index as f32; shape.iter().product()];
        (name, Array::new(shape, values))
    };
    config.resolve().unwrap().parameters(INPUTS, TAGS).into_iter().enumerate().map(filled).collect()
}

/// The same where each module that is named here has another name.
fn renamed(weights: &StateDict, names: &[(&str, &str)]) -> StateDict {
    let name = |name: &String| {
        let other = names.iter().find_map(|(ours, theirs)| {
            name.strip_prefix(ours).and_then(|rest| rest.strip_prefix('.')).map(|rest| (theirs, rest))
        });
        other.map_or_else(|| name.clone(), |(theirs, rest)| format!("{theirs}{rest}"))
    };
    weights.iter().map(|(own, array)| (name(own), array.clone())).collect()
}

#[track_caller]
fn refused(weights: StateDict, part: &str) {
    let error = InferredModel::new(weights).unwrap_err().to_string();
    assert!(error.contains(part) && !error.contains('\n'), "no `{part}` in: {error}");
}

#[test]
fn every_net_of_words_is_told() {
    for cell in [CellKind::Lstm, CellKind::Gru, CellKind::Rnn] {
        for head in [Head::Crf, Head::Linear] {
            for characters in [CHARACTERS, None] {
                for readout in [ModelConfig::default().readout, Readout::Attention] {
                    let config = ModelConfig { readout, ..net(cell, head, characters) };
                    let all = weights(&config);
                    let found = InferredModel::new(all.clone()).unwrap();
                    check(&found.weights, &config.resolve().unwrap(), found.inputs(), found.outputs).unwrap();
                    assert_eq!((found.weights, found.renamed), (all, Vec::new()));
                    assert_eq!((&found.config, found.outputs), (&config, TAGS));
                    assert_eq!(found.features, config.resolve().unwrap().features(INPUTS));
                }
            }
        }
    }
}

#[test]
fn modules_may_have_the_names_that_people_give_them() {
    let all = weights(&tagger());
    for names in [
        [
            ("embedding", "model.word_embeds."),
            ("char_embedding", "model.CharEmbed."),
            ("char_lstm", "model.lstm_char."),
            ("lstm", "model.encoder."),
            ("fc", "model.hidden2tag."),
            ("crf", "model.CRF."),
        ],
        [
            ("embedding", "module.emb."),
            ("char_embedding", "module.char_emb."),
            ("char_lstm", "module.char_rnn."),
            ("lstm", "module.rnn."),
            ("fc", "module.fc."),
            ("crf", "module.crf_layer."),
        ],
    ] {
        let found = InferredModel::new(renamed(&all, &names)).unwrap();
        assert_eq!(found.weights, all);
        assert_eq!(found.renamed.len(), names.len(), "{:?}", found.renamed);
        assert_eq!(found.own_name("crf.transitions"), format!("{}transitions", names[5].1));
        check(&found.weights, &tagger().resolve().unwrap(), INPUTS, TAGS).unwrap();
    }
    // Where there is one recurrent module, what it reads are words to it, be they characters.
    let config = net(CellKind::Lstm, Head::Linear, None);
    let all = weights(&config);
    let names = [("embedding", "char_emb."), ("lstm", "char_lstm.")];
    let found = InferredModel::new(renamed(&all, &names)).unwrap();
    assert_eq!((found.weights, found.config), (all, config));
}

#[test]
fn biases_of_both_nets_may_be_missing() {
    let all = weights(&tagger());
    let without =
        all.iter().filter(|(name, _)| !name.contains(".bias_")).map(|(name, a)| (name.clone(), a.clone()));
    let found = InferredModel::new(without.collect()).unwrap();
    assert!(found.without_biases);
    assert_eq!(found.weights.keys().collect::<Vec<_>>(), all.keys().collect::<Vec<_>>());
}

#[test]
fn what_no_name_tells_is_refused() {
    let all = weights(&tagger());
    refused(
        renamed(&all, &[("char_lstm", "lstm2.")]),
        "several recurrent modules are in it, `lstm`, `lstm2`; birnn's nets have one, and one with `char` in its name",
    );
    refused(
        renamed(&all, &[("embedding", "table."), ("fc", "out.")]),
        "several matrices could be its head, `out`, `table`",
    );
    refused(
        renamed(&all, &[("char_embedding", "letters.")]),
        "`char_lstm` reads characters, and there are no vectors of such",
    );
    refused(
        renamed(&all, &[("char_embedding", "emb2.")]),
        "several matrices could be its vectors of words, `emb2`, `embedding`",
    );
    let mut two = all.clone();
    two.extend(renamed(&all, &[("crf", "other.")]));
    refused(two, "several conditional random fields are in it, `crf`, `other`");
    let without: StateDict = all
        .iter()
        .filter(|(name, _)| *name != "crf.transitions")
        .map(|(n, a)| (n.clone(), a.clone()))
        .collect();
    let found = InferredModel::new(without).unwrap();
    let mismatch = check(&found.weights, &tagger().resolve().unwrap(), INPUTS, TAGS).unwrap_err();
    assert_eq!(mismatch.to_string(), "missing: `crf.transitions`");
    let flat = Array::new(vec![6], vec![0.0; 6]);
    refused(
        all.into_iter().chain([("char_lstm.weight_hh_l0".to_owned(), flat)]).collect(),
        "`char_lstm.weight_hh_l0` is no matrix",
    );
}
