//! Summaries: what a provider's signals come to at a moment. Everything that is served about him starts here.

mod claims;
mod contracts;
mod feedback;
mod flags;
mod replies;
mod siblings;
mod uptime;

use std::collections::{BTreeMap, BTreeSet};

use serde::{Deserialize, Serialize};

use crate::{
    claims::measured::ClaimDay,
    contract::ContractDay,
    feedback::FeedbackDay,
    id::{ProviderId, Region},
    marketplace::Profile,
    past::Past,
    policy::{Family, Policy},
    price::PriceFact,
    provider::Provider,
    renters::Renters,
    replies::{OpenWait, ReplyDay, Scope},
    score::{Evidence, Score, score},
    time::{Day, Moment},
    uptime::count::UptimeDay,
};

pub use claims::ClaimFacts;
pub use contracts::{ContractFacts, Trend};
pub use feedback::{FeedbackFacts, QuestionFacts};
pub use flags::{Against, Concern, Flag, Severity};
pub use replies::{CurveBand, CurvePoint, PercentileFact, ReplyFacts, ReplyWindow};
pub use siblings::{Member, Siblings};
pub use uptime::UptimeFacts;

/// After how many days without a new one a price against the market is told no more. Longer would call cheap what was; shorter would
/// forget all prices when a source of them breaks for a weekend.
const PRICE_TOLD_DAYS: u32 = 14;

/// Everything a provider's score is made from.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Signals {
    /// What is known of the provider.
    pub provider: Provider,
    /// The days that are counted one by one.
    pub days: Days,
    /// The days before those, where they are not among them. It must serve the day of the summary ([`Past::serves`]).
    pub past: Option<Past>,
    /// How many renters he has served how often.
    pub renters: Renters,
    /// Waits nobody has replied to, the scored ones first.
    pub waiting: Vec<OpenWait>,
    /// The other providers of his operator, where he has one.
    pub siblings: Option<Siblings>,
    /// What his prices come to against the market. Never scored.
    pub price: Option<PriceFact>,
}

/// What was counted, day by day.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Days {
    /// Closed waits by the day they opened.
    pub replies: BTreeMap<Day, ReplyDay>,
    /// Contracts by the day of their outcome or handover.
    pub contracts: BTreeMap<Day, ContractDay>,
    /// Sealed days of monitors.
    pub uptime: BTreeMap<Day, UptimeDay>,
    /// What renters said, by the day it was revealed.
    pub feedback: BTreeMap<Day, FeedbackDay>,
    /// Machines that renters measured, by the day of the first run.
    pub claims: BTreeMap<Day, ClaimDay>,
}

impl Signals {
    /// The contracts of each day, in no order.
    fn contract_days(&self) -> impl Iterator<Item = (Day, &ContractDay)> {
        let recent = self.days.contracts.iter().map(|(&day, classes)| (day, classes));
        self.past.iter().flat_map(Past::contracts).chain(recent)
    }

    /// What was seen of the services of each day, in no order.
    fn uptime_days(&self) -> impl Iterator<Item = (Day, &UptimeDay)> {
        let recent = self.days.uptime.iter().map(|(&day, classes)| (day, classes));
        self.past.iter().flat_map(Past::uptime).chain(recent)
    }

    /// What renters said, in no order.
    fn feedback_days(&self) -> impl Iterator<Item = (Day, &FeedbackDay)> {
        let recent = self.days.feedback.iter().map(|(&day, classes)| (day, classes));
        self.past.iter().flat_map(Past::feedback).chain(recent)
    }

    /// Machines that renters measured, in no order.
    fn claim_days(&self) -> impl Iterator<Item = (Day, &ClaimDay)> {
        let recent = self.days.claims.iter().map(|(&day, classes)| (day, classes));
        self.past.iter().flat_map(Past::claims).chain(recent)
    }
}

