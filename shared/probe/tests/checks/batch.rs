use std::{
    net::SocketAddr,
    num::NonZeroUsize,
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering},
    },
    time::Duration,
};

use hickory_resolver::proto::op::ResponseCode;
use probe::{
    batch::{Attempt, Bounds, Checked, Job, controls, run},
    check::Check,
    outcome::{Fault, Outcome, Reason},
    prober::Limits,
};
use tokio::{
    io::AsyncWriteExt,
    time::{Instant, timeout},
};
use trust::uptime::slot::{self, Controls, Nothing, Verdict};

use crate::{
    BRIEF, PATIENT, asking,
    certificates::{self, Identity},
    is_up,
    names::{Answer, NameServer},
    now, prober, servers,
};

const TRUSTED: Controls = Controls { asked: 0, failed: 0 };

fn tcp(address: SocketAddr) -> Check {
    Check::Tcp { host: address.ip().to_string(), port: address.port() }
}

fn ssh(address: SocketAddr) -> Check {
    Check::Ssh { host: address.ip().to_string(), port: address.port() }
}

/// To be begun at once.
fn job(key: usize, check: Check, timeout: Duration) -> Job<usize> {
    Job { key, check, timeout, begin_at: Instant::now() }
}

fn within(time: Duration, in_flight: usize, per_host: usize) -> Bounds {
    let count = |count| NonZeroUsize::new(count).unwrap();
    Bounds { until: Instant::now() + time, in_flight: count(in_flight), per_host: count(per_host) }
}

/// Runs a batch, in the order of its keys.
async fn checked(jobs: Vec<Job<usize>>, bounds: Bounds) -> Vec<Checked<usize>> {
    let count = jobs.len();
    let mut checked = timeout(3 * PATIENT, run(&prober(), jobs, bounds, now)).await.expect("it is stuck");
    checked.sort_by_key(|one| one.key);
    assert!(checked.iter().map(|one| one.key).eq(0..count), "every check has one answer");
    checked
}

fn found(checked: &Checked<usize>) -> Vec<Outcome> {
    checked.attempts.iter().map(|attempt| attempt.found.clone()).collect()
}

fn verdict(checked: &Checked<usize>) -> Verdict {
    Verdict::of(checked.attempts.iter().map(|attempt| attempt.outcome(TRUSTED)))
}

/// Counts how many connections are open at once, and answers each after a while.
async fn counting(most: Arc<AtomicUsize>) -> SocketAddr {
    let open = Arc::new(AtomicUsize::new(0));
    servers::serve(move |mut stream| {
        let (open, most) = (open.clone(), most.clone());
        async move {
            most.fetch_max(open.fetch_add(1, Ordering::SeqCst) + 1, Ordering::SeqCst);
            tokio::time::sleep(BRIEF / 10).await;
            open.fetch_sub(1, Ordering::SeqCst);
            let _ = stream.write_all(b"SSH-2.0-x\r\n").await;
        }
    })
    .await
}

/// Says nothing on the first connections, so many, and introduces itself on all others.
async fn silent_at_first(times: usize) -> SocketAddr {
    let asked = Arc::new(AtomicUsize::new(0));
    servers::serve(move |mut stream| {
        let number = asked.fetch_add(1, Ordering::SeqCst);
        async move {
            if number >= times {
                let _ = stream.write_all(b"SSH-2.0-x\r\n").await;
            }
        }
    })
    .await
}

#[tokio::test]
async fn targets_that_hang_cost_a_batch_two_attempts_of_their_own_limit_and_the_others_nothing() {
    const LIMIT: Duration = Duration::from_secs(1);
    let (good, bad) = (servers::saying("SSH-2.0-x\r\n").await, servers::hanging().await);
    let begun = Instant::now();
    let hangs = |key: usize| key.is_multiple_of(10);
    let jobs = (0..250).map(|key| job(key, ssh(if hangs(key) { bad } else { good }), LIMIT)).collect();
    let checked = checked(jobs, within(PATIENT, 250, 250)).await;
    assert!(begun.elapsed() < 2 * LIMIT + Duration::from_secs(1), "{:?}", begun.elapsed());
    for one in checked {
        let expected = if hangs(one.key) { Verdict::Down(slot::Reason::Timeout) } else { Verdict::Up };
        assert_eq!(verdict(&one), expected, "{one:?}");
        assert!(hangs(one.key) || one.attempts.len() == 1, "{one:?}");
    }
}

