//! Whose turn it is in a minute, how they are asked, and what becomes of what was seen.

use std::{collections::BTreeMap, num::NonZeroUsize, time::Duration};

use probe::{
    batch::{self, Attempt, Bounds, Checked, Job},
    check::Check,
    prober::Prober,
};
use table::{Asked, Known, Seen};
use tokio::time::Instant;
use trust::{
    time::Moment,
    uptime::{
        facts::CERTIFICATE_DAYS,
        names::{MonitorId, Vantage},
        slot::{Controls, Nothing, Outcome, Verdict},
        span::Span,
    },
};

/// How many checks are under way at once.
const IN_FLIGHT: NonZeroUsize = NonZeroUsize::new(512).unwrap();

/// How many of them at one host. A host that hangs keeps each for as long as the round takes, so that this is also how many of its
/// monitors are seen down in one minute: fewer hides the outage of the others, more looks like an attack to it. A host that answers
/// has few at a time, since the beginnings are spread.
const PER_HOST: NonZeroUsize = NonZeroUsize::new(128).unwrap();

/// Seconds after which a monitor is looked at again of which a place keeps saying otherwise than is known. Shorter costs more; longer
/// leaves an outage untold for longer that was there before announced work ended, or before another place joined in.
const AGAIN: i64 = 900;

/// How fast a round goes.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Pace {
    /// How long an attempt may take.
    pub(crate) timeout: Duration,
    /// How long all may take.
    pub(crate) round: Duration,
    /// Over how long their beginnings are spread.
    pub(crate) spread: Duration,
}

/// A monitor whose slot begins.
#[derive(Debug, Clone)]
pub(crate) struct Turn {
    pub(crate) asked: Asked,
    pub(crate) check: Check,
    /// The slot: what begins outside of it says nothing of it.
    pub(crate) slot: Span,
}

impl Turn {
    /// Whether this is the first of its slots to begin within some stretch of [`AGAIN`].
    fn is_time_again(&self) -> bool {
        let into = self.slot.from.unix().rem_euclid(AGAIN);
        into < i64::from(self.asked.schedule.grid.interval().seconds())
    }
}

/// The monitors of a shard whose slots begin within one minute.
#[derive(Debug, Clone)]
pub(crate) struct Round {
    /// In the order in which they are asked.
    pub(crate) turns: Vec<Turn>,
}

impl Round {
    /// Those of whose slots something is left.
    ///
    /// Each minute begins with another of them: where a host has more monitors than it can be asked for, it is not always the same
    /// ones that are left out.
    pub(crate) fn of(asked: Vec<Asked>, minute: Moment, now: Moment) -> Self {
        let turn = |asked: Asked| {
            let (day, slot) = asked.schedule.due_in(minute)?;
            let slot = asked.schedule.grid.span(day, slot);
            let check = asked.check_at(slot.from)?.into();
            Some(Turn { asked, check, slot }).filter(|turn| now < turn.slot.until)
        };
        let mut turns: Vec<Turn> = asked.into_iter().filter_map(turn).collect();
        let first = first(minute, turns.len());
        turns.rotate_left(first);
        Self { turns }
    }

    /// Asks them all. The keys of the answers are the places of the turns.
    pub(crate) async fn ask(
        &self,
        prober: &Prober,
        pace: Pace,
        begun: Instant,
        clock: impl Fn() -> Moment,
    ) -> Vec<Checked<usize>> {
        let each = pace.spread / u32::try_from(self.turns.len()).unwrap_or(u32::MAX).max(1);
        let job = |(place, turn): (u32, &Turn)| Job {
            key: place as usize,
            check: turn.check.clone(),
            timeout: pace.timeout,
            begin_at: begun + each * place,
        };
        let jobs = (0..).zip(&self.turns).map(job).collect();
        let bounds = Bounds { until: begun + pace.round, in_flight: IN_FLIGHT, per_host: PER_HOST };
        batch::run(prober, jobs, bounds, clock).await
    }

    /// How many seconds of its slot had passed when a check began.
    pub(crate) fn seconds_after_start(&self, checked: &Checked<usize>) -> Option<u32> {
        let (first, turn) = (checked.attempts.first()?, self.turns.get(checked.key)?);
        Some(first.began_at.since(turn.slot.from))
    }

    /// What was seen, by the places of the turns that were asked.
    pub(crate) fn seen(&self, checked: &[Checked<usize>], controls: Controls, now: Moment) -> Seen {
        let mut seen = Seen::default();
        for Checked { key, attempts, certificate, .. } in checked {
            let Some(Turn { asked, slot, .. }) = self.turns.get(*key) else { continue };
            let outcome = |attempt: &Attempt| {
                let began_in_it = slot.contains(attempt.began_at);
                if began_in_it { attempt.outcome(controls) } else { Outcome::Nothing(Nothing::Late) }
            };
            let outcomes: Vec<Outcome> = attempts.iter().map(outcome).collect();
            if !outcomes.is_empty() {
                seen.outcomes.insert(asked.number, outcomes);
            }
            if let Some(certificate) = certificate.filter(|it| it.days_left(now) <= CERTIFICATE_DAYS[0]) {
                seen.expiring.insert(asked.number, certificate.expires.unix());
            }
        }
        seen
    }

    /// The monitors to be looked at, by the end of their slots: those that this place finds otherwise than when they were last looked
    /// at.
    ///
    /// One of which it keeps saying otherwise than is known, since others outvote it or work was announced, is looked at now and then
    /// only: a look costs as much as many minutes of asking.
    pub(crate) fn news(&self, seen: &Seen, from: &Vantage) -> BTreeMap<Moment, Vec<MonitorId>> {
        let is_news = |turn: &&Turn| {
            let Asked { number, known, heard, .. } = &turn.asked;
            let outcomes = seen.outcomes.get(number).into_iter().flatten().copied();
            let says = match Verdict::of(outcomes) {
                Verdict::Up => Known::Fine,
                Verdict::Down(_) => Known::Down,
                Verdict::Nothing(_) => return false,
            };
            says != *heard.get(from).unwrap_or(known) || (says != *known && turn.is_time_again())
        };
        let mut news: BTreeMap<Moment, Vec<MonitorId>> = BTreeMap::new();
        for turn in self.turns.iter().filter(is_news) {
            news.entry(turn.slot.until).or_default().push(turn.asked.service.monitor.clone());
        }
        news
    }
}

/// Which of so many is the first in a minute. Scattered, so that it is another one also for those who are asked every so many minutes.
fn first(minute: Moment, of: usize) -> usize {
    // The golden ratio's share of 2^64: multiples of it lie far apart.
    let scattered = (minute.unix() as u64 / 60).wrapping_mul(0x9e37_79b9_7f4a_7c15) >> 32;
    (scattered as usize).checked_rem(of).unwrap_or_default()
}

#[cfg(test)]
mod tests;
