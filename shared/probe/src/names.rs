//! The name server, asked anew for each check.
//!
//! Hickory's stub resolver rather than the system's: that one blocks a thread for each name, and a thread can not be called
//! back when its time is over; and it answers from local files, of which a renter knows nothing. The servers are the system's
//! own (`/etc/resolv.conf`). Nothing is kept: an answer from a cache would hide that the name has stopped working.

use std::{
    net::{IpAddr, SocketAddr},
    time::Duration,
};

use hickory_resolver::{
    TokioResolver,
    config::{
        ConnectionConfig, LookupIpStrategy, NameServerConfig, ResolveHosts, ResolverConfig, ResolverOpts,
    },
    net::{DnsError, NetError, runtime::TokioRuntimeProvider},
    proto::{
        op::ResponseCode,
        rr::{Name, Record, RecordType},
    },
};

use crate::outcome::{Fault, Miss, Reason};

/// How long a name server has before it is asked again: a datagram may be lost. Shorter asks those twice that are still
/// looking; longer takes the time that the rest of the check needs.
const ASK_AGAIN: Duration = Duration::from_secs(1);

/// How often it is asked again.
const REPEATS: usize = 2;

/// Questions under way on one connection (TCP, where datagrams are too small). Hickory's own 32 would make a larger batch fail by
/// itself.
const AT_ONCE: usize = 4096;

/// The name server.
#[derive(Clone)]
pub struct Names(TokioResolver);

/// There is no name server to ask.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("no name server: {0}")]
pub struct NoNames(String);

impl Names {
    /// The system's name servers.
    pub fn of_the_system() -> Result<Self, NoNames> {
        Self::build(TokioResolver::builder_tokio().map_err(|error| no_names(&error))?)
    }

    /// These name servers.
    pub fn asking(servers: &[SocketAddr]) -> Result<Self, NoNames> {
        let servers = servers.iter().map(|server| {
            let connections = [ConnectionConfig::udp(), ConnectionConfig::tcp()]
                .map(|connection| at_port(connection, server.port()));
            NameServerConfig::new(server.ip(), true, connections.into())
        });
        let config = ResolverConfig::from_parts(None, Vec::new(), servers.collect());
        Self::build(TokioResolver::builder_with_config(config, TokioRuntimeProvider::default()))
    }

    fn build(mut builder: hickory_resolver::ResolverBuilder<TokioRuntimeProvider>) -> Result<Self, NoNames> {
        set(builder.options_mut());
        builder.build().map(Self).map_err(|error| no_names(&error))
    }

    /// The addresses of a name: all of version 4, or where there are none, all of version 6. At least one.
    pub(crate) async fn addresses(&self, name: &str) -> Result<Vec<IpAddr>, Miss> {
        let found = self.0.lookup_ip(absolute(name)?).await.map_err(|error| miss(&error))?;
        let addresses: Vec<_> = found.iter().collect();
        if addresses.is_empty() { Err(Reason::Dns.into()) } else { Ok(addresses) }
    }

    /// The records of this kind that a name has. At least one.
    pub(crate) async fn records(&self, name: &str, kind: RecordType) -> Result<Vec<Record>, Miss> {
        let found = self.0.lookup(absolute(name)?, kind).await.map_err(|error| miss(&error))?;
        let records: Vec<_> =
            found.answers().iter().filter(|record| record.record_type() == kind).cloned().collect();
        if records.is_empty() { Err(Reason::Dns.into()) } else { Ok(records) }
    }
}

fn set(options: &mut ResolverOpts) {
    options.timeout = ASK_AGAIN;
    options.attempts = REPEATS;
    options.cache_size = 0;
    options.max_active_requests = AT_ONCE;
    options.use_hosts_file = ResolveHosts::Never;
    // One question is enough for nearly all, and the address that is connected to is of version 4 where there is one.
    options.ip_strategy = LookupIpStrategy::Ipv4thenIpv6;
}

fn at_port(mut connection: ConnectionConfig, port: u16) -> ConnectionConfig {
    connection.port = port;
    connection
}

/// The name itself, never one of a search list.
fn absolute(name: &str) -> Result<Name, Miss> {
    let mut name = Name::from_ascii(name).map_err(|_| Reason::Dns)?;
    name.set_fqdn(true);
    Ok(name)
}

fn no_names(error: &NetError) -> NoNames {
    NoNames(error.to_string())
}

/// What a failed question says of the name.
fn miss(error: &NetError) -> Miss {
    tracing::debug!(%error, "a name was not resolved");
    match error {
        NetError::Timeout => Reason::Timeout.into(),
        // Of our own server, which asks the others: it does not want to answer us, or does not understand us.
        NetError::Dns(DnsError::ResponseCode(
            ResponseCode::Refused | ResponseCode::FormErr | ResponseCode::NotImp | ResponseCode::NotAuth,
        ))
        | NetError::Io(_)
        | NetError::Busy
        | NetError::NoConnections => Fault::Resolver.into(),
        // No such name, no such record, a loop, or servers of the zone that do not work (SERVFAIL).
        _ => Reason::Dns.into(),
    }
}
