//! Where to compute, and why not where it was asked for.
//!
//! Asking for an accelerator that cannot be had is an error that says what is missing; only `auto` falls
//! back.

use std::error::Error;
use std::path::{Path, PathBuf};
use std::sync::OnceLock;

use birnn_data::name::shown;
use birnn_experiment::DeviceChoice;
use birnn_infer::cpu::instructions;
use birnn_kernels::{Precision, Workers};
use birnn_run::Cpu;
use tch::{Cuda, Device, Kind, Tensor};

/// Why a device cannot be had.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum DeviceError {
    /// No NVIDIA driver.
    #[error(
        "no CUDA here: the NVIDIA driver is missing (libcuda.so.1 cannot be loaded); install it, or use `cpu`"
    )]
    NoDriver,
    /// A driver, but a libtorch built for CPUs.
    #[error(
        "no CUDA here: there is a driver, but the libtorch in {0} is built for CPUs; run `cargo xtask setup \
         --cuda`"
    )]
    CpuLibtorch(PathBuf),
    /// A CUDA libtorch that cannot be loaded.
    #[error(
        "no CUDA here: {path} cannot be loaded: {reason}; run `cargo xtask setup --cuda`",
        path = shown(.path)
    )]
    Unloadable {
        /// The library.
        path: PathBuf,
        /// What the loader said.
        reason: String,
    },
    /// Driver and library, but libtorch finds no usable device.
    #[error(
        "no CUDA here: libtorch finds no usable GPU; `nvidia-smi` shows what the driver sees, and how new it is: it may be \
         older than this libtorch's CUDA asks for, or $CUDA_VISIBLE_DEVICES hides the GPU"
    )]
    NoGpu,
    /// A GPU of a kind that this libtorch has no kernels for.
    #[error("no `cuda:{0}` here: this libtorch has no kernels for a GPU of its kind; use `cpu`")]
    NoKernels(usize),
    /// A GPU that does not compute, as one that is full, or that others have for themselves.
    #[error("`cuda:{index}` does not compute: {reason}; see with `nvidia-smi` who uses it, or use `cpu`")]
    Failing {
        /// The GPU.
        index: usize,
        /// What libtorch said.
        reason: String,
    },
    /// An index beyond the GPUs present.
    #[error(
        "no `cuda:{index}` here: {count} GPU(s) present, counted from 0; take another (a run goes on on it with --resume RUN \
         --set train.device=cuda:0), or no more processes than there are GPUs"
    )]
    NoSuchGpu {
        /// The index asked for.
        index: usize,
        /// GPUs present.
        count: i64,
    },
}

/// The device itself, or why it cannot be had. Call it before anything else that uses libtorch: a CUDA
/// library that was not linked in is loaded here, and libtorch asks for it only once.
///
/// Of several processes on a host, `local_rank` is which one this is, from 0. Of GPUs each has one of its
/// own, counted on from the first's; one that sees a single GPU takes that, since launchers can show each
/// process its own. A process that is alone (`None`) computes on the CPU with `auto` where its GPU is of no
/// use; among others it would be the only one.
pub fn resolve(choice: DeviceChoice, local_rank: Option<usize>) -> Result<Device, DeviceError> {
    let first = match choice {
        DeviceChoice::Cpu => return Ok(Device::Cpu),
        DeviceChoice::Cuda(first) => first,
        DeviceChoice::Auto => 0,
    };
    let gpu = cuda_devices().and_then(|count| gpu_of(first, local_rank.unwrap_or(0), count));
    match gpu.and_then(|index| computes(index).map(|()| index)) {
        Ok(index) => Ok(Device::Cuda(index)),
        Err(reason) if choice == DeviceChoice::Auto && reason.is_of_machine(local_rank.is_none()) => {
            // A driver without a usable libtorch is most likely a surprise; no driver is not.
            if reason != DeviceError::NoDriver {
                tracing::warn!("{reason}");
            }
            Ok(Device::Cpu)
        }
        Err(reason) => Err(reason),
    }
}

