//! Surveys: which contracts' renters are asked, when, and how far that has come.
//!
//! A survey is noted before it is told of: whoever has noted it tells it, and should he die, it is anybody's again after the [`LEASE`], under
//! the same id. So nobody is asked twice, nor forgotten.

use serde::{Deserialize, Serialize};

use crate::{
    contract::{Contract, End, PATIENCE_DAYS, Worth},
    id::{ContractId, ConversationId, ProviderId, RenterId},
    marketplace::Terms,
    setup::LEASE,
    time::Moment,
};

/// Seconds for which a survey can be answered (DESIGN §5). Longer asks for what nobody remembers; shorter misses who is away.
pub const OPEN_FOR: i64 = 30 * DAY;

/// Seconds without an answer after which the renter is reminded, once.
pub const REMINDED_AFTER: i64 = 7 * DAY;

/// Nobody is asked of what ended longer ago than this: a marketplace that sends its past would have all its renters asked at once.
const STALE: i64 = 30 * DAY;

const DAY: i64 = 86_400;

/// The type of the bus event that tells the marketplace of a survey, with the link. Source `trust`.
pub const REQUESTED: &str = "feedback.requested";

/// The type of the bus event that has the contract's conversation told of it, without the link. Source `trust`.
pub const ANNOUNCED: &str = "feedback.announced";

/// The version of [`Request`] and [`Announcement`] that this code writes and reads.
pub const VERSION: u32 = 1;

/// Why a renter is asked.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Reason {
    /// The contract ran its term.
    Completed,
    /// It was cancelled, by whomever, after it was provisioned.
    Cancelled,
    /// It could not be provisioned.
    ProvisioningFailed,
    /// The provider did not answer the request for [`PATIENCE_DAYS`], or it was given up for that before.
    NeverAnswered,
    /// He accepted it and handed nothing over for [`PATIENCE_DAYS`], or it was given up for that before.
    NeverDelivered,
    /// Its term is over for a while and nobody has said how it ended ([`Contract::lapses`]).
    Lapsed,
}

impl Reason {
    /// Whether a renter who was asked for this reason is asked again for another one that has come about at `from`: there is something else to
    /// judge then. `sent` is when he was asked.
    fn gives_way(self, other: Self, from: Moment, sent: Moment) -> bool {
        match self {
            Self::Completed | Self::Cancelled | Self::ProvisioningFailed => false,
            Self::NeverAnswered | Self::NeverDelivered => self != other,
            // An end that is told of late is the one he was asked about. One after it means that the contract had gone on.
            Self::Lapsed => self != other && from > sent,
        }
    }
}

/// Which of the two times he is asked.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Occasion {
    /// The first.
    First,
    /// The reminder.
    Reminder,
}

/// From when on a contract's renter is asked, and why; `None` while there is nothing to ask about. The time may lie ahead: a request that
/// nobody answers comes to something by that alone, and so does a contract of which nobody tells that it ended.
///
/// A provider who rents from himself is not asked.
pub fn asked_about(contract: &Contract) -> Option<(Moment, Reason)> {
    let (requested, _) = contract.requested.as_ref()?;
    if contract.worth() == Worth::SelfDealing {
        return None;
    }
    let ended = contract.ended();
    match ended {
        Some((at, End::Completed)) => return Some((at, Reason::Completed)),
        Some((at, End::ProvisioningFailed)) => return Some((at, Reason::ProvisioningFailed)),
        Some((at, End::Cancelled(_))) if contract.provisioned.is_some_and(|start| start <= at) => {
            return Some((at, Reason::Cancelled));
        }
        Some((_, End::Cancelled(_) | End::Rejected)) | None => {}
    }
    if contract.provisioned.is_some() {
        return contract.lapses().filter(|_| ended.is_none()).map(|at| (at, Reason::Lapsed));
    }
    let (since, reason) = match contract.accepted {
        Some((at, _)) => (at, Reason::NeverDelivered),
        None => (*requested, Reason::NeverAnswered),
    };
    let patience = since.plus(i64::from(PATIENCE_DAYS) * DAY);
    match ended {
        Some((at, End::Cancelled(_))) if contract.given_up().is_some() => Some((at.min(patience), reason)),
        Some((at, _)) if at < patience => None,
        _ => Some((patience, reason)),
    }
}

