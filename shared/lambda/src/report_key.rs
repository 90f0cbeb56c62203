//! The key by which somebody reports on a monitor: HMAC-SHA256 of the monitor's id under one of the secrets `reports`, in hex.
//!
//! It is worked out and never kept. Whoever has it may say what he likes of this one monitor, as a claim, and nothing else.
//!
//! Monitoring tools that can only set headers send the key itself, as `Authorization: Bearer <key>`. Who can compute signs:
//! `X-Timestamp: <Unix seconds>`, within five minutes of now, and `X-Signature: sha256=<hex(HMAC-SHA256(key, timestamp + "." + raw
//! body))>`.

use hmac::{Hmac, KeyInit, Mac};
use http::{HeaderMap, header::AUTHORIZATION};
use sha2::Sha256;
use trust::{time::Moment, uptime::names::MonitorId};

use crate::secrets::Secret;

/// The header with the time of signing.
pub const TIMESTAMP: &str = "x-timestamp";

/// The header with the signature.
pub const SIGNATURE: &str = "x-signature";

/// How far the time of signing may lie from ours, in seconds, either way. Longer lets a captured report be sent again for longer;
/// shorter refuses those whose clock is a little off.
pub const TOLERANCE: u32 = 300;

/// The key of one monitor under one secret. Its debug form hides it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ReportKey(Secret);

/// Why somebody may not report on a monitor.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum NotReporter {
    /// Neither a key nor a signature came with the report.
    #[error("a key (Authorization: Bearer …) or a signature ({TIMESTAMP}, {SIGNATURE}) is required")]
    Missing,
    /// It was signed too long ago, or too far ahead.
    #[error("{TIMESTAMP} is more than {TOLERANCE} seconds away from now, or no Unix time")]
    NotFresh,
    /// It is not this monitor's key, or not this key's signature.
    #[error("the key is not this monitor's, or the signature is not over this body")]
    Mismatch,
}

impl ReportKey {
    /// The key of a monitor under this secret; `None` under an empty one, which everybody knows.
    pub fn of(secret: &Secret, monitor: &MonitorId) -> Option<Self> {
        let text = Some(secret.expose()).filter(|text| !text.is_empty())?;
        let key = authenticator(text, &[monitor.as_str().as_bytes()])?.finalize().into_bytes();
        Some(Self(Secret::new(hex::encode(key))))
    }

    /// The key in hex, for whom it is.
    pub fn expose(&self) -> &str {
        self.0.expose()
    }
}

/// Checks that a report on a monitor comes from somebody who has its key under one of the secrets.
///
/// Comparisons take the same time wherever the two differ.
pub fn verify<'a>(
    secrets: impl IntoIterator<Item = &'a Secret>,
    monitor: &MonitorId,
    headers: &HeaderMap,
    body: &[u8],
    now: Moment,
) -> Result<(), NotReporter> {
    let text = |name: &str| headers.get(name).and_then(|value| value.to_str().ok());
    let bearer = text(AUTHORIZATION.as_str()).and_then(|value| value.strip_prefix("Bearer "));
    let signature = text(SIGNATURE);
    let (given, timestamp) = match (bearer, signature) {
        (Some(key), _) => (key, None),
        (None, Some(signature)) => {
            let timestamp = text(TIMESTAMP).ok_or(NotReporter::Missing)?;
            let is_near = |at: Moment| now.since(at).max(at.since(now)) <= TOLERANCE;
            let at = timestamp.parse().ok().and_then(Moment::from_unix).filter(|at| is_near(*at));
            at.ok_or(NotReporter::NotFresh)?;
            (signature.strip_prefix("sha256=").ok_or(NotReporter::Mismatch)?, Some(timestamp))
        }
        (None, None) => return Err(NotReporter::Missing),
    };
    let given = hex::decode(given.trim()).map_err(|_| NotReporter::Mismatch)?;
    let fits = |secret: &Secret| {
        let fitting = match timestamp {
            None => Some(secret.expose())
                .filter(|secret| !secret.is_empty())
                .and_then(|secret| authenticator(secret, &[monitor.as_str().as_bytes()])),
            Some(timestamp) => ReportKey::of(secret, monitor)
                .and_then(|key| authenticator(key.expose(), &[timestamp.as_bytes(), b".", body])),
        };
        fitting.is_some_and(|authenticator| authenticator.verify_slice(&given).is_ok())
    };
    if secrets.into_iter().any(fits) { Ok(()) } else { Err(NotReporter::Mismatch) }
}

