use std::{
    net::SocketAddr,
    sync::{Arc, Mutex},
    time::Duration,
};

use probe::{
    check::{Ask, Check, Expected, HttpCheck, LONGEST_BODY, REDIRECTS},
    outcome::{Outcome, Reason, TlsFailure},
    prober::{Contact, USER_AGENT},
};
use tokio::{io::AsyncWriteExt, time::interval};

use crate::{
    PATIENT,
    certificates::{self, Identity},
    is_up, outcome, outcome_in_brief, prober, report, servers,
};

fn at(address: SocketAddr) -> HttpCheck {
    HttpCheck {
        url: format!("http://{address}/"),
        ask: Ask::Get { contains: None },
        expected: Expected::Success,
        within: None,
    }
}

fn get(address: SocketAddr) -> Check {
    Check::Http(at(address))
}

fn containing(address: SocketAddr, text: &str) -> Check {
    Check::Http(HttpCheck { ask: Ask::Get { contains: Some(text.to_owned()) }, ..at(address) })
}

fn down(reason: Reason) -> Outcome {
    Outcome::Down(reason)
}

/// What a plain check comes to of a server that answers this.
async fn of(answer: impl Into<Vec<u8>>) -> Outcome {
    outcome(&get(servers::answering(answer).await)).await
}

fn redirect_to(location: &str) -> String {
    format!("HTTP/1.1 302 Found\r\nlocation: {location}\r\ncontent-length: 0\r\n\r\n")
}

#[tokio::test]
async fn a_url_that_answers_with_success_is_up() {
    for answer in [
        "HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\nok",
        "HTTP/1.1 204 No Content\r\n\r\n",
        "HTTP/1.0 200 OK\r\n\r\nuntil it closes",
        "HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n2\r\nok\r\n0\r\n\r\n",
        "HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 200 OK\r\ncontent-length: 0\r\n\r\n",
    ] {
        assert!(is_up(&of(answer).await), "{answer}");
    }
}

/// Answers, and keeps what it was asked.
async fn listening() -> (SocketAddr, Arc<Mutex<String>>) {
    let asked = Arc::new(Mutex::new(String::new()));
    let heard = asked.clone();
    let address = servers::serve(move |mut stream| {
        let heard = heard.clone();
        async move {
            *heard.lock().unwrap() = servers::request(&mut stream).await;
            servers::say(&mut stream, b"HTTP/1.1 200 OK\r\ncontent-length: 9\r\n\r\n").await;
        }
    })
    .await;
    (address, asked)
}

#[tokio::test]
async fn the_request_says_who_asks_and_carries_nothing_else() {
    let (address, asked) = listening().await;
    let url = format!("http://{address}/a%20b/../c?q=1#fragment");
    let check = HttpCheck { url, ask: Ask::Head, ..at(address) };
    assert!(is_up(&outcome(&Check::Http(check)).await), "a HEAD's answer has no body");
    let expected = format!(
        "HEAD /c?q=1 HTTP/1.1\r\nhost: {address}\r\nuser-agent: {USER_AGENT}\r\naccept: */*\r\n\
         accept-encoding: identity\r\nconnection: close\r\n\r\n"
    );
    assert_eq!(*asked.lock().unwrap(), expected);
}

#[tokio::test]
async fn whoever_is_asked_can_see_whom_to_turn_to() {
    let (address, asked) = listening().await;
    let prober = prober().with_contact(&"https://trust.example/probes?a b".parse().unwrap());
    let check = Check::Http(HttpCheck { ask: Ask::Head, ..at(address) });
    assert!(is_up(&report(&prober, &check, PATIENT).await.outcome));
    let version = env!("CARGO_PKG_VERSION");
    let agent = format!(
        "user-agent: provider-trust-probe/{version} (uptime check; +https://trust.example/probes?a%20b)\r\n"
    );
    assert!(asked.lock().unwrap().contains(&agent));
    for not_shown in
        ["", "trust.example", "ftp://trust.example/", "https://trust.example/)", "mailto:a(b)@c.example"]
    {
        assert!(not_shown.parse::<Contact>().is_err(), "{not_shown}");
    }
    assert!("mailto:probes@trust.example".parse::<Contact>().is_ok());
}

