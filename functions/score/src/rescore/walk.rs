//! A run over all registered providers, page by page.

use futures_util::{StreamExt, stream::FuturesUnordered};
use table::{Run, RunKind, Table, TableError};
use tokio::time::Instant;
use trust::{id::ProviderId, policy::Policy, time::Moment};

use super::{Limits, News, Outcome, RescoreError, pace::Pace};

/// Providers between two notes of how far the run is. Fewer cost a write more often; with more, a run that was stopped does more twice.
const PAGE: u16 = 100;

/// Providers at work at the same time. Each takes a few calls, one after the other.
const AT_ONCE: usize = 16;

/// The most providers that may fail before the run is given up. They are noted, to be tried again.
const MOST_FAILED: usize = 100;

/// A run: over which table, by which policy and how.
pub(super) struct Walk<'a> {
    pub(super) table: &'a Table,
    pub(super) policy: &'a Policy,
    pub(super) kind: RunKind,
    pub(super) limits: Limits,
}

impl Walk<'_> {
    /// Does the work for everybody; where an earlier run was stopped, for those who are left. The work is told when the run first began.
    ///
    /// Who registers meanwhile is not among them.
    pub(super) async fn go(
        &self,
        work: impl AsyncFn(&ProviderId, Moment) -> Result<(), TableError>,
        mut tell: impl FnMut(News<'_>),
    ) -> Result<Outcome, RescoreError> {
        let (mut run, mut version) = self.begin().await?;
        tell(News::Started { as_of: run.as_of, done: run.done });
        let (mut pace, begun) = (Pace::new(self.limits.per_second), Instant::now());
        loop {
            // Those who have failed come last, by a run that finds nobody else.
            let (providers, next) = if run.at_end {
                (std::mem::take(&mut run.failed), None)
            } else {
                let page = self.table.registered(run.after.as_ref(), PAGE).await?;
                (page.items, page.next)
            };
            let failed = work_off(&providers, async |of| work(of, run.as_of).await, &mut pace, begun).await;
            for (provider, error) in &failed {
                tell(News::Failed(provider, error));
            }
            run.done += (providers.len() - failed.len()) as u64;
            let (failed, mut errors): (Vec<ProviderId>, Vec<TableError>) = failed.into_iter().unzip();
            run.failed.extend(failed);
            if run.failed.len() > MOST_FAILED
                && let Some(last) = errors.pop()
            {
                return Err(RescoreError::TooManyFailed(last));
            }
            run.at_end = next.is_none();
            run.after = next.or(run.after);
            version = self.note(&run, version).await?;
            tell(News::Done(run.done));
            if run.at_end {
                return Ok(Outcome { done: run.done, failed: run.failed });
            }
        }
    }

    /// A run that was stopped, or a new one, noted as ours.
    async fn begin(&self) -> Result<(Run, u64), RescoreError> {
        let fingerprint = self.policy.fingerprint()?;
        let stored = self.table.run(self.kind, &self.policy.version).await?;
        let (run, version) = match stored {
            Some(stored) if stored.value.fingerprint != fingerprint => {
                return Err(RescoreError::OtherPolicy(self.policy.version.clone()));
            }
            Some(stored) if !stored.value.is_finished() => (stored.value, stored.version),
            stored => {
                let version = stored.map_or(0, |stored| stored.version);
                (Run::begin(fingerprint, (self.limits.now)()), version)
            }
        };
        let version = self.note(&run, version).await?;
        Ok((run, version))
    }

    async fn note(&self, run: &Run, version: u64) -> Result<u64, RescoreError> {
        match self.table.write_run(self.kind, &self.policy.version, run, version).await {
            Ok(()) => Ok(version + 1),
            Err(TableError::Conflict) => Err(RescoreError::AnotherRun),
            Err(error) => Err(error.into()),
        }
    }
}

/// Does the work for these providers, several at a time and at the pace, and says for whom it failed, and why.
async fn work_off(
    providers: &[ProviderId],
    work: impl AsyncFn(&ProviderId) -> Result<(), TableError>,
    pace: &mut Pace,
    begun: Instant,
) -> Vec<(ProviderId, TableError)> {
    let mut failed = Vec::new();
    let mut at_work = FuturesUnordered::new();
    let mut end = |provider: &ProviderId, outcome: Result<(), TableError>| {
        if let Err(error) = outcome {
            failed.push((provider.clone(), error));
        }
    };
    let work = &work;
    for provider in providers {
        let admitted = Instant::now() + pace.admit(begun.elapsed());
        let mut waiting = std::pin::pin!(tokio::time::sleep_until(admitted));
        while at_work.len() >= AT_ONCE || Instant::now() < admitted {
            tokio::select! {
                Some((provider, outcome)) = at_work.next(), if !at_work.is_empty() => end(provider, outcome),
                () = &mut waiting, if !waiting.is_elapsed() => {}
            }
        }
        at_work.push(async move { (provider, work(provider).await) });
    }
    while let Some((provider, outcome)) = at_work.next().await {
        end(provider, outcome);
    }
    failed
}
