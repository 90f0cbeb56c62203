//! The interval of a weighted median of providers: they are drawn anew, each as a whole with all his offers, since his prices are not
//! independent of each other (cluster bootstrap, percentile interval).
//!
//! Of few providers such an interval is too narrow: by the root of (n-1)/n, and by as much as the normal distribution's quantile is
//! smaller than Student's (T. Hesterberg, "What Teachers Should Know About the Bootstrap", The American Statistician 69, 2015, 4.2). It is
//! widened about the median by both.

use rand_pcg::{Pcg64Mcg, rand_core::Rng};

use super::median::{Weighted, quantile, weighted_median};

/// The interval of 95 % lies between these quantiles.
const ENDS: (f64, f64) = (0.025, 0.975);

/// The median of votes, sorted by value, and its 95 % interval. `None` of nothing.
pub(super) fn median_with_interval(
    votes: &[Weighted],
    resamples: usize,
    seed: u64,
) -> Option<(f64, f64, f64)> {
    let middle = weighted_median(votes.iter().copied())?;
    let mut chance = Pcg64Mcg::new(u128::from(seed) << 1 | 1);
    let mut drawn = vec![0_u32; votes.len()];
    let mut medians = Vec::with_capacity(resamples);
    for _ in 0..resamples {
        drawn.fill(0);
        for _ in votes {
            let place = (u128::from(chance.next_u64()) * votes.len() as u128) >> 64;
            if let Some(times) = drawn.get_mut(place as usize) {
                *times += 1;
            }
        }
        let again = votes
            .iter()
            .zip(&drawn)
            .map(|(vote, &times)| Weighted { value: vote.value, weight: vote.weight * f64::from(times) });
        medians.extend(weighted_median(again));
    }
    medians.sort_by(f64::total_cmp);
    let (low, high) = (quantile(&medians, ENDS.0)?, quantile(&medians, ENDS.1)?);
    let wider = widening(votes.len());
    Some((middle, middle - (middle - low).max(0.0) * wider, middle + (high - middle).max(0.0) * wider))
}

/// The 97.5 % quantile of the normal distribution.
const NORMAL: f64 = 1.959_963_984_540_054;

/// By how much an interval of so many is to be widened.
fn widening(count: usize) -> f64 {
    let Some(freedom) = count.checked_sub(1).filter(|freedom| *freedom > 0) else { return 1.0 };
    let freedom = freedom as f64;
    student(freedom) / NORMAL * libm::sqrt((freedom + 1.0) / freedom)
}

/// The 97.5 % quantile of Student's distribution (Abramowitz and Stegun, 26.7.5).
fn student(freedom: f64) -> f64 {
    let z = NORMAL;
    let (z3, z5, z7) = (z * z * z, z * z * z * z * z, z * z * z * z * z * z * z);
    z + (z3 + z) / 4.0 / freedom
        + (5.0 * z5 + 16.0 * z3 + 3.0 * z) / 96.0 / (freedom * freedom)
        + (3.0 * z7 + 19.0 * z5 + 17.0 * z3 - 15.0 * z) / 384.0 / (freedom * freedom * freedom)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn votes(values: &[f64]) -> Vec<Weighted> {
        values.iter().map(|&value| Weighted { value, weight: 1.0 }).collect()
    }

    #[test]
    fn the_ends_for_five_equal_votes_are_the_outer_ones_as_combinatorics_has_it() {
        // The median of five drawn of five is the lowest with probability 5.8 %, which is more than 2.5 %.
        let (middle, low, high) = median_with_interval(&votes(&[0.0, 1.0, 2.0, 3.0, 4.0]), 1000, 7).unwrap();
        let wider = widening(5);
        assert!((middle - 2.0).abs() < 1e-12);
        assert!((low - (2.0 - 2.0 * wider)).abs() < 1e-9 && (high - (2.0 + 2.0 * wider)).abs() < 1e-9);
    }

    #[test]
    fn the_same_votes_give_the_same_interval_and_another_seed_nearly_the_same() {
        let values: Vec<f64> = (0..40).map(|place| f64::from(place) / 10.0).collect();
        let of = |seed| median_with_interval(&votes(&values), 1000, seed).unwrap();
        assert_eq!(of(1), of(1));
        let ((_, low, high), (_, other_low, other_high)) = (of(1), of(2));
        assert!((low - other_low).abs() < 0.2 && (high - other_high).abs() < 0.2);
    }

    #[test]
    fn few_widen_the_interval_by_students_quantile_as_it_is_tabulated() {
        for (freedom, tabulated) in [(4.0, 2.776), (6.0, 2.447), (9.0, 2.262), (29.0, 2.045), (99.0, 1.984)] {
            assert!((student(freedom) - tabulated).abs() < 0.008, "{freedom}");
        }
        assert!((widening(5) - 2.776 / 1.960 * 1.25_f64.sqrt()).abs() < 0.01);
        assert!(widening(1_000_000) < 1.000_01);
    }

    #[test]
    fn who_stands_alone_has_no_width_and_nobody_has_no_median() {
        assert_eq!(median_with_interval(&votes(&[3.0]), 100, 1), Some((3.0, 3.0, 3.0)));
        assert_eq!(median_with_interval(&[], 100, 1), None);
    }
}
