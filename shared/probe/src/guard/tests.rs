use std::net::{Ipv4Addr, Ipv6Addr};

use proptest::{prelude::*, sample::select};

use super::*;
use crate::check::{Ask, Expected, HttpCheck, Question};

/// What the guard says of a URL.
fn of_url(text: &str) -> Result<String, &'static str> {
    Guard::public_only().read_url(text).map(|(_, place)| shown(&place)).map_err(class)
}

/// What the guard says of a host and a port.
fn of_place(host: &str, port: u16) -> Result<String, &'static str> {
    Guard::public_only().check_place(host, port).map(|place| shown(&place)).map_err(class)
}

fn shown(place: &Place) -> String {
    format!("{} {}", place.host(), place.port())
}

fn class(refusal: Refusal) -> &'static str {
    match refusal {
        Refusal::Address(_, kind) => match kind {
            Kind::Unspecified => "unspecified",
            Kind::Loopback => "loopback",
            Kind::Private => "private",
            Kind::CarrierNat => "carrier",
            Kind::LinkLocal => "link-local",
            Kind::Metadata => "metadata",
            Kind::Protocol => "protocol",
            Kind::Documentation => "documentation",
            Kind::Embedded => "embedded",
            Kind::Multicast => "multicast",
            Kind::Reserved => "reserved",
        },
        Refusal::Port(_) => "port",
        Refusal::Host => "host",
        Refusal::Url => "url",
        Refusal::Scheme => "scheme",
        Refusal::Credentials => "credentials",
    }
}

fn address(text: &str) -> IpAddr {
    text.parse().unwrap()
}

#[test]
fn a_public_target_is_let_through_in_its_one_spelling() {
    for (url, expected) in [
        ("http://example.com", "example.com 80"),
        ("https://example.com/", "example.com 443"),
        ("https://EXAMPLE.com/A", "example.com 443"),
        ("https://example.com./", "example.com 443"),
        ("https://Example.COM.:8443/", "example.com 8443"),
        ("https://bücher.example/", "xn--bcher-kva.example 443"),
        ("http://my_host.example:1024/", "my_host.example 1024"),
        ("http://example.com:65535", "example.com 65535"),
        ("http://example.com:22", "example.com 22"),
        ("http://example.com#@127.0.0.1/", "example.com 80"),
        ("http://example.com/@127.0.0.1", "example.com 80"),
        ("http://example.com?@127.0.0.1", "example.com 80"),
        ("http://example.com\\@127.0.0.1/", "example.com 80"),
        ("http://1.1.1.1/", "1.1.1.1 80"),
        ("http://1.1/", "1.0.0.1 80"),
        ("http://16843009/", "1.1.1.1 80"),
        ("http://9.255.255.255/", "9.255.255.255 80"),
        ("http://11.0.0.0/", "11.0.0.0 80"),
        ("http://100.63.255.255/", "100.63.255.255 80"),
        ("http://100.128.0.0/", "100.128.0.0 80"),
        ("http://126.255.255.255/", "126.255.255.255 80"),
        ("http://128.0.0.0/", "128.0.0.0 80"),
        ("http://168.63.129.15/", "168.63.129.15 80"),
        ("http://169.253.255.255/", "169.253.255.255 80"),
        ("http://169.255.0.0/", "169.255.0.0 80"),
        ("http://172.15.255.255/", "172.15.255.255 80"),
        ("http://172.32.0.0/", "172.32.0.0 80"),
        ("http://192.0.1.0/", "192.0.1.0 80"),
        ("http://192.0.3.0/", "192.0.3.0 80"),
        ("http://192.167.255.255/", "192.167.255.255 80"),
        ("http://192.169.0.0/", "192.169.0.0 80"),
        ("http://198.17.255.255/", "198.17.255.255 80"),
        ("http://198.20.0.0/", "198.20.0.0 80"),
        ("http://203.0.112.255/", "203.0.112.255 80"),
        ("http://203.0.114.0/", "203.0.114.0 80"),
        ("http://223.255.255.255/", "223.255.255.255 80"),
        // A name like any other: its end is no number.
        ("http://127.0.0.0x1g/", "127.0.0.0x1g 80"),
        ("http://[2606:4700:4700::1111]/", "2606:4700:4700::1111 80"),
        ("http://[2001:200::1]/", "2001:200::1 80"),
        ("http://[2001:db7:ffff::1]/", "2001:db7:ffff::1 80"),
        ("http://[2001:db9::1]/", "2001:db9::1 80"),
        ("http://[2003::1]/", "2003::1 80"),
    ] {
        assert_eq!(of_url(url).as_deref(), Ok(expected), "{url}");
    }
    for (host, port, expected) in [
        ("SSH.Example.com.", 22, "ssh.example.com 22"),
        ("2a00:1450::1", 443, "2a00:1450::1 443"),
        ("[2a00:1450::1]", 443, "2a00:1450::1 443"),
        ("8.8.8.8", 53, "8.8.8.8 53"),
    ] {
        assert_eq!(of_place(host, port).as_deref(), Ok(expected), "{host}");
    }
}

