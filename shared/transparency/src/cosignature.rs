//! What a witness says of a checkpoint (C2SP `tlog-cosignature`, the Ed25519 kind): that as of a time, this is the largest tree it has
//! seen of the log, and that it begins with every other one it has seen. Who trusts the witness knows that the log has shown him no
//! other tree than others.
//!
//! It is a further signature line of the checkpoint's note: the witness's name, then in base64 four bytes of key id, eight of the time
//! in Unix seconds, big-endian, and 64 of an Ed25519 signature over the lines `cosignature/v1` and `time`, a space, those seconds, and
//! the checkpoint's text. A witness is known by a verifier key of signature type 0x04.

use std::{fmt, str::FromStr};

use trust::time::Moment;

use crate::{
    checkpoint::Published,
    key::{ED25519_COSIGNATURE, InvalidKey, Named, Origin},
    note::{Line, Note},
};

/// What a witness's cosignatures are verified with: `<name>+<key id>+<base64 of 0x04 and the public key>`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct WitnessKey(Named);

impl WitnessKey {
    /// The key of a witness with these bytes.
    pub fn from_bytes(name: Origin, bytes: &[u8; 32]) -> Result<Self, InvalidKey> {
        Named::new(name, ED25519_COSIGNATURE, bytes).map(Self)
    }

    /// What the witness is called, for which a URL without its scheme is recommended.
    pub fn name(&self) -> &Origin {
        &self.0.name
    }

    /// What signature lines call it by, besides the name.
    pub fn id(&self) -> [u8; 4] {
        self.0.id
    }

    /// When this line was signed, if it is a cosignature of this key on the text.
    fn verify(&self, text: &str, line: &Line<'_>) -> Option<Moment> {
        let (seconds, signature) = line.signature.split_first_chunk()?;
        let seconds = u64::from_be_bytes(*seconds);
        let signed = format!("cosignature/v1\ntime {seconds}\n{text}");
        let time = Moment::from_unix(i64::try_from(seconds).ok()?)?;
        self.0.verifies(&signed, signature).then_some(time)
    }

    /// The latest of this witness's cosignatures among a note's signatures, none of which may be wrong.
    fn latest<'n>(&self, note: &'n Note<'n>) -> Result<(Moment, &'n Line<'n>), NotCosigned> {
        let is_ours = |line: &&Line<'_>| line.name == self.name().as_str() && line.id == self.id();
        let mut latest = None;
        for line in note.signatures.iter().filter(is_ours) {
            let time = self.verify(note.text, line).ok_or_else(|| NotCosigned::Wrong(self.to_string()))?;
            if latest.is_none_or(|(before, _)| before < time) {
                latest = Some((time, line));
            }
        }
        latest.ok_or_else(|| NotCosigned::Missing(self.to_string()))
    }
}

impl fmt::Display for WitnessKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.write(f, ED25519_COSIGNATURE)
    }
}

impl FromStr for WitnessKey {
    type Err = InvalidKey;
    fn from_str(text: &str) -> Result<Self, InvalidKey> {
        Named::parse(text, ED25519_COSIGNATURE, InvalidKey::NotCosigning).map(Self)
    }
}

/// Why a checkpoint does not count as cosigned by a witness.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum NotCosigned {
    /// The witness has not cosigned it.
    #[error("the witness {0} has not cosigned the checkpoint")]
    Missing(String),
    /// The witness is said to have cosigned it, but has not, or not at a time that exists.
    #[error("the cosignature of the witness {0} does not fit the checkpoint")]
    Wrong(String),
    /// Not signature lines, or more of them than a note can have.
    #[error("these are not signature lines, or too many")]
    Malformed,
}

impl Published {
    /// When this witness cosigned the checkpoint; the last time, if more than once. Until then, it had seen no other tree of the log,
    /// and none larger.
    pub fn cosigned(&self, witness: &WitnessKey) -> Result<Moment, NotCosigned> {
        let note = Note::parse(self.note()).map_err(|_| NotCosigned::Malformed)?;
        witness.latest(&note).map(|(time, _)| time)
    }

    /// This checkpoint with the cosignature that is among the signature lines a witness answered with. What else is there is left out.
    pub fn with_cosignature(&self, witness: &WitnessKey, lines: &str) -> Result<Self, NotCosigned> {
        let text = Note::parse(self.note()).map_err(|_| NotCosigned::Malformed)?.text;
        let answered = format!("{text}\n{lines}");
        let note = Note::parse(&answered).map_err(|_| NotCosigned::Malformed)?;
        if note.text != text {
            return Err(NotCosigned::Malformed);
        }
        let (_, line) = witness.latest(&note)?;
        let cosigned = self.with_line(&line.to_string());
        Note::parse(cosigned.note()).map_err(|_| NotCosigned::Malformed)?;
        Ok(cosigned)
    }
}

#[cfg(test)]
mod tests;
