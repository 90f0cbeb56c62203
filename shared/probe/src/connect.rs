//! From a place to an open connection, by way of the guard.

use std::{
    io::{Error, ErrorKind},
    net::{Ipv4Addr, Ipv6Addr, SocketAddr, UdpSocket},
    slice,
};

use tokio::net::TcpStream;

use crate::{
    guard::{Host, Pinned, Place, Refusal},
    outcome::{Fault, Miss, Reason},
    prober::Prober,
};

impl Prober {
    /// Resolves the place's host, has the guard check all of its addresses, and connects to the one that it pins.
    pub(crate) async fn connect(&self, place: &Place) -> Result<TcpStream, Miss> {
        let pinned = match place.host() {
            Host::Address(address) => self.guard.pin(place, slice::from_ref(address))?,
            Host::Name(name) => {
                let resolved = Box::pin(self.names.addresses(name)).await?;
                self.guard.pin(place, &resolved).map_err(not_public)?
            }
        };
        open(pinned.ok_or(Reason::Dns)?).await
    }
}

/// Of an address that a name was resolved to. Which one it is stays with us.
pub(crate) fn not_public(refusal: Refusal) -> Reason {
    tracing::debug!(%refusal, "a name leads to where nobody may be led");
    Reason::NotPublic
}

async fn open(pinned: Pinned) -> Result<TcpStream, Miss> {
    let address = pinned.address();
    let stream = TcpStream::connect(address).await.map_err(|error| failed(&error, address))?;
    // A request is one small packet; waiting for more of it would only be counted as the target's.
    stream.set_nodelay(true).map_err(|_| Reason::Reset)?;
    Ok(stream)
}

fn failed(error: &Error, address: SocketAddr) -> Miss {
    match error.kind() {
        ErrorKind::ConnectionRefused => Reason::Refused.into(),
        ErrorKind::ConnectionReset | ErrorKind::ConnectionAborted => Reason::Reset.into(),
        ErrorKind::TimedOut => Reason::Timeout.into(),
        ErrorKind::HostUnreachable => Reason::Unreachable.into(),
        // Somebody on the way said so, or we have no way at all.
        ErrorKind::NetworkUnreachable if has_route(address) => Reason::Unreachable.into(),
        ErrorKind::NetworkUnreachable => Fault::NoRoute.into(),
        _ => {
            tracing::warn!(%error, "no socket");
            Fault::Local.into()
        }
    }
}

/// Whether we have a way to this address. Connecting a datagram socket asks the system and sends nothing.
fn has_route(address: SocketAddr) -> bool {
    let any = match address {
        SocketAddr::V4(_) => SocketAddr::from((Ipv4Addr::UNSPECIFIED, 0)),
        SocketAddr::V6(_) => SocketAddr::from((Ipv6Addr::UNSPECIFIED, 0)),
    };
    UdpSocket::bind(any).and_then(|socket| socket.connect(address)).is_ok()
}
