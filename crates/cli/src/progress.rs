//! A progress bar on a terminal, nothing in a pipe.

use indicatif::{ProgressBar, ProgressDrawTarget, ProgressStyle};

/// A bar that counts `bytes`.
pub(crate) fn bytes(what: &'static str, bytes: u64) -> ProgressBar {
    let bar = ProgressBar::with_draw_target(Some(bytes), ProgressDrawTarget::stderr());
    if let Ok(style) = ProgressStyle::with_template("{msg:<8} {bar:40} {bytes}/{total_bytes}, {eta} left") {
        bar.set_style(style);
    }
    bar.set_message(what);
    bar
}

/// A bar that counts `modules`. indicatif hides it where there is no terminal.
pub(crate) fn bar(modules: usize) -> ProgressBar {
    let bar = ProgressBar::with_draw_target(Some(modules as u64), ProgressDrawTarget::stderr());
    if let Ok(style) = ProgressStyle::with_template("{msg:<8} {bar:40} {pos}/{len} modules, {eta} left") {
        bar.set_style(style);
    }
    bar.set_message("merging");
    bar
}
