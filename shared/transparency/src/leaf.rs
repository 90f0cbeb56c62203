//! What is logged: a line with the kind, then a record whose bytes mean nothing to the log. The kind stands within what is hashed,
//! so a record of one kind can not be passed off as another's, and a reader who does not know a version knows that he does not.

use std::{fmt, str::FromStr};

use crate::hash::Hash;

/// Most bytes of a leaf with its kind line: entry bundles write the length in two bytes (C2SP `tlog-tiles`, "Log entries").
pub const LONGEST: usize = u16::MAX as usize;

/// What a leaf is a record of. The number is the version of the record's form; a new form is a new kind.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Kind {
    /// One monitor's UTC day.
    Day,
    /// A change of a monitor's configuration.
    Monitor,
    /// A maintenance window, before it starts.
    Maintenance,
    /// What was wrong with an earlier leaf, and why; that leaf stays.
    Correction,
    /// A provider's score, with its policy and the hash of its inputs.
    Score,
    /// A change of the log's keys.
    Key,
}

impl Kind {
    /// All there are.
    pub const ALL: [Self; 6] =
        [Self::Day, Self::Monitor, Self::Maintenance, Self::Correction, Self::Score, Self::Key];

    /// As it stands in the first line of a leaf.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Day => "day/1",
            Self::Monitor => "monitor/1",
            Self::Maintenance => "maintenance/1",
            Self::Correction => "correction/1",
            Self::Score => "score/1",
            Self::Key => "key/1",
        }
    }
}

impl fmt::Display for Kind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

impl FromStr for Kind {
    type Err = InvalidLeaf;
    fn from_str(text: &str) -> Result<Self, InvalidLeaf> {
        Self::ALL.into_iter().find(|kind| kind.as_str() == text).ok_or(InvalidLeaf::UnknownKind)
    }
}

/// Why bytes are no leaf.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum InvalidLeaf {
    /// The first line is none of the kinds', or is not ended.
    #[error("the leaf does not begin with the line of a known kind")]
    UnknownKind,
    /// Longer than an entry bundle can hold.
    #[error("the leaf has more than {LONGEST} bytes")]
    TooLong,
}

/// One leaf: exactly the bytes that are hashed, kept and handed out.
#[derive(Clone, PartialEq, Eq)]
pub struct Leaf {
    kind: Kind,
    bytes: Vec<u8>,
}

impl Leaf {
    /// A record of a kind.
    pub fn new(kind: Kind, record: &[u8]) -> Result<Self, InvalidLeaf> {
        Self::from_bytes([kind.as_str().as_bytes(), b"\n", record].concat())
    }

    /// The leaf that these bytes are.
    pub fn from_bytes(bytes: Vec<u8>) -> Result<Self, InvalidLeaf> {
        if bytes.len() > LONGEST {
            return Err(InvalidLeaf::TooLong);
        }
        let (line, _) = halves(&bytes).ok_or(InvalidLeaf::UnknownKind)?;
        let kind = std::str::from_utf8(line).map_err(|_| InvalidLeaf::UnknownKind)?.parse()?;
        Ok(Self { kind, bytes })
    }

    /// What it is a record of.
    pub fn kind(&self) -> Kind {
        self.kind
    }

    /// The record, without the kind's line.
    pub fn record(&self) -> &[u8] {
        halves(&self.bytes).map_or(&[], |(_, record)| record)
    }

    /// All of it, as it is hashed.
    pub fn as_bytes(&self) -> &[u8] {
        &self.bytes
    }

    /// Its hash in the tree.
    pub fn hash(&self) -> Hash {
        Hash::of_leaf(&self.bytes)
    }
}

impl fmt::Debug for Leaf {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} {}", self.kind, String::from_utf8_lossy(self.record()))
    }
}

fn halves(bytes: &[u8]) -> Option<(&[u8], &[u8])> {
    let end = bytes.iter().position(|&byte| byte == b'\n')?;
    Some((&bytes[..end], &bytes[end + 1..]))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_leaf_is_its_kinds_line_and_its_record_to_the_byte() {
        for (kind, line) in Kind::ALL.into_iter().zip([
            "day/1\n",
            "monitor/1\n",
            "maintenance/1\n",
            "correction/1\n",
            "score/1\n",
            "key/1\n",
        ]) {
            for record in [&b""[..], b"a\nb\n", b"\xff\0\r\n"] {
                let leaf = Leaf::new(kind, record).unwrap();
                assert_eq!(leaf.as_bytes(), [line.as_bytes(), record].concat());
                assert_eq!((leaf.kind(), leaf.record()), (kind, record));
                assert_eq!(Leaf::from_bytes(leaf.as_bytes().to_vec()), Ok(leaf));
            }
        }
    }

    #[test]
    fn bytes_without_a_known_kinds_line_are_no_leaf() {
        for bytes in
            ["", "\n", "day/1", "day/2\n", "day/1 \n", " day/1\n", "day/1\r\n", "Day/1\n", "day\n", "x/1\n"]
        {
            assert_eq!(
                Leaf::from_bytes(bytes.into()),
                Err(InvalidLeaf::UnknownKind),
                "{bytes:?} is none of ours"
            );
        }
        assert_eq!(Leaf::from_bytes(b"\xff\n".to_vec()), Err(InvalidLeaf::UnknownKind));
    }

    #[test]
    fn a_leaf_fits_two_bytes_of_length() {
        let room = LONGEST - "day/1\n".len();
        assert_eq!(Leaf::new(Kind::Day, &vec![b'x'; room]).unwrap().as_bytes().len(), 65_535);
        assert_eq!(Leaf::new(Kind::Day, &vec![b'x'; room + 1]), Err(InvalidLeaf::TooLong));
    }
}
