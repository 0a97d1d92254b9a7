//! Random numbers that are a pure function of where they are drawn: never of a clock, a thread or a platform.

/// xoshiro256++ (Blackman and Vigna 2019), seeded by SplitMix64 from a seed and a stream.
#[derive(Clone, Debug)]
pub struct Rng {
    state: [u64; 4],
}

impl Rng {
    /// The numbers of `stream` under `seed`; different pairs give unrelated numbers.
    pub fn new(seed: u64, stream: u64) -> Rng {
        let mut x = mix(seed ^ 0x6a09_e667_f3bc_c908) ^ stream;
        let mut next = || {
            x = x.wrapping_add(GAMMA);
            mix(x)
        };
        Rng { state: [next(), next(), next(), next()] }
    }

    pub(crate) fn next_u64(&mut self) -> u64 {
        let s = &mut self.state;
        let result = s[0].wrapping_add(s[3]).rotate_left(23).wrapping_add(s[0]);
        let t = s[1] << 17;
        s[2] ^= s[0];
        s[3] ^= s[1];
        s[1] ^= s[2];
        s[0] ^= s[3];
        s[2] ^= t;
        s[3] = s[3].rotate_left(45);
        result
    }

    /// Uniform in `[low, high)`.
    pub fn uniform(&mut self, low: f64, high: f64) -> f64 {
        low + (high - low) * (self.next_u64() >> 11) as f64 / (1_u64 << 53) as f64
    }

    /// Uniform in `0..bound`, without bias (Lemire 2019). `bound` is at least 1.
    pub fn below(&mut self, bound: usize) -> usize {
        let bound = bound as u64;
        let least = bound.wrapping_neg() % bound;
        loop {
            let product = u128::from(self.next_u64()) * u128::from(bound);
            if product as u64 >= least {
                return (product >> 64) as usize;
            }
        }
    }

    /// From the standard normal distribution (Marsaglia's polar method).
    pub fn normal(&mut self) -> f64 {
        loop {
            let (x, y) = (self.uniform(-1.0, 1.0), self.uniform(-1.0, 1.0));
            let square = x * x + y * y;
            if 0.0 < square && square < 1.0 {
                return x * (-2.0 * square.ln() / square).sqrt();
            }
        }
    }
}

/// What SplitMix64's state grows by at each step: 2^64 over the golden ratio.
const GAMMA: u64 = 0x9e37_79b9_7f4a_7c15;

/// A number with nothing of `key`'s pattern in it: one step of SplitMix64 from there (Steele, Lea and Flood
/// 2014).
pub fn splitmix(key: u64) -> u64 {
    mix(key.wrapping_add(GAMMA))
}

/// SplitMix64's finaliser.
fn mix(mut z: u64) -> u64 {
    z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    z ^ (z >> 31)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_numbers_never_change() {
        let mut rng = Rng::new(1, 2);
        let drawn: Vec<u64> = (0..3).map(|_| rng.next_u64()).collect();
        assert_eq!(drawn, [14473711518039428285, 2507356020627203108, 9062989270723553708]);
    }

    #[test]
    fn streams_and_seeds_differ() {
        let first = |seed, stream| Rng::new(seed, stream).next_u64();
        let mut all: Vec<u64> =
            (0..30).flat_map(|seed| (0..30).map(move |stream| first(seed, stream))).collect();
        all.sort_unstable();
        all.dedup();
        assert_eq!(all.len(), 900);
    }

    #[test]
    fn moments_are_those_of_the_distributions() {
        let mut rng = Rng::new(0, 0);
        let n = 100_000;
        let moments = |draw: &mut dyn FnMut() -> f64| {
            let values: Vec<f64> = (0..n).map(|_| draw()).collect();
            let mean = values.iter().sum::<f64>() / f64::from(n);
            (mean, values.iter().map(|value| (value - mean).powi(2)).sum::<f64>() / f64::from(n))
        };
        let near = |(mean, variance): (f64, f64), (m, v): (f64, f64)| {
            assert!((mean - m).abs() < 0.02 && (variance - v).abs() < 0.02, "{mean} {variance}");
        };
        near(moments(&mut || rng.uniform(1.0, 3.0)), (2.0, 1.0 / 3.0));
        near(moments(&mut || rng.normal()), (0.0, 1.0));
        near(moments(&mut || rng.below(2) as f64), (0.5, 0.25));
        near(moments(&mut || rng.below(3) as f64), (1.0, 2.0 / 3.0));
    }
}
