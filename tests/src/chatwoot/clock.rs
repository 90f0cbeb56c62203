//! The time in the fake: the wall's until somebody sets it, then what it was set to.

use std::sync::{
    Arc,
    atomic::{AtomicI64, Ordering},
};

use serde_json::{Value, json};
use trust::time::Moment;

const MICROS: i64 = 1_000_000;

/// A clock that tests move. Clones show the same time.
#[derive(Debug, Clone)]
pub struct Clock(Arc<AtomicI64>);

impl Clock {
    /// Stands for the wall's time, which is never before 1970.
    const WALL: i64 = -1;

    /// Shows the wall's time until it is set.
    pub fn wall() -> Self {
        Self(Arc::new(AtomicI64::new(Self::WALL)))
    }

    /// Stands still at this moment.
    pub fn at(moment: Moment) -> Self {
        let clock = Self::wall();
        clock.set(moment);
        clock
    }

    /// The time it shows.
    pub fn now(&self) -> Moment {
        match self.0.load(Ordering::SeqCst) {
            Self::WALL => lambda::clock::now(),
            seconds => Moment::EPOCH.plus(seconds),
        }
    }

    /// Stops it at this moment.
    pub fn set(&self, moment: Moment) {
        self.0.store(moment.unix(), Ordering::SeqCst);
    }

    /// Stops it so many seconds from the time it shows.
    pub fn advance(&self, seconds: i64) {
        self.set(self.now().plus(seconds));
    }

    /// Lets it show the wall's time again.
    pub fn follow_wall(&self) {
        self.0.store(Self::WALL, Ordering::SeqCst);
    }
}

/// A time as a row keeps it: Unix microseconds. Chatwoot writes it in three ways.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Stamp(i64);

impl Stamp {
    pub(super) fn new(seconds: i64, micros: i64) -> Self {
        Self(seconds * MICROS + micros)
    }

    pub(super) fn seconds(self) -> i64 {
        self.0.div_euclid(MICROS)
    }

    #[must_use]
    pub(super) fn plus(self, seconds: i64) -> Self {
        Self(self.0 + seconds * MICROS)
    }

    /// `2025-11-15T03:35:14.179Z`
    pub(super) fn iso(self) -> String {
        let whole = Moment::EPOCH.plus(self.seconds()).to_string();
        format!("{}.{:03}Z", whole.trim_end_matches('Z'), self.0.rem_euclid(MICROS) / 1000)
    }

    /// Unix seconds with a fraction.
    pub(super) fn float(self) -> f64 {
        self.0 as f64 / MICROS as f64
    }
}

/// Unix seconds, where 0 stands for never.
pub(super) fn seconds_or_zero(stamp: Option<Stamp>) -> i64 {
    stamp.map_or(0, Stamp::seconds)
}

/// An ISO time, or `null` for never.
pub(super) fn iso_or_null(stamp: Option<Stamp>) -> Value {
    json!(stamp.map(Stamp::iso))
}

/// A source of [`Stamp`]s in which what happens later in a second is later by some microseconds, as on a real server.
#[derive(Debug)]
pub(super) struct Stamps {
    clock: Clock,
    last: Stamp,
}

impl Stamps {
    /// Where a second's first stamp lies, and how far the next ones are from it. Any would do that show a fraction.
    const FIRST: i64 = 179_000;
    const STEP: i64 = 1_003;

    pub(super) fn of(clock: Clock) -> Self {
        Self { clock, last: Stamp(0) }
    }

    pub(super) fn next(&mut self) -> Stamp {
        let second = self.clock.now().unix();
        let fraction = if second == self.last.seconds() {
            (self.last.0.rem_euclid(MICROS) + Self::STEP).min(MICROS - 1)
        } else {
            Self::FIRST
        };
        self.last = Stamp::new(second, fraction);
        self.last
    }
}
