//! Working on one setup: beginning, noting, and what becomes of it.

use std::collections::BTreeSet;

use table::{Stored, Table, TableError};
use trust::{
    id::{ContractId, ProviderId},
    setup::{Attempts, ContractChat, ContractStep, ProviderChat, ProviderStep},
    time::Moment,
};

use super::{Chat, Unfinished};
use crate::App;

/// How far something has come that is set up step by step.
pub(super) trait Progress: Sized {
    type Subject: std::fmt::Display;
    type Step: Ord + Copy;

    fn attempts(&mut self) -> &mut Attempts;
    fn done(&self) -> &BTreeSet<Self::Step>;
    fn done_mut(&mut self) -> &mut BTreeSet<Self::Step>;
    async fn read(table: &Table, of: &Self::Subject) -> Result<Option<Stored<Self>>, TableError>;
    async fn write(&self, table: &Table, of: &Self::Subject, read: u64) -> Result<(), TableError>;
}

/// A setup that is ours to work on.
pub(super) struct Work<'a, P: Progress> {
    pub(super) app: &'a App,
    pub(super) chat: &'a Chat,
    pub(super) id: &'a P::Subject,
    pub(super) now: Moment,
    /// What was noted last.
    pub(super) so_far: P,
    version: u64,
}

impl<'a, P: Progress> Work<'a, P> {
    /// Begins, if it is time and nobody else is at it.
    pub(super) async fn begin(
        (app, chat): (&'a App, &'a Chat),
        id: &'a P::Subject,
        now: Moment,
    ) -> Result<Option<Self>, TableError> {
        let Some(Stored { value, version }) = P::read(&app.table, id).await? else { return Ok(None) };
        let mut work = Self { app, chat, id, now, so_far: value, version };
        let before = work.so_far.attempts().clone();
        if !before.is_due(now) {
            return Ok(None);
        }
        work.note(|so_far| *so_far.attempts() = before.begin(now)).await?;
        Ok(Some(work))
    }

    /// Notes what has become of it.
    pub(super) async fn finish(mut self, outcome: Result<(), Unfinished>) -> Result<(), TableError> {
        let attempts = match outcome {
            Ok(()) => Attempts::finished(),
            Err(Unfinished::Trouble(trouble)) => {
                tracing::warn!(of = %self.id, reason = trouble.reason, "chat is not set up yet");
                self.so_far.attempts().failed(trouble, self.now)
            }
            Err(Unfinished::Table(error)) => return Err(error),
        };
        self.note(|so_far| *so_far.attempts() = attempts).await
    }

    /// Notes something, on condition that nobody else has noted anything meanwhile.
    pub(super) async fn note(&mut self, change: impl FnOnce(&mut P)) -> Result<(), TableError> {
        change(&mut self.so_far);
        self.so_far.write(&self.app.table, self.id, self.version).await?;
        self.version += 1;
        Ok(())
    }

    /// Notes that a step is done.
    pub(super) async fn noted(&mut self, step: P::Step) -> Result<(), TableError> {
        self.note(|so_far| {
            so_far.done_mut().insert(step);
        })
        .await
    }

    /// Whether a step is done.
    pub(super) fn is_done(&self, step: P::Step) -> bool {
        self.so_far.done().contains(&step)
    }
}

impl Progress for ProviderChat {
    type Subject = ProviderId;
    type Step = ProviderStep;

    fn attempts(&mut self) -> &mut Attempts {
        &mut self.attempts
    }

    fn done(&self) -> &BTreeSet<ProviderStep> {
        &self.done
    }

    fn done_mut(&mut self) -> &mut BTreeSet<ProviderStep> {
        &mut self.done
    }

    async fn read(table: &Table, of: &ProviderId) -> Result<Option<Stored<Self>>, TableError> {
        table.provider_chat(of).await
    }

    async fn write(&self, table: &Table, of: &ProviderId, read: u64) -> Result<(), TableError> {
        table.write_provider_chat(of, self, read).await
    }
}

impl Progress for ContractChat {
    type Subject = ContractId;
    type Step = ContractStep;

    fn attempts(&mut self) -> &mut Attempts {
        &mut self.attempts
    }

    fn done(&self) -> &BTreeSet<ContractStep> {
        &self.done
    }

    fn done_mut(&mut self) -> &mut BTreeSet<ContractStep> {
        &mut self.done
    }

    async fn read(table: &Table, of: &ContractId) -> Result<Option<Stored<Self>>, TableError> {
        table.contract_chat(of).await
    }

    async fn write(&self, table: &Table, of: &ContractId, read: u64) -> Result<(), TableError> {
        table.write_contract_chat(of, self, read).await
    }
}
