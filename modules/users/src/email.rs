use std::borrow::Cow;

use garde::rules::email::parse_email;
use idna::AsciiDenyList;

/// The longest address that mail can be sent to, in bytes (RFC 5321, 4.5.3.1.3, without the angle
/// brackets).
const MAX_BYTES: usize = 254;

/// An email address as its owner wrote it, and what tells it from others.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Email {
    pub(crate) address: String,
    /// Lower case, the domain in its ASCII form (UTS 46): equal for two spellings of one address.
    pub(crate) key: String,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("must be an email address, such as name@example.com, of at most 254 bytes")]
pub struct InvalidEmail;

/// Whether an account may have this address.
pub fn check_email(address: &str) -> Result<(), InvalidEmail> {
    Email::parse(address).map(drop)
}

impl Email {
    pub(crate) fn parse(address: &str) -> Result<Self, InvalidEmail> {
        if address.len() > MAX_BYTES || parse_email(address).is_err() {
            return Err(InvalidEmail);
        }
        let (local, domain) = address.split_once('@').ok_or(InvalidEmail)?;
        // A dot stands between two atoms (RFC 5321, 4.1.2), and a host of the internet has a dot.
        if local.split('.').any(str::is_empty) || domain.starts_with('[') {
            return Err(InvalidEmail);
        }
        let domain = ascii_domain(domain)?;
        if !domain.contains('.') {
            return Err(InvalidEmail);
        }
        Ok(Self {
            address: address.to_owned(),
            key: format!("{}@{domain}", local.to_ascii_lowercase()),
        })
    }
}

fn ascii_domain(domain: &str) -> Result<Cow<'_, str>, InvalidEmail> {
    idna::domain_to_ascii_cow(domain.as_bytes(), AsciiDenyList::URL).map_err(|_| InvalidEmail)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn key(address: &str) -> Result<String, InvalidEmail> {
        Email::parse(address).map(|email| email.key)
    }

    #[test]
    fn keeps_the_spelling_and_finds_the_address_behind_it() {
        let email = Email::parse("Anna.Schmidt+Shop@Example.COM").unwrap();
        assert_eq!(email.address, "Anna.Schmidt+Shop@Example.COM");
        assert_eq!(email.key, "anna.schmidt+shop@example.com");
        assert_eq!(key("a@MÜLLER.de"), key("A@xn--mller-kva.de"));
        assert_eq!(key("a@ｅxample.com"), key("a@example.com"));
    }

    #[test]
    fn refuses_what_cannot_be_delivered() {
        let long = format!("a@{}.com", "b.".repeat(124));
        for address in [
            "",
            "a",
            "a@",
            "@b.com",
            "a@b",
            "a@localhost",
            " a@b.com",
            "a@b.com ",
            "a b@c.com",
            "a@b@c.com",
            ".a@b.com",
            "a.@b.com",
            "a..a@b.com",
            "a@.com",
            "a@b..com",
            "a@b.com.",
            "a@-b.com",
            "a@[127.0.0.1]",
            "a@b.com\n",
            "é@b.com",
            &long,
        ] {
            assert_eq!(key(address), Err(InvalidEmail), "{address:?}");
        }
        assert!(key(&format!("{}@b.com", "a".repeat(64))).is_ok());
        assert!(key(&format!("{}@b.com", "a".repeat(65))).is_err());
    }
}
