//! Feedback: a contract ends, its renter is asked, and what he answers counts once, when it is final and revealed.

mod chat;
mod door;
mod world;

use end_to_end::samples::FEEDBACK_SECRET;
use lambda_http::http::Method;
use serde_json::{Value, json};
use trust::{
    feedback::{Answer, Question, Standing},
    time::Moment,
};

use crate::stack::event;
use world::{DAY, HAPPY_FORM, World, count};

#[tokio::test(flavor = "multi_thread")]
async fn a_contract_ends_its_renter_answers_changes_his_mind_and_is_heard_on_a_monday() {
    let world = World::start().await;
    let ended = world.completed("c1", "p1", "r1").await;
    let link = world.link("c1", "first");

    // Looked at, by scanners and by himself: nothing is answered.
    for method in [Method::HEAD, Method::GET, Method::HEAD, Method::GET] {
        let opened = world.ask(&link, method.clone(), None, ended.plus(60)).await;
        assert_eq!(opened.status, 200, "{method}");
        assert_eq!(opened.body.is_empty(), method == Method::HEAD);
    }
    assert_eq!(world.json(&link, ended.plus(60)).await["state"], "open");
    assert_eq!(world.answered("c1").await, None);

    // He answers, and is sent back to see it.
    let answered = ended.plus(3600);
    let sent = world.post(&link, HAPPY_FORM, answered).await;
    let back = format!("{}#top", link.rsplit('/').next().unwrap());
    assert_eq!((sent.status, sent.location), (303, Some(back)));
    let page = world.ask(&link, Method::GET, None, answered.plus(1)).await.body;
    assert!(page.contains("Thank you") && page.contains("Change answers"), "{page}");
    // The same once more changes nothing.
    assert_eq!(world.post(&link, HAPPY_FORM, answered.plus(1)).await.status, 303);

    // He changes his mind, by a program this time.
    let changed = json!({ "matched_description": "yes", "rent_again": "no" });
    let sent = world.post_json(&link, &changed, answered.plus(DAY - 1)).await;
    assert_eq!((sent.0, &sent.1["state"], &sent.1["answers"]), (200, &json!("changeable"), &changed));

    // A day after his first answer it is final.
    let (status, problem) = world.post_json(&link, &changed, answered.plus(DAY)).await;
    assert_eq!((status, world::kind(&problem)), (409, "feedback-final"));
    assert_eq!(world.post(&link, HAPPY_FORM, answered.plus(DAY)).await.status, 409);
    let shown = world.json(&link, answered.plus(DAY)).await;
    assert_eq!((&shown["state"], &shown["answers"]), (&json!("final"), &changed));

    // Nobody sees anything before the Monday, and everybody does then.
    let monday = world.reveal_of("p1", "r1", "c1").await;
    assert!(monday.start() >= answered.plus(DAY));
    assert_eq!(world.revealed("p1", monday.minus(1)).await, []);
    let expected = [
        (count(Question::MatchedDescription, Answer::Yes, Standing::Counted), 1),
        (count(Question::RentAgain, Answer::No, Standing::Counted), 1),
    ];
    assert_eq!(world.revealed("p1", monday).await, expected);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_renter_who_does_not_answer_is_reminded_once_and_then_left_alone() {
    let world = World::start().await;
    let ended = world.completed("c1", "p1", "r1").await;
    for days in [0, 6, 7, 7, 8, 20, 29, 30, 40] {
        world.look(ended.plus(days * DAY + 600)).await;
    }
    let ids: Vec<Value> = world.requests("c1").iter().map(|request| request["id"].clone()).collect();
    assert_eq!(ids, ["c1-feedback-asked-completed-first", "c1-feedback-asked-completed-reminder"]);
    // Both lead to the same place, until the same day.
    let links: Vec<Value> = world.requests("c1").iter().map(|request| request["link"].clone()).collect();
    assert_eq!(links[0], links[1]);
    assert_eq!(world.table().surveys_due(ended.plus(99 * DAY), 10).await.unwrap(), []);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_renter_who_has_answered_is_not_reminded() {
    let world = World::start().await;
    let ended = world.completed("c1", "p1", "r1").await;
    world.post(&world.link("c1", "first"), HAPPY_FORM, ended.plus(3600)).await;
    for days in [1, 2, 8, 20] {
        world.look(ended.plus(days * DAY + 4000)).await;
    }
    assert_eq!(world.requests("c1").len(), 1);
    assert_eq!(world.table().surveys_due(ended.plus(99 * DAY), 10).await.unwrap(), []);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_request_that_nobody_answers_for_a_week_is_asked_about() {
    let world = World::start().await;
    let requested = world.requested("c1", "p1", "r1").await;
    world.look(requested.plus(7 * DAY - 1)).await;
    assert_eq!(world.requests("c1"), Vec::<Value>::new());
    for _ in 0..2 {
        world.look(requested.plus(7 * DAY + 60)).await;
    }
    let requests = world.requests("c1");
    assert_eq!((requests.len(), &requests[0]["reason"]), (1, &json!("never-answered")));
    let link = world.link("c1", "first");
    assert_eq!(world.post(&link, HAPPY_FORM, requested.plus(8 * DAY)).await.status, 303);
}

#[tokio::test(flavor = "multi_thread")]
async fn what_was_accepted_and_never_handed_over_is_asked_about_after_a_week() {
    let world = World::start().await;
    let accepted = world.requested("c1", "p1", "r1").await;
    let data = json!({ "contract_id": "c1", "by": "auto" });
    world.tell(&[event("contract.accepted", accepted, data)]).await;
    world.look(accepted.plus(7 * DAY - 1)).await;
    assert_eq!(world.requests("c1"), Vec::<Value>::new());
    world.look(accepted.plus(7 * DAY + 60)).await;
    assert_eq!(world.requests("c1")[0]["reason"], "never-delivered");
    let link = world.link("c1", "first");
    assert_eq!(world.json(&link, accepted.plus(8 * DAY)).await["state"], "open");
    assert_eq!(world.post(&link, HAPPY_FORM, accepted.plus(8 * DAY)).await.status, 303);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_contract_whose_end_nobody_tells_of_is_asked_about_a_week_after_its_term() {
    let world = World::start().await;
    let begun = world.requested("c1", "p1", "r1").await;
    world.tell(&[event("contract.provisioned", begun, json!({ "contract_id": "c1" }))]).await;
    // One day of term, one more by extension, and a week.
    let extended = json!({ "contract_id": "c1", "ends_at": begun.plus(2 * DAY) });
    world.tell(&[event("contract.extended", begun.plus(60), extended)]).await;
    world.look(begun.plus(9 * DAY - 1)).await;
    assert_eq!(world.requests("c1"), Vec::<Value>::new());
    world.look(begun.plus(9 * DAY + 60)).await;
    assert_eq!(world.requests("c1")[0]["reason"], "lapsed");
    let link = world.link("c1", "first");
    assert_eq!(world.post(&link, HAPPY_FORM, begun.plus(10 * DAY)).await.status, 303);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_request_that_is_cleared_away_after_an_hour_is_asked_about_where_the_marketplace_says_that_nobody_answered()
 {
    let world = World::start().await;
    let requested = world.requested("c1", "p1", "r1").await;
    world.requested("c2", "p1", "r2").await;
    for (contract, reason) in [("c1", json!("no-response")), ("c2", Value::Null)] {
        let mut data = json!({ "contract_id": contract, "by": "marketplace" });
        if !reason.is_null() {
            data["reason"] = reason;
        }
        world.tell(&[event("contract.cancelled", requested.plus(3600), data)]).await;
    }
    world.look(requested.plus(3660)).await;
    assert_eq!(world.requests("c1")[0]["reason"], "never-answered");
    world.look(requested.plus(20 * DAY)).await;
    assert_eq!(world.requests("c2"), Vec::<Value>::new());
}

#[tokio::test(flavor = "multi_thread")]
async fn a_vote_that_is_revealed_counts_no_more_once_renter_and_provider_turn_out_to_be_one_party() {
    let world = World::start().await;
    let ended = world.completed("c1", "p1", "p2").await;
    world.post(&world.link("c1", "first"), HAPPY_FORM, ended.plus(60)).await;
    let monday = world.reveal_of("p1", "p2", "c1").await;
    let both = |standing| {
        let questions = [Question::MatchedDescription, Question::RentAgain];
        questions.map(|question| (count(question, Answer::Yes, standing), 1))
    };
    assert_eq!(world.revealed("p1", monday).await, both(Standing::Counted));
    world.registered("p1", Some("op")).await;
    assert_eq!(world.revealed("p1", monday).await, both(Standing::Counted));
    world.registered("p2", Some("op")).await;
    assert_eq!(world.revealed("p1", monday).await, both(Standing::SameParty));
}

#[tokio::test(flavor = "multi_thread")]
async fn runs_at_the_same_time_ask_nobody_twice() {
    let world = World::start().await;
    let mut contracts = Vec::new();
    let mut requested = Moment::EPOCH;
    for number in 0..8 {
        let contract = format!("c{number}");
        requested = world.requested(&contract, "p1", "r1").await;
        contracts.push(contract);
    }
    let at = requested.plus(7 * DAY + 60);
    tokio::join!(world.look(at), world.look(at), world.look(at));
    for contract in &contracts {
        assert_eq!(world.requests(contract).len(), 1, "{contract}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn answers_sent_at_the_same_time_count_once() {
    let world = World::start().await;
    for round in 0..10 {
        let (contract, renter) = (format!("c{round}"), format!("r{round}"));
        let ended = world.completed(&contract, "p1", &renter).await;
        let link = world.link(&contract, "first");
        let post = |seconds| world.post(&link, HAPPY_FORM, ended.plus(seconds));
        let sent = tokio::join!(post(60), post(60), post(61), post(62), post(60));
        for answer in [sent.0, sent.1, sent.2, sent.3, sent.4] {
            assert_eq!(answer.status, 303, "{}", answer.body);
        }
    }
    let monday = world.reveal_of("p1", "r9", "c9").await;
    let counts: Vec<u64> = world.revealed("p1", monday).await.into_iter().map(|(_, n)| n).collect();
    assert_eq!(counts, [10, 10]);
}

#[tokio::test(flavor = "multi_thread")]
async fn answers_that_do_not_count_are_counted_as_excluded_with_the_reason() {
    let world = World::start().await;
    for (contract, renter, price, lasted) in [
        ("paid", "r1", 500, 90_000),
        ("again", "r1", 500, 90_000),
        ("free", "r2", 0, 90_000),
        ("short", "r3", 500, 3599),
    ] {
        let ended = world.ran(contract, "p1", renter, price, lasted).await;
        let answered = world.post(&world.link(contract, "first"), HAPPY_FORM, ended.plus(60)).await;
        assert_eq!(answered.status, 303, "{contract}");
    }
    let monday = world.reveal_of("p1", "r1", "paid").await;
    let standings: Vec<(Standing, u64)> = world
        .revealed("p1", monday)
        .await
        .into_iter()
        .filter(|(class, _)| class.question == Question::RentAgain)
        .map(|(class, n)| (class.standing, n))
        .collect();
    assert_eq!(
        standings,
        [(Standing::Counted, 1), (Standing::Free, 1), (Standing::TooShort, 1), (Standing::Repeated, 1)]
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn who_rents_from_himself_is_not_asked() {
    let world = World::start().await;
    world.registered("p1", Some("op")).await;
    world.registered("p2", Some("op")).await;
    for renter in ["p1", "p2", "op"] {
        let contract = format!("c-{renter}");
        world.completed(&contract, "p1", renter).await;
        assert_eq!(world.requests(&contract), Vec::<Value>::new(), "{renter}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn what_becomes_known_of_the_parties_before_it_is_revealed_still_decides() {
    let world = World::start().await;
    world.registered("p1", Some("op")).await;
    let ended = world.completed("c1", "p1", "p2").await;
    world.post(&world.link("c1", "first"), HAPPY_FORM, ended.plus(60)).await;
    // His sister comes out a little later.
    world.registered("p2", Some("op")).await;
    world.look(ended.plus(DAY + 120)).await;
    let monday = world.reveal_of("p1", "p2", "c1").await;
    let expected = [
        (count(Question::MatchedDescription, Answer::Yes, Standing::SameParty), 1),
        (count(Question::RentAgain, Answer::Yes, Standing::SameParty), 1),
    ];
    assert_eq!(world.revealed("p1", monday).await, expected);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_link_is_of_no_use_to_others_nor_when_it_is_closed_nor_while_the_contract_goes_on() {
    let world = World::start().await;
    let ended = world.completed("c1", "p1", "r1").await;
    let requested = world.requested("open", "p1", "r1").await;
    let expires_at = ended.plus(30 * DAY);
    let made = |contract: &str, renter: &str, secret: &str| {
        let link = trust::link::Link::new(
            trust::link::Purpose::Feedback,
            contract.parse().unwrap(),
            &renter.parse().unwrap(),
            expires_at,
        );
        format!("/v1/feedback/{}", link.seal(secret).unwrap().expose())
    };
    let now = ended.plus(60).max(requested.plus(60));
    for (link, at, status, kind) in [
        (made("c1", "r1", FEEDBACK_SECRET), now, 200, ""),
        // The previous secret still opens: links that went out stay good when the secret is changed.
        (made("c1", "r1", "what-links-were-made-with"), now, 200, ""),
        (made("c1", "r1", "another"), now, 404, "unknown-link"),
        (made("c1", "r2", FEEDBACK_SECRET), now, 404, "unknown-link"),
        (made("c2", "r1", FEEDBACK_SECRET), now, 404, "unknown-link"),
        ("/v1/feedback/1.AAAA".to_owned(), now, 404, "unknown-link"),
        ("/v1/feedback/".to_owned(), now, 404, "unknown-link"),
        (made("open", "r1", FEEDBACK_SECRET), now, 409, "contract-not-ended"),
        (made("c1", "r1", FEEDBACK_SECRET), expires_at, 410, "link-expired"),
    ] {
        let (got, said) = world.get_json(&link, at).await;
        assert_eq!(got, status, "{link}");
        if status != 200 {
            assert_eq!(world::kind(&said), kind);
            assert_eq!(world.post(&link, HAPPY_FORM, at).await.status, status, "{link}");
            let page = world.ask(&link, Method::GET, None, at).await;
            assert!(page.body.starts_with("<!DOCTYPE html>"), "people get a page that says it");
        }
    }
    assert_eq!(world.answered("c1").await, None);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_form_that_is_not_filled_in_comes_back_with_what_is_missing_and_what_was_chosen() {
    let world = World::start().await;
    let ended = world.completed("c1", "p1", "r1").await;
    let link = world.link("c1", "first");
    let back = world.post(&link, "matched_description=no", ended.plus(60)).await;
    assert_eq!(back.status, 422);
    for part in [
        "role=\"alert\"",
        "href=\"#rent_again-yes\"",
        "aria-describedby=\"rent_again-error\"",
        "id=\"matched_description-no\" name=\"matched_description\" value=\"no\" checked",
    ] {
        assert!(back.body.contains(part), "{part}: {}", back.body);
    }
    assert!(!back.body.contains("matched_description-error"));
    let (status, problem) = world.post_json(&link, &json!({ "rent_again": "maybe" }), ended.plus(60)).await;
    assert_eq!((status, world::kind(&problem)), (422, "invalid-feedback"));
    let pointers: Vec<&Value> =
        problem["errors"].as_array().unwrap().iter().map(|error| &error["pointer"]).collect();
    assert_eq!(pointers, ["/matched_description", "/rent_again"]);
    assert_eq!(world.answered("c1").await, None);
}

#[tokio::test(flavor = "multi_thread")]
async fn pages_are_kept_by_nobody_and_tell_nobody_where_they_were() {
    let world = World::start().await;
    let ended = world.completed("c1", "p1", "r1").await;
    let opened = world.ask(&world.link("c1", "first"), Method::GET, None, ended.plus(60)).await;
    for (name, value) in [
        ("cache-control", "no-store"),
        ("referrer-policy", "no-referrer"),
        ("x-robots-tag", "noindex, nofollow"),
        ("content-type", "text/html; charset=utf-8"),
    ] {
        assert_eq!(opened.headers[name], value);
    }
    let policy = opened.headers["content-security-policy"].to_str().unwrap();
    assert!(policy.contains("default-src 'none'") && policy.contains("form-action 'self'"), "{policy}");
    assert!(!opened.body.contains("<script") && !opened.body.contains("http://"), "{}", opened.body);
    assert!(!opened.body.contains(world.link("c1", "first").rsplit('/').next().unwrap()));
    assert!(opened.body.len() < 10_000);
}

#[tokio::test(flavor = "multi_thread")]
async fn where_no_secret_is_kept_for_links_nobody_is_asked_and_nothing_waits() {
    let world = World::start_with(json!({})).await;
    let ended = world.completed("c1", "p1", "r1").await;
    world.requested("c2", "p1", "r1").await;
    world.look(ended.plus(8 * DAY)).await;
    assert_eq!(world.requests("c1"), Vec::<Value>::new());
    assert_eq!(world.table().surveys_due(ended.plus(99 * DAY), 10).await.unwrap(), []);
}
