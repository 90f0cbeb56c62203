//! Standard Webhooks signatures (standardwebhooks.com, 1.0.0): HMAC-SHA256 over `id.timestamp.body`.
//!
//! The crate's own `verify` reads the wall clock; here the time is a parameter, so the signature is made anew with the crate's
//! `sign` and compared in constant time.

use http::HeaderMap;
use standardwebhooks::Webhook;
use subtle::ConstantTimeEq;
use trust::time::Moment;

/// How far a timestamp may be from now, in seconds, both ways. Longer lets a captured request be sent again for longer; shorter
/// refuses senders whose clocks are off. From the specification.
pub const TOLERANCE: i64 = 300;

/// Why a request is not from the marketplace.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum SignatureError {
    /// One of the three headers is missing or unreadable.
    #[error("the headers webhook-id, webhook-timestamp and webhook-signature are required")]
    Missing,
    /// Older than five minutes.
    #[error("webhook-timestamp is more than 5 minutes old")]
    Stale,
    /// More than five minutes ahead.
    #[error("webhook-timestamp is more than 5 minutes ahead")]
    Future,
    /// Made with another secret, or over another body.
    #[error("webhook-signature does not match")]
    Mismatch,
}

/// What the sender said of the request, and signed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Signed<'a> {
    /// The same for the same request, however often it is sent.
    pub id: &'a str,
    /// When it was signed.
    pub at: Moment,
}

/// Checks that one of the secrets signed this body within the last five minutes.
pub fn verify<'a, 'h>(
    secrets: impl IntoIterator<Item = &'a str>,
    headers: &'h HeaderMap,
    body: &[u8],
    now: Moment,
) -> Result<Signed<'h>, SignatureError> {
    let text = |name: &str| -> Result<&'h str, SignatureError> {
        headers.get(name).and_then(|value| value.to_str().ok()).ok_or(SignatureError::Missing)
    };
    let (id, timestamp, signatures) =
        (text("webhook-id")?, text("webhook-timestamp")?, text("webhook-signature")?);
    let timestamp: i64 = timestamp.parse().map_err(|_| SignatureError::Missing)?;
    match now.unix().saturating_sub(timestamp) {
        age if age > TOLERANCE => return Err(SignatureError::Stale),
        age if age < -TOLERANCE => return Err(SignatureError::Future),
        _ => {}
    }
    // A secret that is none signs nothing, and never matches.
    let expected =
        secrets.into_iter().filter_map(|secret| Webhook::new(secret).ok()?.sign(id, timestamp, body).ok());
    let given: Vec<&str> = signatures.split(' ').collect();
    let matches = expected
        .flat_map(|expected| given.iter().map(move |given| expected.as_bytes().ct_eq(given.as_bytes())))
        .fold(subtle::Choice::from(0), |any, one| any | one);
    let at = Moment::from_unix(timestamp).ok_or(SignatureError::Missing)?;
    if bool::from(matches) { Ok(Signed { id, at }) } else { Err(SignatureError::Mismatch) }
}

#[cfg(test)]
mod tests {
    use super::*;

    const SECRET: &str = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw";
    const OTHER: &str = "whsec_C2FVsBQIhrscChlQIMV+b5sSYspob7oD";
    const SENT: i64 = 1_614_265_330;

    fn headers(id: &str, timestamp: &str, signature: &str) -> HeaderMap {
        let pairs = [("webhook-id", id), ("webhook-timestamp", timestamp), ("webhook-signature", signature)];
        pairs
            .into_iter()
            .filter(|(_, value)| !value.is_empty())
            .map(|(name, value)| (name.parse().unwrap(), value.parse().unwrap()))
            .collect()
    }

    fn check(secrets: &[&str], headers: &HeaderMap, body: &[u8], age: i64) -> Result<(), SignatureError> {
        let signed = verify(secrets.iter().copied(), headers, body, Moment::from_unix(SENT + age).unwrap())?;
        assert_eq!(signed, Signed { id: ID, at: Moment::from_unix(SENT).unwrap() });
        Ok(())
    }

    /// The vector of the Standard Webhooks specification's reference libraries.
    const SIGNATURE: &str = "v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE=";
    const ID: &str = "msg_p5jXN8AQM9LWM0D4loKWxJek";
    const BODY: &[u8] = br#"{"test": 2432232314}"#;

    #[test]
    fn the_published_vector_verifies_with_the_current_or_a_previous_secret() {
        let signed = headers(ID, &SENT.to_string(), SIGNATURE);
        assert_eq!(check(&[SECRET], &signed, BODY, 0), Ok(()));
        assert_eq!(check(&[OTHER, SECRET], &signed, BODY, 0), Ok(()));
        let rotating = headers(ID, &SENT.to_string(), &format!("v1,other {SIGNATURE}"));
        assert_eq!(check(&[SECRET], &rotating, BODY, 0), Ok(()));
    }

    #[test]
    fn anything_else_is_refused_with_the_reason() {
        let sent = SENT.to_string();
        let signed = headers(ID, &sent, SIGNATURE);
        for (secrets, headers, body, age, reason) in [
            (&[OTHER][..], signed.clone(), BODY, 0, SignatureError::Mismatch),
            (&[], signed.clone(), BODY, 0, SignatureError::Mismatch),
            (&["", "whsec_"], signed.clone(), BODY, 0, SignatureError::Mismatch),
            (&[SECRET], signed.clone(), b"{}", 0, SignatureError::Mismatch),
            (&[SECRET], headers("msg_other", &sent, SIGNATURE), BODY, 0, SignatureError::Mismatch),
            (&[SECRET], headers(ID, &sent, "v1,"), BODY, 0, SignatureError::Mismatch),
            (&[SECRET], headers(ID, &sent, &SIGNATURE[3..]), BODY, 0, SignatureError::Mismatch),
            (&[SECRET], headers("", &sent, SIGNATURE), BODY, 0, SignatureError::Missing),
            (&[SECRET], headers(ID, "", SIGNATURE), BODY, 0, SignatureError::Missing),
            (&[SECRET], headers(ID, "soon", SIGNATURE), BODY, 0, SignatureError::Missing),
            (&[SECRET], headers(ID, &sent, ""), BODY, 0, SignatureError::Missing),
            (&[SECRET], signed.clone(), BODY, TOLERANCE + 1, SignatureError::Stale),
            (&[SECRET], signed.clone(), BODY, -TOLERANCE - 1, SignatureError::Future),
        ] {
            assert_eq!(check(secrets, &headers, body, age), Err(reason), "{headers:?} {age}");
        }
        assert_eq!(check(&[SECRET], &signed, BODY, TOLERANCE), Ok(()));
        assert_eq!(check(&[SECRET], &signed, BODY, -TOLERANCE), Ok(()));
    }
}
