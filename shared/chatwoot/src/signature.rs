//! Whether Chatwoot sent these bytes, and lately.
//!
//! ```text
//! X-Chatwoot-Timestamp: <Unix seconds>
//! X-Chatwoot-Signature: sha256=<hex(HMAC-SHA256(secret, timestamp + "." + raw body))>
//! ```
//! Account webhooks are signed since Chatwoot 4.12.0, API inboxes and agent bots since 4.13.0. The bytes are checked as they came,
//! before anything reads them; the time is part of what is signed, so nobody can make an old request young.

use hmac::Mac;
use trust::time::Moment;

use crate::hmac_sha256;

/// The header with the time of sending.
pub const TIMESTAMP_HEADER: &str = "x-chatwoot-timestamp";

/// The header with the signature.
pub const SIGNATURE_HEADER: &str = "x-chatwoot-signature";

/// The header with the id of this delivery. Not signed: good for finding a log line, not for a decision.
pub const DELIVERY_HEADER: &str = "x-chatwoot-delivery";

/// How far the time of sending may lie from ours, in seconds, either way.
///
/// Smaller refuses honest requests when a clock drifts or a delivery waits on a cold start; larger lets whoever recorded a request
/// replay it for longer. Five minutes is what Chatwoot's own description suggests.
pub const TOLERANCE: u32 = 300;

const SCHEME: &str = "sha256=";
const DIGEST_BYTES: usize = 32;

/// Why a request can not be taken for Chatwoot's.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum SignatureError {
    /// It carries no signature, or none that says when.
    #[error("the signature or its timestamp is missing")]
    Missing,
    /// The headers do not have the form Chatwoot gives them.
    #[error("the signature or its timestamp is malformed")]
    Malformed,
    /// It was signed more than [`TOLERANCE`] seconds ago.
    #[error("the signature is more than {TOLERANCE} seconds old")]
    Stale,
    /// It claims to be signed more than [`TOLERANCE`] seconds from now.
    #[error("the signature is dated more than {TOLERANCE} seconds in the future")]
    Future,
    /// None of the account's secrets gives this signature.
    #[error("the signature does not match")]
    Mismatch,
}

/// Checks that one of these secrets signed this body, within [`TOLERANCE`] of `now`.
///
/// The current secret comes first, then previous ones, so that a rotation loses nothing. Each comparison takes the same time
/// wherever the signatures differ. An empty secret signs nothing: a hole in the configuration is not a key that everybody knows.
pub fn verify<'a>(
    secrets: impl IntoIterator<Item = &'a str>,
    timestamp: Option<&str>,
    signature: Option<&str>,
    body: &[u8],
    now: Moment,
) -> Result<(), SignatureError> {
    let (Some(timestamp), Some(signature)) = (timestamp, signature) else {
        return Err(SignatureError::Missing);
    };
    let digest = read_signature(signature).ok_or(SignatureError::Malformed)?;
    let sent = read_timestamp(timestamp).ok_or(SignatureError::Malformed)?;
    if now.since(sent) > TOLERANCE {
        return Err(SignatureError::Stale);
    }
    if sent.since(now) > TOLERANCE {
        return Err(SignatureError::Future);
    }
    let signed_by = |secret: &str| authenticator(secret, timestamp, body).verify_slice(&digest).is_ok();
    let known = secrets.into_iter().filter(|secret| !secret.is_empty()).any(signed_by);
    if known { Ok(()) } else { Err(SignatureError::Mismatch) }
}

/// The headers Chatwoot would send with this body, for samples and tests: timestamp and signature.
pub fn sign(secret: &str, sent: Moment, body: &[u8]) -> (String, String) {
    let timestamp = sent.unix().to_string();
    let digest = authenticator(secret, &timestamp, body).finalize().into_bytes();
    let signature = format!("{SCHEME}{}", hex::encode(digest));
    (timestamp, signature)
}

/// What is signed is the header's text, not the number it stands for.
fn authenticator(secret: &str, timestamp: &str, body: &[u8]) -> hmac::Hmac<sha2::Sha256> {
    hmac_sha256(secret, &[timestamp.as_bytes(), b".", body])
}

fn read_timestamp(header: &str) -> Option<Moment> {
    let decimal = header.bytes().all(|byte| byte.is_ascii_digit());
    header.parse().ok().filter(|_| decimal).and_then(Moment::from_unix)
}

