//! A change of the score policy, for all providers at once: what everybody would be by another policy, made beside what is served
//! ([`compute`]); how ranks would move ([`compare`]); and once that policy is in force, everybody's summary by it ([`switch`]).
//!
//! A run notes how far it is after every page of providers, so that one that was stopped goes on, and two of the same kind at once are
//! found out. It keeps to a rate, and holds one page at a time.

mod comparison;
mod pace;
mod walk;

use std::num::NonZeroU32;

use table::{Candidate, RunKind, Sort, Table, TableError};
use trust::{
    id::ProviderId,
    policy::{InvalidPolicy, Policy},
    time::Moment,
};

pub use comparison::{Comparison, Standing};

use crate::{Changed, preview, summarise_anew};

/// Candidates and cards read at a time, far below the megabyte that a query reads at most.
const READ: u16 = 500;

/// How a run goes over all providers.
#[derive(Debug, Clone, Copy)]
pub struct Limits {
    /// The most providers a second.
    pub per_second: NonZeroU32,
    /// The time.
    pub now: fn() -> Moment,
}

/// What a run tells while it goes on.
#[derive(Debug)]
pub enum News<'a> {
    /// It begins, or goes on where an earlier one was stopped.
    Started {
        /// When it first began; candidates are as of then.
        as_of: Moment,
        /// How many providers are done.
        done: u64,
    },
    /// So many providers are done.
    Done(u64),
    /// A provider could not be done.
    Failed(&'a ProviderId, &'a TableError),
}

/// Why a run has stopped. What is done is noted.
#[derive(Debug, thiserror::Error)]
pub enum RescoreError {
    /// The table could not be read or written. Begun again, the run goes on.
    #[error(transparent)]
    Table(#[from] TableError),
    /// Somebody else is at the same run.
    #[error("another run of the same kind is at work")]
    AnotherRun,
    /// Candidates are of another policy that goes by the same version.
    #[error("the candidates of {0} were made by another policy of that version: drop them first")]
    OtherPolicy(String),
    /// Some or all providers have no candidate, so nobody can have seen what the policy changes.
    #[error("there is not a candidate by {0} for every provider: compute them first")]
    NotComputed(String),
    /// So many fail that it is not about them.
    #[error("too many providers can not be done, the last one because: {0}")]
    TooManyFailed(TableError),
    /// The policy can not be told from others.
    #[error(transparent)]
    Policy(#[from] InvalidPolicy),
}

/// What a run has come to.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Outcome {
    /// How many providers are done, by this run and those it goes on from.
    pub done: u64,
    /// Who could not be done. The same run, begun again, tries those.
    pub failed: Vec<ProviderId>,
}

/// Makes a candidate by this policy for every registered provider, all as of when the run began.
pub async fn compute(
    table: &Table,
    policy: &Policy,
    limits: Limits,
    tell: impl FnMut(News<'_>),
) -> Result<Outcome, RescoreError> {
    let walk = walk::Walk { table, policy, kind: RunKind::Compute, limits };
    let work = async |provider: &ProviderId, as_of: Moment| {
        let summary = preview(table, policy, provider, as_of).await?;
        table.write_candidate(&policy.version, &Candidate::of(&summary)).await
    };
    walk.go(work, tell).await
}

/// Makes the summary of every registered provider by this policy, which is to be in force already: else the next change of his makes it
/// by another one again. Refused where [`compute`] has not finished.
pub async fn switch(
    table: &Table,
    policy: &Policy,
    limits: Limits,
    tell: impl FnMut(News<'_>),
) -> Result<Outcome, RescoreError> {
    computed(table, policy).await?;
    let walk = walk::Walk { table, policy, kind: RunKind::Switch, limits };
    let nothing = Changed::default();
    let work =
        async |provider: &ProviderId, _| summarise_anew(table, policy, provider, &nothing, limits.now).await;
    walk.go(work, tell).await
}

/// Sets candidates by this policy beside the summaries that are served. Refused where [`compute`] has not finished.
///
/// Holds some hundred bytes of every provider.
pub async fn compare(table: &Table, policy: &Policy) -> Result<Comparison, RescoreError> {
    let as_of = computed(table, policy).await?;
    let mut comparison = Comparison::new(policy.version.clone(), as_of);
    let mut last: Option<ProviderId> = None;
    loop {
        let page = table.candidates(&policy.version, last.as_ref(), READ).await?;
        let Some(latest) = page.last() else { break };
        last = Some(latest.provider.clone());
        for candidate in page {
            let points = candidate.score.as_ref().map(|score| (score.points, score.low));
            let standing = Standing { track: candidate.track, points, flags: candidate.flags };
            comparison.candidate(candidate.provider, standing);
        }
    }
    let mut after = None;
    loop {
        let page = table.providers(Sort::Score, after.as_ref(), READ).await?;
        for (card, _) in page.items {
            let flags = card.flags.iter().map(|flag| flag.concern).collect();
            let points = card.score.map(|(points, low, _)| (points, low));
            let served = Standing { track: card.track, points, flags };
            comparison.served(&card.provider, served, card.as_of);
        }
        after = page.next;
        if after.is_none() {
            return Ok(comparison);
        }
    }
}

/// Deletes all candidates by the policy of this version, at most so many a second, and forgets its runs. Returns how many there were.
pub async fn drop_candidates(
    table: &Table,
    version: &str,
    per_second: NonZeroU32,
) -> Result<u64, RescoreError> {
    // First what says that they are complete.
    table.forget_run(RunKind::Compute, version).await?;
    table.forget_run(RunKind::Switch, version).await?;
    let mut pace = pace::Pace::new(per_second);
    let (begun, mut dropped) = (tokio::time::Instant::now(), 0);
    loop {
        let some = table.drop_candidates(version).await?;
        if some == 0 {
            return Ok(dropped);
        }
        dropped += some as u64;
        let wait = (0..some).map(|_| pace.admit(begun.elapsed())).max().unwrap_or_default();
        tokio::time::sleep(wait).await;
    }
}

/// As of when candidates are, if there is one for everybody.
async fn computed(table: &Table, policy: &Policy) -> Result<Moment, RescoreError> {
    let run = table.run(RunKind::Compute, &policy.version).await?.map(|stored| stored.value);
    match run {
        Some(run) if run.fingerprint != policy.fingerprint()? => {
            Err(RescoreError::OtherPolicy(policy.version.clone()))
        }
        Some(run) if run.is_finished() => Ok(run.as_of),
        _ => Err(RescoreError::NotComputed(policy.version.clone())),
    }
}
