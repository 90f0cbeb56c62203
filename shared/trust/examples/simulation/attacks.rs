//! What a provider can do to look better than he is, and how far he gets.

use trust::{feedback::Answer, marketplace::CancelledBy, time::Moment};

use crate::{
    market::{Answering, BAD, GOOD, Habits, MIDDLING, Nature, USUAL, slots, trade, watch},
    world::{Agreed, Spoken, World, both, draw::Draw, operated},
};

const DAY: i64 = 86_400;

/// One way to trade, honest or not.
pub(crate) struct Scenario {
    /// What it is, in words.
    pub(crate) name: &'static str,
    nature: Nature,
    habits: Habits,
    /// The uptime he promises, in percent.
    pub(crate) target: f64,
    trick: fn(&mut World, Moment),
}

impl Scenario {
    /// What has come of it by now, by chance of this seed.
    pub(crate) fn world(&self, seed: u64, now: Moment) -> World {
        let mut world = trade(&mut Draw::new(seed), self.nature, self.habits, now);
        (self.trick)(&mut world, now);
        world
    }
}

const HONEST: Scenario =
    Scenario { name: "", nature: MIDDLING, habits: USUAL, target: 99.9, trick: |_, _| {} };

/// Those who do not cheat.
pub(crate) fn honest() -> [Scenario; 5] {
    [
        Scenario { name: "nobody knows him yet", habits: Habits { days: 0, ..USUAL }, ..HONEST },
        Scenario { name: "good, a month", nature: GOOD, habits: Habits { days: 30, ..USUAL }, ..HONEST },
        Scenario { name: "good, half a year", nature: GOOD, ..HONEST },
        Scenario { name: "middling, half a year", ..HONEST },
        Scenario { name: "bad, half a year", nature: BAD, ..HONEST },
    ]
}

/// What the middling one can do about it.
pub(crate) fn cheats() -> Vec<Scenario> {
    vec![
        Scenario {
            name: "ring: 10 friends, 20 free contracts each, all content",
            trick: |world, now| ring(world, now, Friend { contracts: 20, price: 0, ..PAYING }),
            ..HONEST
        },
        Scenario {
            name: "ring: 10 friends, 20 contracts of half an hour each, all content",
            trick: |world, now| ring(world, now, Friend { contracts: 20, term: 1800, ..PAYING }),
            ..HONEST
        },
        Scenario {
            name: "ring: 10 friends, 1 paid contract of a day each, all content",
            trick: |world, now| ring(world, now, PAYING),
            ..HONEST
        },
        Scenario {
            name: "ring: 10 friends, 20 paid contracts of a day each, all content",
            trick: |world, now| ring(world, now, Friend { contracts: 20, ..PAYING }),
            ..HONEST
        },
        Scenario {
            name: "ring that talks: 10 friends, each a free contract for half a year, 4 messages a day answered at once",
            trick: |world, now| talkers(world, now, Talker { price: 0, ..TALKING }),
            ..HONEST
        },
        Scenario {
            name: "one friend, a paid contract for half a year, 4 messages a day answered at once",
            trick: |world, now| talkers(world, now, Talker { talkers: 1, ..TALKING }),
            ..HONEST
        },
        Scenario {
            name: "ring that talks: 10 friends, each a paid contract for half a year, 4 messages a day answered at once",
            trick: |world, now| talkers(world, now, TALKING),
            ..HONEST
        },
        Scenario {
            name: "rents 50 times from himself, talks to himself, is content",
            trick: |world, now| rent_from(world, now, "provider"),
            ..HONEST
        },
        Scenario {
            name: "the same, by another key of his operator",
            trick: |world, now| {
                world.others.insert("other-key".parse().unwrap(), operated("other-key", "operator"));
                rent_from(world, now, "other-key");
            },
            ..HONEST
        },
        Scenario { name: "never answers", habits: Habits { answers: Answering::Nobody, ..USUAL }, ..HONEST },
        Scenario {
            name: "has a bot answer at once",
            habits: Habits { answers: Answering::BotThenPeople, ..USUAL },
            ..HONEST
        },
        Scenario { name: "promises 90 % of uptime instead of 99.9 %", target: 90.0, ..HONEST },
        Scenario {
            name: "promises to reply within a week instead of 4 hours",
            habits: Habits { promise: Some(7 * 86_400), ..USUAL },
            ..HONEST
        },
    ]
}

