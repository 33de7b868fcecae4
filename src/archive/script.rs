use std::path::PathBuf;
use std::process::Stdio;

use anyhow::Context;
use tokio::io::{AsyncBufReadExt, AsyncReadExt, BufReader};
use tokio::process::{Child, ChildStdout, Command};
use tokio::task::JoinHandle;

use crate::embedded::Tool;

/// The program.
pub const RESTORE: &str = "pg_restore";
/// How many bytes of rows are handed on at once, or a row more.
const CHUNK: usize = 1 << 16;
const END_OF_ROWS: &[u8] = b"\\.\n";

/// A file of `pg_dump`, and the program that reads it.
pub struct Archive {
    pub file: PathBuf,
    pub tool: Tool,
    /// Nothing else in the file is looked at.
    pub schema: String,
}

/// What comes next in the part of a script that has the rows.
#[derive(Debug, PartialEq, Eq)]
pub enum Part {
    Statements(String),
    /// `COPY ... FROM stdin;`, whose rows come next.
    Copy(String),
}

impl Archive {
    /// All statements of a section without rows.
    pub async fn statements(&self, section: &str) -> anyhow::Result<String> {
        let mut script = self.script(section)?;
        let mut statements = String::new();
        while let Some(line) = script.line().await? {
            if !is_foreign(line) {
                statements.push_str(str::from_utf8(line)?);
            }
        }
        script.end().await?;
        Ok(statements)
    }

    /// The rows of each table.
    pub fn rows(&self) -> anyhow::Result<Script> {
        self.script("data")
    }

    fn script(&self, section: &str) -> anyhow::Result<Script> {
        let mut command = Command::from(self.tool.command());
        command
            .args(["--no-owner", "--no-privileges", "--file=-"])
            .arg(format!("--section={section}"))
            .arg(format!("--schema={}", self.schema))
            .arg(&self.file)
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .kill_on_drop(true);
        let mut child = command.spawn().context(RESTORE)?;
        let script = child.stdout.take().context(RESTORE)?;
        let mut said = child.stderr.take().context(RESTORE)?;
        let said = tokio::spawn(async move {
            let mut text = Vec::new();
            // What cannot be read is not told.
            let _ = said.read_to_end(&mut text).await;
            String::from_utf8_lossy(&text).trim().to_owned()
        });
        Ok(Script {
            lines: BufReader::with_capacity(CHUNK, script),
            line: Vec::new(),
            child,
            said,
        })
    }
}

/// Statements and rows, as they come.
pub struct Script {
    lines: BufReader<ChildStdout>,
    line: Vec<u8>,
    child: Child,
    said: JoinHandle<String>,
}

impl Script {
    /// Behind the rows of the last `Copy`.
    pub async fn next(&mut self) -> anyhow::Result<Option<Part>> {
        let mut statements = String::new();
        while let Some(line) = self.line().await? {
            if is_foreign(line) || line == b"\n" || line.starts_with(b"--") {
                continue;
            }
            let line = str::from_utf8(line)?;
            if line.starts_with("COPY ") && line.ends_with(" FROM stdin;\n") {
                let copy = line.trim_end().to_owned();
                return Ok(Some(Part::Copy(copy)));
            }
            statements.push_str(line);
            if line.ends_with(";\n") {
                return Ok(Some(Part::Statements(statements)));
            }
        }
        Ok((!statements.is_empty()).then_some(Part::Statements(statements)))
    }

    /// Appends some whole rows, each with its line's end; `false` behind the last of this table.
    pub async fn rows(&mut self, rows: &mut Vec<u8>) -> anyhow::Result<bool> {
        while rows.len() < CHUNK {
            match self.line().await? {
                Some(line) if line == END_OF_ROWS => return Ok(false),
                Some(line) => rows.extend_from_slice(line),
                None => anyhow::bail!("the rows of a table break off"),
            }
        }
        Ok(true)
    }

    async fn line(&mut self) -> anyhow::Result<Option<&[u8]>> {
        self.line.clear();
        let read = self.lines.read_until(b'\n', &mut self.line).await?;
        Ok((read > 0).then_some(&*self.line))
    }

    /// Whether all of it was there.
    pub async fn end(mut self) -> anyhow::Result<()> {
        // Nobody is left who would read it.
        drop(self.lines);
        let status = self.child.wait().await?;
        let said = self.said.await.unwrap_or_default();
        let last = said.lines().last().unwrap_or("it says nothing");
        anyhow::ensure!(status.success(), "{RESTORE}: {last}");
        Ok(())
    }
}

/// A command to `psql`, or a setting that older servers do not know.
fn is_foreign(line: &[u8]) -> bool {
    ["\\restrict ", "\\unrestrict ", "SET transaction_timeout "]
        .iter()
        .any(|foreign| line.starts_with(foreign.as_bytes()))
}
