//! A provider: his card in a list, and everything about him.

use schemars::JsonSchema;
use serde::Serialize;
use table::Card;
use trust::{
    id::{OperatorId, ProviderId, Region},
    policy::Family,
    setup::{ProviderChat, State},
    summary::{Siblings, Summary, Track, UptimeFacts},
};

use super::{
    claims::Machines,
    contracts::Contracts,
    feedback::FeedbackFigures,
    figures::{Flag, Percentile, Rate},
    reason,
    replies::ReplyFacts,
    scalar::{Date, Text, Time},
    score::ScoreFigures,
};

/// Providers asked for by their ids, or by their operator.
#[derive(Debug, Serialize, JsonSchema)]
pub(crate) struct Named<'a> {
    /// Those that are registered, in the order asked for; an operator's by their ids.
    pub(crate) items: Vec<ListedProvider<'a>>,
    /// Ids of no registered provider, in the order asked for.
    pub(crate) unknown: Vec<&'a str>,
    /// Always `null`: there is one page.
    pub(crate) next_cursor: Option<String>,
}

/// A provider, as a list shows him.
#[derive(Debug, Serialize, JsonSchema)]
pub(crate) struct ListedProvider<'a> {
    /// His id.
    id: Text<&'a ProviderId>,
    /// His name.
    name: &'a str,
    /// How far he has come.
    #[schemars(extend("enum" = ["new", "vetting", "established"]))]
    track: Text<Track>,
    /// His score; `null` for a new one.
    score: Option<ScoreRange>,
    /// Why there is no score.
    score_reason: Option<&'static str>,
    /// What each family of the score comes to, where it rests on evidence.
    families: Vec<FamilyShare>,
    /// What to be warned of, the gravest first.
    flags: Vec<Flag>,
    /// The median reply time over 90 days.
    reply_median: Percentile,
    /// Contracts completed in 365 days.
    contracts_completed: u64,
    /// The first time anything was said of him.
    known_since: Option<Time>,
    /// Where he offers. Empty where that is not known.
    regions: Vec<Text<&'a Region>>,
    /// His price as a share of the median of comparable offers; `null` where that is not known.
    price_to_median: Option<f64>,
    /// When all this was worked out.
    as_of: Time,
}

impl<'a> ListedProvider<'a> {
    pub(crate) fn of(card: &'a Card) -> Self {
        let family = |found: &table::CardFamily| FamilyShare {
            family: Text(found.family),
            mean: found.mean.value(),
            low: found.low.value(),
            observations: found.observations,
        };
        Self {
            id: Text(&card.provider),
            name: &card.name,
            track: Text(card.track),
            score: card.score.map(|(points, low, high)| ScoreRange {
                value: points.value(),
                low: low.value(),
                high: high.value(),
            }),
            score_reason: reason(card.track),
            families: card.families.iter().map(family).collect(),
            flags: Flag::all(&card.flags),
            reply_median: Percentile::of(&card.reply_median, card.waits),
            contracts_completed: card.completed,
            known_since: card.known_since.map(Time),
            regions: card.regions.iter().map(Text).collect(),
            price_to_median: card.price.map(|thousandths| f64::from(thousandths) / 1000.0),
            as_of: Time(card.as_of),
        }
    }
}

/// A score and its interval.
#[derive(Debug, Serialize, JsonSchema)]
struct ScoreRange {
    /// The score, 0 to 100, after caps.
    #[schemars(range(min = 0, max = 100))]
    value: f64,
    /// Lower end of the 90 % interval: lists go by it.
    low: f64,
    /// Upper end of it.
    high: f64,
}

/// What a family of the score comes to.
#[derive(Debug, Serialize, JsonSchema)]
struct FamilyShare {
    /// Which.
    #[schemars(extend("enum" = ["uptime", "replies", "contracts", "feedback", "claims"]))]
    family: Text<Family>,
    /// Its share.
    #[schemars(range(min = 0, max = 1))]
    mean: f64,
    /// Lower end of its 90 % interval.
    #[schemars(range(min = 0, max = 1))]
    low: f64,
    /// How many observations it rests on.
    observations: u64,
}

/// Everything about a provider.
#[derive(Debug, Serialize, JsonSchema)]
pub(crate) struct Provider<'a> {
    /// His id.
    id: Text<&'a ProviderId>,
    /// His name.
    name: Option<&'a str>,
    /// His website, as the marketplace gives it. Check it before you link to it.
    website: Option<&'a str>,
    /// The account behind several providers.
    operator_id: Option<Text<&'a OperatorId>>,
    /// The other providers of that account; `null` where none is named.
    siblings: Option<SiblingFigures>,
    /// Where he offers, as far as his offerings say it.
    regions: Vec<Text<&'a Region>>,
    /// The first time anything was said of him.
    known_since: Option<Time>,
    /// The last time he proved to be around.
    checked_in_at: Option<Time>,
    /// When all this was worked out.
    as_of: Time,
    /// How far he has come.
    #[schemars(extend("enum" = ["new", "vetting", "established"]))]
    track: Text<Track>,
    /// His score; `null` for a new one.
    score: Option<ScoreFigures<'a>>,
    /// Why there is no score.
    score_reason: Option<&'static str>,
    /// What to be warned of, the gravest first.
    flags: Vec<Flag>,
    /// How he replies.
    replies: ReplyFacts,
    /// What became of his contracts.
    contracts: Contracts,
    /// How his services stayed up, as far as it is scored.
    uptime: ScoredUptime,
    /// What renters said, as far as it is revealed.
    feedback: FeedbackFigures,
    /// What the machines of renters who measured them turned out to be.
    claims: Machines,
    /// Where more is.
    links: Links,
}

