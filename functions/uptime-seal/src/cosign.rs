//! Cosigning: the witnesses are asked to cosign the log's last checkpoint, once it is signed and stored.
//!
//! The log does not wait for them: whoever does not cosign in time is asked again with the next run, and counted
//! (`MissingCosignatures`). Who says that the checkpoint contradicts what he has cosigned before is counted apart
//! (`ContradictedCheckpoints`): either the table was set back to an earlier state, or his was.

use std::{collections::BTreeMap, time::Duration};

use futures_util::future::join_all;
use table::{LogHead, Stored, Table, TableError};
use transparency::{
    Published,
    cosignature::NotCosigned,
    note::NoteError,
    tree::{self, TreeError},
    witness,
};
use trust::time::Moment;

use crate::{
    App,
    append::fetch,
    keys::Keys,
    witnesses::{Answer, NoAnswer, Witness, Witnesses},
};

/// How long a witness may take, being asked twice included. The next run asks again, so that nobody has to wait longer.
const PATIENCE: Duration = Duration::from_secs(10);

/// Seconds that a witness's clock may be ahead of ours. More, and a time that has not come yet would be vouched for.
const AHEAD: i64 = 300;

/// Why a checkpoint could not be cosigned by anybody.
#[derive(Debug, thiserror::Error)]
enum CosignError {
    #[error(transparent)]
    Table(#[from] TableError),
    #[error("the last checkpoint: {0}")]
    Checkpoint(#[from] NoteError),
}

/// Why a witness has not cosigned.
#[derive(Debug, thiserror::Error)]
enum Uncosigned {
    #[error(transparent)]
    NoAnswer(#[from] NoAnswer),
    #[error("no answer in time")]
    Late,
    #[error("it has cosigned the log at the size {0}, which contradicts this checkpoint")]
    Contradicted(u64),
    #[error(transparent)]
    NotCosigned(#[from] NotCosigned),
    #[error("the cosignature is of {0}, which has not come yet")]
    Early(Moment),
    #[error(transparent)]
    Table(#[from] TableError),
    #[error(transparent)]
    Tree(#[from] TreeError),
}

impl Uncosigned {
    fn is_contradiction(&self) -> bool {
        match self {
            Self::Contradicted(_) => true,
            Self::NoAnswer(NoAnswer::Refused(status)) => matches!(status.as_u16(), 409 | 422),
            _ => false,
        }
    }
}

/// Has the witnesses cosign the last checkpoint that have not. What goes wrong is logged and counted, and holds nobody up.
pub(crate) async fn cosign(app: &App, keys: &Keys, now: Moment) {
    let Some(witnesses) = &app.witnesses else { return };
    let missing = collect(app, witnesses, keys, now).await.unwrap_or_else(|error| {
        tracing::warn!(%error, "the checkpoint was not cosigned");
        witnesses.len()
    });
    app.metrics.count("MissingCosignatures", missing, now);
}

/// Collects and stores cosignatures, and says how many are missing.
async fn collect(app: &App, witnesses: &Witnesses, keys: &Keys, now: Moment) -> Result<usize, CosignError> {
    let Stored { value: head, version } = app.table.log_head().await?;
    let published = Published::open(&head.checkpoint, &keys.public())?;
    if published.head().size == 0 {
        return Ok(0);
    }
    let asked: Vec<&Witness> =
        witnesses.iter().filter(|witness| published.cosigned(&witness.key).is_err()).collect();
    let answers = join_all(asked.iter().map(|witness| {
        let asked = Asked { table: &app.table, witnesses, witness, published: &published };
        let remembered = head.witnessed.get(&witness.key.to_string()).copied().unwrap_or_default();
        asked.answer(remembered)
    }))
    .await;
    let (mut cosigned, mut witnessed) = (published.clone(), head.witnessed.clone());
    let (mut missing, mut contradicted) = (0, 0);
    for (witness, answer) in asked.into_iter().zip(answers) {
        match answer.and_then(|lines| take(&cosigned, witness, &lines, now)) {
            Ok(more) => {
                cosigned = more;
                witnessed.insert(witness.key.to_string(), published.head().size);
            }
            Err(reason) => {
                tracing::warn!(witness = %witness.key.name(), %reason, "not cosigned");
                missing += 1;
                contradicted += usize::from(reason.is_contradiction());
            }
        }
    }
    if cosigned != published {
        // Where the log has grown meanwhile, its new checkpoint is to be cosigned, by who made it grow.
        let checkpoint = cosigned.note().to_owned();
        app.table.write_log_head(&LogHead { checkpoint, witnessed, ..head }, version).await?;
    } else if contradicted > 0 {
        // Another of us may have been faster, and what the witness has cosigned is of then.
        let last = app.table.log_head().await?.value;
        if Published::open(&last.checkpoint, &keys.public())?.head() != published.head() {
            return Ok(missing);
        }
    }
    if contradicted > 0 {
        app.metrics.count("ContradictedCheckpoints", contradicted, now);
    }
    Ok(missing)
}

/// A witness who is asked to cosign a checkpoint.
struct Asked<'a> {
    table: &'a Table,
    witnesses: &'a Witnesses,
    witness: &'a Witness,
    published: &'a Published,
}

impl Asked<'_> {
    /// The signature lines it answers. Where it has cosigned the log at another size than is remembered, it is asked once more from
    /// there.
    async fn answer(self, remembered: u64) -> Result<String, Uncosigned> {
        tokio::time::timeout(PATIENCE, self.answer_in_time(remembered)).await.unwrap_or(Err(Uncosigned::Late))
    }

    async fn answer_in_time(&self, remembered: u64) -> Result<String, Uncosigned> {
        let size = self.published.head().size;
        let remembered = remembered.min(size);
        match self.answer_from(remembered).await? {
            Answer::Lines(lines) => Ok(lines),
            Answer::LastSize(last) if last != remembered && last <= size => {
                match self.answer_from(last).await? {
                    Answer::Lines(lines) => Ok(lines),
                    Answer::LastSize(last) => Err(Uncosigned::Contradicted(last)),
                }
            }
            Answer::LastSize(last) => Err(Uncosigned::Contradicted(last)),
        }
    }

    async fn answer_from(&self, old_size: u64) -> Result<Answer, Uncosigned> {
        let head = self.published.head();
        let mut tiles = BTreeMap::new();
        fetch(self.table, &mut tiles, tree::needed_since(old_size, head.size)).await?;
        let proof = tree::prove_since(&tiles, old_size, head)?;
        let request = witness::request(old_size, &proof, self.published);
        Ok(self.witnesses.ask(self.witness, request).await?)
    }
}

/// The checkpoint with a witness's cosignature, which has been verified.
fn take(published: &Published, witness: &Witness, lines: &str, now: Moment) -> Result<Published, Uncosigned> {
    let cosigned = published.with_cosignature(&witness.key, lines)?;
    let time = cosigned.cosigned(&witness.key)?;
    if time > now.plus(AHEAD) { Err(Uncosigned::Early(time)) } else { Ok(cosigned) }
}