#[tokio::test]
async fn everything_a_server_can_do_has_its_answer_in_one_batch() {
    let drips = servers::serve(|mut stream| async move {
        let mut pace = tokio::time::interval(Duration::from_millis(5));
        while stream.write_all(b"-").await.is_ok() {
            pace.tick().await;
        }
    });
    let expired = Identity { valid: (2025, 2026), ..Identity::of("127.0.0.1") };
    let expired = certificates::serve(expired, |_| async {}).await;
    let valid = certificates::serve(Identity::of("127.0.0.1"), |_| async {}).await;
    let tls = |address: SocketAddr| Check::Tls { host: address.ip().to_string(), port: address.port() };
    let down = |reason| Verdict::Down(reason);
    let expected = [
        (ssh(servers::saying("SSH-2.0-x\r\n").await), Verdict::Up),
        (ssh(servers::hanging().await), down(slot::Reason::Timeout)),
        (ssh(drips.await), down(slot::Reason::Timeout)),
        (tls(servers::resetting().await), down(slot::Reason::Refused)),
        (ssh(servers::nobody().await), down(slot::Reason::Refused)),
        (ssh(servers::saying("HTTP/1.1 200 OK\r\n\r\n").await), down(slot::Reason::Body)),
        (tls(expired), down(slot::Reason::Tls)),
        (tls(valid), Verdict::Up),
        (Check::Ssh { host: "a.localhost.".to_owned(), port: 0 }, Verdict::Nothing(slot::Gap::Fault)),
    ];
    let jobs = expected.iter().enumerate().map(|(key, (check, _))| job(key, check.clone(), 6 * BRIEF));
    let checked = checked(jobs.collect(), within(PATIENT, 20, 20)).await;
    for (one, (check, expected)) in checked.iter().zip(&expected) {
        assert_eq!(verdict(one), *expected, "{check:?}: {one:?}");
        assert_eq!(one.certificate.is_some(), matches!(check, Check::Tls { .. }) && one.key > 5, "{check:?}");
    }
}

#[tokio::test]
async fn what_fails_once_and_answers_when_it_is_asked_again_is_up() {
    let checked = checked(
        vec![
            job(0, ssh(silent_at_first(1).await), PATIENT),
            job(1, ssh(silent_at_first(2).await), PATIENT),
            job(2, ssh(silent_at_first(0).await), PATIENT),
        ],
        within(PATIENT, 3, 3),
    )
    .await;
    let cut_off = Outcome::Down(Reason::Reset);
    assert!(matches!(&found(&checked[0])[..], [first, second] if *first == cut_off && is_up(second)));
    assert_eq!(found(&checked[1]), [cut_off.clone(), cut_off]);
    assert_eq!(checked[2].attempts.len(), 1);
    assert_eq!(
        checked.iter().map(verdict).collect::<Vec<_>>(),
        [Verdict::Up, Verdict::Down(slot::Reason::Refused), Verdict::Up]
    );
}

#[tokio::test]
async fn a_host_is_asked_by_so_many_at_once_whatever_it_is_called() {
    let most = Arc::new(AtomicUsize::new(0));
    let port = counting(most.clone()).await.port();
    let spelled = ["127.0.0.1", "2130706433", "0x7f.1"];
    let jobs = (0..50)
        .map(|key| job(key, Check::Ssh { host: spelled[key % spelled.len()].to_owned(), port }, PATIENT));
    let checked = checked(jobs.collect(), within(PATIENT, 50, 4)).await;
    assert!(checked.iter().all(|one| verdict(one) == Verdict::Up));
    assert_eq!(most.load(Ordering::SeqCst), 4);
}

