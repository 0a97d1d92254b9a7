//! Becoming the binary that is linked with libtorch.

use std::ffi::OsStr;
use std::os::unix::process::CommandExt;
use std::path::Path;
use std::process::Command;

use birnn_data::name::shown;
use birnn_experiment::DeviceChoice;

use crate::failure::{Failure, Outcome};

/// What it is called. It lies beside `birnn`.
const NAME: &str = "birnn-torch";

/// Where Linux has an NVIDIA driver, one of its devices in a container, and the way to the one of Windows.
const DRIVERS: [&str; 3] = ["/proc/driver/nvidia/version", "/dev/nvidiactl", "/dev/dxg"];

/// Whether a net that is asked needs libtorch for it: a GPU does, one that may be here included.
pub fn wanted_for(device: DeviceChoice) -> bool {
    match device {
        DeviceChoice::Cpu => false,
        DeviceChoice::Cuda(_) => true,
        DeviceChoice::Auto => DRIVERS.iter().any(|path| Path::new(path).exists()),
    }
}

/// Goes on as `birnn-torch` with the same arguments, in the same process: signals and the exit code are its
/// own. Comes back only where it cannot.
pub fn become_it() -> Outcome {
    let own = std::env::current_exe().map_err(|error| Failure::run(format!("birnn: {error}")))?;
    let path = own.with_file_name(NAME);
    let error = Command::new(&path).arg0(OsStr::new("birnn")).args(std::env::args_os().skip(1)).exec();
    Err(Failure::run(format!("{}: {error}; it belongs beside birnn: `cargo build` makes both", shown(&path))))
}
