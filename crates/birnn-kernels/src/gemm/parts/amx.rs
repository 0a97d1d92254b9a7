//! Matrix tiles of Intel's processors: Advanced Matrix Extensions with bf16.
//!
//! In assembly, since Rust's intrinsics for tiles are not stable. A block of `C` is one statement, so that
//! nothing comes between its loads, products and stores.
#![expect(unsafe_code, reason = "tiles are named in assembly")]

use std::arch::asm;
use std::arch::x86_64::__cpuid_count;
use std::mem::MaybeUninit;

use super::{BLOCK, DEPTH, Place, SIDE, Tile, Tiles, Unusable, avx512};

/// Whether the processor has tiles, and if it has, whether the system permits this process to use them.
pub(super) fn find() -> Result<bool, Unusable> {
    let features = __cpuid_count(7, 0);
    let has = |bit: u32| features.edx >> bit & 1 == 1;
    // AMX-BF16 and AMX-TILE.
    if !(cfg!(target_os = "linux") && has(22) && has(24) && avx512::is_there()) {
        return Ok(false);
    }
    if permitted() { Ok(true) } else { Err(Unusable::Forbidden) }
}

/// Asks the system for the state that tiles need, which threads have only if their process does.
fn permitted() -> bool {
    /// `arch_prctl`, `ARCH_REQ_XCOMP_PERM`, `XFEATURE_XTILEDATA`: Linux, Documentation/arch/x86/xstate.rst.
    const REQUEST: [u64; 3] = [158, 0x1023, 18];
    let [call, code, feature] = REQUEST;
    let mut result = call;
    // SAFETY: the call reads and writes no memory of this process.
    unsafe {
        asm!("syscall", inout("rax") result, in("rdi") code, in("rsi") feature, out("rcx") _, out("r11") _);
    }
    result == 0
}

/// While it lives, this thread's tiles are configured: eight of 16 rows of 64 bytes. Without it they are not
/// there, and take no time where the system changes threads.
pub(crate) struct Configured(());

impl Configured {
    /// Configures them. To be called where `Unit::available` said that they are.
    pub(crate) fn start() -> Configured {
        #[repr(C, align(64))]
        struct Config([u8; 64]);
        let mut config = Config([0; 64]);
        config.0[0] = 1;
        for tile in 0..8 {
            // Bytes of a row, of two bytes; rows.
            config.0[16 + 2 * tile] = 64;
            config.0[48 + tile] = SIDE as u8;
        }
        // SAFETY: reads the 64 bytes of the configuration, which is one of palette 1.
        unsafe { asm!("ldtilecfg [{}]", in(reg) &config, options(nostack, readonly)) };
        Configured(())
    }
}

impl Drop for Configured {
    fn drop(&mut self) {
        // SAFETY: touches tiles alone, and nothing uses them now.
        unsafe { asm!("tilerelease", options(nostack, nomem)) };
    }
}

/// Where the tiles of a block's operands are.
#[repr(C)]
struct Places {
    a: [*const Tile; 2],
    b: [*const Tile; 2],
    steps: usize,
    /// What a block of other columns is going to load, as many tiles as there are in `b[0]`.
    ahead: *const Tile,
}

/// Brings lines of the tile at `ahead` into the first-level cache.
macro_rules! fetch {
    ($($at:literal)*) => { concat!($("prefetcht0 [{ahead} + ", $at, "]\n",)*) };
}

