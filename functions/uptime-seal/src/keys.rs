//! The keys of the log, from the secrets, and their change.

use base64::{Engine, engine::general_purpose::STANDARD};
use lambda::secrets::LogSigner;
use table::{LeafName, LogKeys, Table, TableError};
use transparency::key::{InvalidKey, Origin, PublicKey, SecretKey};
use trust::{
    time::Moment,
    uptime::leaves::{InvalidKeyChange, InvalidLogKey, KeyLeaf, LogKey},
};

/// The keys by which the log is signed: the current one first.
pub(crate) struct Keys(Vec<SecretKey>);

/// Why the log's keys can not be used. Mend the secrets.
#[derive(Debug, Clone, thiserror::Error)]
pub enum UnusableKeys {
    /// There are none.
    #[error("the secrets have no key for the log")]
    None,
    /// A seed is not 32 bytes in base64.
    #[error("the seed of key {0} is not 32 bytes in base64")]
    Seed(usize),
    /// The origin is none.
    #[error(transparent)]
    Key(#[from] InvalidKey),
    /// A key of another log was in use before.
    #[error(transparent)]
    Change(#[from] InvalidKeyChange),
    /// A key that was in use before is not one.
    #[error(transparent)]
    Known(#[from] InvalidLogKey),
}

impl Keys {
    pub(crate) fn of(signer: &LogSigner) -> Result<Self, UnusableKeys> {
        let origin: Origin = signer.origin.parse()?;
        let key = |(number, seed): (usize, &lambda::secrets::Secret)| {
            let bytes =
                STANDARD.decode(seed.expose()).ok().and_then(|bytes| <[u8; 32]>::try_from(bytes).ok());
            let seed = bytes.ok_or(UnusableKeys::Seed(number))?;
            Ok(SecretKey::from_seed(origin.clone(), &seed)?)
        };
        let keys = signer.seeds.iter().enumerate().map(key).collect::<Result<Vec<_>, UnusableKeys>>()?;
        if keys.is_empty() { Err(UnusableKeys::None) } else { Ok(Self(keys)) }
    }

    pub(crate) fn current(&self) -> &SecretKey {
        // Never empty, see `of`.
        &self.0[0]
    }

    /// Those that sign beside the current one while readers change over.
    pub(crate) fn others(&self) -> Vec<&SecretKey> {
        self.0.iter().skip(1).collect()
    }

    pub(crate) fn public(&self) -> Vec<PublicKey> {
        self.0.iter().map(|key| key.public().clone()).collect()
    }
}

/// Makes known that the current key is the current one, if it was not before; the log is to say so.
pub(crate) async fn announce(table: &Table, keys: &Keys, now: Moment) -> Result<(), AnnounceError> {
    let stored = table.log_keys().await?;
    let current = keys.current().public().to_string();
    // A key that was current once is not announced again: an instance that still has older secrets would say that it came back.
    if stored.value.keys.iter().any(|(_, known)| *known == current) {
        return Ok(());
    }
    let leaf = match stored.value.keys.last() {
        Some((_, known)) => {
            let leaf = key_leaf(now, &current, known)?;
            Some((LeafName::key(&hex::encode(keys.current().public().id())), leaf.encode()))
        }
        None => None,
    };
    let mut known = stored.value.keys;
    known.push((now, current));
    Ok(table.write_log_keys(&LogKeys { keys: known }, stored.version, leaf).await?)
}

fn key_leaf(now: Moment, current: &str, known: &str) -> Result<KeyLeaf, UnusableKeys> {
    let (key, replaces): (LogKey, LogKey) = (current.parse()?, known.parse()?);
    Ok(KeyLeaf::new(now, key, replaces)?)
}

/// Why a key could not be made known.
#[derive(Debug, thiserror::Error)]
pub(crate) enum AnnounceError {
    #[error(transparent)]
    Keys(#[from] UnusableKeys),
    #[error(transparent)]
    Table(#[from] TableError),
}
