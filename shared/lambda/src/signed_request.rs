//! decent-cloud's signed requests: who sent this very request, and lately.
//!
//! Four headers: `X-Public-Key` (64 hex digits), `X-Signature` (128), `X-Timestamp` (Unix time in nanoseconds) and `X-Nonce` (a
//! UUID). The signature is Ed25519ph (RFC 8032, section 5.1) with the context `decent-cloud`, over the timestamp, the nonce, the
//! method, the path without its query, and the raw body, one directly after the other. The query is not signed, so nothing of
//! weight may stand there.
//!
//! Nothing here knows which nonces have been used: whoever acts on a request remembers them for as long as it stays fresh.

use ed25519_dalek::{Digest, Sha512, Signature, VerifyingKey};
use http::HeaderMap;
use trust::{id::CallerId, time::Moment};
use uuid::Uuid;

/// Keeps signatures made for anything else from counting here.
const CONTEXT: &[u8] = b"decent-cloud";

/// Seconds a request stays fresh, and may be ahead of our clock. Longer gives more time to somebody who copies one and forgets
/// fewer nonces; shorter refuses those whose clock is a little off.
pub const TOLERANCE: u32 = 300;

/// The header with the sender's public key.
pub const PUBLIC_KEY: &str = "x-public-key";
/// The header with the signature.
pub const SIGNATURE: &str = "x-signature";
/// The header with the time of signing.
pub const TIMESTAMP: &str = "x-timestamp";
/// The header with what makes the request the only one of its kind.
pub const NONCE: &str = "x-nonce";

/// A request as its sender signed it.
#[derive(Debug, Clone, Copy)]
pub struct SignedRequest<'a> {
    /// Its headers.
    pub headers: &'a HeaderMap,
    /// Its method, in capitals.
    pub method: &'a str,
    /// Its path, without the query.
    pub path: &'a str,
    /// Its body, byte for byte.
    pub body: &'a [u8],
}

/// Who signed a request, and what makes it the only one of its kind.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Signer {
    /// The public key in lower-case hex: the sender's id on the marketplace.
    pub caller: CallerId,
    /// To be taken once.
    pub nonce: Uuid,
}

/// Why a request is not known to be its sender's.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum NotSigned {
    /// A header is not there.
    #[error("the header {0} is missing")]
    Missing(&'static str),
    /// A header is not of its form.
    #[error("the header {header} is not {form}")]
    Malformed {
        /// Which one.
        header: &'static str,
        /// What it ought to be.
        form: &'static str,
    },
    /// Signed too long ago, or too far ahead.
    #[error("the timestamp is more than {TOLERANCE} seconds away from now")]
    NotFresh,
    /// The signature is not this key's over this request, or the key is one that anybody can sign for.
    #[error("the signature does not fit the key and the request")]
    WrongSignature,
}

impl SignedRequest<'_> {
    /// Who signed this request, if it is signed and fresh.
    pub fn verify(&self, now: Moment) -> Result<Signer, NotSigned> {
        let public_key = self.hex(PUBLIC_KEY, "a public key of 64 hex digits")?;
        let signature = self.hex(SIGNATURE, "a signature of 128 hex digits")?;
        let timestamp = self.header(TIMESTAMP)?;
        let nonce_text = self.header(NONCE)?;
        let nonce = uuid(nonce_text).ok_or(NotSigned::Malformed { header: NONCE, form: "a UUID" })?;
        if !is_fresh(timestamp, now)? {
            return Err(NotSigned::NotFresh);
        }
        let key = VerifyingKey::from_bytes(&public_key).map_err(|_| NotSigned::WrongSignature)?;
        let message = Sha512::new()
            .chain_update(timestamp)
            .chain_update(nonce_text)
            .chain_update(self.method)
            .chain_update(self.path)
            .chain_update(self.body);
        // Strictly: for keys of small order there are signatures that fit many messages.
        key.verify_prehashed_strict(message, Some(CONTEXT), &Signature::from_bytes(&signature))
            .map_err(|_| NotSigned::WrongSignature)?;
        let caller = hex::encode(public_key).parse().map_err(|_| NotSigned::WrongSignature)?;
        Ok(Signer { caller, nonce })
    }

    fn header(&self, name: &'static str) -> Result<&str, NotSigned> {
        let value = self.headers.get(name).ok_or(NotSigned::Missing(name))?;
        value.to_str().map_err(|_| NotSigned::Malformed { header: name, form: "text" })
    }

    fn hex<const LENGTH: usize>(
        &self,
        name: &'static str,
        form: &'static str,
    ) -> Result<[u8; LENGTH], NotSigned> {
        let mut bytes = [0; LENGTH];
        hex::decode_to_slice(self.header(name)?, &mut bytes)
            .map_err(|_| NotSigned::Malformed { header: name, form })?;
        Ok(bytes)
    }
}

