//! Silence: what is told of a wait in a contract while it stays open, and when it ends.
//!
//! Time alone brings a wait from one [`Stage`] to the next, so a sweep looks at all open waits every few minutes. A [`Watch`] remembers
//! what was told of one, so that each stage is told once, however often and by however many sweeps it is found. News is first
//! noted in the watch, then told, then struck off: a sweep that dies in between is made up for by a later one, under the same
//! [`News::id`], by which whoever hears it twice knows it.

use std::collections::BTreeSet;

use serde::{Deserialize, Serialize};

use crate::{
    id::{ContractId, ProviderId},
    policy::FlagPolicy,
    replies::{OpenWait, Scope},
    time::Moment,
};

/// The `source` of these events on the bus.
pub const SOURCE: &str = "trust";

/// The version of [`SilenceEvent`] this code writes.
pub const VERSION: u32 = 1;

/// Seconds after which noted news that nobody has struck off is told again. More than a sweep may take.
pub const TOLD_AGAIN_AFTER: u32 = 600;

/// What a wait has come to by its length.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Stage {
    /// Half of the promised time is over.
    ReplyDue,
    /// All of it is.
    ReplyOverdue,
    /// The provider counts as silent: a warning to renters.
    WentSilent,
    /// For so long that it caps his score.
    SilenceCritical,
}

impl Stage {
    /// All stages.
    pub const ALL: [Self; 4] = [Self::ReplyDue, Self::ReplyOverdue, Self::WentSilent, Self::SilenceCritical];

    /// The type of the event that tells it.
    pub fn event_type(self) -> &'static str {
        match self {
            Self::ReplyDue => "provider.reply-due",
            Self::ReplyOverdue => "provider.reply-overdue",
            Self::WentSilent => "provider.went-silent",
            Self::SilenceCritical => "provider.silence-critical",
        }
    }

    /// The stage that an event of this type tells.
    pub fn of_event_type(event_type: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|stage| stage.event_type() == event_type)
    }

    /// How long this wait has to be open for it, in seconds.
    pub fn after(self, wait: &OpenWait, rules: &FlagPolicy) -> u32 {
        match self {
            Self::ReplyDue => wait.promise.0 / 2,
            Self::ReplyOverdue => wait.promise.0,
            Self::WentSilent => rules.silent_after(wait),
            Self::SilenceCritical => rules.critical_after(wait),
        }
    }
}

/// From when on a sweep has to look at this wait: it reaches no stage before, by whatever policy. Never where it is not watched at
/// all: only waits in contracts are.
pub fn first_look(wait: &OpenWait) -> Option<Moment> {
    let silence = wait.silent_after.map_or(FlagPolicy::EARLIEST_SILENCE * 3600, |after| after.0);
    let after = silence.min(wait.promise.0 / 2);
    (wait.scope == Scope::Contract).then(|| wait.opened_at.plus(i64::from(after)))
}

/// Something to be told once.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(tag = "what", rename_all = "kebab-case")]
pub enum News {
    /// The wait has reached a stage.
    Reached {
        /// Which.
        stage: Stage,
        /// When.
        at: Moment,
    },
    /// The provider has replied after having gone silent.
    Responded {
        /// When he did.
        at: Moment,
    },
    /// There is no wait after all: its message was deleted, or its conversation turned out not to be this provider's.
    Withdrawn {
        /// When that was found.
        at: Moment,
    },
}

impl News {
    /// The type of the event that tells it.
    pub fn event_type(self) -> &'static str {
        match self {
            Self::Reached { stage, .. } => stage.event_type(),
            Self::Responded { .. } => "provider.responded",
            Self::Withdrawn { .. } => "provider.silence-withdrawn",
        }
    }

    /// When it came about.
    pub fn at(self) -> Moment {
        match self {
            Self::Reached { at, .. } | Self::Responded { at } | Self::Withdrawn { at } => at,
        }
    }

    /// An id of its own for each wait and kind of news, the same however often it is told.
    pub fn id(self, provider: &ProviderId, wait: &OpenWait) -> String {
        let OpenWait { conversation, opened_at, .. } = wait;
        let kind = self.event_type().trim_start_matches("provider.");
        format!("{provider}-{}-{}-{}-{kind}", conversation.account, conversation.number, opened_at.unix())
    }
}

/// What is remembered of a wait that has reached a stage.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Watch {
    /// Whose wait.
    pub provider: ProviderId,
    /// The wait, as it was found last.
    pub wait: OpenWait,
    /// Stages that were told, or are about to be.
    pub told: BTreeSet<Stage>,
    /// What is noted and not yet struck off.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub pending: Vec<News>,
    /// When that was noted.
    pub noted_at: Moment,
}

impl Watch {
    /// A watch over a wait of which nothing was told yet.
    pub fn begin(provider: ProviderId, wait: OpenWait, now: Moment) -> Self {
        Self { provider, wait, told: BTreeSet::new(), pending: Vec::new(), noted_at: now }
    }

