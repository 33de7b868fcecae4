mod media;
mod peers;
mod redis;
mod stream;

use std::collections::BTreeMap;

use nix::sys::statvfs::statvfs;
use platform::Pool;
use serde::Serialize;
use time::OffsetDateTime;

use super::Outcome;
use crate::cli::Output;
use crate::databases::{Databases, Tenancy};
use crate::settings::{Module, Settings};
use crate::store::Store;

/// Clocks may differ by this much before tokens and holds suffer.
const CLOCK_TOLERANCE: time::Duration = time::Duration::seconds(5);
const DISK_LEAST_MIB: u64 = 512;

#[derive(Serialize)]
struct Finding {
    subject: String,
    ok: bool,
    /// What is there, or what to do.
    detail: String,
}

impl Finding {
    fn new(subject: impl Into<String>, result: Result<String, String>) -> Self {
        Self {
            subject: subject.into(),
            ok: result.is_ok(),
            detail: result.unwrap_or_else(|advice| advice),
        }
    }
}

/// Which database each hosted module has, where it tells.
type Identities = BTreeMap<Module, Option<String>>;

/// Looks at everything that a start depends on. Settings that are wrong never get this far: they
/// are all told when they are read.
pub async fn run(settings: Settings, output: Output) -> anyhow::Result<Outcome> {
    let mut findings = vec![Finding::new("settings", Ok("ok".to_owned()))];
    for warning in &settings.warnings {
        findings.push(Finding::new("settings", Ok(warning.clone())));
    }
    findings.push(Finding::new("disk", disk(&settings)));
    let ours = examine_databases(&settings, &mut findings).await;
    redis::examine(&settings, &mut findings).await;
    if let Some(found) = stream::look(&settings).await {
        findings.push(Finding::new("events stream", found));
    }
    if let Some(found) = media::look(&settings).await {
        findings.push(Finding::new("media", found));
    }
    peers::examine(&settings, &ours, &mut findings).await;

    if output.json {
        println!("{}", serde_json::to_string_pretty(&findings)?);
    } else {
        for finding in &findings {
            let mark = if finding.ok { "ok  " } else { "FAIL" };
            println!("{mark}  {:<22}{}", finding.subject, finding.detail);
        }
    }
    let sound = findings.iter().all(|finding| finding.ok);
    Ok(if sound {
        Outcome::Done
    } else {
        Outcome::Failed
    })
}

fn disk(settings: &Settings) -> Result<String, String> {
    let folder = &settings.data_dir;
    let existing = folder.ancestors().find(|path| path.exists());
    let looked_at = existing.unwrap_or(std::path::Path::new("."));
    let space = statvfs(looked_at)
        .map_err(|error| format!("{}: {error}: check data_dir", looked_at.display()))?;
    let free_mib = (space.blocks_available() * space.fragment_size()) >> 20;
    let finding = format!("{free_mib} MiB free at {}", looked_at.display());
    if free_mib < DISK_LEAST_MIB {
        return Err(format!("{finding}: make room or move data_dir"));
    }
    Ok(finding)
}

async fn examine_databases(settings: &Settings, findings: &mut Vec<Finding>) -> Identities {
    let modules: Vec<Module> = settings.hosted().collect();
    let mut identities = Identities::new();
    let databases = match Databases::open(settings, &modules, Tenancy::Share).await {
        Ok(databases) => databases,
        Err(error) => {
            findings.push(Finding::new("databases", Err(format!("{error:#}"))));
            return identities;
        }
    };
    for module in modules {
        match databases.pool(settings, module) {
            Ok(pool) => {
                let store = Store::of(module, &pool);
                examine(&store, findings).await;
                identities.insert(module, store.identity().await);
                pool.close().await;
            }
            Err(error) => findings.push(Finding::new(module.name(), Err(format!("{error:#}")))),
        }
    }
    databases.close().await;
    identities
}

async fn examine(store: &Store, findings: &mut Vec<Finding>) {
    let module = store.module;
    let version = sqlx::query_scalar::<_, String>("select version()")
        .fetch_one(&store.pool)
        .await;
    let reachable = version.is_ok();
    findings.push(Finding::new(
        format!("{module} database"),
        version
            .map(|version| version.chars().take_while(|c| *c != '(').collect())
            .map_err(|error| {
                format!("{error}: check modules.{module}.database_url and that the server runs")
            }),
    ));
    if !reachable {
        return;
    }
    let migrations = match store.missing().await {
        Ok(missing) if missing.is_empty() => Ok("up to date".to_owned()),
        Ok(missing) => Err(format!(
            "{} behind: run `cleave migrate {module}`",
            missing.len()
        )),
        Err(error) => Err(error.to_string()),
    };
    findings.push(Finding::new(format!("{module} migrations"), migrations));
    findings.push(Finding::new(
        format!("{module} clock"),
        clock(&store.pool).await,
    ));
}

async fn clock(pool: &Pool) -> Result<String, String> {
    let theirs = sqlx::query_scalar::<_, OffsetDateTime>("select clock_timestamp()")
        .fetch_one(pool)
        .await
        .map_err(|error| error.to_string())?;
    let apart = (OffsetDateTime::now_utc() - theirs).abs();
    let finding = format!(
        "{} ms apart from this machine's",
        apart.whole_milliseconds()
    );
    if apart > CLOCK_TOLERANCE {
        return Err(format!("{finding}: set both by NTP"));
    }
    Ok(finding)
}
