//! Our signatures and hashes beside OpenSSL's command line, which knows nothing of us.

use std::{
    io::Write,
    process::{Command, Stdio},
};

use chatwoot::{identity::identifier_hash, signature};
use trust::time::Moment;

/// HMAC-SHA256 in hex, by OpenSSL.
fn openssl(key: &str, message: &[u8]) -> String {
    let mut process = Command::new("openssl")
        .args(["dgst", "-sha256", "-hmac", key, "-hex"])
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .unwrap_or_else(|error| panic!("openssl is needed on the path: {error}"));
    process.stdin.take().unwrap().write_all(message).unwrap();
    let output = process.wait_with_output().unwrap();
    assert!(output.status.success());
    let text = String::from_utf8(output.stdout).unwrap();
    text.rsplit("= ").next().unwrap().trim().to_owned()
}

#[test]
fn identity_hashes_are_those_of_openssl() {
    for (key, renter) in [("hmac-token-abc", "customer-123"), ("xY-_9", "Rita.7"), ("k", &"f".repeat(128))] {
        assert_eq!(identifier_hash(key, &renter.parse().unwrap()), openssl(key, renter.as_bytes()));
    }
}

#[test]
fn webhook_signatures_are_those_of_openssl() {
    for (key, at, body) in [
        ("test-secret", 1_700_000_000, r#"{"event":"message_created","id":42}"#),
        ("aB-_x9", 1_790_000_000, "{\"content\":\"\\u003cü\"}"),
        ("k", 1, ""),
    ] {
        let (timestamp, signed) = signature::sign(key, Moment::from_unix(at).unwrap(), body.as_bytes());
        assert_eq!(signed, format!("sha256={}", openssl(key, format!("{timestamp}.{body}").as_bytes())));
    }
}