#[tokio::test]
async fn a_url_with_any_signs_in_it_can_be_asked_for() {
    let address = servers::answering("HTTP/1.1 200 OK\r\ncontent-length: 0\r\n\r\n").await;
    let signs: String = (' '..='~').filter(|sign| !"?#".contains(*sign)).collect();
    for rest in [format!("/{signs}\u{e9}"), format!("/?{signs}\u{e9}")] {
        let check = HttpCheck { url: format!("http://{address}{rest}"), ..at(address) };
        let outcome = outcome(&Check::Http(check)).await;
        assert!(is_up(&outcome), "{rest}: {outcome:?}");
    }
}

#[tokio::test]
async fn another_status_than_the_expected_is_down() {
    for status in [199, 300, 302, 400, 404, 500, 503, 999] {
        let answer = format!("HTTP/1.1 {status} X\r\ncontent-length: 0\r\n\r\n");
        if status >= 200 {
            assert_eq!(of(answer.as_str()).await, down(Reason::Status(status)));
        }
        let address = servers::answering(answer).await;
        for (expected, up) in [(status, status >= 200), (201, false)] {
            let check = HttpCheck { expected: Expected::Status(expected), ..at(address) };
            assert_eq!(is_up(&outcome(&Check::Http(check)).await), up, "{status}");
        }
    }
    let success = servers::answering("HTTP/1.1 200 OK\r\ncontent-length: 0\r\n\r\n").await;
    let check = HttpCheck { expected: Expected::Status(404), ..at(success) };
    assert_eq!(outcome(&Check::Http(check)).await, down(Reason::Status(200)));
}

#[tokio::test]
async fn a_body_is_searched_in_what_is_read_of_it() {
    let page = |before: usize, text: &str| {
        let length = before + text.len();
        format!("HTTP/1.1 200 OK\r\ncontent-length: {length}\r\n\r\n{}{text}", " ".repeat(before))
    };
    for (before, found) in [(0, true), (1000, true), (LONGEST_BODY - 5, true), (LONGEST_BODY - 4, false)] {
        let address = servers::answering(page(before, "works")).await;
        let outcome = outcome(&containing(address, "works")).await;
        assert_eq!(is_up(&outcome), found, "{before}");
        assert!(found || outcome == down(Reason::Body));
    }
    let address = servers::answering(page(0, "Works")).await;
    assert_eq!(outcome(&containing(address, "works")).await, down(Reason::Body));
    assert!(is_up(&outcome(&containing(address, "")).await));
}

#[tokio::test]
async fn a_compressed_body_is_not_unpacked() {
    let answer = b"HTTP/1.1 200 OK\r\ncontent-encoding: gzip\r\ncontent-length: 20\r\n\r\n\
        \x1f\x8b\x08\0\0\0\0\0\0\x03\x03\0\0\0\0\0\0\0\0\0";
    assert!(is_up(&of(*answer).await));
    let address = servers::answering(*answer).await;
    assert_eq!(outcome(&containing(address, "text")).await, down(Reason::Body));
}

#[tokio::test]
async fn an_endless_body_is_read_to_the_limit_and_no_further() {
    const CHUNKED: &[u8] = b"HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n";
    const HUGE: &[u8] = b"HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\nfffffffffffffff\r\n";
    for (first, then) in [
        (CHUNKED, b"4\r\nwait\r\n".as_slice()),
        (HUGE, b"wait"),
        (b"HTTP/1.1 200 OK\r\ncontent-length: 9223372036854775807\r\n\r\n", b"wait"),
        (b"HTTP/1.1 200 OK\r\n\r\n", b"wait"),
    ] {
        let address = servers::endless(first, then).await;
        assert_eq!(outcome(&containing(address, "end")).await, down(Reason::Body));
        assert!(is_up(&outcome(&containing(address, "wait")).await));
    }
}

