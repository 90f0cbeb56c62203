//! Who is one party with whom: whatever becomes known first.

use std::collections::BTreeMap;

use serde_json::{Value, json};
use trust::{
    contract::{Contract, ContractDelta},
    id::{ProviderId, RenterId},
    time::{Day, Moment},
};

use crate::fresh_table::fresh_table;
use crate::stack::{Author, Message, ago, completed, event, in_memory, registered};

/// A provider's profile, with an operator or without one.
fn named(provider: &str, operator: Option<&str>, at: Moment) -> Value {
    let mut data = json!({ "provider_id": provider, "name": provider });
    if let Some(operator) = operator {
        data["operator_id"] = json!(operator);
    }
    event("provider.updated", at, data)
}

#[tokio::test(flavor = "multi_thread")]
async fn a_contract_with_another_key_of_the_same_operator_is_self_dealing_whatever_becomes_known_first() {
    let contract = completed("c1", "p1", "p2", ago(60 * 24 * 4));
    let others = completed("c2", "p1", "r1", ago(60 * 24 * 4));
    let names = [named("p1", Some("op"), ago(60)), named("p2", Some("op"), ago(50))];
    // Who names nobody any more stays one party.
    let renamed = [named("p2", None, ago(10))];
    for order in [
        [&names[..], &contract, &renamed].concat(),
        [&contract[..], &names, &renamed].concat(),
        [&renamed[..], &contract[1..], &names[..1], &contract[..1], &names[1..]].concat(),
    ] {
        let (_stack, door) = in_memory().await;
        door.told(&[&[registered("p1", 1)][..], &others].concat()).await;
        for told in &order {
            door.told(std::slice::from_ref(told)).await;
            door.settled().await;
        }
        let provider = door.json("/v1/providers/p1").await;
        let contracts = &provider["contracts"];
        let counted = (&contracts["completed"], &contracts["not_scored"]["self_dealing"]);
        assert_eq!(counted, (&json!(1), &json!(1)), "{contracts}");
        assert_eq!(contracts["repeat_renters"]["n"], 1, "{contracts}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn what_was_said_in_it_is_shown_apart_from_then_on() {
    let (_stack, door) = in_memory().await;
    door.told(&[registered("p1", 1)]).await;
    door.told(&completed("c1", "p1", "p2", ago(60 * 24 * 4))).await;
    for (id, author, minutes) in [(100, Author::Renter, 300), (101, Author::Agent, 290)] {
        door.said(&Message { renter: "p2".to_owned(), ..Message::new(7, id, author, ago(minutes)) }).await;
    }
    door.settled().await;
    let waits = async || {
        let replies = door.json("/v1/providers/p1/replies").await;
        (replies["windows"][1]["n"].clone(), replies["not_scored"]["self_dealing"]["n"].clone())
    };
    assert_eq!(waits().await, (json!(1), Value::Null));
    door.told(&[named("p1", Some("op"), ago(60)), named("p2", Some("op"), ago(50))]).await;
    door.settled().await;
    assert_eq!(waits().await, (json!(0), json!(1)));
}

#[tokio::test(flavor = "multi_thread")]
async fn what_was_said_in_a_contract_for_nothing_is_shown_apart_and_so_is_the_fourth_question_of_a_week() {
    let (_stack, door) = in_memory().await;
    door.told(&[registered("p1", 1)]).await;
    let at = ago(60 * 24 * 4);
    door.told(&completed("c1", "p1", "r1", at)).await;
    let mut free = completed("c2", "p1", "r2", at);
    free[0]["data"]["price"]["minor_units"] = json!(0);
    door.told(&free).await;
    // Within one week, whichever day it is.
    let begin = ago(60 * 24 * 7).day();
    let begin = begin.start().plus(3600);
    for number in 0..5_u32 {
        let asked = begin.plus(i64::from(number) * 1200);
        for (place, author) in [Author::Renter, Author::Agent].into_iter().enumerate() {
            let id = u64::from(number) * 10 + place as u64;
            let at = asked.plus(place as i64 * 60);
            door.said(&Message::new(u64::from(7 + number % 2), 100 + id, author, at)).await;
            let about = Message {
                renter: "r2".to_owned(),
                contract: Some("c2".to_owned()),
                ..Message::new(9, 200 + id, author, at)
            };
            door.said(&about).await;
        }
    }
    door.settled().await;
    let replies = door.json("/v1/providers/p1/replies").await;
    assert_eq!(replies["windows"][1]["n"], 3, "{replies}");
    let apart = &replies["not_scored"];
    assert_eq!((&apart["excess"]["n"], &apart["minimal"]["n"]), (&json!(2), &json!(5)), "{replies}");
    let explained = door.json("/v1/providers/p1/score?explain=true").await;
    assert_eq!(explained["explain"]["families"][1]["observations"], 3);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_renter_with_thousands_of_contracts_is_counted_exactly_among_the_others() {
    let table = fresh_table().await;
    let provider: ProviderId = "p1".parse().unwrap();
    let (friend, other): (RenterId, RenterId) = ("friend".parse().unwrap(), "other".parse().unwrap());
    let steps = [
        (&friend, 5000, (5000, 5000)),
        (&other, 255, (5000, 5255)),
        (&friend, -4900, (255, 355)),
        (&other, 1, (256, 356)),
    ];
    for (number, (renter, by, expected)) in steps.into_iter().enumerate() {
        let served = BTreeMap::from([((provider.clone(), renter.clone()), by)]);
        let delta = ContractDelta { served, ..ContractDelta::default() };
        let contract = format!("c{number}").parse().unwrap();
        table.write_contract(&contract, &Contract::default(), 0, &delta).await.unwrap();
        let since = Day::parse("2026-11-01").unwrap();
        let largest = table.signals(&provider, since).await.unwrap().signals.renters.largest();
        assert_eq!((largest.count, largest.of), expected);
    }
}
