//! How scores of providers go wrong elsewhere, and that this one does not: silence that looks like excellence, points lost over a threshold's
//! edge, wrong denominators, clocks that stop by themselves, records that evaporate, and all that a provider or a rival can say of himself.

#![expect(clippy::unwrap_used, reason = "a test that can not go on fails")]

mod world;

use trust::{
    contract::Contract,
    feedback::{
        Answer, Standing,
        survey::{Reason, asked_about},
    },
    id::ContractId,
    marketplace::{AcceptedBy, CancelledBy, Happened, InVain, Money},
    replies::Scope,
    score::{Kind, Score},
    summary::{Concern, Member, Severity, Siblings, Summary, Track},
    time::Moment,
    uptime::{
        day::Tally,
        percent::BasisPoints,
        sla::Sla,
        slot::{Reason as Outage, Slot},
    },
};
use world::{Agreed, Service, Spoken, World, both};

const HOUR: i64 = 3600;
const DAY: i64 = 86_400;

fn now() -> Moment {
    Moment::parse("2026-11-23T12:00:00Z").unwrap()
}

fn days_ago(days: i64) -> Moment {
    now().plus(-days * DAY)
}

fn with(renter: &str) -> Agreed {
    Agreed { renter: renter.parse().unwrap(), price: 500, term: 864_000, promise: None, silent_after: None }
}

fn renter(number: i64) -> Agreed {
    with(&format!("renter-{number}"))
}

fn provider() -> World {
    World::new("provider")
}

/// A provider who has completed so many contracts, each with another renter.
fn reliable(contracts: i64) -> World {
    let mut world = provider();
    for number in 0..contracts {
        world.serve(days_ago(40 + number), renter(number));
    }
    world
}

/// A contract that was handed over, and how it went on.
fn handed_over(world: &mut World, at: Moment, agreed: Agreed) -> ContractId {
    let contract = world.request(at, agreed);
    world.accept(at.plus(HOUR), &contract);
    world.hand_over(at.plus(2 * HOUR), &contract);
    contract
}

fn summary(world: &World) -> Summary {
    world.summary(now())
}

fn score(world: &World) -> Score {
    summary(world).score.unwrap()
}

fn points(world: &World) -> f64 {
    let score = score(world);
    score.capped_from.unwrap_or(score.points).value()
}

fn concerns(world: &World) -> Vec<Concern> {
    summary(world).flags.iter().map(|flag| flag.concern).collect()
}

// Absence of evidence

#[test]
fn of_whom_nothing_is_known_no_score_is_stated_and_no_share() {
    let unknown = summary(&provider());
    assert_eq!((unknown.track, &unknown.score), (Track::New, &None));
    assert_eq!(unknown.contracts.completion().share(), None);
    assert_eq!(unknown.contracts.rejection().share(), None);
    assert_eq!(unknown.feedback.yes().share(), None);
    assert_eq!(unknown.uptime.covered_days, 0);
    assert!(unknown.replies.windows.iter().all(|window| window.in_time.share().is_none()));
}

#[test]
fn who_has_shown_little_stands_below_who_has_shown_much() {
    let scores: Vec<Score> = [1, 3, 10, 30].map(|contracts| score(&reliable(contracts))).into();
    assert!(scores.is_sorted_by(|few, many| few.points < many.points && few.low < many.low));
    assert!(scores[0].points.value() < 70.0, "one contract of one is no 100");
}

#[test]
fn where_nobody_was_asked_no_promise_was_kept() {
    let replies = &score(&reliable(20)).families[1];
    assert_eq!((replies.observations, replies.contribution.billionths()), (0, 0));
}

#[test]
fn what_is_not_watched_is_not_up() {
    let mut world = reliable(5);
    let unwatched = score(&world).families[0].clone();
    assert_eq!((unwatched.observations, unwatched.contribution.billionths()), (0, 0));
    // Three days at the beginning, and then nobody looked.
    let contract = world.contracts.keys().next().unwrap().clone();
    for ago in 17..20 {
        let mut tally = Tally::default();
        tally.count(Slot::Up, 288);
        let service = Service { contract: contract.clone(), tally };
        world.services.entry(days_ago(ago).day()).or_default().push(service);
    }
    assert_eq!(score(&world).families[0].observations, 3);
}