#[tokio::test]
async fn endless_headers_and_what_is_no_http_are_down() {
    const OK: &[u8] = b"HTTP/1.1 200 OK\r\n";
    for (first, then) in [
        (OK, b"x-more: yes\r\n".as_slice()),
        (OK, b"x"),
        (b"HTTP/1.1 200 ", b"O"),
        (b"", b"\0"),
        (b"", b"x"),
        (b"HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n", b"f"),
        (b"HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n1;", b"x"),
        (b"HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n0\r\n", b"x-more: yes\r\n"),
    ] {
        let address = servers::endless(first, then).await;
        assert_eq!(
            outcome(&get(address)).await,
            down(Reason::Protocol),
            "{} {}",
            first.escape_ascii(),
            then.escape_ascii()
        );
    }
    for answer in ["SSH-2.0-x\r\n", "HTTP/1.1 abc\r\n\r\n", "HTTP/7.0 200 OK\r\n\r\n", "ok"] {
        let outcome = of(answer).await;
        assert!([down(Reason::Protocol), down(Reason::Reset)].contains(&outcome), "{answer}: {outcome:?}");
    }
}

#[tokio::test]
async fn endless_interim_answers_are_down_in_time() {
    let address = servers::endless(b"", b"HTTP/1.1 103 Early Hints\r\n\r\n").await;
    assert_eq!(outcome_in_brief(&get(address)).await, down(Reason::Timeout));
}

#[tokio::test]
async fn whoever_hangs_or_drips_at_any_point_is_down_in_time() {
    for first in [
        "",
        "HTTP/1.1 200 OK\r\n",
        "HTTP/1.1 200 OK\r\ncontent-length: 1000000\r\n\r\n",
        "HTTP/1.1 200 OK\r\n\r\n",
    ] {
        let hangs = servers::serve(move |mut stream| async move {
            servers::request(&mut stream).await;
            let _ = stream.write_all(first.as_bytes()).await;
            std::future::pending::<()>().await;
        })
        .await;
        assert_eq!(outcome_in_brief(&get(hangs)).await, down(Reason::Timeout), "{first}");
        let drips = servers::serve(move |mut stream| async move {
            servers::request(&mut stream).await;
            let _ = stream.write_all(first.as_bytes()).await;
            let mut pace = interval(Duration::from_millis(5));
            while stream.write_all(b"H").await.is_ok() {
                pace.tick().await;
            }
        })
        .await;
        let outcome = outcome_in_brief(&get(drips)).await;
        // Dripping that begins wrong is known to be wrong at once.
        assert!(outcome == down(Reason::Timeout) || first.is_empty(), "{first}: {outcome:?}");
    }
}

#[tokio::test]
async fn whoever_breaks_off_is_down() {
    assert_eq!(outcome(&get(servers::resetting().await)).await, down(Reason::Reset));
    assert_eq!(outcome(&get(servers::nobody().await)).await, down(Reason::Refused));
    for answer in [
        "",
        "HTTP/1.1 200 OK\r\ncontent-length: 10\r\n\r\nhalf",
        "HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\na\r\nhalf",
    ] {
        assert_eq!(of(answer).await, down(Reason::Reset), "{answer}");
    }
}

#[tokio::test]
async fn what_is_right_but_late_is_down_as_slow() {
    let address = servers::answering("HTTP/1.1 200 OK\r\ncontent-length: 0\r\n\r\n").await;
    for (within, up) in [(Duration::ZERO, false), (PATIENT, true)] {
        let outcome = outcome(&Check::Http(HttpCheck { within: Some(within), ..at(address) })).await;
        assert_eq!(is_up(&outcome), up);
        assert!(up || outcome == down(Reason::Slow));
    }
}

