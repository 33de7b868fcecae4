//! The command line. Wrong usage exits with 2, which clap does by itself.

mod arguments;

use std::ffi::OsString;
use std::path::PathBuf;

use clap::error::ErrorKind;
use clap::{Args, CommandFactory, FromArgMatches, Parser, Subcommand};

use crate::settings::{Inputs, Module, Purpose};

pub use arguments::{
    Admin, Backup, Demo, Dial, Events, EventsAction, ExportFormat, Output, PersonalData, Restore,
};

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
    /// Write the database of a module to a file, while the shop sells
    Backup(Backup),
    /// Put what a backup holds in the place of all that the database of its module does, in one
    /// transaction, while the shop sells
    Restore(Restore),
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
            Command::Backup(Backup { module, .. }) | Command::Restore(Restore { module, .. }) => {
                Purpose::Databases(vec![*module])
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
mod tests;
