//! What must be seen to before libtorch is: its libraries start before `main`, and Intel's oneMKL among them ends the process
//! with a message about a library where there is no working directory.

/// The system calls it before any library starts.
#[used]
#[unsafe(link_section = ".preinit_array")]
#[expect(unsafe_code, reason = "there is no other way to come before a library that is linked")]
static BEFORE_LIBRARIES: extern "C" fn() = want_working_directory;

#[expect(unsafe_code, reason = "Rust's own library is not ready yet")]
extern "C" fn want_working_directory() {
    const MESSAGE: &str = "error: the working directory is gone; change to one that is there\n";
    let mut path = [0; libc::PATH_MAX as usize];
    // SAFETY: the buffer has the length that is given, and the message is static.
    unsafe {
        if libc::getcwd(path.as_mut_ptr(), path.len()).is_null() && *libc::__errno_location() == libc::ENOENT
        {
            libc::write(libc::STDERR_FILENO, MESSAGE.as_ptr().cast(), MESSAGE.len());
            libc::_exit(2);
        }
    }
}
