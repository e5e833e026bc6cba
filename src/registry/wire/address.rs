//! How near an address is: this machine, this link, a site's own network, or anywhere.
//!
//! An IPv6 address can stand for an IPv4 one, by itself or at a gateway on the way. Such an address is
//! taken for as near as what it stands for, but only where nearness is a reason to refuse.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

/// From near to far.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Nearness {
    /// Loopback, or no address at all, which means the same when it is connected to.
    ThisMachine,
    /// Link-local (RFC 3927, RFC 4291 §2.5.6): the services of a cloud for its machines are here.
    ThisLink,
    /// Means something else on every network (RFC 1918, RFC 6598, RFC 4193), or no single machine.
    Private,
    /// Any other.
    Public,
}

impl Nearness {
    /// This machine or link: what another machine calls so is not what we call so.
    pub(crate) fn is_own(self) -> bool {
        self <= Self::ThisLink
    }
}

/// How near an address is itself.
pub(crate) fn nearness(ip: IpAddr) -> Nearness {
    match ip.to_canonical() {
        IpAddr::V4(ip) => of_v4(ip),
        IpAddr::V6(ip) if ip.is_loopback() || ip.is_unspecified() => Nearness::ThisMachine,
        IpAddr::V6(ip) if ip.is_unicast_link_local() => Nearness::ThisLink,
        IpAddr::V6(ip) if ip.is_unique_local() || ip.is_multicast() || is_site_local(ip) => Nearness::Private,
        IpAddr::V6(_) => Nearness::Public,
    }
}

/// How near an address is, or what it stands for.
pub(crate) fn nearest(ip: IpAddr) -> Nearness {
    let stands_for = match ip {
        IpAddr::V6(ip) => stands_for(ip).map(of_v4),
        IpAddr::V4(_) => None,
    };
    nearness(ip).min(stands_for.unwrap_or(Nearness::Public))
}

fn of_v4(ip: Ipv4Addr) -> Nearness {
    let [first, second, ..] = ip.octets();
    let is_shared = first == 100 && second & 0b1100_0000 == 64;
    if ip.is_loopback() || ip.is_unspecified() {
        Nearness::ThisMachine
    } else if ip.is_link_local() {
        Nearness::ThisLink
    } else if ip.is_private() || is_shared || first == 0 || ip.is_multicast() || ip.is_broadcast() {
        Nearness::Private
    } else {
        Nearness::Public
    }
}

/// RFC 3879 took them back; they are still met.
fn is_site_local(ip: Ipv6Addr) -> bool {
    ip.segments()[0] & 0xffc0 == 0xfec0
}

/// The IPv4 address in an IPv6 one, in each of the ways that there are to write it in.
fn stands_for(ip: Ipv6Addr) -> Option<Ipv4Addr> {
    let [a, b, c, d, e, f, g, h] = ip.segments();
    let v4 = |high: u16, low: u16| Some(Ipv4Addr::from_bits(u32::from(high) << 16 | u32::from(low)));
    match [a, b, c, d, e, f] {
        // IPv4-compatible (RFC 4291 §2.5.5.1), but for `::` and `::1`; and IPv4-translated (RFC 2765).
        [0, 0, 0, 0, 0, 0] if g != 0 || h > 1 => v4(g, h),
        [0, 0, 0, 0, 0xffff, 0] => v4(g, h),
        // IPv4-mapped (RFC 4291 §2.5.5.2).
        [0, 0, 0, 0, 0, 0xffff] => v4(g, h),
        // At a translator: the well-known prefix (RFC 6052), and the one of a site (RFC 8215).
        [0x64, 0xff9b, 0, 0, 0, 0] | [0x64, 0xff9b, 1, ..] => v4(g, h),
        // 6to4 (RFC 3056).
        [0x2002, ..] => v4(b, c),
        // Teredo (RFC 4380): the address of the client, every bit turned.
        [0x2001, 0, ..] => v4(!g, !h),
        // ISATAP (RFC 5214).
        [_, _, _, _, 0 | 0x200, 0x5efe] => v4(g, h),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(text: &str) -> IpAddr {
        text.parse().expect(text)
    }

    #[test]
    fn addresses_are_as_near_as_what_they_stand_for() {
        let cases = [
            (
                Nearness::ThisMachine,
                "127.0.0.1 127.255.255.254 0.0.0.0 ::1 :: ::ffff:127.0.0.1 ::127.0.0.1 ::ffff:0:127.0.0.1 \
                 64:ff9b::127.0.0.1 64:ff9b::7f00:1 64:ff9b:1::127.0.0.1 2002:7f00:1:: 2002:7f00:1::1 \
                 2001:0:53aa:64c:0:ffff:80ff:fffe fd00::5efe:127.0.0.1 2001:db8::200:5efe:127.0.0.1 ::ffff:0.0.0.0",
            ),
            (
                Nearness::ThisLink,
                "169.254.169.254 169.254.0.1 fe80::1 febf::1 ::ffff:169.254.169.254 ::169.254.169.254 \
                 64:ff9b::a9fe:a9fe 2002:a9fe:a9fe::",
            ),
            (
                Nearness::Private,
                "10.1.2.3 172.16.0.1 192.168.0.1 100.64.0.1 0.1.2.3 224.0.0.1 255.255.255.255 fd00::1 fec0::1 ff02::1 \
                 ::ffff:10.0.0.1 64:ff9b::10.0.0.1 2002:a00:1::",
            ),
            (Nearness::Public, "8.8.8.8 100.128.0.1 172.32.0.1 2001:4860::8 64:ff9b::8.8.8.8 2002:808:808::"),
        ];
        for (near, addresses) in cases {
            for text in addresses.split_whitespace() {
                assert_eq!(nearest(at(text)), near, "{text}");
            }
        }
    }

    #[test]
    fn nearness_that_is_a_reason_to_trust_is_that_of_the_address_itself() {
        for text in ["127.0.0.1", "::1", "::ffff:127.0.0.1", "0.0.0.0", "::"] {
            assert_eq!(nearness(at(text)), Nearness::ThisMachine, "{text}");
        }
        for text in ["::127.0.0.1", "64:ff9b::127.0.0.1", "2002:7f00:1::"] {
            assert_eq!(nearness(at(text)), Nearness::Public, "{text}");
        }
    }
}
