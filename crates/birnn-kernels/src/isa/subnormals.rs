//! Subnormal numbers taken for zero: flush-to-zero (a result that would be one is 0) and denormals-are-zero
//! (an operand that is one counts as 0).
//!
//! The gradients of a long sequence vanish, and pass through the subnormal numbers on their way to zero.
//! Processors compute with those many times slower, some of them in microcode, and nothing is lost with them:
//! they are below 1.2e-38.
//!
//! The mode belongs to a thread: bits 15 and 6 of x86's MXCSR, bit 24 of ARM's FPCR, which stands for both.
//! x86 rounds before it looks whether a result is subnormal, ARM looks first. Processors of other
//! architectures compute with subnormal numbers as ever.
//!
//! # The mode and Rust
//!
//! Rust takes it for granted that the mode is the one that a program starts with: the compiler may evaluate
//! an operation itself, or move it past the change of mode. What the kernels do is arranged so that neither
//! makes a difference. A job is a call that is never inlined, between two blocks of assembly that no memory
//! access is moved across; what it computes with comes from memory; and whether memory is accessed correctly
//! depends on no float. At worst a subnormal number would be kept, and tests look for them in all that a
//! kernel writes.
#![cfg_attr(
    any(target_arch = "x86_64", target_arch = "aarch64"),
    expect(unsafe_code, reason = "the mode is a register that only assembly reaches")
)]

/// From now on this thread computes with subnormal numbers as zeros, whatever it computes, for good; and so
/// do the threads that it starts, where they inherit the mode, as they do on Linux. A thread in whose mode
/// kernels are called keeps its mode otherwise; they themselves always compute so.
///
/// # Safety
///
/// No code that this thread or those that it starts go through, in whatever language, may rely on subnormal
/// numbers for more than values of floats.
#[cfg_attr(
    not(any(target_arch = "x86_64", target_arch = "aarch64")),
    expect(unsafe_code, reason = "as where the mode can be set")
)]
pub unsafe fn flush_subnormals() {
    register::set(register::get() | register::FLUSH);
}

/// As long as it lives, this thread computes with subnormal numbers as zeros; then in its own mode again.
pub(crate) struct Flushing {
    before: register::Value,
}

impl Flushing {
    pub(crate) fn start() -> Flushing {
        let before = register::get();
        if before & register::FLUSH != register::FLUSH {
            register::set(before | register::FLUSH);
        }
        Flushing { before }
    }
}

impl Drop for Flushing {
    fn drop(&mut self) {
        if self.before & register::FLUSH != register::FLUSH {
            register::set(self.before);
        }
    }
}

#[cfg(target_arch = "x86_64")]
mod register {
    use std::arch::asm;

    pub(super) type Value = u32;

    /// Flush to zero, denormals are zero.
    pub(super) const FLUSH: Value = 1 << 15 | 1 << 6;

    pub(super) fn get() -> Value {
        let mut value = 0;
        // SAFETY: stores four bytes where there are four.
        unsafe { asm!("stmxcsr [{}]", in(reg) &raw mut value, options(nostack)) };
        value
    }

    pub(super) fn set(value: Value) {
        // SAFETY: loads four bytes that came from this register, but for the mode; see above for what the
        // mode may do.
        unsafe { asm!("ldmxcsr [{}]", in(reg) &raw const value, options(nostack)) };
    }
}

#[cfg(target_arch = "aarch64")]
mod register {
    use std::arch::asm;

    pub(super) type Value = u64;

    /// Flush to zero, of operands as well.
    pub(super) const FLUSH: Value = 1 << 24;

    pub(super) fn get() -> Value {
        let value;
        // SAFETY: reads a register that any program may read.
        unsafe { asm!("mrs {}, fpcr", out(reg) value, options(nostack)) };
        value
    }

    pub(super) fn set(value: Value) {
        // SAFETY: the value came from this register, but for the mode; see above for what the mode may do.
        unsafe { asm!("msr fpcr, {}", in(reg) value, options(nostack)) };
    }
}

/// No such mode.
#[cfg(not(any(target_arch = "x86_64", target_arch = "aarch64")))]
mod register {
    pub(super) type Value = u32;

    pub(super) const FLUSH: Value = 0;

    pub(super) fn get() -> Value {
        0
    }

    pub(super) fn set(_: Value) {}
}