impl<'a> Provider<'a> {
    pub(crate) fn of(summary: &'a Summary) -> Self {
        let profile = summary.profile.as_ref();
        let path = format!("/v1/providers/{}", summary.provider);
        Self {
            id: Text(&summary.provider),
            name: profile.map(|profile| profile.name.as_str()),
            website: profile.and_then(|profile| profile.website.as_deref()),
            operator_id: profile.and_then(|profile| profile.operator_id.as_ref()).map(Text),
            siblings: summary.siblings.as_ref().map(SiblingFigures::of),
            regions: summary.regions.iter().map(Text).collect(),
            known_since: summary.known_since.map(Time),
            checked_in_at: summary.checked_in_at.map(Time),
            as_of: Time(summary.as_of),
            track: Text(summary.track),
            score: summary.score.as_ref().map(ScoreFigures::of),
            score_reason: reason(summary.track),
            flags: Flag::all(&summary.flags),
            replies: ReplyFacts::of(summary),
            contracts: Contracts::of(&summary.contracts),
            uptime: ScoredUptime::of(&summary.uptime),
            feedback: FeedbackFigures::of(&summary.feedback),
            claims: Machines::of(&summary.claims),
            links: Links {
                score: format!("{path}/score?explain=true"),
                history: format!("{path}/score/history"),
                replies: format!("{path}/replies"),
                feedback: format!("{path}/feedback"),
                price: format!("{path}/price"),
                claims: format!("{path}/claims"),
                uptime: format!("{path}/uptime"),
                outages: format!("{path}/outages"),
                incidents: format!("{path}/incidents.atom"),
                proof: format!("{path}/proof"),
                badge: format!("{path}/badge.svg"),
                page: format!("/providers/{}", summary.provider),
                itself: path,
            },
        }
    }
}

/// The other providers of the same operator, looked at once a UTC day: a fresh name is no clean slate.
#[derive(Debug, Serialize, JsonSchema)]
struct SiblingFigures {
    /// The day.
    seen_on: Date,
    /// How many there are.
    others: u64,
    /// How many of them have flags of their own.
    flagged: u64,
    /// The first time anything was said of one of them.
    known_since: Option<Time>,
    /// The operator's providers.
    list: String,
}

impl SiblingFigures {
    fn of(siblings: &Siblings) -> Self {
        Self {
            seen_on: Date(siblings.seen_on),
            others: siblings.others,
            flagged: siblings.flagged,
            known_since: siblings.known_since.map(Time),
            list: format!("/v1/providers?operator={}", siblings.operator),
        }
    }
}

/// How all of a provider's services together stayed up, day by day, as far as it is scored. Of each service there is more at
/// `links.uptime`.
#[derive(Debug, Serialize, JsonSchema)]
struct ScoredUptime {
    /// Days within the score's horizon of which at least 95 % is known.
    covered_days: u64,
    /// Days of the last 30 on which less than half was kept, of those of which anything is known.
    bad_days: Rate,
}

impl ScoredUptime {
    fn of(facts: &UptimeFacts) -> Self {
        Self { covered_days: facts.covered_days, bad_days: Rate::of(facts.bad_days) }
    }
}

/// Paths of what belongs to a provider.
#[derive(Debug, Serialize, JsonSchema)]
struct Links {
    #[serde(rename = "self")]
    itself: String,
    score: String,
    history: String,
    replies: String,
    feedback: String,
    price: String,
    claims: String,
    uptime: String,
    outages: String,
    incidents: String,
    proof: String,
    badge: String,
    page: String,
}

/// How far a provider's chat is set up.
#[derive(Debug, Serialize, JsonSchema)]
pub(crate) struct Chat<'a> {
    /// The provider.
    provider_id: Text<&'a ProviderId>,
    /// How far it has come.
    #[schemars(extend("enum" = ["ready", "pending", "failed"]))]
    state: &'static str,
    /// What it waits for, or why it failed.
    reason: Option<&'a str>,
}

impl<'a> Chat<'a> {
    /// `chat` is absent where nobody has asked for one.
    pub(crate) fn of(summary: &'a Summary, chat: Option<&'a ProviderChat>) -> Self {
        let place = summary.profile.as_ref().and_then(|profile| profile.chat);
        let (state, reason) = match (chat.map(|chat| chat.attempts.state()), place) {
            (Some(State::Ready), _) => ("ready", None),
            (Some(State::Pending(reason)), _) => ("pending", reason),
            (Some(State::Failed(reason)), _) => ("failed", Some(reason)),
            (None, Some(_)) => ("ready", Some("set up by the marketplace")),
            (None, None) => ("pending", Some("waiting for his first published offering")),
        };
        Self { provider_id: Text(&summary.provider), state, reason }
    }
}
