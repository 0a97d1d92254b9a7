//! What must be seen to before libtorch is: its libraries start before `main`, and Intel's oneMKL among
//! them ends the process with a message about a library where there is no working directory.

use crate::failure::{Failure, Outcome};

/// There must be a working directory. Where libraries cannot be forestalled, or it is lost later, this
/// comes in time for birnn.
pub fn working_directory() -> Outcome {
    std::env::current_dir().map(|_| ()).map_err(|_| Failure::request(GONE))
}

/// What is said where there is none.
const GONE: &str = "the working directory is gone; change to one that is there";

#[cfg(all(target_os = "linux", target_env = "gnu"))]
mod forestalled {
    use super::GONE;

    /// The system calls it before any library starts.
    #[used]
    #[unsafe(link_section = ".preinit_array")]
    #[expect(unsafe_code, reason = "there is no other way to come before a library that is linked")]
    static BEFORE_LIBRARIES: extern "C" fn() = want_working_directory;

    #[expect(unsafe_code, reason = "Rust's own library is not ready yet")]
    extern "C" fn want_working_directory() {
        let mut path = [0; libc::PATH_MAX as usize];
        // SAFETY: the buffer has the length that is given, and the texts are static.
        unsafe {
            if libc::getcwd(path.as_mut_ptr(), path.len()).is_null()
                && *libc::__errno_location() == libc::ENOENT
            {
                for part in ["error: ", GONE, "\n"] {
                    libc::write(libc::STDERR_FILENO, part.as_ptr().cast(), part.len());
                }
                libc::_exit(2);
            }
        }
    }
}