impl DeviceError {
    /// Whether there is nothing to wait for or to choose otherwise, on this machine, or for a process that is
    /// alone on it.
    fn is_of_machine(&self, is_alone: bool) -> bool {
        match self {
            DeviceError::NoDriver
            | DeviceError::CpuLibtorch(_)
            | DeviceError::Unloadable { .. }
            | DeviceError::NoGpu => true,
            DeviceError::NoKernels(_) => is_alone,
            DeviceError::Failing { .. } | DeviceError::NoSuchGpu { .. } => false,
        }
    }
}

fn gpu_of(first: usize, local_rank: usize, count: i64) -> Result<usize, DeviceError> {
    let index = if count == 1 && local_rank > 0 { first } else { first + local_rank };
    match (index as i64) < count {
        true => Ok(index),
        false => Err(DeviceError::NoSuchGpu { index, count }),
    }
}

/// Whether a GPU answers at all: libtorch counts those, too, that its kernels are not made for.
pub fn computes(index: usize) -> Result<(), DeviceError> {
    let sum =
        || Tensor::f_ones([1], (Kind::Float, Device::Cuda(index)))?.f_sum(Kind::Float)?.f_double_value(&[]);
    sum().map(drop).map_err(|error| failing(index, &error.to_string()))
}

fn failing(index: usize, said: &str) -> DeviceError {
    match said.contains("no kernel image") {
        true => DeviceError::NoKernels(index),
        false => DeviceError::Failing { index, reason: said.lines().next().unwrap_or_default().to_owned() },
    }
}

/// As what a device would be asked for.
pub fn choice(device: Device) -> DeviceChoice {
    match device {
        Device::Cuda(index) => DeviceChoice::Cuda(index),
        // The engine makes no tensors elsewhere.
        Device::Cpu | Device::Mps | Device::Vulkan => DeviceChoice::Cpu,
    }
}

/// How many GPUs libtorch can use; at least 1.
pub fn cuda_devices() -> Result<i64, DeviceError> {
    if !loads("libcuda.so.1") {
        return Err(DeviceError::NoDriver);
    }
    if let Some(folder) = libtorch_folder() {
        let library = folder.join("libtorch_cuda.so");
        if !library.exists() {
            return Err(DeviceError::CpuLibtorch(folder));
        }
        // Where the files are links into a store, what it needs in turn lies beside the links.
        load_for_good(&library)
            .or_else(|reason| load_for_good(Path::new("libtorch_cuda.so")).map_err(|_| reason))
            .map_err(|reason| DeviceError::Unloadable { path: library, reason })?;
    }
    if !Cuda::is_available() {
        return Err(DeviceError::NoGpu);
    }
    Ok(Cuda::device_count())
}

/// What results of this precision depend on where this process computes on a CPU.
pub fn cpu(precision: Precision) -> Cpu {
    Cpu { threads: cpu_threads(), instructions: instructions().at(precision).name().to_owned() }
}

/// The threads to compute with on a CPU: libtorch's, as they were when first asked for. Later libtorch
/// itself may be left with one.
pub fn cpu_threads() -> i32 {
    static THREADS: OnceLock<i32> = OnceLock::new();
    *THREADS.get_or_init(tch::get_num_threads)
}

/// The threads of a CPU and what they compute with: one set of them for all nets of the process.
pub fn workers() -> &'static Workers {
    static WORKERS: OnceLock<Workers> = OnceLock::new();
    WORKERS.get_or_init(|| Workers::new(cpu_threads() as usize, instructions()))
}

/// The folder that libtorch was loaded from, where the system tells.
pub fn libtorch_folder() -> Option<PathBuf> {
    let maps = std::fs::read_to_string("/proc/self/maps").ok()?;
    let line = maps.lines().find(|line| line.ends_with("/libtorch_cpu.so"))?;
    let path = Path::new(line.get(line.find('/')?..)?);
    path.parent().map(Path::to_owned)
}

