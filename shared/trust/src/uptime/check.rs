//! What is asked of an endpoint, as its parties say it.
//!
//! Hosts and URLs are kept as they were written. What of them may be asked is the egress guard's to say, when the wish is made and
//! again at each check.

use std::{
    net::{Ipv4Addr, Ipv6Addr},
    num::NonZeroU32,
};

use serde::{Deserialize, Serialize};

use super::leaves::CheckKind;

/// One thing to find out about an endpoint.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "kind", rename_all = "kebab-case")]
pub enum Check {
    /// That a URL, `http` or `https`, answers as it should.
    #[serde(alias = "https")]
    Http {
        /// The URL.
        url: String,
        /// How it is asked.
        #[serde(default)]
        method: Method,
        /// The status it should answer with; any from 200 to 299 where absent.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        status: Option<u16>,
        /// What its body should contain. Not with [`Method::Head`].
        #[serde(default, skip_serializing_if = "Option::is_none")]
        contains: Option<String>,
        /// The latency from which it counts as down, in milliseconds. Nothing is waited for beyond ten seconds: no more is let in, and
        /// more means the same.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        within_ms: Option<NonZeroU32>,
    },
    /// That somebody takes connections.
    Tcp {
        /// A name or an address.
        host: String,
        /// The port.
        port: u16,
    },
    /// That a certificate is valid for the host, and signed by somebody whom browsers trust.
    Tls {
        /// A name or an address.
        host: String,
        /// The port.
        #[serde(default = "https")]
        port: u16,
    },
    /// That an SSH server introduces itself.
    Ssh {
        /// A name or an address.
        host: String,
        /// The port.
        #[serde(default = "ssh")]
        port: u16,
    },
    /// That a name has the record it should have.
    Dns {
        /// The name.
        name: String,
        /// The record.
        #[serde(flatten)]
        record: Record,
    },
}

/// How a URL is asked: never in a way that could change anything.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "UPPERCASE")]
pub enum Method {
    /// For all of it.
    #[default]
    Get,
    /// For the headers only.
    Head,
}

/// A kind of DNS record, and the answer that must be among the answers; any will do where none is given.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "record", content = "answer", rename_all = "UPPERCASE")]
pub enum Record {
    /// An address of version 4.
    A(#[serde(default)] Option<Ipv4Addr>),
    /// An address of version 6.
    Aaaa(#[serde(default)] Option<Ipv6Addr>),
    /// The name it stands for.
    Cname(#[serde(default)] Option<String>),
    /// A mail server's name.
    Mx(#[serde(default)] Option<String>),
    /// A name server's name.
    Ns(#[serde(default)] Option<String>),
    /// A text.
    Txt(#[serde(default)] Option<String>),
}

fn https() -> u16 {
    443
}

fn ssh() -> u16 {
    22
}

impl Check {
    /// The kind, as it is shown: says nothing of where the endpoint is.
    pub fn kind(&self) -> CheckKind {
        match self {
            Self::Http { url, .. } if url.starts_with("http:") => CheckKind::Http,
            Self::Http { .. } => CheckKind::Https,
            Self::Tcp { .. } => CheckKind::Tcp,
            Self::Tls { .. } => CheckKind::Tls,
            Self::Ssh { .. } => CheckKind::Ssh,
            Self::Dns { .. } => CheckKind::Dns,
        }
    }

    /// The one text of this check, whose salted hash is in the log: its JSON, members in the order of this type, none left out
    /// that is set, none there that is not.
    pub fn canonical(&self) -> String {
        // Strings, numbers and options of those always have a JSON.
        serde_json::to_string(self).unwrap_or_default()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn checks_read_as_their_parties_write_them_and_have_one_text() {
        for (written, kind, canonical) in [
            (
                r#"{"kind":"https","url":"https://a.example/"}"#,
                "https",
                r#"{"kind":"http","url":"https://a.example/","method":"GET"}"#,
            ),
            (
                r#"{"kind":"http","url":"http://a.example/","method":"GET","status":204,"contains":"ok","within_ms":500}"#,
                "http",
                r#"{"kind":"http","url":"http://a.example/","method":"GET","status":204,"contains":"ok","within_ms":500}"#,
            ),
            (r#"{"kind":"ssh","host":"a.example"}"#, "ssh", r#"{"kind":"ssh","host":"a.example","port":22}"#),
            (
                r#"{"kind":"tls","host":"a.example"}"#,
                "tls",
                r#"{"kind":"tls","host":"a.example","port":443}"#,
            ),
            (
                r#"{"kind":"tcp","host":"192.0.2.1","port":25565}"#,
                "tcp",
                r#"{"kind":"tcp","host":"192.0.2.1","port":25565}"#,
            ),
            (
                r#"{"kind":"dns","name":"a.example","record":"A","answer":"192.0.2.1"}"#,
                "dns",
                r#"{"kind":"dns","name":"a.example","record":"A","answer":"192.0.2.1"}"#,
            ),
            (
                r#"{"kind":"dns","name":"a.example","record":"TXT","answer":null}"#,
                "dns",
                r#"{"kind":"dns","name":"a.example","record":"TXT","answer":null}"#,
            ),
        ] {
            let check: Check = serde_json::from_str(written).unwrap();
            assert_eq!((check.kind().as_str(), check.canonical().as_str()), (kind, canonical));
            assert_eq!(serde_json::from_str::<Check>(canonical).unwrap(), check);
        }
    }

    #[test]
    fn what_is_no_check_is_refused() {
        for text in [
            r#"{"kind":"ping","host":"a.example"}"#,
            r#"{"kind":"tcp","host":"a.example"}"#,
            r#"{"kind":"http","url":"http://a.example/","method":"POST"}"#,
            r#"{"kind":"http","url":"http://a.example/","within_ms":0}"#,
            r#"{"kind":"dns","name":"a.example","record":"SOA"}"#,
            r#"{"kind":"dns","name":"a.example","record":"A","answer":"fe80::1"}"#,
        ] {
            assert!(serde_json::from_str::<Check>(text).is_err(), "{text}");
        }
    }
}
