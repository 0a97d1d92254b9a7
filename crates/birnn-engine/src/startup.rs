//! What a process that trains must settle before anything else runs in it.

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
    flush_subnormals();
}

/// cuDNN's recurrent layers repeat themselves bit for bit only with this, set before CUDA starts.
#[expect(unsafe_code, reason = "nothing else runs yet that could read the environment")]
fn make_cuda_deterministic() {
    if std::env::var_os("CUBLAS_WORKSPACE_CONFIG").is_none() {
        // SAFETY: no other thread reads the environment meanwhile, as `prepare` asks.
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
    // SAFETY: both are parameters that glibc knows, and no other thread allocates meanwhile.
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