#[test]
fn a_service_that_was_stopped_is_down_and_not_missing() {
    let mut up = reliable(5);
    let contract = up.contracts.keys().next().unwrap().clone();
    let watch = |world: &mut World, slot| {
        for ago in 1..30 {
            let mut tally = Tally::default();
            tally.count(slot, 288);
            let service = Service { contract: contract.clone(), tally };
            world.services.entry(days_ago(ago).day()).or_default().push(service);
        }
    };
    let mut stopped = reliable(5);
    watch(&mut up, Slot::Up);
    watch(&mut stopped, Slot::Down(Outage::Timeout));
    assert!(points(&stopped) < points(&reliable(5)) && points(&reliable(5)) < points(&up));
    assert_eq!(concerns(&stopped), [Concern::BadDays]);
}

// Thresholds

#[test]
fn no_step_over_a_threshold_costs_more_points_than_the_one_before() {
    // Of 40 contracts, 0 to 20 are ended by the provider: the flag of 20 % is somewhere on the way.
    let with_cancelled = |cancelled: i64| {
        let mut world = provider();
        for number in 0..40 {
            let contract = handed_over(&mut world, days_ago(60), renter(number));
            if number < cancelled {
                world.cancel(days_ago(55), &contract, CancelledBy::Provider);
            } else {
                world.complete(days_ago(50), &contract);
            }
        }
        (points(&world), concerns(&world))
    };
    let found: Vec<_> = (0..=20).map(with_cancelled).collect();
    let costs: Vec<f64> = found.windows(2).map(|two| two[0].0 - two[1].0).collect();
    assert!(costs.iter().all(|&cost| cost > 0.0 && cost < 0.5), "{costs:?}");
    let (least, most) =
        (costs.iter().copied().fold(1.0, f64::min), costs.iter().copied().fold(0.0, f64::max));
    assert!(most < least * 1.1, "{costs:?}");
    assert!(found[0].1.is_empty() && found[20].1.contains(&Concern::ProviderCancellations));
}

#[test]
fn one_bad_contract_of_one_raises_no_flag_and_costs_less_than_two_points() {
    let mut world = reliable(1);
    let before = points(&world);
    let contract = handed_over(&mut world, days_ago(20), renter(9));
    world.cancel(days_ago(19), &contract, CancelledBy::Provider);
    assert!(before - points(&world) < 2.0);
    assert_eq!(concerns(&world), []);
}

#[test]
fn a_third_vote_weighs_as_the_second_and_the_fourth() {
    let with_votes = |votes: i64| {
        let mut world = reliable(20);
        for contract in world.contracts.keys().take(votes as usize).cloned().collect::<Vec<_>>() {
            world.vote(days_ago(20), &contract, both(Answer::No)).unwrap();
        }
        points(&world)
    };
    let costs: Vec<f64> = (0..6).map(|votes| with_votes(votes) - with_votes(votes + 1)).collect();
    assert!(costs.is_sorted_by(|one, next| one > next), "the first says most: {costs:?}");
    assert!(costs[0] < 1.6 && costs[5] > 0.4, "{costs:?}");
}

