//! Stretches of time, half-open, and sets of them in one normal form: sorted, apart from each other, none
//! empty. Equal sets of moments are equal values, however they were put together.

use serde::{Deserialize, Serialize};

use crate::time::Moment;

/// A stretch of time: from its first moment up to, not including, its end.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct Span {
    /// The first moment in it.
    pub from: Moment,
    /// The first moment after it. Not later than `from`: then nothing is in it.
    pub until: Moment,
}

impl Span {
    /// From a moment on, without an end.
    pub fn since(from: Moment) -> Self {
        Self { from, until: Moment::LATEST }
    }

    /// Whether no moment is in it.
    pub fn is_empty(self) -> bool {
        self.until <= self.from
    }

    /// Whether this moment is in it.
    pub fn contains(self, at: Moment) -> bool {
        self.from <= at && at < self.until
    }

    /// What is in both.
    #[must_use]
    pub fn overlap(self, other: Self) -> Self {
        Self { from: self.from.max(other.from), until: self.until.min(other.until) }
    }

    /// How long it is, in seconds.
    pub fn seconds(self) -> u64 {
        u64::try_from(self.until.unix() - self.from.unix()).unwrap_or(0)
    }
}

/// A set of moments, as the fewest spans that make it up.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(from = "Vec<Span>", into = "Vec<Span>")]
pub struct Spans(Vec<Span>);

impl Spans {
    /// The spans, by time. Between any two there is at least one moment that is in none.
    pub fn iter(&self) -> impl DoubleEndedIterator<Item = Span> + '_ {
        self.0.iter().copied()
    }

    /// Whether no moment is in it.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// Whether this moment is in it.
    pub fn contains(&self, at: Moment) -> bool {
        self.last_from(at).is_some_and(|span| span.contains(at))
    }

    /// Whether each moment of `span` is in it.
    pub fn covers(&self, span: Span) -> bool {
        span.is_empty() || self.last_from(span.from).is_some_and(|known| span.until <= known.until)
    }

    /// How many seconds of `span` are in it.
    pub fn seconds_in(&self, span: Span) -> u64 {
        self.iter().map(|known| known.overlap(span).seconds()).sum()
    }

    fn last_from(&self, at: Moment) -> Option<Span> {
        let after = self.0.partition_point(|span| span.from <= at);
        self.0[..after].last().copied()
    }

    /// Adds a span that begins no earlier than any that is in it.
    pub(super) fn append(&mut self, span: Span) {
        match self.0.last_mut() {
            _ if span.is_empty() => {}
            Some(last) if span.from <= last.until => last.until = last.until.max(span.until),
            _ => self.0.push(span),
        }
    }
}

impl FromIterator<Span> for Spans {
    fn from_iter<I: IntoIterator<Item = Span>>(spans: I) -> Self {
        let mut sorted: Vec<Span> = spans.into_iter().collect();
        sorted.sort_unstable();
        let mut joined = Self::default();
        for span in sorted {
            joined.append(span);
        }
        joined
    }
}

impl From<Vec<Span>> for Spans {
    fn from(spans: Vec<Span>) -> Self {
        spans.into_iter().collect()
    }
}

impl From<Spans> for Vec<Span> {
    fn from(spans: Spans) -> Self {
        spans.0
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn span((from, until): (i64, i64)) -> Span {
        Span { from: Moment::EPOCH.plus(from), until: Moment::EPOCH.plus(until) }
    }

    proptest! {
        #[test]
        fn a_set_of_spans_holds_exactly_the_moments_of_its_parts(
            parts in prop::collection::vec((0..60_i64, 0..60_i64), 0..8), asked in (0..60_i64, 0..60_i64),
        ) {
            let held = |at: i64| parts.iter().any(|&(from, until)| from <= at && at < until);
            let set: Spans = parts.iter().copied().map(span).collect();
            for at in 0..61 {
                prop_assert_eq!(set.contains(Moment::EPOCH.plus(at)), held(at));
            }
            let seconds = (asked.0..asked.1).filter(|&at| held(at)).count();
            prop_assert_eq!(set.seconds_in(span(asked)), seconds as u64);
            prop_assert_eq!(set.covers(span(asked)), (asked.0..asked.1).all(held));
            let spans: Vec<Span> = set.iter().collect();
            let backwards: Spans = parts.iter().rev().copied().map(span).collect();
            prop_assert!(spans.windows(2).all(|pair| pair[0].until < pair[1].from));
            prop_assert_eq!(set, backwards);
        }
    }
}
