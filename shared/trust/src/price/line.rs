//! A provider's own line: how his prices grow with his machines, so that a price with a slipped decimal point stands out.
//!
//! The line is H. Theil's (1950) and P. K. Sen's (1968): the median of the slopes between all pairs, and of what is left. Three of ten
//! rows may be wrong without moving it much.

use super::median::{median, quantile};

/// Rows of which all pairs are looked at. Of more, as many are taken evenly: pairs grow with the square.
const MOST_ROWS: usize = 200;

/// Sizes nearer than this say nothing of a slope.
const SAME_SIZE: f64 = 0.05;

/// Slopes of price lists lie well within these. Beyond, the rows have no line.
const SLOPES: (f64, f64) = (0.2, 3.0);

/// The logarithm of a price by that of a machine's size.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) struct Line {
    at_zero: f64,
    slope: f64,
}

impl Line {
    /// The line through these rows of (size, price); `None` of nothing.
    pub(super) fn through(rows: &[(f64, f64)]) -> Option<Self> {
        let mut rows = rows.to_vec();
        rows.sort_by(|one, other| one.0.total_cmp(&other.0).then(one.1.total_cmp(&other.1)));
        let step = rows.len().div_ceil(MOST_ROWS).max(1);
        let rows: Vec<(f64, f64)> = rows.into_iter().step_by(step).collect();
        let mut slopes = Vec::new();
        for (place, one) in rows.iter().enumerate() {
            for other in rows.iter().skip(place + 1) {
                let apart = other.0 - one.0;
                if apart >= SAME_SIZE {
                    slopes.push((other.1 - one.1) / apart);
                }
            }
        }
        slopes.sort_by(f64::total_cmp);
        let slope = quantile(&slopes, 0.5).unwrap_or(1.0).clamp(SLOPES.0, SLOPES.1);
        let mut left: Vec<f64> = rows.iter().map(|(size, price)| price - slope * size).collect();
        Some(Self { at_zero: median(&mut left)?, slope })
    }

    /// How far a row is from the line.
    pub(super) fn off(&self, (size, price): (f64, f64)) -> f64 {
        (price - self.at_zero - self.slope * size).abs()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_slipped_point_in_six_rows_stands_out_and_the_others_do_not() {
        let mut rows: Vec<(f64, f64)> =
            (0..6).map(|size| (f64::from(size), 1.0 + 0.9 * f64::from(size))).collect();
        rows[3].1 -= 1000_f64.ln();
        let line = Line::through(&rows).unwrap();
        let out: Vec<bool> = rows.iter().map(|row| line.off(*row) > 3_f64.ln()).collect();
        assert_eq!(out, [false, false, false, true, false, false]);
    }

    #[test]
    fn rows_of_one_size_have_a_line_through_their_middle() {
        let line = Line::through(&[(2.0, 5.0), (2.0, 5.2), (2.0, 9.0)]).unwrap();
        assert!(line.off((2.0, 5.2)) < 1e-12);
        assert!(line.off((2.0, 9.0)) > 3.0);
        assert_eq!(Line::through(&[]), None);
    }
}