/// Addresses of version 4 as they are usually written, with what they are.
const USUAL: &[(&str, &str)] = &[
    ("0.0.0.0", "unspecified"),
    ("0.1.2.3", "unspecified"),
    ("10.0.0.1", "private"),
    ("10.255.255.255", "private"),
    ("100.64.0.1", "carrier"),
    ("100.100.100.200", "carrier"),
    ("100.127.255.255", "carrier"),
    ("127.0.0.1", "loopback"),
    ("127.255.255.254", "loopback"),
    ("168.63.129.16", "metadata"),
    ("169.254.0.1", "link-local"),
    ("169.254.100.1", "link-local"),
    ("169.254.169.254", "link-local"),
    ("169.254.170.2", "link-local"),
    ("172.16.0.1", "private"),
    ("172.31.255.255", "private"),
    ("192.0.0.192", "protocol"),
    ("192.0.2.1", "documentation"),
    ("192.88.99.1", "embedded"),
    ("192.168.0.1", "private"),
    ("198.18.0.1", "documentation"),
    ("198.19.255.255", "documentation"),
    ("198.51.100.1", "documentation"),
    ("203.0.113.1", "documentation"),
    ("224.0.0.1", "multicast"),
    ("239.255.255.255", "multicast"),
    ("240.0.0.1", "reserved"),
    ("255.255.255.255", "reserved"),
];

/// The same ones in other spellings, and what only looks like one.
const SPELLED: &[(&str, &str)] = &[
    // Decimal, octal, hex, shortened, mixed.
    ("2130706433", "loopback"),
    ("017700000001", "loopback"),
    ("0x7f000001", "loopback"),
    ("0X7F.1", "loopback"),
    ("0x7f.0.0.1", "loopback"),
    ("0177.0.0.1", "loopback"),
    ("0177.0.0x0.1", "loopback"),
    ("00000177.1", "loopback"),
    ("127.1", "loopback"),
    ("127.0.1", "loopback"),
    ("127.0.0.1.", "loopback"),
    ("0x7f000001.", "loopback"),
    ("0", "unspecified"),
    ("0x", "unspecified"),
    ("0x0", "unspecified"),
    ("2852039166", "link-local"),
    ("0xa9fea9fe", "link-local"),
    ("0xa9.0xfe.0xa9.0xfe", "link-local"),
    ("0251.0376.0251.0376", "link-local"),
    ("169.254.43518", "link-local"),
    ("169.16689662", "link-local"),
    ("3232235521", "private"),
    ("10.1", "private"),
    ("012.1", "private"),
    ("4294967295", "reserved"),
    // With other letters and signs.
    ("127.0.0.%31", "loopback"),
    ("%31%32%37.0.0.1", "loopback"),
    ("127。0。0。1", "loopback"),
    ("127．0．0．1", "loopback"),
    ("①②⑦.⓪.⓪.①", "loopback"),
    ("１２７.0.0.1", "loopback"),
    ("127.0.0.1\u{ad}", "loopback"),
    ("0x7F.0.0.1", "loopback"),
    ("169.254.169.２５４", "link-local"),
    // What looks like an address of version 4 and is none.
    ("127.0.0.256", "host"),
    ("256.256.256.256", "host"),
    ("4294967296", "host"),
    ("0x100000000", "host"),
    ("1.2.3.4.5", "host"),
    ("127.0.0.08", "host"),
    ("127..1", "host"),
    ("example.1", "host"),
];

