//! A claim's evidence in one file, to be checked by whoever has the log's public key: leaves, the proof for each, a checkpoint.
//!
//! # The format
//!
//! UTF-8 text, each line ended by one line feed. This is one of three leaves out of fifteen:
//!
//! ```text
#![doc = include_str!("../samples/three_days.bundle")]
//! ```
//!
//! 1. The line `transparency-bundle/1`, which names this format and its version.
//! 2. `leaves`, a space, and how many leaves follow, 1 to 10,000; then an empty line.
//! 3. For each leaf, `leaf`, a space and the leaf's exact bytes in base64; `index`, a space and the leaf's place in the log, counted
//!    from 0; a line for each hash of its inclusion proof in base64, the leaf's sibling first (RFC 6962, section 2.1.1); an empty
//!    line. Indexes rise from leaf to leaf. There are at most 63 hashes.
//! 4. To the end, the checkpoint as it was signed (C2SP `tlog-checkpoint`), witnesses' signatures and all.
//!
//! Numbers are decimal without sign or needless zero; base64 is that of RFC 4648, section 4, padded, with zeros as its unused bits.
//! So there is one text for each bundle, and anything else is refused. A bundle has at most 16 MiB.
//!
//! `c2sp.org/tlog-proof@v1`, a line feed, then a leaf's part from its `index` to the empty line, then the checkpoint: that is this
//! leaf's proof in C2SP's form, for [tools](Bundle::proof) that know only that.
//!
//! # Checking one
//!
//! 1. The checkpoint's text is signed by a known key of its origin ([`Published::open`]).
//! 2. With SHA-256 over a zero byte and the leaf's bytes, the leaf's hashes lead from its index to the checkpoint's root.
//! 3. The records that the claim rests on are a [series](crate::chain) without a gap.

use std::{collections::BTreeMap, fmt, fmt::Write as _, ops::RangeInclusive};

use base64::{Engine, engine::general_purpose::STANDARD};

use crate::{
    chain::{self, Incomplete, Linked},
    checkpoint::{self, Published, decimal},
    hash::Hash,
    key::PublicKey,
    leaf::Leaf,
    note::NoteError,
    proof::{self, NotProven},
    tree::{self, Tiles, TreeError},
};

const FORMAT: &str = "transparency-bundle/1";

/// The first line of a proof in C2SP's form.
const PROOF_FORMAT: &str = "c2sp.org/tlog-proof@v1";

/// Most leaves of a bundle: those of thirty days of 300 monitors. More would let one file keep a verifier busy for long.
pub const MOST_LEAVES: usize = 10_000;

/// Most bytes of a bundle: as many as the most leaves have at the usual size of a day and its proof. More only costs memory.
pub const LONGEST: usize = 16 * 1024 * 1024;

/// Most hashes of a proof: no tree that can be counted is higher.
const MOST_HASHES: usize = 63;

/// A leaf with the proof of its place.
#[derive(Debug, Clone, PartialEq, Eq)]
struct Proven {
    index: u64,
    leaf: Leaf,
    proof: Vec<Hash>,
}

/// Leaves, a proof for each, and a checkpoint. Nothing in it is true before it has been [verified](Bundle::verify). It shows as its
/// text.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Bundle {
    leaves: Vec<Proven>,
    checkpoint: String,
}

/// Where a text leaves the format.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("line {line} of the bundle is not {expected}")]
pub struct Malformed {
    /// The line, from 1.
    pub line: usize,
    /// What ought to be there.
    pub expected: &'static str,
}

/// Why a bundle can not be put together.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum NotBundled {
    /// None, or more than a bundle may have.
    #[error("a bundle has 1 to {MOST_LEAVES} leaves, not {0}")]
    Count(usize),
    /// Longer than a bundle may be.
    #[error("a bundle has at most {LONGEST} bytes")]
    TooLong,
    /// The log has another leaf there.
    #[error("the log has another leaf at {0}")]
    OtherLeaf(u64),
    /// A proof can not be had.
    #[error(transparent)]
    Tree(#[from] TreeError),
}

