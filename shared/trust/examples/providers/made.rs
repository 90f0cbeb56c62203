//! Providers by chance: every kind of thing that can happen, often enough that a thousand of them try every rule.

use trust::{
    chat::{Channel, Identity},
    feedback::{Answer, Answers},
    id::{ContractId, RenterId},
    marketplace::{CancelledBy, InVain},
    summary::Siblings,
    time::Moment,
    uptime::{
        day::Tally,
        slot::{Gap, Reason, Seen, Slot},
    },
};

use crate::world::{Agreed, Named, Service, Spoken, Talk, World, draw::Draw, operated};

const HOUR: u64 = 3600;
const DAY: u64 = 86_400;

/// What a provider is like.
struct Nature {
    /// Contracts, the day of the first, and renters.
    contracts: u64,
    days: u64,
    renters: u64,
    /// How often what he does is good.
    keeps: f64,
    replies: f64,
    pleases: f64,
    stays_up: f64,
    /// How often he has the last word.
    sees_to_it: f64,
    /// How often what is not good is a rejection.
    declines: f64,
    /// Whether he ends most contracts of late.
    turns: bool,
}

/// The provider of this number.
pub(crate) fn provider(seed: u64, number: u64, now: Moment) -> World {
    let mut draw = Draw::new(seed.wrapping_mul(1_000_003).wrapping_add(number));
    let mut world = World::new(&format!("p-{number}"));
    if draw.happens(0.6) {
        world.operated_by(draw.one_of(&["op-1", "r-1"]));
    }
    for renter in ["r-2", "r-3"] {
        if draw.happens(0.7) {
            continue;
        }
        let operator = draw.one_of(&["op-1", "op-2"]);
        world.others.insert(renter.parse().unwrap(), operated(renter, operator));
    }
    let nature = Nature {
        contracts: if draw.happens(0.1) { 0 } else { draw.within(1, 60) },
        days: draw.one_of(&[20, 90, 400, 800]),
        renters: draw.within(1, 40),
        keeps: draw.rate(3.0, 1.0),
        replies: draw.rate(2.0, 1.0),
        pleases: draw.rate(2.0, 1.0),
        stays_up: draw.rate(4.0, 1.0),
        sees_to_it: draw.one_of(&[0.5, 1.0, 1.0]),
        declines: draw.one_of(&[0.0, 0.0, 0.8]),
        turns: draw.happens(0.1),
    };
    for _ in 0..nature.contracts {
        let age = draw.below(nature.days * DAY) as i64;
        contract(&mut world, &mut draw, &nature, now.plus(-age), now);
    }
    if draw.happens(0.1) {
        burst(&mut world, &mut draw, now);
    }
    services(&mut world, &mut draw, &nature, now);
    machines(&mut world, &mut draw, &nature, now);
    if draw.happens(0.2) {
        let others = draw.within(1, 3);
        world.siblings = Some(Siblings {
            operator: "op-1".parse().unwrap(),
            seen_on: now.day(),
            others,
            flagged: draw.within(0, others),
            known_since: None,
        });
    }
    world
}

/// Far more answers in one week than in those before it, or nearly.
fn burst(world: &mut World, draw: &mut Draw, now: Moment) {
    let on = now.plus(-((draw.within(1, 100) * DAY) as i64));
    let spread = draw.within(1, 9) * DAY;
    for number in 0..draw.within(8, 25) {
        let agreed = Agreed {
            renter: format!("b-{number}").parse().unwrap(),
            price: draw.below(2),
            term: 86_400,
            promise: None,
            silent_after: None,
        };
        let contract = world.serve(on.plus(-((draw.within(20, 40) * DAY) as i64)), agreed);
        let at = on.plus(-(draw.below(spread) as i64));
        let answers = Answers { matched_description: Answer::Yes, rent_again: Answer::Yes };
        world.vote(at, &contract, answers).unwrap();
    }
}