    /// The watch with what the open wait has come to meanwhile noted; `None` if that is nothing new.
    #[must_use]
    pub fn grown(&self, wait: &OpenWait, rules: &FlagPolicy, now: Moment) -> Option<Self> {
        let mut grown = Self { wait: wait.clone(), noted_at: now, ..self.clone() };
        for stage in Stage::ALL {
            let at = wait.opened_at.plus(i64::from(stage.after(wait, rules)));
            if at <= now && grown.told.insert(stage) {
                grown.pending.push(News::Reached { stage, at });
            }
        }
        (grown.told != self.told).then_some(grown)
    }

    /// The watch with the end of the wait noted: by a reply, or otherwise. `None` if nobody has to hear of it, because the provider
    /// never counted as silent.
    #[must_use]
    pub fn ended(&self, reply: Option<Moment>, now: Moment) -> Option<Self> {
        let news = match reply {
            Some(at) => News::Responded { at },
            None => News::Withdrawn { at: now },
        };
        let pending = self.pending.iter().copied().chain([news]).collect();
        self.told.contains(&Stage::WentSilent).then(|| Self { pending, noted_at: now, ..self.clone() })
    }

    /// The watch with its news struck off, after it was told.
    #[must_use]
    pub fn struck_off(self) -> Self {
        Self { pending: Vec::new(), ..self }
    }

    /// Whether its end is noted: once that is told, the watch is over.
    pub fn is_ending(&self) -> bool {
        self.pending.iter().any(|news| !matches!(news, News::Reached { .. }))
    }

    /// Whether somebody noted news and did not come to tell it.
    pub fn is_left_behind(&self, now: Moment) -> bool {
        !self.pending.is_empty() && now.since(self.noted_at) >= TOLD_AGAIN_AFTER
    }

    /// The events that tell what is noted.
    pub fn events(&self, contract: Option<&ContractId>) -> Vec<SilenceEvent> {
        let event = |news: &News| SilenceEvent {
            version: VERSION,
            id: news.id(&self.provider, &self.wait),
            event_type: news.event_type(),
            provider: self.provider.clone(),
            contract: contract.cloned(),
            wait: self.wait.clone(),
            at: news.at(),
        };
        self.pending.iter().map(event).collect()
    }
}

