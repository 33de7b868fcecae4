//! The command line. Wrong usage exits with 2, which clap does by itself.

use std::ffi::OsString;
use std::path::PathBuf;

use clap::builder::{PossibleValuesParser, TypedValueParser};
use clap::error::ErrorKind;
use clap::{ArgGroup, Args, CommandFactory, FromArgMatches, Parser, Subcommand, ValueEnum};
use ports_http::Step;
use uuid::Uuid;

use crate::dials::Turn;
use crate::settings::{Inputs, Module, Purpose};

/// A commerce backend that runs as one program and comes apart along its modules.
#[derive(Debug, Parser)]
#[command(
    name = "cleave",
    version,
    after_help = "Without a command: serve.\n\
                  Exit codes: 0 done, 1 failed, 2 wrong usage or settings."
)]
struct Line {
    #[command(flatten)]
    layers: Layers,
    #[command(subcommand)]
    command: Option<Command>,
}

/// One invocation, read.
#[derive(Debug, Clone)]
pub struct Cli {
    pub layers: Layers,
    pub command: Command,
}

// Where settings come from, besides the defaults and the environment. Every command takes these.
// (A doc comment would replace the commands' own help.)
#[derive(Debug, Clone, Default, Args)]
pub struct Layers {
    /// Settings file (TOML); without it, the one CLEAVE_CONFIG names
    #[arg(long, value_name = "FILE")]
    pub config: Option<PathBuf>,
    /// One setting, over the file and the environment; may be repeated
    #[arg(long, value_name = "SECTION.KEY=VALUE")]
    pub set: Vec<String>,
}

