//! A day's record to text and back.

use std::{collections::BTreeMap, fmt::Write, str::FromStr};

use super::{Contradiction, DayRecord, KIND, LONGEST, Link, runs};
use crate::{
    time::Day,
    uptime::{
        day::{Latency, MonitorDay, VantageCount},
        names::Vantage,
        schedule::{Grid, Interval},
    },
};

/// Bytes that are no record of a day.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum Malformed {
    /// Longer than a record can be.
    #[error("a record has at most {LONGEST} bytes")]
    TooLong,
    /// Not text.
    #[error("a record is ASCII text")]
    NotText,
    /// Another kind of record.
    #[error("the first line of this kind of record is {KIND}")]
    Kind,
    /// A line is missing, or cannot be read.
    #[error("the line {0:?} is missing or can not be read")]
    Line(&'static str),
    /// It can be read, but contradicts itself.
    #[error(transparent)]
    Contradiction(#[from] Contradiction),
    /// It says what could be said in one way in another: a leading zero, lines out of order, text after the
    /// end.
    #[error("the record is not written the one way there is")]
    NotCanonical,
}

impl DayRecord {
    /// The record's text, the one there is.
    pub fn encode(&self) -> String {
        let day = &self.day;
        let previous = self.link.previous().map_or_else(|| "-".to_owned(), |hash| hash.to_string());
        let mut text = format!(
            "{KIND}\nmonitor {}\nsequence {}\nprevious {previous}\nconfiguration {}\nday {}\n\
             interval {}\nphase {}\n",
            self.monitor,
            self.link.sequence(),
            self.configuration,
            day.day,
            day.grid.interval().seconds(),
            day.grid.phase(),
        );
        for (vantage, VantageCount { up, down, nothing }) in &day.vantages {
            // Writing to a string does not fail, here and below.
            let _ = writeln!(text, "vantage {vantage} {up} {down} {nothing}");
        }
        let _ = match day.latency {
            Some(Latency { p50_ms, p95_ms }) => writeln!(text, "latency {p50_ms} {p95_ms}"),
            None => writeln!(text, "latency -"),
        };
        let _ = writeln!(text, "slots {}", runs::write(&day.slots));
        text
    }

    /// Reads a record. Takes only what [`DayRecord::encode`] writes, byte for byte.
    pub fn decode(bytes: &[u8]) -> Result<Self, Malformed> {
        if bytes.len() > LONGEST {
            return Err(Malformed::TooLong);
        }
        let text = str::from_utf8(bytes).ok().filter(|text| text.is_ascii()).ok_or(Malformed::NotText)?;
        let mut lines = text.split('\n').peekable();
        if lines.next() != Some(KIND) {
            return Err(Malformed::Kind);
        }
        let mut next = |name: &'static str| field(name, lines.next());
        let monitor = parsed("monitor", next("monitor")?)?;
        let sequence: u32 = parsed("sequence", next("sequence")?)?;
        let link = link(sequence, next("previous")?)?;
        let configuration = parsed("configuration", next("configuration")?)?;
        let day = Day::parse(next("day")?).map_err(|_| Malformed::Line("day"))?;
        let interval = Interval::from_seconds(parsed("interval", next("interval")?)?)
            .map_err(|_| Malformed::Line("interval"))?;
        let grid =
            Grid::new(interval, parsed("phase", next("phase")?)?).map_err(|_| Malformed::Line("phase"))?;
        let mut vantages = BTreeMap::new();
        while let Some(line) = lines.next_if(|line| line.starts_with("vantage ")) {
            let (vantage, count) = vantage(line).ok_or(Malformed::Line("vantage"))?;
            vantages.insert(vantage, count);
        }
        let mut next = |name: &'static str| field(name, lines.next());
        let latency = latency(next("latency")?)?;
        let slots = runs::read(next("slots")?, usize::from(interval.slots_a_day()))
            .ok_or(Malformed::Line("slots"))?;
        let day = MonitorDay { day, grid, slots, vantages, latency };
        let record = Self::new(monitor, configuration, link, day)?;
        // Everything that parsing is lenient about is caught here.
        (record.encode() == text).then_some(record).ok_or(Malformed::NotCanonical)
    }
}

/// What a line of this name says.
fn field<'a>(name: &'static str, line: Option<&'a str>) -> Result<&'a str, Malformed> {
    line.and_then(|line| line.strip_prefix(name)?.strip_prefix(' ')).ok_or(Malformed::Line(name))
}

fn parsed<T: FromStr>(name: &'static str, value: &str) -> Result<T, Malformed> {
    value.parse().map_err(|_| Malformed::Line(name))
}

fn link(sequence: u32, previous: &str) -> Result<Link, Malformed> {
    match (sequence, previous) {
        (0, "-") => Ok(Link::First),
        (0, _) | (_, "-") => Err(Contradiction::Link.into()),
        _ => Ok(Link::Next { sequence, previous: parsed("previous", previous)? }),
    }
}

fn vantage(line: &str) -> Option<(Vantage, VantageCount)> {
    let mut fields = line.strip_prefix("vantage ")?.split(' ');
    let vantage = fields.next()?.parse().ok()?;
    let mut number = || fields.next()?.parse().ok();
    Some((vantage, VantageCount { up: number()?, down: number()?, nothing: number()? }))
}

fn latency(numbers: &str) -> Result<Option<Latency>, Malformed> {
    if numbers == "-" {
        return Ok(None);
    }
    let (p50, p95) = numbers.split_once(' ').ok_or(Malformed::Line("latency"))?;
    Ok(Some(Latency { p50_ms: parsed("latency", p50)?, p95_ms: parsed("latency", p95)? }))
}
