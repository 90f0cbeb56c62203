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
        heard: BTreeMap::new(),
    }
}

fn home() -> Vantage {
    "home".parse().unwrap()
}

fn checked(key: usize, attempts: &[(i64, Found)]) -> Checked<usize> {
    let attempt =
        |(after, found): &(i64, Found)| Attempt { began_at: minute().plus(*after), found: found.clone() };
    Checked { key, attempts: attempts.iter().map(attempt).collect(), certificate: None, late: Duration::ZERO }
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
fn hanging() -> SocketAddr {
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
    let address = hanging();
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
    let down = |outcomes: &Vec<Outcome>| Verdict::of(outcomes.iter().copied()) == Verdict::Down(Why::Timeout);
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
    let seen =
        round.seen(&[checked(0, &[(20, DOWN), (72, UP)]), checked(1, &[])], Controls::default(), minute());
    assert_eq!(
        seen.outcomes,
        [(1, vec![Outcome::Down(Why::Refused), Outcome::Nothing(Nothing::Late)])].into()
    );
    let blind = Controls { asked: 2, failed: 2 };
    let seen = round.seen(&[checked(0, &[(20, DOWN), (21, DOWN)])], blind, minute());
    assert_eq!(seen.outcomes[&1], [Outcome::Nothing(Nothing::Fault); 2]);
    assert_eq!(round.news(&seen, &home()).len(), 0);
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
        assert_eq!(!round.news(&seen, &home()).is_empty(), is_news, "{known:?} {attempts:?}");
    }
}

#[test]
fn a_place_that_keeps_saying_otherwise_is_looked_at_once_and_then_every_quarter_of_an_hour() {
    let down = &[(13, DOWN), (14, DOWN)][..];
    let up = &[(13, UP)][..];
    for (minutes, interval, heard, attempts, is_news) in [
        (1, 60, None, down, true),
        (1, 60, Some(Known::Fine), down, true),
        (1, 60, Some(Known::Down), down, false),
        (14, 60, Some(Known::Down), down, false),
        (15, 60, Some(Known::Down), down, true),
        (30, 60, Some(Known::Down), down, true),
        (12, 720, Some(Known::Down), down, false),
        (24, 720, Some(Known::Down), down, true),
        // It is again what it is known to be, which is to be heard, too.
        (1, 60, Some(Known::Down), up, true),
        (15, 60, Some(Known::Fine), up, false),
    ] {
        let minute = minute().plus(minutes * 60);
        let asked = Asked {
            heard: heard.map(|heard| (home(), heard)).into_iter().collect(),
            ..asked(1, interval, 12, Known::Fine)
        };
        let round = Round::of(vec![asked], minute, minute);
        let attempts: Vec<_> =
            attempts.iter().map(|(at, found)| (at + minutes * 60, found.clone())).collect();
        let seen = round.seen(&[checked(0, &attempts)], Controls::default(), minute);
        assert_eq!(!round.news(&seen, &home()).is_empty(), is_news, "after {minutes}, heard {heard:?}");
        let other = "other".parse().unwrap();
        let is_down = attempts.len() > 1;
        assert_eq!(!round.news(&seen, &other).is_empty(), is_down, "of each place for itself");
    }
}