/// How far a contract's survey has come.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Survey {
    /// When the renter was asked, and why.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub sent: Option<(Moment, Reason)>,
    /// When he was reminded.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub reminded: Option<Moment>,
    /// When he answered first.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub answered: Option<Moment>,
    /// What is noted and not yet known to be told.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub untold: Option<Occasion>,
    /// When somebody has to look at it again; absent where nothing is left to do.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub due: Option<Moment>,
}

impl Survey {
    /// When it closes, once it was sent.
    pub fn closes_at(&self) -> Option<Moment> {
        self.sent.map(|(at, _)| at.plus(OPEN_FOR))
    }

    /// Whether an answer is there that nobody has looked at since it is final.
    pub fn is_to_be_settled(&self, now: Moment) -> bool {
        self.answered.is_some() && self.due.is_some_and(|due| due <= now)
    }

    /// What it is by now. Where that differs and `untold` is set, whoever writes it tells it.
    ///
    /// What was never answered or delivered, or seemed to be over, and came to something after all is asked about again at its end, unless it
    /// was answered.
    #[must_use]
    pub fn by_now(&self, contract: &Contract, now: Moment) -> Self {
        let lease = Some(now.plus(i64::from(LEASE)));
        if self.answered.is_some() {
            return self.clone();
        }
        if self.untold.is_some() {
            let held = self.due.is_some_and(|due| due > now);
            return if held { self.clone() } else { Self { due: lease, ..self.clone() } };
        }
        let Some((from, reason)) = asked_about(contract) else { return Self { due: None, ..self.clone() } };
        let is_new = self.sent.is_none_or(|(sent, asked)| asked.gives_way(reason, from, sent));
        if is_new {
            return if now < from {
                Self { due: Some(from), ..self.clone() }
            } else if now >= from.plus(STALE) {
                Self { due: None, ..self.clone() }
            } else {
                Self {
                    sent: Some((now, reason)),
                    untold: Some(Occasion::First),
                    due: lease,
                    ..Self::default()
                }
            };
        }
        let (Some((sent, _)), None) = (self.sent, self.reminded) else {
            return Self { due: None, ..self.clone() };
        };
        let reminder = sent.plus(REMINDED_AFTER);
        if now < from {
            // It was extended after all.
            Self { due: None, ..self.clone() }
        } else if now < reminder {
            Self { due: Some(reminder), ..self.clone() }
        } else if now >= sent.plus(OPEN_FOR) {
            Self { due: None, ..self.clone() }
        } else {
            Self { reminded: Some(now), untold: Some(Occasion::Reminder), due: lease, ..self.clone() }
        }
    }

    /// Told, and what comes next.
    #[must_use]
    pub fn told(&self, contract: &Contract, now: Moment) -> Self {
        Self { untold: None, ..self.clone() }.by_now(contract, now)
    }

    /// Answered, first at this moment: it is looked at once more when that is final.
    #[must_use]
    pub fn answered(&self, first: Moment) -> Self {
        let due = Some(first.plus(super::CHANGE_OF_MIND));
        Self { answered: Some(first), untold: None, due, ..self.clone() }
    }

    /// Looked at when the answer was final.
    #[must_use]
    pub fn settled(&self) -> Self {
        Self { due: None, ..self.clone() }
    }

    /// What is to be told, if anything is.
    pub fn news(&self) -> Option<News> {
        let ((sent, reason), occasion) = (self.sent?, self.untold?);
        let at = match occasion {
            Occasion::First => sent,
            Occasion::Reminder => self.reminded?,
        };
        Some(News { at, reason, occasion, expires_at: sent.plus(OPEN_FOR) })
    }
}

/// That a renter is asked, or reminded.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct News {
    at: Moment,
    reason: Reason,
    occasion: Occasion,
    expires_at: Moment,
}

impl News {
    /// Until when he can answer.
    pub fn expires_at(&self) -> Moment {
        self.expires_at
    }

