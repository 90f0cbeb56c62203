//! Whose log it is, and the keys that speak for it (C2SP `signed-note`, "Signatures"): Ed25519, named after the log's origin, and
//! told apart by four bytes of a hash over name and key. They are written as Go's `sumdb/note` writes them:
//! `<origin>+<key id>+<base64 of 0x01 and the public key>`, and `PRIVATE+KEY+` before the same with the seed. The keys of witnesses
//! are written alike, with 0x04 for 0x01 (C2SP `tlog-cosignature`).

use std::{fmt, str::FromStr};

use base64::{Engine, engine::general_purpose::STANDARD};
use ed25519_dalek::{Signature, Signer, SigningKey, VerifyingKey};
use sha2::{Digest, Sha256};

/// The signature type of plain Ed25519.
pub(crate) const ED25519: u8 = 1;

/// The signature type of Ed25519 cosignatures, which carry their time.
pub(crate) const ED25519_COSIGNATURE: u8 = 4;

/// Bytes of a key's id.
pub(crate) const ID_LENGTH: usize = 4;

/// A log's name, for which a URL without its scheme is recommended; its keys are called the same.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Origin(String);

impl Origin {
    /// As it is written.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for Origin {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl FromStr for Origin {
    type Err = InvalidKey;
    fn from_str(text: &str) -> Result<Self, InvalidKey> {
        let harmless = |c: char| !c.is_whitespace() && !c.is_control() && c != '+';
        let sound = !text.is_empty() && text.chars().all(harmless);
        sound.then(|| Self(text.to_owned())).ok_or(InvalidKey::Origin)
    }
}

/// Why text is no origin or no key.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum InvalidKey {
    /// Empty, or with spaces, control characters or `+`.
    #[error("an origin is not empty and has no spaces, control characters or '+'")]
    Origin,
    /// Not of the form that keys have.
    #[error("a key is <origin>+<8 hex digits>+<base64>, a private one with PRIVATE+KEY+ before")]
    Form,
    /// The key is of a kind that is not known here.
    #[error("the key is not an Ed25519 key")]
    NotEd25519,
    /// The key is not of the kind that witnesses cosign with.
    #[error("the key is not an Ed25519 key for cosignatures")]
    NotCosigning,
    /// The id is not that of this origin and key.
    #[error("the key's id is not that of its origin and bytes")]
    WrongId,
    /// Not a point of the curve, or one for which anybody can make signatures.
    #[error("the public key is not one that only its owner can sign for")]
    Weak,
}

/// A name, an Ed25519 key, and the id that signature lines call them by.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Named {
    pub(crate) name: Origin,
    pub(crate) id: [u8; ID_LENGTH],
    key: VerifyingKey,
}

impl Named {
    /// The key with these bytes for signatures of a type.
    pub(crate) fn new(name: Origin, signature_type: u8, bytes: &[u8; 32]) -> Result<Self, InvalidKey> {
        let key = VerifyingKey::from_bytes(bytes).map_err(|_| InvalidKey::Weak)?;
        if key.is_weak() {
            return Err(InvalidKey::Weak);
        }
        let hash = Sha256::new().chain_update(&name.0).chain_update([b'\n', signature_type]);
        let hash: [u8; 32] = hash.chain_update(bytes).finalize().into();
        let id = [hash[0], hash[1], hash[2], hash[3]];
        Ok(Self { name, id, key })
    }

    /// The key that this text is, if it is one for signatures of this type, or else `other`.
    pub(crate) fn parse(text: &str, signature_type: u8, other: InvalidKey) -> Result<Self, InvalidKey> {
        let (name, id, bytes) = parts(text, signature_type, other)?;
        let key = Self::new(name, signature_type, &bytes)?;
        (key.id == id).then_some(key).ok_or(InvalidKey::WrongId)
    }

    pub(crate) fn write(&self, f: &mut fmt::Formatter<'_>, signature_type: u8) -> fmt::Result {
        let key = STANDARD.encode([&[signature_type][..], self.key.as_bytes()].concat());
        write!(f, "{}+{}+{key}", self.name, hex::encode(self.id))
    }

    /// Whether this is a signature of this key. Strictly: one that other verifiers may see otherwise is none.
    pub(crate) fn verifies(&self, text: &str, signature: &[u8]) -> bool {
        Signature::from_slice(signature)
            .is_ok_and(|signature| self.key.verify_strict(text.as_bytes(), &signature).is_ok())
    }
}

/// What a log's signatures are verified with.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PublicKey(Named);

impl PublicKey {
    /// The key of a log with these bytes.
    pub fn from_bytes(origin: Origin, bytes: &[u8; 32]) -> Result<Self, InvalidKey> {
        Named::new(origin, ED25519, bytes).map(Self)
    }

    /// Whose key it is.
    pub fn origin(&self) -> &Origin {
        &self.0.name
    }

    /// What signature lines call it by, besides the origin.
    pub fn id(&self) -> [u8; ID_LENGTH] {
        self.0.id
    }

    /// The key itself.
    pub fn as_bytes(&self) -> &[u8; 32] {
        self.0.key.as_bytes()
    }

    pub(crate) fn verifies(&self, text: &str, signature: &[u8]) -> bool {
        self.0.verifies(text, signature)
    }
}

impl fmt::Display for PublicKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.write(f, ED25519)
    }
}

impl FromStr for PublicKey {
    type Err = InvalidKey;
    fn from_str(text: &str) -> Result<Self, InvalidKey> {
        Named::parse(text, ED25519, InvalidKey::NotEd25519).map(Self)
    }
}

/// What a log's signatures are made with. It shows as its public key.
#[derive(Clone)]
pub struct SecretKey {
    public: PublicKey,
    key: SigningKey,
}

