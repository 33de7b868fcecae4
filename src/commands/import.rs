use std::path::{Path, PathBuf};

use anyhow::Context;
use serde_json::json;
use tokio::fs::File;
use tokio::io::{AsyncReadExt, AsyncSeekExt};

use super::workbench::Workbench;
use super::{Outcome, progress};
use crate::cli::Output;
use crate::settings::{Module, Settings};
use products::import::{Format, RejectedLine, Report, import};

/// Imports each file; rejected lines are told, the rest lands.
pub async fn run(
    settings: Settings,
    files: Vec<PathBuf>,
    output: Output,
) -> anyhow::Result<Outcome> {
    // A file that is not there is told before anything is started or changed.
    for file in &files {
        let metadata = std::fs::metadata(file).with_context(|| file.display().to_string())?;
        anyhow::ensure!(metadata.is_file(), "{} is not a file", file.display());
    }
    let bench = Workbench::open(settings, &[Module::Products]).await?;
    let outcome = import_all(&bench, &files, output).await;
    bench.close().await;
    outcome
}

async fn import_all(
    bench: &Workbench,
    files: &[PathBuf],
    output: Output,
) -> anyhow::Result<Outcome> {
    let mut outcome = Outcome::Done;
    for file in files {
        let report = import_one(bench, file)
            .await
            .with_context(|| file.display().to_string())?;
        if report.rejected_total() > 0 {
            outcome = Outcome::Failed;
        }
        if output.json {
            println!("{}", json!({ "file": file, "report": report }));
        } else {
            say(file, &report);
        }
    }
    Ok(outcome)
}

async fn import_one(bench: &Workbench, path: &Path) -> anyhow::Result<Report> {
    let mut file = File::open(path).await?;
    let mut beginning = [0; 1024];
    let length = file.read(&mut beginning).await?;
    file.rewind().await?;
    let format = Format::of_file(path, &beginning[..length]);

    let name = path
        .file_name()
        .unwrap_or(path.as_os_str())
        .to_string_lossy();
    let bar = progress::bytes(name.into_owned(), file.metadata().await?.len());
    let pool = bench.pool(Module::Products)?;
    let currency = bench.settings().store.currency;
    let reader = tokio::io::BufReader::new(file);
    let report = import(pool, currency, None, format, reader, |progress| {
        bar.set_position(progress.bytes);
        bar.suspend(|| progress.rejected.iter().for_each(tell));
    })
    .await?;
    bar.finish_and_clear();
    Ok(report)
}

/// What no report has room for is told as it comes.
fn tell(rejected: &RejectedLine) {
    eprintln!("  line {}: {}", rejected.line, rejected.message);
}

fn say(file: &Path, report: &Report) {
    println!(
        "{}: {} imported, {} updated, {} rejected",
        file.display(),
        report.imported,
        report.updated,
        report.rejected_total()
    );
    for rejected in &report.rejected {
        println!("  line {}: {}", rejected.line, rejected.message);
    }
    let told = report.rejected_total() - report.rejected.len() as u64;
    if told > 0 {
        println!("  and {told} more, told above on standard error");
    }
}
