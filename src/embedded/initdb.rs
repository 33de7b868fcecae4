use std::fs;
use std::io::ErrorKind;

use super::EmbeddedError;
use super::command::command;
use super::error::At;
use super::files::{self, Layout, new_password, remove_tree, sync_parent, write_private};
use super::identity::Identity;
use super::leftovers;
use super::names::Progress;
use super::programs::Programs;

const MARK: &str = "CLEAVE";
const MARKED: &[u8] = b"Cleave made this cluster. It touches none without this file.\n";

/// Refuses a folder that is not ours; says whether there is a cluster.
pub(super) fn is_made(layout: &Layout) -> Result<bool, EmbeddedError> {
    let data = layout.data();
    let mut entries = match fs::read_dir(&data) {
        Ok(entries) => entries.peekable(),
        Err(e) if e.kind() == ErrorKind::NotFound => return Ok(false),
        Err(e) => return Err(e).at("read the folder", &data),
    };
    if entries.peek().is_none() {
        return Ok(false);
    }
    if !data.join(MARK).try_exists().at("look at", &data)? {
        return Err(EmbeddedError::NotOurs {
            path: data,
            why: format!("it has no file {MARK}"),
        });
    }
    Ok(true)
}

/// The cluster gets its name only when it is whole, so that a start which was cut short leaves
/// nothing to mistake for it.
pub(super) fn make(
    layout: &Layout,
    programs: &Programs,
    identity: Identity,
    progress: &Progress,
) -> Result<(), EmbeddedError> {
    let (data, unfinished) = (layout.data(), layout.unfinished_data());
    progress.say(format!(
        "Making a PostgreSQL {} cluster in {}",
        programs.major,
        layout.folder().display()
    ));
    leftovers::end(&unfinished, progress)?;
    remove_tree(&unfinished)?;
    identity.make_folder(&unfinished)?;

    // The locale of the newer versions is Postgres' own; the older ones need the system's, which
    // may lack it.
    let utf8: &[&str] = if programs.major >= 17 {
        &[
            "--locale=C",
            "--locale-provider=builtin",
            "--builtin-locale=C.UTF-8",
        ]
    } else {
        &["--lc-collate=C", "--lc-ctype=C.UTF-8", "--lc-messages=C"]
    };
    match run(layout, programs, identity, utf8) {
        Err(EmbeddedError::Initdb { output, .. }) if output.contains("invalid locale name") => {
            run(layout, programs, identity, &["--locale=C"])?;
        }
        other => other?,
    }
    write_private(&unfinished.join(MARK), MARKED)?;
    fs::rename(&unfinished, &data).at("rename into place", &unfinished)?;
    sync_parent(&data)
}

fn run(
    layout: &Layout,
    programs: &Programs,
    identity: Identity,
    locale: &[&str],
) -> Result<(), EmbeddedError> {
    let unfinished = layout.unfinished_data();
    let password = match files::read_if_there(&layout.password())? {
        Some(password) => password,
        None => {
            let password = new_password();
            write_private(&layout.password(), password.as_bytes())?;
            password
        }
    };
    // A copy, since another user reads it.
    let handed = layout.folder().join("password.init");
    write_private(&handed, password.as_bytes())?;
    identity.own(&handed)?;

    let mut initdb = command(programs, "initdb", identity);
    initdb
        .arg("--pgdata")
        .arg(&unfinished)
        .arg("--pwfile")
        .arg(&handed);
    initdb
        .args([
            "--username=postgres",
            "--encoding=UTF8",
            "--auth=scram-sha-256",
            "--data-checksums",
        ])
        .args(locale);
    let output = initdb.output().at("run", &programs.folder.join("initdb"));
    files::remove_if_there(&handed)?;
    let output = output?;
    if output.status.success() {
        return Ok(());
    }
    Err(EmbeddedError::Initdb {
        path: unfinished,
        output: String::from_utf8_lossy(&output.stderr).trim().to_owned(),
    })
}
