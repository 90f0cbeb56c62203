//! Summaries: what was made of a provider's signals, ready to be served in one read.
//!
//! The summary's item also stands in two sparse indexes: `ranking`, by the score's lower bound, with a card that a list shows; and
//! `refresh`, by the time at which the summary must be made anew though nothing happens.

use serde::{Deserialize, Serialize};
use trust::{
    id::ProviderId,
    score::{Points, Score},
    summary::{Flag, PercentileFact, Summary, Track},
    time::{Day, Moment},
};

use crate::{
    Table, TableError,
    item::{self, Index, Item, Order, Range, text},
    keys::{self, END},
};

const RANKED: &str = "providers";
const DUE: &str = "due";

/// What a list shows of a provider.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Card {
    /// The provider.
    pub provider: ProviderId,
    /// His name.
    pub name: String,
    /// How far he has come.
    pub track: Track,
    /// His score and its interval; absent for a new one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub score: Option<(Points, Points, Points)>,
    /// What to be warned of.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub flags: Vec<Flag>,
    /// Median reply time over 90 days.
    pub reply_median: PercentileFact,
    /// How many waits that rests on.
    pub waits: u64,
    /// Contracts completed in the last year.
    pub completed: u64,
    /// When this was worked out.
    pub as_of: Moment,
}

impl Card {
    /// The card of a registered provider.
    pub fn of(summary: &Summary) -> Option<Self> {
        let profile = summary.profile.as_ref()?;
        let window = summary.replies.windows.last();
        Some(Self {
            provider: summary.provider.clone(),
            name: profile.name.clone(),
            track: summary.track,
            score: summary.score.as_ref().map(|score| (score.points, score.low, score.high)),
            flags: summary.flags.clone(),
            reply_median: window.map(|window| window.median).unwrap_or_default(),
            waits: window.map_or(0, |window| window.waits),
            completed: summary.contracts.completed,
            as_of: summary.as_of,
        })
    }
}

/// One day of a provider's score.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct HistoryEntry {
    /// The day.
    pub day: Day,
    /// The score.
    pub points: Points,
    /// Its interval's lower end.
    pub low: Points,
    /// Its interval's upper end.
    pub high: Points,
    /// The policy it was made by.
    pub policy: String,
    /// The hash of what it was made from.
    pub inputs_hash: String,
    /// Its place in the log, once it has one. Only read: it is noted by who appends.
    #[serde(default, skip_serializing)]
    pub leaf: Option<u64>,
}

/// A page of a list.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Page<T> {
    /// The items.
    pub items: Vec<T>,
    /// Where the next page begins, if there is one.
    pub next: Option<Cursor>,
}

/// A place in a list: the sort key of the last item seen. What is written meanwhile neither repeats nor hides an unmoved item.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Cursor(pub(crate) String);

/// A cursor that we did not give out.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("not a cursor of this list")]
pub struct InvalidCursor;

impl Cursor {
    /// The cursor as it goes to clients: opaque, made for URLs.
    pub fn to_opaque(&self) -> String {
        hex::encode(&self.0)
    }

    /// Reads a cursor back.
    pub fn parse(opaque: &str) -> Result<Self, InvalidCursor> {
        if opaque.is_empty() || opaque.len() > 400 {
            return Err(InvalidCursor);
        }
        let bytes = hex::decode(opaque).map_err(|_| InvalidCursor)?;
        let key = String::from_utf8(bytes).map_err(|_| InvalidCursor)?;
        let known = |c: char| c.is_ascii_alphanumeric() || matches!(c, '#' | '-' | '.' | '_');
        if key.chars().all(known) { Ok(Self(key)) } else { Err(InvalidCursor) }
    }
}

