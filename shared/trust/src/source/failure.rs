//! Why a page was not read, and what that means for the next time.

use std::fmt;

use serde::{Deserialize, Serialize};

use super::{
    breaker::Health,
    recognition::{Fingerprint, Recognition, Unrecognised},
};

/// Why a page was not read.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Failure {
    /// The source's robots.txt asks us not to.
    Disallowed,
    /// Its robots.txt can not be had, which by RFC 9309 means that nothing may be asked for.
    RobotsUnreachable,
    /// There is no such page: the status.
    Missing(u16),
    /// We are asked to come later (429, or 503 with `Retry-After`): after so many seconds, where it says so.
    Throttled(Option<u32>),
    /// Another status that is no page.
    Status(u16),
    /// Longer than we read.
    TooLarge,
    /// Packed, though we asked for it unpacked. Nothing is unpacked, so that nothing can burst.
    Encoded,
    /// It redirects, too often or to another site.
    Redirected,
    /// Its name, or where it redirects to, is no public address.
    NotPublic,
    /// Its address is one that is never asked.
    Barred,
    /// Nothing complete came within the time.
    TimedOut,
    /// No connection, or one that broke.
    Unreachable,
    /// What came is not in the protocol, or has endless headers.
    Protocol,
    /// No connection that could be trusted.
    Tls,
    /// The tool that was asked says that it failed.
    ToolFailed,
    /// Our own fault; says nothing about the source.
    Ours,
    /// It was read, and what it says could not be kept here.
    NotKept,
    /// The page came, but the parser does not know its kind.
    Unrecognised {
        /// In which way.
        why: Unrecognised,
        /// What it looks like.
        fingerprint: Fingerprint,
    },
    /// Much less of the page was understood than the last time, so what was read then stays.
    Drifted {
        /// What was understood then,
        before: Recognition,
        /// and what now.
        now: Recognition,
    },
}

/// When it makes sense to ask again.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Again {
    /// The trouble may pass: soon, then less and less often.
    Soon,
    /// It is an answer: at the next regular time, then less and less often.
    Regularly,
}

impl Failure {
    /// When to ask again.
    pub fn again(&self) -> Again {
        match self {
            Self::RobotsUnreachable
            | Self::Throttled(_)
            | Self::TimedOut
            | Self::Unreachable
            | Self::Protocol
            | Self::Tls
            | Self::ToolFailed
            | Self::Ours
            | Self::NotKept => Again::Soon,
            Self::Status(status) if *status >= 500 => Again::Soon,
            _ => Again::Regularly,
        }
    }

    /// Seconds that the source itself wants us to wait.
    pub fn retry_after(&self) -> u32 {
        match self {
            Self::Throttled(seconds) => seconds.unwrap_or_default(),
            _ => 0,
        }
    }

    /// What it says of the source as a whole; nothing, where it is our own fault or nobody was asked.
    pub fn health(&self) -> Option<Health> {
        match self {
            Self::Ours | Self::NotKept | Self::Barred | Self::Disallowed | Self::RobotsUnreachable => None,
            Self::Missing(_) | Self::TooLarge | Self::Encoded | Self::Redirected | Self::Drifted { .. } => {
                Some(Health::Well)
            }
            // Who asks whether we are human wants to be left alone.
            Self::Unrecognised { why, .. } if *why != Unrecognised::Challenge => Some(Health::Well),
            Self::Status(status) if !matches!(status, 401 | 403 | 500..) => Some(Health::Well),
            _ => Some(Health::Ill),
        }
    }

    /// Whether the parser does not understand what there is, or less than before.
    pub fn is_of_the_parser(&self) -> bool {
        match self {
            Self::Unrecognised { why, .. } => *why != Unrecognised::Challenge,
            Self::Drifted { .. } => true,
            _ => false,
        }
    }

    /// Whether it does not pass without somebody.
    pub fn is_for_somebody_to_look_at(&self) -> bool {
        *self == Self::NotKept || self.is_of_the_parser()
    }