/// Addresses of version 6.
const VERSION_6: &[(&str, &str)] = &[
    ("[::]", "unspecified"),
    ("[::1]", "loopback"),
    ("[0:0:0:0:0:0:0:1]", "loopback"),
    ("[0000:0000::0001]", "loopback"),
    ("[::2]", "embedded"),
    ("[::127.0.0.1]", "embedded"),
    ("[::7f00:1]", "embedded"),
    ("[::ffff:127.0.0.1]", "embedded"),
    ("[::ffff:7f00:1]", "embedded"),
    ("[::FFFF:169.254.169.254]", "embedded"),
    ("[::ffff:1.1.1.1]", "embedded"),
    ("[::ffff:0:127.0.0.1]", "embedded"),
    ("[64:ff9b::127.0.0.1]", "embedded"),
    ("[64:ff9b::169.254.169.254]", "embedded"),
    ("[64:ff9b:1::10.0.0.1]", "embedded"),
    ("[64:ff9b:1:ffff::1]", "embedded"),
    ("[64:ff9b:2::1]", "reserved"),
    ("[100::1]", "documentation"),
    ("[100:0:0:1::1]", "reserved"),
    ("[2001::1]", "embedded"),
    ("[2001:0:7f00:1::]", "embedded"),
    ("[2001:2::1]", "documentation"),
    ("[2001:10::1]", "protocol"),
    ("[2001:20::1]", "protocol"),
    ("[2001:2f:ffff::1]", "protocol"),
    ("[2001:1ff:ffff::1]", "protocol"),
    ("[2001:db8::1]", "documentation"),
    ("[2002:7f00:1::]", "embedded"),
    ("[2002:a9fe:a9fe::1]", "embedded"),
    ("[2002:101:101::1]", "embedded"),
    ("[3ffe::1]", "reserved"),
    ("[3fff::1]", "documentation"),
    ("[3fff:fff:ffff::1]", "documentation"),
    ("[4000::1]", "reserved"),
    ("[5f00::1]", "protocol"),
    ("[1fff::1]", "reserved"),
    ("[fc00::1]", "private"),
    ("[fd00:ec2::254]", "private"),
    ("[fdff:ffff::1]", "private"),
    ("[fe00::1]", "reserved"),
    ("[fe80::1]", "link-local"),
    ("[febf::1]", "link-local"),
    ("[fec0::1]", "private"),
    ("[feff::1]", "private"),
    ("[ff02::1]", "multicast"),
    ("[ffff::1]", "multicast"),
];

#[test]
fn a_literal_of_an_address_that_is_not_public_is_refused_in_every_spelling() {
    for (host, expected) in [USUAL, SPELLED, VERSION_6].concat() {
        let as_url = of_url(&format!("http://{host}/"));
        // The same for a URL, but that it can not be read at all where the host can not.
        assert_eq!(
            as_url.map_err(|class| if class == "url" { "host" } else { class }),
            Err(expected),
            "{host}"
        );
        assert_eq!(of_place(host, 443), Err(expected), "{host}");
    }
}