/// A block of `C`: loads its sums, adds products step by step, stores them. `$line`s are one step of the
/// tiles `a0`, `a1` of the left side and `b0`, `b1` of the right one; `$load`s and `$store`s are of all sums
/// but those of `a0` and `b0`.
macro_rules! block {
    ($places:expr, $bytes:expr, $from:expr, $to:expr; [$($load:expr),*], [$($line:expr),*], [$($store:expr),*]) => {
        asm!(
            "lea {t}, [{from} + {from_stride} * 8]",
            "lea {t}, [{t} + {from_stride} * 8]",
            "tileloadd tmm0, [{from} + {from_stride}]",
            $($load,)*
            "3:",
            "mov {a0}, [{places}]",
            "mov {a1}, [{places} + 8]",
            "mov {b0}, [{places} + 16]",
            "mov {b1}, [{places} + 24]",
            "mov {t}, [{places} + 32]",
            "mov {ahead}, [{places} + 40]",
            "2:",
            $($line,)*
            "add {a0}, {bytes}", "add {a1}, {bytes}", "add {b0}, {bytes}", "add {b1}, {bytes}",
            "add {ahead}, {bytes}",
            "dec {t}",
            "jnz 2b",
            "add {places}, 48",
            "dec {count}",
            "jnz 3b",
            "lea {t}, [{to} + {to_stride} * 8]",
            "lea {t}, [{t} + {to_stride} * 8]",
            "tilestored [{to} + {to_stride}], tmm0",
            $($store,)*
            a0 = out(reg) _,
            a1 = out(reg) _,
            b0 = out(reg) _,
            b1 = out(reg) _,
            places = inout(reg) $places.as_ptr() => _,
            count = inout(reg) $places.len() => _,
            from = in(reg) $from.0,
            from_stride = in(reg) $from.1,
            to = in(reg) $to.0,
            to_stride = in(reg) $to.1,
            s = in(reg) 64_usize,
            t = out(reg) _,
            ahead = out(reg) _,
            bytes = const $bytes,
            out("tmm0") _, out("tmm1") _, out("tmm2") _, out("tmm3") _,
            out("tmm4") _, out("tmm5") _, out("tmm6") _, out("tmm7") _,
            options(nostack),
        )
    };
}

/// A block of two tiles by two.
macro_rules! whole {
    ($places:expr, $bytes:expr, $from:expr, $to:expr; $($line:expr),*) => {
        block!($places, $bytes, $from, $to;
            ["tileloadd tmm1, [{from} + {from_stride} + 64]", "tileloadd tmm2, [{t} + {from_stride}]",
             "tileloadd tmm3, [{t} + {from_stride} + 64]"],
            [$($line),*],
            ["tilestored [{to} + {to_stride} + 64], tmm1", "tilestored [{t} + {to_stride}], tmm2",
             "tilestored [{t} + {to_stride} + 64], tmm3"])
    };
}

/// Its upper two tiles.
macro_rules! upper {
    ($places:expr, $bytes:expr, $from:expr, $to:expr; $($line:expr),*) => {
        block!($places, $bytes, $from, $to;
            ["tileloadd tmm1, [{from} + {from_stride} + 64]"], [$($line),*],
            ["tilestored [{to} + {to_stride} + 64], tmm1"])
    };
}

/// Its left two tiles.
macro_rules! left {
    ($places:expr, $bytes:expr, $from:expr, $to:expr; $($line:expr),*) => {
        block!($places, $bytes, $from, $to;
            ["tileloadd tmm2, [{t} + {from_stride}]"], [$($line),*], ["tilestored [{t} + {to_stride}], tmm2"])
    };
}

/// Its first tile.
macro_rules! first {
    ($places:expr, $bytes:expr, $from:expr, $to:expr; $($line:expr),*) => {
        block!($places, $bytes, $from, $to; [], [$($line),*], [])
    };
}

