//! Kits that are too large, ask for too much, or were altered; and the counting of waits, for real.

use std::os::unix::fs::PermissionsExt;

use super::*;

/// A kit with these files, each of so many bytes.
fn kit(files: &[(&str, usize)]) -> tempfile::TempDir {
    let dir = tempfile::tempdir().unwrap();
    for (name, size) in files {
        let path = dir.path().join(name);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, vec![b'x'; *size]).unwrap();
    }
    dir
}

#[test]
fn every_file_is_listed_by_its_digest() {
    let kit = kit(&[("run", 3), ("bin/birnn", 1), ("data/a b.gz", 0)]);
    assert_eq!(seal(kit.path(), 4).unwrap(), 4);
    let sums = fs::read_to_string(kit.path().join(SUMS)).unwrap();
    let names: Vec<&str> = sums.lines().map(|line| line.split_once("  ").unwrap().1).collect();
    assert_eq!(names, ["bin/birnn", "data/a b.gz", "run"]);
    assert!(sums.starts_with("2d711642b726b04401627ca9fbac32f5c8530fb1903cc4db02258717921a4881  "), "of x");
}

#[test]
fn a_kit_that_is_too_large_names_its_largest_files() {
    let kit = kit(&[("a", 1 << 20), ("bin/birnn", 3 << 20), ("data/m", 2 << 20), ("z", 9)]);
    let error = seal(kit.path(), 5 << 20).unwrap_err().to_string();
    let told = "the kit takes 6.0 MiB, more than 5.0 MiB: make its largest files smaller (bin/birnn 3.0 MiB, \
                data/m 2.0 MiB, a 1.0 MiB)";
    assert_eq!(error, told);
    assert!(!kit.path().join(SUMS).exists(), "what has no list is no kit");
}

#[test]
fn a_program_that_other_machines_cannot_start_is_refused() {
    let line = |kind: &str, value: &str| format!(" 0x01 ({kind})  Something: [{value}]\n");
    let good = line("NEEDED", "libtorch_cpu.so") + &line("NEEDED", "libc.so.6") + &line("RUNPATH", "/here");
    check_dynamic(&good).unwrap();
    let problem = |more: String| check_dynamic(&(good.clone() + &more)).unwrap_err().to_string();
    assert!(problem(line("NEEDED", "libssl.so.3")).starts_with("the program needs libssl.so.3, which"));
    assert!(problem(line("NEEDED", "libtorch_cuda.so")).contains("libtorch_cuda.so"));
    assert!(problem(line("RPATH", "/here")).contains("in /here first"));
}

#[test]
fn the_newest_glibc_counts() {
    let symbols = "0000 DF *UND* 0000 (GLIBC_2.9) memcpy\n0000 DF *UND* 0000 (GLIBC_2.35) _dl_find_object\n\
                   0000 DF *UND* 0000 (GLIBC_2.2.5) free\n0000 DF *UND* 0000 (GLIBCXX_3.4.29) x\n";
    assert_eq!(newest_glibc(symbols).as_deref(), Some("2.35"));
    assert_eq!(newest_glibc("GLIBC_PRIVATE"), None);
}

fn source(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("gpu").join(name)
}

/// What `run` says of a kit that `damage` was done to, and its exit code.
fn refused(damage: impl Fn(&Path)) -> (String, Option<i32>) {
    let kit = kit(&[("bin/birnn", 5), ("about.json", 2)]);
    for (name, to) in [("run.py", "run"), ("place.py", ""), ("checks.py", ""), ("table.py", "")] {
        fs::copy(source(name), kit.path().join(if to.is_empty() { name } else { to })).unwrap();
    }
    fs::set_permissions(kit.path().join("run"), fs::Permissions::from_mode(0o755)).unwrap();
    seal(kit.path(), MOST).unwrap();
    damage(kit.path());
    let output = Command::new("python3").arg(kit.path().join("run")).output().unwrap();
    assert!(!kit.path().join("__pycache__").exists(), "the kit stays what it was");
    let said = String::from_utf8(output.stderr).unwrap();
    (said.lines().last().unwrap_or_default().to_owned(), output.status.code())
}