/// A provider at a moment.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Summary {
    /// The provider.
    pub provider: ProviderId,
    /// The moment.
    pub as_of: Moment,
    /// His profile; absent while he is not registered.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub profile: Option<Profile>,
    /// Where he offers, as far as his offerings say it.
    #[serde(default, skip_serializing_if = "BTreeSet::is_empty")]
    pub regions: BTreeSet<Region>,
    /// The first time anything was said of him.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub known_since: Option<Moment>,
    /// The last time he proved to be around.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub checked_in_at: Option<Moment>,
    /// How far he has come.
    pub track: Track,
    /// His score; absent for a new one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub score: Option<Score>,
    /// What to be warned of, the gravest first.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub flags: Vec<Flag>,
    /// How he replies.
    pub replies: ReplyFacts,
    /// What became of his contracts.
    pub contracts: ContractFacts,
    /// How his services stayed up, as far as it is scored.
    #[serde(default)]
    pub uptime: UptimeFacts,
    /// What renters said.
    #[serde(default)]
    pub feedback: FeedbackFacts,
    /// What renters' machines turned out to be.
    #[serde(default)]
    pub claims: ClaimFacts,
    /// The other providers of his operator, where he has one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub siblings: Option<Siblings>,
    /// What his prices come to against the market; absent where that is not known. Never scored.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub price: Option<PriceFact>,
}

/// How far a provider has come.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Track {
    /// No completed contract and under 7 covered days of uptime: no score yet.
    New,
    /// A score with a wide interval.
    Vetting,
    /// A score with enough behind it.
    Established,
}

impl Track {
    /// Its name, as it is published.
    pub fn name(self) -> &'static str {
        match self {
            Self::New => "new",
            Self::Vetting => "vetting",
            Self::Established => "established",
        }
    }
}

/// Summarises a provider's signals.
pub fn summarise(policy: &Policy, provider: &ProviderId, signals: &Signals, as_of: Moment) -> Summary {
    let replies = replies::facts(policy, signals, as_of);
    let contracts = contracts::facts(signals, as_of);
    let uptime = uptime::facts(policy, signals, as_of);
    let feedback = feedback::facts(signals, as_of);
    let claims = claims::facts(signals, as_of);
    let full = score(policy, &evidence(policy, signals, as_of), as_of.day());
    let known = flags::Known {
        contracts: &contracts,
        uptime: &uptime,
        feedback: &feedback,
        claims: &claims,
        score: &full,
    };
    let flags = flags::raise(policy, signals, &known, as_of);
    let track = track(policy, &full, &contracts, &uptime);
    let critical = flags.iter().any(|flag| flag.severity == Severity::Critical);
    let score = (track != Track::New).then(|| if critical { full.capped(policy.critical_cap) } else { full });
    Summary {
        provider: provider.clone(),
        as_of,
        profile: signals.provider.profile.as_ref().map(|(_, profile)| profile.clone()),
        regions: signals.provider.regions.clone(),
        known_since: signals.provider.known_since,
        checked_in_at: signals.provider.checked_in_at,
        track,
        score,
        flags,
        replies,
        contracts,
        uptime,
        feedback,
        claims,
        siblings: signals.siblings.clone(),
        price: signals.price.filter(|price| as_of.day().since(price.on) <= PRICE_TOLD_DAYS),
    }
}

fn evidence(policy: &Policy, signals: &Signals, as_of: Moment) -> Evidence {
    Evidence::from([
        (Family::Uptime, uptime::evidence(policy, signals)),
        (Family::Replies, replies::evidence(policy, signals, as_of)),
        (Family::Contracts, contracts::evidence(policy, signals, as_of)),
        (Family::Feedback, feedback::evidence(policy, signals)),
        (Family::Claims, claims::evidence(policy, signals)),
    ])
}

fn track(policy: &Policy, score: &Score, contracts: &ContractFacts, uptime: &UptimeFacts) -> Track {
    if contracts.completed == 0 && uptime.covered_days < policy.vetting.covered_days {
        return Track::New;
    }
    let enough = score.effective_observations() >= policy.established.effective_observations
        && contracts.completed >= policy.established.completed_contracts
        && contracts.renters.of >= policy.established.distinct_renters;
    if enough { Track::Established } else { Track::Vetting }
}

