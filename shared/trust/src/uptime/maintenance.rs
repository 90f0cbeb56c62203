//! Announced work, and how much of it counts: what was announced 24 hours before it starts, up to 4 hours in
//! any 30 days.
//!
//! Where more is announced, the first 4 hours count, second by second in the order of time: a second counts
//! if less than 4 hours have counted within the 30 days that end with it. The 30 days roll, since by calendar
//! month two months' allowances could be spent in one night. What counts at a moment depends only on windows
//! that start up to then, and those were all announced a day before: nothing said later changes a day that is
//! sealed.

use serde::{Deserialize, Serialize};

use crate::time::Moment;

use super::span::{Span, Spans};

/// How long before its start a window has to be announced, in seconds: 24 hours (DESIGN §5). Less, and an
/// outage could be declared to be work while it begins; more, and urgent repairs could never be announced.
pub const LEAD: u32 = 86_400;

/// How much maintenance counts in [`ALLOWED_IN`], in seconds: 4 hours (DESIGN §5). More would let a provider
/// buy a promise with announcements; at 4 h in 30 days he gains half a percent at most.
pub const ALLOWED: u64 = 4 * 3600;

/// In how many seconds [`ALLOWED`] may be spent: 30 days.
pub const ALLOWED_IN: u64 = 30 * 86_400;

/// The longest window, in seconds: 7 days. Of a longer one hardly more would count, and what counts is worked out second by second.
pub const LONGEST: u64 = 7 * 86_400;

/// A maintenance window of a monitor.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct Window {
    /// When it was announced: when it was said, or when we learned of it, if that was later.
    pub announced_at: Moment,
    /// When the work is.
    pub span: Span,
}

/// A window that can not be announced.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum InvalidWindow {
    /// It starts in the past.
    #[error("maintenance is announced before it starts")]
    Past,
    /// It ends before it starts, or as it does.
    #[error("maintenance ends after it starts")]
    Empty,
    /// It is longer than [`LONGEST`].
    #[error("maintenance lasts 7 days at most")]
    TooLong,
}

impl Window {
    /// Announces a window. One that starts sooner than in 24 hours is accepted and shown, but does not count.
    pub fn announce(span: Span, now: Moment) -> Result<Self, InvalidWindow> {
        if span.is_empty() {
            return Err(InvalidWindow::Empty);
        }
        if span.seconds() > LONGEST {
            return Err(InvalidWindow::TooLong);
        }
        (span.from > now).then_some(Self { announced_at: now, span }).ok_or(InvalidWindow::Past)
    }

    /// Whether it was announced early enough to count.
    pub fn is_early_enough(self) -> bool {
        self.announced_at.plus(i64::from(LEAD)) <= self.span.from
    }
}

/// The moments at which maintenance counts, from all windows a monitor ever had, in any order.
///
/// All, because what has counted before is spent.
pub fn counted<'a>(windows: impl IntoIterator<Item = &'a Window>) -> Spans {
    let early = windows.into_iter().filter(|window| window.is_early_enough()).map(|window| window.span);
    first_of_each(&early.collect(), ALLOWED, ALLOWED_IN)
}

