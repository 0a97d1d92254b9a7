//! What a process that trains must settle before anything else runs in it.

use crate::device::{DeviceError, choose_instructions};

/// Settles what cannot be settled later: to be called first in `main`, before libtorch is used.
///
/// # Safety
///
/// There is no other thread yet: it sets environment variables, which another could be reading. Nothing in
/// the process relies on subnormal numbers.
#[expect(unsafe_code, reason = "the caller's word that nothing else runs yet is all that can be had")]
pub unsafe fn prepare() {
    make_cuda_deterministic();
    keep_freed_memory();
    answer_signals();
    flush_subnormals();
}

/// Chooses the vector instructions that `$BIRNN_INSTRUCTIONS` names, if it is set.
pub fn heed_environment() -> Result<(), DeviceError> {
    let name = std::env::var_os("BIRNN_INSTRUCTIONS").filter(|name| !name.is_empty());
    name.map_or(Ok(()), |name| choose_instructions(&birnn_data::name::text(name)))
}

/// cuDNN's recurrent layers repeat themselves bit for bit only with this, set before CUDA starts.
#[expect(unsafe_code, reason = "nothing else runs yet that could read the environment")]
fn make_cuda_deterministic() {
    if std::env::var_os("CUBLAS_WORKSPACE_CONFIG").is_none() {
        unsafe { std::env::set_var("CUBLAS_WORKSPACE_CONFIG", ":16:8") };
    }
}

/// Every step frees and takes the same few megabytes. Left to itself glibc gives them back to the system
/// and takes them again, page by page, which is half of the time of a step of the tutorial's net on a CPU.
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

/// libtorch's part of a step computes with subnormal numbers as zeros, as the kernels do. Its threads have
/// the mode from the one that starts them, and so it is set before there are any.
#[expect(unsafe_code, reason = "the mode holds for all that this thread and those after it compute")]
fn flush_subnormals() {
    // SAFETY: neither birnn nor libtorch takes them for more than values of floats.
    unsafe {
        birnn_kernels::flush_subnormals();
    }
}

/// A file that grows past `ulimit -f` ends a process, unless it asks for an error instead. And where memory
/// does not suffice, Rust and libtorch may abort, which is a failed run like any other, whatever the
/// command. The library that aborts has by then said in words of its own what it could not have; only the
/// last line is ours.
#[expect(unsafe_code, reason = "one signal is ignored, and the handler of the other does what a handler may")]
fn answer_signals() {
    extern "C" fn aborted(_: libc::c_int) {
        const MESSAGE: &str =
            "error: birnn had to be aborted, most likely for want of memory; free some, or ask for less\n";
        // SAFETY: both may be called in a handler; the bytes are static.
        unsafe {
            libc::write(libc::STDERR_FILENO, MESSAGE.as_ptr().cast(), MESSAGE.len());
            libc::_exit(1);
        }
    }
    let aborted: extern "C" fn(libc::c_int) = aborted;
    // SAFETY: no other thread runs yet, and the handler is a function of the kind that is asked for.
    unsafe {
        libc::signal(libc::SIGXFSZ, libc::SIG_IGN);
        libc::signal(libc::SIGABRT, aborted as libc::sighandler_t);
    }
}

#[cfg(test)]
#[cfg(all(target_os = "linux", any(target_arch = "x86_64", target_arch = "aarch64")))]
mod tests {
    use tch::{Device, Kind, Tensor};

    /// So many values that libtorch shares them out among its threads.
    #[test]
    fn libtorchs_threads_compute_with_subnormal_numbers_as_zeros() {
        let subnormal = || {
            let values = Tensor::full([4 << 20], f64::from(f32::MIN_POSITIVE), (Kind::Float, Device::Cpu));
            let halves: Vec<f32> = Vec::try_from(values * 0.5).unwrap();
            halves.into_iter().filter(|half| half.is_subnormal()).count()
        };
        // A thread of its own, whose mode goes with it, and which has its own pool of libtorch's.
        std::thread::spawn(move || {
            super::flush_subnormals();
            assert_eq!(subnormal(), 0);
        })
        .join()
        .unwrap();
        std::thread::spawn(move || assert!(subnormal() > 0, "as libtorch computes otherwise"))
            .join()
            .unwrap();
    }
}