#[test]
fn an_altered_kit_is_not_run() {
    let altered = refused(|kit| fs::write(kit.join("bin/birnn"), "yyyyy").unwrap());
    assert!(
        altered.0.ends_with("bin/birnn is not what was packed: pack or copy the kit anew"),
        "{altered:?}"
    );
    let missing = refused(|kit| fs::remove_file(kit.join("table.py")).map_or((), |()| ()));
    assert!(missing.0.contains("table"), "{missing:?}");
    let unlisted = refused(|kit| fs::remove_file(kit.join(SUMS)).unwrap());
    assert!(unlisted.0.contains("SHA256SUMS is missing"), "{unlisted:?}");
    assert_eq!((altered.1, unlisted.1), (Some(2), Some(2)));
}

#[test]
fn the_scripts_are_python() {
    let dir = tempfile::tempdir().unwrap();
    for entry in fs::read_dir(source("")).unwrap().map(|entry| entry.unwrap().path()) {
        if entry.extension().is_some_and(|extension| extension == "py") {
            let mut compile = Command::new("python3");
            compile.args(["-m", "py_compile"]).arg(&entry).env("PYTHONPYCACHEPREFIX", dir.path());
            output(&mut compile, "python3").unwrap();
        }
    }
}

/// A libcudart whose symbols have versions, as NVIDIA's have; a program that calls it; and the shim between.
#[test]
fn waits_are_counted_and_handed_on() {
    let dir = tempfile::tempdir().unwrap();
    let here = |name: &str| dir.path().join(name);
    let functions = "int cudaStreamSynchronize(void *s) { return 41; }\n\
         int cudaEventSynchronize(void *e) { return 42; }\n\
         int cudaDeviceSynchronize(void) { return 43; }\n\
         int cudaMemcpy(void *t, const void *f, unsigned long n, int k) { return k; }\n\
         int cudaMemcpyAsync(void *t, const void *f, unsigned long n, int k, void *s) { return k + 10; }\n";
    fs::write(here("cudart.c"), functions).unwrap();
    fs::write(here("map"), "libcudart.so.13 { global: *; };\n").unwrap();
    let program = "int cudaStreamSynchronize(void *);\n\
         int cudaMemcpyAsync(void *, const void *, unsigned long, int, void *);\n\
         int main(void) { int ok = 1;\n\
         for (int n = 0; n < 3; n++) ok &= cudaStreamSynchronize(0) == 41;\n\
         ok &= cudaMemcpyAsync(0, 0, 0, 2, 0) == 12 && cudaMemcpyAsync(0, 0, 0, 1, 0) == 11;\n\
         return ok ? 0 : 1; }\n";
    fs::write(here("main.c"), program).unwrap();
    let compile = |args: &[&std::ffi::OsStr]| {
        output(Command::new("c++").args(["-x", "c"]).args(args), "g++").unwrap();
    };
    let script = format!("-Wl,--version-script={}", here("map").display());
    let shared = ["-shared".as_ref(), "-fPIC".as_ref(), "-o".as_ref()];
    let (cudart, shim, main) = (here("libcudart.so.13"), here("libwaits.so"), here("main"));
    let soname = "-Wl,-soname,libcudart.so.13".as_ref();
    compile(
        &[&[here("cudart.c").as_os_str()], &shared[..], &[cudart.as_os_str(), script.as_ref(), soname]]
            .concat(),
    );
    compile(&[&[source("waits.c").as_os_str()], &shared[..], &[shim.as_os_str(), "-ldl".as_ref()]].concat());
    let none = ["-x".as_ref(), "none".as_ref()];
    compile(
        &[&[here("main.c").as_os_str()], &none[..], &[cudart.as_os_str(), "-o".as_ref(), main.as_os_str()]]
            .concat(),
    );
    let mut counted = Command::new(&main);
    counted.env("LD_LIBRARY_PATH", dir.path()).env("LD_PRELOAD", &shim).env("BIRNN_WAITS", here("counts"));
    output(&mut counted, "g++").unwrap();
    let expected =
        "{\"stream\": 3, \"event\": 0, \"device\": 0, \"copy\": 0, \"to_host\": 1, \"to_device\": 1}\n";
    assert_eq!(fs::read_to_string(here("counts")).unwrap(), expected);
}
