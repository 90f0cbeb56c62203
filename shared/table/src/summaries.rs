//! Summaries: what was made of a provider's signals, ready to be served in one read.
//!
//! The summary's item also stands in sparse indexes: those by which providers are listed (see `listing`), and `refresh`, by the time
//! at which the summary must be made anew though nothing happens.

use serde::{Deserialize, Serialize};
use trust::{
    history::Made,
    id::ProviderId,
    policy::Family,
    score::{Points, Score},
    summary::Summary,
    time::{Day, Moment},
};

use crate::{
    Table, TableError, due,
    item::{self, Item, Order, Range},
    keys::{self, END},
    listing,
};

const DUE: &str = "due";

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
    /// What it would have been without the cap of a critical flag.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub capped_from: Option<Points>,
    /// What each family added to the baseline. Empty of days before this was kept.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub families: Vec<(Family, Points)>,
}

impl HistoryEntry {
    /// The entry of a score.
    pub fn of(score: &Score) -> Self {
        Self {
            day: score.as_of,
            points: score.points,
            low: score.low,
            high: score.high,
            policy: score.policy.clone(),
            inputs_hash: score.inputs_hash.clone(),
            capped_from: score.capped_from,
            families: score.families.iter().map(|family| (family.family, family.contribution)).collect(),
            leaf: None,
        }
    }

    /// What it was made of, to be compared with another day.
    pub fn made(&self) -> Made<'_> {
        Made {
            policy: &self.policy,
            points: self.points,
            capped_from: self.capped_from,
            families: &self.families,
        }
    }
}

/// A page of a provider's history, the latest day first.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct History {
    /// The days.
    pub page: Page<HistoryEntry>,
    /// The one before the page's earliest, if there is one.
    pub before: Option<HistoryEntry>,
}

impl History {
    /// Each day with the one before it in the history.
    pub fn days(&self) -> impl Iterator<Item = (&HistoryEntry, Option<&HistoryEntry>)> {
        let earlier = self.page.items.iter().skip(1).map(Some).chain([self.before.as_ref()]);
        self.page.items.iter().zip(earlier)
    }

    /// Whether a cursor is of a history.
    pub fn has(cursor: &Cursor) -> bool {
        Day::parse(&cursor.0).is_ok()
    }
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
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(into = "String", try_from = "String")]
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

impl From<Cursor> for String {
    fn from(cursor: Cursor) -> Self {
        cursor.to_opaque()
    }
}

impl TryFrom<String> for Cursor {
    type Error = InvalidCursor;

    fn try_from(opaque: String) -> Result<Self, Self::Error> {
        Self::parse(&opaque)
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
        due::look_again(&mut item, DUE, next_look, provider);
        listing::list_in(&mut item, summary)?;
        self.put_if(item, read).await?;
        if let Some(score) = &summary.score {
            let entry = HistoryEntry::of(score);
            self.put_unless_sealed(item::item(&keys::history_day(provider, score.as_of), &entry)?).await?;
        }
        Ok(())
    }

    /// A provider's summary, possibly a moment old.
    pub async fn summary(&self, provider: &ProviderId) -> Result<Option<Summary>, TableError> {
        self.get_relaxed(&keys::summary(provider)).await?.map(item::read).transpose()
    }

    /// A provider's score day by day, the latest first.
    pub async fn history(
        &self,
        provider: &ProviderId,
        before: Option<&Cursor>,
        limit: u16,
    ) -> Result<History, TableError> {
        let end = match before {
            None => END.to_owned(),
            Some(cursor) => match Day::parse(&cursor.0) {
                Ok(day) => day.minus(1).to_string(),
                Err(_) => return Ok(History { page: Page { items: Vec::new(), next: None }, before: None }),
            },
        };
        let range = Range { pk: keys::history(provider), from: "0", to: &end };
        let (items, _) = self.page(&range, Order::Descending, i32::from(limit) + 1).await?;
        let mut items = items.into_iter().map(item::read).collect::<Result<Vec<HistoryEntry>, _>>()?;
        let before = (items.len() > usize::from(limit)).then(|| items.pop()).flatten();
        let next = items.last().filter(|_| before.is_some()).map(|entry| Cursor(entry.day.to_string()));
        Ok(History { page: Page { items, next }, before })
    }

    /// Providers whose summary was to be made anew by `now`, the longest due first.
    pub async fn due(&self, now: Moment, limit: u16) -> Result<Vec<ProviderId>, TableError> {
        let items = self.items_due(DUE, now, limit).await?;
        items.iter().map(item::owner).collect()
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