/// `c += a * b`, or `c = init + a * b`, for a block of at most two tiles by two and one operand after the
/// other. A tile that is loaded serves all products that it can, and parts are taken in an order in which one
/// side stays. Meanwhile what the blocks of the columns after these load comes into the first-level cache:
/// loads take most of the time.
#[inline(always)]
pub(super) fn multiply<const PARTS: usize, const COUNT: usize>(
    operands: &[(&Tiles, &Tiles); COUNT],
    place: Place,
    init: Option<&[f32]>,
    c: &mut [f32],
    stride: usize,
) {
    // Pointers are put where the loop reads them one by one. Moved as slices they are written in eights of
    // bytes and read in sixteens, for which a processor waits until all that was stored before has left it.
    let mut places = [const { MaybeUninit::<Places>::uninit() }; COUNT];
    for (places, (a, b)) in places.iter_mut().zip(operands) {
        let steps = b.steps();
        assert!(steps > 0 && [a.parts, b.parts] == [PARTS; 2]);
        let ([above, below], [left, right]) = (place.rows, place.columns);
        places.write(Places {
            a: [a.block(above, steps).as_ptr(), a.block(below, steps).as_ptr()],
            b: [b.block(left, steps).as_ptr(), b.block(right, steps).as_ptr()],
            steps,
            // Every other block of rows fetches the left tiles of the next columns, or what lies there if
            // these are the last.
            ahead: b
                .block(if above % 4 < 2 { left } else { right }, steps)
                .as_ptr()
                .wrapping_add(BLOCK / SIDE * steps * PARTS),
        });
    }
    let (height, width) = (place.height(), place.width());
    assert!(c.len() >= (height - 1) * stride + width && init.is_none_or(|init| init.len() >= width));
    let to = (c.as_mut_ptr(), stride * size_of::<f32>());
    // The same row for all of them is at no distance from each other.
    let from = init.map_or((to.0.cast_const(), to.1), |init| (init.as_ptr(), 0));
    // SAFETY: as was asserted, each operand has `steps` times `PARTS` tiles of 1024 bytes, and there are as
    // many rows and columns as the block has where sums are loaded and stored. Tiles are configured while
    // `Products::ready` is held; were they not, the processor would stop the program, and harm nothing.
    unsafe {
        match (PARTS, height, width) {
            // A tile wide are the last columns alone: there are no others whose tiles could be fetched.
            (1, SIDE, SIDE) => first!(places, 1024, from, to;
                "tileloadd tmm4, [{a0} + {s}]", "tileloadd tmm6, [{b0} + {s}]", "tdpbf16ps tmm0, tmm4, tmm6"),
            (_, SIDE, SIDE) => first!(places, 2048, from, to;
                "tileloadd tmm4, [{a0} + {s}]", "tileloadd tmm6, [{b0} + {s} + 1024]", "tdpbf16ps tmm0, tmm4, tmm6",
                "tileloadd tmm6, [{b0} + {s}]", "tdpbf16ps tmm0, tmm4, tmm6",
                "tileloadd tmm4, [{a0} + {s} + 1024]", "tdpbf16ps tmm0, tmm4, tmm6"),
            (1, _, SIDE) => left!(places, 1024, from, to;
                "tileloadd tmm4, [{a0} + {s}]", "tileloadd tmm6, [{b0} + {s}]", "tdpbf16ps tmm0, tmm4, tmm6",
                "tileloadd tmm5, [{a1} + {s}]", "tdpbf16ps tmm2, tmm5, tmm6"),
            (_, _, SIDE) => left!(places, 2048, from, to;
                "tileloadd tmm4, [{a0} + {s}]", "tileloadd tmm6, [{b0} + {s} + 1024]", "tdpbf16ps tmm0, tmm4, tmm6",
                "tileloadd tmm5, [{a1} + {s}]", "tdpbf16ps tmm2, tmm5, tmm6",
                "tileloadd tmm6, [{b0} + {s}]", "tdpbf16ps tmm0, tmm4, tmm6", "tdpbf16ps tmm2, tmm5, tmm6",
                "tileloadd tmm4, [{a0} + {s} + 1024]", "tdpbf16ps tmm0, tmm4, tmm6",
                "tileloadd tmm5, [{a1} + {s} + 1024]", "tdpbf16ps tmm2, tmm5, tmm6"),
            (1, SIDE, _) => upper!(places, 1024, from, to;
                "tileloadd tmm4, [{a0} + {s}]", fetch!(0 64 128 192 256 320),
                "tileloadd tmm6, [{b0} + {s}]", fetch!(384 448 512 576 640), "tdpbf16ps tmm0, tmm4, tmm6",
                "tileloadd tmm7, [{b1} + {s}]", fetch!(704 768 832 896 960), "tdpbf16ps tmm1, tmm4, tmm7"),
            (_, SIDE, _) => upper!(places, 2048, from, to;
                "tileloadd tmm4, [{a0} + {s}]", fetch!(0 64 128 192 256),
                "tileloadd tmm6, [{b0} + {s} + 1024]", fetch!(320 384 448 512 576), "tdpbf16ps tmm0, tmm4, tmm6",
                "tileloadd tmm7, [{b1} + {s} + 1024]", fetch!(640 704 768 832 896 960), "tdpbf16ps tmm1, tmm4, tmm7",
                "tileloadd tmm6, [{b0} + {s}]", fetch!(1024 1088 1152 1216 1280), "tdpbf16ps tmm0, tmm4, tmm6",
                "tileloadd tmm7, [{b1} + {s}]", fetch!(1344 1408 1472 1536 1600), "tdpbf16ps tmm1, tmm4, tmm7",
                "tileloadd tmm4, [{a0} + {s} + 1024]", fetch!(1664 1728 1792 1856 1920 1984),
                "tdpbf16ps tmm0, tmm4, tmm6", "tdpbf16ps tmm1, tmm4, tmm7"),
            (1, ..) => whole!(places, 1024, from, to;
                "tileloadd tmm4, [{a0} + {s}]", fetch!(0 64 128 192),
                "tileloadd tmm6, [{b0} + {s}]", fetch!(256 320 384 448), "tdpbf16ps tmm0, tmm4, tmm6",
                "tileloadd tmm7, [{b1} + {s}]", fetch!(512 576 640 704), "tdpbf16ps tmm1, tmm4, tmm7",
                "tileloadd tmm5, [{a1} + {s}]", fetch!(768 832 896 960), "tdpbf16ps tmm2, tmm5, tmm6",
                "tdpbf16ps tmm3, tmm5, tmm7"),
            _ => whole!(places, 2048, from, to;
                "tileloadd tmm4, [{a0} + {s}]", fetch!(0 64 128 192),
                "tileloadd tmm6, [{b0} + {s} + 1024]", fetch!(256 320 384 448), "tdpbf16ps tmm0, tmm4, tmm6",
                "tileloadd tmm7, [{b1} + {s} + 1024]", fetch!(512 576 640 704), "tdpbf16ps tmm1, tmm4, tmm7",
                "tileloadd tmm5, [{a1} + {s}]", fetch!(768 832 896 960), "tdpbf16ps tmm2, tmm5, tmm6",
                "tdpbf16ps tmm3, tmm5, tmm7",
                "tileloadd tmm6, [{b0} + {s}]", fetch!(1024 1088 1152 1216), "tdpbf16ps tmm0, tmm4, tmm6",
                "tileloadd tmm7, [{b1} + {s}]", fetch!(1280 1344 1408 1472), "tdpbf16ps tmm1, tmm4, tmm7",
                "tdpbf16ps tmm2, tmm5, tmm6", "tdpbf16ps tmm3, tmm5, tmm7",
                "tileloadd tmm4, [{a0} + {s} + 1024]", fetch!(1536 1600 1664 1728), "tdpbf16ps tmm0, tmm4, tmm6",
                "tdpbf16ps tmm1, tmm4, tmm7",
                "tileloadd tmm5, [{a1} + {s} + 1024]", fetch!(1792 1856 1920 1984), "tdpbf16ps tmm2, tmm5, tmm6",
                "tdpbf16ps tmm3, tmm5, tmm7"),
        }
    }
}

/// Multiplies tiles that never leave the registers; gives how many operations that were. Within
/// [`Configured`].
pub(super) fn spin() -> f64 {
    /// For each of four sums.
    const ROUNDS: usize = 20_000;
    // SAFETY: touches tiles alone.
    unsafe {
        asm!(
            "tilezero tmm0", "tilezero tmm1", "tilezero tmm2", "tilezero tmm3",
            "tilezero tmm4", "tilezero tmm5", "tilezero tmm6", "tilezero tmm7",
            "2:",
            "tdpbf16ps tmm0, tmm4, tmm6", "tdpbf16ps tmm1, tmm4, tmm7",
            "tdpbf16ps tmm2, tmm5, tmm6", "tdpbf16ps tmm3, tmm5, tmm7",
            "dec {rounds}",
            "jnz 2b",
            rounds = inout(reg) ROUNDS => _,
            out("tmm0") _, out("tmm1") _, out("tmm2") _, out("tmm3") _,
            out("tmm4") _, out("tmm5") _, out("tmm6") _, out("tmm7") _,
            options(nostack, nomem),
        );
    }
    (4 * ROUNDS * 2 * SIDE * SIDE * DEPTH) as f64
}