    /// What the marketplace is told: `link` is for the renter alone.
    pub fn request(self, terms: &Terms, link: String) -> Request {
        Request {
            version: VERSION,
            id: self.id(&terms.contract_id, "asked"),
            at: self.at,
            provider: terms.provider_id.clone(),
            contract: terms.contract_id.clone(),
            renter: terms.renter_id.clone(),
            reason: self.reason,
            occasion: self.occasion,
            link,
            expires_at: self.expires_at,
        }
    }

    /// What a contract's conversation is told: everybody in it may read that, so it says where to look, and holds no link.
    pub fn announcement(
        self,
        terms: &Terms,
        conversation: ConversationId,
        page: Option<String>,
    ) -> Announcement {
        Announcement {
            version: VERSION,
            id: self.id(&terms.contract_id, "announced"),
            at: self.at,
            provider: terms.provider_id.clone(),
            contract: terms.contract_id.clone(),
            conversation,
            reason: self.reason,
            occasion: self.occasion,
            page,
            expires_at: self.expires_at,
        }
    }

    fn id(self, contract: &ContractId, what: &str) -> String {
        let reason = match self.reason {
            Reason::Completed => "completed",
            Reason::Cancelled => "cancelled",
            Reason::ProvisioningFailed => "provisioning-failed",
            Reason::NeverAnswered => "never-answered",
            Reason::NeverDelivered => "never-delivered",
            Reason::Lapsed => "lapsed",
        };
        let occasion = match self.occasion {
            Occasion::First => "first",
            Occasion::Reminder => "reminder",
        };
        format!("{contract}-feedback-{what}-{reason}-{occasion}")
    }
}

/// The detail of a [`REQUESTED`] event. Schema: `events/schemas/feedback.json`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Request {
    /// [`VERSION`].
    pub version: u32,
    /// The same whenever the same is told.
    pub id: String,
    /// When he was asked.
    pub at: Moment,
    /// About whom.
    pub provider: ProviderId,
    /// About which contract.
    pub contract: ContractId,
    /// Who is asked.
    pub renter: RenterId,
    /// Why.
    pub reason: Reason,
    /// For the first time, or as a reminder.
    pub occasion: Occasion,
    /// Where he answers. For him alone: whoever has it answers for him.
    pub link: String,
    /// Until when he can.
    pub expires_at: Moment,
}

