//! Candidates: every provider's score by a policy that is not in force, beside the summaries that are served; and how far the runs are
//! that make them, or that make the summaries by another policy.
//!
//! The candidates of a policy are one partition, in the order of providers, so that they are read in few queries and go together. They
//! stand where the table's stream is not followed: nothing happens because of them.

use aws_sdk_dynamodb::types::{DeleteRequest, ReturnConsumedCapacity, WriteRequest};
use serde::{Deserialize, Serialize};
use trust::{
    id::ProviderId,
    summary::{Concern, Summary, Track},
    time::Moment,
};

use crate::{
    Cursor, HistoryEntry, Stored, Table, TableError,
    error::unavailable,
    item::{self, Item, Order, Range, built},
    keys::{self, END, Key},
};

/// What a provider would be by a policy.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Candidate {
    /// The provider.
    pub provider: ProviderId,
    /// When.
    pub as_of: Moment,
    /// How far he has come.
    pub track: Track,
    /// What he would be flagged for, the gravest first.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub flags: Vec<Concern>,
    /// His score; absent for a new one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub score: Option<HistoryEntry>,
}

impl Candidate {
    /// What of a summary is kept.
    pub fn of(summary: &Summary) -> Self {
        Self {
            provider: summary.provider.clone(),
            as_of: summary.as_of,
            track: summary.track,
            flags: summary.flags.iter().map(|flag| flag.concern).collect(),
            score: summary.score.as_ref().map(HistoryEntry::of),
        }
    }
}

/// What a run over all providers does.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum RunKind {
    /// Makes candidates.
    Compute,
    /// Makes the summaries that are served.
    Switch,
}

/// How far a run over all providers is.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Run {
    /// The fingerprint of its policy.
    pub fingerprint: String,
    /// When it began. Candidates are as of then, whenever they are made.
    pub as_of: Moment,
    /// How many providers are done.
    pub done: u64,
    /// Behind whom it goes on.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub after: Option<Cursor>,
    /// Whether it has come to the last.
    pub at_end: bool,
    /// Who could not be done.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub failed: Vec<ProviderId>,
}

impl Run {
    /// One that is about to begin.
    pub fn begin(fingerprint: String, as_of: Moment) -> Self {
        Self { fingerprint, as_of, done: 0, after: None, at_end: false, failed: Vec::new() }
    }

    /// Whether everybody is done.
    pub fn is_finished(&self) -> bool {
        self.at_end && self.failed.is_empty()
    }
}

/// The most items one call deletes.
const DELETED: i32 = 25;

/// Sorts before every id.
const FIRST: &str = "-";

impl Table {
    /// Writes what a provider would be by the policy of this version.
    pub async fn write_candidate(&self, policy: &str, candidate: &Candidate) -> Result<(), TableError> {
        self.put(item::item(&keys::candidate(policy, &candidate.provider), candidate)?).await
    }

    /// What a provider would be by the policy of this version.
    pub async fn candidate(
        &self,
        policy: &str,
        provider: &ProviderId,
    ) -> Result<Option<Candidate>, TableError> {
        self.get(&keys::candidate(policy, provider)).await?.map(item::read).transpose()
    }

    /// At most `limit` candidates by the policy of this version, in the order of providers, behind one of them. Fewer may be a page,
    /// too; none are the end.
    pub async fn candidates(
        &self,
        policy: &str,
        after: Option<&ProviderId>,
        limit: u16,
    ) -> Result<Vec<Candidate>, TableError> {
        // No id holds a character below '-', so this is the next possible one.
        let from = after.map_or_else(|| FIRST.to_owned(), |last| format!("{last} "));
        let range = Range { pk: keys::candidates(policy), from: &from, to: END };
        let (items, _) = self.page(&range, Order::Ascending, i32::from(limit)).await?;
        items.into_iter().map(item::read).collect()
    }

    /// Deletes some of the candidates by the policy of this version, and says how many; none are left after 0.
    pub async fn drop_candidates(&self, policy: &str) -> Result<usize, TableError> {
        let range = Range { pk: keys::candidates(policy), from: FIRST, to: END };
        let (some, _) = self.page(&range, Order::Ascending, DELETED).await?;
        if some.is_empty() {
            return Ok(0);
        }
        let delete = |item: &Item| {
            let key = Key { pk: range.pk.clone(), sk: item::sort_key(item).to_owned() };
            let delete = DeleteRequest::builder().set_key(Some(item::keyed(&key))).build();
            Ok(WriteRequest::builder().delete_request(built(delete)?).build())
        };
        let deletes: Vec<WriteRequest> = some.iter().map(delete).collect::<Result<_, TableError>>()?;
        let output = self
            .client
            .batch_write_item()
            .request_items(&self.name, deletes)
            .return_consumed_capacity(ReturnConsumedCapacity::Total)
            .send()
            .await
            .map_err(unavailable)?;
        for capacity in output.consumed_capacity() {
            self.charge_write(Some(capacity));
        }
        // What is left over is found again by the next call.
        Ok(some.len())
    }

    /// How far a run is.
    pub async fn run(&self, kind: RunKind, policy: &str) -> Result<Option<Stored<Run>>, TableError> {
        self.stored(&keys::run(kind, policy)).await
    }

    /// Writes how far a run is that was read with this version. Somebody else at the same run is a conflict.
    pub async fn write_run(
        &self,
        kind: RunKind,
        policy: &str,
        run: &Run,
        read: u64,
    ) -> Result<(), TableError> {
        self.put_if(item::item(&keys::run(kind, policy), run)?, read).await
    }

    /// Forgets a run.
    pub async fn forget_run(&self, kind: RunKind, policy: &str) -> Result<(), TableError> {
        self.delete_now(&keys::run(kind, policy)).await
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_run_is_finished_when_it_has_come_to_the_end_and_nobody_is_left() {
        let mut run = Run::begin("f".to_owned(), Moment::EPOCH);
        assert!(!run.is_finished());
        run.at_end = true;
        run.failed = vec!["p1".parse().unwrap()];
        assert!(!run.is_finished());
        run.failed.clear();
        assert!(run.is_finished());
    }
}