#[derive(Debug, Clone, Subcommand)]
pub enum Command {
    /// Serve the hosted modules
    Serve {
        /// Host these modules only; the others are remote where they have a url, else off
        #[arg(long, value_delimiter = ',', value_name = "MODULE,...")]
        only: Vec<Module>,
    },
    /// Bring databases up to date
    Migrate {
        /// Without any: all hosted modules
        modules: Vec<Module>,
        /// Change nothing; say what is missing and exit with 1 if anything is
        #[arg(long)]
        check: bool,
        #[command(flatten)]
        output: Output,
    },
    /// Administrators
    #[command(subcommand)]
    Admin(Admin),
    /// Fill the shop with plausible data, the same for the same seed
    Demo(Demo),
    /// Import products from CSV or NDJSON files
    Import {
        #[arg(required = true, value_name = "FILE")]
        files: Vec<PathBuf>,
        #[command(flatten)]
        output: Output,
    },
    /// Write all products to a file, or to standard output, as `import` takes them
    Export {
        /// Without it: by the file's extension, else ndjson
        #[arg(long)]
        format: Option<ExportFormat>,
        #[arg(value_name = "FILE")]
        file: Option<PathBuf>,
        #[command(flatten)]
        output: Output,
    },
    /// Show or turn the dials of the running instance: who answers for each module
    Dial(Dial),
    /// Prove the books of orders and products; exit with 1 when they differ
    Reconcile {
        /// Correct what can be corrected safely
        #[arg(long)]
        repair: bool,
        #[command(flatten)]
        output: Output,
    },
    /// Show what the modules of the running instance have still to tell others, or try parked
    /// events again
    Events(Events),
    /// Look at settings, databases, migrations, Redis, peers, clock and disk: each ok, or what to do
    Doctor {
        #[command(flatten)]
        output: Output,
    },
    /// Look for a person's words in every column of every table, and tell where they are; exits with
    /// 1 when there are any, or when a module could not be looked at
    PersonalData(PersonalData),
    /// For containers: exit with 0 when the running instance is ready
    Healthcheck {
        #[command(flatten)]
        output: Output,
    },
    /// Print the OpenAPI document
    Openapi,
    /// Print the effective settings, each with its source, secrets masked
    Config {
        #[command(flatten)]
        output: Output,
    },
}

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
    fn has_idle_percent(&self) -> bool {
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
    fn is_ambiguous(&self) -> bool {
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

impl Cli {
    /// Reads the arguments of this process; wrong usage and `--help` end it.
    pub fn read() -> Self {
        Self::try_read_from(std::env::args_os()).unwrap_or_else(|error| error.exit())
    }

    pub fn try_read_from<A, I>(arguments: I) -> Result<Self, clap::Error>
    where
        A: Into<OsString> + Clone,
        I: IntoIterator<Item = A>,
    {
        let matches = definition().try_get_matches_from(arguments)?;
        let Line {
            mut layers,
            command,
        } = Line::from_arg_matches(&matches)?;
        let mut deeper = matches.subcommand();
        while let Some((_, matches)) = deeper {
            layers.extend(Layers::from_arg_matches(matches)?);
            deeper = matches.subcommand();
        }
        let command = command.unwrap_or(Command::Serve { only: Vec::new() });
        if let Command::Dial(dial) = &command
            && dial.has_idle_percent()
        {
            let message = "--percent is for shadow and canary";
            return Err(definition().error(ErrorKind::ArgumentConflict, message));
        }
        if let Command::Events(events) = &command
            && events.is_ambiguous()
        {
            let message = "name the module: each has its own ids and cursors";
            return Err(definition().error(ErrorKind::MissingRequiredArgument, message));
        }
        Ok(Self { layers, command })
    }

    /// What the settings of this invocation are made from.
    pub fn inputs(&self) -> Inputs {
        let mut inputs = Inputs::of_process(self.command.purpose());
        inputs.config = self.layers.config.clone();
        inputs.set = self.layers.set.clone();
        if let Command::Serve { only } = &self.command {
            inputs.only = only.clone();
        }
        inputs
    }
}

impl Command {
    fn purpose(&self) -> Purpose {
        match self {
            Command::Serve { .. }
            | Command::Reconcile { .. }
            | Command::Doctor { .. }
            | Command::Config { .. } => Purpose::Serve,
            Command::Migrate { modules, .. } if !modules.is_empty() => {
                Purpose::Databases(modules.clone())
            }
            Command::Migrate { .. } | Command::Demo(_) | Command::PersonalData(_) => {
                Purpose::Databases(Module::ALL.to_vec())
            }
            Command::Admin(_) => Purpose::Databases(vec![Module::Users]),
            Command::Import { .. } | Command::Export { .. } => {
                Purpose::Databases(vec![Module::Products])
            }
            Command::Dial(_)
            | Command::Events(_)
            | Command::Healthcheck { .. }
            | Command::Openapi => Purpose::Ask,
        }
    }
}

impl Layers {
    fn extend(&mut self, deeper: Layers) {
        self.config = deeper.config.or(self.config.take());
        self.set.extend(deeper.set);
    }
}

/// The definition of every command, as `--help` shows it.
pub fn definition() -> clap::Command {
    with_layers(Line::command())
}

/// Gives every subcommand the options of `Layers`. Clap's global arguments would forget a `--set`
/// before the subcommand as soon as one stands after it.
fn with_layers(mut command: clap::Command) -> clap::Command {
    let names: Vec<String> = command
        .get_subcommands()
        .map(|sub| sub.get_name().to_owned())
        .collect();
    for name in names {
        command = command.mut_subcommand(name, |sub| with_layers(Layers::augment_args(sub)));
    }
    command
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;

    fn read(line: &str) -> Result<Cli, clap::Error> {
        Cli::try_read_from(line.split_whitespace())
    }

    #[test]
    fn the_definition_is_sound() {
        definition().debug_assert();
        let help = definition().render_help().to_string();
        let serve = help.lines().find(|line| line.trim().starts_with("serve "));
        let words = serve.unwrap_or_default().split_whitespace();
        assert!(
            words.eq(["serve", "Serve", "the", "hosted", "modules"]),
            "{help}"
        );
    }

    #[test]
    fn no_command_serves_everything() {
        let inputs = read("cleave").unwrap().inputs();
        assert_eq!((inputs.purpose, inputs.only), (Purpose::Serve, vec![]));
    }

    #[test]
    fn only_takes_a_list() {
        let inputs = read("cleave serve --only users,orders").unwrap().inputs();
        assert_eq!(inputs.only, [Module::Users, Module::Orders]);
        assert_eq!(read("cleave serve --only shop").unwrap_err().exit_code(), 2);
    }

    #[test]
    fn settings_may_stand_before_and_after_the_command() {
        let line = "cleave --set a=1 --config x.toml admin --set b=2 create --email a@example.org --set c=3,4";
        let cli = read(line).unwrap();
        assert_eq!(cli.layers.set, ["a=1", "b=2", "c=3,4"]);
        assert_eq!(cli.layers.config, Some("x.toml".into()));
        let cli = read("cleave --config x.toml config --json --config y.toml").unwrap();
        assert_eq!(cli.layers.config, Some("y.toml".into()));
    }

    #[test]
    fn every_command_of_the_contract_is_read() {
        for line in [
            "cleave migrate",
            "cleave migrate users orders --check --json",
            "cleave admin create --email a@example.org --password-stdin",
            "cleave demo --products 1 --users 2 --orders 3 --seed 4",
            "cleave import a.csv b.ndjson --json",
            "cleave export",
            "cleave export --format csv",
            "cleave export --format ndjson products.ndjson --json",
            "cleave dial",
            "cleave dial products --json",
            "cleave dial products shadow --percent 50 --url http://127.0.0.1:8101",
            "cleave dial products remote --force",
            "cleave events",
            "cleave events --json",
            "cleave events orders --json",
            "cleave events parked",
            "cleave events orders parked --limit 5 --cursor NQ --json",
            "cleave events orders replay 7 --json",
            "cleave events users replay --all",
            "cleave events replay --all",
            "cleave doctor --json",
            "cleave reconcile",
            "cleave reconcile --repair --json",
            "cleave healthcheck",
            "cleave personal-data --email a@example.org --json",
            "cleave personal-data --user 0198c5a0-0000-7000-8000-000000000000 --text a --text b",
            "cleave openapi",
            "cleave config --json",
        ] {
            read(line).unwrap();
        }
        for line in [
            "cleave import",
            "cleave export --format xml",
            "cleave export a b",
            "cleave admin create",
            "cleave admin create --email nope",
            "cleave dance",
            "cleave personal-data",
            "cleave personal-data --email",
            "cleave personal-data --text=",
            "cleave personal-data --user ada",
            "cleave migrate shop",
            "cleave dial shop",
            "cleave dial products away",
            "cleave dial products --percent 10",
            "cleave dial products --url http://127.0.0.1:8101",
            "cleave dial products canary --percent 101",
            "cleave dial products remote --percent 50",
            "cleave events shop",
            "cleave events orders replay",
            "cleave events orders replay x",
            "cleave events orders replay 7 --all",
            "cleave events replay 7",
            "cleave events parked --cursor NQ",
            "cleave events orders parked --limit 101",
        ] {
            assert_eq!(read(line).unwrap_err().exit_code(), 2, "{line}");
        }
    }

    #[test]
    fn a_command_asks_for_the_databases_it_works_on() {
        let purpose = |line| read(line).unwrap().inputs().purpose;
        assert_eq!(
            purpose("cleave migrate orders"),
            Purpose::Databases(vec![Module::Orders])
        );
        assert_eq!(purpose("cleave healthcheck"), Purpose::Ask);
        assert_eq!(purpose("cleave dial"), Purpose::Ask);
        assert_eq!(purpose("cleave config"), Purpose::Serve);
    }
}
