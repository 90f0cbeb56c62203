//! The Beta distribution: mean, variance and quantiles of what a family's evidence says.
//!
//! The incomplete beta function is the continued fraction of DLMF 8.17.22, and a quantile is found by halving, so both end
//! after a bounded number of steps whatever the evidence. (The series of AS 63, which crates offer, takes about `35 a/b` terms where `a`
//! is large and `b` small, and AS 109's Newton steps can fail to end there: just where a provider with a long spotless record is.)
//! Only `+ - * /` and `libm` are used, so the result is the same on every machine. Tests compare with AS 63 and published values.

/// More evidence than this is scaled down to it: the interval is then a few thousandths of a point wide, and what is gained is a
/// bound on the work. Larger costs time, smaller would show in the interval.
const MOST: f64 = 1e8;

/// Halvings of [0, 1]: 2^-45 is far below the billionth that is stored.
const HALVINGS: u32 = 45;

/// Terms of the continued fraction. It takes about the square root of the larger parameter, which [`MOST`] bounds.
const TERMS: u32 = 100_000;

/// A Beta distribution, both parameters above 0.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) struct Beta {
    alpha: f64,
    beta: f64,
}

impl Beta {
    /// The distribution of these parameters.
    pub(crate) fn new(alpha: f64, beta: f64) -> Self {
        let total = alpha + beta;
        if total > MOST { Self { alpha: alpha / total * MOST, beta: beta / total * MOST } } else { Self { alpha, beta } }
    }

    pub(crate) fn mean(self) -> f64 {
        self.alpha / (self.alpha + self.beta)
    }

    pub(crate) fn variance(self) -> f64 {
        let total = self.alpha + self.beta;
        self.alpha * self.beta / (total * total * (total + 1.0))
    }

    /// The share below which the distribution holds the probability `p`.
    pub(crate) fn quantile(self, p: f64) -> f64 {
        let log_beta = libm::lgamma(self.alpha) + libm::lgamma(self.beta) - libm::lgamma(self.alpha + self.beta);
        let (mut low, mut high) = (0.0, 1.0);
        for _ in 0..HALVINGS {
            let middle = f64::midpoint(low, high);
            if self.below(middle, log_beta) < p { low = middle } else { high = middle }
        }
        f64::midpoint(low, high)
    }

    /// The regularised incomplete beta function, for x within (0, 1).
    fn below(self, x: f64, log_beta: f64) -> f64 {
        let Self { alpha, beta } = self;
        let front = libm::exp(alpha * libm::log(x) + beta * libm::log1p(-x) - log_beta);
        // On this side of the mean the fraction converges fast; the other side is its mirror.
        if x < (alpha + 1.0) / (alpha + beta + 2.0) {
            front * fraction(alpha, beta, x) / alpha
        } else {
            1.0 - front * fraction(beta, alpha, 1.0 - x) / beta
        }
    }
}

/// The continued fraction of DLMF 8.17.22, by the method of Lentz as modified by Thompson and Barnett (1986).
fn fraction(a: f64, b: f64, x: f64) -> f64 {
    const TINY: f64 = 1e-300;
    let away_from_zero = |value: f64| if value.abs() < TINY { TINY } else { value };
    let mut c = 1.0;
    let mut d = 1.0 / away_from_zero(1.0 - (a + b) * x / (a + 1.0));
    let mut result = d;
    for term in 1..=TERMS {
        let m = f64::from(term);
        let even = m * (b - m) * x / ((a + 2.0 * m - 1.0) * (a + 2.0 * m));
        d = 1.0 / away_from_zero(1.0 + even * d);
        c = away_from_zero(1.0 + even / c);
        result *= d * c;
        let odd = -(a + m) * (a + b + m) * x / ((a + 2.0 * m) * (a + 2.0 * m + 1.0));
        d = 1.0 / away_from_zero(1.0 + odd * d);
        c = away_from_zero(1.0 + odd / c);
        let change = d * c;
        result *= change;
        if (change - 1.0).abs() < 1e-15 {
            break;
        }
    }
    result
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use special::Beta as _;

    use super::*;

    fn interval(alpha: f64, beta: f64) -> (f64, f64) {
        let beta = Beta::new(alpha, beta);
        (beta.quantile(0.05), beta.quantile(0.95))
    }

    #[test]
    fn the_known_answer_vectors_come_out() {
        for (alpha, beta, mean, low, high) in [
            (11.0, 1.0, 0.9167, 0.7616, 0.9953),
            (46.0, 6.0, 0.8846, 0.8048, 0.9475),
            (96.0, 6.0, 0.9412, 0.8987, 0.9738),
            (18.0, 2.0, 0.9000, 0.7736, 0.9810), // prior Beta(8, 2) and 10 of 10
            (53.0, 7.0, 0.8833, 0.8091, 0.9430), // prior Beta(8, 2) and 45 of 50
        ] {
            let (lower, upper) = interval(alpha, beta);
            for (found, expected) in [(Beta::new(alpha, beta).mean(), mean), (lower, low), (upper, high)] {
                assert!((found - expected).abs() < 0.000_05, "Beta({alpha}, {beta}): {found} is not {expected}");
            }
        }
    }

    #[test]
    fn where_a_closed_form_exists_it_agrees() {
        // Beta(a, 1): x^a, Beta(1, b): 1 - (1-x)^b.
        for (shape, p) in [(0.5, 0.05), (1.0, 0.95), (3.0, 0.05), (1000.0, 0.05), (1e6, 0.05)] {
            let root = libm::pow(p, 1.0 / shape);
            assert!((Beta::new(shape, 1.0).quantile(p) - root).abs() < 1e-11, "Beta({shape}, 1)");
            assert!((Beta::new(1.0, shape).quantile(1.0 - p) - (1.0 - root)).abs() < 1e-11, "Beta(1, {shape})");
        }
    }

    #[test]
    fn a_long_spotless_record_ends_in_a_narrow_interval_and_in_bounded_time() {
        for evidence in [1e5, 1e8, 1e15, 1.8e19] {
            let (lower, upper) = interval(8.0 + evidence, 2.0);
            assert!(lower > 0.9999 && lower <= upper && upper < 1.0 + 1e-12);
        }
    }

    proptest! {
        #[test]
        fn quantiles_agree_with_the_series_of_as_63(alpha in 0.2..300.0_f64, beta in 0.2..300.0_f64, p in 0.01..0.99_f64) {
            let x = Beta::new(alpha, beta).quantile(p);
            prop_assert!((x.inc_beta(alpha, beta, alpha.ln_beta(beta)) - p).abs() < 1e-9);
        }
    }
}