    /// Its name in answers.
    pub fn name(&self) -> &'static str {
        match self {
            Self::Disallowed => "disallowed",
            Self::RobotsUnreachable => "robots-unreachable",
            Self::Missing(_) => "missing",
            Self::Throttled(_) => "throttled",
            Self::Status(_) => "status",
            Self::TooLarge => "too-large",
            Self::Encoded => "encoded",
            Self::Redirected => "redirected",
            Self::NotPublic => "not-public",
            Self::Barred => "barred",
            Self::TimedOut => "timed-out",
            Self::Unreachable => "unreachable",
            Self::Protocol => "protocol",
            Self::Tls => "tls",
            Self::ToolFailed => "tool-failed",
            Self::Ours => "our-fault",
            Self::NotKept => "not-kept",
            Self::Unrecognised { .. } => "unrecognised",
            Self::Drifted { .. } => "drifted",
        }
    }
}

impl fmt::Display for Failure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Disallowed => f.write_str("robots.txt asks us not to read it"),
            Self::RobotsUnreachable => f.write_str("robots.txt can not be read, so nothing is asked for"),
            Self::Missing(status) => write!(f, "there is no such page (status {status})"),
            Self::Throttled(None) => f.write_str("the source asks us to come later"),
            Self::Throttled(Some(seconds)) => write!(f, "the source asks us to come in {seconds} s"),
            Self::Status(status) => write!(f, "status {status}"),
            Self::TooLarge => f.write_str("longer than is read"),
            Self::Encoded => f.write_str("packed, though it was asked for unpacked"),
            Self::Redirected => f.write_str("redirects too often, or to another site"),
            Self::NotPublic => f.write_str("leads to an address that is not public"),
            Self::Barred => f.write_str("an address that is never asked"),
            Self::TimedOut => f.write_str("nothing complete within the time"),
            Self::Unreachable => f.write_str("no connection"),
            Self::Protocol => f.write_str("the answer is not in the protocol"),
            Self::Tls => f.write_str("no connection that can be trusted"),
            Self::ToolFailed => f.write_str("the tool says that it failed"),
            Self::Ours => f.write_str("our own fault"),
            Self::NotKept => f.write_str("read, and what it says could not be kept"),
            Self::Unrecognised { why, fingerprint } => {
                let why = match why {
                    Unrecognised::Layout => "a layout that is not known",
                    Unrecognised::Truncated => "a page that is cut off",
                    Unrecognised::Challenge => "a page that asks whether we are human",
                    Unrecognised::Format => "another format than expected",
                    Unrecognised::TooLarge => "more than the parser works through",
                };
                write!(f, "{why} (fingerprint {fingerprint})")
            }
            Self::Drifted { before, now } => {
                write!(
                    f,
                    "{} of {} were understood, {} of {} the last time",
                    now.found, now.of, before.found, before.of
                )
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_a_sources_own_trouble_counts_against_it() {
        let unrecognised = |why| Failure::Unrecognised { why, fingerprint: Fingerprint::of(["p"]) };
        for (failure, health, again) in [
            (Failure::Disallowed, None, Again::Regularly),
            (Failure::RobotsUnreachable, None, Again::Soon),
            (Failure::ToolFailed, Some(Health::Ill), Again::Soon),
            (Failure::Missing(404), Some(Health::Well), Again::Regularly),
            (Failure::Throttled(None), Some(Health::Ill), Again::Soon),
            (Failure::Status(500), Some(Health::Ill), Again::Soon),
            (Failure::Status(403), Some(Health::Ill), Again::Regularly),
            (Failure::Status(418), Some(Health::Well), Again::Regularly),
            (Failure::TooLarge, Some(Health::Well), Again::Regularly),
            (Failure::NotPublic, Some(Health::Ill), Again::Regularly),
            (Failure::TimedOut, Some(Health::Ill), Again::Soon),
            (Failure::Ours, None, Again::Soon),
            (Failure::NotKept, None, Again::Soon),
            (Failure::Barred, None, Again::Regularly),
            (unrecognised(Unrecognised::Layout), Some(Health::Well), Again::Regularly),
            (unrecognised(Unrecognised::Challenge), Some(Health::Ill), Again::Regularly),
        ] {
            assert_eq!((failure.health(), failure.again()), (health, again), "{failure}");
        }
    }
}
