//! The test vectors of the reference implementation of Certificate Transparency (RFC 6962): its eight leaves, the roots of the trees
//! over the first of them, and its proofs (`merkle_tree_test.cc` and `merkle_verifier_test.cc` there, `testonly/constants.go` in Go).

use std::collections::BTreeMap;

use transparency::{
    Hash, Head, Tile,
    proof::{extended, included},
    tree::{prove, prove_extension},
};

const LEAVES: [&str; 8] =
    ["", "00", "10", "2021", "3031", "40414243", "5051525354555657", "606162636465666768696a6b6c6d6e6f"];

const ROOTS: [&str; 9] = [
    "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855",
    "6e340b9cffb37a989ca544e6bb780a2c78901d3fb33738768511a30617afa01d",
    "fac54203e7cc696cf0dfcb42c92a1d9dbaf70ad9e621f4bd8d98662f00e3c125",
    "aeb6bcfe274b70a14fb067a5e5578264db0fa9b51af5e0ba159158f329e06e77",
    "d37ee418976dd95753c1c73862b9398fa2a2cf9b4ff0fdfe8b30cd95209614b7",
    "4e3bbb1f7b478dcfe71fb631631519a3bca12c9aefca1612bfce4c13a86264d4",
    "76e67dadbcdf1e10e1b74ddc608abd2f98dfb16fbce75277b5232a127f2087ef",
    "ddb89be403809e325750d3d263cd78929c2942b7942a34b77e122c9594a74c8c",
    "5dc9da79a70659a9ad559cb701ded9a2ab9d823aad2f4960cfe370eff4604328",
];

/// Index, size, hashes.
const INCLUSION: [(u64, u64, &[&str]); 5] = [
    (0, 1, &[]),
    (
        0,
        8,
        &[
            "96a296d224f285c67bee93c30f8a309157f0daa35dc5b87e410b78630a09cfc7",
            "5f083f0a1a33ca076a95279832580db3e0ef4584bdff1f54c8a360f50de3031e",
            "6b47aaf29ee3c2af9af889bc1fb9254dabd31177f16232dd6aab035ca39bf6e4",
        ],
    ),
    (
        5,
        8,
        &[
            "bc1a0643b12e4d2d7c77918f44e0f4f79a838b6cf9ec5b5c283e1f4d88599e6b",
            "ca854ea128ed050b41b35ffc1b87b8eb2bde461e9e3b5596ece6b9d5975a0ae0",
            "d37ee418976dd95753c1c73862b9398fa2a2cf9b4ff0fdfe8b30cd95209614b7",
        ],
    ),
    (2, 3, &["fac54203e7cc696cf0dfcb42c92a1d9dbaf70ad9e621f4bd8d98662f00e3c125"]),
    (
        1,
        5,
        &[
            "6e340b9cffb37a989ca544e6bb780a2c78901d3fb33738768511a30617afa01d",
            "5f083f0a1a33ca076a95279832580db3e0ef4584bdff1f54c8a360f50de3031e",
            "bc1a0643b12e4d2d7c77918f44e0f4f79a838b6cf9ec5b5c283e1f4d88599e6b",
        ],
    ),
];

/// Sizes, hashes.
const CONSISTENCY: [(u64, u64, &[&str]); 4] = [
    (1, 1, &[]),
    (
        1,
        8,
        &[
            "96a296d224f285c67bee93c30f8a309157f0daa35dc5b87e410b78630a09cfc7",
            "5f083f0a1a33ca076a95279832580db3e0ef4584bdff1f54c8a360f50de3031e",
            "6b47aaf29ee3c2af9af889bc1fb9254dabd31177f16232dd6aab035ca39bf6e4",
        ],
    ),
    (
        6,
        8,
        &[
            "0ebc5d3437fbe2db158b9f126a1d118e308181031d0a949f8dededebc558ef6a",
            "ca854ea128ed050b41b35ffc1b87b8eb2bde461e9e3b5596ece6b9d5975a0ae0",
            "d37ee418976dd95753c1c73862b9398fa2a2cf9b4ff0fdfe8b30cd95209614b7",
        ],
    ),
    (
        2,
        5,
        &[
            "5f083f0a1a33ca076a95279832580db3e0ef4584bdff1f54c8a360f50de3031e",
            "bc1a0643b12e4d2d7c77918f44e0f4f79a838b6cf9ec5b5c283e1f4d88599e6b",
        ],
    ),
];

fn hash(digits: &str) -> Hash {
    let bytes: [u8; 32] = hex(digits).try_into().unwrap();
    bytes.into()
}

fn hex(digits: &str) -> Vec<u8> {
    digits
        .as_bytes()
        .chunks(2)
        .map(|pair| u8::from_str_radix(std::str::from_utf8(pair).unwrap(), 16).unwrap())
        .collect()
}

fn hashes(digits: &[&str]) -> Vec<Hash> {
    digits.iter().map(|digits| hash(digits)).collect()
}

fn leaf(index: u64) -> Hash {
    Hash::of_leaf(&hex(LEAVES[index as usize]))
}

fn head(size: u64) -> Head {
    Head { size, root: hash(ROOTS[size as usize]) }
}

/// The one tile of a tree over the first leaves.
fn tiles(size: u64) -> BTreeMap<Tile, Vec<u8>> {
    let tile = format!("tile/0/000.p/{size}").parse().unwrap();
    BTreeMap::from([(tile, (0..size).flat_map(|index| *leaf(index).as_bytes()).collect())])
}

#[test]
fn roots_and_inclusion_proofs_are_those_of_the_reference_implementation() {
    assert_eq!(Head::empty(), head(0));
    for (index, size, proof) in INCLUSION {
        let proof = hashes(proof);
        assert_eq!(
            prove(&tiles(size), head(size), index),
            Ok((leaf(index), proof.clone())),
            "{index} of {size}"
        );
        assert_eq!(included(head(size), index, leaf(index), &proof), Ok(()));
    }
    for size in 1..=8 {
        // Proofs are checked against the root when they are made, so the root made of the tile is the published one.
        assert!((0..size).all(|index| prove(&tiles(size), head(size), index).is_ok()));
    }
}

#[test]
fn consistency_proofs_are_those_of_the_reference_implementation() {
    for (old, new, proof) in CONSISTENCY {
        let proof = hashes(proof);
        assert_eq!(prove_extension(&tiles(new), head(old), head(new)), Ok(proof.clone()), "{old} to {new}");
        assert_eq!(extended(head(old), head(new), &proof), Ok(()));
    }
}

#[test]
fn a_published_proof_holds_for_nothing_else() {
    for (index, size, proof) in INCLUSION {
        let proof = hashes(proof);
        for (other_index, other_size) in (0..8).flat_map(|index| (0..=8).map(move |size| (index, size))) {
            if (other_index, other_size) != (index, size) {
                assert!(included(head(other_size), other_index, leaf(index), &proof).is_err());
            }
        }
    }
    for (old, new, proof) in CONSISTENCY {
        let proof = hashes(proof);
        for (other_old, other_new) in (0..=8).flat_map(|old| (0..=8).map(move |new| (old, new))) {
            // No hashes prove that a tree extends the empty one and itself.
            let trivial =
                proof.is_empty() && (other_old == 0 || other_old == other_new) && other_old <= other_new;
            if (other_old, other_new) != (old, new) && !trivial {
                assert!(
                    extended(head(other_old), head(other_new), &proof).is_err(),
                    "{other_old} {other_new}"
                );
            }
        }
    }
}