#[test]
fn what_is_no_target_is_refused() {
    for (url, expected) in [
        ("", "url"),
        ("example.com", "url"),
        ("//example.com/", "url"),
        ("http://", "url"),
        ("http:///", "url"),
        ("http://[::1", "url"),
        ("http://[fe80::1%25eth0]/", "url"),
        ("http://[127.0.0.1]/", "url"),
        ("http://exa mple.com/", "url"),
        ("http://example.com:65536/", "url"),
        ("http://example.com..", "host"),
        ("http://.example.com/", "host"),
        ("http://exa$mple.com/", "host"),
        ("file:///etc/passwd", "scheme"),
        ("ftp://example.com/", "scheme"),
        ("gopher://127.0.0.1:9001/", "scheme"),
        ("javascript:alert(1)", "scheme"),
        ("unix:/run/docker.sock", "scheme"),
        ("http://user@example.com/", "credentials"),
        ("http://user:password@example.com/", "credentials"),
        ("http://:password@example.com/", "credentials"),
        ("http://example.com@127.0.0.1/", "credentials"),
        ("http://example.com%2f@127.0.0.1/", "credentials"),
        ("http://127.0.0.1#@example.com/", "loopback"),
        ("http://127.0.0.1\\@example.com/", "loopback"),
        ("http:127.0.0.1/", "loopback"),
        ("http:\\\\127.0.0.1\\", "loopback"),
        ("  http://127.0.0.1/  ", "loopback"),
        ("ht\ntp://127.0.\t0.1/", "loopback"),
        ("http://example.com:0/", "port"),
        ("http://example.com:21/", "port"),
        ("http://example.com:25/", "port"),
        ("http://example.com:445/", "port"),
        ("https://example.com:1023/", "port"),
    ] {
        assert_eq!(of_url(url), Err(expected), "{url:?}");
    }
    let label = "a".repeat(63);
    let long = [label.as_str(); 4].join(".");
    for host in ["", ".", "a..b", "fe80::1%eth0", "[::1", "1::2::3", "a/b", "a b", "a:b", "user@host", &long]
    {
        assert_eq!(of_place(host, 443), Err("host"), "{host:?}");
    }
    assert_eq!(of_place(&format!("{label}b.example"), 443), Err("host"));
    assert!(of_place(&long[..LONGEST_NAME], 443).is_ok());
    assert!(of_place(&format!("{}.", &long[..LONGEST_NAME]), 443).is_ok(), "the last dot does not count");
}

#[test]
fn a_name_is_refused_where_any_of_its_addresses_is_not_public() {
    let guard = Guard::public_only();
    let place = guard.check_place("example.com", 443).unwrap();
    for bad in [
        "127.0.0.1",
        "10.0.0.1",
        "169.254.169.254",
        "::1",
        "::ffff:10.0.0.1",
        "64:ff9b::a00:1",
        "fd00:ec2::254",
    ] {
        let (bad, good) = (address(bad), address("1.1.1.1"));
        for resolved in [vec![bad], vec![good, bad], vec![bad, good], vec![good, good, bad, good]] {
            let Err(Refusal::Address(refused, _)) = guard.pin(&place, &resolved) else {
                panic!("{resolved:?} was let through");
            };
            assert_eq!(refused, bad);
        }
    }
}

#[test]
fn the_first_address_of_version_4_is_pinned_at_the_places_port() {
    let guard = Guard::public_only();
    let place = guard.check_place("example.com", 8443).unwrap();
    let pinned = |resolved: &[&str]| {
        let resolved: Vec<_> = resolved.iter().map(|text| address(text)).collect();
        guard.pin(&place, &resolved).unwrap().map(|pinned| pinned.address().to_string())
    };
    assert_eq!(pinned(&["2a00::1", "1.1.1.1", "1.0.0.1"]).as_deref(), Some("1.1.1.1:8443"));
    assert_eq!(pinned(&["2a00::2", "2a00::1"]).as_deref(), Some("[2a00::2]:8443"));
    assert_eq!(pinned(&[]), None);
}

