//! Which addresses are the public's.
//!
//! IPv4 is public but for the listed ranges; IPv6 is refused but for global unicast, less the listed ranges: what is assigned
//! one day is refused until somebody has looked at it. Whoever can be reached through another form of an address (mapped,
//! translated, tunnelled) is refused by that form's own prefix, whatever address it holds: a public host has no need of it.
//!
//! Sources: the IANA special-purpose registries for IPv4 and IPv6 (RFC 6890 and its updates), RFC 4291 and RFC 3879 for what
//! those leave out, and the clouds' documentation for their metadata addresses.

use std::{
    fmt,
    net::{IpAddr, Ipv4Addr, Ipv6Addr},
};

use ipnet::{Ipv4Net, Ipv6Net};

/// Why an address is not the public's.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Kind {
    /// No address at all, or "this host": connecting to it reaches our own machine.
    Unspecified,
    /// Our own machine. On Lambda, the runtime's own interface is there.
    Loopback,
    /// Of somebody's own network (RFC 1918, RFC 4193, and site-local of old).
    Private,
    /// Between a carrier and its customers (RFC 6598).
    CarrierNat,
    /// Of the same link. Clouds answer there with a machine's credentials.
    LinkLocal,
    /// A cloud's service for its own machines, on an address that looks like any other.
    Metadata,
    /// Set apart for protocols, and public hosts are none of them.
    Protocol,
    /// For examples, measurements and black holes: nobody's.
    Documentation,
    /// An address of version 4 in the clothes of version 6, or a tunnel to one.
    Embedded,
    /// More than one host.
    Multicast,
    /// Not assigned, broadcast among it.
    Reserved,
}

impl fmt::Display for Kind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Unspecified => "unspecified",
            Self::Loopback => "loopback",
            Self::Private => "private",
            Self::CarrierNat => "carrier-grade NAT",
            Self::LinkLocal => "link-local",
            Self::Metadata => "a cloud's metadata",
            Self::Protocol => "set apart for a protocol",
            Self::Documentation => "for documentation and tests",
            Self::Embedded => "an address inside another",
            Self::Multicast => "multicast",
            Self::Reserved => "reserved",
        })
    }
}

const fn v4(a: u8, b: u8, c: u8, d: u8, bits: u8) -> Ipv4Net {
    Ipv4Net::new_assert(Ipv4Addr::new(a, b, c, d), bits)
}

const fn v6(head: [u16; 6], bits: u8) -> Ipv6Net {
    let address = Ipv6Addr::new(head[0], head[1], head[2], head[3], head[4], head[5], 0, 0);
    Ipv6Net::new_assert(address, bits)
}

/// What is not public of version 4.
const REFUSED_V4: [(Ipv4Net, Kind); 17] = [
    (v4(0, 0, 0, 0, 8), Kind::Unspecified),
    (v4(10, 0, 0, 0, 8), Kind::Private),
    (v4(100, 64, 0, 0, 10), Kind::CarrierNat),
    (v4(127, 0, 0, 0, 8), Kind::Loopback),
    // Azure's wire server, which gives its machines their configuration.
    (v4(168, 63, 129, 16, 32), Kind::Metadata),
    (v4(169, 254, 0, 0, 16), Kind::LinkLocal),
    (v4(172, 16, 0, 0, 12), Kind::Private),
    (v4(192, 0, 0, 0, 24), Kind::Protocol),
    (v4(192, 0, 2, 0, 24), Kind::Documentation),
    // Relays to 6to4 (RFC 7526).
    (v4(192, 88, 99, 0, 24), Kind::Embedded),
    (v4(192, 168, 0, 0, 16), Kind::Private),
    (v4(198, 18, 0, 0, 15), Kind::Documentation),
    (v4(198, 51, 100, 0, 24), Kind::Documentation),
    (v4(203, 0, 113, 0, 24), Kind::Documentation),
    (v4(224, 0, 0, 0, 4), Kind::Multicast),
    (v4(240, 0, 0, 0, 4), Kind::Reserved),
    (v4(255, 255, 255, 255, 32), Kind::Reserved),
];

/// Global unicast: all that is assigned of version 6.
const GLOBAL_UNICAST: Ipv6Net = v6([0x2000, 0, 0, 0, 0, 0], 3);

/// What is not public of version 6. What stands outside of [`GLOBAL_UNICAST`] is refused anyhow; it is here to be called by
/// its name. The first that fits counts.
const REFUSED_V6: [(Ipv6Net, Kind); 22] = [
    (Ipv6Net::new_assert(Ipv6Addr::UNSPECIFIED, 128), Kind::Unspecified),
    (Ipv6Net::new_assert(Ipv6Addr::LOCALHOST, 128), Kind::Loopback),
    // IPv4-compatible, -mapped and -translated.
    (v6([0, 0, 0, 0, 0, 0], 96), Kind::Embedded),
    (v6([0, 0, 0, 0, 0, 0xffff], 96), Kind::Embedded),
    (v6([0, 0, 0, 0, 0xffff, 0], 96), Kind::Embedded),
    // NAT64, well-known and local.
    (v6([0x64, 0xff9b, 0, 0, 0, 0], 96), Kind::Embedded),
    (v6([0x64, 0xff9b, 1, 0, 0, 0], 48), Kind::Embedded),
    (v6([0x100, 0, 0, 0, 0, 0], 64), Kind::Documentation),
    // Teredo, then the benchmarks' and both ORCHIDs', then what else is set apart for protocols.
    (v6([0x2001, 0, 0, 0, 0, 0], 32), Kind::Embedded),
    (v6([0x2001, 2, 0, 0, 0, 0], 48), Kind::Documentation),
    (v6([0x2001, 0x10, 0, 0, 0, 0], 28), Kind::Protocol),
    (v6([0x2001, 0x20, 0, 0, 0, 0], 28), Kind::Protocol),
    (v6([0x2001, 0, 0, 0, 0, 0], 23), Kind::Protocol),
    (v6([0x2001, 0xdb8, 0, 0, 0, 0], 32), Kind::Documentation),
    // 6to4.
    (v6([0x2002, 0, 0, 0, 0, 0], 16), Kind::Embedded),
    (v6([0x3fff, 0, 0, 0, 0, 0], 20), Kind::Documentation),
    // Segment routing.
    (v6([0x5f00, 0, 0, 0, 0, 0], 16), Kind::Protocol),
    // Amazon's metadata in version 6, fd00:ec2::254, is among these.
    (v6([0xfc00, 0, 0, 0, 0, 0], 7), Kind::Private),
    (v6([0xfe80, 0, 0, 0, 0, 0], 10), Kind::LinkLocal),
    (v6([0xfec0, 0, 0, 0, 0, 0], 10), Kind::Private),
    (v6([0xff00, 0, 0, 0, 0, 0], 8), Kind::Multicast),
    // The 6bone of old, given back (RFC 3701).
    (v6([0x3ffe, 0, 0, 0, 0, 0], 16), Kind::Reserved),
];

/// Why this address is not the public's; nothing where it is.
pub fn not_public(address: IpAddr) -> Option<Kind> {
    match address {
        IpAddr::V4(address) => {
            REFUSED_V4.iter().find(|(net, _)| net.contains(&address)).map(|(_, kind)| *kind)
        }
        IpAddr::V6(address) => REFUSED_V6
            .iter()
            .find(|(net, _)| net.contains(&address))
            .map(|(_, kind)| *kind)
            .or_else(|| (!GLOBAL_UNICAST.contains(&address)).then_some(Kind::Reserved)),
    }
}
