//! Where a value came from, and what is wrong with it.

use std::fmt;
use std::path::PathBuf;

use super::module::Module;

/// The layer that decided a setting.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Source {
    /// `config/default.toml`, compiled in.
    Default,
    /// A line of the configuration file.
    File { path: PathBuf, line: usize },
    /// An environment variable.
    Environment(String),
    /// An option of the command line, such as `--set`.
    Option(&'static str),
    /// `serve --only` with these modules.
    Only(Vec<Module>),
    /// The program was built without the module, and nobody chose a mode for it.
    NotBuilt,
    /// The file that a `..._file` setting names.
    Content { of: PathBuf, named_by: Box<Source> },
    /// Another setting that stands in for this one.
    Inherited {
        from: &'static str,
        source: Box<Source>,
    },
    /// Made by an earlier start and kept in this file.
    Generated(PathBuf),
}

impl Source {
    /// Whether another setting was given, and not this one.
    pub fn is_inherited(&self) -> bool {
        matches!(self, Source::Inherited { .. })
    }
}

impl fmt::Display for Source {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Source::Default => f.write_str("default"),
            Source::File { path, line } => write!(f, "{}:{line}", path.display()),
            Source::Environment(name) => write!(f, "environment {name}"),
            Source::Option(option) => f.write_str(option),
            Source::Only(modules) => {
                let names: Vec<_> = modules.iter().map(|module| module.name()).collect();
                write!(f, "--only {}", names.join(","))
            }
            Source::NotBuilt => f.write_str("default, built without this module"),
            Source::Content { of, named_by } => write!(f, "{named_by}, {}", of.display()),
            Source::Inherited { from, source } => write!(f, "{from}, {source}"),
            Source::Generated(path) => write!(f, "generated, {}", path.display()),
        }
    }
}

/// One thing that stops the start. `Display` is one line that never shows a secret.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Problem {
    /// The setting, or the file or option that could not be read.
    pub subject: String,
    pub source: Option<Source>,
    pub message: String,
}

impl fmt::Display for Problem {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.source {
            Some(source) => write!(f, "{} ({source}): {}", self.subject, self.message),
            None => write!(f, "{}: {}", self.subject, self.message),
        }
    }
}

/// Everything that is wrong with the settings, one problem a line.
#[derive(Debug, Default)]
pub struct Problems(pub Vec<Problem>);

impl Problems {
    pub(super) fn add(&mut self, subject: &str, source: Option<&Source>, message: String) {
        self.0.push(Problem {
            subject: subject.to_owned(),
            source: source.cloned(),
            message,
        });
    }

    /// Rules look at values after the layers were read: one that already was reported has no
    /// value to judge.
    pub(super) fn add_rule(&mut self, subject: &str, source: Option<&Source>, message: String) {
        if !self.0.iter().any(|problem| problem.subject == subject) {
            self.add(subject, source, message);
        }
    }
}

impl fmt::Display for Problems {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (index, problem) in self.0.iter().enumerate() {
            if index > 0 {
                f.write_str("\n")?;
            }
            write!(f, "{problem}")?;
        }
        Ok(())
    }
}

impl std::error::Error for Problems {}
