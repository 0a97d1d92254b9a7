use super::*;
use crate::image::images::LabelledImages;
use crate::image::png::png;
use crate::image::synthetic;
use crate::load::Splits;
use crate::load::tests::{at, load_quietly, write};
use crate::modality::Modality;
use crate::split::Split;

/// Writes digits as pictures of a class each, named by number.
fn write_digits(folder: &Path, digits: &LabelledImages) {
    for (index, label) in digits.labels.iter().enumerate() {
        let picture = png(digits.images.get(index), [digits.images.rows, digits.images.cols]).unwrap();
        write(&folder.join(label.to_string()), &[(&format!("{index}.png"), picture)]);
    }
}

fn loaded(folder: &Path, more: &str) -> Result<Splits, String> {
    let mut config: crate::DataConfig =
        toml::from_str(&format!("dataset = \"folder\"\ntrain = \"train\"\n{more}")).unwrap();
    config.anchor(folder);
    let plan = config.resolve().map_err(|error| error.to_string())?;
    load_quietly(&plan, &at(folder, true)).map_err(|error| error.to_string())
}

fn preprocessing(splits: &Splits) -> Preprocessing {
    let Modality::Images { preprocessing: Some(preprocessing), .. } = splits.modality else {
        panic!("images")
    };
    preprocessing
}

#[test]
fn pictures_of_the_shape_are_the_images_that_they_were_written_from() {
    let folder = tempfile::tempdir().unwrap();
    let [train, test] = [(0, 60), (60, 30)].map(|(first, count)| synthetic::digits(0, first, count));
    write_digits(&folder.path().join("train"), &train);
    write_digits(&folder.path().join("test"), &test);
    let splits = loaded(folder.path(), "test = \"test\"").unwrap();
    assert_eq!(splits.outputs.classes().unwrap(), synthetic::classes());
    assert_eq!((splits.train, splits.test), (Split::from(train.clone()), Split::from(test)));
    assert!(splits.warnings.is_empty(), "{:?}", splits.warnings);
    let files: Vec<&str> = splits.provenance.files.iter().map(|file| file.name.as_str()).collect();
    assert_eq!((splits.provenance.dataset.as_str(), files), ("folder", vec!["train", "test"]));

    // What they are like is seen in them, and one folder is enough.
    let all = loaded(folder.path(), "test_share = 0.2\nvalidation = 5").unwrap();
    assert_eq!([all.train.len(), all.validation.len(), all.test.len()], [43, 5, 12]);
    assert_eq!(preprocessing(&all), Preprocessing::of(&train.images));
    let negative = loaded(folder.path(), "test_share = 0.2\ninvert = true").unwrap();
    assert_eq!(preprocessing(&negative).ground, Ground::Light);
    // The digest is of names and contents.
    let digest = |splits: &Splits| splits.provenance.files[0].content_sha256.clone();
    let before = digest(&all);
    let class = folder.path().join("train").join(train.labels[0].to_string());
    std::fs::rename(class.join("0.png"), class.join("00.png")).unwrap();
    assert_ne!(digest(&loaded(folder.path(), "test_share = 0.2").unwrap()), before);
}

#[test]
fn pictures_of_any_size_are_prepared_as_those_that_a_net_is_asked_about() {
    let folder = tempfile::tempdir().unwrap();
    // Dark on light and large, but for one that is the other way round.
    let digits = synthetic::digits(0, 0, 150);
    for (index, label) in digits.labels.iter().enumerate() {
        let twice = |at: usize| digits.images.get(index)[at / 56 / 2 * 28 + at % 56 / 2];
        let negative = if index == 7 { 0 } else { 255 };
        let pixels: Vec<u8> = (0..56 * 56).map(|at| twice(at) ^ negative).collect();
        let class = folder.path().join("train").join(["even", "odd"][usize::from(label % 2)]);
        write(&class, &[(&format!("{index}.png"), png(&pixels, [56, 56]).unwrap())]);
    }
    let negatives = |images: &Images| images.pixels.iter().map(|level| 255 - level).collect::<Vec<_>>();
    let all = loaded(folder.path(), "test_share = 0.25\nshape = [28, 28]").unwrap();
    let shown = preprocessing(&all);
    assert_eq!((shown.ground, shown.framing), (Ground::Light, Framing::Resize));
    let files = OwnFiles {
        format: crate::config::OwnFormat::Folder { shape: [28, 28], classes: None },
        train: folder.path().join("train"),
        test: None,
        validation: None,
    };
    let plan = crate::DataConfig::default().resolve().unwrap();
    let whole = read(&files, [28, 28], None, &plan).unwrap();
    assert_eq!(whole.train.images.pixels, negatives(&digits.images), "halved, and one turned");
    // As `predict` would have it.
    let path = folder.path().join("train/odd/7.png");
    let path = if path.is_file() { path } else { folder.path().join("train/even/7.png") };
    assert_eq!(picture::read(&path, [28, 28], &shown).unwrap(), whole.train.images.get(7));

    let framed = loaded(folder.path(), "test_share = 0.25\nframing = \"mnist\"").unwrap();
    assert_eq!(preprocessing(&framed), Preprocessing::default());
}