#[tokio::test]
async fn a_host_with_many_monitors_that_hang_does_not_hold_up_the_others() {
    let (good, bad) = (servers::saying("SSH-2.0-x\r\n").await, servers::hanging().await);
    // Another address of the same machine is another host.
    let other = |port| Check::Tcp { host: "127.0.0.2".to_owned(), port };
    let hanging = (0..50).map(|key| job(key, ssh(bad), 10 * PATIENT));
    let others = (50..100).map(|key| job(key, other(good.port()), PATIENT));
    let checked = checked(hanging.chain(others).collect(), within(10 * BRIEF, 8, 2)).await;
    for one in &checked {
        if one.key >= 50 {
            // Nobody listens there, which is an answer as well.
            assert_eq!(verdict(one), Verdict::Down(slot::Reason::Refused), "{one:?}");
        }
    }
    let begun = checked.iter().filter(|one| one.key < 50 && !one.attempts.is_empty()).count();
    assert_eq!(begun, 2, "the others of the host waited for these");
}

#[tokio::test]
async fn so_many_are_under_way_at_once() {
    let most = Arc::new(AtomicUsize::new(0));
    let address = counting(most.clone()).await;
    let jobs = (0..60).map(|key| job(key, ssh(address), PATIENT)).collect();
    let checked = checked(jobs, within(PATIENT, 7, 60)).await;
    assert!(checked.iter().all(|one| verdict(one) == Verdict::Up));
    assert_eq!(most.load(Ordering::SeqCst), 7);
}

#[tokio::test]
async fn the_end_cuts_off_what_is_under_way_and_what_waits_knows_nothing() {
    let bad = servers::hanging().await;
    let begun = Instant::now();
    let jobs = (0..20).map(|key| job(key, ssh(bad), PATIENT)).collect();
    let checked = checked(jobs, within(4 * BRIEF, 5, 20)).await;
    assert!(begun.elapsed() < PATIENT / 4, "{:?}", begun.elapsed());
    let out_of_time = [Outcome::Unknown(Fault::OutOfTime)];
    assert_eq!(checked.iter().filter(|one| found(one) == out_of_time).count(), 5);
    assert_eq!(checked.iter().filter(|one| one.attempts.is_empty()).count(), 15);
    let gaps = [Verdict::Nothing(slot::Gap::Fault), Verdict::Nothing(slot::Gap::Silent)];
    assert!(checked.iter().all(|one| gaps.contains(&verdict(one))));
}

#[tokio::test]
async fn an_end_between_two_attempts_leaves_a_failure_unconfirmed() {
    let bad = servers::hanging().await;
    let checked = checked(vec![job(0, ssh(bad), 4 * BRIEF)], within(7 * BRIEF, 1, 1)).await;
    assert_eq!(found(&checked[0]), [Outcome::Down(Reason::Timeout), Outcome::Unknown(Fault::OutOfTime)]);
    assert_eq!(verdict(&checked[0]), Verdict::Nothing(slot::Gap::Unconfirmed));
}

#[tokio::test]
async fn a_batch_whose_time_is_over_asks_nobody() {
    let most = Arc::new(AtomicUsize::new(0));
    let address = counting(most.clone()).await;
    let checked =
        checked((0..5).map(|key| job(key, ssh(address), PATIENT)).collect(), within(Duration::ZERO, 5, 5))
            .await;
    assert!(checked.iter().all(|one| one.attempts.is_empty()));
    assert_eq!(most.load(Ordering::SeqCst), 0);
}

#[tokio::test]
async fn a_check_begins_at_its_time_and_not_before() {
    let address = servers::saying("SSH-2.0-x\r\n").await;
    let begun = Instant::now();
    let at = |key: usize, after: Duration| Job { begin_at: begun + after, ..job(key, ssh(address), PATIENT) };
    let jobs = vec![at(0, 3 * BRIEF), at(1, Duration::ZERO), at(2, BRIEF), at(3, 100 * PATIENT)];
    let checked = checked(jobs, within(10 * BRIEF, 1, 1)).await;
    assert!(begun.elapsed() >= 10 * BRIEF, "it waits for the last one to its end");
    assert!(checked[..3].iter().all(|one| verdict(one) == Verdict::Up && one.late < PATIENT / 4));
    assert_eq!(verdict(&checked[3]), Verdict::Nothing(slot::Gap::Silent));
}