#[test]
fn only_a_renter_left_without_an_answer_caps_the_score() {
    type Trick = fn(&mut World, i64);
    let tricks: [(Concern, Trick); 5] = [
        (Concern::ProvisioningFailures, |world, number| {
            let contract = world.request(days_ago(20), renter(number));
            world.fail(days_ago(19), &contract);
        }),
        (Concern::ProviderCancellations, |world, number| {
            let contract = handed_over(world, days_ago(20), renter(number));
            world.cancel(days_ago(19), &contract, CancelledBy::Provider);
        }),
        (Concern::NoResponses, |world, number| {
            world.request(days_ago(20), renter(number));
        }),
        (Concern::Rejections, |world, number| {
            let contract = world.request(days_ago(20), renter(number));
            world.decline(days_ago(19), &contract);
        }),
        (Concern::OneRenter, |world, _| {
            world.serve(days_ago(20), renter(99));
        }),
    ];
    for (concern, trick) in tricks {
        let mut world = reliable(10);
        (0..12).for_each(|number| trick(&mut world, number));
        let summary = summary(&world);
        assert!(concerns(&world).contains(&concern), "{concern:?}");
        assert!(summary.flags.iter().all(|flag| flag.severity == Severity::Warning), "{concern:?}");
        assert_eq!(summary.score.unwrap().capped_from, None, "{concern:?}");
    }
    let mut silent = reliable(30);
    let contract = silent.contracts.keys().next().unwrap().clone();
    silent.talk(&contract, vec![(days_ago(4), Spoken::Renter)]);
    assert_eq!(concerns(&silent), [Concern::Silent]);
    assert!(score(&silent).points.value() <= 49.0);
}

// Denominators

#[test]
fn what_renter_or_marketplace_ends_costs_the_provider_nothing() {
    let before = points(&reliable(10));
    for by in [CancelledBy::Renter, CancelledBy::Marketplace] {
        let mut world = reliable(10);
        for number in 0..10 {
            // Never paid, left at once, left late.
            let contract = world.request(days_ago(20), renter(number));
            world.cancel(days_ago(20).plus(HOUR), &contract, by);
            let contract = handed_over(&mut world, days_ago(20), renter(number));
            world.cancel(days_ago(20).plus(3 * HOUR), &contract, by);
            let contract = handed_over(&mut world, days_ago(20), renter(number));
            world.cancel(days_ago(12), &contract, by);
        }
        assert_eq!(points(&world).to_bits(), before.to_bits(), "{by:?}");
        assert_eq!(concerns(&world), [], "{by:?}");
    }
}

#[test]
fn what_the_provider_ends_counts_against_him_whenever_he_does() {
    let before = points(&reliable(10));
    let ended = |end: fn(&mut World) -> ContractId| {
        let mut world = reliable(10);
        let contract = end(&mut world);
        world.cancel(days_ago(11), &contract, CancelledBy::Provider);
        before - points(&world)
    };
    let costs = [
        ended(|world| world.request(days_ago(12), renter(50))),
        ended(|world| handed_over(world, days_ago(11).plus(-3 * HOUR), renter(50))),
        ended(|world| handed_over(world, days_ago(20), renter(50))),
    ];
    assert!(costs.iter().all(|&cost| cost > 0.5), "{costs:?}");
    assert!(costs.iter().all(|cost| (cost - costs[0]).abs() < 1e-9), "{costs:?}");
}

#[test]
fn early_cancellations_are_a_share_of_what_was_handed_over_and_not_of_what_was_cancelled() {
    let mut world = reliable(19);
    let contract = handed_over(&mut world, days_ago(20), renter(50));
    world.cancel(days_ago(20).plus(3 * HOUR), &contract, CancelledBy::Renter);
    let early = summary(&world).contracts.early_cancellation();
    assert_eq!((early.count, early.of), (1, 20));
}

#[test]
fn handovers_that_failed_or_never_came_are_counted_whatever_state_the_contract_is_in() {
    let mut world = reliable(10);
    for number in 0..3 {
        let failed = world.request(days_ago(30), renter(number));
        world.accept(days_ago(30), &failed);
        world.fail(days_ago(29), &failed);
        // Refunded and closed afterwards.
        world.cancel(days_ago(28), &failed, CancelledBy::Marketplace);
        let forgotten = world.request(days_ago(30), renter(number));
        world.accept(days_ago(30), &forgotten);
        // Given up after ten days, which clears nothing.
        world.cancel(days_ago(20), &forgotten, CancelledBy::Marketplace);
    }
    let summary = summary(&world);
    assert_eq!((summary.contracts.provisioning_failed, summary.contracts.never_delivered), (3, 3));
    assert!(summary.flags.iter().any(|flag| flag.concern == Concern::ProvisioningFailures));
}

