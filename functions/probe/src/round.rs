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
        names::MonitorId,
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
    pub(crate) fn into_slot(&self, checked: &Checked<usize>) -> Option<u32> {
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

/// Which of so many is the first in a minute. Scattered, so that it is another one also for those who are asked every so many minutes.
fn first(minute: Moment, of: usize) -> usize {
    // The golden ratio's share of 2^64: multiples of it lie far apart.
    let scattered = (minute.unix() as u64 / 60).wrapping_mul(0x9e37_79b9_7f4a_7c15) >> 32;
    (scattered as usize).checked_rem(of).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use std::{collections::BTreeSet, net::SocketAddr};

    use probe::{
        guard::Guard,
        names::Names,
        outcome::{Certificate, Outcome as Found, Reason},
        tls::Roots,
    };
    use tokio::net::TcpSocket;
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

    fn numbers(round: &Round) -> BTreeSet<u32> {
        round.turns.iter().map(|turn| turn.asked.number).collect()
    }

    /// The round with its turns by their numbers.
    fn in_order(mut round: Round) -> Round {
        round.turns.sort_by_key(|turn| turn.asked.number);
        round
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
            minute(),
        );
        assert_eq!(numbers(&round), [1, 2].into());
        let next = Round::of(vec![asked(3, 300, 72, Known::Fine)], minute().plus(60), minute());
        assert_eq!(next.turns.len(), 1);
        let paused = Asked {
            schedule: Schedule { running: [].into_iter().collect(), ..asked(5, 60, 0, Known::Fine).schedule },
            ..asked(5, 60, 0, Known::Fine)
        };
        assert_eq!(Round::of(vec![paused], minute(), minute()).turns.len(), 0);
    }

    #[test]
    fn a_slot_that_is_over_is_nobodys_turn() {
        let all = || vec![asked(1, 60, 12, Known::Fine), asked(2, 300, 12, Known::Fine)];
        for (after, expected) in [(20, &[1, 2][..]), (71, &[1, 2]), (72, &[2]), (311, &[2]), (312, &[])] {
            let round = Round::of(all(), minute(), minute().plus(after));
            assert_eq!(numbers(&round), expected.iter().copied().collect(), "after {after} s");
        }
    }

    #[test]
    fn each_is_among_the_first_in_some_minutes_and_among_the_last_in_others_however_often_it_is_asked() {
        for interval in Interval::all() {
            let all: Vec<Asked> =
                (0..200).map(|number| asked(number, interval.seconds(), 12, Known::Fine)).collect();
            let (mut first, mut last) = (BTreeSet::<u32>::new(), BTreeSet::<u32>::new());
            for turn in 0..60 {
                let minute = minute().day().start().plus(turn * i64::from(interval.seconds()));
                let round = Round::of(all.clone(), minute, minute);
                let numbers: Vec<u32> = round.turns.iter().map(|turn| turn.asked.number).collect();
                first.extend(&numbers[..128]);
                last.extend(&numbers[128..]);
            }
            assert_eq!((first.len(), last.len()), (200, 200), "{interval}");
        }
    }

    /// Takes connections and never says anything on them.
    async fn hanging() -> SocketAddr {
        let socket = TcpSocket::new_v4().unwrap();
        socket.bind("127.0.0.1:0".parse().unwrap()).unwrap();
        let listener = socket.listen(1024).unwrap();
        let address = listener.local_addr().unwrap();
        tokio::spawn(async move {
            let mut open = Vec::new();
            while let Ok((stream, _)) = listener.accept().await {
                open.push(stream);
            }
        });
        address
    }

    #[tokio::test]
    async fn all_sixty_monitors_of_a_host_that_hangs_are_down() {
        let address = hanging().await;
        let (host, port) = (address.ip().to_string(), address.port());
        let ssh = |number| Asked {
            checks: vec![(Moment::EPOCH, check::Check::Ssh { host: host.clone(), port })],
            ..asked(number, 60, 12, Known::Fine)
        };
        let round = Round::of((0..60).map(ssh).collect(), minute(), minute());
        let names = Names::asking(&[]).unwrap();
        let prober = Prober::new(Guard::with_loopback_for_tests(), names, Roots::public()).unwrap();
        // The proportions of the real pace.
        let pace = Pace {
            timeout: Duration::from_secs(1),
            round: Duration::from_secs(3),
            spread: Duration::from_millis(200),
        };
        let checked = round.ask(&prober, pace, Instant::now(), || minute().plus(20)).await;
        let seen = round.seen(&checked, Controls::default(), minute().plus(60));
        let down =
            |outcomes: &Vec<Outcome>| Verdict::of(outcomes.iter().copied()) == Verdict::Down(Why::Timeout);
        assert_eq!(seen.outcomes.values().filter(|outcomes| down(outcomes)).count(), 60);
    }

    #[test]
    fn a_change_of_target_is_asked_from_its_time_on() {
        let mut moved = asked(1, 60, 12, Known::Fine);
        moved.checks.push((minute().plus(12), check::Check::Tcp { host: "192.0.2.2".to_owned(), port: 80 }));
        let host = |minute| match &Round::of(vec![moved.clone()], minute, minute).turns[0].check {
            Check::Tcp { host, .. } => host.clone(),
            other => panic!("{other:?}"),
        };
        assert_eq!([host(minute().plus(-60)), host(minute())], ["192.0.2.1", "192.0.2.2"]);
    }

    #[test]
    fn what_begins_outside_its_slot_or_from_a_blind_vantage_says_nothing() {
        let round = in_order(Round::of(
            vec![asked(1, 60, 12, Known::Fine), asked(2, 60, 12, Known::Fine)],
            minute(),
            minute(),
        ));
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
        let round = in_order(Round::of(
            vec![asked(1, 60, 0, Known::Fine), asked(2, 60, 0, Known::Fine)],
            minute(),
            minute(),
        ));
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
            let round = Round::of(vec![asked(1, 60, 0, known)], minute(), minute());
            let seen = round.seen(&[checked(0, &attempts)], Controls::default(), minute());
            assert_eq!(!round.news(&seen).is_empty(), is_news, "{known:?} {attempts:?}");
        }
    }
}