fn authenticator(key: &str, parts: &[&[u8]]) -> Option<Hmac<Sha256>> {
    let mut authenticator = Hmac::<Sha256>::new_from_slice(key.as_bytes()).ok()?;
    for part in parts {
        authenticator.update(part);
    }
    Some(authenticator)
}

#[cfg(test)]
mod tests {
    use super::*;

    const NOW: i64 = 1_800_000_000;

    fn monitor() -> MonitorId {
        "00112233445566778899aabbccddeeff".parse().unwrap()
    }

    fn secrets() -> [Secret; 2] {
        ["current", "previous"].map(Secret::new)
    }

    fn check(headers: &[(&'static str, String)], body: &[u8]) -> Result<(), NotReporter> {
        let headers =
            headers.iter().map(|(name, value)| (name.parse().unwrap(), value.parse().unwrap())).collect();
        verify(&secrets(), &monitor(), &headers, body, Moment::from_unix(NOW).unwrap())
    }

    fn bearer(key: &str) -> [(&'static str, String); 1] {
        [("authorization", format!("Bearer {key}"))]
    }

    fn signed(key: &str, at: i64, body: &[u8]) -> [(&'static str, String); 2] {
        let at = at.to_string();
        let digest = authenticator(key, &[at.as_bytes(), b".", body]).unwrap().finalize().into_bytes();
        [(TIMESTAMP, at), (SIGNATURE, format!("sha256={}", hex::encode(digest)))]
    }

    #[test]
    fn a_key_is_the_hmac_of_the_monitors_id() {
        // echo -n 00112233445566778899aabbccddeeff | openssl dgst -sha256 -hmac current
        let key = ReportKey::of(&Secret::new("current"), &monitor()).unwrap();
        assert_eq!(key.expose(), "f2ab1a63cdd7596db3cafa34aee11722c64c3684ab9ab80e6c133bdb4c718182");
        assert!(!format!("{key:?}").contains(key.expose()));
        assert_eq!(ReportKey::of(&Secret::new(""), &monitor()), None);
    }

    #[test]
    fn the_key_or_a_signature_by_it_lets_report_under_the_current_and_a_previous_secret() {
        for secret in secrets() {
            let key = ReportKey::of(&secret, &monitor()).unwrap();
            assert_eq!(check(&bearer(key.expose()), b"{}"), Ok(()));
            for age in [-300, 0, 300] {
                assert_eq!(check(&signed(key.expose(), NOW + age, b"{}"), b"{}"), Ok(()), "{age}");
            }
        }
    }

    #[test]
    fn nobody_else_reports() {
        let secret = &secrets()[0];
        let key = ReportKey::of(secret, &monitor()).unwrap();
        let of_another = ReportKey::of(secret, &"another".parse().unwrap()).unwrap();
        for age in [-301, 301] {
            assert_eq!(check(&signed(key.expose(), NOW + age, b"{}"), b"{}"), Err(NotReporter::NotFresh));
        }
        for headers in
            [&bearer(of_another.expose())[..], &bearer("")[..], &bearer("zz")[..], &bearer("current")[..]]
        {
            assert_eq!(check(headers, b"{}"), Err(NotReporter::Mismatch), "{headers:?}");
        }
        assert_eq!(check(&signed(key.expose(), NOW, b"{}"), b"{ }"), Err(NotReporter::Mismatch));
        assert_eq!(check(&signed(of_another.expose(), NOW, b"{}"), b"{}"), Err(NotReporter::Mismatch));
        assert_eq!(check(&[], b"{}"), Err(NotReporter::Missing));
        assert_eq!(check(&signed(key.expose(), NOW, b"{}")[1..], b"{}"), Err(NotReporter::Missing));
    }
}
