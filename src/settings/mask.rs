//! Hiding what must not be read over a shoulder.

use url::Url;

pub const MASK: &str = "********";

/// The URL with its password, and query parameters that sound like one, hidden. Text that is no
/// URL is hidden altogether.
pub fn url(text: &str) -> String {
    let Ok(mut url) = Url::parse(text) else {
        return MASK.to_owned();
    };
    // With a slash too few, the password is a part of the path.
    if url.path().contains('@') {
        return MASK.to_owned();
    }
    if url.password().is_some() && url.set_password(Some(MASK)).is_err() {
        return MASK.to_owned();
    }
    if let Some(query) = url.query() {
        let masked: Vec<_> = query.split('&').map(parameter).collect();
        url.set_query(Some(&masked.join("&")));
    }
    url.into()
}

fn parameter(pair: &str) -> String {
    const SECRET: [&str; 4] = ["pass", "secret", "token", "key"];
    let name = pair.split('=').next().unwrap_or_default();
    let lower = name.to_ascii_lowercase();
    if SECRET.iter().any(|word| lower.contains(word)) {
        format!("{name}={MASK}")
    } else {
        pair.to_owned()
    }
}

#[cfg(test)]
mod tests {
    use super::url;

    #[test]
    fn passwords_are_hidden_wherever_they_stand() {
        assert_eq!(
            url("postgres://shop:s3cret@db:5432/users?sslmode=require"),
            "postgres://shop:********@db:5432/users?sslmode=require"
        );
        assert_eq!(url("redis://:s3cret@cache/1"), "redis://:********@cache/1");
        assert_eq!(
            url("postgres:///users?host=/run/pg&password=s3cret"),
            "postgres:///users?host=/run/pg&password=********"
        );
        assert_eq!(
            url("s3://bucket/x?aws_secret_access_key=s3cret"),
            "s3://bucket/x?aws_secret_access_key=********"
        );
        assert_eq!(url("postgres://shop:s3#cret"), "********");
        assert_eq!(url("postgres:/shop:s3cret@db/users"), "********");
        assert_eq!(url("redis:shop:s3cret@cache"), "********");
        assert_eq!(url("http://localhost:4318/"), "http://localhost:4318/");
    }
}
