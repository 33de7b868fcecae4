//! Progress bars on standard error, where a person waits; nothing where nobody looks.

use std::borrow::Cow;

use indicatif::{ProgressBar, ProgressStyle};

/// Counts things up to `total`.
pub fn counter(what: impl Into<Cow<'static, str>>, total: u64) -> ProgressBar {
    styled(
        total,
        what,
        "{msg:<22} [{bar:30}] {human_pos}/{human_len} ({per_sec}, {eta})",
    )
}

/// Counts bytes up to `total`.
pub fn bytes(what: impl Into<Cow<'static, str>>, total: u64) -> ProgressBar {
    styled(
        total,
        what,
        "{msg:<22} [{bar:30}] {bytes}/{total_bytes} ({bytes_per_sec}, {eta})",
    )
}

fn styled(total: u64, what: impl Into<Cow<'static, str>>, template: &str) -> ProgressBar {
    // The templates are this file's own; one that is wrong falls back to the plain bar.
    let style = ProgressStyle::with_template(template)
        .unwrap_or_else(|_| ProgressStyle::default_bar())
        .progress_chars("=> ");
    ProgressBar::new(total).with_style(style).with_message(what)
}
