//! How an independent source stands.

use schemars::JsonSchema;
use serde::Serialize;
use sources::configuration::{self, Pace};
use table::SourceStanding;
use trust::{
    source::{
        SourceName, Subject,
        state::{Census, LastFailure, LastRead},
    },
    time::Moment,
};

use super::scalar::{Text, Time};

/// Whether sources are read at all by this deployment.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Reading {
    /// They are.
    On,
    /// Not without a contact for those who are asked.
    Off,
}

/// An independent source.
#[derive(Debug, Serialize, JsonSchema)]
pub(crate) struct Source<'a> {
    /// Its id.
    id: &'a str,
    /// Its name.
    title: &'a str,
    /// Where people find it.
    home: &'a str,
    /// How it is to be named beside what it says.
    attribution: &'a str,
    /// `paused`: it is in trouble, and left alone for a while; `stopped`: nothing is asked of it.
    #[schemars(extend("enum" = ["reading", "paused", "stopped"]))]
    status: &'static str,
    /// Why it is not read at the moment.
    because: Option<String>,
    /// Until when it is left alone.
    paused_until: Option<Time>,
    /// The last page that was read well, or told to be unchanged; `null` where none ever was.
    last_read: Option<Last>,
    /// The last page that was not.
    last_failure: Option<Failed>,
    /// How its pages stand, as of the last plan; `null` before the first.
    pages: Option<PageCounts>,
    /// After how many seconds a page is read again.
    refresh_seconds: u32,
    /// How many requests it has got on this UTC day, those for its `robots.txt` among them,
    requests_today: u32,
    /// of at most how many.
    requests_a_day: u32,
}

/// A page that was read.
#[derive(Debug, Serialize, JsonSchema)]
#[schemars(rename = "SourcePageRead")]
pub(crate) struct Last {
    /// When.
    at: Time,
    /// How long ago that is, to the minute.
    age_seconds: u32,
    /// Which kind of page.
    page: String,
    /// About what, by the source's own name for it; `null` for a page that is there once.
    subject: Option<String>,
    /// Where it is.
    url: String,
}

/// A page that was not read.
#[derive(Debug, Serialize, JsonSchema)]
#[schemars(rename = "SourcePageFailed")]
pub(crate) struct Failed {
    /// When.
    at: Time,
    /// Which kind of page.
    page: String,
    /// About what; `null` for a page that is there once.
    subject: Option<String>,
    /// Where it is.
    url: String,
    /// The kind of failure.
    reason: Text<&'static str>,
    /// The same in words.
    detail: String,
}

/// How the pages of a source stand.
#[derive(Debug, Serialize, JsonSchema)]
#[schemars(rename = "SourcePages")]
pub(crate) struct PageCounts {
    /// How many there are.
    known: u32,
    /// How many of them were ever read well.
    read: u32,
    /// How many of those are out of date: read longer ago than two of their regular times.
    stale: u32,
    /// How many fail at the moment.
    failing: u32,
    /// How many of those because they are not understood, or much less than before.
    not_understood: u32,
    /// Which share was understood of what the pages could say that were read well.
    #[schemars(range(min = 0, max = 1))]
    understood: Option<f64>,
    /// When the page was read that was read longest ago.
    oldest_read_at: Option<Time>,
}

impl<'a> Source<'a> {
    pub(crate) fn of(
        (name, source): (&'a SourceName, &'a configuration::Source),
        pace: Pace,
        SourceStanding { state, stop }: &SourceStanding,
        reading: Reading,
        now: Moment,
    ) -> Self {
        let paused_until = state.breaker.open_until(now);
        let (status, because) = match (stop, source.enabled, reading, paused_until) {
            (Some(stop), ..) => ("stopped", Some(stop.because.clone())),
            (None, false, ..) => ("stopped", Some("not enabled here".to_owned())),
            (None, true, Reading::Off, _) => {
                ("stopped", Some("no contact is set that could be shown to sources".to_owned()))
            }
            (None, true, Reading::On, Some(_)) => {
                ("paused", Some(format!("{} failures in a row", state.breaker.failures)))
            }
            (None, true, Reading::On, None) => ("reading", None),
        };
        Self {
            id: name.as_str(),
            title: &source.title,
            home: source.home.as_str(),
            attribution: &source.attribution,
            status,
            because,
            paused_until: paused_until.map(Time),
            last_read: state.last_read.as_ref().map(|read| Last::of(read, now)),
            last_failure: state.last_failure.as_ref().map(Failed::of),
            pages: state.census.as_ref().map(PageCounts::of),
            refresh_seconds: pace.refresh_seconds,
            requests_today: pace.requests_a_day - state.left_today(pace.requests_a_day, now),
            requests_a_day: pace.requests_a_day,
        }
    }
}

impl Last {
    fn of(LastRead { at, page, address }: &LastRead, now: Moment) -> Self {
        Self {
            at: Time(*at),
            age_seconds: now.since(*at) / 60 * 60,
            page: page.page.to_string(),
            subject: page.subject.as_ref().map(Subject::to_string),
            url: address.clone(),
        }
    }
}

impl Failed {
    fn of(LastFailure { at, page, address, why }: &LastFailure) -> Self {
        Self {
            at: Time(*at),
            page: page.page.to_string(),
            subject: page.subject.as_ref().map(Subject::to_string),
            url: address.clone(),
            reason: Text(why.name()),
            detail: why.to_string(),
        }
    }
}

impl PageCounts {
    fn of(census: &Census) -> Self {
        Self {
            known: census.pages,
            read: census.read,
            stale: census.stale,
            failing: census.failing,
            not_understood: census.not_understood,
            understood: census.recognition.basis_points().map(|share| f64::from(share) / 10_000.0),
            oldest_read_at: census.oldest.map(Time),
        }
    }
}
