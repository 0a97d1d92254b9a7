//! Compiles the shim over libtorch's process group, where the libtorch in use has one.

use std::path::{Path, PathBuf};

/// The constructor of c10d's Gloo backend, as its name is mangled.
const CONSTRUCTOR: &[u8] = b"4c10d16ProcessGroupGlooC1E";

fn main() {
    println!("cargo::rerun-if-changed=shim");
    println!("cargo::rustc-check-cfg=cfg(gloo)");
    // torch-sys tells those who depend on it where libtorch is.
    let Some(lib) = std::env::var_os("DEP_TCH_LIBTORCH_LIB").map(PathBuf::from) else { return };
    println!("cargo::rerun-if-env-changed=LIBTORCH_INCLUDE");
    let root = std::env::var_os("LIBTORCH_INCLUDE").map(PathBuf::from);
    let root = root.or_else(|| lib.parent().map(Path::to_owned)).unwrap_or_default();
    let include = root.join("include");
    if !include.join("torch/csrc/distributed/c10d/ProcessGroupGloo.hpp").exists() || !has_gloo(&lib) {
        return;
    }
    cc::Build::new()
        .cpp(true)
        .std("c++17")
        // It forwards calls, and its headers are not ours to mend.
        .opt_level(0)
        .debug(false)
        .warnings(false)
        .include("shim")
        .include(&include)
        .include(include.join("torch/csrc/api/include"))
        .file("shim/c10d.cpp")
        .compile("birnn_c10d");
    println!("cargo::rustc-cfg=gloo");
    println!("cargo::rustc-link-search=native={}", lib.display());
    println!("cargo::rustc-link-lib=torch_cpu");
    println!("cargo::rustc-link-lib=c10");
}

/// Whether libtorch was built with Gloo: its headers say what there could be, the library what there is.
fn has_gloo(lib: &Path) -> bool {
    let library = ["libtorch_cpu.so", "libtorch_cpu.dylib"]
        .map(|name| lib.join(name))
        .into_iter()
        .find(|path| path.exists());
    let Some(library) = library else { return false };
    println!("cargo::rerun-if-changed={}", library.display());
    let bytes = std::fs::read(&library).unwrap_or_default();
    memchr::memmem::find(&bytes, CONSTRUCTOR).is_some()
}