#[test]
fn what_cannot_be_trained_on_is_named() {
    let folder = tempfile::tempdir().unwrap();
    let train = folder.path().join("train");
    let picture = || png(&[0, 9, 200, 0], [2, 2]).unwrap();
    let of = |more: &str| loaded(folder.path(), &format!("shape = [2, 2]\n{more}"));
    #[track_caller]
    fn has(found: Result<Splits, String>, part: &str) {
        let error = found.unwrap_err();
        assert!(error.contains(part), "no `{part}` in: {error}");
    }
    let share = "test_share = 0.5";
    has(of(share), "train: no such file; say where it is now: --set data.train=PATH");
    std::fs::write(&train, "").unwrap();
    has(
        of(share),
        "train: is a file, and `data.train` names a folder with one folder of pictures for each class",
    );
    std::fs::remove_file(&train).unwrap();
    write(&train, &[("notes.txt", Vec::new())]);
    has(of(share), "train: has no folders in it: expected one for each class");
    write(&train.join("cat"), &[("1.png", picture()), ("2.PNG", picture())]);
    has(of(share), "train: all its pictures are of the class `cat`");
    write(&train.join("dog"), &[("readme.md", Vec::new())]);
    has(of(share), "train/dog: a class without pictures (*.png, *.jpg, ");
    has(of(share), "among those of the classes, and has readme.md");
    write(&train.join("dog/more"), &[("3.png", picture())]);
    write(&train.join(".git"), &[("4.png", picture())]);
    let splits = of(share).unwrap();
    assert_eq!(splits.outputs.classes().unwrap(), ["cat", "dog"]);
    let told = splits.warnings[0].to_string();
    assert!(
        told.starts_with("data.train: 2 files are no pictures in the folder of a class")
            && told.contains("readme.md"),
        "{told}"
    );

    has(
        of("test_share = 0.5\nclasses = [\"cat\", \"cow\"]"),
        "train: its folder `dog` is none of the classes: cat, cow",
    );
    write(&folder.path().join("test/bird"), &[("1.png", picture())]);
    has(of("test = \"test\""), "test: its folder `bird` is none of the classes: cat, dog");
    write(&train.join("cat"), &[("9.png", picture()[..20].to_vec())]);
    has(of(share), "train/cat/9.png: ");
    has(loaded(folder.path(), "shape = [0, 2]\ntest_share = 0.5"), "data.shape: ");
    has(loaded(folder.path(), ""), "data.dataset: `folder` wants two folders, and `data.test` is missing");
}

#[test]
fn what_is_hidden_is_no_picture() {
    let folder = tempfile::tempdir().unwrap();
    let of = |name: &str| {
        let path = folder.path().join(name);
        std::fs::create_dir_all(path.parent().unwrap()).unwrap();
        path
    };
    for (name, bytes) in [
        ("cat/1.png", &b"x"[..]),
        ("dog/1.png", b"x"),
        ("cat/.ipynb_checkpoints/1-checkpoint.png", b"x"),
        ("dog/._1.png", b"not a picture"),
        (".git/a/1.png", b""),
    ] {
        std::fs::write(of(name), bytes).unwrap();
    }
    let listed = Listed::of(folder.path(), None).unwrap();
    assert_eq!((listed.pictures.len(), listed.labels, listed.others.len()), (2, vec![0, 1], 0));
}

#[test]
fn names_are_sorted_as_people_count() {
    let mut names =
        ["b1", "10.png", "a", "9.png", "a001", "a1bb", "009.png", "a1c", "é2", "2/10.png", "2/9.png"];
    names.sort_by_cached_key(|name| natural(name));
    assert_eq!(
        names,
        ["2/9.png", "2/10.png", "009.png", "9.png", "10.png", "a", "a001", "a1bb", "a1c", "b1", "é2"]
    );
}
