//! Honest trade: a provider with a nature, half a year of contracts, messages, uptime and votes by chance.

use trust::{
    feedback::{Answer, Answers},
    id::ContractId,
    marketplace::CancelledBy,
    time::{Day, Moment},
    uptime::{
        day::Tally,
        slot::{Reason, Slot},
    },
};

use crate::world::{Agreed, Service, Spoken, World, draw::Draw};

const HOUR: i64 = 3600;
const DAY: i64 = 86_400;

/// How long a contract runs, in seconds.
const TERM: u32 = 10 * 86_400;

/// What a provider is like: how often what he does is good.
#[derive(Clone, Copy)]
pub(crate) struct Nature {
    /// Contracts that run their term.
    pub(crate) keeps: f64,
    /// Messages answered within an hour.
    pub(crate) replies: f64,
    /// Answers of renters that say yes.
    pub(crate) pleases: f64,
    /// Days without downtime worth mentioning.
    pub(crate) stays_up: f64,
}

/// Somebody one would recommend.
pub(crate) const GOOD: Nature = Nature { keeps: 0.97, replies: 0.95, pleases: 0.93, stays_up: 0.98 };
/// Somebody with whom it may go well or not.
pub(crate) const MIDDLING: Nature = Nature { keeps: 0.75, replies: 0.6, pleases: 0.6, stays_up: 0.85 };
/// Somebody to be warned of.
pub(crate) const BAD: Nature = Nature { keeps: 0.4, replies: 0.3, pleases: 0.25, stays_up: 0.6 };

/// How a provider trades, besides his nature.
#[derive(Clone, Copy)]
pub(crate) struct Habits {
    /// For how many days until now.
    pub(crate) days: u16,
    /// Within how many seconds he promises to reply.
    pub(crate) promise: Option<u32>,
    /// What answers renters.
    pub(crate) answers: Answering,
}

/// What answers renters.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum Answering {
    /// A person.
    People,
    /// A bot at once, and later a person.
    BotThenPeople,
    /// Nobody, ever.
    Nobody,
}

/// Half a year, nothing special.
pub(crate) const USUAL: Habits = Habits { days: 180, promise: None, answers: Answering::People };

/// A provider who has traded like this.
pub(crate) fn trade(draw: &mut Draw, nature: Nature, habits: Habits, now: Moment) -> World {
    let mut world = World::new("provider");
    world.operated_by("operator");
    let mut served = None;
    for ago in (1..=habits.days).rev() {
        if draw.happens(1.0 / 3.0) {
            let at = now.day().minus(ago).start().plus(draw.below(43_200) as i64);
            let contract = contract(&mut world, draw, nature, habits, (at, now));
            served = served.or(contract);
        }
    }
    if let Some(contract) = served {
        for ago in 1..=habits.days {
            watch(&mut world, &contract, now.day().minus(ago), day(draw, nature));
        }
    }
    world
}

/// A service was seen for a day.
pub(crate) fn watch(world: &mut World, contract: &ContractId, day: Day, tally: Tally) {
    world.services.entry(day).or_default().push(Service { contract: contract.clone(), tally });
}

/// One contract, as far as it has come by now. What was handed over is given back.
fn contract(
    world: &mut World,
    draw: &mut Draw,
    nature: Nature,
    habits: Habits,
    (at, now): (Moment, Moment),
) -> Option<ContractId> {
    let agreed = Agreed {
        renter: format!("renter-{}", draw.within(1, 60)).parse().unwrap(),
        price: draw.within(500, 5000),
        term: TERM,
        promise: habits.promise,
        silent_after: None,
    };
    let contract = world.request(at, agreed);
    let goes_well = draw.happens(nature.keeps);
    world.accept(at.plus(2 * HOUR), &contract);
    let failure = draw.below(2);
    if !goes_well && failure == 0 {
        world.fail(at.plus(5 * HOUR), &contract);
        vote(world, draw, nature, &contract, (at.plus(DAY), now));
        return None;
    }
    let begin = at.plus(3 * HOUR);
    world.hand_over(begin, &contract);
    talk(world, draw, nature, habits, &contract, (begin, now));
    let end = begin.plus(if goes_well { i64::from(TERM) } else { i64::from(TERM) / 2 });
    if end <= now {
        if goes_well {
            world.complete(end, &contract);
        } else {
            world.cancel(end, &contract, CancelledBy::Provider);
        }
        vote(world, draw, nature, &contract, (end.plus(DAY), now));
    }
    Some(contract)
}

fn talk(
    world: &mut World,
    draw: &mut Draw,
    nature: Nature,
    habits: Habits,
    contract: &ContractId,
    (begin, now): (Moment, Moment),
) {
    let mut messages = Vec::new();
    for question in 0..draw.within(1, 3) as i64 {
        let asked = begin.plus(HOUR + question * 2 * DAY);
        let takes = if draw.happens(nature.replies) { HOUR } else { 20 * HOUR };
        if asked.plus(takes) > now {
            break;
        }
        messages.push((asked, Spoken::Renter));
        if habits.answers == Answering::BotThenPeople {
            messages.push((asked.plus(1), Spoken::Bot));
        }
        if habits.answers != Answering::Nobody {
            messages.push((asked.plus(takes), Spoken::Person));
        }
    }
    world.talk(contract, messages);
}

fn vote(
    world: &mut World,
    draw: &mut Draw,
    nature: Nature,
    contract: &ContractId,
    (at, now): (Moment, Moment),
) {
    let mut answer = || if draw.happens(nature.pleases) { Answer::Yes } else { Answer::No };
    let answers = Answers { matched_description: answer(), rent_again: answer() };
    if draw.happens(0.6) && at <= now {
        world.vote(at, contract, answers).unwrap();
    }
}

fn day(draw: &mut Draw, nature: Nature) -> Tally {
    let down = if draw.happens(nature.stays_up) { 0 } else { draw.within(30, 600) };
    slots(down)
}

/// A day of 1440 checks of which so many found it down.
pub(crate) fn slots(down: u64) -> Tally {
    let mut tally = Tally::default();
    tally.count(Slot::Up, 1440 - down);
    tally.count(Slot::Down(Reason::Timeout), down);
    tally
}
