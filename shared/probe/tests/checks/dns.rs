use std::net::IpAddr;

use hickory_resolver::proto::{
    op::ResponseCode,
    rr::{
        Name, RData, RecordType,
        rdata::{CNAME, MX, NS, TXT},
    },
};
use probe::{
    check::{Ask, Check, Expected, HttpCheck, Question},
    guard::Refusal,
    outcome::{Fault, Outcome, Reason},
};

use crate::{
    BRIEF, PATIENT, asking,
    certificates::{self, Identity},
    is_up,
    names::{Answer, NameServer},
    report, servers,
};

/// What the check of a port by name comes to, with this name server.
async fn by_name(names: &NameServer) -> Outcome {
    let port = servers::hanging().await.port();
    report(&asking(&[names.address]), &Check::Tcp { host: "a.example".to_owned(), port }, PATIENT)
        .await
        .outcome
}

async fn asked(names: &NameServer, question: Question) -> Outcome {
    let check = Check::Dns { name: "a.example.".to_owned(), question };
    report(&asking(&[names.address]), &check, PATIENT).await.outcome
}

fn name(text: &str) -> Name {
    Name::from_ascii(text).unwrap()
}

#[tokio::test]
async fn a_target_is_found_by_its_name() {
    assert!(is_up(&by_name(&NameServer::of(&["127.0.0.1"]).await).await));
}

#[tokio::test]
async fn a_name_of_which_any_address_is_refused_is_down_and_not_connected_to() {
    for addresses in [
        &["10.0.0.1"] as &[_],
        &["169.254.169.254"],
        &["127.0.0.1", "10.0.0.1"],
        &["10.0.0.1", "127.0.0.1"],
        &["8.8.8.8", "192.168.0.1", "127.0.0.1"],
        &["::ffff:127.0.0.1"],
        &["64:ff9b::7f00:1"],
        &["fd00:ec2::254"],
    ] {
        let outcome = by_name(&NameServer::of(addresses).await).await;
        assert_eq!(outcome, Outcome::Down(Reason::NotPublic), "{addresses:?}");
    }
}

/// A name server that gives a harmless address to whoever checks and another one to whoever connects finds that they are one.
#[tokio::test]
async fn a_name_is_asked_once_for_a_check_and_anew_for_the_next() {
    let names = NameServer::answering(|_, number| {
        let address = if number == 0 { [127, 0, 0, 1] } else { [10, 0, 0, 1] };
        Answer::Records(vec![IpAddr::from(address).into()])
    })
    .await;
    let port = servers::answering("HTTP/1.1 200 OK\r\ncontent-length: 0\r\n\r\n").await.port();
    let check = Check::Http(HttpCheck {
        url: format!("http://rebinding.example:{port}/"),
        ask: Ask::Get { contains: None },
        expected: Expected::Success,
        within: None,
    });
    let prober = asking(&[names.address]);
    assert!(is_up(&report(&prober, &check, PATIENT).await.outcome));
    assert_eq!(names.asked(), 1);
    assert_eq!(report(&prober, &check, PATIENT).await.outcome, Outcome::Down(Reason::NotPublic));
}

#[tokio::test]
async fn the_certificate_must_be_the_names() {
    let names = NameServer::of(&["127.0.0.1"]).await;
    let port = certificates::serve(Identity::of("a.example"), |_| async {}).await.port();
    let prober = asking(&[names.address]);
    for (host, up) in [("a.example", true), ("A.Example.", true), ("b.example", false), ("127.0.0.1", false)]
    {
        let outcome = report(&prober, &Check::Tls { host: host.to_owned(), port }, PATIENT).await.outcome;
        assert_eq!(is_up(&outcome), up, "{host}: {outcome:?}");
    }
}

#[tokio::test]
async fn a_name_that_does_not_resolve_is_down() {
    for code in [ResponseCode::NXDomain, ResponseCode::ServFail, ResponseCode::NoError] {
        let names = NameServer::answering(move |_, _| Answer::Code(code)).await;
        assert_eq!(by_name(&names).await, Outcome::Down(Reason::Dns), "{code}");
        assert_eq!(asked(&names, Question::A(None)).await, Outcome::Down(Reason::Dns), "{code}");
    }
}

#[tokio::test]
async fn names_that_stand_for_each_other_are_down() {
    let names = NameServer::answering(|query, _| {
        let other = if *query.name() == name("a.example.") { "b.example." } else { "a.example." };
        Answer::Records(vec![RData::CNAME(CNAME(name(other)))])
    })
    .await;
    assert_eq!(by_name(&names).await, Outcome::Down(Reason::Dns));
    assert_eq!(asked(&names, Question::A(None)).await, Outcome::Down(Reason::Dns));
    let itself =
        NameServer::answering(|query, _| Answer::Records(vec![RData::CNAME(CNAME(query.name().clone()))]))
            .await;
    assert_eq!(by_name(&itself).await, Outcome::Down(Reason::Dns));
}

