//! The egress guard: what may be connected to.
//!
//! A renter names the target and its provider runs the name's DNS, so both are somebody who may want to see what stands
//! behind us: the runtime's own interface, a cloud's metadata, somebody's private network. The guard is therefore asked at
//! three places:
//!
//! 1. for the **host and port as they are written**, before anything else: literals never reach a resolver, and every
//!    spelling of an address that a connector would understand (decimal, octal, hex, shortened, full-width, percent-encoded)
//!    is read as one here, by the rules of the WHATWG URL Standard;
//! 2. for **all addresses a name resolves to**: one bad among good ones refuses the name, because who mixes them means no good;
//! 3. for **each redirect**, from the beginning.
//!
//! What it lets through is a [`Pinned`] address, and the connection goes to that very address without asking any resolver
//! again, so that a name can not mean something else between check and connect. A [`Pinned`] is made nowhere else.

use std::{
    fmt,
    net::{IpAddr, SocketAddr},
    ops::RangeInclusive,
};

use url::Url;

use crate::{
    address::{self, Kind},
    check::Check,
    dns, exchange,
};

/// How far a [`Guard`] lets anybody reach.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Reach {
    /// Public addresses and allowed ports, nothing else.
    PublicOnly,
    /// Loopback too, at any port. For tests and for the local stack's own sample services.
    LoopbackToo,
}

/// Decides what may be connected to.
#[derive(Debug, Clone)]
pub struct Guard {
    reach: Reach,
    ports: Vec<RangeInclusive<u16>>,
}

/// The ports that may be asked where nothing else was said.
///
/// Of the well-known ones, those that a rented machine or service is asked at: SSH, DNS, HTTP and HTTPS. Fewer would keep
/// renters from watching what they rent; more (mail, remote shells, file shares) would make us a scanner of services that block
/// those who knock. From 1024 on all are allowed, because services choose theirs there (8080, 8443), and providers hand out
/// forwarded ports from there for machines that share an address.
pub const PORTS: [RangeInclusive<u16>; 5] = [22..=22, 53..=53, 80..=80, 443..=443, 1024..=u16::MAX];

/// The longest name in the DNS (RFC 1035, section 2.3.4), in text without the last dot.
const LONGEST_NAME: usize = 253;

/// A host as it was written, understood.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub enum Host {
    /// An address.
    Address(IpAddr),
    /// A name in lower case and ASCII, without a dot at its end.
    Name(String),
}

/// A host and a port, understood and not refused. The addresses of a name are still to be checked.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Place {
    host: Host,
    port: u16,
}

/// An address that was checked and may be connected to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Pinned(SocketAddr);

/// What is refused, before any packet.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum Refusal {
    /// The address, or one that the name resolves to, is not the public's. Its text keeps the address to itself: behind a
    /// name, it could be one of a private network that whoever reads it has no view of.
    #[error("not a public address: {1}")]
    Address(IpAddr, Kind),
    /// The port is not among the allowed ones.
    #[error("port {0} is not allowed")]
    Port(u16),
    /// Neither a name nor an address.
    #[error("not a host")]
    Host,
    /// Not a URL.
    #[error("not a URL")]
    Url,
    /// A URL of a scheme other than `http` and `https`.
    #[error("neither http nor https")]
    Scheme,
    /// A URL with a user or a password: either a trick to show one host and ask another, or a secret that we should not have.
    #[error("a user or a password in the URL")]
    Credentials,
}

impl Guard {
    /// Lets through public addresses, at the [`PORTS`]. The only one for anything that is deployed.
    pub fn public_only() -> Self {
        Self { reach: Reach::PublicOnly, ports: PORTS.to_vec() }
    }

    /// Lets loopback through as well, at any port: for tests, and for the samples of the local stack. Whoever asks on behalf
    /// of others with this one lets them reach his own machine.
    pub fn with_loopback_for_tests() -> Self {
        Self { reach: Reach::LoopbackToo, ports: PORTS.to_vec() }
    }

    /// The one that a deployment's setting names: `loopback-too` lets loopback through, anything else and nothing do not. The
    /// template never sets it.
    pub fn of_setting(setting: Option<&str>) -> Self {
        match setting {
            Some("loopback-too") => Self::with_loopback_for_tests(),
            _ => Self::public_only(),
        }
    }

    /// The same, with these ports instead.
    #[must_use]
    pub fn with_ports(self, ports: impl IntoIterator<Item = RangeInclusive<u16>>) -> Self {
        Self { ports: ports.into_iter().collect(), ..self }
    }

    /// How far it lets anybody reach.
    pub fn reach(&self) -> Reach {
        self.reach
    }

    /// Checks what can be seen of a check without asking anybody: to be asked when a monitor is configured, so that its owner
    /// learns of it.
    pub fn admit(&self, check: &Check) -> Result<(), Refusal> {
        self.host_of(check).map(drop)
    }

