//! Runs checks within their time.
//!
//! A check is one future, and everything it opens lives inside of it: when its time is over it is dropped, and with it its
//! sockets. It starts no task of its own. (The resolver does, for a question under way; it ends with the resolver's own time
//! limit.)

use std::{str::FromStr, time::Duration};

use hyper::header::HeaderValue;
use tokio::time::{Instant, timeout_at};
use trust::time::Moment;
use url::Url;

use crate::{
    check::Check,
    guard::Guard,
    names::Names,
    outcome::{Certificate, Fault, Miss, Outcome, Reason},
    tls::{NoTls, Roots, Tls},
};

/// How we introduce ourselves to those we ask, where no contact is given.
pub const USER_AGENT: &str = concat!("provider-trust-probe/", env!("CARGO_PKG_VERSION"), " (uptime check)");

/// Where those we ask can turn to: the URL of a page or an address of mail.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Contact(Url);

/// No contact that could be shown.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("a contact is a URL of http, https or mailto without brackets, not {0:?}")]
pub struct InvalidContact(String);

impl Contact {
    /// The URL, which has no brackets in it.
    pub fn url(&self) -> &Url {
        &self.0
    }
}

impl FromStr for Contact {
    type Err = InvalidContact;

    fn from_str(text: &str) -> Result<Self, InvalidContact> {
        // A bracket would end the comment that it is put into.
        Url::parse(text)
            .ok()
            .filter(|url| matches!(url.scheme(), "http" | "https" | "mailto"))
            .filter(|url| !url.as_str().contains(['(', ')', '\\']))
            .map(Self)
            .ok_or_else(|| InvalidContact(text.to_owned()))
    }
}

/// Runs checks.
///
/// To be made once and kept: it holds the trusted roots and the resolver, nothing about any target.
#[derive(Clone)]
pub struct Prober {
    pub(crate) guard: Guard,
    pub(crate) names: Names,
    pub(crate) tls: Tls,
    pub(crate) agent: HeaderValue,
}

/// How long a check may take.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Limits {
    /// The target's own: whoever takes longer is down.
    pub timeout: Duration,
    /// The end of the time for all checks. Whoever is not done by then, though his own limit has not passed, is unknown.
    pub until: Instant,
}

/// What was found out.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Report {
    /// What the check came to.
    pub outcome: Outcome,
    /// The server's certificate, where one was seen: of several (redirects) the one that expires first. That it expires soon
    /// makes no check fail.
    pub certificate: Option<Certificate>,
}

impl Prober {
    /// Runs checks that this guard allows, with names from there and trust in these roots.
    pub fn new(guard: Guard, names: Names, roots: Roots) -> Result<Self, NoTls> {
        let agent = HeaderValue::from_static(USER_AGENT);
        Ok(Self { guard, names, tls: Tls::trusting(roots)?, agent })
    }

    /// Tells those it asks whom to turn to.
    #[must_use]
    pub fn with_contact(self, Contact(url): &Contact) -> Self {
        let agent = format!("{}; +{url})", USER_AGENT.trim_end_matches(')'));
        // A URL has no signs but those that a header may have, so that this is never the other one.
        let agent = HeaderValue::from_str(&agent).unwrap_or(self.agent);
        Self { agent, ..self }
    }

    /// What decides where it may connect to.
    pub fn guard(&self) -> &Guard {
        &self.guard
    }

    /// Runs one check. `now` decides which certificates are valid, nothing else.
    pub async fn run(&self, check: &Check, limits: Limits, now: Moment) -> Report {
        let begun = Instant::now();
        if limits.until <= begun {
            return Report { outcome: Outcome::Unknown(Fault::OutOfTime), certificate: None };
        }
        let own = begun.checked_add(limits.timeout).unwrap_or(limits.until);
        let mut certificate = None;
        let asked = timeout_at(own.min(limits.until), self.ask(check, now, &mut certificate)).await;
        let outcome = match asked {
            Ok(Ok(())) => up(begun.elapsed(), check.within()),
            Ok(Err(miss)) => miss.into(),
            Err(_) if own <= limits.until => Outcome::Down(Reason::Timeout),
            Err(_) => Outcome::Unknown(Fault::OutOfTime),
        };
        Report { outcome, certificate }
    }

    async fn ask(
        &self,
        check: &Check,
        now: Moment,
        certificate: &mut Option<Certificate>,
    ) -> Result<(), Miss> {
        match check {
            Check::Http(check) => Box::pin(self.http(check, now, certificate)).await,
            Check::Tcp { host, port } => {
                self.connect(&self.guard.check_place(host, *port)?).await?;
                Ok(())
            }
            Check::Tls { host, port } => {
                let place = self.guard.check_place(host, *port)?;
                let stream = self.connect(&place).await?;
                Box::pin(self.tls.handshake(stream, place.host(), &[], now, certificate)).await?;
                Ok(())
            }
            Check::Ssh { host, port } => {
                let stream = self.connect(&self.guard.check_place(host, *port)?).await?;
                crate::ssh::identification(stream).await
            }
            Check::Dns { name, question } => Box::pin(self.dns(name, question)).await,
        }
    }
}

fn up(took: Duration, within: Option<Duration>) -> Outcome {
    match within {
        Some(within) if took > within => Outcome::Down(Reason::Slow),
        _ => Outcome::Up { latency_ms: u32::try_from(took.as_millis()).unwrap_or(u32::MAX) },
    }
}
