//! Signed notes (C2SP `signed-note`): a text, an empty line, and a line for each signature. Signatures of keys that are not known are
//! left alone, so that keys can change and witnesses can sign, too; one of a known key that does not verify spoils the note.

use std::fmt;

use base64::{Engine, engine::general_purpose::STANDARD};

use crate::key::{ID_LENGTH, Origin, PublicKey, SecretKey};

/// Most bytes of a note. Sixteen signatures of the largest kind known have to fit, which are 7 KB each; more room only gives
/// strangers more to have verified.
pub const LONGEST: usize = 128 * 1024;

/// Most signatures of a note. At least 16 have to be accepted.
pub const MOST_SIGNATURES: usize = 64;

/// Why a note is not believed.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum NoteError {
    /// Not of the form of a signed note.
    #[error("the checkpoint is not a signed note")]
    Malformed,
    /// A key that is known is said to have signed this, but has not.
    #[error("the signature of key {0} does not fit the checkpoint")]
    WrongSignature(String),
    /// None of the keys that are known has signed it.
    #[error("none of the known keys of {0} has signed the checkpoint")]
    Unsigned(String),
}

/// A note taken apart. Nothing of it has been verified.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Note<'a> {
    /// What is signed, its last line end included.
    pub(crate) text: &'a str,
    pub(crate) signatures: Vec<Line<'a>>,
}

/// A signature line. It shows as it is written, without its line end.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Line<'a> {
    pub(crate) name: &'a str,
    pub(crate) id: [u8; ID_LENGTH],
    pub(crate) signature: Vec<u8>,
}

impl<'a> Note<'a> {
    pub(crate) fn parse(note: &'a str) -> Result<Self, NoteError> {
        let foreign = |c: char| c < ' ' && c != '\n';
        if note.len() > LONGEST || note.contains(foreign) {
            return Err(NoteError::Malformed);
        }
        let end = note.rfind("\n\n").ok_or(NoteError::Malformed)?;
        let (text, lines) = (&note[..=end], &note[end + 2..]);
        let lines = lines.strip_suffix('\n').ok_or(NoteError::Malformed)?;
        if lines.split('\n').count() > MOST_SIGNATURES {
            return Err(NoteError::Malformed);
        }
        let signatures =
            lines.split('\n').map(Line::parse).collect::<Option<_>>().ok_or(NoteError::Malformed)?;
        Ok(Self { text, signatures })
    }

    /// Whether one at least of the origin's keys that are given has signed it, and none of them wrongly.
    pub(crate) fn verify(&self, origin: &Origin, keys: &[PublicKey]) -> Result<(), NoteError> {
        let mut signed = false;
        for line in &self.signatures {
            let fits = |key: &&PublicKey| {
                key.origin() == origin && line.name == origin.as_str() && line.id == key.id()
            };
            let mut known = keys.iter().filter(fits).peekable();
            let Some(key) = known.peek().map(ToString::to_string) else {
                continue;
            };
            if !known.any(|key| key.verifies(self.text, &line.signature)) {
                return Err(NoteError::WrongSignature(key));
            }
            signed = true;
        }
        signed.then_some(()).ok_or_else(|| NoteError::Unsigned(origin.to_string()))
    }
}

impl<'a> Line<'a> {
    fn parse(line: &'a str) -> Option<Self> {
        let (name, signature) = line.strip_prefix("— ")?.split_once(' ')?;
        name.parse::<Origin>().ok()?;
        let bytes = STANDARD.decode(signature).ok()?;
        let (id, signature) = bytes.split_first_chunk()?;
        (!signature.is_empty()).then(|| Self { name, id: *id, signature: signature.to_vec() })
    }
}

impl fmt::Display for Line<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "— {} {}", self.name, STANDARD.encode([&self.id[..], &self.signature].concat()))
    }
}

