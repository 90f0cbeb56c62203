//! The log's published head (C2SP `tlog-checkpoint`): a signed note of three lines, the origin, the number of leaves, and the root.
//!
//! A log whose checkpoints contradict each other has told different people different things, and whoever holds two such notes can
//! prove it; so none may ever be signed. The types see to that: there is no signing but of a [`Candidate`], and no candidate but
//! the empty log a log begins with, and a head that has been proven to extend a checkpoint that was signed before.

use crate::{
    hash::Hash,
    key::{Origin, PublicKey, SecretKey},
    note::{self, Note, NoteError},
    proof::{self, NotProven},
    tree::Head,
};

/// A checkpoint whose signature has been verified.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Published {
    origin: Origin,
    head: Head,
    note: String,
}

impl Published {
    /// The checkpoint that this note is, if it is signed by one at least of the keys that are given for its origin. Give the keys
    /// from before a change of keys, too, and what they signed stays valid.
    pub fn open(note: &str, keys: &[PublicKey]) -> Result<Self, NoteError> {
        let (parsed, origin, head) = parse(note)?;
        parsed.verify(&origin, keys)?;
        Ok(Self { origin, head, note: note.to_owned() })
    }

    /// Which log's it is.
    pub fn origin(&self) -> &Origin {
        &self.origin
    }

    /// The head it speaks of.
    pub fn head(&self) -> Head {
        self.head
    }

    /// The signed note, with all its signatures.
    pub fn note(&self) -> &str {
        &self.note
    }

    /// With one more signature line.
    pub(crate) fn with_line(&self, line: &str) -> Self {
        Self { note: format!("{}{line}\n", self.note), ..self.clone() }
    }
}