/// When this summary must be made anew though nothing happens: waits grow, promises break, days pass.
///
/// The next UTC midnight, or, while a scored wait is open, the next full hour after it or the moment it breaks its promise, counts as bad or
/// becomes a flag, whichever comes first.
pub fn next_look(policy: &Policy, signals: &Signals, as_of: Moment) -> Moment {
    let midnight = as_of.day().next().start();
    let hourly = as_of.plus(3600);
    let marks = signals.waiting.iter().filter(|wait| wait.scope == Scope::Contract).flat_map(|wait| {
        let flagged = [policy.flags.silent_after(wait), policy.flags.critical_after(wait)];
        let flagged = flagged.map(|after| wait.opened_at.plus(i64::from(after)));
        let over = [wait.promise.0, policy.replies.longest()];
        let over = over.map(|longest| wait.opened_at.plus(i64::from(longest) + 1));
        [hourly, over[0], over[1], flagged[0], flagged[1]]
    });
    marks.filter(|mark| *mark > as_of).fold(midnight, Moment::min)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{
        contract::{ContractCount, Outcome},
        duration::Bucket,
        id::{AccountId, ConversationId, ConversationNumber},
        renters::Served,
        replies::{Counts, Kept, Promise, Rank, SilentAfter, WaitCount},
    };

    fn now() -> Moment {
        Moment::parse("2026-11-23T12:00:00Z").unwrap()
    }

    fn days_ago(days: u16) -> Day {
        now().day().minus(days)
    }

    fn closed(scope: Scope, minutes: u32, promise: Kept) -> WaitCount {
        WaitCount { scope, rank: Rank::First, after: Bucket::of(minutes * 60), promise }
    }

    fn open(scope: Scope, hours_ago: i64, number: u64) -> OpenWait {
        OpenWait {
            scope,
            opened_at: now().plus(-hours_ago * 3600),
            conversation: ConversationId { account: AccountId(1), number: ConversationNumber(number) },
            rank: Rank::First,
            promise: Promise::default(),
            silent_after: None,
            counts: Counts::Scored,
        }
    }

    fn of_contracts(day: Day, contracts: ContractDay, renters: u64) -> Signals {
        let days = Days { contracts: BTreeMap::from([(day, contracts)]), ..Days::default() };
        let renters = Renters::new(Served::of(1).map(|once| (once, renters)).into_iter().collect());
        Signals { days, renters, ..Signals::default() }
    }

    fn completed(count: u64) -> Signals {
        let day = ContractDay::from([(ContractCount::Outcome(Outcome::Completed), count)]);
        of_contracts(days_ago(3), day, count)
    }

    fn summary(signals: &Signals) -> Summary {
        summarise(Policy::current(), &"p1".parse().unwrap(), signals, now())
    }

    #[test]
    fn a_provider_without_data_has_no_score_and_no_number() {
        let summary = summary(&Signals::default());
        assert_eq!((summary.track, summary.score), (Track::New, None));
        assert_eq!(summary.replies.windows[0].waits, 0);
        assert_eq!(summary.replies.windows[0].median, PercentileFact::default());
        assert_eq!(summary.replies.windows[0].in_time.share(), None);
        assert_eq!(summary.contracts.completion().share(), None);
    }

    #[test]
    fn contracts_lead_from_new_over_vetting_to_established() {
        assert_eq!(summary(&completed(1)).track, Track::Vetting);
        assert_eq!(summary(&completed(4)).track, Track::Vetting);
        assert_eq!(summary(&completed(11)).track, Track::Established);
    }

    #[test]
    fn an_open_wait_counts_once_overdue_and_flags_after_a_day_and_caps_after_three() {
        let with = |hours| {
            let mut signals = completed(20);
            signals.waiting = vec![open(Scope::Contract, hours, 1)];
            summary(&signals)
        };
        let overdue = |summary: &Summary| summary.score.as_ref().unwrap().families[1].observations;
        assert_eq!((overdue(&with(3)), overdue(&with(5))), (0, 1));
        assert_eq!(with(23).flags, []);
        let day = with(25);
        assert_eq!((day.flags[0].concern, day.flags[0].severity), (Concern::Silent, Severity::Warning));
        assert_eq!(day.score.unwrap().capped_from, None);
        let three = with(73);
        assert_eq!(three.flags[0].severity, Severity::Critical);
        assert_eq!(three.flags[0].since, Some(now().plus(-73 * 3600)));
        let score = three.score.unwrap();
        assert!(score.points.value() <= 49.0 && score.capped_from.unwrap().value() > 49.0);
    }

    #[test]
    fn a_contract_may_set_when_its_wait_is_silence() {
        let with = |hours, silent_after: u32| {
            let mut wait = open(Scope::Contract, hours, 1);
            wait.silent_after = Some(SilentAfter(silent_after * 3600));
            let signals = Signals { waiting: vec![wait], ..completed(20) };
            summary(&signals).flags.first().map(|flag| flag.severity)
        };
        assert_eq!(with(5, 6), None);
        assert_eq!(with(7, 6), Some(Severity::Warning));
        assert_eq!(with(47, 48), None);
        assert_eq!(with(73, 6), Some(Severity::Critical));
        let mut soon = open(Scope::Contract, 0, 1);
        soon.opened_at = now().plus(-5 * 3600 - 1800);
        soon.silent_after = Some(SilentAfter(6 * 3600));
        let signals = Signals { waiting: vec![soon], ..Signals::default() };
        assert_eq!(next_look(Policy::current(), &signals, now()), now().plus(1800));
    }

    #[test]
    fn only_waits_in_contracts_are_scored_and_the_others_stand_apart() {
        let mut signals = completed(20);
        let day = ReplyDay::from([
            (closed(Scope::PreSales, 600, Kept::Broken), 9),
            (closed(Scope::Contract, 10, Kept::Kept), 2),
        ]);
        signals.days.replies.insert(days_ago(1), day);
        signals.waiting = vec![open(Scope::PreSales, 500, 1)];
        let summary = summary(&signals);
        assert_eq!(summary.replies.windows[1].waits, 2);
        assert_eq!(summary.replies.windows[1].median.seconds, Some(Bucket::of(600).longest()));
        assert_eq!(summary.replies.apart[&Scope::PreSales].waits, 10);
        assert_eq!(summary.replies.waiting, 0);
        assert_eq!(summary.flags, []);
        assert_eq!(summary.score.unwrap().families[1].observations, 2);
    }

    #[test]
    fn windows_begin_with_their_first_day() {
        let mut signals = completed(1);
        for days in [0, 29, 30, 89, 90] {
            let day = ReplyDay::from([(closed(Scope::Contract, 10, Kept::Kept), 1)]);
            signals.days.replies.insert(days_ago(days), day);
        }
        let windows = summary(&signals).replies.windows;
        assert_eq!((windows[0].waits, windows[1].waits), (2, 4));
    }

    #[test]
    fn a_request_or_delivery_outstanding_for_more_than_seven_days_is_counted_as_silence() {
        let at = |outcome, days| {
            let day = ContractDay::from([(ContractCount::Outcome(outcome), 1)]);
            summary(&of_contracts(days_ago(days), day, 0)).contracts
        };
        assert_eq!(at(Outcome::AwaitingResponse, 7).pending, 1);
        assert_eq!(at(Outcome::AwaitingResponse, 8).no_response, 1);
        assert_eq!(at(Outcome::AwaitingDelivery, 8).never_delivered, 1);
        assert_eq!(at(Outcome::AwaitingDelivery, 8).deliveries, 1);
        assert_eq!(at(Outcome::AwaitingDelivery, 8).delivery_median.seconds, None);
    }

    #[test]
    fn the_next_look_comes_when_a_promise_breaks_or_a_flag_rises_and_at_midnight_at_the_latest() {
        let look = |signals: &Signals| next_look(Policy::current(), signals, now()).to_string();
        assert_eq!(look(&completed(1)), "2026-11-24T00:00:00Z");
        let waiting = |minutes: i64| {
            let mut wait = open(Scope::Contract, 0, 1);
            wait.opened_at = now().plus(-minutes * 60);
            Signals { waiting: vec![wait], ..Signals::default() }
        };
        assert_eq!(look(&waiting(0)), "2026-11-23T13:00:00Z");
        assert_eq!(look(&waiting(3 * 60 + 30)), "2026-11-23T12:30:01Z");
        assert_eq!(look(&waiting(23 * 60 + 50)), "2026-11-23T12:10:00Z");
        let mut patient = waiting(3 * 60 + 30);
        patient.waiting[0].promise = Promise(7 * 86_400);
        assert_eq!(
            look(&patient),
            "2026-11-23T12:31:04Z",
            "a week was promised, four hours and a bucket are good"
        );
    }
}
