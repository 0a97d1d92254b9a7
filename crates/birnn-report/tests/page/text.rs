//! Pages of nets of sentences: what each direction has in a tag, what a conditional random field learnt, and
//! how probable tokens of the sentences themselves are found.

use birnn_architecture::{EmbeddingConfig, Head};
use birnn_data::{Folding, Hide, HideWhat, Scheme, SelfTargets, Sentences, Text};

use birnn_experiment::{Leak, TaskKind};

use super::*;

/// Tags of IOB2, in a scheme or as they are.
const TAGS: [&str; 5] = ["O", "B-PER", "I-PER", "B-<loc>", "I-<loc>"];

/// What differs between these nets.
#[derive(Clone, Copy)]
struct Net {
    head: Head,
    layers: usize,
    bidirectional: bool,
    scheme: Option<Scheme>,
    per: Per,
}

const TAGGER: Net =
    Net { head: Head::Crf, layers: 1, bidirectional: true, scheme: Some(Scheme::Iob2), per: Per::Step };

/// Sentences of these lengths, some tokens of which are markup, whose tags say nothing of them.
fn sentences(lengths: &[usize], per: Per) -> Split {
    let words = ["uncle", "Ana", HOSTILE, "said", "日本"];
    let mut sentences = Sentences::default();
    for (index, &length) in lengths.iter().enumerate() {
        (0..length).for_each(|step| sentences.push(words[(index + step * step) % words.len()]));
        sentences.end();
    }
    let sequences = sentences.finish();
    // Legal ones: a person of two tokens, then one outside.
    let of_step = |length: usize| (0..length).map(|step| if step % 3 == 2 { 0 } else { 1 + step as u16 % 3 });
    let classes = match per {
        Per::Step => lengths.iter().flat_map(|&length| of_step(length)).collect(),
        Per::Sequence => (0..lengths.len()).map(|index| (index % 2) as u16).collect(),
    };
    Split { sequences, targets: Targets { values: TargetValues::Classes(classes), per } }
}

fn page_of_net(net: Net, lengths: &[usize], tags: &[&str]) -> String {
    let test = sentences(lengths, net.per);
    let task = Classify {
        scheme: net.scheme,
        ..Classify::new(tags.iter().map(ToString::to_string).collect(), net.per)
    };
    let predictor = net_told(
        &[],
        |experiment| {
            let model = &mut experiment.model;
            (model.head, model.layers, model.bidirectional) = (net.head, net.layers, net.bidirectional);
            model.readout = if net.per == Per::Step { Readout::Sequence } else { Readout::Final };
            model.embedding = Some(EmbeddingConfig { width: 3, ..EmbeddingConfig::default() });
        },
        |told| {
            told.modality = Modality::Text(Text::of(&test.sequences, Folding::default(), 1));
            told.task = Task::Classify(task);
        },
    );
    make_of(&predictor, &records("run"), &provenance(), &test)
}

const LENGTHS: [usize; 8] = [1, 4, 9, 15, 3, 22, 6, 40];

/// What is there of either part, whatever the net.
#[test]
fn taggers_of_sentences_have_a_page() {
    for (net, directions, transitions) in [
        (TAGGER, true, true),
        (Net { layers: 2, ..TAGGER }, true, true),
        (Net { scheme: None, ..TAGGER }, true, true),
        (Net { head: Head::Linear, ..TAGGER }, true, false),
        (Net { bidirectional: false, ..TAGGER }, false, true),
        (Net { head: Head::Linear, bidirectional: false, ..TAGGER }, false, false),
    ] {
        let html = page_of_net(net, &LENGTHS, &TAGS);
        assert!(!html.contains("<script"), "markup got through");
        let figures = ["loss", "accuracy", "rate", "speed", "length", "reliability", "gradient"];
        let figures: Vec<&str> = figures.into_iter().chain(directions.then_some("directions")).collect();
        is_whole_for_sentences(&html, &figures, false);
        for (part, is_there) in [
            ("class=\"added\"", directions),
            ("reverse alone", directions),
            ("The bars below are what the forward (left)", directions),
            ("have read the tokens up to it", directions && net.layers == 1),
            ("may know of tokens on both sides", directions && net.layers == 2),
            ("F1 of spans", net.scheme.is_some()),
            ("by answered type of span", directions && net.scheme.is_some()),
            ("by answered tag", directions && net.scheme.is_none()),
            ("its transitions decided", directions && transitions),
            ("still finds the tags together", directions && transitions),
            ("<h3>Transitions</h3>", transitions),
            (">from \\ to<", transitions),
            ("class=\"illegal\"", transitions && net.scheme.is_some()),
            ("transition that the scheme of the tags forbids", transitions && net.scheme.is_some()),
            (".transitions {", transitions),
            (".token .added {", directions),
        ] {
            assert_eq!(html.contains(part), is_there, "`{part}`");
        }
        assert!(!html.contains("class=\"band"), "tags are written out");
    }
}

