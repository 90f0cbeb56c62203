//! Numbers by chance, the same ones for the same seed on every machine and with every version of a library.

use rand_pcg::{Pcg64Mcg, rand_core::Rng};
use special::Beta;

/// A source of chance.
pub struct Draw(Pcg64Mcg);

impl Draw {
    /// The source that this seed begins.
    pub fn new(seed: u64) -> Self {
        // Multiplied out, because close seeds make close beginnings.
        Self(Pcg64Mcg::new(
            (u128::from(seed) << 64 | u128::from(seed))
                .wrapping_mul(0x2360_ED05_1FC6_5DA4_4385_DF64_9FCC_F645),
        ))
    }

    /// A number in 0..1.
    pub fn unit(&mut self) -> f64 {
        (self.0.next_u64() >> 11) as f64 / (1u64 << 53) as f64
    }

    /// A whole number in `0..end`.
    pub fn below(&mut self, end: u64) -> u64 {
        ((u128::from(self.0.next_u64()) * u128::from(end)) >> 64) as u64
    }

    /// A whole number in `from..=to`.
    pub fn within(&mut self, from: u64, to: u64) -> u64 {
        from + self.below(to - from + 1)
    }

    /// Whether something of this probability happens.
    pub fn happens(&mut self, probability: f64) -> bool {
        self.unit() < probability
    }

    /// One of these.
    pub fn one_of<T: Copy>(&mut self, of: &[T]) -> T {
        of[self.below(of.len() as u64) as usize]
    }

    /// A rate drawn from Beta(alpha, beta).
    pub fn rate(&mut self, alpha: f64, beta: f64) -> f64 {
        self.unit().inv_inc_beta(alpha, beta, alpha.ln_beta(beta))
    }
}
