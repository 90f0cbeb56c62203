//! Medians and quantiles of weighted values.

/// A value and what it counts for.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) struct Weighted {
    pub(super) value: f64,
    pub(super) weight: f64,
}

/// Sorts by value, in an order that is total.
pub(super) fn sort(values: &mut [Weighted]) {
    values.sort_by(|one, other| one.value.total_cmp(&other.value));
}

/// The weighted median of sorted values: where half of the weight lies to each side, the middle of both values where it lies between two.
/// It minimises the weighted sum of absolute differences. `None` of nothing, or of no weight.
pub(super) fn weighted_median(sorted: impl Iterator<Item = Weighted> + Clone) -> Option<f64> {
    let total: f64 = sorted.clone().map(|of| of.weight).sum();
    if !(total > 0.0 && total.is_finite()) {
        return None;
    }
    let (half, slack) = (total / 2.0, total * 1e-12);
    let (mut below, mut between) = (0.0, None);
    for Weighted { value, weight } in sorted {
        if weight <= 0.0 {
            continue;
        }
        if let Some(lower) = between {
            return Some(f64::midpoint(lower, value));
        }
        below += weight;
        if below > half + slack {
            return Some(value);
        }
        if below >= half - slack {
            between = Some(value);
        }
    }
    between
}

/// The median of values that count the same.
pub(super) fn median(values: &mut [f64]) -> Option<f64> {
    values.sort_by(f64::total_cmp);
    quantile(values, 0.5)
}

/// A quantile of sorted values, by linear interpolation (R's type 7).
pub(super) fn quantile(sorted: &[f64], share: f64) -> Option<f64> {
    let last = sorted.len().checked_sub(1)?;
    let place = share.clamp(0.0, 1.0) * last as f64;
    let (lower, rest) = (libm::floor(place) as usize, place - libm::floor(place));
    let (low, high) = (sorted.get(lower)?, sorted.get(lower + 1).or_else(|| sorted.get(lower))?);
    Some(low + (high - low) * rest)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn of(values: &[(f64, f64)]) -> Option<f64> {
        let mut values: Vec<_> = values.iter().map(|&(value, weight)| Weighted { value, weight }).collect();
        sort(&mut values);
        weighted_median(values.iter().copied())
    }

    #[test]
    fn half_of_the_weight_lies_to_each_side() {
        assert_eq!(of(&[]), None);
        assert_eq!(of(&[(1.0, 0.0)]), None);
        assert_eq!(of(&[(3.0, 1.0), (1.0, 1.0), (2.0, 1.0)]), Some(2.0));
        assert_eq!(of(&[(1.0, 1.0), (2.0, 1.0)]), Some(1.5));
        assert_eq!(of(&[(1.0, 1.0), (2.0, 0.0), (4.0, 1.0)]), Some(2.5));
        assert_eq!(of(&[(1.0, 5.0), (2.0, 1.0), (9.0, 1.0)]), Some(1.0));
    }

    #[test]
    fn quantiles_are_those_of_r_type_7() {
        let sorted = [1.0, 2.0, 4.0, 8.0];
        for (share, expected) in [(0.0, 1.0), (0.25, 1.75), (0.5, 3.0), (0.75, 5.0), (1.0, 8.0)] {
            assert!((quantile(&sorted, share).unwrap() - expected).abs() < 1e-12, "{share}");
        }
        assert_eq!(quantile(&[], 0.5), None);
    }

    proptest! {
        /// The oracle is the definition: no value has a smaller sum of weighted distances.
        #[test]
        fn no_other_value_is_nearer_to_all(values in prop::collection::vec((-9.0..9.0f64, 0.01..5.0f64), 1..30)) {
            let cost = |at: f64| values.iter().map(|(value, weight)| weight * (value - at).abs()).sum::<f64>();
            let found = cost(of(&values).unwrap());
            for (other, _) in &values {
                prop_assert!(found <= cost(*other) + 1e-9);
            }
        }
    }
}