impl Table {
    /// Writes a summary made of signals that were read with this version, and the day's entry of the history.
    pub async fn write_summary(
        &self,
        summary: &Summary,
        read: u64,
        next_look: Moment,
    ) -> Result<(), TableError> {
        let provider = &summary.provider;
        let mut item: Item = item::item(&keys::summary(provider), summary)?;
        item.insert("refresh_pk".to_owned(), text(DUE));
        item.insert("refresh_sk".to_owned(), text(format!("{:012}#{provider}", next_look.unix())));
        if let Some(card) = Card::of(summary) {
            item.insert("card".to_owned(), serde_dynamo::to_attribute_value(&card)?);
            item.insert("ranking_pk".to_owned(), text(RANKED));
            item.insert("ranking_sk".to_owned(), text(rank(summary.score.as_ref(), provider)));
        }
        self.put_if(item, read).await?;
        if let Some(score) = &summary.score {
            let entry = HistoryEntry {
                day: score.as_of,
                points: score.points,
                low: score.low,
                high: score.high,
                policy: score.policy.clone(),
                inputs_hash: score.inputs_hash.clone(),
                leaf: None,
            };
            self.put_unless_sealed(item::item(&keys::history_day(provider, score.as_of), &entry)?).await?;
        }
        Ok(())
    }

    /// A provider's summary, possibly a moment old.
    pub async fn summary(&self, provider: &ProviderId) -> Result<Option<Summary>, TableError> {
        self.get_relaxed(&keys::summary(provider)).await?.map(item::read).transpose()
    }

    /// Registered providers, the best lower bound first, those without a score last.
    pub async fn ranking(&self, after: Option<&Cursor>, limit: u16) -> Result<Page<Card>, TableError> {
        let bound = after.map(|cursor| cursor.0.as_str());
        let index = Index { name: "ranking", partition: RANKED, bound, order: Order::Descending };
        let (items, more) = self.index_page(&index, i32::from(limit)).await?;
        let last = items.last().and_then(|item| item.get("ranking_sk")?.as_s().ok()).cloned();
        let cards = items.into_iter().filter_map(|mut item| item.remove("card"));
        Ok(Page {
            items: cards.map(serde_dynamo::from_attribute_value).collect::<Result<_, _>>()?,
            next: last.filter(|_| more).map(Cursor),
        })
    }

    /// A provider's score day by day, the latest first.
    pub async fn history(
        &self,
        provider: &ProviderId,
        before: Option<&Cursor>,
        limit: u16,
    ) -> Result<Page<HistoryEntry>, TableError> {
        let end = match before {
            None => END.to_owned(),
            Some(cursor) => match Day::parse(&cursor.0) {
                Ok(day) => day.minus(1).to_string(),
                Err(_) => return Ok(Page { items: Vec::new(), next: None }),
            },
        };
        let range = Range { pk: keys::history(provider), from: "0", to: &end };
        let (items, more) = self.page(&range, Order::Descending, i32::from(limit)).await?;
        let last = items.last().map(|item| item::sort_key(item).to_owned());
        Ok(Page {
            items: items.into_iter().map(item::read).collect::<Result<_, _>>()?,
            next: last.filter(|_| more).map(Cursor),
        })
    }

    /// Providers whose summary was to be made anew by `now`, the longest due first.
    pub async fn due(&self, now: Moment, limit: u16) -> Result<Vec<ProviderId>, TableError> {
        let bound = format!("{:012}{END}", now.unix());
        let index = Index { name: "refresh", partition: DUE, bound: Some(&bound), order: Order::Ascending };
        let (items, _) = self.index_page(&index, i32::from(limit)).await?;
        items.iter().map(item::owner).collect()
    }
}

/// The place in the ranking: by lower bound, so that a wide interval is no advantage; then by provider.
fn rank(score: Option<&Score>, provider: &ProviderId) -> String {
    match score {
        Some(score) => format!("1{:012}#{provider}", score.low.billionths()),
        None => format!("0#{provider}"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_cursor_reads_back_and_a_forged_one_is_refused() {
        let cursor = Cursor("1000049000000000#p-1.x_Y".to_owned());
        assert_eq!(Cursor::parse(&cursor.to_opaque()), Ok(cursor));
        for forged in ["", "zz", "0", "20", "e28892", "é0", &"30".repeat(300)] {
            assert_eq!(Cursor::parse(forged), Err(InvalidCursor), "{forged}");
        }
    }
}
