//! Two other ways to score, for comparison: the share of good in all that is seen, and a score that begins at 100 and takes points away.
//! Both take what the provider or his friends can say at its word, as such scores do.

use std::collections::BTreeMap;

use trust::{
    contract::{Contract, End, Outcome, Stage},
    feedback::{Answer, Question},
    time::Moment,
};

use crate::world::{Spoken, World};

/// The mean of the shares of good in all: contracts completed of those ended, questions replied to within the promised time of those replied
/// to, yes of all answers, checks that found it up. A share of nothing is left out.
pub(crate) fn plain_average(world: &World) -> Option<f64> {
    let mut completed = Share::default();
    for (_, end) in world.contracts.values().filter_map(Contract::ended) {
        completed.count(end == End::Completed);
    }
    let mut replied = Share::default();
    for talk in &world.talks {
        let promised =
            talk.contract.as_ref().and_then(|id| world.contracts[id].terms()?.reply_within_seconds);
        let promised = promised.unwrap_or_default().0;
        let mut asked: Option<Moment> = None;
        for &(at, spoken) in &talk.messages {
            match (spoken, asked) {
                (Spoken::Renter, None) => asked = Some(at),
                (Spoken::Person | Spoken::Bot, Some(since)) => {
                    replied.count(at.since(since) <= promised);
                    asked = None;
                }
                _ => {}
            }
        }
    }
    let mut yes = Share::default();
    for (_, answer) in answers(world) {
        yes.count(answer == Answer::Yes);
    }
    let mut up = Share::default();
    for tally in world.services.values().flatten().map(|service| &service.tally) {
        up.good += tally.up();
        up.all += tally.up() + tally.down();
    }
    let shares: Vec<f64> = [completed, replied, yes, up].into_iter().filter_map(Share::of).collect();
    (!shares.is_empty()).then(|| 100.0 * shares.iter().sum::<f64>() / shares.len() as f64)
}

/// A score of the kind that begins at 100: points off for each rate above its threshold and for days below the provider's own target, points
/// on for a few good ones. `None` before a contract is completed.
pub(crate) fn from_a_hundred(world: &World, target: f64) -> Option<f64> {
    let contracts = || world.contracts.values();
    let ended = |wanted: fn(End) -> bool| {
        contracts().filter(|contract| contract.ended().is_some_and(|(_, end)| wanted(end))).count() as f64
    };
    let all = contracts().count() as f64;
    let completed = ended(|end| end == End::Completed);
    if completed == 0.0 {
        return None;
    }
    let cancelled = ended(|end| matches!(end, End::Cancelled(_)));
    let early = contracts().filter(|contract| is_early(contract)).count() as f64;
    let accepted = contracts().filter(|contract| contract.accepted.is_some()).count() as f64;
    let failed = ended(|end| end == End::ProvisioningFailed);
    let rejected = ended(|end| end == End::Rejected);
    let hours: Vec<f64> = contracts()
        .filter_map(|contract| {
            let (requested, _) = contract.requested.as_ref()?;
            Some(f64::from(contract.accepted?.0.since(*requested)) / 3600.0)
        })
        .collect();
    let response = hours.iter().sum::<f64>() / hours.len().max(1) as f64;
    let share = |count: f64, of: f64| if of > 0.0 { count / of } else { 0.0 };
    let mut votes: BTreeMap<Question, Share> = BTreeMap::new();
    for (question, answer) in answers(world) {
        votes.entry(question).or_default().count(answer == Answer::Yes);
    }
    let of = |question| votes.get(&question).copied().unwrap_or_default();
    let (again, matched) = (of(Question::RentAgain), of(Question::MatchedDescription));
    let is_below = |share: Share| share.all >= 3 && share.of().is_some_and(|share| share < 0.5);
    let mut by_renter: BTreeMap<_, u32> = BTreeMap::new();
    for terms in contracts().filter_map(Contract::terms) {
        *by_renter.entry(&terms.renter_id).or_default() += 1;
    }
    let repeat = by_renter.values().filter(|&&contracts| contracts > 1).count();
    let rules = [
        (share(early, cancelled) > 0.2, -25.0),
        (share(failed, accepted) > 0.15, -20.0),
        (share(rejected, all) > 0.3, -15.0),
        (response > 48.0, -15.0),
        (response < 4.0, 5.0),
        (is_below(again), -15.0),
        (is_below(matched), -10.0),
        (repeat > 10, 5.0),
        (share(completed, all) > 0.95, 5.0),
        (again.all >= 5 && again.of().is_some_and(|share| share > 0.8), 5.0),
    ];
    let points: f64 = rules.into_iter().filter(|(applies, _)| *applies).map(|(_, points)| points).sum();
    Some((100.0 + points - below_target(world, target)).clamp(0.0, 100.0))
}

/// Points off for the last 30 days below what the provider himself has set as his target.
fn below_target(world: &World, target: f64) -> f64 {
    let days: Vec<f64> = world
        .services
        .values()
        .rev()
        .take(30)
        .map(|services| {
            let (up, of) = services.iter().fold((0, 0), |(up, of), service| {
                (up + service.tally.up(), of + service.tally.up() + service.tally.down())
            });
            100.0 * up as f64 / (of as f64).max(1.0)
        })
        .collect();
    let breaches: Vec<f64> = days.iter().filter(|&&up| up < target).map(|up| target - up).collect();
    if breaches.is_empty() {
        return 0.0;
    }
    let severity = |shortfall: &f64| 12.0 * (shortfall / (100.0 - target).max(0.05)).ln_1p();
    let mean = breaches.iter().map(severity).sum::<f64>() / breaches.len() as f64;
    let reports = days.len() as f64;
    let rate = breaches.len() as f64 / reports;
    (mean * 0.7 + rate * 18.0 * (reports / 30.0).clamp(0.2, 1.0)).min(45.0)
}

fn is_early(contract: &Contract) -> bool {
    matches!(contract.outcome(), Some((_, Outcome::Cancelled { stage: Stage::Early, .. })))
}

/// Every answer that was taken, whoever gave it.
fn answers(world: &World) -> impl Iterator<Item = (Question, Answer)> + '_ {
    world.said.values().filter_map(|said| said.last()).flat_map(|(_, answers)| answers.each())
}

#[derive(Clone, Copy, Default)]
struct Share {
    good: u64,
    all: u64,
}

impl Share {
    fn count(&mut self, is_good: bool) {
        self.good += u64::from(is_good);
        self.all += 1;
    }

    fn of(self) -> Option<f64> {
        (self.all > 0).then(|| self.good as f64 / self.all as f64)
    }
}
