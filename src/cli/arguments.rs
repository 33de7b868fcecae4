//! What the commands take.

use std::path::PathBuf;

use clap::builder::{PossibleValuesParser, TypedValueParser};
use clap::{ArgGroup, Args, Subcommand, ValueEnum};
use ports_http::Step;
use uuid::Uuid;

use crate::dials::Turn;
use crate::settings::Module;

#[derive(Debug, Clone, Subcommand)]
pub enum Admin {
    /// Make an administrator, or promote an account; prints a generated password once
    Create {
        #[arg(long, value_parser = email)]
        email: String,
        /// Read the password from standard input instead of generating one
        #[arg(long)]
        password_stdin: bool,
        #[command(flatten)]
        output: Output,
    },
}

#[derive(Debug, Clone, Args)]
pub struct Demo {
    #[arg(long, value_name = "N", default_value_t = 1000)]
    pub products: u32,
    #[arg(long, value_name = "N", default_value_t = 100)]
    pub users: u32,
    #[arg(long, value_name = "N", default_value_t = 500)]
    pub orders: u32,
    #[arg(long, value_name = "S", default_value_t = 1)]
    pub seed: u64,
    #[command(flatten)]
    pub output: Output,
}

#[derive(Debug, Clone, Args)]
pub struct Backup {
    pub module: Module,
    /// Written as `pg_dump --format=custom` does
    #[arg(value_name = "FILE")]
    pub file: PathBuf,
    /// Replace a file that is there
    #[arg(long)]
    pub force: bool,
    #[command(flatten)]
    pub output: Output,
}

#[derive(Debug, Clone, Args)]
pub struct Restore {
    pub module: Module,
    /// Of `backup`, or of `pg_dump --format=custom`
    #[arg(value_name = "FILE")]
    pub file: PathBuf,
    /// Without it, the file is looked at and nothing is changed
    #[arg(long)]
    pub yes: bool,
    #[command(flatten)]
    pub output: Output,
}

/// At least one of what to look for.
#[derive(Debug, Clone, Args)]
#[command(group = ArgGroup::new("words").required(true).multiple(true))]
pub struct PersonalData {
    /// This address and, when an account has it, the account's other words
    #[arg(long, value_name = "E", group = "words", value_parser = some_text)]
    pub email: Option<String>,
    /// The email and the full name of this account
    #[arg(long, value_name = "ID", group = "words")]
    pub user: Option<Uuid>,
    /// Any other words; may be repeated
    #[arg(long, value_name = "T", group = "words", value_parser = some_text)]
    pub text: Vec<String>,
    #[command(flatten)]
    pub output: Output,
}

fn email(text: &str) -> Result<String, String> {
    #[cfg(feature = "users")]
    users::check_email(text).map_err(|error| error.to_string())?;
    Ok(text.to_owned())
}

fn some_text(text: &str) -> Result<String, &'static str> {
    match text.trim() {
        "" => Err("must not be blank"),
        text => Ok(text.to_owned()),
    }
}

#[derive(Debug, Clone, Args)]
pub struct Dial {
    /// Without one: every module
    pub module: Option<Module>,
    /// Without one, the dial is shown and stays where it is
    #[arg(value_parser = step())]
    pub step: Option<Step>,
    /// Of the calls and requests, for shadow and canary; without it, it stays or is 10
    #[arg(long, value_name = "N", requires = "step", value_parser = clap::value_parser!(u8).range(..=100))]
    pub percent: Option<u8>,
    /// The private listener of the peer; without it, the peer stays
    #[arg(long, value_name = "URL", requires = "step")]
    pub url: Option<String>,
    /// Turn without asking whether the peer is ready
    #[arg(long, requires = "step")]
    pub force: bool,
    #[command(flatten)]
    pub output: Output,
}

impl Dial {
    /// What to ask for, when there is a step.
    pub fn turn(&self) -> Option<Turn> {
        Some(Turn {
            step: self.step?,
            percent: self.percent,
            url: self.url.clone(),
            force: self.force,
        })
    }

    /// Local is nobody elsewhere and remote is everybody; a share of them is a canary.
    pub(super) fn has_idle_percent(&self) -> bool {
        self.percent.is_some() && matches!(self.step, Some(Step::Local | Step::Remote))
    }
}

#[derive(Debug, Clone, Args)]
pub struct Events {
    /// Without one: every module that the instance hosts
    pub module: Option<Module>,
    /// Without one: what waits, by subscriber
    #[command(subcommand)]
    pub action: Option<EventsAction>,
    #[command(flatten)]
    pub output: Output,
}

#[derive(Debug, Clone, Subcommand)]
pub enum EventsAction {
    /// Events that failed too often, each with its last error, the oldest first
    Parked {
        #[arg(long, value_name = "N", default_value_t = 100, value_parser = clap::value_parser!(u8).range(1..=100))]
        limit: u8,
        /// Where the page before ended
        #[arg(long, value_name = "CURSOR")]
        cursor: Option<String>,
        #[command(flatten)]
        output: Output,
    },
    /// Deliver parked events again, as if they had never failed
    Replay {
        /// Of one parked event
        #[arg(required_unless_present = "all", conflicts_with = "all")]
        id: Option<u64>,
        /// Every parked event
        #[arg(long)]
        all: bool,
        #[command(flatten)]
        output: Output,
    },
}

impl Events {
    pub fn json(&self) -> bool {
        let deeper = match &self.action {
            Some(EventsAction::Parked { output, .. } | EventsAction::Replay { output, .. }) => {
                output.json
            }
            None => false,
        };
        self.output.json || deeper
    }

    /// Each module numbers its own.
    pub(super) fn is_ambiguous(&self) -> bool {
        let one = match &self.action {
            Some(EventsAction::Replay { id, .. }) => id.is_some(),
            Some(EventsAction::Parked { cursor, .. }) => cursor.is_some(),
            None => false,
        };
        one && self.module.is_none()
    }
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum ExportFormat {
    Ndjson,
    Csv,
}

#[cfg(feature = "products")]
impl From<ExportFormat> for products::export::Format {
    fn from(format: ExportFormat) -> Self {
        match format {
            ExportFormat::Ndjson => Self::Ndjson,
            ExportFormat::Csv => Self::Csv,
        }
    }
}

const STEPS: [Step; 4] = [Step::Local, Step::Shadow, Step::Canary, Step::Remote];

fn step() -> impl TypedValueParser<Value = Step> {
    PossibleValuesParser::new(STEPS.map(Step::name)).try_map(|name| {
        let found = STEPS.into_iter().find(|step| step.name() == name);
        found.ok_or("not a step")
    })
}

#[derive(Debug, Clone, Copy, Args)]
pub struct Output {
    /// The result as JSON
    #[arg(long)]
    pub json: bool,
}
