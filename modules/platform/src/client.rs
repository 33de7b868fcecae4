//! The address that a request comes from.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};
use std::sync::Arc;

use actix_web::http::header::HeaderMap;

/// Which peers are proxies of ours, whose `X-Forwarded-For` is believed.
#[derive(Clone)]
pub struct TrustedProxies(Arc<dyn Fn(IpAddr) -> bool + Send + Sync>);

impl TrustedProxies {
    pub fn new(trusts: impl Fn(IpAddr) -> bool + Send + Sync + 'static) -> Self {
        Self(Arc::new(trusts))
    }

    pub(crate) fn trusts(&self, peer: IpAddr) -> bool {
        (self.0)(peer.to_canonical())
    }

    /// Walks the forwarded addresses from the nearest one to the first that is no proxy of ours:
    /// what stands before it is that client's own claim.
    pub(crate) fn client(&self, peer: Option<IpAddr>, headers: &HeaderMap) -> IpAddr {
        let mut client = peer.unwrap_or(Ipv4Addr::UNSPECIFIED.into()).to_canonical();
        let forwarded: Vec<&str> = headers
            .get_all("x-forwarded-for")
            .filter_map(|value| value.to_str().ok())
            .flat_map(|value| value.split(','))
            .collect();
        for address in forwarded.iter().rev() {
            if !(self.0)(client) {
                break;
            }
            match address.trim().parse::<IpAddr>() {
                Ok(address) => client = address.to_canonical(),
                Err(_) => break,
            }
        }
        client
    }
}

/// What a limit counts as one client: an IPv4 address, also when it is mapped to IPv6, or the /64
/// network of an IPv6 address, since who has one address of such a network has all its 2^64.
pub fn network(address: IpAddr) -> IpAddr {
    match address.to_canonical() {
        IpAddr::V6(v6) => {
            const PREFIX: u128 = !0 << 64;
            Ipv6Addr::from_bits(v6.to_bits() & PREFIX).into()
        }
        v4 => v4,
    }
}

#[cfg(test)]
mod tests {
    use actix_web::http::header::{HeaderName, HeaderValue};

    use super::*;

    #[test]
    fn only_a_trusted_proxy_is_believed() {
        let proxies = TrustedProxies::new(|ip| ip.to_string().starts_with("10."));
        let client = |peer: &str, forwarded: &'static str| {
            let mut headers = HeaderMap::new();
            let name = HeaderName::from_static("x-forwarded-for");
            headers.insert(name, HeaderValue::from_static(forwarded));
            let client = proxies.client(Some(peer.parse().unwrap()), &headers);
            client.to_string()
        };
        assert_eq!(client("198.51.100.7", "203.0.113.1"), "198.51.100.7");
        assert_eq!(client("10.0.0.1", "203.0.113.1"), "203.0.113.1");
        assert_eq!(
            client("10.0.0.1", "1.1.1.1, 203.0.113.1, 10.0.0.2"),
            "203.0.113.1"
        );
        assert_eq!(client("10.0.0.1", "203.0.113.1, nonsense"), "10.0.0.1");
        assert_eq!(client("::ffff:10.0.0.1", "203.0.113.1"), "203.0.113.1");
    }

    #[test]
    fn an_ipv6_network_is_one_client() {
        let network = |address: &str| network(address.parse().unwrap()).to_string();
        assert_eq!(network("2001:db8::ffff:1"), "2001:db8::");
        assert_eq!(network("2001:db8:0:1::1"), "2001:db8:0:1::");
        assert_eq!(network("192.0.2.1"), "192.0.2.1");
        assert_eq!(network("::ffff:192.0.2.1"), "192.0.2.1");
    }
}