/// Why a bundle is not believed.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Doubt {
    /// The checkpoint is not one of the log's.
    #[error(transparent)]
    Checkpoint(#[from] NoteError),
    /// A leaf is not in the log, or not there.
    #[error("leaf {index} is not proven to be in the log: {reason}")]
    NotIncluded {
        /// Its place, as the bundle has it.
        index: u64,
        /// What is wrong with its proof.
        reason: NotProven,
    },
}

/// Why the records of a verified bundle do not bear a claim.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Gap<E> {
    /// A record can not be read.
    #[error("the record of leaf {index} can not be read: {reason}")]
    Unreadable {
        /// Its place in the log.
        index: u64,
        /// What its reader says.
        reason: E,
    },
    /// A record was left out, doubled, or put in place of another.
    #[error(transparent)]
    Incomplete(#[from] Incomplete),
}

impl Bundle {
    /// Puts leaves of the log, by their places, together with their proofs under this checkpoint.
    pub fn collect(
        tiles: &impl Tiles,
        checkpoint: &Published,
        leaves: BTreeMap<u64, Leaf>,
    ) -> Result<Self, NotBundled> {
        if leaves.is_empty() || leaves.len() > MOST_LEAVES {
            return Err(NotBundled::Count(leaves.len()));
        }
        let prove = |(index, leaf): (u64, Leaf)| {
            let (hash, proof) = tree::prove(tiles, checkpoint.head(), index)?;
            let same = hash == leaf.hash();
            same.then_some(Proven { index, leaf, proof }).ok_or(NotBundled::OtherLeaf(index))
        };
        let leaves = leaves.into_iter().map(prove).collect::<Result<_, _>>()?;
        let bundle = Self { leaves, checkpoint: checkpoint.note().to_owned() };
        if bundle.to_string().len() > LONGEST { Err(NotBundled::TooLong) } else { Ok(bundle) }
    }

    /// Reads the text of a bundle.
    pub fn parse(text: &str) -> Result<Self, Malformed> {
        let mut lines = Lines { rest: text, number: 0 };
        if text.len() > LONGEST {
            return Err(lines.malformed("of a bundle of at most 16 MiB"));
        }
        lines.read("\"transparency-bundle/1\"", |line| (line == FORMAT).then_some(()))?;
        let count = lines.read("\"leaves\" and a number from 1 to 10000", |line| {
            let count = decimal(line.strip_prefix("leaves ")?)?;
            (1..=MOST_LEAVES as u64).contains(&count).then_some(count)
        })?;
        lines.read("empty", empty)?;
        let mut leaves: Vec<Proven> = Vec::new();
        for _ in 0..count {
            let after = leaves.last().map(|leaf| leaf.index);
            leaves.push(lines.proven(after)?);
        }
        checkpoint::parse(lines.rest).map_err(|_| lines.malformed("the first of a signed checkpoint"))?;
        Ok(Self { leaves, checkpoint: lines.rest.to_owned() })
    }

    /// How many leaves it has. They are not to be looked at before it has been verified.
    pub fn count(&self) -> usize {
        self.leaves.len()
    }

    /// The proof of one of its leaves, from 0, as a C2SP `tlog-proof`.
    pub fn proof(&self, which: usize) -> Option<String> {
        let proven = self.leaves.get(which)?;
        Some(format!("{PROOF_FORMAT}\n{}{}", Steps(proven), self.checkpoint))
    }