/// The detail of an [`ANNOUNCED`] event.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Announcement {
    /// [`VERSION`].
    pub version: u32,
    /// The same whenever the same is told.
    pub id: String,
    /// When he was asked.
    pub at: Moment,
    /// About whom.
    pub provider: ProviderId,
    /// About which contract.
    pub contract: ContractId,
    /// Where it is announced.
    pub conversation: ConversationId,
    /// Why he is asked.
    pub reason: Reason,
    /// For the first time, or as a reminder.
    pub occasion: Occasion,
    /// Where the marketplace shows the contract.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub page: Option<String>,
    /// Until when he can answer.
    pub expires_at: Moment,
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::marketplace::{AcceptedBy, CancelledBy, Happened, InVain};

    fn id() -> ContractId {
        "c1".parse().unwrap()
    }

    fn at(days: i64) -> Moment {
        Moment::parse("2026-11-01T00:00:00Z").unwrap().plus(days * DAY)
    }

    fn requested(renter: &str) -> Happened {
        let terms = serde_json::json!({
            "contract_id": "c1", "provider_id": "p1", "renter_id": renter, "offering_id": "o1", "term_seconds": 8_640_000,
            "price": { "minor_units": 500, "currency": "EUR" },
        });
        Happened::ContractRequested(serde_json::from_value(terms).unwrap())
    }

    fn accepted() -> Happened {
        Happened::ContractAccepted { contract_id: id(), by: AcceptedBy::Provider, conversation: None }
    }

    fn provisioned() -> Happened {
        Happened::ContractProvisioned {
            contract_id: id(),
            conversation: None,
            endpoints: Vec::new(),
            sla: None,
        }
    }

    fn completed() -> Happened {
        Happened::ContractCompleted { contract_id: id() }
    }

    fn cancelled() -> Happened {
        Happened::ContractCancelled { contract_id: id(), by: CancelledBy::Provider, reason: None }
    }

    fn in_vain(reason: InVain) -> Happened {
        Happened::ContractCancelled { contract_id: id(), by: CancelledBy::Marketplace, reason: Some(reason) }
    }

    fn extended(days: i64) -> Happened {
        Happened::ContractExtended { contract_id: id(), ends_at: at(days) }
    }

    fn rejected() -> Happened {
        Happened::ContractRejected { contract_id: id() }
    }

    fn contract(story: &[(i64, Happened)]) -> Contract {
        story.iter().fold(Contract::default(), |mut contract, (days, happened)| {
            contract.join(at(*days), happened);
            contract
        })
    }

    #[test]
    fn renters_are_asked_when_there_was_something_to_judge() {
        let failed = Happened::ContractProvisioningFailed { contract_id: id() };
        let running = [(0, requested("r1")), (1, accepted()), (2, provisioned())];
        let until = |days, end: Happened| [&running[..], &[(days, end)]].concat();
        for (story, asked) in [
            (vec![], None),
            (vec![(3, completed())], None),
            // Nobody has said that it ended: a week after its 100 days.
            (running.to_vec(), Some((109, Reason::Lapsed))),
            (until(50, extended(200)), Some((207, Reason::Lapsed))),
            (until(9, completed()), Some((9, Reason::Completed))),
            (until(9, cancelled()), Some((9, Reason::Cancelled))),
            (vec![(0, requested("r1")), (3, failed)], Some((3, Reason::ProvisioningFailed))),
            // Nobody has answered yet, or never does.
            (vec![(0, requested("r1"))], Some((7, Reason::NeverAnswered))),
            (vec![(0, requested("r1")), (8, cancelled())], Some((7, Reason::NeverAnswered))),
            (vec![(0, requested("r1")), (8, rejected())], Some((7, Reason::NeverAnswered))),
            (vec![(0, requested("r1")), (8, accepted())], Some((15, Reason::NeverDelivered))),
            (vec![(0, requested("r1")), (1, accepted()), (9, rejected())], Some((8, Reason::NeverDelivered))),
            (
                vec![(0, requested("r1")), (1, accepted()), (9, cancelled())],
                Some((8, Reason::NeverDelivered)),
            ),
            (vec![(0, requested("r1")), (2, in_vain(InVain::NoResponse))], Some((2, Reason::NeverAnswered))),
            (
                vec![(0, requested("r1")), (1, accepted()), (2, in_vain(InVain::NotDelivered))],
                Some((2, Reason::NeverDelivered)),
            ),
            (vec![(0, requested("r1")), (6, rejected())], None),
            (vec![(0, requested("r1")), (6, cancelled())], None),
            (vec![(0, requested("r1")), (1, accepted()), (3, cancelled())], None),
            // Himself.
            (vec![(0, requested("p1")), (2, provisioned()), (9, completed())], None),
        ] {
            let asked = asked.map(|(days, reason)| (at(days), reason));
            assert_eq!(asked_about(&contract(&story)), asked, "{story:?}");
        }
    }

    /// What is told when somebody looks once a day, or more often.
    fn told(story: &[(i64, Happened)], looks: impl IntoIterator<Item = i64>) -> (Survey, Vec<(i64, String)>) {
        let (mut survey, mut told) = (Survey::default(), Vec::new());
        for days in looks {
            let so_far: Vec<_> = story.iter().filter(|(said, _)| *said <= days).cloned().collect();
            let contract = contract(&so_far);
            let next = survey.by_now(&contract, at(days));
            if next != survey
                && let Some(news) = next.news()
            {
                told.push((days, news.id(&id(), "asked")));
                survey = next.told(&contract, at(days));
            } else {
                survey = next;
            }
        }
        (survey, told)
    }

    #[test]
    fn a_renter_is_asked_once_and_reminded_once() {
        let story = [(0, requested("r1")), (1, accepted()), (2, provisioned()), (9, completed())];
        let (survey, told) = told(&story, (0..60).flat_map(|days| [days, days]));
        let expected =
            [(9, "c1-feedback-asked-completed-first"), (16, "c1-feedback-asked-completed-reminder")];
        assert_eq!(told, expected.map(|(days, id)| (days, id.to_owned())));
        assert_eq!((survey.due, survey.closes_at()), (None, Some(at(39))));
    }

    #[test]
    fn nobody_looks_before_there_is_something_to_do() {
        let open = contract(&[(0, requested("r1"))]);
        let waiting = Survey::default().by_now(&open, at(0));
        assert_eq!(waiting.due, Some(at(7)));
        let accepted = contract(&[(0, requested("r1")), (1, accepted())]);
        assert_eq!(waiting.by_now(&accepted, at(1)).due, Some(at(8)), "it is to be handed over");
        let declined = contract(&[(0, requested("r1")), (1, rejected())]);
        assert_eq!(waiting.by_now(&declined, at(1)).due, None);
        let sent = waiting.by_now(&open, at(7));
        assert_eq!(sent.told(&open, at(7)).due, Some(at(14)));
    }

    #[test]
    fn what_was_noted_and_not_told_is_told_after_the_lease_under_the_same_id() {
        let done = contract(&[(0, requested("r1")), (2, provisioned()), (9, completed())]);
        let noted = Survey::default().by_now(&done, at(9));
        assert_eq!(noted.by_now(&done, at(9).plus(i64::from(LEASE) - 1)), noted, "somebody is at it");
        let again = noted.by_now(&done, at(9).plus(i64::from(LEASE)));
        assert_ne!(again, noted);
        assert_eq!(again.news(), noted.news());
    }

    #[test]
    fn who_answered_is_not_reminded_and_looked_at_once_more_when_it_is_final() {
        let done = contract(&[(0, requested("r1")), (2, provisioned()), (9, completed())]);
        let sent = Survey::default().by_now(&done, at(9)).told(&done, at(9));
        let answered = sent.answered(at(10));
        assert_eq!(answered.due, Some(at(11)));
        assert!(!answered.is_to_be_settled(at(10)) && answered.is_to_be_settled(at(11)));
        assert_eq!(answered.by_now(&done, at(17)).news(), None);
        assert!(!answered.settled().is_to_be_settled(at(99)));
    }

    #[test]
    fn a_request_that_was_answered_late_is_asked_about_again_at_its_end() {
        let story = [(0, requested("r1")), (8, accepted()), (9, provisioned()), (20, completed())];
        let (_, told) = told(&story, 0..60);
        let days: Vec<i64> = told.iter().map(|(days, _)| *days).collect();
        assert_eq!(days, [7, 20, 27]);
        assert!(told[1].1.ends_with("completed-first"));
    }

    #[test]
    fn what_was_delivered_late_is_asked_about_again_at_its_end() {
        let story = [(0, requested("r1")), (1, accepted()), (9, provisioned()), (20, completed())];
        let days: Vec<i64> = told(&story, 0..60).1.iter().map(|(days, _)| *days).collect();
        assert_eq!(days, [8, 20, 27]);
    }

    #[test]
    fn an_end_that_is_told_late_asks_nobody_twice_and_one_of_what_went_on_after_all_does() {
        let running = [(0, requested("r1")), (1, accepted()), (2, provisioned())];
        let so_far = contract(&running);
        let asked = Survey::default().by_now(&so_far, at(109)).told(&so_far, at(109));
        assert_eq!(asked.sent, Some((at(109), Reason::Lapsed)));
        let with = |end: &[(i64, Happened)]| contract(&[&running[..], end].concat());
        let ended_before = with(&[(101, completed())]);
        assert_eq!(asked.by_now(&ended_before, at(110)).news(), None);
        assert_eq!(asked.by_now(&ended_before, at(110)).due, Some(at(116)), "he is still reminded");
        let goes_on = with(&[(99, extended(200))]);
        assert_eq!(asked.by_now(&goes_on, at(116)).due, None, "nobody is reminded of what goes on");
        let ended_after = with(&[(99, extended(200)), (199, cancelled())]);
        let again = asked.by_now(&ended_after, at(199)).sent;
        assert_eq!(again, Some((at(199), Reason::Cancelled)));
    }

    #[test]
    fn nobody_is_asked_about_what_is_long_over() {
        let story = [(0, requested("r1")), (2, provisioned()), (9, completed())];
        assert_eq!(told(&story, [39, 40, 80]).1, []);
        assert_eq!(told(&story, [38]).1.len(), 1);
        // Nor reminded when it is closed.
        assert_eq!(told(&story, [9, 39]).1.len(), 1);
    }
}
