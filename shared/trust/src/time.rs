//! Points in time and UTC days, whole seconds and whole days, so that they order, hash and store alike
//! everywhere.

use std::fmt;

use jiff::{Timestamp, civil, tz::TimeZone};
use serde::{Deserialize, Serialize};

const SECONDS_A_DAY: i64 = 86_400;

/// A point in time: whole Unix seconds. Written as RFC 3339 UTC in JSON.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct Moment(i64);

/// A text that is no RFC 3339 time between the years 1970 and 9999.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("not an RFC 3339 time: {0:?}")]
pub struct InvalidMoment(String);

impl Moment {
    /// 1970-01-01T00:00:00Z.
    pub const EPOCH: Self = Self(0);

    /// 9999-12-30T22:00:00Z. Later times are refused, so that every one of them can be written and read.
    pub const LATEST: Self = Self(253_402_207_200);

    /// The moment this many seconds after 1970-01-01T00:00:00Z, if it is not after the [latest](Self::LATEST).
    pub fn from_unix(seconds: i64) -> Option<Self> {
        (0..=Self::LATEST.0).contains(&seconds).then_some(Self(seconds))
    }

    /// Seconds since 1970-01-01T00:00:00Z.
    pub fn unix(self) -> i64 {
        self.0
    }

    /// Parses an RFC 3339 time, dropping what is finer than a second.
    pub fn parse(text: &str) -> Result<Self, InvalidMoment> {
        let refuse = || InvalidMoment(text.chars().take(64).collect());
        let time: Timestamp = text.parse().map_err(|_| refuse())?;
        Self::from_unix(time.as_second()).ok_or_else(refuse)
    }

    /// The UTC day this moment falls in.
    pub fn day(self) -> Day {
        Day((self.0.div_euclid(SECONDS_A_DAY)) as i32)
    }

    /// Whole seconds from `earlier` to this moment; 0 where that is later.
    pub fn since(self, earlier: Self) -> u32 {
        u32::try_from((self.0 - earlier.0).max(0)).unwrap_or(u32::MAX)
    }

    /// This moment moved by whole seconds, kept within the writable range.
    #[must_use]
    pub fn plus(self, seconds: i64) -> Self {
        Self(self.0.saturating_add(seconds).clamp(0, Self::LATEST.0))
    }
}

impl fmt::Display for Moment {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match Timestamp::from_second(self.0) {
            Ok(time) => write!(f, "{}", time.strftime("%Y-%m-%dT%H:%M:%SZ")),
            Err(_) => write!(f, "@{}", self.0),
        }
    }
}

impl fmt::Debug for Moment {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

impl TryFrom<String> for Moment {
    type Error = InvalidMoment;
    fn try_from(text: String) -> Result<Self, InvalidMoment> {
        Self::parse(&text)
    }
}

impl From<Moment> for String {
    fn from(moment: Moment) -> String {
        moment.to_string()
    }
}

/// A UTC day. Written as `2026-11-23`.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct Day(i32);

/// A text that is no date of the form `2026-11-23`.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("not a date: {0:?}")]
pub struct InvalidDay(String);

impl Day {
    /// Parses `2026-11-23`.
    pub fn parse(text: &str) -> Result<Self, InvalidDay> {
        let refuse = || InvalidDay(text.chars().take(64).collect());
        let date: civil::Date = text.parse().map_err(|_| refuse())?;
        let midnight = TimeZone::UTC.to_timestamp(date.at(0, 0, 0, 0)).map_err(|_| refuse())?;
        Moment::from_unix(midnight.as_second()).map(Moment::day).ok_or_else(refuse)
    }

    /// The first moment of the day.
    pub fn start(self) -> Moment {
        Moment(i64::from(self.0) * SECONDS_A_DAY)
    }

    /// The day after.
    #[must_use]
    pub fn next(self) -> Self {
        Self(self.0 + 1)
    }

    /// The day this many days earlier.
    #[must_use]
    pub fn minus(self, days: u16) -> Self {
        Self((self.0 - i32::from(days)).max(0))
    }

    /// Whole days from `earlier` to this day; 0 where that is later.
    pub fn since(self, earlier: Self) -> u32 {
        u32::try_from(self.0 - earlier.0).unwrap_or(0)
    }
}

impl fmt::Display for Day {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match Timestamp::from_second(self.start().0) {
            Ok(time) => write!(f, "{}", time.strftime("%Y-%m-%d")),
            Err(_) => write!(f, "@{}", self.0),
        }
    }
}

impl fmt::Debug for Day {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

impl TryFrom<String> for Day {
    type Error = InvalidDay;
    fn try_from(text: String) -> Result<Self, InvalidDay> {
        Self::parse(&text)
    }
}

impl From<Day> for String {
    fn from(day: Day) -> String {
        day.to_string()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn moments_are_written_as_they_are_read_and_lose_what_is_finer_than_a_second() {
        let moment = Moment::parse("2025-11-15T03:35:14.179Z").unwrap();
        assert_eq!(moment.to_string(), "2025-11-15T03:35:14Z");
        assert_eq!(Moment::parse("2025-11-15T05:35:14+02:00").unwrap(), moment);
        assert_eq!(Moment::parse(&Moment::LATEST.to_string()), Ok(Moment::LATEST));
        assert_eq!(Moment::from_unix(Moment::LATEST.unix() + 1), None);
        assert!(Moment::parse("yesterday").is_err());
        assert!(Moment::parse("1969-12-31T23:59:59Z").is_err());
    }

    #[test]
    fn days_are_half_open_in_utc_across_leap_days_and_year_ends() {
        for (moment, day) in [
            ("2028-02-28T23:59:59Z", "2028-02-28"),
            ("2028-02-29T00:00:00Z", "2028-02-29"),
            ("2028-02-29T23:59:59Z", "2028-02-29"),
            ("2026-12-31T23:59:59Z", "2026-12-31"),
            ("2027-01-01T00:00:00Z", "2027-01-01"),
        ] {
            assert_eq!(Moment::parse(moment).unwrap().day().to_string(), day);
        }
        let day = Day::parse("2028-03-01").unwrap();
        assert_eq!(day.minus(1).to_string(), "2028-02-29");
        assert_eq!(day.since(day.minus(30)), 30);
        assert_eq!(day.minus(1).next(), day);
    }
}
