//! Checking proofs: that a leaf is in a tree, and that one tree begins with another. Both need only the hashes given; the steps are
//! those of RFC 9162, sections 2.1.3.2 and 2.1.4.2.

use crate::{hash::Hash, tree::Head};

/// A proof that does not hold.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum NotProven {
    /// No such leaf is in a tree of that size.
    #[error("leaf {index} is not among the first {size}")]
    OutOfTree {
        /// The leaf's place, from 0.
        index: u64,
        /// Leaves of the tree.
        size: u64,
    },
    /// The other tree has fewer leaves.
    #[error("a tree of {new} leaves does not extend one of {old}")]
    Shrunk {
        /// Leaves of the tree that came first.
        old: u64,
        /// Leaves of the one that ought to extend it.
        new: u64,
    },
    /// Too few hashes, or too many.
    #[error("the proof does not have as many hashes as the tree's size asks for")]
    WrongLength,
    /// The hashes lead elsewhere.
    #[error("the proof does not lead to the root")]
    WrongRoot,
}

/// That the leaf with this hash has this place in the tree with this head.
pub fn included(head: Head, index: u64, leaf: Hash, proof: &[Hash]) -> Result<(), NotProven> {
    if index >= head.size {
        return Err(NotProven::OutOfTree { index, size: head.size });
    }
    let mut path = Path { node: index, last: head.size - 1 };
    let mut root = leaf;
    for &sibling in proof {
        root = match path.side()? {
            Side::Left => Hash::of_node(sibling, root),
            Side::Right => Hash::of_node(root, sibling),
        };
        path.up();
    }
    path.ended()?;
    (root == head.root).then_some(()).ok_or(NotProven::WrongRoot)
}

/// That the tree with the new head begins with the very leaves of the one with the old head.
pub fn extended(old: Head, new: Head, proof: &[Hash]) -> Result<(), NotProven> {
    if new.size < old.size {
        return Err(NotProven::Shrunk { old: old.size, new: new.size });
    }
    if old.size == 0 || old.size == new.size {
        let root = if old.size == 0 { Hash::of_nothing() } else { new.root };
        let same = old.root == root && (new.size > 0 || new.root == root);
        return if !proof.is_empty() {
            Err(NotProven::WrongLength)
        } else if same {
            Ok(())
        } else {
            Err(NotProven::WrongRoot)
        };
    }
    let mut path = Path { node: old.size - 1, last: new.size - 1 };
    while path.node & 1 == 1 {
        path.up();
    }
    // A tree of a power of two leaves is itself a node of the other, so its root need not be sent.
    let (start, proof) = if old.size.is_power_of_two() {
        (old.root, proof)
    } else {
        proof.split_first().map(|(start, rest)| (*start, rest)).ok_or(NotProven::WrongLength)?
    };
    let (mut old_root, mut new_root) = (start, start);
    for &sibling in proof {
        match path.side()? {
            Side::Left => {
                old_root = Hash::of_node(sibling, old_root);
                new_root = Hash::of_node(sibling, new_root);
            }
            Side::Right => new_root = Hash::of_node(new_root, sibling),
        }
        path.up();
    }
    path.ended()?;
    (old_root == old.root && new_root == new.root).then_some(()).ok_or(NotProven::WrongRoot)
}

/// On which side of the node the next hash of a proof is.
enum Side {
    Left,
    Right,
}

/// The way from a node to the root: its place and the last one's on its level.
struct Path {
    node: u64,
    last: u64,
}

impl Path {
    fn side(&mut self) -> Result<Side, NotProven> {
        if self.last == 0 {
            return Err(NotProven::WrongLength);
        }
        if self.node & 1 == 0 && self.node < self.last {
            return Ok(Side::Right);
        }
        // The last node of a level without a sibling is the same node on the level above.
        while self.node & 1 == 0 && self.node != 0 {
            self.up();
        }
        Ok(Side::Left)
    }

    fn up(&mut self) {
        self.node >>= 1;
        self.last >>= 1;
    }

    fn ended(&self) -> Result<(), NotProven> {
        (self.last == 0).then_some(()).ok_or(NotProven::WrongLength)
    }
}