/// A bad one who begins anew under another name: what stands at first, and after a month of the same.
pub(crate) fn new_identities() -> [Scenario; 2] {
    [
        Scenario { name: "a new name, nothing else yet", habits: Habits { days: 0, ..USUAL }, ..HONEST },
        Scenario {
            name: "a new name, a month on",
            nature: BAD,
            habits: Habits { days: 30, ..USUAL },
            ..HONEST
        },
    ]
}

/// What others can do to a good one.
pub(crate) fn rivals() -> [Scenario; 5] {
    let of_the_good = Scenario { nature: GOOD, ..HONEST };
    [
        Scenario {
            name: "10 rivals rent a day each and are not content",
            trick: |world, now| ring(world, now, Friend { says: Answer::No, ..PAYING }),
            ..of_the_good
        },
        Scenario {
            name: "10 rivals rent 20 times each and are not content",
            trick: |world, now| ring(world, now, Friend { says: Answer::No, contracts: 20, ..PAYING }),
            ..of_the_good
        },
        Scenario {
            name: "10 rivals rent 5 times each and leave at once",
            trick: |world, now| {
                for number in 0..50 {
                    let agreed = Agreed { term: 86_400, ..deal(&format!("friend-{}", number % 10), 100) };
                    let at = now.plus(-(170 - number * 3) * DAY);
                    let contract = world.request(at, agreed);
                    world.accept(at.plus(600), &contract);
                    world.hand_over(at.plus(1200), &contract);
                    world.cancel(at.plus(1800), &contract, CancelledBy::Renter);
                }
            },
            ..of_the_good
        },
        Scenario {
            name: "a rival writes 4 messages every night, in a free contract",
            trick: |world, now| talkers(world, now, Talker { price: 0, ..AT_NIGHT }),
            ..of_the_good
        },
        Scenario {
            name: "a rival writes 4 messages every night, in a paid contract for half a year",
            trick: |world, now| talkers(world, now, AT_NIGHT),
            ..of_the_good
        },
    ]
}

/// Who talks four times a day for half a year, each time in another conversation.
#[derive(Clone, Copy)]
struct Talker {
    talkers: i64,
    price: u64,
    /// How long the answer takes, in seconds.
    takes: i64,
}

const TALKING: Talker = Talker { talkers: 10, price: 100, takes: 60 };

/// The provider sleeps.
const AT_NIGHT: Talker = Talker { talkers: 1, takes: 8 * 3600, ..TALKING };

fn talkers(world: &mut World, now: Moment, talker: Talker) {
    let begin = now.plus(-180 * DAY);
    for number in 0..talker.talkers {
        let agreed = Agreed { term: 365 * 86_400, ..deal(&format!("talker-{number}"), talker.price) };
        let contract = world.request(begin, agreed);
        world.accept(begin.plus(600), &contract);
        world.hand_over(begin.plus(1200), &contract);
        for message in 0..716 {
            let asked = begin.plus(7200 + message / 4 * DAY + message % 4 * 60);
            world.talk(&contract, vec![(asked, Spoken::Renter), (asked.plus(talker.takes), Spoken::Person)]);
        }
    }
}

/// A contract of a day.
fn deal(renter: &str, price: u64) -> Agreed {
    Agreed { renter: renter.parse().unwrap(), price, term: 86_400, promise: None, silent_after: None }
}

#[derive(Clone, Copy)]
struct Friend {
    contracts: u16,
    price: u64,
    term: u32,
    says: Answer,
}

const PAYING: Friend = Friend { contracts: 1, price: 100, term: 86_400, says: Answer::Yes };

/// Ten friends rent over the half-year, and say the same to everything.
fn ring(world: &mut World, now: Moment, friend: Friend) {
    for number in 0..10 {
        for contract in 0..friend.contracts {
            let ago = 170 - i64::from(contract) * 8 - number / 2;
            let agreed = Agreed { term: friend.term, ..deal(&format!("friend-{number}"), friend.price) };
            let at = now.plus(-ago * DAY);
            let contract = world.serve(at, agreed);
            world.vote(at.plus(3 * DAY), &contract, both(friend.says)).unwrap();
        }
    }
}

/// He rents from himself under this name, is answered in a minute, stays up, and is content.
fn rent_from(world: &mut World, now: Moment, renter: &str) {
    for number in 0..50 {
        let at = now.plus(-(170 - number * 3) * DAY);
        let contract = world.serve(at, deal(renter, 100));
        world.vote(at.plus(3 * DAY), &contract, both(Answer::Yes)).unwrap();
        let asked = at.plus(7200);
        world.talk(&contract, vec![(asked, Spoken::Renter), (asked.plus(60), Spoken::Person)]);
        watch(world, &contract, asked.day(), slots(0));
    }
}