#[test]
fn requests_that_nobody_answered_are_counted_though_the_marketplace_cleared_them_away() {
    let mut world = reliable(10);
    for number in 0..3 {
        let contract = world.request(days_ago(30), renter(number));
        world.cancel(days_ago(20), &contract, CancelledBy::Marketplace);
    }
    assert_eq!(summary(&world).contracts.no_response, 3);
    assert_eq!(concerns(&world), [Concern::NoResponses]);
}

#[test]
fn a_marketplace_that_clears_away_after_an_hour_what_nobody_answered_or_delivered_clears_no_record_if_it_says_so()
 {
    let cleared = |reason: Option<InVain>, accepted: bool| {
        let mut world = reliable(10);
        for number in 0..3 {
            let contract = world.request(days_ago(3), renter(number));
            if accepted {
                world.accept(days_ago(3), &contract);
            }
            match reason {
                Some(reason) => world.clear_away(days_ago(3).plus(HOUR), &contract, reason),
                None => world.cancel(days_ago(3).plus(HOUR), &contract, CancelledBy::Marketplace),
            }
        }
        let facts = summary(&world).contracts;
        assert_eq!((facts.overdue_responses, facts.overdue_deliveries), (0, 0), "nothing is left to be done");
        ((facts.no_response, facts.never_delivered), concerns(&world), points(&world))
    };
    let before = points(&reliable(10));
    let (no_reason, none, unharmed) = cleared(None, false);
    assert_eq!((no_reason, none), ((0, 0), vec![]), "it may be a request that was never paid");
    assert_eq!(unharmed.to_bits(), before.to_bits());
    let (unanswered, flags, lower) = cleared(Some(InVain::NoResponse), false);
    assert_eq!((unanswered, flags), ((3, 0), vec![Concern::NoResponses]));
    assert!(lower < before);
    for reason in [InVain::NoResponse, InVain::NotDelivered] {
        let (undelivered, flags, lower) = cleared(Some(reason), true);
        assert_eq!((undelivered, flags), ((0, 3), vec![Concern::ProvisioningFailures]));
        assert!(lower < before);
    }
}

#[test]
fn a_contract_whose_end_nobody_tells_of_counts_neither_way_and_its_renter_is_asked() {
    let mut world = reliable(10);
    let before = points(&world);
    let contract = handed_over(&mut world, days_ago(300), renter(50));
    let after = summary(&world);
    assert_eq!(after.contracts.active, 1);
    assert_eq!(points(&world).to_bits(), before.to_bits());
    // Ten days of term and the week after it.
    let asked = (days_ago(300).plus(2 * HOUR + 17 * DAY), Reason::Lapsed);
    assert_eq!(asked_about(&world.contracts[&contract]), Some(asked));
}

#[test]
fn a_clean_past_does_not_make_cancellations_of_late_look_like_no_change() {
    let mut world = reliable(30);
    assert_eq!(concerns(&world), []);
    for number in 0..6 {
        let contract = handed_over(&mut world, days_ago(20), renter(number));
        world.cancel(days_ago(15), &contract, CancelledBy::Provider);
    }
    assert!(concerns(&world).contains(&Concern::CancellationsRising), "{:?}", concerns(&world));
}

// Clocks

#[test]
fn an_acceptance_by_rule_is_no_reply_and_no_delivery() {
    let mut world = reliable(1);
    let contract = world.request(days_ago(30), renter(50));
    let accepted = Happened::ContractAccepted {
        contract_id: contract.clone(),
        by: AcceptedBy::Auto,
        conversation: None,
    };
    world.contracts.get_mut(&contract).unwrap().join(days_ago(30), &accepted);
    let summary = summary(&world);
    assert_eq!(summary.replies.windows[1].waits, 0);
    assert_eq!(summary.replies.windows[1].median.seconds, None);
    assert_eq!((summary.contracts.deliveries, summary.contracts.never_delivered), (2, 1));
}