#[test]
fn loopback_is_reached_only_with_the_constructor_that_says_so() {
    let (strict, loose) = (Guard::public_only(), Guard::with_loopback_for_tests());
    assert_eq!((strict.reach(), loose.reach()), (Reach::PublicOnly, Reach::LoopbackToo));
    for host in ["127.0.0.1", "127.8.9.1", "::1", "2130706433"] {
        for port in [1, 25, 80, 40_000] {
            assert!(strict.check_place(host, port).is_err(), "{host}");
            assert!(loose.check_place(host, port).is_ok(), "{host}");
        }
    }
    for host in
        ["0.0.0.0", "::", "10.0.0.1", "169.254.169.254", "::ffff:127.0.0.1", "::127.0.0.1", "2002:7f00:1::"]
    {
        assert!(loose.check_place(host, 80).is_err(), "{host}");
    }
    assert_eq!(loose.check_place("127.0.0.1", 0), Err(Refusal::Port(0)));
}

#[test]
fn the_list_of_ports_is_the_deployments_to_change() {
    let guard = Guard::public_only().with_ports([443..=443, 993..=995]);
    let allowed = |port| guard.check_place("example.com", port).is_ok();
    assert_eq!(
        [442, 443, 444, 992, 993, 995, 996, 8080].map(allowed),
        [false, true, false, false, true, true, false, false]
    );
    assert!(Guard::public_only().with_ports([0..=u16::MAX]).check_place("example.com", 0).is_err());
}

/// The published lists once more, as they are written there and by arithmetic of its own: nothing of `address` is used.
const PREFIXES: &[&str] = &[
    "0.0.0.0/8",
    "10.0.0.0/8",
    "100.64.0.0/10",
    "127.0.0.0/8",
    "168.63.129.16/32",
    "169.254.0.0/16",
    "172.16.0.0/12",
    "192.0.0.0/24",
    "192.0.2.0/24",
    "192.88.99.0/24",
    "192.168.0.0/16",
    "198.18.0.0/15",
    "198.51.100.0/24",
    "203.0.113.0/24",
    "224.0.0.0/4",
    "240.0.0.0/4",
    "255.255.255.255/32",
    "::/128",
    "::1/128",
    "::/96",
    "::ffff:0:0/96",
    "::ffff:0:0:0/96",
    "64:ff9b::/96",
    "64:ff9b:1::/48",
    "100::/64",
    "2001::/32",
    "2001::/23",
    "2001:2::/48",
    "2001:10::/28",
    "2001:20::/28",
    "2001:db8::/32",
    "2002::/16",
    "3ffe::/16",
    "3fff::/20",
    "5f00::/16",
    "fc00::/7",
    "fe80::/10",
    "fec0::/10",
    "ff00::/8",
];

/// The address of a prefix whose bits behind it are these.
fn inside(prefix: &str, rest: u128) -> IpAddr {
    let (network, bits) = prefix.split_once('/').unwrap();
    let bits: u32 = bits.parse().unwrap();
    match address(network) {
        IpAddr::V4(network) => {
            let mask = u32::MAX.checked_shr(bits).unwrap_or(0);
            Ipv4Addr::from_bits(network.to_bits() | (rest as u32 & mask)).into()
        }
        IpAddr::V6(network) => {
            let mask = u128::MAX.checked_shr(bits).unwrap_or(0);
            Ipv6Addr::from_bits(network.to_bits() | (rest & mask)).into()
        }
    }
}

#[test]
fn both_ends_of_every_listed_prefix_are_refused() {
    for prefix in PREFIXES {
        for rest in [0, u128::MAX] {
            let address = inside(prefix, rest);
            assert!(Guard::public_only().check_address(address).is_err(), "{address} of {prefix}");
        }
    }
}

