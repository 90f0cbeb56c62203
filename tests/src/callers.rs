//! Callers who sign their requests, as decent-cloud's clients do.

use ed25519_dalek::{Digest, Sha512, SigningKey};
use lambda::signed_request::{NONCE, PUBLIC_KEY, SIGNATURE, TIMESTAMP};

/// Somebody with a key.
#[derive(Debug, Clone)]
pub struct Caller(SigningKey);

/// What somebody asks for.
#[derive(Debug, Clone, Copy)]
pub struct Asked<'a> {
    /// In capitals.
    pub method: &'a str,
    /// Without the query.
    pub path: &'a str,
    /// As it is sent.
    pub body: &'a [u8],
}

impl Caller {
    /// The one whose key is made of this number.
    pub fn number(number: u8) -> Self {
        Self(SigningKey::from_bytes(&[number; 32]))
    }

    /// His id on the marketplace.
    pub fn id(&self) -> String {
        hex::encode(self.0.verifying_key().to_bytes())
    }

    /// The headers of a request that he signs at this Unix time, with this nonce.
    pub fn sign(
        &self,
        asked: Asked<'_>,
        at: i64,
        nonce: &str,
    ) -> anyhow::Result<[(&'static str, String); 4]> {
        let timestamp = (i128::from(at) * 1_000_000_000).to_string();
        let message = Sha512::new()
            .chain_update(&timestamp)
            .chain_update(nonce)
            .chain_update(asked.method)
            .chain_update(asked.path)
            .chain_update(asked.body);
        let signature = self.0.sign_prehashed(message, Some(b"decent-cloud"))?;
        Ok([
            (PUBLIC_KEY, self.id()),
            (SIGNATURE, hex::encode(signature.to_bytes())),
            (TIMESTAMP, timestamp),
            (NONCE, nonce.to_owned()),
        ])
    }
}