/// A UUID in its usual form, five groups with hyphens; the others that there are would let one nonce be two.
fn uuid(text: &str) -> Option<Uuid> {
    const HYPHENATED: usize = 36;
    Uuid::try_parse(text).ok().filter(|_| text.len() == HYPHENATED)
}

fn is_fresh(timestamp: &str, now: Moment) -> Result<bool, NotSigned> {
    const SECOND: i128 = 1_000_000_000;
    let malformed = NotSigned::Malformed { header: TIMESTAMP, form: "a Unix time in nanoseconds" };
    if !timestamp.bytes().all(|byte| byte.is_ascii_digit()) {
        return Err(malformed);
    }
    // An empty one and one beyond all time are refused here.
    let signed_at: u64 = timestamp.parse().map_err(|_| malformed)?;
    let apart = i128::from(signed_at) - i128::from(now.unix()) * SECOND;
    Ok(apart.abs() <= i128::from(TOLERANCE) * SECOND)
}

#[cfg(test)]
mod tests {
    use ed25519_dalek::SigningKey;
    use http::HeaderValue;
    use proptest::prelude::*;

    use super::*;

    const NOW: i64 = 1_790_000_000;
    const UUID: &str = "6ba7b810-9dad-41d1-80b4-00c04fd430c8";
    const PATH: &str = "/v1/signed/chat/identity";
    const BODY: &[u8] = br#"{"contract_id":"c1"}"#;
    /// The public key of the published vector.
    const KEY: &str = "03a107bff3ce10be1d70dd18e74bc09967e4d6309ba50d5f1ddc8664125531b8";

    /// The key of the published vector: its seed counts from 0.
    fn key() -> SigningKey {
        SigningKey::from_bytes(&std::array::from_fn(|index| index as u8))
    }

    fn now() -> Moment {
        Moment::from_unix(NOW).unwrap()
    }

    fn nanoseconds(seconds: i64) -> String {
        format!("{}", i128::from(NOW + seconds) * 1_000_000_000)
    }

    fn signature(parts: &[&[u8]]) -> String {
        let message = parts.iter().fold(Sha512::new(), Digest::chain_update);
        hex::encode(key().sign_prehashed(message, Some(CONTEXT)).unwrap().to_bytes())
    }

    /// Headers of a request to `PATH` with `BODY`, signed at this time with this nonce.
    fn signed(timestamp: &str, nonce: &str) -> HeaderMap {
        let signature = signature(&[timestamp.as_bytes(), nonce.as_bytes(), b"POST", PATH.as_bytes(), BODY]);
        let values = [(PUBLIC_KEY, KEY), (SIGNATURE, &signature), (TIMESTAMP, timestamp), (NONCE, nonce)];
        values.iter().map(|(name, value)| (name.parse().unwrap(), value.parse().unwrap())).collect()
    }

    fn verify(headers: &HeaderMap) -> Result<Signer, NotSigned> {
        SignedRequest { headers, method: "POST", path: PATH, body: BODY }.verify(now())
    }

