use std::path::Path;
use std::process::Stdio;

use anyhow::Context;
use sqlx::ConnectOptions;
use sqlx::postgres::PgConnectOptions;
use tokio::io::{AsyncBufReadExt, BufReader};
use tokio::process::Command;
use url::{Url, form_urlencoded};

use crate::embedded::Tool;

/// The program.
pub const DUMP: &str = "pg_dump";
/// What it says of each table.
const TABLE: &str = "dumping contents of table";
/// A migration that is under way holds the tables for as long as it takes.
const LOCK_WAIT_MS: u32 = 60_000;

/// What to dump, and by whom.
pub struct Dump<'a> {
    pub tool: &'a Tool,
    pub database: &'a PgConnectOptions,
    pub schema: &'a str,
}

impl Dump<'_> {
    /// Writes a file that is there already. `next_table` is told of each table that is begun.
    pub async fn write(&self, file: &Path, next_table: impl Fn()) -> anyhow::Result<()> {
        let mut command = Command::from(self.tool.command());
        command
            .args(["--format=custom", "--no-owner", "--no-privileges"])
            .args(["--no-password", "--verbose"])
            .arg(format!("--lock-wait-timeout={LOCK_WAIT_MS}"))
            .arg(format!("--schema={}", quoted(self.schema)))
            .arg("--file")
            .arg(file)
            .envs(environment(self.database))
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(Stdio::piped())
            .kill_on_drop(true);
        let mut child = command.spawn().context(DUMP)?;
        let said = child.stderr.take().context(DUMP)?;
        let mut lines = BufReader::new(said).lines();
        let mut last = String::new();
        while let Some(line) = lines.next_line().await? {
            if line.contains(TABLE) {
                next_table();
            }
            last = line;
        }
        let status = child.wait().await?;
        anyhow::ensure!(status.success(), "{last}");
        Ok(())
    }
}

/// As a pattern that matches this name only.
fn quoted(name: &str) -> String {
    format!("\"{}\"", name.replace('"', "\"\""))
}

/// The address and the password by libpq's variables: arguments are shown to everybody on a machine.
fn environment(database: &PgConnectOptions) -> Vec<(&'static str, String)> {
    let host = match database.get_socket() {
        Some(socket) => socket.display().to_string(),
        None => database.get_host().to_owned(),
    };
    let url = database.to_url_lossy();
    let mut variables = vec![
        ("PGHOST", host),
        ("PGPORT", database.get_port().to_string()),
        ("PGUSER", database.get_username().to_owned()),
        ("PGAPPNAME", "cleave-backup".to_owned()),
    ];
    let name = database.get_database();
    variables.extend(name.map(|name| ("PGDATABASE", name.to_owned())));
    variables.extend(password(&url).map(|password| ("PGPASSWORD", password)));
    for (option, value) in url.query_pairs() {
        let variable = match &*option {
            "sslmode" => "PGSSLMODE",
            "sslrootcert" => "PGSSLROOTCERT",
            "sslcert" => "PGSSLCERT",
            "sslkey" => "PGSSLKEY",
            _ => continue,
        };
        variables.push((variable, value.into_owned()));
    }
    variables
}

/// All but letters and digits is escaped there, as in a form.
fn password(url: &Url) -> Option<String> {
    let escaped = format!("password={}", url.password()?);
    let (_, password) = form_urlencoded::parse(escaped.as_bytes()).next()?;
    Some(password.into_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_address_goes_by_the_environment() {
        let options = PgConnectOptions::new_without_pgpass()
            .host("db.example.org")
            .port(6543)
            .username("orders_user")
            .password("a+b c&d%/é")
            .database("orders db");
        let variables = environment(&options);
        for expected in [
            ("PGHOST", "db.example.org"),
            ("PGPORT", "6543"),
            ("PGUSER", "orders_user"),
            ("PGPASSWORD", "a+b c&d%/é"),
            ("PGDATABASE", "orders db"),
            ("PGSSLMODE", "prefer"),
        ] {
            let expected = (expected.0, expected.1.to_owned());
            assert!(variables.contains(&expected), "{expected:?}: {variables:?}");
        }
        let by_socket = environment(&options.socket("/run/postgres"));
        assert!(by_socket.contains(&("PGHOST", "/run/postgres".to_owned())));
    }
}
