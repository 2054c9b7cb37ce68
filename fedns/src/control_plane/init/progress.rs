//! What is told on the way, in kubefed's words: a line for each step, with a dot for each look on a
//! terminal.

use std::io::{IsTerminal, Write};

pub struct Progress {
    is_terminal: bool,
    is_open: bool,
}

// === impl Progress ===

impl Progress {
    pub fn new() -> Self {
        Self { is_terminal: std::io::stdout().is_terminal(), is_open: false }
    }

    pub fn begin(&mut self, step: &str) {
        self.is_open = true;
        show(&format!("{step}..."));
    }

    /// Something was looked at, and is not there yet.
    pub fn tick(&mut self) {
        if self.is_terminal {
            show(".");
        }
    }

    pub fn done(&mut self) {
        self.is_open = false;
        show(" done\n");
    }

    /// Ends a line that a failed step left open.
    pub fn close(&mut self) {
        if std::mem::take(&mut self.is_open) {
            show("\n");
        }
    }
}

impl Drop for Progress {
    fn drop(&mut self) {
        self.close();
    }
}

impl Default for Progress {
    fn default() -> Self {
        Self::new()
    }
}

/// A closed stdout leaves nobody to tell, and the steps go on.
fn show(text: &str) {
    let mut out = std::io::stdout().lock();
    let _ = out.write_all(text.as_bytes()).and_then(|()| out.flush());
}
