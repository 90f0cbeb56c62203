//! Chatwoot's side of the contract: who signed a webhook, what it says, and how it knows a contact.
//!
//! Chatwoot (self-hosted Community Edition, 4.12 to 4.18) posts a JSON document for every change of a conversation. Such a
//! document is full of what we must not keep: the message text, names, mail addresses, and `pubsub_token`, a live credential of
//! the renter's browser. This crate is the gate that all of it stops at:
//!
//! * [`signature`] says whether Chatwoot sent these very bytes, and lately;
//! * [`webhook`] reads the five events we subscribe to and lets out a [`trust::chat::ChatEvent`]: ids, times, classes and one
//!   hash. The types it reads into have no field for the rest, so there is nothing to forget to remove;
//! * [`identity`] computes the hash by which a renter's browser proves his identifier to a widget;
//! * `client` (a feature, so that the webhook's function does without) speaks to Chatwoot's REST API.
//!
//! Nothing else here does I/O, and nothing reads a clock.

use hmac::{Hmac, KeyInit, Mac};
use sha2::Sha256;

#[cfg(feature = "client")]
pub mod client;
pub mod identity;
pub mod signature;
pub mod webhook;

/// HMAC-SHA256 over the parts one after the other.
///
/// The key is the text's bytes as they stand, as Chatwoot takes them: a secret that looks like base64 is not decoded.
fn hmac_sha256(key: &str, parts: &[&[u8]]) -> Hmac<Sha256> {
    #[expect(clippy::expect_used, reason = "HMAC is defined for keys of any length")]
    let mut mac = Hmac::<Sha256>::new_from_slice(key.as_bytes()).expect("a key of any length");
    for part in parts {
        mac.update(part);
    }
    mac
}
