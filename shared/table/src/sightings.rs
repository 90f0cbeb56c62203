//! What was seen: one segment a shard, minute and worker, and nothing that is ever changed.
//!
//! A worker that does its minute twice writes two segments, which are joined where they are read. Segments go some weeks after their
//! day was sealed.

use std::collections::BTreeMap;

use aws_sdk_dynamodb::{primitives::Blob, types::AttributeValue};
use serde::{Deserialize, Serialize};
use trust::{
    time::{Day, Moment},
    uptime::{names::Vantage, shard::ShardId, slot::Outcome, span::Span},
};

use crate::{
    Freshness, Table, TableError,
    item::{self, Range, number},
    keys,
};

/// Days for which segments are kept after theirs. Fewer, and a day that could not be sealed for weeks would be lost; more is only
/// paid for.
pub const SEGMENTS_KEPT_DAYS: u16 = 40;

/// The form of the bytes: the first of them.
const FORM: u8 = 1;

/// What one worker saw of a shard in the slots that began within one minute.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Segment {
    /// The minute.
    pub minute: Moment,
    /// From where.
    pub vantage: Vantage,
    /// What it saw.
    pub seen: Seen,
}

/// What a worker saw, by the monitors' numbers in their shard.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Seen {
    /// The outcomes of the attempts at each, in their order, as they count: what came too late is nothing.
    pub outcomes: BTreeMap<u32, Vec<Outcome>>,
    /// When certificates expire, of those that do soon: Unix seconds.
    pub expiring: BTreeMap<u32, i64>,
}

impl Table {
    /// Writes a segment. `run` tells apart all work on the same minute: of two with the same, the later replaces the earlier.
    pub async fn write_segment(
        &self,
        shard: ShardId,
        segment: &Segment,
        run: &str,
    ) -> Result<(), TableError> {
        let Segment { minute, vantage, seen } = segment;
        let day = minute.day();
        let mut bytes = vec![FORM];
        let body = postcard::to_allocvec(seen).map_err(|error| TableError::corrupt("segment", &error))?;
        bytes.extend(body);
        let mut item = item::keyed(&keys::segment(shard, *minute, vantage, run));
        item.insert("seen".to_owned(), AttributeValue::B(Blob::new(bytes)));
        item.insert(
            "expires_at".to_owned(),
            number(day.start().unix() + i64::from(SEGMENTS_KEPT_DAYS + 1) * 86_400),
        );
        self.put(item).await
    }

    /// What was seen of a shard in the slots of a day, by minute, as what `keep` makes of each: a day of a full shard is large.
    pub async fn segments<T>(
        &self,
        shard: ShardId,
        day: Day,
        freshness: Freshness,
        keep: impl Fn(Segment) -> T,
    ) -> Result<Vec<T>, TableError> {
        let minutes = Span { from: day.start(), until: day.next().start() };
        self.segments_within(shard, minutes, freshness, keep).await
    }

    /// The same of the minutes within a stretch of one day.
    pub async fn segments_within<T>(
        &self,
        shard: ShardId,
        minutes: Span,
        freshness: Freshness,
        keep: impl Fn(Segment) -> T,
    ) -> Result<Vec<T>, TableError> {
        let Span { from, until } = minutes;
        // Keys of a minute are longer than the minute, so that the one it ends before is not in the range.
        let (day, from, to) = (from.day(), keys::padded(from), keys::padded(until));
        let range = Range { pk: keys::segments(shard, day), from: &from, to: &to };
        self.query_all(&range, freshness).await?.iter().map(|item| Ok(keep(read(item)?))).collect()
    }
}

fn read(item: &item::Item) -> Result<Segment, TableError> {
    let key = item::sort_key(item);
    let corrupt = |cause: &str| TableError::corrupt(key, cause);
    let mut parts = key.split('#');
    let minute = parts.next().and_then(|text| text.parse().ok()).and_then(Moment::from_unix);
    let minute = minute.ok_or_else(|| corrupt("no minute"))?;
    let vantage = parts.next().and_then(|text| text.parse().ok()).ok_or_else(|| corrupt("no vantage"))?;
    let bytes = item.get("seen").and_then(|seen| seen.as_b().ok()).map(AsRef::as_ref);
    let seen = match bytes {
        Some([FORM, body @ ..]) => postcard::from_bytes(body).map_err(|error| corrupt(&error.to_string()))?,
        _ => return Err(corrupt("not a segment of a known form")),
    };
    Ok(Segment { minute, vantage, seen })
}
