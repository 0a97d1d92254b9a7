//! libtorch, GPUs, the processor.

use std::path::{Path, PathBuf};

use birnn_data::name::shown;
use birnn_engine::DeviceError;
use birnn_engine::device::{computes, cpu_threads, cuda_devices, libtorch_folder};
use birnn_infer::cpu::{self, instructions};
use birnn_kernels::{Instructions, Problem};
use birnn_run::LIBTORCH;

use crate::item::Item;

/// What there is to compute with.
pub(crate) fn items() -> Vec<Item> {
    // libtorch looks for CUDA only once, and the engine knows how.
    let cuda = cuda_devices().and_then(|count| (0..count as usize).try_for_each(computes).map(|()| count));
    let variable = variable("OMP_NUM_THREADS");
    vec![
        libtorch(libtorch_folder(), option_env!("LIBTORCH").map(Path::new)),
        gpu(cuda, &models(), has_nvidia_card()),
        processor(instructions(), Instructions::best(), variable_is_set("BIRNN_INSTRUCTIONS")),
        threads(cpu_threads() as usize, cores(), online(), variable.as_deref()),
    ]
}

fn variable(name: &str) -> Option<String> {
    std::env::var(name).ok().filter(|value| !value.is_empty())
}

fn variable_is_set(name: &str) -> bool {
    variable(name).is_some()
}

/// The libtorch in `folder`, where the system tells, compared with the one that birnn was built with.
fn libtorch(folder: Option<PathBuf>, built_with: Option<&Path>) -> Item {
    const NAME: &str = "libtorch";
    let Some(folder) = folder else { return Item::ok(NAME, format!("{LIBTORCH}, linked in")) };
    let build = if folder.join("libtorch_cuda.so").exists() { "CUDA" } else { "CPU" };
    let version = version(&folder).unwrap_or_else(|| LIBTORCH.to_owned());
    // What follows `+` tells of the build that it was cut down from.
    let version = version.split('+').next().unwrap_or_default();
    let text = format!("{version}, {build} build, in {}", shown(&folder));
    let real = |path: &Path| path.canonicalize().ok();
    if version != LIBTORCH {
        let remedy =
            "run `cargo xtask setup`, build anew, and see whether $LD_LIBRARY_PATH leads to another one";
        return Item::problem(NAME, format!("{text}; birnn was built for {LIBTORCH}"), remedy);
    }
    match built_with.map(|path| path.join("lib")) {
        Some(lib) if real(&lib) != real(&folder) => Item::note(
            NAME,
            format!("{text}; birnn was built with the one in {}", shown(&lib)),
            "should that be a mistake: run `cargo xtask setup`, or unset $LD_LIBRARY_PATH",
        ),
        Some(_) => Item::ok(NAME, format!("{text}, as recorded by `cargo xtask setup`")),
        None => Item::ok(NAME, text),
    }
}

/// What a libtorch says of itself, in either of the two files that its builds have.
fn version(lib: &Path) -> Option<String> {
    let above = lib.parent()?;
    if let Ok(text) = std::fs::read_to_string(above.join("build-version")) {
        return Some(text.trim().to_owned());
    }
    let text = std::fs::read_to_string(above.join("version.py")).ok()?;
    let value = text.lines().find_map(|line| line.strip_prefix("__version__ = "))?;
    Some(value.trim_matches(['\'', '"']).to_owned())
}

