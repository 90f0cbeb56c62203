//! The host's turn, as it stands in the table.

use table::{Stored, Table, TableError};
use trust::{
    source::turn::{LEASE, NotYet, Turn},
    time::Moment,
};

/// A turn that is ours until it is given back, or for as long as it lasts.
#[derive(Debug)]
pub(crate) struct Held {
    host: String,
    stored: Stored<Turn>,
}

/// Takes the turn to ask a host. When somebody else was faster, it is his.
pub(crate) async fn take(
    table: &Table,
    host: String,
    now: Moment,
) -> Result<Result<Held, NotYet>, TableError> {
    let Stored { value: free, version } = table.turn(&host).await?;
    let taken = match free.taken(now) {
        Ok(taken) => taken,
        Err(not_yet) => return Ok(Err(not_yet)),
    };
    match table.write_turn(&host, taken, version).await {
        Ok(()) => Ok(Ok(Held { host, stored: Stored { value: taken, version: version + 1 } })),
        Err(TableError::Conflict) => Ok(Err(NotYet::Asked { at_latest: now.plus(LEASE) })),
        Err(error) => Err(error),
    }
}

impl Held {
    /// Gives the turn back, so many seconds before anybody may ask again.
    pub(crate) async fn give_back(self, table: &Table, now: Moment, pause: u32) -> Result<(), TableError> {
        let Stored { value, version } = self.stored;
        match table.write_turn(&self.host, value.given_back(now, pause), version).await {
            // It had lasted too long, and is somebody else's.
            Err(TableError::Conflict) => Ok(()),
            outcome => outcome,
        }
    }
}
