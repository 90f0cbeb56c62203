//! What a check came to, in detail and as it counts.
//!
//! Only what speaks against the target is `Down`. What failed on our side is `Unknown`, and what the guard refused was never
//! asked. A time limit that passes speaks against the target: its own slowness, its name server's and a dead path can not be
//! told apart from one place, which is what several vantages and their control targets are for.

use std::{error::Error, io};

use trust::{time::Moment, uptime::slot};

use crate::guard::Refusal;

/// What a check came to.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Outcome {
    /// The target answered as it should.
    Up {
        /// Milliseconds from the beginning, with the name's resolution, to the last byte that was wanted.
        latency_ms: u32,
    },
    /// It did not.
    Down(Reason),
    /// We could not ask. Says nothing about the target.
    Unknown(Fault),
    /// The guard refused the target as it is written, which it does when a monitor is configured as well
    /// ([`Guard::admit`](crate::guard::Guard::admit)). Says nothing about whether it is up, and asking again will not help.
    ///
    /// What the target's owner can change afterwards, the name's addresses and where it redirects to, is `Down` where the guard
    /// refuses it: a name that points to a private address meanwhile would otherwise hide an outage.
    Barred(Refusal),
}

/// Why a target is down.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Reason {
    /// The name has no address, the wrong record, or can not be resolved.
    Dns,
    /// The name has an address that is not the public's.
    NotPublic,
    /// Nobody listens.
    Refused,
    /// The connection was cut off before the answer was complete.
    Reset,
    /// No way leads there.
    Unreachable,
    /// No complete answer within the check's own time limit.
    Timeout,
    /// Everything is as it should be, but later than asked for.
    Slow,
    /// No trustworthy connection came about.
    Tls(TlsFailure),
    /// What came back is not in the protocol, or longer than we read.
    Protocol,
    /// Another status than the expected one.
    Status(u16),
    /// Redirected too often, to nowhere, from https to http, or to where the guard lets nobody.
    Redirect,
    /// The body does not contain, within what is read of it, what it should.
    Body,
}

/// Why no trustworthy connection came about.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum TlsFailure {
    /// A certificate of the chain has expired.
    Expired,
    /// A certificate of the chain is not valid yet.
    NotYetValid,
    /// The certificate is for another name.
    WrongName,
    /// Nobody whom we trust has signed it.
    Untrusted,
    /// The certificate is wrong in another way.
    Certificate,
    /// Nothing we speak is spoken there: older than TLS 1.2, or weak.
    Incompatible,
    /// The server gave up, or what came back is no TLS.
    Handshake,
}

/// Why we could not ask.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Fault {
    /// The time for all was over before the check's own limit.
    OutOfTime,
    /// Our name server does not want to answer us, or there is none. (One that is silent can not be told from one that waits
    /// for the target's.)
    Resolver,
    /// We have no way to addresses of this kind at all (usually: of version 6).
    NoRoute,
    /// We have run out of sockets, ports or memory.
    Local,
}

/// A server's certificate.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct Certificate {
    /// When it expires, or has expired.
    pub expires: Moment,
}

impl Certificate {
    /// Whole days left; 0 on the last day, and less when it has expired.
    pub fn days_left(self, now: Moment) -> i64 {
        const DAY: i64 = 86_400;
        (self.expires.unix() - now.unix()).div_euclid(DAY)
    }
}

/// As it counts. Whether the vantage can be trusted at the time is for its control targets to say.
impl From<&Outcome> for slot::Outcome {
    fn from(outcome: &Outcome) -> Self {
        match outcome {
            Outcome::Up { latency_ms } => Self::Up { latency_ms: *latency_ms },
            Outcome::Down(reason) => Self::Down((*reason).into()),
            Outcome::Unknown(_) | Outcome::Barred(_) => Self::Nothing(slot::Nothing::Fault),
        }
    }
}

impl From<Reason> for slot::Reason {
    fn from(reason: Reason) -> Self {
        match reason {
            Reason::Dns | Reason::NotPublic => Self::Dns,
            Reason::Refused | Reason::Reset | Reason::Unreachable => Self::Refused,
            Reason::Timeout | Reason::Slow => Self::Timeout,
            Reason::Tls(_) => Self::Tls,
            Reason::Status(_) | Reason::Redirect => Self::Status,
            Reason::Protocol | Reason::Body => Self::Body,
        }
    }
}

/// Why a check, or an exchange, did not end well.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Miss {
    /// By the other side's doing.
    Down(Reason),
    /// By ours.
    Unknown(Fault),
    /// The guard refused it.
    Barred(Refusal),
}

impl From<Miss> for Outcome {
    fn from(miss: Miss) -> Self {
        match miss {
            Miss::Down(reason) => Self::Down(reason),
            Miss::Unknown(fault) => Self::Unknown(fault),
            Miss::Barred(refusal) => Self::Barred(refusal),
        }
    }
}

impl From<Reason> for Miss {
    fn from(reason: Reason) -> Self {
        Self::Down(reason)
    }
}

impl From<Fault> for Miss {
    fn from(fault: Fault) -> Self {
        Self::Unknown(fault)
    }
}