    #[test]
    fn keys_and_signatures_are_the_published_ones_of_decent_cloud() {
        assert_eq!(hex::encode(key().verifying_key().to_bytes()), KEY);
        let expected = "a2aca8ef6760241fc2b254447b9320f03fffaaa11f60365b33455b5d664abc01\
                        72627ce2258cdbde7e2eddbe20bda46e008f8041ffb61515e7f4e5a8fdab3f0f";
        assert_eq!(signature(&[b"test message for cross-platform verification"]), expected);
    }

    #[test]
    fn a_signed_and_fresh_request_is_the_keys_in_lower_case() {
        let expected = Signer { caller: KEY.parse().unwrap(), nonce: UUID.parse().unwrap() };
        let mut headers = signed(&nanoseconds(0), UUID);
        assert_eq!(verify(&headers), Ok(expected.clone()));
        for name in [PUBLIC_KEY, SIGNATURE] {
            let capitals = headers[name].to_str().unwrap().to_uppercase();
            headers.insert(name, capitals.parse().unwrap());
        }
        assert_eq!(verify(&headers), Ok(expected.clone()));
        assert_eq!(
            verify(&signed(&nanoseconds(0), &UUID.to_uppercase())),
            Ok(expected),
            "one nonce, two spellings"
        );
    }

    #[test]
    fn a_request_is_fresh_for_five_minutes_either_way() {
        let nanosecond = |seconds, more: i128| (i128::from(NOW + seconds) * 1_000_000_000 + more).to_string();
        for (timestamp, expected) in [
            (nanosecond(-300, 0), Ok(true)),
            (nanosecond(-300, -1), Ok(false)),
            (nanosecond(300, 0), Ok(true)),
            (nanosecond(300, 1), Ok(false)),
            ("0".to_owned(), Ok(false)),
            (NOW.to_string(), Ok(false)),
            (u64::MAX.to_string(), Ok(false)),
            ("18446744073709551616".to_owned(), Err(())),
            (String::new(), Err(())),
            ("-1".to_owned(), Err(())),
            ("+1".to_owned(), Err(())),
            ("1e18".to_owned(), Err(())),
            (" 1".to_owned(), Err(())),
        ] {
            assert_eq!(is_fresh(&timestamp, now()).map_err(|_| ()), expected, "{timestamp:?}");
        }
        for seconds in [-301, 301] {
            assert_eq!(verify(&signed(&nanoseconds(seconds), UUID)), Err(NotSigned::NotFresh));
        }
    }

    #[test]
    fn a_header_that_is_missing_or_of_another_form_is_named() {
        for name in [PUBLIC_KEY, SIGNATURE, TIMESTAMP, NONCE] {
            let mut headers = signed(&nanoseconds(0), UUID);
            headers.remove(name);
            assert_eq!(verify(&headers), Err(NotSigned::Missing(name)));
        }
        let zeros = "0".repeat(130);
        for (name, value) in [
            (PUBLIC_KEY, &zeros[..62]),
            (PUBLIC_KEY, &zeros[..66]),
            (PUBLIC_KEY, "g0"),
            (SIGNATURE, &zeros[..126]),
            (SIGNATURE, &zeros[..130]),
            (TIMESTAMP, "now"),
            (NONCE, "6ba7b8109dad41d180b400c04fd430c8"),
            (NONCE, "{6ba7b810-9dad-41d1-80b4-00c04fd430c8}"),
            (NONCE, "urn:uuid:6ba7b810-9dad-41d1-80b4-00c04fd430c8"),
            (NONCE, "6ba7b810-9dad-41d1-80b4-00c04fd430cg"),
            (NONCE, ""),
        ] {
            let mut headers = signed(&nanoseconds(0), UUID);
            headers.insert(name, value.parse().unwrap());
            let Err(NotSigned::Malformed { header, .. }) = verify(&headers) else {
                panic!("{name}: {value} was taken");
            };
            assert_eq!(header, name);
        }
        let mut headers = signed(&nanoseconds(0), UUID);
        headers.insert(NONCE, HeaderValue::from_bytes(b"\xff").unwrap());
        assert!(matches!(verify(&headers), Err(NotSigned::Malformed { .. })));
    }