proptest! {
    #[test]
    fn no_address_inside_any_listed_prefix_is_ever_allowed(prefix in select(PREFIXES), rest: u128) {
        let address = inside(prefix, rest);
        let guard = Guard::public_only();
        prop_assert!(guard.check_address(address).is_err());
        prop_assert!(guard.check_place(&address.to_string(), 443).is_err());
        let name = guard.check_place("example.com", 443).unwrap();
        prop_assert!(guard.pin(&name, &["1.1.1.1".parse().unwrap(), address]).is_err());
        let host = if address.is_ipv6() { format!("[{address}]") } else { address.to_string() };
        let url = format!("https://{host}/");
        prop_assert!(guard.read_url(&url).is_err());
        if let IpAddr::V4(address) = address {
            let bits = address.to_bits();
            let [a, b, c, d] = address.octets();
            let spellings = [
                format!("{bits}"), format!("{bits:#x}"), format!("0{bits:o}"), format!("{a:#x}.0{b:o}.{c}.{d}"),
                format!("{a}.{}", bits & 0xff_ffff), format!("{a}.{b}.{}", bits & 0xffff),
            ];
            for spelling in spellings {
                prop_assert!(guard.check_place(&spelling, 443).is_err(), "{spelling}");
            }
            for embedding in [
                Ipv6Addr::from_bits(bits.into()), address.to_ipv6_mapped(),
                Ipv6Addr::from_bits(0x0064_ff9b << 96 | u128::from(bits)),
                Ipv6Addr::from_bits(0x2002 << 112 | u128::from(bits) << 80),
            ] {
                prop_assert!(guard.check_address(embedding.into()).is_err(), "{embedding}");
            }
        }
    }

    #[test]
    fn nothing_is_allowed_that_the_standard_library_calls_special(bits: u128) {
        let (v4, v6) = (Ipv4Addr::from_bits(bits as u32), Ipv6Addr::from_bits(bits));
        let guard = Guard::public_only();
        if guard.check_address(v4.into()).is_ok() {
            prop_assert!(!(v4.is_private() || v4.is_loopback() || v4.is_link_local() || v4.is_multicast()));
            prop_assert!(!(v4.is_broadcast() || v4.is_documentation() || v4.is_unspecified()));
        }
        if guard.check_address(v6.into()).is_ok() {
            prop_assert!(!(v6.is_loopback() || v6.is_unspecified() || v6.is_multicast() || v6.is_unique_local()));
            prop_assert!(!v6.is_unicast_link_local() && v6.to_ipv4().is_none());
        }
    }

    #[test]
    fn any_text_is_answered_and_what_is_let_through_is_public(text: String) {
        let guard = Guard::public_only();
        let by_url = guard.read_url(&format!("http://{text}")).map(|(_, place)| place);
        for place in [by_url, guard.check_place(&text, 443)].into_iter().flatten() {
            if let Host::Address(address) = place.host() {
                prop_assert!(guard.check_address(*address).is_ok());
            }
        }
    }
}

#[test]
fn what_can_be_seen_of_a_check_before_anybody_is_asked_is_refused_when_it_is_configured() {
    let http = |url: &str| {
        Check::Http(HttpCheck {
            url: url.to_owned(),
            ask: Ask::Head,
            expected: Expected::Success,
            within: None,
        })
    };
    let host = str::to_owned;
    let dns = |name: &str| Check::Dns { name: name.to_owned(), question: Question::A(None) };
    for (check, refused) in [
        (http("https://example.com/"), None),
        (http("https://127.1/"), Some("loopback")),
        (http("https://example.com:25/"), Some("port")),
        (http("ftp://example.com/"), Some("scheme")),
        (http("https://a:b@example.com/"), Some("credentials")),
        (http("example.com"), Some("url")),
        (http(&format!("https://example.com/{}", "x".repeat(70_000))), Some("url")),
        (Check::Tcp { host: host("example.com"), port: 22 }, None),
        (Check::Tcp { host: host("10.0.0.1"), port: 22 }, Some("private")),
        (Check::Tls { host: host("example.com"), port: 0 }, Some("port")),
        (Check::Ssh { host: host("0xa9fea9fe"), port: 22 }, Some("link-local")),
        (Check::Ssh { host: host("no host"), port: 22 }, Some("host")),
        (dns("example.com."), None),
        (dns("8.8.8.8"), Some("host")),
    ] {
        assert_eq!(Guard::public_only().admit(&check).map_err(class).err(), refused, "{check:?}");
    }
}
