//! Whose turn it is in a minute, and what becomes of what was seen.

use std::collections::BTreeMap;

use probe::{
    batch::{Attempt, Checked},
    check::Check,
};
use table::{Asked, Known, Seen};
use trust::{
    time::Moment,
    uptime::{
        facts::CERTIFICATE_DAYS,
        names::MonitorId,
        slot::{Controls, Nothing, Outcome, Verdict},
        span::Span,
    },
};

/// A monitor whose slot begins.
#[derive(Debug, Clone)]
pub(crate) struct Turn {
    pub(crate) asked: Asked,
    pub(crate) check: Check,
    /// The slot: what begins outside of it says nothing of it.
    pub(crate) slot: Span,
}

/// The monitors of a shard whose slots begin within one minute.
#[derive(Debug, Clone)]
pub(crate) struct Round {
    pub(crate) turns: Vec<Turn>,
    /// When the last of those slots is over.
    pub(crate) ends: Moment,
}

impl Round {
    pub(crate) fn of(asked: Vec<Asked>, minute: Moment) -> Self {
        let turn = |asked: Asked| {
            let (day, slot) = asked.schedule.due_in(minute)?;
            let slot = asked.schedule.grid.span(day, slot);
            let check = asked.check_at(slot.from)?.into();
            Some(Turn { asked, check, slot })
        };
        let turns: Vec<Turn> = asked.into_iter().filter_map(turn).collect();
        let ends = turns.iter().map(|turn| turn.slot.until).max().unwrap_or(minute);
        Self { turns, ends }
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

    /// The monitors that are otherwise than is known of them, by the end of their slots.
    pub(crate) fn news(&self, seen: &Seen) -> BTreeMap<Moment, Vec<MonitorId>> {
        let is_news = |turn: &&Turn| {
            let outcomes = seen.outcomes.get(&turn.asked.number).into_iter().flatten().copied();
            match (turn.asked.known, Verdict::of(outcomes)) {
                (Known::Nothing, Verdict::Up | Verdict::Down(_))
                | (Known::Fine, Verdict::Down(_))
                | (Known::Down, Verdict::Up) => true,
                (Known::Fine, Verdict::Up) | (Known::Down, Verdict::Down(_)) | (_, Verdict::Nothing(_)) => {
                    false
                }
            }
        };
        let mut news: BTreeMap<Moment, Vec<MonitorId>> = BTreeMap::new();
        for turn in self.turns.iter().filter(is_news) {
            news.entry(turn.slot.until).or_default().push(turn.asked.service.monitor.clone());
        }
        news
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use probe::outcome::{Certificate, Outcome as Found, Reason};
    use trust::uptime::{
        check,
        outage::Service,
        schedule::{Grid, Interval, Schedule},
        slot::Reason as Why,
    };

    use super::*;

    fn minute() -> Moment {
        Moment::parse("2028-02-29T12:00:00Z").unwrap()
    }

    fn asked(number: u32, interval: u32, phase: u32, known: Known) -> Asked {
        Asked {
            service: Service {
                provider: "p".parse().unwrap(),
                contract: None,
                monitor: format!("m{number}").parse().unwrap(),
            },
            number,
            schedule: Schedule {
                grid: Grid::new(Interval::from_seconds(interval).unwrap(), phase).unwrap(),
                running: [Span::since(Moment::EPOCH)].into_iter().collect(),
            },
            checks: vec![(Moment::EPOCH, check::Check::Tcp { host: "192.0.2.1".to_owned(), port: 80 })],
            known,
        }
    }

    fn checked(key: usize, attempts: &[(i64, Found)]) -> Checked<usize> {
        let attempt =
            |(after, found): &(i64, Found)| Attempt { began_at: minute().plus(*after), found: found.clone() };
        Checked {
            key,
            attempts: attempts.iter().map(attempt).collect(),
            certificate: None,
            late: Duration::ZERO,
        }
    }

    const UP: Found = Found::Up { latency_ms: 7 };
    const DOWN: Found = Found::Down(Reason::Refused);

    #[test]
    fn it_is_the_turn_of_those_whose_slots_begin_in_the_minute() {
        let round = Round::of(
            vec![
                asked(1, 60, 12, Known::Fine),
                asked(2, 300, 12, Known::Fine),
                asked(3, 300, 72, Known::Fine),
                asked(4, 3600, 3599, Known::Fine),
            ],
            minute(),
        );
        let numbers: Vec<u32> = round.turns.iter().map(|turn| turn.asked.number).collect();
        assert_eq!((numbers, round.ends), (vec![1, 2], minute().plus(312)));
        let next = Round::of(vec![asked(3, 300, 72, Known::Fine)], minute().plus(60));
        assert_eq!(next.turns.len(), 1);
        let paused = Asked {
            schedule: Schedule { running: [].into_iter().collect(), ..asked(5, 60, 0, Known::Fine).schedule },
            ..asked(5, 60, 0, Known::Fine)
        };
        assert_eq!(Round::of(vec![paused], minute()).turns.len(), 0);
    }

    #[test]
    fn a_change_of_target_is_asked_from_its_time_on() {
        let mut moved = asked(1, 60, 12, Known::Fine);
        moved.checks.push((minute().plus(12), check::Check::Tcp { host: "192.0.2.2".to_owned(), port: 80 }));
        let host = |minute| match &Round::of(vec![moved.clone()], minute).turns[0].check {
            Check::Tcp { host, .. } => host.clone(),
            other => panic!("{other:?}"),
        };
        assert_eq!([host(minute().plus(-60)), host(minute())], ["192.0.2.1", "192.0.2.2"]);
    }

    #[test]
    fn what_begins_outside_its_slot_or_from_a_blind_vantage_says_nothing() {
        let round = Round::of(vec![asked(1, 60, 12, Known::Fine), asked(2, 60, 12, Known::Fine)], minute());
        let seen = round.seen(
            &[checked(0, &[(20, DOWN), (72, UP)]), checked(1, &[])],
            Controls::default(),
            minute(),
        );
        assert_eq!(
            seen.outcomes,
            [(1, vec![Outcome::Down(Why::Refused), Outcome::Nothing(Nothing::Late)])].into()
        );
        let blind = Controls { asked: 2, failed: 2 };
        let seen = round.seen(&[checked(0, &[(20, DOWN), (21, DOWN)])], blind, minute());
        assert_eq!(seen.outcomes[&1], [Outcome::Nothing(Nothing::Fault); 2]);
        assert_eq!(round.news(&seen).len(), 0);
    }

    #[test]
    fn certificates_that_expire_within_a_month_are_noted() {
        let round = Round::of(vec![asked(1, 60, 0, Known::Fine), asked(2, 60, 0, Known::Fine)], minute());
        let with = |key, days: i64| Checked {
            certificate: Some(Certificate { expires: minute().plus(days * 86_400 + 60) }),
            ..checked(key, &[(1, UP)])
        };
        let seen = round.seen(&[with(0, 30), with(1, 31)], Controls::default(), minute());
        assert_eq!(seen.expiring.keys().copied().collect::<Vec<_>>(), [1]);
    }

    #[test]
    fn only_what_differs_from_what_is_known_is_looked_at() {
        for (known, attempts, is_news) in [
            (Known::Nothing, vec![(1, UP)], true),
            (Known::Nothing, vec![(1, DOWN), (2, DOWN)], true),
            (Known::Nothing, vec![(1, DOWN)], false),
            (Known::Fine, vec![(1, UP)], false),
            (Known::Fine, vec![(1, DOWN), (2, UP)], false),
            (Known::Fine, vec![(1, DOWN), (2, DOWN)], true),
            (Known::Down, vec![(1, DOWN), (2, DOWN)], false),
            (Known::Down, vec![(1, UP)], true),
            (Known::Down, vec![], false),
        ] {
            let round = Round::of(vec![asked(1, 60, 0, known)], minute());
            let seen = round.seen(&[checked(0, &attempts)], Controls::default(), minute());
            assert_eq!(!round.news(&seen).is_empty(), is_news, "{known:?} {attempts:?}");
        }
    }
}