#[test]
fn a_bot_a_note_and_a_template_answer_nobody() {
    let mut world = reliable(10);
    let contract = world.contracts.keys().next().unwrap().clone();
    let asked = days_ago(5);
    let spoken = [Spoken::Bot, Spoken::Note, Spoken::Automation, Spoken::Template, Spoken::PersonDeleted];
    let said = (1..).zip(spoken).map(|(seconds, spoken)| (asked.plus(seconds), spoken));
    world.talk(&contract, [(asked, Spoken::Renter)].into_iter().chain(said).collect());
    let summary = summary(&world);
    assert_eq!((summary.replies.waiting, summary.replies.waiting_since), (1, Some(asked)));
    assert_eq!(summary.flags[0].severity, Severity::Critical);
}

#[test]
fn five_messages_in_a_row_are_one_wait_and_a_late_reply_ends_it() {
    let mut world = reliable(10);
    let contract = world.contracts.keys().next().unwrap().clone();
    let mut messages: Vec<_> = (0..5).map(|minute| (days_ago(5).plus(minute * 60), Spoken::Renter)).collect();
    world.talk(&contract, messages.clone());
    assert_eq!(score(&world).families[1].observations, 1);
    messages.push((days_ago(1), Spoken::Person));
    world.talks.clear();
    world.talk(&contract, messages);
    assert_eq!(concerns(&world), []);
    assert_eq!(score(&world).families[1].costliest[0].kind, Kind::RepliedLate);
}

#[test]
fn what_is_never_answered_is_not_left_out_of_the_reply_time() {
    let mut world = reliable(10);
    let contracts: Vec<_> = world.contracts.keys().cloned().collect();
    for (number, contract) in contracts.iter().enumerate() {
        let asked = days_ago(10);
        let answered = (number < 4).then_some((asked.plus(600), Spoken::Person));
        world.talk(contract, [(asked, Spoken::Renter)].into_iter().chain(answered).collect());
    }
    let window = &summary(&world).replies.windows[1];
    assert_eq!((window.in_time.count, window.in_time.of), (4, 10));
    assert_eq!(window.median.seconds, None, "most have no answer, so there is no median of ten minutes");
}

#[test]
fn a_median_is_a_median() {
    let mut world = provider();
    for number in 0..9 {
        world.serve(days_ago(40), renter(number));
    }
    let slow = world.request(days_ago(60), renter(9));
    world.accept(days_ago(60), &slow);
    world.hand_over(days_ago(20), &slow);
    let contracts = summary(&world).contracts;
    assert_eq!(contracts.deliveries, 10);
    assert!((600..620).contains(&contracts.delivery_median.seconds.unwrap()), "nine of ten took ten minutes");
}

#[test]
fn what_renters_do_is_no_sign_of_life_of_the_provider() {
    let mut world = reliable(10);
    world.request(days_ago(1), renter(50));
    let contract = world.contracts.keys().next().unwrap().clone();
    world.vote(days_ago(2), &contract, both(Answer::Yes)).unwrap();
    assert_eq!(summary(&world).checked_in_at, None);
}

// Memory

#[test]
fn good_and_bad_are_forgotten_at_the_same_age_and_not_before_two_years() {
    for ago in [181, 719] {
        let mut good = reliable(3);
        let mut bad = reliable(3);
        good.serve(days_ago(ago + 10).plus(-1200), renter(50));
        let contract = bad.request(days_ago(ago), renter(50));
        bad.fail(days_ago(ago), &contract);
        assert!(points(&bad) < points(&reliable(3)) && points(&reliable(3)) < points(&good), "{ago}");
    }
    let mut forgotten = reliable(3);
    let contract = forgotten.request(days_ago(720), renter(50));
    forgotten.fail(days_ago(720), &contract);
    forgotten.serve(days_ago(731), renter(51));
    assert_eq!(points(&forgotten).to_bits(), points(&reliable(3)).to_bits());
}