fn contract(world: &mut World, draw: &mut Draw, nature: &Nature, requested: Moment, now: Moment) {
    let renter = if draw.happens(0.05) {
        world.provider.as_str().to_owned()
    } else if draw.happens(0.3) {
        "r-1".to_owned()
    } else {
        format!("r-{}", draw.within(1, nature.renters))
    };
    let agreed = Agreed {
        renter: renter.parse().unwrap(),
        price: if draw.happens(0.1) { 0 } else { draw.within(1, 10_000) },
        term: draw.one_of(&[1800, 3599, 3600, 86_400, 30 * 86_400]),
        promise: draw.happens(0.3).then(|| draw.within(60, 86_400) as u32),
        silent_after: draw.happens(0.2).then(|| draw.within(HOUR, 96 * HOUR) as u32),
    };
    let term = u64::from(agreed.term);
    let contract = world.request(requested, agreed);
    // What would happen after now has not happened.
    let after = |draw: &mut Draw, at: Moment, most: u64| {
        let at = at.plus(draw.within(1, most) as i64);
        (at <= now).then_some(at)
    };
    let turned = nature.turns && now.since(requested) < 20 * DAY as u32 && draw.happens(0.9);
    let stages = if turned { vec![Stage::Cancel(CancelledBy::Provider)] } else { story(draw, nature) };
    let mut at = requested;
    for stage in stages {
        let most = match stage {
            Stage::Complete => 0,
            Stage::GiveUp | Stage::ClearAway(_) => 12 * DAY,
            Stage::Cancel(_) => term.max(HOUR),
            _ => draw.one_of(&[HOUR, DAY, 5 * DAY]),
        };
        let next = if most == 0 {
            Some(at.plus(term as i64)).filter(|at| *at <= now)
        } else {
            after(draw, at, most)
        };
        let Some(next) = next else { break };
        match stage {
            Stage::Accept => world.accept(next, &contract),
            Stage::Decline => world.decline(next, &contract),
            Stage::HandOver => world.hand_over(next, &contract),
            Stage::Fail => world.fail(next, &contract),
            Stage::Complete => world.complete(next, &contract),
            Stage::Cancel(by) => world.cancel(next, &contract, by),
            Stage::GiveUp => {
                let by = draw.one_of(&[CancelledBy::Renter, CancelledBy::Marketplace]);
                world.cancel(next, &contract, by);
            }
            Stage::ClearAway(reason) => world.clear_away(next, &contract, reason),
        }
        at = next;
    }
    let renter = renter.parse().unwrap();
    while draw.happens(0.5) {
        let about = draw.happens(0.9).then_some(&contract);
        talk(world, draw, nature, about, &renter, (requested, now));
    }
    let ended = world.contracts[&contract].ended();
    if let Some((end, _)) = ended.filter(|_| draw.happens(0.7)) {
        let mut at = end.plus(draw.within(1, 20 * DAY) as i64);
        while at <= now {
            let mut answer = || if draw.happens(nature.pleases) { Answer::Yes } else { Answer::No };
            let answers = Answers { matched_description: answer(), rent_again: answer() };
            if world.vote(at, &contract, answers).is_err() || draw.happens(0.7) {
                break;
            }
            at = at.plus(draw.within(1, 2 * DAY) as i64);
        }
    }
}

#[derive(Clone, Copy)]
enum Stage {
    Accept,
    Decline,
    HandOver,
    Fail,
    Complete,
    Cancel(CancelledBy),
    GiveUp,
    ClearAway(InVain),
}

fn story(draw: &mut Draw, nature: &Nature) -> Vec<Stage> {
    use Stage::{Accept, Cancel, ClearAway, Complete, Decline, Fail, GiveUp, HandOver};
    if draw.happens(nature.keeps) {
        return match draw.below(10) {
            0 => vec![HandOver, Complete],
            1 => vec![Accept, HandOver],
            2 => vec![Accept, HandOver, Cancel(CancelledBy::Renter)],
            // What is said of a contract after its end changes nothing.
            3 => vec![Accept, HandOver, Complete, Cancel(CancelledBy::Provider)],
            _ => vec![Accept, HandOver, Complete],
        };
    }
    if draw.happens(nature.declines) {
        return vec![Decline];
    }
    match draw.below(15) {
        0 => vec![],
        1 => vec![Accept],
        2 => vec![Decline],
        3 => vec![Accept, Fail],
        4 => vec![Accept, Decline],
        5 => vec![GiveUp],
        6 => vec![Accept, GiveUp],
        7 => vec![Accept, Cancel(CancelledBy::Provider)],
        8 => vec![Cancel(CancelledBy::Provider), HandOver],
        9 => vec![Accept, HandOver, Cancel(CancelledBy::Marketplace)],
        10 => vec![Accept, GiveUp, HandOver],
        11 => vec![ClearAway(InVain::NoResponse), Decline],
        12 => vec![Accept, ClearAway(draw.one_of(&[InVain::NoResponse, InVain::NotDelivered]))],
        13 => vec![Accept, HandOver, ClearAway(InVain::NotDelivered)],
        _ => vec![Accept, HandOver, Cancel(CancelledBy::Provider)],
    }
}

