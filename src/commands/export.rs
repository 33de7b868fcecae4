use std::path::{Path, PathBuf};

use anyhow::Context;
use indicatif::ProgressBar;
use serde_json::json;
use tokio::fs::{self, File};
use tokio::io::{AsyncWrite, AsyncWriteExt};

use super::workbench::Workbench;
use super::{Outcome, progress};
use crate::cli::Output;
use crate::settings::{Module, Settings};
use products::export::{Export, Format};

/// Writes the catalogue to a file, or to standard output. A file is there whole or not at all.
pub async fn run(
    settings: Settings,
    format: Option<Format>,
    file: Option<PathBuf>,
    output: Output,
) -> anyhow::Result<Outcome> {
    let format = format.unwrap_or_else(|| of_name(file.as_deref()));
    let bench = Workbench::open(settings, &[Module::Products]).await?;
    let exported = match &file {
        Some(file) => to_file(&bench, format, file)
            .await
            .with_context(|| file.display().to_string()),
        None => to(&bench, format, tokio::io::stdout()).await,
    };
    bench.close().await;
    let products = exported?;
    match &file {
        // Standard output has the products.
        None => eprintln!("{products} products"),
        Some(file) if output.json => println!("{}", json!({ "file": file, "products": products })),
        Some(file) => println!("{}: {products} products", file.display()),
    }
    Ok(Outcome::Done)
}

fn of_name(file: Option<&Path>) -> Format {
    file.map_or(Format::Ndjson, |file| Format::of_file(file, b"{"))
}

async fn to_file(bench: &Workbench, format: Format, file: &Path) -> anyhow::Result<u64> {
    let unfinished = file.with_added_extension("part");
    let written = async {
        let mut to_disk = File::create(&unfinished).await?;
        let products = to(bench, format, &mut to_disk).await?;
        to_disk.sync_all().await?;
        fs::rename(&unfinished, file).await?;
        anyhow::Ok(products)
    }
    .await;
    if written.is_err() {
        let _ = fs::remove_file(&unfinished).await;
    }
    written
}

async fn to(
    bench: &Workbench,
    format: Format,
    mut out: impl AsyncWrite + Unpin,
) -> anyhow::Result<u64> {
    let mut export = Export::begin(bench.pool(Module::Products)?, format).await?;
    let bar: ProgressBar = progress::counter("products", export.count().await?);
    let mut products = 0;
    while let Some(part) = export.next().await? {
        out.write_all(&part.bytes).await?;
        products += part.products as u64;
        bar.set_position(products);
    }
    out.flush().await?;
    bar.finish_and_clear();
    Ok(products)
}