fn loads(library: &str) -> bool {
    load(Path::new(library)).is_ok()
}

/// Loads a library and never unloads it: libtorch registers the GPU from its constructors.
fn load_for_good(library: &Path) -> Result<(), String> {
    load(library).map(std::mem::forget)
}

#[expect(
    unsafe_code,
    reason = "loading a library runs its constructors; these are the NVIDIA driver's and libtorch's own"
)]
fn load(library: &Path) -> Result<libloading::os::unix::Library, String> {
    use libloading::os::unix::{Library, RTLD_GLOBAL, RTLD_NOW};
    // SAFETY: the constructors of these libraries may run at any time.
    let loaded = unsafe { Library::open(Some(library), RTLD_NOW | RTLD_GLOBAL) };
    // What the system said is behind what the library says.
    loaded.map_err(|error| error.source().map_or_else(|| error.to_string(), ToString::to_string))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn processes_of_a_host_have_a_gpu_each() {
        assert_eq!([0, 1, 2].map(|local_rank| gpu_of(1, local_rank, 4)), [1, 2, 3].map(Ok));
        assert_eq!(gpu_of(1, 0, 1), Err(DeviceError::NoSuchGpu { index: 1, count: 1 }));
        assert_eq!(gpu_of(0, 3, 1), Ok(0));
        assert_eq!(gpu_of(1, 3, 4), Err(DeviceError::NoSuchGpu { index: 4, count: 4 }));
    }

    #[test]
    fn the_cpu_is_always_there() {
        assert_eq!(
            [None, Some(3)].map(|local_rank| resolve(DeviceChoice::Cpu, local_rank)),
            [Ok(Device::Cpu), Ok(Device::Cpu)]
        );
    }

    /// On a machine with a GPU this trains there; on others it must say which part is missing.
    #[test]
    fn cuda_is_had_or_the_reason_is_named() {
        match resolve(DeviceChoice::Cuda(0), None) {
            Ok(device) => assert_eq!(device, Device::Cuda(0)),
            Err(DeviceError::NoKernels(_) | DeviceError::Failing { .. }) => assert!(Cuda::is_available()),
            Err(reason) => {
                assert!(!Cuda::is_available());
                assert!(reason.to_string().starts_with("no CUDA here: "), "{reason}");
            }
        }
        if Path::new("/proc/driver/nvidia/version").exists() {
            assert_ne!(resolve(DeviceChoice::Cuda(0), None), Err(DeviceError::NoDriver));
        }
    }

    /// What is so of a machine for good `auto` passes over; what may be otherwise tomorrow it does not.
    #[test]
    fn a_gpu_that_does_not_compute_is_told_by_its_reason() {
        let none = failing(1, "CUDA error: no kernel image is available for execution on the device\nmore");
        assert!(none.to_string().starts_with("no `cuda:1` here: this libtorch has no kernels"), "{none}");
        assert_eq!([true, false].map(|is_alone| none.is_of_machine(is_alone)), [true, false]);
        let full = failing(0, "CUDA out of memory. Tried to allocate 2.00 MiB.\nstack");
        assert_eq!(
            full.to_string(),
            "`cuda:0` does not compute: CUDA out of memory. Tried to allocate 2.00 MiB.; see with `nvidia-smi` who uses it, or \
             use `cpu`"
        );
        assert!(!full.is_of_machine(true) && DeviceError::NoGpu.is_of_machine(false));
    }

    #[test]
    fn what_cannot_be_loaded_is_told_as_the_system_says_it() {
        let reason = load(Path::new("libnowhere.so.7")).unwrap_err();
        assert!(reason.contains("libnowhere.so.7"), "{reason}");
    }

    #[test]
    #[cfg(target_os = "linux")]
    fn libtorchs_folder_is_found() {
        let _ = tch::utils::get_num_threads();
        assert!(libtorch_folder().unwrap().join("libtorch_cpu.so").exists());
    }
}
