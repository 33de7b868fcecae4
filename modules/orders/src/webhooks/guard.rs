//! Where a webhook may lead. Its URL is a stranger's word: what it names is looked at when it is
//! made, and again at every connect, since a name may lead elsewhere by then.

use std::io;
use std::net::{IpAddr, SocketAddr};
use std::sync::Arc;
use std::time::Duration;

use futures_util::future::BoxFuture;
use tokio::net::{TcpStream, lookup_host};
use tokio::time::timeout;
use url::{Host, Url};

use super::address::is_public;
use crate::config::WebhookRules;

pub const URL_MOST: usize = 2048;
/// For one name, and for one connection.
const PATIENCE: Duration = Duration::from_secs(5);
/// Addresses of a name that are tried.
const ADDRESSES_MOST: usize = 4;

type Resolve = Arc<dyn Fn(String) -> BoxFuture<'static, io::Result<Vec<IpAddr>>> + Send + Sync>;

#[derive(Clone)]
pub struct Guard {
    rules: WebhookRules,
    resolve: Resolve,
}

/// Why there is no connection.
#[derive(Debug, thiserror::Error)]
pub enum ConnectError {
    #[error("the host has no address")]
    NoAddress(#[source] Option<io::Error>),
    #[error("the host's address is not a public one")]
    NotAllowed,
    #[error("no connection within {} s", PATIENCE.as_secs())]
    TimedOut,
    #[error("no connection")]
    Refused(#[source] io::Error),
}

const NOT_PUBLIC: &str = "must lead to a public address";

impl Guard {
    pub fn new(rules: WebhookRules) -> Self {
        let resolve = |host: String| -> BoxFuture<'static, _> {
            Box::pin(async move {
                let found = lookup_host((host.as_str(), 0)).await?;
                Ok(found.map(|address| address.ip()).collect())
            })
        };
        let resolve = Arc::new(resolve);
        Self { rules, resolve }
    }

    /// Whether a webhook may be made with this URL; else what is wrong with it. A name that has no
    /// address now may have one later: only addresses that are there are held against it.
    pub async fn judge(&self, text: &str) -> Result<(), &'static str> {
        let url = self.parse(text)?;
        if self.rules.allow_private_addresses {
            return Ok(());
        }
        let Some(Host::Domain(name)) = url.host() else {
            return Ok(());
        };
        let found = timeout(PATIENCE, (self.resolve)(name.to_owned())).await;
        match found {
            Ok(Ok(addresses)) if addresses.iter().any(|address| !is_public(*address)) => {
                Err(NOT_PUBLIC)
            }
            _ => Ok(()),
        }
    }

    /// What can be told without asking anybody. The parser is that of browsers: it knows the octal,
    /// hexadecimal and short forms of IPv4, full-width digits and the like.
    pub fn parse(&self, text: &str) -> Result<Url, &'static str> {
        if text.len() > URL_MOST {
            return Err("must have at most 2048 bytes");
        }
        let (scheme, rest) = text.split_once("://").unwrap_or_default();
        let known = ["http", "https"].contains(&scheme.to_ascii_lowercase().as_str());
        let plain = |c: char| !c.is_whitespace() && !c.is_control() && c != '\\';
        if !known || rest.starts_with('/') || !text.chars().all(plain) {
            return Err("must be an http or https URL");
        }
        let url = Url::parse(text).map_err(|_| "is not a URL")?;
        if !url.username().is_empty() || url.password().is_some() {
            return Err("must not carry credentials");
        }
        if url.port() == Some(0) {
            return Err("must not have port 0");
        }
        if url.scheme() == "http" && self.rules.require_https {
            return Err("must be an https URL");
        }
        let allowed = match url.host() {
            _ if self.rules.allow_private_addresses => true,
            Some(Host::Ipv4(v4)) => is_public(v4.into()),
            Some(Host::Ipv6(v6)) => is_public(v6.into()),
            Some(Host::Domain(name)) => !is_local(name),
            None => return Err("is not a URL"),
        };
        allowed.then_some(url).ok_or(NOT_PUBLIC)
    }

    /// Connects to an address of this host, when it may.
    pub async fn connect(&self, host: &str, port: u16) -> Result<TcpStream, ConnectError> {
        let addresses = self.addresses(host).await?;
        let mut last = ConnectError::NoAddress(None);
        for address in addresses.into_iter().take(ADDRESSES_MOST) {
            let connecting = TcpStream::connect(SocketAddr::new(address, port));
            match timeout(PATIENCE, connecting).await {
                Ok(Ok(stream)) => {
                    let _ = stream.set_nodelay(true);
                    return Ok(stream);
                }
                Ok(Err(error)) => last = ConnectError::Refused(error),
                Err(_) => last = ConnectError::TimedOut,
            }
        }
        Err(last)
    }

    async fn addresses(&self, host: &str) -> Result<Vec<IpAddr>, ConnectError> {
        let literal = host.trim_start_matches('[').trim_end_matches(']');
        let found = match literal.parse() {
            Ok(address) => vec![address],
            Err(_) => timeout(PATIENCE, (self.resolve)(host.to_owned()))
                .await
                .map_err(|_| ConnectError::NoAddress(None))?
                .map_err(|error| ConnectError::NoAddress(Some(error)))?,
        };
        if found.is_empty() {
            return Err(ConnectError::NoAddress(None));
        }
        let may = |address: &IpAddr| self.rules.allow_private_addresses || is_public(*address);
        let allowed: Vec<IpAddr> = found.into_iter().filter(may).collect();
        match allowed.is_empty() {
            true => Err(ConnectError::NotAllowed),
            false => Ok(allowed),
        }
    }
}

/// Names that are this machine, whoever resolves them (RFC 6761, 6.3).
fn is_local(name: &str) -> bool {
    let name = name.trim_end_matches('.');
    name == "localhost" || name.ends_with(".localhost")
}

#[cfg(test)]
mod tests;