#[tokio::test]
async fn a_redirect_is_followed_to_its_target() {
    let target = servers::answering("HTTP/1.1 200 OK\r\ncontent-length: 5\r\n\r\nhello").await;
    for status in [301, 302, 303, 307, 308] {
        let answer =
            format!("HTTP/1.1 {status} X\r\nlocation: http://{target}/x\r\ncontent-length: 0\r\n\r\n");
        let from = servers::answering(answer).await;
        assert!(is_up(&outcome(&containing(from, "hello")).await), "{status}");
        let check = HttpCheck { expected: Expected::Status(status), ..at(from) };
        assert!(is_up(&outcome(&Check::Http(check)).await), "an expected redirect is the answer");
    }
}

#[tokio::test]
async fn a_redirect_to_what_the_guard_refuses_is_down_and_not_followed() {
    for location in [
        "http://169.254.169.254/latest/meta-data/",
        "//169.254.169.254/",
        "http://2852039166/",
        "http://0xa9.0xfe.0xa9.0xfe/",
        "http://[::ffff:127.0.0.1]/",
        "http://[fd00:ec2::254]/",
        "http://10.0.0.1:8080/",
        "\\\\10.0.0.1\\",
        "file:///etc/passwd",
        "gopher://example.com/",
        "http://user:password@example.com/",
        "http://8.8.8.8:0/",
    ] {
        assert_eq!(of(redirect_to(location)).await, down(Reason::Redirect), "{location}");
    }
}

#[tokio::test]
async fn redirects_in_a_circle_to_nowhere_or_too_many_are_down() {
    assert_eq!(of(redirect_to("/")).await, down(Reason::Redirect));
    assert_eq!(of(redirect_to("http://")).await, down(Reason::Redirect));
    assert_eq!(of(redirect_to("http://\u{e9}xample.com/")).await, down(Reason::Redirect));
    let mut last = servers::answering("HTTP/1.1 200 OK\r\ncontent-length: 0\r\n\r\n").await;
    for hops in 1..=REDIRECTS + 1 {
        last = servers::answering(redirect_to(&format!("http://{last}/"))).await;
        let outcome = outcome(&get(last)).await;
        assert_eq!(is_up(&outcome), hops <= REDIRECTS, "{hops}");
    }
}

async fn https(answer: &'static str, identity: Identity) -> Check {
    let address = certificates::serve(identity, move |mut stream| async move {
        servers::request(&mut stream).await;
        servers::say(&mut stream, answer.as_bytes()).await;
    })
    .await;
    Check::Http(HttpCheck { url: format!("https://{address}/"), ..at(address) })
}

#[tokio::test]
async fn https_is_up_with_a_valid_certificate_and_reports_its_days() {
    let answer = "HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\nok";
    let report = report(&prober(), &https(answer, Identity::of("127.0.0.1")).await, PATIENT).await;
    assert!(is_up(&report.outcome));
    assert_eq!(report.certificate.unwrap().days_left(crate::now()), 101);
    let expired = Identity { valid: (2025, 2026), ..Identity::of("127.0.0.1") };
    assert_eq!(outcome(&https(answer, expired).await).await, down(Reason::Tls(TlsFailure::Expired)));
}

#[tokio::test]
async fn nothing_leads_from_https_to_http_and_from_there_to_https_does() {
    let identity = Identity::of("127.0.0.1");
    let answer = "HTTP/1.1 302 Found\r\nlocation: http://127.0.0.1:1/\r\ncontent-length: 0\r\n\r\n";
    assert_eq!(outcome(&https(answer, identity).await).await, down(Reason::Redirect));
    let Check::Http(secure) = https("HTTP/1.1 200 OK\r\ncontent-length: 0\r\n\r\n", identity).await else {
        unreachable!("it is made above");
    };
    let report = report(&prober(), &get(servers::answering(redirect_to(&secure.url)).await), PATIENT).await;
    assert!(is_up(&report.outcome) && report.certificate.is_some());
}
