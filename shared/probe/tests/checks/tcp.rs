use std::{
    io::ErrorKind,
    net::{Ipv4Addr, SocketAddr, TcpListener},
};

use probe::{
    check::Check,
    guard::{Guard, Refusal},
    names::Names,
    outcome::{Fault, Outcome, Reason},
    prober::{Limits, Prober},
    tls::Roots,
};
use tokio::time::Instant;

use crate::{BRIEF, PATIENT, is_up, now, outcome, outcome_in_brief, prober, servers};

fn tcp(address: SocketAddr) -> Check {
    Check::Tcp { host: address.ip().to_string(), port: address.port() }
}

#[tokio::test]
async fn whoever_takes_connections_is_up() {
    assert!(is_up(&outcome(&tcp(servers::hanging().await)).await));
}

#[tokio::test]
async fn where_nobody_listens_it_is_down_as_refused() {
    assert_eq!(outcome(&tcp(servers::nobody().await)).await, Outcome::Down(Reason::Refused));
}

#[tokio::test]
async fn what_the_guard_refuses_is_never_connected_to() {
    let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).unwrap();
    listener.set_nonblocking(true).unwrap();
    let port = listener.local_addr().unwrap().port();
    let strict = Prober::new(Guard::public_only(), Names::asking(&[]).unwrap(), Roots::public()).unwrap();
    let limits = Limits { timeout: PATIENT, until: Instant::now() + PATIENT };
    for host in ["127.0.0.1", "2130706433", "0x7f.1", "127.1.", "::ffff:127.0.0.1"] {
        let check = Check::Tcp { host: host.to_owned(), port };
        let outcome = strict.run(&check, limits, now()).await.outcome;
        assert!(matches!(outcome, Outcome::Barred(Refusal::Address(..))), "{host}: {outcome:?}");
    }
    for host in ["localhost", "LocalHost.", "a.localhost"] {
        let check = Check::Tcp { host: host.to_owned(), port };
        let outcome = strict.run(&check, limits, now()).await.outcome;
        assert_eq!(outcome, Outcome::Down(Reason::NotPublic), "{host}");
    }
    assert_eq!(listener.accept().unwrap_err().kind(), ErrorKind::WouldBlock);
}

#[tokio::test]
async fn a_limit_that_passes_is_the_targets_fault_and_an_end_that_comes_before_is_not() {
    let address = servers::hanging().await;
    let silent = Check::Ssh { host: "127.0.0.1".to_owned(), port: address.port() };
    assert_eq!(outcome_in_brief(&silent).await, Outcome::Down(Reason::Timeout));
    let run = |until| async move {
        prober().run(&silent.clone(), Limits { timeout: PATIENT, until }, now()).await.outcome
    };
    let out_of_time = Outcome::Unknown(Fault::OutOfTime);
    assert_eq!(run.clone()(Instant::now() + BRIEF).await, out_of_time);
    assert_eq!(run(Instant::now()).await, out_of_time);
}