#[tokio::test]
async fn a_batch_of_nothing_ends_at_once() {
    assert!(checked(Vec::new(), within(100 * PATIENT, 1, 1)).await.is_empty());
}

async fn controls_of(targets: &[Check]) -> Controls {
    let limits = Limits { timeout: 4 * BRIEF, until: Instant::now() + PATIENT };
    controls(&prober(), targets, limits, now).await
}

#[tokio::test]
async fn a_vantage_whose_control_targets_fail_says_nothing_of_the_others() {
    let (good, bad) = (servers::saying("SSH-2.0-x\r\n").await, servers::hanging().await);
    let one = checked(vec![job(0, ssh(good), PATIENT)], within(PATIENT, 1, 1)).await.remove(0);
    let gone =
        checked(vec![job(0, ssh(servers::nobody().await), PATIENT)], within(PATIENT, 1, 1)).await.remove(0);
    for (targets, failed) in [([good, good, bad], 1), ([good, bad, bad], 2)] {
        let controls = controls_of(&targets.map(ssh)).await;
        assert_eq!(controls, Controls { asked: 3, failed });
        for attempt in one.attempts.iter().chain(&gone.attempts) {
            let silenced = attempt.outcome(controls) == slot::Outcome::Nothing(Nothing::Fault);
            assert_eq!(silenced, failed == 2, "{attempt:?}");
        }
    }
}

#[tokio::test]
async fn a_name_server_of_ours_that_is_silent_or_fails_is_our_fault_where_control_targets_have_names() {
    for answer in [|| Answer::Nothing, || Answer::Code(ResponseCode::ServFail)] {
        let names = NameServer::answering(move |_, _| answer()).await;
        let prober = asking(&[names.address]);
        let target = Check::Tcp { host: "service.example".to_owned(), port: 443 };
        let by_name = ["a.one", "b.google", "c.net"];
        let by_name = by_name.map(|host| Check::Tcp { host: host.to_owned(), port: 443 });
        let by_address = [servers::saying("").await; 3].map(tcp);
        let limits = Limits { timeout: 4 * BRIEF, until: Instant::now() + PATIENT };
        let report = prober.run(&target, limits, now()).await;
        assert!(
            matches!(report.outcome, Outcome::Down(_)),
            "of itself it looks like the target's: {report:?}"
        );
        let attempt = Attempt { began_at: now(), found: report.outcome };
        let named = controls(&prober, &by_name, limits, now).await;
        assert_eq!(attempt.outcome(named), slot::Outcome::Nothing(Nothing::Fault));
        let literal = controls(&prober, &by_address, limits, now).await;
        assert!(!literal.are_failed(), "which is why addresses are no control targets");
    }
}

#[tokio::test]
async fn a_control_target_that_we_can_not_ask_for_is_one_that_failed() {
    let by_name = Check::Ssh { host: "a.example".to_owned(), port: 22 };
    let limits = Limits { timeout: BRIEF, until: Instant::now() + PATIENT };
    let failed = controls(&asking(&[]), std::slice::from_ref(&by_name), limits, now).await;
    assert_eq!(failed, Controls { asked: 1, failed: 1 });
    let late = Limits { until: Instant::now(), ..limits };
    assert_eq!(controls(&prober(), &[by_name], late, now).await, Controls { asked: 1, failed: 1 });
    assert_eq!(controls_of(&[]).await, Controls::default());
    let blip = ssh(silent_at_first(1).await);
    assert_eq!(
        controls_of(&[blip]).await,
        Controls { asked: 1, failed: 0 },
        "it is asked again as others are"
    );
}