/// The detail of a `trust` event about a wait. Schema: `events/schemas/silence.json`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct SilenceEvent {
    /// [`VERSION`].
    pub version: u32,
    /// The same whenever the same is told.
    pub id: String,
    /// The event's type on the bus.
    #[serde(skip)]
    pub event_type: &'static str,
    /// The provider.
    pub provider: ProviderId,
    /// The contract the conversation belongs to.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub contract: Option<ContractId>,
    /// The wait.
    #[serde(flatten)]
    pub wait: OpenWait,
    /// When what is told came about.
    pub at: Moment,
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::{
        id::{AccountId, ConversationId, ConversationNumber},
        policy::Policy,
        replies::{Counts, Promise, Rank, SilentAfter},
    };

    const HOUR: i64 = 3600;

    fn opened() -> Moment {
        Moment::from_unix(1_790_000_000).unwrap()
    }

    fn wait(promised_hours: u32) -> OpenWait {
        OpenWait {
            scope: Scope::Contract,
            opened_at: opened(),
            conversation: ConversationId { account: AccountId(1), number: ConversationNumber(42) },
            rank: Rank::First,
            promise: Promise(promised_hours * 3600),
            silent_after: None,
            counts: Counts::Scored,
        }
    }

    fn rules() -> &'static FlagPolicy {
        &Policy::current().flags
    }

    fn watch(promised_hours: u32) -> Watch {
        Watch::begin("p1".parse().unwrap(), wait(promised_hours), opened())
    }

    fn kinds(watch: &Watch) -> Vec<&'static str> {
        watch.pending.iter().map(|news| news.event_type()).collect()
    }

    #[test]
    fn a_wait_comes_to_its_stages_by_time_alone_each_told_once() {
        let mut now = watch(4);
        for (hours, expected) in [
            (1, vec![]),
            (2, vec!["provider.reply-due"]),
            (3, vec![]),
            (4, vec!["provider.reply-overdue"]),
            (23, vec![]),
            (24, vec!["provider.went-silent"]),
            (71, vec![]),
            (72, vec!["provider.silence-critical"]),
            (500, vec![]),
        ] {
            let at = opened().plus(hours * HOUR);
            let grown = now.grown(&wait(4), rules(), at);
            assert_eq!(grown.as_ref().map(kinds).unwrap_or_default(), expected, "{hours} h");
            now = grown.map_or(now, Watch::struck_off);
        }
    }

    #[test]
    fn a_long_promise_does_not_put_silence_off_and_the_times_are_those_of_the_stages() {
        let grown = watch(48).grown(&wait(48), rules(), opened().plus(60 * HOUR)).unwrap();
        assert_eq!(
            grown.pending,
            [(Stage::ReplyDue, 24), (Stage::ReplyOverdue, 48), (Stage::WentSilent, 24)]
                .map(|(stage, hours)| News::Reached { stage, at: opened().plus(hours * HOUR) })
        );
    }

    #[test]
    fn a_sweep_looks_at_waits_in_contracts_before_any_policy_has_something_to_tell_of_them() {
        let strictest = FlagPolicy { silent_after_hours: FlagPolicy::EARLIEST_SILENCE, ..*rules() };
        for promised in [1, 4, 48] {
            for silent_after in [None, Some(SilentAfter(1800)), Some(SilentAfter(100 * 3600))] {
                let wait = OpenWait { silent_after, ..wait(promised) };
                let look = first_look(&wait).unwrap();
                let before = watch(promised).grown(&wait, &strictest, look.plus(-1));
                assert_eq!(before, None, "{promised} {silent_after:?}");
            }
        }
        assert_eq!(first_look(&wait(1)), Some(opened().plus(HOUR / 2)));
        assert_eq!(first_look(&OpenWait { scope: Scope::PreSales, ..wait(4) }), None);
    }

    #[test]
    fn a_contract_may_say_when_its_provider_counts_as_silent() {
        let sooner = OpenWait { silent_after: Some(SilentAfter(6 * 3600)), ..wait(4) };
        let grown = watch(4).grown(&sooner, rules(), opened().plus(7 * HOUR)).unwrap();
        assert_eq!(kinds(&grown)[2..], ["provider.went-silent"]);
        let later = OpenWait { silent_after: Some(SilentAfter(100 * 3600)), ..wait(4) };
        assert_eq!(Stage::SilenceCritical.after(&later, rules()), 100 * 3600, "not before it is silence");
    }

    #[test]
    fn only_the_end_of_a_silence_is_told() {
        let (replied, found) = (opened().plus(30 * HOUR), opened().plus(31 * HOUR));
        let overdue = watch(4).grown(&wait(4), rules(), opened().plus(5 * HOUR)).unwrap().struck_off();
        assert_eq!(overdue.ended(Some(replied), found), None);
        let silent = overdue.grown(&wait(4), rules(), opened().plus(25 * HOUR)).unwrap();
        // Not yet told when the reply is found: then both are.
        let ended = silent.ended(Some(replied), found).unwrap();
        assert_eq!(kinds(&ended), ["provider.went-silent", "provider.responded"]);
        assert_eq!(ended.pending[1].at(), replied);
        assert!(ended.is_ending() && !silent.is_ending());
        let withdrawn = silent.struck_off().ended(None, found).unwrap();
        assert_eq!(kinds(&withdrawn), ["provider.silence-withdrawn"]);
    }

    #[test]
    fn news_nobody_told_is_told_again_later_under_the_same_id() {
        let noted = opened().plus(24 * HOUR);
        let silent = watch(4).grown(&wait(4), rules(), noted).unwrap();
        assert!(!silent.is_left_behind(noted.plus(i64::from(TOLD_AGAIN_AFTER) - 1)));
        assert!(silent.is_left_behind(noted.plus(i64::from(TOLD_AGAIN_AFTER))));
        assert!(!silent.clone().struck_off().is_left_behind(noted.plus(HOUR)));
        let contract = "c1".parse().unwrap();
        let told = silent.events(Some(&contract));
        assert_eq!(told, silent.events(Some(&contract)));
        assert_eq!(told[2].id, "p1-1-42-1790000000-went-silent");
        let ids: BTreeSet<&str> = told.iter().map(|event| event.id.as_str()).collect();
        assert_eq!(ids.len(), told.len());
    }

    proptest! {
        #[test]
        fn however_the_looks_fall_each_stage_is_told_once_and_none_too_early(
            promised in 1..100_u32,
            looks in proptest::collection::vec(0..400 * HOUR, 0..30),
        ) {
            let mut looks = looks;
            looks.sort_unstable();
            let mut watch = watch(promised);
            let mut told = Vec::new();
            for after in &looks {
                let now = opened().plus(*after);
                if let Some(grown) = watch.grown(&wait(promised), rules(), now) {
                    prop_assert!(grown.pending.iter().all(|news| news.at() <= now));
                    told.extend(kinds(&grown));
                    watch = grown.struck_off();
                }
            }
            let last = looks.last().copied().unwrap_or_default();
            let reached = Stage::ALL
                .into_iter()
                .filter(|stage| !looks.is_empty() && i64::from(stage.after(&wait(promised), rules())) <= last);
            prop_assert_eq!(told.len(), reached.count());
            prop_assert_eq!(told.iter().collect::<BTreeSet<_>>().len(), told.len());
        }
    }
}
