//! Chatwoot's identity validation: a hash that proves to a widget who its visitor is.
//!
//! `identifier_hash = hex(HMAC-SHA256(hmac_token of the inbox, identifier))`. It holds no time and no nonce: it stays valid until the
//! inbox gets another token, so it is a long-lived credential, to be given to the signed-in renter alone.

use hmac::Mac;
use trust::id::{ContractId, RenterId};

use crate::hmac_sha256;

/// The `identifier_hash` of this renter in the inbox with this `hmac_token`: 64 lower-case hex digits.
///
/// It covers the identifier alone: neither name nor mail address nor attributes.
pub fn identifier_hash(hmac_token: &str, renter: &RenterId) -> String {
    hex::encode(hmac_sha256(hmac_token, &[renter.as_str().as_bytes()]).finalize().into_bytes())
}

/// The `source_id` under which the renter of a contract has a place in the inbox with this `hmac_token`: the same whenever it is asked
/// for, so that a place made twice is made once, and nobody's to guess. 32 lower-case hex digits.
pub fn contract_source(hmac_token: &str, contract: &ContractId) -> String {
    let digest =
        hmac_sha256(hmac_token, &[b"provider-trust/contract/", contract.as_str().as_bytes()]).finalize();
    hex::encode(&digest.into_bytes()[..16])
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Computed with another implementation of HMAC.
    #[test]
    fn the_hash_is_the_one_chatwoot_computes() {
        let renter = "customer-123".parse().unwrap();
        let expected = "58ebc20a24ad5d247bdb0b4d49283b3c4fe901e7efa21e96a912fed440d3a234";
        assert_eq!(identifier_hash("hmac-token-abc", &renter), expected);
    }

    #[test]
    fn another_spelling_or_another_inbox_has_another_hash() {
        let hash = |token, renter: &str| identifier_hash(token, &renter.parse().unwrap());
        assert_ne!(hash("t", "renter"), hash("t", "Renter"));
        assert_ne!(hash("t", "renter"), hash("u", "renter"));
    }
}