    /// The host that a check is about, if it is admitted.
    pub(crate) fn host_of(&self, check: &Check) -> Result<Host, Refusal> {
        match check {
            Check::Http(check) => {
                let (url, place) = self.read_url(&check.url)?;
                exchange::target(&url)?;
                Ok(place.host)
            }
            Check::Tcp { host, port } | Check::Tls { host, port } | Check::Ssh { host, port } => {
                Ok(self.check_place(host, *port)?.host)
            }
            Check::Dns { name, .. } => dns::name_to_ask(name).map(Host::Name),
        }
    }

    /// Checks one address.
    pub fn check_address(&self, address: IpAddr) -> Result<(), Refusal> {
        match address::not_public(address) {
            Some(Kind::Loopback) if self.reach == Reach::LoopbackToo => Ok(()),
            Some(kind) => Err(Refusal::Address(address, kind)),
            None => Ok(()),
        }
    }

    /// Checks a host and a port as somebody wrote them. An address of version 6 may stand in brackets.
    pub fn check_place(&self, host: &str, port: u16) -> Result<Place, Refusal> {
        self.place(Host::read(host)?, port)
    }

    /// Checks a URL as somebody wrote it, or as a redirect gave it.
    pub fn check_url(&self, url: &Url) -> Result<Place, Refusal> {
        if !matches!(url.scheme(), "http" | "https") {
            return Err(Refusal::Scheme);
        }
        if !url.username().is_empty() || url.password().is_some() {
            return Err(Refusal::Credentials);
        }
        let port = url.port_or_known_default().ok_or(Refusal::Url)?;
        let host = url.host().ok_or(Refusal::Host)?.to_owned();
        self.place(host.try_into()?, port)
    }

    /// Reads and checks a URL.
    pub fn read_url(&self, text: &str) -> Result<(Url, Place), Refusal> {
        let url = Url::parse(text).map_err(|_| Refusal::Url)?;
        let place = self.check_url(&url)?;
        Ok((url, place))
    }

    /// Checks all addresses that the place's name was just resolved to, and pins the one to connect to: the first of version
    /// 4, else the first. Nothing where there are none.
    ///
    /// Only one, and not the next where it fails: a host of which half is up must not look as if it worked. Version 4 first,
    /// because that is what our vantages surely have.
    pub fn pin(&self, place: &Place, resolved: &[IpAddr]) -> Result<Option<Pinned>, Refusal> {
        for address in resolved {
            self.check_address(*address)?;
        }
        let chosen = resolved.iter().find(|address| address.is_ipv4()).or_else(|| resolved.first());
        Ok(chosen.map(|address| Pinned(SocketAddr::new(*address, place.port))))
    }

    fn place(&self, host: Host, port: u16) -> Result<Place, Refusal> {
        if let Host::Address(address) = host {
            self.check_address(address)?;
        }
        self.check_port(port)?;
        Ok(Place { host, port })
    }

    fn check_port(&self, port: u16) -> Result<(), Refusal> {
        let allowed = self.ports.iter().any(|range| range.contains(&port));
        // Nothing listens at 0, whatever the list says; test servers listen where the system lets them.
        if port != 0 && (allowed || self.reach == Reach::LoopbackToo) {
            Ok(())
        } else {
            Err(Refusal::Port(port))
        }
    }
}

impl Host {
    /// Reads a host by the rules of the URL Standard. An address of version 6 may stand in brackets. Says nothing about
    /// whether it may be connected to.
    pub(crate) fn read(text: &str) -> Result<Self, Refusal> {
        match text.parse() {
            // The standard knows them in brackets only.
            Ok(address) => Ok(Self::Address(IpAddr::V6(address))),
            Err(_) => url::Host::parse(text).map_err(|_| Refusal::Host)?.try_into(),
        }
    }
}

impl TryFrom<url::Host> for Host {
    type Error = Refusal;

    fn try_from(host: url::Host) -> Result<Self, Refusal> {
        Ok(match host {
            url::Host::Ipv4(address) => Self::Address(address.into()),
            url::Host::Ipv6(address) => Self::Address(address.into()),
            url::Host::Domain(name) => Self::Name(name_of(&name).ok_or(Refusal::Host)?),
        })
    }
}

impl Place {
    /// The host.
    pub fn host(&self) -> &Host {
        &self.host
    }

    /// The port.
    pub fn port(&self) -> u16 {
        self.port
    }
}

impl Pinned {
    /// The address and port to connect to.
    pub fn address(self) -> SocketAddr {
        self.0
    }
}

impl fmt::Display for Host {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Address(address) => address.fmt(f),
            Self::Name(name) => name.fmt(f),
        }
    }
}

/// The name in its one spelling: lower case, no dot at its end, labels of 1 to 63 of letters, digits, hyphens and underscores.
fn name_of(domain: &str) -> Option<String> {
    let name = domain.strip_suffix('.').unwrap_or(domain).to_ascii_lowercase();
    let is_label = |label: &str| {
        (1..=63).contains(&label.len())
            && label.bytes().all(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_'))
    };
    (name.len() <= LONGEST_NAME && name.split('.').all(is_label)).then_some(name)
}

#[cfg(test)]
mod tests;