// What can be said or bought

#[test]
fn neither_price_nor_currency_makes_a_difference() {
    let traded = |minor_units: u64, currency: &str| {
        let mut world = reliable(10);
        for contract in world.contracts.values_mut() {
            let (_, terms) = contract.requested.as_mut().unwrap();
            terms.price = Money { minor_units, currency: currency.to_owned().try_into().unwrap() };
        }
        points(&world)
    };
    assert_eq!(traded(500, "EUR").to_bits(), traded(5_000_000, "JPY").to_bits());
}

#[test]
fn a_longer_or_shorter_promise_to_reply_makes_no_difference() {
    let promised = |seconds: Option<u32>| {
        let mut world = reliable(5);
        for (number, takes) in (0..).zip([60, 3600, 14_463, 14_464, 30 * 3600]) {
            let agreed = Agreed { promise: seconds, ..renter(number) };
            let contract = world.serve(days_ago(40), agreed);
            let asked = days_ago(20);
            world.talk(&contract, vec![(asked, Spoken::Renter), (asked.plus(takes), Spoken::Person)]);
        }
        let contract = world.serve(days_ago(40), Agreed { promise: seconds, ..renter(9) });
        world.talk(&contract, vec![(now().plus(-5 * 3600), Spoken::Renter)]);
        let summary = summary(&world);
        let month = &summary.replies.windows[0];
        assert_eq!((month.prompt.count, month.prompt.of), (3, 6), "answered within 4 hours");
        (summary.score.unwrap(), month.in_time)
    };
    let (four_hours, kept) = promised(None);
    assert_eq!((kept.count, kept.of), (2, 6));
    for (seconds, count, of) in [(600, 1, 6), (7 * 86_400, 5, 5)] {
        let (score, kept) = promised(Some(seconds));
        assert_eq!(score, four_hours);
        assert_eq!((kept.count, kept.of), (count, of), "what was promised is told as it was kept");
    }
}

#[test]
fn a_lower_promise_of_uptime_makes_no_difference() {
    let promised = |hundredths: u16| {
        let mut world = reliable(5);
        let contract = world.request(days_ago(40), renter(50));
        let provisioned = Happened::ContractProvisioned {
            contract_id: contract.clone(),
            conversation: None,
            endpoints: Vec::new(),
            sla: Some(Sla::new(BasisPoints::new(hundredths).unwrap(), 30).unwrap()),
        };
        world.contracts.get_mut(&contract).unwrap().join(days_ago(39), &provisioned);
        for ago in 1..30 {
            let mut tally = Tally::default();
            tally.count(Slot::Up, 270);
            tally.count(Slot::Down(Outage::Timeout), 18);
            let service = Service { contract: contract.clone(), tally };
            world.services.entry(days_ago(ago).day()).or_default().push(service);
        }
        points(&world)
    };
    assert_eq!(promised(9_999).to_bits(), promised(100).to_bits());
    assert!(promised(100) < points(&reliable(5)));
}

#[test]
fn renting_from_oneself_adds_neither_contracts_nor_votes_nor_renters_nor_replies() {
    let mut world = reliable(3);
    let before = summary(&world);
    for number in 0..20 {
        let contract = world.serve(days_ago(30 + number), with("provider"));
        world.talk(&contract, vec![(days_ago(20), Spoken::Renter), (days_ago(20).plus(5), Spoken::Person)]);
        world.vote(days_ago(10), &contract, both(Answer::Yes)).unwrap();
    }
    let after = summary(&world);
    assert_eq!(after.score, before.score);
    assert_eq!((after.contracts.completed, after.contracts.renters), (3, before.contracts.renters));
    assert_eq!(after.contracts.self_dealing, 20, "shown as such");
    assert_eq!(after.feedback.votes(), 0);
    assert_eq!(after.feedback.excluded[&Standing::SameParty], 20);
}