/// A row for each tag and the start, each cell with its score or a mark in its place.
#[test]
fn transitions_are_a_table_that_can_be_read_without_colours() {
    let html = page_of_net(TAGGER, &LENGTHS, &TAGS);
    let document = parse(&html);
    let map =
        document.descendants().find(|node| node.attribute("aria-label") == Some("Transitions")).unwrap();
    assert_eq!((map.attribute("class"), map.attribute("tabindex")), (Some("scroll transitions"), Some("0")));
    let texts = |name: &'static str| {
        let nodes = map.descendants().filter(move |node| node.has_tag_name(name));
        nodes.map(|node| node.text().unwrap_or_default().to_owned()).collect::<Vec<_>>()
    };
    let named = [&["from \\ to"], &TAGS[..], &["end", "start"], &TAGS].concat();
    assert_eq!(texts("th"), named);
    let cells = texts("td");
    // Of IOB2: `I-` after another type, after `O` and at the start.
    assert_eq!(cells.len(), 36);
    assert_eq!(cells.iter().filter(|cell| *cell == "×").count(), 2 + 2 + 4);
    assert_eq!(cells.iter().filter(|cell| cell.is_empty()).count(), 1, "from the start to the end");
    assert!(
        cells.iter().all(|cell| cell.is_empty() || cell == "×" || cell.parse::<f64>().is_ok()),
        "{cells:?}"
    );
    let titles: Vec<&str> = map.descendants().filter_map(|node| node.attribute("title")).collect();
    assert_eq!(titles.len(), 35);
    assert!(titles.contains(&"start to I-PER: not legal") && titles[0].starts_with("start to O: "));
}

/// 45 tags are drawn, in their own box; more than the map bears are listed.
#[test]
fn many_tags_have_a_map_and_too_many_a_list() {
    for (count, is_drawn) in [(45, true), (70, false)] {
        let tags: Vec<String> = (0..count).map(|tag| format!("T{tag}")).collect();
        let tags: Vec<&str> = tags.iter().map(String::as_str).collect();
        let html = page_of_net(Net { scheme: None, ..TAGGER }, &LENGTHS, &tags);
        parse(&html);
        assert_eq!(html.contains("class=\"scroll transitions close\""), is_drawn, "{count}");
        assert_eq!(html.contains("too many tags for a map"), !is_drawn);
        assert!(html.contains("The highest and the lowest scores"));
        assert!(html.len() < 1_000_000, "{} bytes", html.len());
    }
}

/// The numbers below a sentence add up, as far as they are shown.
#[test]
fn the_numbers_of_the_bars_add_up() {
    let html = page_of_net(TAGGER, &LENGTHS, &TAGS);
    let document = parse(&html);
    let tables = document.descendants().filter(|node| {
        node.has_tag_name("table")
            && node.descendants().any(|cell| cell.text() == Some("logit") && cell.has_tag_name("th"))
    });
    let (mut tables_seen, mut rows_seen) = (0, 0);
    for table in tables {
        tables_seen += 1;
        for row in table.descendants().filter(|node| node.has_tag_name("tr")).skip(1) {
            let cells: Vec<&str> = row.children().filter_map(|cell| cell.text()).collect();
            let numbers: Vec<f64> = cells[2..].iter().map(|cell| cell.parse().unwrap()).collect();
            let [logit, forward, reverse, bias] = numbers[..] else { panic!("{cells:?}") };
            assert!((logit - forward - reverse - bias).abs() < 0.021, "{cells:?}");
            assert!(TAGS.contains(&cells[1]), "{cells:?}");
            rows_seen += 1;
        }
    }
    assert!(tables_seen == 3 && rows_seen >= 3, "{tables_seen} tables, {rows_seen} rows");
    let titles: Vec<&str> = document.descendants().filter_map(|node| node.attribute("title")).collect();
    assert!(titles.iter().any(|title| title.starts_with("logit ") && title.contains(" + reverse ")));
}