impl SecretKey {
    /// The key of a log with this seed, which nobody else may know.
    pub fn from_seed(origin: Origin, seed: &[u8; 32]) -> Result<Self, InvalidKey> {
        let key = SigningKey::from_bytes(seed);
        let public = PublicKey::from_bytes(origin, key.verifying_key().as_bytes())?;
        Ok(Self { public, key })
    }

    /// What its signatures are verified with.
    pub fn public(&self) -> &PublicKey {
        &self.public
    }

    pub(crate) fn sign(&self, text: &str) -> [u8; Signature::BYTE_SIZE] {
        self.key.sign(text.as_bytes()).to_bytes()
    }
}

impl fmt::Debug for SecretKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "the secret key of {}", self.public)
    }
}

impl FromStr for SecretKey {
    type Err = InvalidKey;
    fn from_str(text: &str) -> Result<Self, InvalidKey> {
        let text = text.strip_prefix("PRIVATE+KEY+").ok_or(InvalidKey::Form)?;
        let (origin, id, seed) = parts(text, ED25519, InvalidKey::NotEd25519)?;
        let key = Self::from_seed(origin, &seed)?;
        (key.public.id() == id).then_some(key).ok_or(InvalidKey::WrongId)
    }
}

/// Name, id and the 32 bytes of an Ed25519 key for signatures of a type; `other` where it is of another type.
fn parts(
    text: &str,
    signature_type: u8,
    other: InvalidKey,
) -> Result<(Origin, [u8; ID_LENGTH], [u8; 32]), InvalidKey> {
    let (name, rest) = text.split_once('+').ok_or(InvalidKey::Form)?;
    let (digits, key) = rest.split_once('+').ok_or(InvalidKey::Form)?;
    let mut id = [0; ID_LENGTH];
    hex::decode_to_slice(digits, &mut id).map_err(|_| InvalidKey::Form)?;
    if hex::encode(id) != digits {
        return Err(InvalidKey::Form);
    }
    let bytes = STANDARD.decode(key).map_err(|_| InvalidKey::Form)?;
    match bytes.split_first() {
        Some((found, key)) if *found == signature_type => {
            Ok((name.parse()?, id, key.try_into().map_err(|_| InvalidKey::Form)?))
        }
        _ => Err(other),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The keys of Go's `sumdb/note`.
    const PUBLIC: &str = "PeterNeumann+c74f20a3+ARpc2QcUPDhMQegwxbzhKqiBfsVkmqq/LDE4izWy10TW";
    const SECRET: &str = "PRIVATE+KEY+PeterNeumann+c74f20a3+AYEKFALVFGyNhPJEMzD1QIDr+Y7hfZx09iUvxdXHKDFz";

    #[test]
    fn keys_are_written_as_go_writes_them() {
        let public: PublicKey = PUBLIC.parse().unwrap();
        assert_eq!(public.to_string(), PUBLIC);
        assert_eq!((public.origin().as_str(), public.id()), ("PeterNeumann", [0xc7, 0x4f, 0x20, 0xa3]));
        let secret: SecretKey = SECRET.parse().unwrap();
        assert_eq!(secret.public(), &public);
        assert!(!format!("{secret:?}").contains("YEKFALVFGyN"));
    }

    #[test]
    fn a_key_of_which_anything_is_missing_or_changed_is_refused() {
        for start in 0..PUBLIC.len() {
            for end in start..PUBLIC.len() {
                assert!(PUBLIC[start..end].parse::<PublicKey>().is_err(), "{}", &PUBLIC[start..end]);
            }
        }
        for at in 0..PUBLIC.len() {
            let mut bytes = PUBLIC.as_bytes().to_vec();
            bytes[at] += 1;
            assert!(String::from_utf8(bytes).unwrap().parse::<PublicKey>().is_err(), "byte {at}");
        }
        for (key, reason) in [
            // Go's own: of the wrong length and of an unknown kind, each with its right id.
            ("PeterNeumann+cc469956+ARpc2QcUPDhMQegwxbzhKqiBfsVkmqq/LDE4izWy10TWBADKEY==", InvalidKey::Form),
            ("PeterNeumann+173116ae+ZRpc2QcUPDhMQegwxbzhKqiBfsVkmqq/LDE4izWy10TW", InvalidKey::NotEd25519),
            ("PeterNeumann+C74F20A3+ARpc2QcUPDhMQegwxbzhKqiBfsVkmqq/LDE4izWy10TW", InvalidKey::Form),
            ("Peter Neumann+c74f20a3+ARpc2QcUPDhMQegwxbzhKqiBfsVkmqq/LDE4izWy10TW", InvalidKey::Origin),
            ("PeterNeuman+c74f20a3+ARpc2QcUPDhMQegwxbzhKqiBfsVkmqq/LDE4izWy10TW", InvalidKey::WrongId),
            ("x+00000000+AQEAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA", InvalidKey::Weak),
        ] {
            assert_eq!(key.parse::<PublicKey>().unwrap_err(), reason, "{key}");
        }
        assert_eq!(PUBLIC.parse::<SecretKey>().unwrap_err(), InvalidKey::Form);
        assert_eq!(SECRET.replace("c7", "c8").parse::<SecretKey>().unwrap_err(), InvalidKey::WrongId);
    }

    #[test]
    fn an_origin_can_not_break_the_line_it_stands_in() {
        for text in ["", "a b", "a\n", "a\u{2003}b", "a+b", "a\u{85}b", "a\0"] {
            assert_eq!(text.parse::<Origin>(), Err(InvalidKey::Origin), "{text:?}");
        }
        assert!("log.example/uptime-ü".parse::<Origin>().is_ok());
    }
}