    /// Checks the checkpoint's signature with the keys of the log, and each leaf's proof.
    pub fn verify(&self, keys: &[PublicKey]) -> Result<Verified<'_>, Doubt> {
        let checkpoint = Published::open(&self.checkpoint, keys)?;
        for Proven { index, leaf, proof } in &self.leaves {
            proof::included(checkpoint.head(), *index, leaf.hash(), proof)
                .map_err(|reason| Doubt::NotIncluded { index: *index, reason })?;
        }
        Ok(Verified { checkpoint, leaves: &self.leaves })
    }
}

impl fmt::Display for Bundle {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{FORMAT}\nleaves {}\n\n", self.leaves.len())?;
        for proven in &self.leaves {
            write!(f, "leaf {}\n{}", STANDARD.encode(proven.leaf.as_bytes()), Steps(proven))?;
        }
        f.write_str(&self.checkpoint)
    }
}

/// A leaf's part from its index to the empty line.
struct Steps<'a>(&'a Proven);

impl fmt::Display for Steps<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(f, "index {}", self.0.index)?;
        for hash in &self.0.proof {
            writeln!(f, "{hash}")?;
        }
        f.write_char('\n')
    }
}

/// A bundle whose signature and proofs hold: its leaves are in the log.
#[derive(Debug, Clone)]
pub struct Verified<'a> {
    checkpoint: Published,
    leaves: &'a [Proven],
}

impl Verified<'_> {
    /// The checkpoint that all of it hangs on.
    pub fn checkpoint(&self) -> &Published {
        &self.checkpoint
    }

    /// The leaves with their places, in the log's order.
    pub fn leaves(&self) -> impl Iterator<Item = (u64, &Leaf)> {
        self.leaves.iter().map(|proven| (proven.index, &proven.leaf))
    }

    /// The records of a series, all of those with the expected numbers. `read` gives none for leaves that are not of the series.
    pub fn complete<R: Linked, E>(
        &self,
        expected: RangeInclusive<u64>,
        read: impl Fn(&Leaf) -> Result<Option<R>, E>,
    ) -> Result<Vec<R>, Gap<E>> {
        let mut records = Vec::new();
        for (index, leaf) in self.leaves() {
            records.extend(read(leaf).map_err(|reason| Gap::Unreadable { index, reason })?);
        }
        chain::complete(&records, expected)?;
        Ok(records)
    }
}

/// A text that is read line by line.
struct Lines<'a> {
    rest: &'a str,
    number: usize,
}

impl<'a> Lines<'a> {
    /// What comes next is not what ought to.
    fn malformed(&self, expected: &'static str) -> Malformed {
        Malformed { line: self.number + 1, expected }
    }

    fn read<T>(
        &mut self,
        expected: &'static str,
        read: impl FnOnce(&'a str) -> Option<T>,
    ) -> Result<T, Malformed> {
        let (line, rest) = self.rest.split_once('\n').ok_or_else(|| self.malformed(expected))?;
        let value = read(line).ok_or_else(|| self.malformed(expected))?;
        (self.rest, self.number) = (rest, self.number + 1);
        Ok(value)
    }

    /// A leaf with its proof, whose index is higher than the one before.
    fn proven(&mut self, after: Option<u64>) -> Result<Proven, Malformed> {
        let leaf = self.read("\"leaf\" and a leaf in base64", |line| {
            Leaf::from_bytes(STANDARD.decode(line.strip_prefix("leaf ")?).ok()?).ok()
        })?;
        let index = self.read("\"index\" and a number above the last leaf's", |line| {
            decimal(line.strip_prefix("index ")?).filter(|index| after.is_none_or(|after| after < *index))
        })?;
        let mut proof = Vec::new();
        while !self.rest.starts_with('\n') {
            if proof.len() == MOST_HASHES {
                return Err(self.malformed("empty, after the 63 hashes that a proof may have"));
            }
            proof.push(self.read("a hash in base64, or empty", Hash::from_base64)?);
        }
        self.read("empty", empty)?;
        Ok(Proven { index, leaf, proof })
    }
}

fn empty(line: &str) -> Option<()> {
    line.is_empty().then_some(())
}