fn talk(
    world: &mut World,
    draw: &mut Draw,
    nature: &Nature,
    about: Option<&ContractId>,
    renter: &RenterId,
    (begin, now): (Moment, Moment),
) {
    let mut messages = Vec::new();
    let mut at = begin.plus(draw.below(30 * DAY) as i64);
    while at <= now && messages.len() < 30 {
        let by_person = draw.happens(0.5);
        let spoken = if draw.happens(0.2) {
            draw.one_of(&[
                Spoken::RenterDeleted,
                Spoken::PersonDeleted,
                Spoken::Echo,
                Spoken::Note,
                Spoken::Bot,
                Spoken::Automation,
                Spoken::Campaign,
                Spoken::Template,
                Spoken::Activity,
            ])
        } else if by_person {
            Spoken::Person
        } else {
            Spoken::Renter
        };
        messages.push((at, spoken));
        if draw.happens(0.1) {
            break;
        }
        let takes = match (draw.happens(0.1), draw.happens(nature.replies)) {
            // Around the time within which a reply is good.
            (true, _) => draw.within(14_200, 14_600),
            (false, true) => draw.within(1, 3 * HOUR),
            (false, false) => draw.within(1, 4 * DAY),
        };
        at = at.plus(takes as i64);
    }
    if at <= now && draw.happens(nature.sees_to_it) {
        messages.push((at, Spoken::Person));
    }
    let contact = if draw.happens(0.9) { renter.clone() } else { "somebody-else".parse().unwrap() };
    world.talks.push(Talk {
        contract: about.cloned(),
        named: if draw.happens(0.6) { Named::ByTheMarketplace } else { Named::ByTheContact },
        channel: draw.one_of(&[Channel::WebWidget, Channel::WebWidget, Channel::Other, Channel::Api]),
        identity: if draw.happens(0.8) { Identity::Verified } else { Identity::Unverified },
        contact,
        messages,
    });
}

/// Some of the machines that were handed over are measured, of some providers by everybody.
fn machines(world: &mut World, draw: &mut Draw, nature: &Nature, now: Moment) {
    let share = draw.one_of(&[0.0, 0.3, 1.0]);
    let handed_over: Vec<(ContractId, Moment)> = world
        .contracts
        .iter()
        .filter_map(|(id, contract)| Some((id.clone(), contract.provisioned?)))
        .filter(|(_, at)| *at < now)
        .collect();
    for (contract, at) in handed_over {
        if draw.happens(share) {
            let first = at.plus(draw.below(DAY) as i64);
            let contradicted = if draw.happens(nature.stays_up) { 0 } else { draw.below(6) };
            let held = draw.below(8 - contradicted);
            if first <= now {
                world.measure(first, &contract, held as usize, contradicted as usize);
            }
        }
    }
}

fn services(world: &mut World, draw: &mut Draw, nature: &Nature, now: Moment) {
    let served: Vec<ContractId> = world
        .contracts
        .iter()
        .filter(|(_, contract)| contract.provisioned.is_some())
        .map(|(id, _)| id.clone())
        .take(4)
        .collect();
    let days = draw.one_of(&[0, 6, 7, 8, 40, 250]);
    for ago in 1..=days {
        for contract in &served {
            if draw.happens(0.8) {
                let service = Service { contract: contract.clone(), tally: day(draw, nature) };
                world.services.entry(now.day().minus(ago)).or_default().push(service);
            }
        }
    }
}

fn day(draw: &mut Draw, nature: &Nature) -> Tally {
    let due = draw.one_of(&[24, 288, 1440]);
    let maintenance = if draw.happens(0.05) { draw.within(1, due) } else { 0 };
    let left = due - maintenance;
    let unknown = if draw.happens(0.2) { draw.within(0, left) } else { 0 };
    let down = match draw.below(3) {
        _ if draw.happens(nature.stays_up) => 0,
        0 => draw.within(0, left - unknown),
        _ => draw.within(0, (left - unknown) / 20),
    };
    let mut tally = Tally::default();
    tally.count(Slot::Up, left - unknown - down);
    tally.count(Slot::Down(Reason::Timeout), down);
    tally.count(Slot::Unknown(Gap::Silent), unknown);
    tally.count(Slot::Maintenance(Seen::Down(Reason::Timeout)), maintenance);
    tally
}
