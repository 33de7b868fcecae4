use std::fs::{self, File, OpenOptions};
use std::io;
use std::os::unix::fs::OpenOptionsExt;
use std::path::{Path, PathBuf};

use anyhow::Context;
use indicatif::HumanBytes;
use serde_json::json;
use sqlx::PgConnection;
use uuid::Uuid;

use super::{Outcome, progress};
use crate::archive::{DUMP, Dump, History, Misfit, Schema};
use crate::cli::Backup;
use crate::databases::{Databases, Tenancy};
use crate::embedded::{Tool, Wanted};
use crate::settings::{Mode, Module, Settings};

/// `cleave backup`: the database of a module into a file, which is there whole or not at all.
pub async fn run(settings: Settings, asked: Backup) -> anyhow::Result<Outcome> {
    if !is_at_hand(&settings, asked.module) {
        return Ok(Outcome::WrongUsage);
    }
    if !asked.force {
        refuse_existing(&asked.file)?;
    }
    let databases = Databases::open(&settings, &[asked.module], Tenancy::Share).await?;
    let written = tokio::select! {
        written = write(&settings, &databases, &asked) => written,
        _ = tokio::signal::ctrl_c() => Err(anyhow::anyhow!("interrupted")),
    };
    databases.close().await;
    let history = written.with_context(|| format!("the backup of {}", asked.module))?;
    tell(&asked, &history)?;
    Ok(Outcome::Done)
}

/// Says so when it is not.
pub(super) fn is_at_hand(settings: &Settings, module: Module) -> bool {
    let of = settings.modules.get(module);
    let at_hand = of.mode == Mode::Local || of.database_url.is_some();
    if !at_hand {
        eprintln!(
            "cleave: {module} is not hosted here: set modules.{module}.database_url, or do it where \
             it is"
        );
    }
    at_hand
}

async fn write(
    settings: &Settings,
    databases: &Databases,
    asked: &Backup,
) -> anyhow::Result<History> {
    let mut database = databases.patient_reader(asked.module).await?;
    let history = History::of(&mut database).await?.unwrap_or_default();
    match history.check(asked.module) {
        // Its own release will restore it.
        Ok(()) | Err(Misfit::Newer { .. }) => {}
        Err(misfit) => anyhow::bail!("its database {misfit}"),
    }
    let (schema, major) = schema_and_version(&mut database).await?;
    let tables = Schema(&schema).tables(&mut database).await?.len() as u64;
    let bin_dir = settings.embedded.bin_dir.as_deref();
    let tool = Tool::find(DUMP, Wanted::For(major), bin_dir, &settings.data_dir)?;

    let unfinished = Unfinished::beside(&asked.file)
        .with_context(|| format!("cannot write {}", asked.file.display()))?;
    let bar = progress::counter(format!("{} tables", asked.module), tables);
    let dump = Dump {
        tool: &tool,
        database: databases.connect_options(asked.module)?,
        schema: &schema,
    };
    dump.write(&unfinished.0, || bar.inc(1)).await?;
    bar.finish_and_clear();
    unfinished.finish(&asked.file, asked.force)?;
    Ok(history)
}

/// Where the module's tables are, and the major version of the server.
pub(super) async fn schema_and_version(
    database: &mut PgConnection,
) -> anyhow::Result<(String, u32)> {
    let (schema, version): (Option<String>, i32) = sqlx::query_as(
        "select current_schema()::text, current_setting('server_version_num')::integer",
    )
    .fetch_one(database)
    .await?;
    let schema = schema.context("its role has no schema")?;
    Ok((schema, u32::try_from(version)? / 10_000))
}

fn tell(asked: &Backup, history: &History) -> anyhow::Result<()> {
    let Backup { module, file, .. } = asked;
    let bytes = fs::metadata(file)?.len();
    let latest = history.latest().unwrap_or_default();
    if asked.output.json {
        let written = json!({
            "module": module, "file": file, "bytes": bytes, "migration": latest,
        });
        println!("{written}");
        return Ok(());
    }
    println!(
        "{module}: {}, {}, with migrations up to {latest:04}",
        file.display(),
        HumanBytes(bytes)
    );
    Ok(())
}

fn refuse_existing(file: &Path) -> anyhow::Result<()> {
    anyhow::ensure!(
        fs::symlink_metadata(file).is_err(),
        "{} is there already, and stays as it is: name another file, or give --force",
        file.display()
    );
    Ok(())
}

/// A file that is not whole yet; it goes when nothing becomes of it.
struct Unfinished(PathBuf);

impl Unfinished {
    /// For its owner alone: it has people's addresses in it, and more.
    fn beside(file: &Path) -> io::Result<Self> {
        let path = file.with_added_extension(format!("{}.part", Uuid::now_v7().simple()));
        let mut new = OpenOptions::new();
        new.write(true).create_new(true).mode(0o600).open(&path)?;
        Ok(Self(path))
    }

    /// Gives it its name, once it will survive a loss of power.
    fn finish(self, file: &Path, force: bool) -> anyhow::Result<()> {
        File::open(&self.0)?.sync_all()?;
        // A link takes nobody's place, whoever came meanwhile.
        match fs::hard_link(&self.0, file) {
            Ok(()) => {}
            Err(_) if force => fs::rename(&self.0, file)?,
            // Not every file system has links.
            Err(_) => {
                refuse_existing(file)?;
                fs::rename(&self.0, file)?;
            }
        }
        let folder = file.parent().filter(|folder| *folder != Path::new(""));
        File::open(folder.unwrap_or(Path::new(".")))?.sync_all()?;
        Ok(())
    }
}

impl Drop for Unfinished {
    fn drop(&mut self) {
        let _ = fs::remove_file(&self.0);
    }
}
