//! What can be checked.
//!
//! Hosts and URLs are kept as they were written: they are understood, and refused, in one place only, the
//! [guard](crate::guard), each time anew.

use std::time::Duration;

use trust::uptime::check as wished;

pub use crate::{
    dns::Question,
    http::{Ask, Expected, HttpCheck, LONGEST_BODY, REDIRECTS},
};

/// One thing to find out about a target.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Check {
    /// That a URL answers as it should.
    Http(HttpCheck),
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
        port: u16,
    },
    /// That an SSH server introduces itself.
    Ssh {
        /// A name or an address.
        host: String,
        /// The port.
        port: u16,
    },
    /// That a name has the record it should have.
    Dns {
        /// The name.
        name: String,
        /// What is asked about it.
        question: Question,
    },
}

impl Check {
    /// The latency from which the target counts as down, where there is one.
    pub(crate) fn within(&self) -> Option<Duration> {
        match self {
            Self::Http(check) => check.within,
            _ => None,
        }
    }
}

/// What the parties of a contract wish for, as it is asked.
impl From<&wished::Check> for Check {
    fn from(check: &wished::Check) -> Self {
        match check.clone() {
            wished::Check::Http { url, method, status, contains, within_ms } => {
                let ask = match method {
                    wished::Method::Get => Ask::Get { contains },
                    wished::Method::Head => Ask::Head,
                };
                let expected = status.map_or(Expected::Success, Expected::Status);
                let within = within_ms.map(|within| Duration::from_millis(within.get().into()));
                Self::Http(HttpCheck { url, ask, expected, within })
            }
            wished::Check::Tcp { host, port } => Self::Tcp { host, port },
            wished::Check::Tls { host, port } => Self::Tls { host, port },
            wished::Check::Ssh { host, port } => Self::Ssh { host, port },
            wished::Check::Dns { name, record } => Self::Dns { name, question: record.into() },
        }
    }
}

impl From<wished::Record> for Question {
    fn from(record: wished::Record) -> Self {
        match record {
            wished::Record::A(address) => Self::A(address),
            wished::Record::Aaaa(address) => Self::Aaaa(address),
            wished::Record::Cname(name) => Self::Cname(name),
            wished::Record::Mx(name) => Self::Mx(name),
            wished::Record::Ns(name) => Self::Ns(name),
            wished::Record::Txt(text) => Self::Txt(text),
        }
    }
}
