//! What a process that trains must settle before anything else runs in it.

use crate::device::{DeviceError, choose_instructions};

/// Settles what cannot be settled later: to be called first in `main`, before there is another thread and before libtorch
/// is used.
pub fn prepare() {
    make_cuda_deterministic();
    keep_freed_memory();
}

/// Chooses the vector instructions that `$BIRNN_INSTRUCTIONS` names, if it is set.
pub fn heed_environment() -> Result<(), DeviceError> {
    let name = std::env::var_os("BIRNN_INSTRUCTIONS").filter(|name| !name.is_empty());
    name.map_or(Ok(()), |name| choose_instructions(&name.to_string_lossy()))
}

/// cuDNN's recurrent layers repeat themselves bit for bit only with this, set before CUDA starts.
#[expect(unsafe_code, reason = "nothing else runs yet that could read the environment")]
fn make_cuda_deterministic() {
    if std::env::var_os("CUBLAS_WORKSPACE_CONFIG").is_none() {
        unsafe { std::env::set_var("CUBLAS_WORKSPACE_CONFIG", ":16:8") };
    }
}

/// Every step frees and takes the same few megabytes. Left to itself glibc gives them back to the system and takes them
/// again, page by page, which is half of the time of a step of the tutorial's net on a CPU.
#[cfg(all(target_os = "linux", target_env = "gnu"))]
#[expect(unsafe_code, reason = "mallopt changes thresholds of the allocator; no other thread runs yet")]
fn keep_freed_memory() {
    // The largest that glibc takes: larger blocks, such as whole data sets, do go back.
    const LARGEST_KEPT: i32 = 32 << 20;
    const MOST_KEPT: i32 = 1 << 30;
    unsafe {
        libc::mallopt(libc::M_MMAP_THRESHOLD, LARGEST_KEPT);
        libc::mallopt(libc::M_TRIM_THRESHOLD, MOST_KEPT);
    }
}

#[cfg(not(all(target_os = "linux", target_env = "gnu")))]
fn keep_freed_memory() {}
