//! What both templates say of those who ask.

use std::{
    collections::{BTreeMap, BTreeSet},
    net::IpAddr,
    time::Duration,
};

use local_stack::{TEMPLATE, template, wiring::Wiring};
use url::Url;

/// A message is hidden for this long at most before it can be received for the first time: a minute is planned as the one before it
/// begins, and its last shard begins when it is over.
const HELD_BACK: Duration = Duration::from_mins(2);

/// The home region's template, and that of a further place.
fn deployed() -> [Wiring; 2] {
    let read = |text, given: &[(&str, &str)]| {
        let given = given.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned()));
        template::read(text, &given.collect()).unwrap()
    };
    let address = (template::ADDRESS, "http://127.0.0.1:9");
    let further = [
        ("HomeRegion", "us-east-1"),
        ("TableName", "provider-trust-dev"),
        ("SettleQueueUrl", "https://sqs.us-east-1.amazonaws.com/1/provider-trust-dev-settle"),
        ("Vantage", "eu-north-1"),
    ];
    [read(TEMPLATE, &[address]), read(include_str!("../../../infra/vantage.yaml"), &further)]
}

#[test]
fn nothing_that_is_deployed_may_ask_loopback() {
    let environments: Vec<BTreeMap<String, String>> = deployed()
        .into_iter()
        .flat_map(|wiring| wiring.functions)
        .map(|function| function.environment)
        .collect();
    assert!(environments.len() > 10 && environments.iter().all(|it| !it.contains_key("EGRESS_REACH")));
}

#[test]
fn what_nobody_can_handle_is_a_dead_letter_before_its_queue_forgets_it() {
    let queues: Vec<_> = deployed().into_iter().flat_map(|wiring| wiring.queues).collect();
    let tried: Vec<_> = queues.iter().filter_map(|queue| Some((queue, queue.redrive.as_ref()?))).collect();
    assert!(tried.len() > 5);
    for (queue, redrive) in tried {
        let takes = HELD_BACK + queue.visibility * redrive.max_receives;
        assert!(takes < queue.retention, "{}: {takes:?}", queue.name);
    }
}

/// A name server of ours that fails, one party or one registry of names in trouble: each shows in at most one of them.
#[test]
fn what_is_asked_to_know_our_own_faults_has_names_of_several_parties_under_different_domains() {
    let targets = deployed().map(|wiring| {
        let probe = wiring.functions.into_iter().find(|function| function.binary == "probe").unwrap();
        probe.environment["CONTROL_TARGETS"].clone()
    });
    assert_eq!(targets[0], targets[1]);
    let hosts: Vec<String> = targets[0]
        .split(',')
        .map(|target| Url::parse(target).unwrap().host_str().unwrap().to_owned())
        .collect();
    assert!(hosts.len() >= 3 && hosts.iter().all(|host| host.parse::<IpAddr>().is_err()), "{hosts:?}");
    let domains: BTreeSet<&str> = hosts.iter().filter_map(|host| host.rsplit('.').next()).collect();
    assert_eq!(domains.len(), hosts.len(), "{hosts:?}");
}