#[tokio::test]
async fn silence_and_garbage_of_a_name_server_end_in_time() {
    for bytes in [None, Some(b"".as_slice()), Some(&[0xff; 600])] {
        let names = NameServer::answering(move |_, _| bytes.map_or(Answer::Nothing, Answer::Bytes)).await;
        let check = Check::Dns { name: "a.example".to_owned(), question: Question::A(None) };
        let outcome = report(&asking(&[names.address]), &check, BRIEF).await.outcome;
        assert_eq!(outcome, Outcome::Down(Reason::Timeout));
    }
}

#[tokio::test]
async fn a_name_server_of_ours_that_does_not_want_to_answer_us_is_our_fault() {
    let fault = Outcome::Unknown(Fault::Resolver);
    for code in [ResponseCode::Refused, ResponseCode::NotImp, ResponseCode::FormErr] {
        let names = NameServer::answering(move |_, _| Answer::Code(code)).await;
        assert_eq!(by_name(&names).await, fault, "{code}");
    }
    let check = Check::Dns { name: "a.example".to_owned(), question: Question::A(None) };
    assert_eq!(report(&asking(&[]), &check, PATIENT).await.outcome, fault);
}

#[tokio::test]
async fn the_expected_record_must_be_among_the_answers() {
    let names = NameServer::answering(|query, _| {
        Answer::Records(match query.query_type() {
            RecordType::A => vec![IpAddr::from([8, 8, 8, 8]).into(), IpAddr::from([8, 8, 4, 4]).into()],
            RecordType::AAAA => vec!["2a00::1".parse::<IpAddr>().unwrap().into()],
            RecordType::CNAME => vec![RData::CNAME(CNAME(name("Other.Example.")))],
            RecordType::MX => vec![RData::MX(MX::new(10, name("mx.example.")))],
            RecordType::NS => vec![RData::NS(NS(name("ns1.example."))), RData::NS(NS(name("ns2.example.")))],
            RecordType::TXT => vec![RData::TXT(TXT::new(vec!["v=spf1 ".to_owned(), "-all".to_owned()]))],
            _ => vec![],
        })
    })
    .await;
    let text = |text: &str| Some(text.to_owned());
    for (question, up) in [
        (Question::A(None), true),
        (Question::A(Some([8, 8, 4, 4].into())), true),
        (Question::A(Some([8, 8, 4, 5].into())), false),
        (Question::Aaaa(None), true),
        (Question::Aaaa(Some("2a00::1".parse().unwrap())), true),
        (Question::Aaaa(Some("2a00::2".parse().unwrap())), false),
        (Question::Cname(None), true),
        (Question::Cname(text("other.example")), true),
        (Question::Cname(text("other.example.com")), false),
        (Question::Mx(text("MX.example.")), true),
        (Question::Mx(text("10 mx.example.")), false),
        (Question::Ns(text("ns2.example")), true),
        (Question::Ns(text("ns3.example")), false),
        (Question::Txt(text("v=spf1 -all")), true),
        (Question::Txt(text("V=spf1 -all")), false),
        (Question::Txt(None), true),
    ] {
        let outcome = asked(&names, question.clone()).await;
        assert_eq!(is_up(&outcome), up, "{question:?}: {outcome:?}");
        assert!(up || outcome == Outcome::Down(Reason::Dns));
    }
}

#[tokio::test]
async fn an_answer_from_a_private_network_is_not_told() {
    let names = NameServer::of(&["10.0.0.1"]).await;
    let private = Some([10, 0, 0, 1].into());
    for expected in [private, None, Some([10, 0, 0, 2].into())] {
        assert_eq!(asked(&names, Question::A(expected)).await, Outcome::Down(Reason::NotPublic));
    }
}

#[tokio::test]
async fn what_is_no_name_is_not_asked_for() {
    let names = NameServer::of(&["127.0.0.1"]).await;
    for host in ["8.8.8.8", "134744072", "::1", "a b", "", "a..b"] {
        let check = Check::Dns { name: host.to_owned(), question: Question::A(None) };
        let outcome = report(&asking(&[names.address]), &check, PATIENT).await.outcome;
        assert_eq!(outcome, Outcome::Barred(Refusal::Host), "{host}");
    }
    assert_eq!(names.asked(), 0);
}

#[tokio::test]
async fn hundreds_of_names_are_asked_for_at_once() {
    let names = NameServer::of(&["127.0.0.1"]).await;
    let (prober, port) = (asking(&[names.address]), servers::hanging().await.port());
    let mut running = tokio::task::JoinSet::new();
    for number in 0..300 {
        let (prober, host) = (prober.clone(), format!("n{number}.example"));
        running.spawn(async move { report(&prober, &Check::Tcp { host, port }, PATIENT).await.outcome });
    }
    let outcomes = running.join_all().await;
    assert!(outcomes.iter().all(is_up), "{outcomes:?}");
}