    /// Points of order 1, 2, 4 and 8, a second spelling of one, and one that is no point: with the first, a signature of zeros (or
    /// of the key itself) would fit every message.
    #[test]
    fn a_key_that_anybody_can_sign_for_is_refused() {
        let zeros = "0".repeat(64);
        for weak in [
            "0100000000000000000000000000000000000000000000000000000000000000",
            "ecffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f",
            "0000000000000000000000000000000000000000000000000000000000000000",
            "26e8958fc2b227b045c3f489f2ef98f0d5dfac05d3c63339b13802886d53fc05",
            "c7176a703d4dd84fba3c0b760d10670f2a2053fa2c39ccc64ec7fd7792ac037a",
            "0100000000000000000000000000000000000000000000000000000000000080",
            "0200000000000000000000000000000000000000000000000000000000000000",
        ] {
            for signature in
                [format!("{weak}{zeros}"), format!("{zeros}{zeros}"), format!("01{}{zeros}", &zeros[2..])]
            {
                let mut headers = signed(&nanoseconds(0), UUID);
                headers.insert(PUBLIC_KEY, weak.parse().unwrap());
                headers.insert(SIGNATURE, signature.parse().unwrap());
                assert_eq!(verify(&headers), Err(NotSigned::WrongSignature), "{weak}");
            }
        }
    }

    #[test]
    fn a_signature_without_the_context_or_of_another_kind_does_not_count() {
        let timestamp = nanoseconds(0);
        let message = [timestamp.as_bytes(), UUID.as_bytes(), b"POST", PATH.as_bytes(), BODY].concat();
        let hashed = || Sha512::new().chain_update(&message);
        let plain = ed25519_dalek::Signer::sign(&key(), &message);
        for other in [
            plain,
            key().sign_prehashed(hashed(), None).unwrap(),
            key().sign_prehashed(hashed(), Some(b"decent-cloud-2")).unwrap(),
        ] {
            let mut headers = signed(&timestamp, UUID);
            headers.insert(SIGNATURE, hex::encode(other.to_bytes()).parse().unwrap());
            assert_eq!(verify(&headers), Err(NotSigned::WrongSignature));
        }
    }

    proptest! {
        #[test]
        fn a_request_of_which_any_byte_was_changed_is_refused(
            which in 0..6_usize,
            place in any::<prop::sample::Index>(),
            flip in 1..=u8::MAX,
        ) {
            let mut headers = signed(&nanoseconds(0), UUID);
            let mut changed = |name: &'static str| {
                let mut bytes = headers[name].as_bytes().to_vec();
                let at = place.index(bytes.len());
                bytes[at] ^= flip;
                // The same digit in another case is the same key, signature or nonce, unless the text itself is signed.
                let same = name != NONCE && bytes.eq_ignore_ascii_case(headers[name].as_bytes());
                match HeaderValue::from_bytes(&bytes) {
                    Ok(value) if !same => headers.insert(name, value).is_some(),
                    _ => false,
                }
            };
            let mut method = b"POST".to_vec();
            let mut path = PATH.as_bytes().to_vec();
            let mut body = BODY.to_vec();
            let flipped = |bytes: &mut Vec<u8>| {
                let at = place.index(bytes.len());
                bytes[at] ^= flip;
                true
            };
            let differs = match which {
                0 => changed(PUBLIC_KEY),
                1 => changed(SIGNATURE),
                2 => changed(TIMESTAMP),
                3 => changed(NONCE),
                4 => flipped(&mut body),
                _ if place.index(2) == 0 => flipped(&mut method),
                _ => flipped(&mut path),
            };
            prop_assume!(differs);
            let (Ok(method), Ok(path)) = (std::str::from_utf8(&method), std::str::from_utf8(&path)) else {
                return Ok(());
            };
            let request = SignedRequest { headers: &headers, method, path, body: &body };
            prop_assert!(request.verify(now()).is_err());
        }
    }
}
