//! Checks against servers on loopback that answer, refuse, hang, drip, reset and lie.

#![expect(clippy::unwrap_used, clippy::expect_used, reason = "a test that can not go on fails")]

mod batch;
mod certificates;
mod dns;
mod http;
mod names;
mod real;
mod servers;
mod ssh;
mod tcp;
mod tls;

use std::{net::SocketAddr, time::Duration};

use probe::{
    check::Check,
    guard::Guard,
    names::Names,
    outcome::Outcome,
    prober::{Limits, Prober, Report},
    tls::Roots,
};
use tokio::time::{Instant, timeout};
use trust::time::Moment;

/// For checks that are to end by themselves.
const PATIENT: Duration = Duration::from_secs(20);

/// For checks that are to be ended.
const BRIEF: Duration = Duration::from_millis(150);

fn now() -> Moment {
    Moment::from_unix(1_790_000_000).unwrap()
}

/// One that may ask loopback, knows no names and trusts the tests' own root.
fn prober() -> Prober {
    asking(&[])
}

/// The same, with names from there.
fn asking(servers: &[SocketAddr]) -> Prober {
    let names = Names::asking(servers).unwrap();
    let roots = Roots::only([certificates::root()]).unwrap();
    Prober::new(Guard::with_loopback_for_tests(), names, roots).unwrap()
}

async fn report(prober: &Prober, check: &Check, limit: Duration) -> Report {
    let limits = Limits { timeout: limit, until: Instant::now() + 2 * PATIENT };
    // Ends the test, should the check not end in its time.
    timeout(limit + PATIENT, prober.run(check, limits, now())).await.expect("the check is stuck")
}

/// What a check comes to that ends by itself.
async fn outcome(check: &Check) -> Outcome {
    report(&prober(), check, PATIENT).await.outcome
}

/// What a check comes to that has little time.
async fn outcome_in_brief(check: &Check) -> Outcome {
    report(&prober(), check, BRIEF).await.outcome
}

fn is_up(outcome: &Outcome) -> bool {
    matches!(outcome, Outcome::Up { .. })
}