/// Of texts with one class each, and of series, nothing is said of directions or transitions.
#[test]
fn of_other_nets_nothing_of_it_is_shown() {
    let whole = Net { head: Head::Linear, scheme: None, per: Per::Sequence, ..TAGGER };
    let test =
        Split { targets: targets(&series(2, &[7; 20]).sequences, &[], Per::Step), ..series(2, &[7; 20]) };
    for html in [
        page_of_net(whole, &LENGTHS, &["a", "b"]),
        page_of_task(&test, tagger(&["a", "b"]), &records("run")),
        make(&net(&["a", "b"], |_| ()), &records("run"), &provenance()),
    ] {
        for part in ["class=\"added\"", "reverse alone", "ransitions", "id=\"directions\""] {
            assert!(!html.contains(part), "`{part}`");
        }
    }
}

/// Of nets that answer with tokens of the sentences themselves.
#[test]
fn nets_of_tokens_have_a_page() {
    let hide = Hide { what: HideWhat::Points, share: 0.4, steps: 1 };
    for (own, bidirectional, leaks) in [
        (SelfTargets::Next, false, false),
        (SelfTargets::Next, true, true),
        (SelfTargets::Hidden(hide), true, false),
    ] {
        let lengths: Vec<usize> = (0..60).map(|index| 1 + index * 7 % 23).collect();
        let sequences = sentences(&lengths, Per::Step).sequences;
        let text = Text::of(&sequences, Folding::default(), 1);
        let test = text.answered_by_itself(own, sequences);
        let predictor = net_told(
            &[],
            |experiment| {
                let model = &mut experiment.model;
                (model.readout, model.bidirectional) = (Readout::Sequence, bidirectional);
                model.embedding = Some(EmbeddingConfig { width: 3, ..EmbeddingConfig::default() });
                if leaks {
                    (experiment.task.kind, experiment.task.leak) = (TaskKind::Next, Some(Leak::Show));
                }
            },
            |told| {
                let classes = text.words.clone();
                told.task =
                    Task::Classify(Classify { self_targets: Some(own), ..Classify::new(classes, Per::Step) });
                told.modality = Modality::Text(text.clone());
            },
        );
        let html = make_of(&predictor, &records("run"), &provenance(), &test);
        assert!(!html.contains("<script"), "markup got through");
        let figures = ["loss", "accuracy", "rate", "speed", "by-place", "gradient"];
        is_whole_for_sentences(&html, &figures, false);
        for part in ["perplexity", "by counting tokens", "The tokens that cost most", "class=\"token wrong"] {
            assert!(html.contains(part), "`{part}`");
        }
        let what = if own == SelfTargets::Next { "next tokens" } else { "hidden tokens" };
        assert!(html.contains(what), "{what}");
        assert_eq!(html.contains("This net has read what it is asked for"), leaks);
    }
}

#[test]
fn where_no_token_is_asked_for_there_is_no_page() {
    let sequences = sentences(&[1, 1], Per::Step).sequences;
    let text = Text::of(&sequences, Folding::default(), 1);
    let test = text.answered_by_itself(SelfTargets::Next, sequences);
    let predictor = net_told(
        &[],
        |experiment| {
            (experiment.model.readout, experiment.model.bidirectional) = (Readout::Sequence, false);
            experiment.model.embedding = Some(EmbeddingConfig { width: 3, ..EmbeddingConfig::default() });
        },
        |told| {
            let classes = text.words.clone();
            told.task = Task::Classify(Classify {
                self_targets: Some(SelfTargets::Next),
                ..Classify::new(classes, Per::Step)
            });
            told.modality = Modality::Text(text.clone());
        },
    );
    let (weights, records, provenance, train) =
        (Path::new("w"), Records::default(), provenance(), &test.sequences);
    let run = Run {
        weights,
        predictor: &predictor,
        records: &records,
        provenance: &provenance,
        train,
        test: &test,
    };
    assert!(matches!(page(&run), Err(ReportError::NothingAsked)));
}