/// The first moments of a set of which no `within` seconds in a row hold more than `allowed`.
fn first_of_each(announced: &Spans, allowed: u64, within: u64) -> Spans {
    let mut counted = Spans::default();
    for span in announced.iter() {
        let mut at = span.from;
        while at < span.until {
            let recent = Span { from: at.plus(1 - within as i64), until: at };
            let left = allowed.saturating_sub(counted.seconds_in(recent));
            let seconds = if left > 0 {
                left
            } else {
                // All is spent. It comes back second by second, as the oldest that is still recent ceases to
                // be.
                let Some(oldest) =
                    counted.iter().map(|known| known.overlap(recent)).find(|known| !known.is_empty())
                else {
                    break;
                };
                at = oldest.from.plus(within as i64);
                oldest.seconds()
            };
            let next = Span { from: at, until: at.plus(seconds as i64) }.overlap(span);
            counted.append(next);
            at = at.plus(seconds as i64);
        }
    }
    counted
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    const HOUR: i64 = 3600;
    const DAY: i64 = 24 * HOUR;

    fn at(seconds: i64) -> Moment {
        Moment::parse("2026-11-01T00:00:00Z").unwrap().plus(seconds)
    }

    fn span(from: i64, until: i64) -> Span {
        Span { from: at(from), until: at(until) }
    }

    fn window(lead: i64, from: i64, seconds: i64) -> Window {
        Window { announced_at: at(from - lead), span: span(from, from + seconds) }
    }

    fn spans(expected: &[(i64, i64)]) -> Spans {
        expected.iter().map(|&(from, until)| span(from, until)).collect()
    }

    #[test]
    fn maintenance_counts_only_if_announced_a_day_before_it_starts() {
        assert_eq!(counted(&[window(DAY, 5 * DAY, HOUR)]), spans(&[(5 * DAY, 5 * DAY + HOUR)]));
        assert_eq!(counted(&[window(DAY - 1, 5 * DAY, HOUR)]), Spans::default());
    }

    #[test]
    fn a_window_in_the_past_is_refused_and_a_late_one_is_accepted_without_counting() {
        let now = at(0);
        assert_eq!(Window::announce(span(-10, HOUR), now), Err(InvalidWindow::Past));
        assert_eq!(Window::announce(span(0, HOUR), now), Err(InvalidWindow::Past));
        assert_eq!(Window::announce(span(HOUR, HOUR), now), Err(InvalidWindow::Empty));
        assert_eq!(Window::announce(span(HOUR, 7 * DAY + HOUR + 1), now), Err(InvalidWindow::TooLong));
        assert!(!Window::announce(span(HOUR, 2 * HOUR), now).unwrap().is_early_enough());
        assert!(Window::announce(span(DAY, DAY + HOUR), now).unwrap().is_early_enough());
    }

    #[test]
    fn of_more_than_four_hours_in_thirty_days_the_first_four_count() {
        let found = counted(&[
            window(9 * DAY, 20 * DAY, 3 * HOUR),
            window(2 * DAY, 10 * DAY, 2 * HOUR),
            // Overlaps the one before: the same hour is not spent twice.
            window(3 * DAY, 10 * DAY + HOUR, HOUR),
            window(2 * DAY, 25 * DAY, HOUR),
        ]);
        assert_eq!(found, spans(&[(10 * DAY, 10 * DAY + 2 * HOUR), (20 * DAY, 20 * DAY + 2 * HOUR)]));
    }

    #[test]
    fn what_is_spent_comes_back_thirty_days_later() {
        let found = counted(&[window(DAY, 0, 5 * HOUR), window(DAY, 30 * DAY + 2 * HOUR, 5 * HOUR)]);
        // At 30 d + 2 h two hours are back, and with each further second one more until the first four are
        // through.
        let second = (30 * DAY + 2 * HOUR, 30 * DAY + 6 * HOUR);
        assert_eq!(found, spans(&[(0, 4 * HOUR), second]));
        let month_end = counted(&[window(DAY, 28 * DAY, 4 * HOUR), window(DAY, 31 * DAY, 4 * HOUR)]);
        assert_eq!(month_end, spans(&[(28 * DAY, 28 * DAY + 4 * HOUR)]));
    }

    #[test]
    fn a_window_announced_later_never_takes_away_what_counted() {
        let first = window(2 * DAY, 10 * DAY, 3 * HOUR);
        let both = counted(&[window(DAY, 12 * DAY, 3 * HOUR), first]);
        assert_eq!(both.seconds_in(first.span), 3 * HOUR as u64);
        assert_eq!(both.seconds_in(span(12 * DAY, 13 * DAY)), HOUR as u64);
    }

    proptest! {
        #[test]
        fn seconds_count_as_if_each_were_asked_for_itself(
            parts in prop::collection::vec((0..120_i64, 0..25_i64), 0..8), allowed in 0..12_u64, within in 1..50_u64,
        ) {
            let allowed = allowed.min(within);
            let announced: Spans = parts.iter().map(|&(from, seconds)| span(from, from + seconds)).collect();
            let mut taken: Vec<i64> = Vec::new();
            for second in 0..150 {
                let recent = taken.iter().filter(|&&earlier| second - earlier < within as i64).count();
                if announced.contains(at(second)) && (recent as u64) < allowed {
                    taken.push(second);
                }
            }
            let expected: Spans = taken.iter().map(|&second| span(second, second + 1)).collect();
            prop_assert_eq!(first_of_each(&announced, allowed, within), expected);
        }
    }
}