impl From<Refusal> for Miss {
    fn from(refusal: Refusal) -> Self {
        Self::Barred(refusal)
    }
}

/// What a failure of an open connection says of the target.
impl From<&io::Error> for Reason {
    fn from(error: &io::Error) -> Self {
        if let Some(error) = within::<rustls::Error>(error) {
            return Self::Tls(error.into());
        }
        match error.kind() {
            io::ErrorKind::TimedOut => Self::Timeout,
            io::ErrorKind::HostUnreachable | io::ErrorKind::NetworkUnreachable => Self::Unreachable,
            io::ErrorKind::InvalidData => Self::Protocol,
            _ => Self::Reset,
        }
    }
}

impl From<&hyper::Error> for Reason {
    fn from(error: &hyper::Error) -> Self {
        if let Some(error) = within::<io::Error>(error) {
            return error.into();
        }
        if error.is_incomplete_message() || error.is_closed() || error.is_canceled() {
            Self::Reset
        } else {
            Self::Protocol
        }
    }
}

impl From<&rustls::Error> for TlsFailure {
    fn from(error: &rustls::Error) -> Self {
        use rustls::{AlertDescription as Alert, CertificateError as Bad, Error};
        match error {
            Error::InvalidCertificate(Bad::Expired | Bad::ExpiredContext { .. }) => Self::Expired,
            Error::InvalidCertificate(Bad::NotValidYet | Bad::NotValidYetContext { .. }) => Self::NotYetValid,
            Error::InvalidCertificate(Bad::NotValidForName | Bad::NotValidForNameContext { .. }) => {
                Self::WrongName
            }
            Error::InvalidCertificate(Bad::UnknownIssuer) => Self::Untrusted,
            Error::InvalidCertificate(_) | Error::NoCertificatesPresented => Self::Certificate,
            Error::PeerIncompatible(_)
            | Error::AlertReceived(Alert::ProtocolVersion | Alert::InsufficientSecurity) => {
                Self::Incompatible
            }
            _ => Self::Handshake,
        }
    }
}

/// The first of this type among an error and its causes.
///
/// An I/O error keeps what it wraps to itself: its `source` is that of the wrapped one.
pub(crate) fn within<'a, T: Error + 'static>(error: &'a (dyn Error + 'static)) -> Option<&'a T> {
    let mut cause = Some(error);
    while let Some(error) = cause {
        if let Some(found) = error.downcast_ref() {
            return Some(found);
        }
        cause = match error.downcast_ref::<io::Error>().and_then(io::Error::get_ref) {
            Some(wrapped) => Some(wrapped),
            None => error.source(),
        };
    }
    None
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_certificates_days_are_whole_ones_and_fall_below_zero_when_it_has_expired() {
        let now = Moment::from_unix(1_790_000_000).unwrap();
        for (seconds, days) in
            [(0, 0), (1, 0), (86_399, 0), (86_400, 1), (90 * 86_400, 90), (-1, -1), (-86_401, -2)]
        {
            assert_eq!(Certificate { expires: now.plus(seconds) }.days_left(now), days, "{seconds}");
        }
    }

    #[test]
    fn every_outcome_counts_as_what_a_day_knows() {
        use slot::{Nothing, Outcome as Counted, Reason as Class};
        let down = Outcome::Down;
        for (found, counted) in [
            (Outcome::Up { latency_ms: 7 }, Counted::Up { latency_ms: 7 }),
            (down(Reason::Dns), Counted::Down(Class::Dns)),
            (down(Reason::NotPublic), Counted::Down(Class::Dns)),
            (down(Reason::Refused), Counted::Down(Class::Refused)),
            (down(Reason::Reset), Counted::Down(Class::Refused)),
            (down(Reason::Unreachable), Counted::Down(Class::Refused)),
            (down(Reason::Timeout), Counted::Down(Class::Timeout)),
            (down(Reason::Slow), Counted::Down(Class::Timeout)),
            (down(Reason::Tls(TlsFailure::Expired)), Counted::Down(Class::Tls)),
            (down(Reason::Status(503)), Counted::Down(Class::Status)),
            (down(Reason::Redirect), Counted::Down(Class::Status)),
            (down(Reason::Protocol), Counted::Down(Class::Body)),
            (down(Reason::Body), Counted::Down(Class::Body)),
            (Outcome::Unknown(Fault::Resolver), Counted::Nothing(Nothing::Fault)),
            (Outcome::Barred(Refusal::Port(25)), Counted::Nothing(Nothing::Fault)),
        ] {
            assert_eq!(Counted::from(&found), counted, "{found:?}");
        }
    }

    #[test]
    fn a_cause_is_found_through_what_wraps_it() {
        let tls = || io::Error::other(rustls::Error::DecryptError);
        assert_eq!(within::<rustls::Error>(&io::Error::other(tls())), Some(&rustls::Error::DecryptError));
        assert_eq!(Reason::from(&io::Error::other(tls())), Reason::Tls(TlsFailure::Handshake));
        assert_eq!(within::<rustls::Error>(&io::Error::from(io::ErrorKind::BrokenPipe)), None);
    }
}
