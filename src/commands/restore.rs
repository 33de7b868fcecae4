use std::fs::File;
use std::time::Duration;

use anyhow::Context;
use indicatif::HumanCount;
use platform::db::Migration;
use serde_json::json;
use sqlx::{ConnectOptions, Connection, PgConnection};

use super::backup::{is_at_hand, schema_and_version};
use super::{Outcome, progress};
use crate::archive::{Archive, Contents, History, RESTORE, Schema, replace};
use crate::cli::Restore;
use crate::databases::{Databases, Tenancy};
use crate::embedded::{Tool, Wanted};
use crate::settings::{Module, Settings};

/// How often the bar is drawn where nothing moves it.
const TICK: Duration = Duration::from_millis(200);

/// `cleave restore`: what a file holds, instead of what the database of a module does.
pub async fn run(settings: Settings, asked: Restore) -> anyhow::Result<Outcome> {
    if !is_at_hand(&settings, asked.module) {
        return Ok(Outcome::WrongUsage);
    }
    File::open(&asked.file).with_context(|| asked.file.display().to_string())?;
    let databases = Databases::open(&settings, &[asked.module], Tenancy::Share).await?;
    let outcome = tokio::select! {
        outcome = restore(&settings, &databases, &asked) => outcome,
        _ = tokio::signal::ctrl_c() => Err(anyhow::anyhow!("interrupted")),
    };
    databases.close().await;
    outcome
}

async fn restore(
    settings: &Settings,
    databases: &Databases,
    asked: &Restore,
) -> anyhow::Result<Outcome> {
    let Restore { module, file, .. } = asked;
    let mut database = connect(databases, *module)
        .await
        .with_context(|| format!("the database of {module}"))?;
    let (schema, _) = schema_and_version(&mut database).await?;
    let bin_dir = settings.embedded.bin_dir.as_deref();
    let archive = Archive {
        file: file.clone(),
        tool: Tool::find(RESTORE, Wanted::Newest, bin_dir, &settings.data_dir)?,
        schema,
    };
    let contents = Contents::read(&archive)
        .await
        .with_context(|| format!("{} cannot be read; nothing was changed", file.display()))?;
    contents
        .history
        .check(*module)
        .map_err(|misfit| anyhow::anyhow!("{} {misfit}", file.display()))?;
    refuse_foreign(&mut database, *module, &archive.schema).await?;
    if !asked.yes {
        eprintln!(
            "cleave: {} has {} rows of {module}. They would take the place of all that its database \
             holds; say --yes to that",
            file.display(),
            HumanCount(contents.rows),
        );
        return Ok(Outcome::WrongUsage);
    }
    let bar = progress::bytes(format!("{module}"), contents.bytes);
    bar.enable_steady_tick(TICK);
    let replaced = replace(&mut database, *module, &archive, &contents, |loaded| {
        bar.set_position(loaded);
    });
    let migrated = replaced.await.context("the restore failed")?;
    bar.finish_and_clear();
    database.close().await?;
    tell(asked, &contents, &migrated);
    Ok(Outcome::Done)
}

/// For as long as it takes.
async fn connect(databases: &Databases, module: Module) -> anyhow::Result<PgConnection> {
    let options = databases.connect_options(module)?.clone();
    let patient = options
        .application_name("cleave-restore")
        .options([
            ("statement_timeout", "0"),
            ("idle_in_transaction_session_timeout", "0"),
            ("client_min_messages", "warning"),
        ])
        .disable_statement_logging();
    Ok(patient.connect().await?)
}

/// What is not Cleave's is not ours to drop, nor what a newer release is at work on.
async fn refuse_foreign(
    database: &mut PgConnection,
    module: Module,
    schema: &str,
) -> anyhow::Result<()> {
    let history = History::of(database).await?;
    let is_empty = Schema(schema).tables(database).await?.is_empty();
    if is_empty {
        return Ok(());
    }
    let fits = history.unwrap_or_default().check(module);
    fits.map_err(|misfit| anyhow::anyhow!("the database of {module} {misfit}"))
}

/// What comes next, by whose data was restored: a command, and what it is for.
const NEXT: [(&[Module], &str, &str); 2] = [
    (
        &[Module::Orders, Module::Products],
        "cleave reconcile",
        "Now run `cleave reconcile`: it names every difference between the books of orders and \
         products, and --repair mends what is safe.",
    ),
    (
        &[Module::Users],
        "cleave personal-data",
        "Whoever was deleted after the backup was made is there again: delete them once more, \
         and look with `cleave personal-data`.",
    ),
];

fn tell(asked: &Restore, contents: &Contents, migrated: &[Migration]) {
    let Restore { module, file, .. } = asked;
    let next = NEXT.iter().find(|(modules, ..)| modules.contains(module));
    if asked.output.json {
        let restored = json!({
            "module": module, "file": file, "tables": contents.tables, "rows": contents.rows,
            "migrated": migrated, "next": next.map(|(_, command, _)| command),
        });
        println!("{restored}");
        return;
    }
    let (tables, rows) = (contents.tables, HumanCount(contents.rows));
    println!("{module}: restored {rows} rows of {tables} tables");
    for Migration {
        version,
        description,
    } in migrated
    {
        println!("{module}: applied {version:04} {description}");
    }
    if let Some((_, _, words)) = next {
        println!("{words}");
    }
}