fn read_signature(header: &str) -> Option<[u8; DIGEST_BYTES]> {
    let digits = header.strip_prefix(SCHEME)?;
    if digits.bytes().any(|byte| byte.is_ascii_uppercase()) {
        return None;
    }
    let mut digest = [0; DIGEST_BYTES];
    hex::decode_to_slice(digits, &mut digest).ok()?;
    Some(digest)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    const SECRET: &str = "test-secret";
    const SENT: i64 = 1_700_000_000;
    const BODY: &[u8] = br#"{"event":"message_created","id":42}"#;
    /// Computed with another implementation of HMAC.
    const SIGNATURE: &str = "sha256=470291c17cd13ead1a22df7e676edf35437287d7b1b4df1425c8e96cf62baded";

    fn at(seconds: i64) -> Moment {
        Moment::from_unix(seconds).unwrap()
    }

    fn check(
        secrets: &[&str],
        timestamp: Option<&str>,
        signature: Option<&str>,
        now: i64,
    ) -> Result<(), SignatureError> {
        verify(secrets.iter().copied(), timestamp, signature, BODY, at(now))
    }

    #[test]
    fn the_signature_is_the_one_chatwoot_computes() {
        assert_eq!(sign(SECRET, at(SENT), BODY), (SENT.to_string(), SIGNATURE.to_owned()));
        assert_eq!(check(&[SECRET], Some("1700000000"), Some(SIGNATURE), SENT), Ok(()));
    }

    #[test]
    fn five_minutes_either_way_are_fresh_and_a_second_more_is_not() {
        for (now, expected) in [
            (SENT - 301, Err(SignatureError::Future)),
            (SENT - 300, Ok(())),
            (SENT + 300, Ok(())),
            (SENT + 301, Err(SignatureError::Stale)),
            (SENT + 100_000_000, Err(SignatureError::Stale)),
            (0, Err(SignatureError::Future)),
        ] {
            assert_eq!(check(&[SECRET], Some("1700000000"), Some(SIGNATURE), now), expected, "{now}");
        }
    }

    #[test]
    fn current_and_previous_secrets_are_accepted_and_no_other() {
        for (secrets, expected) in [
            (&["test-secret"][..], Ok(())),
            (&["new", "test-secret"], Ok(())),
            (&["new", "newer", "test-secret"], Ok(())),
            (&["Test-secret"], Err(SignatureError::Mismatch)),
            (&["dGVzdC1zZWNyZXQ="], Err(SignatureError::Mismatch)),
            (&[""], Err(SignatureError::Mismatch)),
            (&[], Err(SignatureError::Mismatch)),
        ] {
            assert_eq!(check(secrets, Some("1700000000"), Some(SIGNATURE), SENT), expected, "{secrets:?}");
        }
    }

    #[test]
    fn an_empty_secret_accepts_nothing_even_what_it_signed() {
        let (timestamp, signature) = sign("", at(SENT), BODY);
        assert_eq!(check(&[""], Some(&timestamp), Some(&signature), SENT), Err(SignatureError::Mismatch));
    }

    #[test]
    fn headers_of_another_form_are_missing_or_malformed() {
        use SignatureError::{Malformed, Missing};
        let hex = &SIGNATURE["sha256=".len()..];
        let upper = format!("sha256={}", hex.to_uppercase());
        let short = &SIGNATURE[..SIGNATURE.len() - 1];
        let long = format!("{SIGNATURE}0");
        let twice = format!("{SIGNATURE}, {SIGNATURE}");
        let sha1 = format!("sha1={hex}");
        for (timestamp, signature, expected) in [
            (None, None, Missing),
            (Some("1700000000"), None, Missing),
            (None, Some(SIGNATURE), Missing),
            (Some("1700000000"), Some(""), Malformed),
            (Some("1700000000"), Some(hex), Malformed),
            (Some("1700000000"), Some(upper.as_str()), Malformed),
            (Some("1700000000"), Some(short), Malformed),
            (Some("1700000000"), Some(long.as_str()), Malformed),
            (Some("1700000000"), Some(twice.as_str()), Malformed),
            (Some("1700000000"), Some(sha1.as_str()), Malformed),
            (Some(""), Some(SIGNATURE), Malformed),
            (Some("+1700000000"), Some(SIGNATURE), Malformed),
            (Some("-1"), Some(SIGNATURE), Malformed),
            (Some(" 1700000000"), Some(SIGNATURE), Malformed),
            (Some("1700000000.0"), Some(SIGNATURE), Malformed),
            (Some("99999999999999999999"), Some(SIGNATURE), Malformed),
        ] {
            let outcome = check(&[SECRET], timestamp, signature, SENT);
            assert_eq!(outcome, Err(expected), "{timestamp:?} {signature:?}");
        }
    }

    #[test]
    fn the_text_of_the_timestamp_is_signed_so_another_spelling_of_it_is_refused() {
        let outcome = check(&[SECRET], Some("01700000000"), Some(SIGNATURE), SENT);
        assert_eq!(outcome, Err(SignatureError::Mismatch));
    }

    proptest! {
        #[test]
        fn what_is_signed_verifies_and_one_changed_byte_does_not(
            secret in "[A-Za-z0-9_-]{1,32}",
            mut body in prop::collection::vec(any::<u8>(), 1..200),
            position in any::<prop::sample::Index>(),
        ) {
            let (timestamp, signature) = sign(&secret, at(SENT), &body);
            let check = |body: &[u8]| {
                verify([secret.as_str()], Some(&timestamp), Some(&signature), body, at(SENT))
            };
            prop_assert_eq!(check(&body), Ok(()));
            let changed = position.index(body.len());
            body[changed] ^= 1;
            prop_assert_eq!(check(&body), Err(SignatureError::Mismatch));
        }

        #[test]
        fn any_headers_are_answered_without_a_panic(timestamp in ".{0,40}", signature in ".{0,90}") {
            prop_assert!(check(&[SECRET], Some(&timestamp), Some(&signature), SENT).is_err());
        }
    }
}
