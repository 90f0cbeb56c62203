//! The log of what was measured: what stands in it can be checked offline, by anybody who has its public key, and can not be
//! edited, moved or left out afterwards without showing.
//!
//! It is an RFC 6962 Merkle tree, laid out as C2SP `tlog-tiles`, its head published as a C2SP `tlog-checkpoint`, which is a C2SP
//! `signed-note` with an Ed25519 signature. From leaf to proof:
//!
//! 1. [`leaf`]: what is logged, bytes that begin with their kind.
//! 2. [`tree`]: [`append`](tree::append) tells which tiles to store and what the new [`Head`] is.
//! 3. [`checkpoint`]: only a head that extends the last one published can be signed; otherwise it is a [`Fork`](checkpoint::Fork).
//! 4. [`bundle`]: some leaves with their proofs and a checkpoint, in one text; its verifier is here, too.
//! 5. [`chain`]: that of a series of records none is left out.
//! 6. [`claim`]: the uptime that a bundle of days bears. The command `verify-uptime` is all of it for a file.
//! 7. [`witness`]: others see that the log only grows, and [cosign](cosignature) its checkpoints.
//!
//! Nothing in here reads or stores anything, knows the time, or asks for randomness: who keeps the log passes tiles in and takes
//! tiles out. Nothing panics on what strangers send.
//!
//! The hashing is our own, because a verifier should be small enough to be read: two published implementations of the same
//! formats (`tlog_tiles`, and Go's `sumdb`) are what it is tested against.

pub mod bundle;
pub mod chain;
pub mod checkpoint;
pub mod claim;
pub mod cosignature;
pub mod hash;
pub mod key;
pub mod leaf;
pub mod note;
pub mod proof;
pub mod tile;
pub mod tree;
pub mod witness;

pub use bundle::Bundle;
pub use checkpoint::Published;
pub use claim::Claim;
pub use cosignature::WitnessKey;
pub use hash::Hash;
pub use key::{Origin, PublicKey, SecretKey};
pub use leaf::{Kind, Leaf};
pub use tile::Tile;
pub use tree::Head;
