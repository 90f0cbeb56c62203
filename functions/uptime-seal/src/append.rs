//! Appending: what waits gets its place in the log, and the log's new head is signed.
//!
//! In the order that [`table`]'s log gives: leaves are staged, tiles stored, the checkpoint replaced, the places noted, and each
//! step can be done again. Before anything is signed the new tree is proven to begin with all of the last published one; if it does
//! not, or the store holds another tree than was published, nothing is signed, and the metric `LogForked` raises the alarm. In the end
//! the witnesses are asked to cosign.

use std::{collections::BTreeMap, time::Duration};

use lambda::secrets::SecretsUnavailable;
use table::{LeafName, LogHead, Stored, Table, TableError};
use tokio::time::Instant;
use transparency::{
    checkpoint::{Candidate, Fork, Published, WrongKey},
    leaf::{InvalidLeaf, Leaf},
    note::NoteError,
    tile::Tile,
    tree::{self, Head, TreeError},
};
use trust::time::Moment;

use crate::{
    App, RACES,
    cosign::cosign,
    keys::{self, AnnounceError, Keys, UnusableKeys},
};

/// Most leaves that are appended at once. More would outgrow the head's item.
const ROUND: u16 = 1000;

/// How long one run begins further rounds; what is left waits for the next. Less than the function's time by more than a round takes.
const TIME: Duration = Duration::from_secs(200);

