use std::net::SocketAddr;

use probe::{
    check::Check,
    outcome::{Outcome, Reason, TlsFailure},
    prober::Report,
};
use tokio::io::AsyncReadExt;
use trust::time::Moment;

use crate::{
    PATIENT,
    certificates::{self, Identity},
    is_up, now, outcome, outcome_in_brief, prober, report, servers,
};

fn tls(address: SocketAddr) -> Check {
    Check::Tls { host: address.ip().to_string(), port: address.port() }
}

async fn seen(identity: Identity) -> Report {
    let address = certificates::serve(identity, |mut stream| async move {
        let _ = stream.read_u8().await;
    });
    report(&prober(), &tls(address.await), PATIENT).await
}

#[tokio::test]
async fn a_valid_certificate_is_up_and_its_days_are_reported() {
    let Report { outcome, certificate } = seen(Identity::of("127.0.0.1")).await;
    assert!(is_up(&outcome));
    let certificate = certificate.unwrap();
    assert_eq!(certificate.expires, Moment::parse("2027-01-01T00:00:00Z").unwrap());
    assert_eq!(certificate.days_left(now()), 101);
}

#[tokio::test]
async fn what_is_wrong_with_a_certificate_is_named() {
    let good = Identity::of("127.0.0.1");
    for (identity, expected) in [
        (Identity { valid: (2025, 2026), ..good }, TlsFailure::Expired),
        (Identity { valid: (2027, 2028), ..good }, TlsFailure::NotYetValid),
        (Identity { name: "127.0.0.2", ..good }, TlsFailure::WrongName),
        (Identity { name: "example.com", ..good }, TlsFailure::WrongName),
        (Identity { self_signed: true, ..good }, TlsFailure::Untrusted),
    ] {
        assert_eq!(seen(identity).await.outcome, Outcome::Down(Reason::Tls(expected)));
    }
}

#[tokio::test]
async fn of_an_expired_certificate_it_is_reported_since_when() {
    let report = seen(Identity { valid: (2025, 2026), ..Identity::of("127.0.0.1") }).await;
    assert_eq!(report.certificate.unwrap().expires, Moment::parse("2026-01-01T00:00:00Z").unwrap());
}

#[tokio::test]
async fn the_time_that_is_passed_in_decides_and_not_the_machines() {
    let address = certificates::serve(Identity::of("127.0.0.1"), |_| async {}).await;
    let limits = probe::prober::Limits { timeout: PATIENT, until: tokio::time::Instant::now() + PATIENT };
    let prober = prober();
    for (time, expected) in [
        ("2025-12-31T23:59:59Z", Some(TlsFailure::NotYetValid)),
        ("2026-01-01T00:00:00Z", None),
        ("2026-12-31T23:59:59Z", None),
        ("2027-01-01T00:00:01Z", Some(TlsFailure::Expired)),
    ] {
        let report = prober.run(&tls(address), limits, Moment::parse(time).unwrap()).await;
        match expected {
            None => assert!(is_up(&report.outcome), "{time}"),
            Some(failure) => assert_eq!(report.outcome, Outcome::Down(Reason::Tls(failure)), "{time}"),
        }
    }
}

#[tokio::test]
async fn a_certificate_without_its_key_is_down_however_often_it_was_good() {
    let check = tls(certificates::robbed(Identity::of("127.0.0.1")).await);
    let prober = prober();
    assert!(is_up(&report(&prober, &check, PATIENT).await.outcome));
    let stolen = Outcome::Down(Reason::Tls(TlsFailure::Certificate));
    assert_eq!(report(&prober, &check, PATIENT).await.outcome, stolen);
}

#[tokio::test]
async fn garbage_instead_of_tls_is_down() {
    let down = |failure| Outcome::Down(Reason::Tls(failure));
    for said in [
        b"HTTP/1.1 200 OK\r\n\r\n".as_slice(),
        b"\x15\x03\x03\x00\x02\x02\x28",
        b"\x16\x03\x03\xff\xff",
        b"\x16\x03\x03\x00\x04\x02\xff\xff\xff",
        &vec![0; 100_000],
        &vec![0x16; 100_000],
    ] {
        let outcome = outcome(&tls(servers::saying(said).await)).await;
        assert!(
            outcome == down(TlsFailure::Handshake) || outcome == Outcome::Down(Reason::Reset),
            "{outcome:?} of {}",
            said[..8.min(said.len())].escape_ascii()
        );
    }
}

#[tokio::test]
async fn silence_and_resets_are_down() {
    assert_eq!(outcome_in_brief(&tls(servers::hanging().await)).await, Outcome::Down(Reason::Timeout));
    assert_eq!(outcome(&tls(servers::resetting().await)).await, Outcome::Down(Reason::Reset));
    assert_eq!(outcome(&tls(servers::nobody().await)).await, Outcome::Down(Reason::Refused));
}
