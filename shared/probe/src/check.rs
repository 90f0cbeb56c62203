//! What can be checked.
//!
//! Hosts and URLs are kept as they were written: they are understood, and refused, in one place only, the
//! [guard](crate::guard), each time anew.

use std::time::Duration;

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
