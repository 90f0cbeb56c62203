//! Documents that are larger than an item: in parts, named by the hash of the whole, with a head that says which whole is in force.
//!
//! The parts are written before the head, so that whoever reads a head finds its parts; the same document written twice, or by two at
//! once, is the same items. Parts that no head names expire.

use aws_sdk_dynamodb::{primitives::Blob, types::AttributeValue};
use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};
use trust::time::Moment;

use crate::{
    Table, TableError,
    item::{self, Range, number},
    keys::{END, Key},
};

/// Bytes of a part. An item may have 400 KB, with its key and names.
const PART: usize = 380_000;

const BYTES: &str = "bytes";

/// Which whole is in force.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Whole {
    /// The first half of its SHA-256, in hex.
    pub(crate) hash: String,
    /// In how many parts it is.
    pub(crate) parts: u32,
}

impl Whole {
    fn of(bytes: &[u8]) -> Self {
        let digest = Sha256::digest(bytes);
        let parts = u32::try_from(bytes.len().div_ceil(PART)).unwrap_or(u32::MAX);
        Self { hash: hex::encode(digest.get(..16).unwrap_or_default()), parts }
    }

    fn key(&self, pk: &str, part: usize) -> Key {
        Key { pk: pk.to_owned(), sk: format!("{}#{part:05}", self.hash) }
    }
}

impl Table {
    /// Writes the parts of a document. They are there until `expires_at`, or longer if the same is written again.
    pub(crate) async fn write_parts(
        &self,
        pk: &str,
        bytes: &[u8],
        expires_at: Moment,
    ) -> Result<Whole, TableError> {
        let whole = Whole::of(bytes);
        for (place, part) in bytes.chunks(PART).enumerate() {
            let mut item = item::keyed(&whole.key(pk, place));
            item.insert(BYTES.to_owned(), AttributeValue::B(Blob::new(part)));
            item.insert("expires_at".to_owned(), number(expires_at.unix()));
            self.put(item).await?;
        }
        Ok(whole)
    }

    /// Reads a document. A part that is missing, or a hash that is another, is a conflict: another document is in force by now.
    pub(crate) async fn read_parts(&self, pk: &str, whole: &Whole) -> Result<Vec<u8>, TableError> {
        let (from, to) = (format!("{}#", whole.hash), format!("{}#{END}", whole.hash));
        let mut bytes = Vec::new();
        for item in self.all(&Range { pk: pk.to_owned(), from: &from, to: &to }).await? {
            let key = item::sort_key(&item);
            let part = item.get(BYTES).and_then(|bytes| bytes.as_b().ok());
            bytes.extend_from_slice(part.ok_or_else(|| TableError::corrupt(key, "no bytes"))?.as_ref());
        }
        if Whole::of(&bytes) == *whole { Ok(bytes) } else { Err(TableError::Conflict) }
    }
}