/// Why a head must not be signed: the log has published something that contradicts it. Stop, and have a person look.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("the log would fork from its last checkpoint: {0}")]
pub struct Fork(#[from] pub NotProven);

/// A key that belongs to another log.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("the key {key} is not one of {origin}")]
pub struct WrongKey {
    /// The public key.
    pub key: String,
    /// The log that was to be signed for.
    pub origin: Origin,
}

/// A head that may be signed.
#[derive(Debug, Clone, PartialEq, Eq)]
#[must_use]
pub struct Candidate {
    origin: Origin,
    head: Head,
}

impl Candidate {
    /// The first checkpoint of a log, which has no leaves: begin each log by publishing it, once. Every later one follows another.
    pub fn of_empty_log(origin: Origin) -> Self {
        Self { origin, head: Head::empty() }
    }

    /// The head that comes after the last checkpoint, with the proof that it extends it
    /// (from [`prove_extension`](crate::tree::prove_extension)).
    ///
    /// That this checkpoint is the last is for the caller to see to, by keeping it where only one of two writers can replace it:
    /// two heads that both extend an earlier one may contradict each other.
    pub fn after(last: &Published, head: Head, proof: &[Hash]) -> Result<Self, Fork> {
        proof::extended(last.head, head, proof)?;
        Ok(Self { origin: last.origin.clone(), head })
    }

    /// The head itself.
    pub fn head(&self) -> Head {
        self.head
    }

    /// Signs it with the current key, and with others of the log while its readers change from one to the next.
    pub fn sign(self, current: &SecretKey, others: &[&SecretKey]) -> Result<Published, WrongKey> {
        let Self { origin, head } = self;
        let keys = || std::iter::once(current).chain(others.iter().copied());
        if let Some(key) = keys().map(SecretKey::public).find(|key| *key.origin() != origin) {
            return Err(WrongKey { key: key.to_string(), origin });
        }
        let note = note::sign(&write(&origin, head), keys());
        Ok(Published { origin, head, note })
    }
}

/// Takes a checkpoint apart. Nothing of it has been verified.
pub(crate) fn parse(note: &str) -> Result<(Note<'_>, Origin, Head), NoteError> {
    let note = Note::parse(note)?;
    let (origin, head) = read(note.text).ok_or(NoteError::Malformed)?;
    Ok((note, origin, head))
}

fn write(origin: &Origin, head: Head) -> String {
    format!("{origin}\n{}\n{}\n", head.size, head.root)
}

/// Exactly three lines. Others may follow by the specification, which advises against them, and ours never do.
fn read(text: &str) -> Option<(Origin, Head)> {
    let mut lines = text.strip_suffix('\n')?.split('\n');
    let (origin, size, root) = (lines.next()?, lines.next()?, lines.next()?);
    let head = Head { size: decimal(size)?, root: Hash::from_base64(root)? };
    let sound = lines.next().is_none() && (head.size > 0 || head == Head::empty());
    sound.then_some((origin.parse().ok()?, head))
}

/// A number in its one spelling: digits, none of them a needless zero.
pub(crate) fn decimal(text: &str) -> Option<u64> {
    text.parse().ok().filter(|number: &u64| number.to_string() == text)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn key(seed: u8) -> SecretKey {
        SecretKey::from_seed("log.example/uptime".parse().unwrap(), &[seed; 32]).unwrap()
    }

    fn head(size: u64) -> Head {
        let leaf = Hash::of_leaf(b"a");
        let root = match size {
            0 => Hash::of_nothing(),
            1 => leaf,
            _ => Hash::of_node(leaf, Hash::of_leaf(b"b")),
        };
        Head { size, root }
    }

    fn empty() -> Published {
        Candidate::of_empty_log(key(1).public().origin().clone()).sign(&key(1), &[]).unwrap()
    }

    fn keys(seeds: &[u8]) -> Vec<PublicKey> {
        seeds.iter().map(|seed| key(*seed).public().clone()).collect()
    }

    #[test]
    fn a_checkpoint_is_three_lines_and_a_signature() {
        let note = empty().note().to_owned();
        let text =
            "log.example/uptime\n0\n47DEQpj8HBSa+/TImW+5JCeuQeRkm5NMpJWZG3hSuFU=\n\n— log.example/uptime ";
        assert!(note.starts_with(text), "{note}");
        assert_eq!(note.lines().count(), 5);
        assert_eq!(Published::open(&note, &keys(&[1])), Ok(empty()));
    }

    #[test]
    fn a_checkpoint_verifies_with_any_known_key_across_a_change_of_keys() {
        let before = empty();
        let both = Candidate::after(&before, head(1), &[]).unwrap().sign(&key(2), &[&key(1)]).unwrap();
        let after =
            Candidate::after(&both, head(2), &[Hash::of_leaf(b"b")]).unwrap().sign(&key(2), &[]).unwrap();
        for (checkpoint, known, believed) in [
            (&before, &[1][..], true),
            (&before, &[2], false),
            (&before, &[2, 1], true),
            (&both, &[1], true),
            (&both, &[2], true),
            (&after, &[1], false),
            (&after, &[1, 2], true),
            (&after, &[], false),
        ] {
            let opened = Published::open(checkpoint.note(), &keys(known));
            let unsigned = NoteError::Unsigned("log.example/uptime".to_owned());
            assert_eq!(opened, if believed { Ok(checkpoint.clone()) } else { Err(unsigned) }, "{known:?}");
        }
    }

    #[test]
    fn a_head_that_does_not_extend_the_last_checkpoint_can_not_be_signed() {
        let one = Candidate::after(&empty(), head(1), &[]).unwrap().sign(&key(1), &[]).unwrap();
        let other = Head { size: 1, root: Hash::of_leaf(b"c") };
        for (head, proof, reason) in [
            (head(0), &[][..], NotProven::Shrunk { old: 1, new: 0 }),
            (other, &[], NotProven::WrongRoot),
            (head(2), &[], NotProven::WrongLength),
            (head(2), &[Hash::of_leaf(b"c")], NotProven::WrongRoot),
            (head(2), &[Hash::of_leaf(b"b"), Hash::of_leaf(b"b")], NotProven::WrongLength),
            (head(1), &[Hash::of_leaf(b"b")], NotProven::WrongLength),
        ] {
            assert_eq!(Candidate::after(&one, head, proof), Err(Fork(reason)));
        }
        assert!(Candidate::after(&one, head(1), &[]).is_ok(), "the same head may be signed again");
    }

    #[test]
    fn a_key_of_another_log_does_not_sign_or_count() {
        let stranger = SecretKey::from_seed("log.example/other".parse().unwrap(), &[1; 32]).unwrap();
        let candidate = Candidate::of_empty_log(key(1).public().origin().clone());
        assert!(candidate.clone().sign(&stranger, &[]).is_err());
        assert!(candidate.sign(&key(1), &[&stranger]).is_err());
        let forged = note::sign(&write(key(1).public().origin(), head(1)), [&stranger]);
        for known in
            [vec![stranger.public().clone()], vec![stranger.public().clone(), key(1).public().clone()]]
        {
            assert_eq!(
                Published::open(&forged, &known),
                Err(NoteError::Unsigned("log.example/uptime".to_owned()))
            );
        }
    }

    #[test]
    fn a_signed_text_that_is_no_checkpoint_is_refused() {
        let root = head(1).root;
        for text in [
            "log.example/uptime\n".to_owned(),
            "log.example/uptime\n1\n".to_owned(),
            format!("log.example/uptime\n01\n{root}\n"),
            format!("log.example/uptime\n+1\n{root}\n"),
            format!("log.example/uptime\n\n{root}\n"),
            format!("log.example/uptime\n18446744073709551616\n{root}\n"),
            format!("log.example/uptime\n0\n{root}\n"),
            format!("log.example/uptime\n1\n{}\n", &root.to_string()[4..]),
            format!("log.example/uptime\n1\n{root}\nmore\n"),
            format!("\n1\n{root}\n"),
            format!("log example\n1\n{root}\n"),
        ] {
            let note = note::sign(&text, [&key(1)]);
            assert_eq!(Published::open(&note, &keys(&[1])), Err(NoteError::Malformed), "{text}");
        }
    }
}