#[test]
fn contracts_for_nothing_or_of_half_an_hour_add_neither_contracts_nor_votes() {
    let mut world = reliable(3);
    let before = score(&world);
    for number in 0..20 {
        let free = world.serve(days_ago(40), Agreed { price: 0, ..renter(100 + number) });
        let short = world.serve(days_ago(40), Agreed { term: 1800, ..renter(200 + number) });
        for contract in [free, short] {
            world.vote(days_ago(20), &contract, both(Answer::Yes)).unwrap();
        }
    }
    let after = summary(&world);
    assert_eq!(after.score.unwrap(), before);
    assert_eq!((after.contracts.completed, after.contracts.minimal), (3, 40));
    assert_eq!(after.feedback.excluded[&Standing::Free], 20);
    assert_eq!(after.feedback.excluded[&Standing::TooShort], 20);
}

#[test]
fn messages_about_contracts_for_nothing_or_of_half_an_hour_are_shown_apart_and_move_nothing() {
    let mut world = reliable(3);
    let before = score(&world);
    let free = world.serve(days_ago(40), Agreed { price: 0, ..renter(100) });
    let short = world.serve(days_ago(40), Agreed { term: 1800, ..renter(101) });
    let left = handed_over(&mut world, days_ago(40), renter(102));
    world.cancel(days_ago(40).plus(2 * HOUR + 600), &left, CancelledBy::Renter);
    for contract in [&free, &short, &left] {
        for number in 0..50 {
            let asked = days_ago(30).plus(number * HOUR);
            world.talk(contract, vec![(asked, Spoken::Renter), (asked.plus(60), Spoken::Person)]);
        }
        world.talk(contract, vec![(days_ago(5), Spoken::Renter)]);
        for ago in 1..30 {
            let mut tally = Tally::default();
            tally.count(Slot::Up, 288);
            let service = Service { contract: contract.clone(), tally };
            world.services.entry(days_ago(ago).day()).or_default().push(service);
        }
    }
    let after = summary(&world);
    assert_eq!(after.score.unwrap(), before);
    assert_eq!(after.replies.apart[&Scope::Minimal].waits, 153);
    assert_eq!((after.contracts.renters.of, after.contracts.minimal), (3, 2));
}

#[test]
fn of_one_renter_three_waits_a_week_are_scored_in_whatever_conversations_and_silence_in_any() {
    let mut world = reliable(3);
    let contracts: Vec<_> = (0..2).map(|_| handed_over(&mut world, days_ago(40), renter(100))).collect();
    // A Tuesday.
    let begin = days_ago(20);
    for minute in 0..40 {
        let asked = begin.plus(minute * 60);
        world.talk(
            &contracts[minute as usize % 2],
            vec![(asked, Spoken::Renter), (asked.plus(30), Spoken::Person)],
        );
    }
    let replies = &score(&world).families[1];
    assert_eq!((replies.observations, summary(&world).replies.apart[&Scope::Excess].waits), (3, 37));
    world.talk(&contracts[0], vec![(begin.plus(5 * DAY), Spoken::Renter)]);
    assert_eq!(score(&world).families[1].observations, 3, "it is the 41st of its week");
    assert!(concerns(&world).contains(&Concern::Silent));
    // Another renter's, and his own of the next week, count.
    let others = handed_over(&mut world, days_ago(40), renter(101));
    world.talk(&others, vec![(begin, Spoken::Renter), (days_ago(18), Spoken::Person)]);
    world.talk(&contracts[0], vec![(begin.plus(6 * DAY), Spoken::Renter), (days_ago(1), Spoken::Person)]);
    assert_eq!(score(&world).families[1].observations, 5);
}

