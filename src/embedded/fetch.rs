//! Where a Debian or an Ubuntu has no Postgres: its packages, fetched and unpacked beside the
//! cluster. Nothing is installed, so any user may do it; apt verifies what it fetches.

use std::env;
use std::fs::{self, File, OpenOptions};
use std::io::{self, Write};
use std::path::{Path, PathBuf};
use std::process::Command;

use super::command::limit_environment;
use super::files::Layout;
use super::names::Progress;

/// What apt itself reads.
const APT_VARIABLES: &[&str] = &[
    "APT_CONFIG",
    "http_proxy",
    "https_proxy",
    "ftp_proxy",
    "all_proxy",
    "no_proxy",
];

pub(super) fn is_possible() -> bool {
    let path = env::var_os("PATH").unwrap_or_default();
    let has = |program| env::split_paths(&path).any(|folder| folder.join(program).is_file());
    ["apt-get", "apt-cache", "dpkg-deb"].into_iter().all(has)
}

/// Unpacks the server into `dist/<major>`, or says why not.
pub(super) fn fetch(
    layout: &Layout,
    wanted: Option<u32>,
    progress: &Progress,
) -> Result<(), String> {
    let work = layout.folder().join("dist.init");
    let log = layout.folder().join("fetch.log");
    let fetched =
        Apt::new(work.clone(), &log).and_then(|apt| apt.fetch(&layout.dist(), wanted, progress));
    // Only a part of it can be left, and the next attempt begins by removing that.
    let _ = fs::remove_dir_all(&work);
    fetched.map_err(|e| format!("{e}; see {}", log.display()))
}

struct Apt {
    work: PathBuf,
    log: File,
}

impl Apt {
    fn new(work: PathBuf, log: &Path) -> io::Result<Self> {
        if work.exists() {
            fs::remove_dir_all(&work)?;
        }
        for folder in ["cache/archives/partial", "lists/partial", "packages"] {
            fs::create_dir_all(work.join(folder))?;
        }
        Ok(Self {
            work,
            log: OpenOptions::new().create(true).append(true).open(log)?,
        })
    }

    fn fetch(&self, dist: &Path, wanted: Option<u32>, progress: &Progress) -> io::Result<()> {
        progress.say(
            "PostgreSQL was not found; fetching its packages with apt-get, installing nothing",
        );
        // The system's lists of packages may be missing, as in most images, or out of date.
        let major = match self.download(&["-qq"], wanted, progress) {
            Ok(major) => major,
            Err(_) => {
                // What came of the outdated lists must not mix with what follows.
                fs::remove_dir_all(self.work.join("packages"))?;
                fs::create_dir(self.work.join("packages"))?;
                let lists = format!("Dir::State::Lists={}", self.work.join("lists").display());
                progress.say("Reading the lists of packages");
                self.run("apt-get", &["-qq", "-o", &lists, "update"])?;
                self.download(&["-qq", "-o", &lists], wanted, progress)?
            }
        };
        let root = self.work.join("root");
        for package in fs::read_dir(self.work.join("packages"))? {
            let package = package?.path();
            self.run(
                "dpkg-deb",
                &[
                    "-x",
                    &package.display().to_string(),
                    &root.display().to_string(),
                ],
            )?;
        }
        fs::create_dir_all(dist)?;
        let place = dist.join(major.to_string());
        if place.exists() {
            fs::remove_dir_all(&place)?;
        }
        fs::rename(root, place)
    }

    fn download(
        &self,
        options: &[&str],
        wanted: Option<u32>,
        progress: &Progress,
    ) -> io::Result<u32> {
        let major = match wanted {
            Some(major) => major,
            None => {
                let depends =
                    self.run("apt-cache", &[options, &["depends", "postgresql"]].concat())?;
                server_package(&depends)
                    .ok_or_else(|| io::Error::other("apt knows no PostgreSQL"))?
            }
        };
        let server = format!("postgresql-{major}");
        let ask = [
            "--simulate",
            "--reinstall",
            "--no-install-recommends",
            "install",
            &server,
        ];
        let packages = needed(&self.run("apt-get", &[options, &ask].concat())?, &server);
        progress.say(format!(
            "Fetching PostgreSQL {major}: {} packages",
            packages.len()
        ));
        let packages: Vec<&str> = packages.iter().map(String::as_str).collect();
        self.run("apt-get", &[options, &["download"], &packages].concat())?;
        Ok(major)
    }

    fn run(&self, program: &str, arguments: &[&str]) -> io::Result<String> {
        let mut command = Command::new(program);
        limit_environment(&mut command, APT_VARIABLES);
        if program != "dpkg-deb" {
            let cache = format!("Dir::Cache={}", self.work.join("cache").display());
            // Its sandbox user could not enter our folder.
            command.args(["-o", &cache, "-o", "APT::Sandbox::User=root"]);
            command.args([
                "-o",
                "Acquire::http::Timeout=20",
                "-o",
                "Acquire::Retries=1",
            ]);
        }
        command
            .args(arguments)
            .current_dir(self.work.join("packages"));
        let output = command.output()?;
        (&self.log).write_all(&[output.stdout.as_slice(), &output.stderr].concat())?;
        if output.status.success() {
            return Ok(String::from_utf8_lossy(&output.stdout).into_owned());
        }
        Err(io::Error::other(format!("{program} failed")))
    }
}

/// `  Depends: postgresql-15`
fn server_package(depends: &str) -> Option<u32> {
    depends.lines().find_map(|line| {
        line.trim()
            .strip_prefix("Depends: postgresql-")?
            .parse()
            .ok()
    })
}

/// Of `Inst name [installed] (version suite [architecture])`, the server and the libraries that it
/// is linked with. Compiling plans is switched off, so LLVM, the largest of them, can stay away.
fn needed(simulated: &str, server: &str) -> Vec<String> {
    let linked = |name: &str| {
        name.starts_with("lib") && !name.starts_with("libllvm") && !name.ends_with("-perl")
    };
    simulated
        .lines()
        .filter_map(|line| {
            let (name, rest) = line.strip_prefix("Inst ")?.split_once(' ')?;
            let version = rest.split_once('(')?.1.split(' ').next()?;
            (name == server || linked(name)).then(|| format!("{name}={version}"))
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn of_what_apt_would_install_only_the_server_and_its_libraries_are_fetched() {
        let simulated = "NOTE: This is only a simulation!\n\
            Inst libjson-perl (4.10000-1 Debian:12 [all])\n\
            Inst postgresql-common (248 Debian:12 [all])\n\
            Inst libllvm14 (1:14.0.6-12 Debian:12 [amd64])\n\
            Inst libpq5 [15.1-1] (15.18-0 Debian:12 [amd64])\n\
            Inst postgresql-15 (15.18-0 Debian:12 [amd64])\n\
            Conf libpq5 (15.18-0 Debian:12 [amd64])\n";
        assert_eq!(
            needed(simulated, "postgresql-15"),
            ["libpq5=15.18-0", "postgresql-15=15.18-0"]
        );
        assert_eq!(
            server_package("postgresql\n  Depends: postgresql-15\n  Suggests: x\n"),
            Some(15)
        );
    }
}