/// The note with this text, signed with each of the keys. The text ends with a line end.
pub(crate) fn sign<'a>(text: &str, keys: impl IntoIterator<Item = &'a SecretKey>) -> String {
    let mut note = format!("{text}\n");
    for key in keys {
        let (name, id) = (key.public().origin().as_str(), key.public().id());
        let line = Line { name, id, signature: key.sign(text).to_vec() };
        note.extend([&line.to_string(), "\n"]);
    }
    note
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    // Of Go's `sumdb/note`.
    const PETER: &str = "PeterNeumann+c74f20a3+ARpc2QcUPDhMQegwxbzhKqiBfsVkmqq/LDE4izWy10TW";
    const PETERS_SECRET: &str =
        "PRIVATE+KEY+PeterNeumann+c74f20a3+AYEKFALVFGyNhPJEMzD1QIDr+Y7hfZx09iUvxdXHKDFz";
    const ENOCH: &str = "EnochRoot+af0cfe78+ATtqJ7zOtqQtYqOo0CpvDXNlMhV3HeJDpjrASKGLWdop";
    const TEXT: &str = "If you think cryptography is the answer to your problem,\n\
                        then you don't know what your problem is.\n";
    const BY_PETER: &str = "— PeterNeumann x08go/ZJkuBS9UG/SffcvIAQxVBtiFupLLr8pAcElZInNIuGUgYN1FFYC2pZSNXgKvqfqdngotpRZb6KE6RyyBwJnAM=\n";
    const BY_ENOCH: &str = "— EnochRoot rwz+eBzmZa0SO3NbfRGzPCpDckykFXSdeX+MNtCOXm2/5n2tiOHp+vAF1aGrQ5ovTG01oOTGwnWLox33WWd1RvMc+QQ=\n";

    fn verify(note: &str, key: &str) -> Result<(), NoteError> {
        let key: PublicKey = key.parse().unwrap();
        Note::parse(note)?.verify(&key.origin().clone(), &[key])
    }

    #[test]
    fn a_note_is_signed_byte_for_byte_as_go_signs_it() {
        let key: SecretKey = PETERS_SECRET.parse().unwrap();
        assert_eq!(sign(TEXT, [&key]), format!("{TEXT}\n{BY_PETER}"));
    }

    #[test]
    fn signatures_of_keys_that_are_not_known_are_left_alone() {
        let both = format!("{TEXT}\n{BY_PETER}{BY_ENOCH}");
        assert_eq!(verify(&both, PETER), Ok(()));
        assert_eq!(verify(&both, ENOCH), Ok(()));
        assert_eq!(verify(&format!("{TEXT}\n{BY_PETER}{BY_PETER}"), PETER), Ok(()));
        let unsigned = Err(NoteError::Unsigned("EnochRoot".to_owned()));
        assert_eq!(verify(&format!("{TEXT}\n{BY_PETER}"), ENOCH), unsigned);
        // The name of one key with the id of another is a third key.
        let mixed = BY_PETER.replace("PeterNeumann", "EnochRoot");
        assert_eq!(verify(&format!("{TEXT}\n{mixed}"), ENOCH), unsigned);
        assert_eq!(verify(&format!("{TEXT}\n{mixed}{BY_ENOCH}"), ENOCH), Ok(()));
    }

    #[test]
    fn one_wrong_signature_of_a_known_key_spoils_the_note() {
        let wrong = Err(NoteError::WrongSignature(PETER.to_owned()));
        let changed = BY_PETER.replace("ZJku", "ZJkv");
        assert_eq!(verify(&format!("{TEXT}\n{changed}"), PETER), wrong);
        assert_eq!(verify(&format!("{TEXT}\n{BY_PETER}{changed}"), PETER), wrong);
        assert_eq!(verify(&format!("{TEXT} \n\n{BY_PETER}"), PETER), wrong);
        assert_eq!(verify(&format!("{TEXT}\n\n{BY_PETER}"), PETER), wrong);
        let longer = BY_PETER.replace("x08g", "x08gAAAA");
        assert!(verify(&format!("{TEXT}\n{longer}"), PETER).is_err());
    }

    #[test]
    fn what_is_not_of_a_notes_form_is_refused() {
        for note in [
            TEXT.to_owned(),
            format!("{TEXT}\n"),
            format!("{TEXT}{BY_PETER}"),
            format!("{TEXT}\n{}", BY_PETER.trim_end()),
            format!("{TEXT}\n{BY_PETER}\n"),
            format!("\u{1}{TEXT}\n{BY_PETER}"),
            format!("{TEXT}\n{BY_PETER}").replace('\n', "\r\n"),
            format!("{TEXT}\n{BY_PETER}Unexpected line.\n"),
            format!("{TEXT}\n{}", BY_PETER.replace('—', "-")),
            format!("{TEXT}\n{}", BY_PETER.replace("PeterNeumann", "Peter Neumann")),
            format!("{TEXT}\n{}", BY_PETER.replace("nAM=", "nAN=")),
            format!("{TEXT}\n{}", BY_PETER.replace("nAM=", "nAM")),
            format!("{TEXT}\n— PeterNeumann x08gow==\n"),
            format!("{TEXT}\n{}", BY_PETER.repeat(MOST_SIGNATURES + 1)),
            format!("{}\n{BY_PETER}", TEXT.repeat(2000)),
        ] {
            assert_eq!(verify(&note, PETER), Err(NoteError::Malformed), "{note}");
        }
    }

    #[test]
    fn sixteen_signatures_of_the_largest_kind_are_accepted() {
        let large = format!("— witness.example {}\n", STANDARD.encode([7; 4900]));
        assert_eq!(verify(&format!("{TEXT}\n{}{BY_PETER}", large.repeat(15)), PETER), Ok(()));
    }

    proptest! {
        #[test]
        fn no_text_makes_reading_a_note_panic(note in r"(?s)(.{0,20}\n){0,4}\n(— [a-z]{0,3} ?[A-Za-z0-9+/=]{0,12}\n){0,3}|.*") {
            let _ = Note::parse(&note);
        }
    }
}