#[test]
fn one_renter_who_comes_often_is_no_crowd() {
    let mut crowd = reliable(3);
    let mut friend = reliable(3);
    for number in 0..12 {
        let of_many = crowd.serve(days_ago(40), renter(100 + number));
        let of_one = friend.serve(days_ago(40), renter(100));
        crowd.vote(days_ago(20), &of_many, both(Answer::Yes)).unwrap();
        friend.vote(days_ago(20).plus(number), &of_one, both(Answer::Yes)).unwrap();
    }
    assert_eq!((summary(&crowd).feedback.votes(), summary(&friend).feedback.votes()), (12, 1));
    assert_eq!(concerns(&friend), [Concern::OneRenter]);
    assert!(points(&friend) < points(&crowd), "coming back earns no bonus");
}

#[test]
fn a_new_name_begins_with_nothing() {
    let fresh = summary(&World::new("another-key"));
    assert_eq!((fresh.track, fresh.score), (Track::New, None), "neither a clean slate nor a hundred");
}

#[test]
fn a_new_name_of_the_same_operator_is_flagged_for_the_old_one() {
    let mut old = reliable(3);
    for number in 0..3 {
        let contract = handed_over(&mut old, days_ago(20), renter(number));
        old.cancel(days_ago(15), &contract, CancelledBy::Provider);
    }
    let operator = "operator".parse().unwrap();
    let members = [(old.provider.clone(), Member::of(&summary(&old)))].into();
    let mut fresh = World::new("another-key");
    fresh.siblings = Some(Siblings::of((&operator, &members), &fresh.provider, now().day()));
    assert_eq!(concerns(&fresh), [Concern::SiblingFlagged]);
}

// Being heard

#[test]
fn the_worst_outcomes_are_asked_about_and_what_is_said_of_them_counts() {
    let mut world = reliable(10);
    let failed = world.request(days_ago(30), renter(50));
    world.fail(days_ago(29), &failed);
    let unanswered = world.request(days_ago(30), renter(51));
    let undelivered = world.request(days_ago(30), renter(52));
    world.accept(days_ago(29), &undelivered);
    let cleared = world.request(days_ago(30), renter(53));
    world.clear_away(days_ago(30).plus(HOUR), &cleared, InVain::NoResponse);
    let asked = |contract: &Contract| asked_about(contract).map(|(_, reason)| reason);
    assert_eq!(asked_about(&world.contracts[&undelivered]), Some((days_ago(22), Reason::NeverDelivered)));
    assert_eq!(
        asked_about(&world.contracts[&cleared]),
        Some((days_ago(30).plus(HOUR), Reason::NeverAnswered))
    );
    assert_eq!(asked(&world.contracts[&failed]), Some(Reason::ProvisioningFailed));
    assert_eq!(asked(&world.contracts[&unanswered]), Some(Reason::NeverAnswered));
    let before = points(&world);
    world.vote(days_ago(20), &failed, both(Answer::No)).unwrap();
    assert_eq!(summary(&world).feedback.votes(), 1);
    assert!(points(&world) < before);
}

#[test]
fn what_was_never_begun_or_left_before_it_was_handed_over_is_not_asked_about() {
    let mut world = provider();
    let never_paid = world.request(days_ago(30), renter(1));
    world.cancel(days_ago(30).plus(HOUR), &never_paid, CancelledBy::Marketplace);
    let with_himself = world.serve(days_ago(30), with("provider"));
    for contract in [never_paid, with_himself] {
        assert_eq!(asked_about(&world.contracts[&contract]), None);
    }
}

#[test]
fn what_renters_say_can_not_be_seen_before_its_monday_and_names_no_contract() {
    let mut world = reliable(10);
    let contract = world.contracts.keys().next().unwrap().clone();
    let before = summary(&world);
    // Answered on Sunday: final on Monday at noon, seen a week later.
    world.vote(days_ago(1), &contract, both(Answer::No)).unwrap();
    assert_eq!(summary(&world), before);
    let seen = world.summary(now().plus(7 * DAY));
    assert_eq!(seen.feedback.votes(), 1);
    let feedback = serde_json::to_string(&seen.feedback).unwrap();
    assert!(!feedback.contains("c-") && !feedback.contains("renter"), "{feedback}");
}