/// Why nothing was appended.
#[derive(Debug, thiserror::Error)]
pub enum AppendError {
    /// The table could not be read or written.
    #[error(transparent)]
    Table(#[from] TableError),
    /// The secrets can not be had.
    #[error(transparent)]
    Secrets(#[from] SecretsUnavailable),
    /// The keys can not be used.
    #[error(transparent)]
    Keys(#[from] UnusableKeys),
    /// The last checkpoint is not signed by one of the keys. If a key was replaced, the one before has to sign beside it for a while.
    #[error("the last checkpoint: {0}")]
    Checkpoint(#[from] NoteError),
    /// What waits is no leaf.
    #[error("the leaf {name:?}: {reason}")]
    Leaf {
        /// Which.
        name: LeafName,
        /// What is wrong with it.
        reason: InvalidLeaf,
    },
    /// The store holds another tree than was published.
    #[error("the log is stopped: {0}")]
    Tree(#[from] TreeError),
    /// The new tree does not begin with all of the published one.
    #[error("the log is stopped: {0}")]
    Fork(#[from] Fork),
    /// A key is another log's.
    #[error(transparent)]
    WrongKey(#[from] WrongKey),
}

impl From<AnnounceError> for AppendError {
    fn from(error: AnnounceError) -> Self {
        match error {
            AnnounceError::Keys(error) => error.into(),
            AnnounceError::Table(error) => error.into(),
        }
    }
}

/// Appends what waits, and says how many leaves that were. Without a key in the secrets there is no log, and all keeps waiting.
pub async fn append(app: &App, now: Moment) -> Result<usize, AppendError> {
    let document = app.secrets.current().await?;
    let Some(signer) = &document.log else { return Ok(0) };
    let keys = Keys::of(signer)?;
    let mut appended = 0;
    let mut races = 0;
    let until = Instant::now() + TIME;
    while Instant::now() < until {
        match round(&app.table, &keys, now).await {
            Ok(0) => break,
            Ok(leaves) => appended += leaves,
            Err(AppendError::Table(TableError::Conflict)) if races < RACES => {
                races += 1;
                tracing::debug!("another writer was faster");
            }
            Err(error) => {
                if matches!(error, AppendError::Tree(_) | AppendError::Fork(_)) {
                    app.metrics.count("LogForked", 1, now);
                }
                return Err(error);
            }
        }
    }
    app.metrics.count("AppendedLeaves", appended, now);
    cosign(app, &keys, now).await;
    if appended > 0 {
        drop_filled(&app.table, &keys).await?;
    }
    Ok(appended)
}

/// Deletes the partial tiles that are full by now: whoever still asks for one of them finds the full one in its place, by the
/// specification. What is left when this is cut off goes with the next.
async fn drop_filled(table: &Table, keys: &Keys) -> Result<(), AppendError> {
    let head = table.log_head().await?.value;
    let size = Published::open(&head.checkpoint, &keys.public())?.head().size;
    for partial in table.partial_tiles().await? {
        let Ok(tile) = partial.path.parse::<Tile>() else { continue };
        if Tile::of_tree(tile.content(), tile.index(), size).is_some_and(Tile::is_full) {
            table.delete_partial(&partial).await?;
        }
    }
    Ok(())
}

/// One round: finishes what was begun, or begins and finishes the next.
async fn round(table: &Table, keys: &Keys, now: Moment) -> Result<usize, AppendError> {
    let stored = table.log_head().await?;
    if stored.value.checkpoint.is_empty() {
        let empty = Candidate::of_empty_log(keys.current().public().origin().clone());
        let checkpoint = empty.sign(keys.current(), &keys.others())?.note().to_owned();
        table.write_log_head(&LogHead { checkpoint, ..LogHead::default() }, stored.version).await?;
        return Box::pin(round(table, keys, now)).await;
    }
    // Before anything is said of keys: those that do not go on with the log are not its.
    let published = Published::open(&stored.value.checkpoint, &keys.public())?;
    keys::announce(table, keys, now).await?;
    let Some(staged) = stage(table, stored, published.head().size).await? else { return Ok(0) };
    let Stored { value: head, version } = staged;
    let (head, version) = if published.head().size == head.first {
        let checkpoint = sign(table, keys, &published, &head.staged).await?;
        let signed = LogHead { checkpoint, ..head };
        table.write_log_head(&signed, version).await?;
        (signed, version + 1)
    } else {
        (head, version)
    };
    table.place_leaves(&head.staged, head.first).await?;
    table.write_log_head(&LogHead { staged: Vec::new(), ..head.clone() }, version).await?;
    Ok(head.staged.len())
}

/// What is staged, or what waits, staged by this. `None` if nothing waits.
async fn stage(
    table: &Table,
    stored: Stored<LogHead>,
    size: u64,
) -> Result<Option<Stored<LogHead>>, TableError> {
    if !stored.value.staged.is_empty() {
        return Ok(Some(stored));
    }
    let staged = table.awaiting_leaves(ROUND).await?;
    if staged.is_empty() {
        return Ok(None);
    }
    let head = LogHead { staged, first: size, ..stored.value };
    table.write_log_head(&head, stored.version).await?;
    Ok(Some(Stored { value: head, version: stored.version + 1 }))
}

/// Stores the tiles with these leaves, and signs the head they lead to.
async fn sign(
    table: &Table,
    keys: &Keys,
    published: &Published,
    staged: &[LeafName],
) -> Result<String, AppendError> {
    let leaves = table.staged_leaves(staged).await?;
    let leaf = |(bytes, name): (Vec<u8>, &LeafName)| {
        Leaf::from_bytes(bytes).map_err(|reason| AppendError::Leaf { name: name.clone(), reason })
    };
    let leaves = leaves.into_iter().zip(staged).map(leaf).collect::<Result<Vec<_>, _>>()?;
    let old = published.head();
    let mut tiles = BTreeMap::new();
    fetch(table, &mut tiles, tree::needed_to_append(old.size)).await?;
    let appended = tree::append(&tiles, old, &leaves)?;
    tiles.extend(appended.tiles.clone());
    let proof = extension(table, &mut tiles, old, appended.head).await?;
    let candidate = Candidate::after(published, appended.head, &proof)?;
    for (tile, bytes) in &appended.tiles {
        table.write_tile(&tile.to_string(), bytes).await?;
    }
    Ok(candidate.sign(keys.current(), &keys.others())?.note().to_owned())
}

async fn extension(
    table: &Table,
    tiles: &mut BTreeMap<Tile, Vec<u8>>,
    old: Head,
    new: Head,
) -> Result<Vec<transparency::hash::Hash>, AppendError> {
    fetch(table, tiles, tree::needed_to_extend(old.size, new.size)).await?;
    Ok(tree::prove_extension(tiles, old, new)?)
}

/// Fetches those of the tiles that are not there yet.
pub(crate) async fn fetch(
    table: &Table,
    tiles: &mut BTreeMap<Tile, Vec<u8>>,
    needed: Vec<Tile>,
) -> Result<(), TableError> {
    let missing: Vec<Tile> = needed.into_iter().filter(|tile| !tiles.contains_key(tile)).collect();
    let paths: Vec<String> = missing.iter().map(Tile::to_string).collect();
    let found = table.tiles(&paths).await?;
    tiles.extend(missing.into_iter().zip(found).filter_map(|(tile, bytes)| Some((tile, bytes?))));
    Ok(())
}