fn gpu(found: Result<i64, DeviceError>, models: &[String], has_card: bool) -> Item {
    const NAME: &str = "cuda";
    let seen = if models.is_empty() { String::new() } else { format!(": {}", models.join(", ")) };
    let hidden = variable("CUDA_VISIBLE_DEVICES")
        .map_or_else(String::new, |value| format!("; CUDA_VISIBLE_DEVICES is {value}"));
    let setup = "run `cargo xtask setup --cuda`, which installs the CUDA build";
    match found {
        Ok(count) => Item::ok(NAME, format!("{count} GPU(s){seen}{hidden}")),
        Err(DeviceError::NoDriver) if !has_card => Item::ok(
            NAME,
            "none: no NVIDIA driver (libcuda.so.1), and no NVIDIA card is seen; the CPU is used",
        ),
        Err(DeviceError::NoDriver) => Item::note(
            NAME,
            "there is an NVIDIA card, and no driver for it (libcuda.so.1 cannot be loaded); the CPU is used",
            "install the NVIDIA driver, then run `cargo xtask setup --cuda`",
        ),
        Err(DeviceError::CpuLibtorch(_)) => {
            Item::note(NAME, format!("there is a driver{seen}, and this libtorch is built for CPUs"), setup)
        }
        Err(DeviceError::Unloadable { path, reason }) => {
            Item::problem(NAME, format!("{} cannot be loaded: {reason}", shown(&path)), setup)
        }
        Err(error @ (DeviceError::NoKernels(_) | DeviceError::Failing { .. })) => {
            Item::note(NAME, format!("{error}{seen}{hidden}"), "--device takes another GPU, or the CPU")
        }
        Err(other) => {
            let known = matches!(other, DeviceError::NoGpu);
            let text = if known {
                "driver and libtorch are there, no GPU is usable".to_owned()
            } else {
                other.to_string()
            };
            Item::note(
                NAME,
                format!("{text}{seen}{hidden}"),
                "see what `nvidia-smi` shows; a driver too old for CUDA 13, or $CUDA_VISIBLE_DEVICES, hides \
                 a GPU",
            )
        }
    }
}

/// The GPUs that the NVIDIA driver lists.
fn models() -> Vec<String> {
    let folders = std::fs::read_dir("/proc/driver/nvidia/gpus").into_iter().flatten().flatten();
    let model = |folder: PathBuf| {
        let text = std::fs::read_to_string(folder.join("information")).ok()?;
        let line = text.lines().find_map(|line| line.strip_prefix("Model:"))?;
        Some(line.trim().to_owned())
    };
    folders.filter_map(|folder| model(folder.path())).collect()
}

fn has_nvidia_card() -> bool {
    let mut cards = std::fs::read_dir("/sys/bus/pci/devices").into_iter().flatten().flatten();
    cards.any(|card| {
        let read = |name: &str| std::fs::read_to_string(card.path().join(name)).unwrap_or_default();
        // Displays and 3D controllers alone: NVIDIA makes network cards too.
        read("vendor").starts_with("0x10de") && read("class").starts_with("0x03")
    })
}

fn processor(chosen: Instructions, best: Instructions, is_overruled: bool) -> Item {
    const NAME: &str = "cpu";
    let features = match features() {
        features if features.is_empty() => "none of the features looked for".to_owned(),
        features => features.join(", "),
    };
    let text = format!("{}: computes with {}; has {features}", cpu::name(), chosen.name());
    let problems = Instructions::problems();
    if let Some(first) = problems.first() {
        let told: String =
            problems.iter().map(|Problem { unit, why, .. }| format!("; has {unit} too, but {why}")).collect();
        return Item::note(NAME, text + &told, first.remedy);
    }
    match (chosen == best, is_overruled) {
        (true, false) if chosen.name() == "baseline" && cfg!(target_arch = "x86_64") => Item::note(
            NAME,
            text,
            "without AVX2 and FMA training is several times slower; a virtual machine may hide what its \
             host has",
        ),
        (true, false) => Item::ok(NAME, text),
        (true, true) => Item::ok(NAME, format!("{text}; BIRNN_INSTRUCTIONS is set")),
        (false, _) => Item::note(
            NAME,
            format!("{text}; BIRNN_INSTRUCTIONS asks for {}", chosen.name()),
            format!("unset BIRNN_INSTRUCTIONS to compute with {}", best.name()),
        ),
    }
}

/// Those that the kernels could use and the processor has.
fn features() -> Vec<&'static str> {
    macro_rules! those {
        ($detected:ident, $($name:tt),*) => {
            [$(($name, std::arch::$detected!($name))),*]
        };
    }
    #[cfg(target_arch = "x86_64")]
    let all = those!(
        is_x86_feature_detected,
        "avx2",
        "fma",
        "avx512f",
        "avx512vl",
        "avx512bw",
        "avx512dq",
        "avx512bf16"
    );
    #[cfg(target_arch = "aarch64")]
    let all = those!(is_aarch64_feature_detected, "neon");
    #[cfg(not(any(target_arch = "x86_64", target_arch = "aarch64")))]
    let all: [(&str, bool); 0] = [];
    let tiles = Instructions::all().into_iter().map(Instructions::name).find(|&name| name == "amx");
    all.into_iter().filter_map(|(name, is_there)| is_there.then_some(name)).chain(tiles).collect()
}

/// Cores that this process may use: affinity and the quota of a container count.
fn cores() -> usize {
    std::thread::available_parallelism().map_or(1, usize::from)
}

/// Cores that the machine has, where the system tells.
fn online() -> usize {
    let text = std::fs::read_to_string("/proc/cpuinfo").unwrap_or_default();
    text.lines().filter(|line| line.starts_with("processor")).count()
}

fn threads(used: usize, cores: usize, online: usize, variable: Option<&str>) -> Item {
    const NAME: &str = "threads";
    let of = match online > cores {
        true => format!(" of the machine's {online}, by affinity or a container's limit"),
        false => String::new(),
    };
    let set = variable.map_or_else(String::new, |value| format!("; OMP_NUM_THREADS is {value}"));
    let text = format!("{used} to compute with, {cores} core(s) to run on{of}{set}");
    if variable.is_some_and(|value| cpu::threads_of(value).is_err()) {
        let remedy = "unset OMP_NUM_THREADS, or set it to a number: all other commands refuse it as it is";
        return Item::note(NAME, text, remedy);
    }
    match used.cmp(&cores) {
        std::cmp::Ordering::Greater => Item::note(
            NAME,
            text,
            format!("set OMP_NUM_THREADS={cores}: threads without a core hold up the others"),
        ),
        std::cmp::Ordering::Less if variable.is_some() => {
            Item::note(NAME, text, format!("unset OMP_NUM_THREADS, or set it to {cores}, to use every core"))
        }
        _ => Item::ok(NAME, text),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::item::State;

    #[track_caller]
    fn is(item: &Item, state: State, part: &str) {
        let all = format!("{} -> {}", item.finding, item.remedy.as_deref().unwrap_or_default());
        assert!(item.state == state && all.contains(part), "{item:?}");
    }

    #[test]
    fn each_reason_for_no_cuda_has_its_remedy() {
        let gpu = |found, has_card| gpu(found, &["NVIDIA X".to_owned()], has_card);
        is(&gpu(Ok(2), true), State::Ok, "2 GPU(s): NVIDIA X");
        is(&gpu(Err(DeviceError::NoDriver), false), State::Ok, "no NVIDIA driver");
        is(&gpu(Err(DeviceError::NoDriver), true), State::Note, "-> install the NVIDIA driver");
        is(&gpu(Err(DeviceError::CpuLibtorch("x".into())), true), State::Note, "setup --cuda");
        let broken = DeviceError::Unloadable { path: "x".into(), reason: "y".to_owned() };
        is(&gpu(Err(broken), true), State::Problem, "setup --cuda");
        is(&gpu(Err(DeviceError::NoGpu), true), State::Note, "nvidia-smi");
        is(&gpu(Err(DeviceError::NoKernels(1)), true), State::Note, "has no kernels for a GPU of its kind");
    }

    #[test]
    fn threads_are_held_against_cores() {
        is(&threads(4, 4, 4, None), State::Ok, "4 to compute with, 4 core(s)");
        is(&threads(2, 2, 64, None), State::Ok, "of the machine's 64");
        is(&threads(64, 2, 64, None), State::Note, "set OMP_NUM_THREADS=2");
        is(&threads(1, 4, 4, Some("1")), State::Note, "unset OMP_NUM_THREADS");
        is(&threads(4, 4, 4, Some("many")), State::Note, "set it to a number");
        // Half of the hardware threads is what libtorch may take by itself.
        is(&threads(2, 4, 4, None), State::Ok, "2 to compute");
    }

    #[test]
    fn a_libtorch_other_than_the_recorded_is_told_of() {
        let folder = tempfile::tempdir().unwrap();
        let (lib, other) = (folder.path().join("a/lib"), folder.path().join("b/lib"));
        for folder in [&lib, &other] {
            std::fs::create_dir_all(folder).unwrap();
        }
        std::fs::write(folder.path().join("a/version.py"), "x = 1\n__version__ = '2.11.0+cpu'\n").unwrap();
        let of = |built_with: &str| libtorch(Some(lib.clone()), Some(&folder.path().join(built_with)));
        is(&of("a"), State::Ok, "2.11.0, CPU build, in ");
        is(&of("b"), State::Note, "built with the one in ");
        std::fs::write(folder.path().join("a/build-version"), "2.10.0+cpu\n").unwrap();
        is(&of("a"), State::Problem, "birnn was built for 2.11.0");
        is(&libtorch(None, None), State::Ok, "linked in");
    }
}
