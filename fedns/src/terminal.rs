//! The last line of a terminal: how far long runs have come stands there while log lines pass above it.

use std::collections::BTreeMap;
use std::io::{self, Stderr, Write};
use std::sync::{LazyLock, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use providers::sync::progress::Report;

/// Characters of a bar.
const BAR: usize = 20;
/// To the line's beginning, and nothing on it.
const CLEAR: &str = "\r\x1b[K";

/// A process has one stderr, and whoever writes there must know what stands on its last line.
static SCREEN: LazyLock<Mutex<Screen<Stderr>>> =
    LazyLock::new(|| Mutex::new(Screen::new(io::stderr())));

struct Screen<W> {
    out: W,
    /// Somebody looks at it, and no program reads it.
    has_bars: bool,
    /// The runs that go on.
    runs: BTreeMap<u64, Report>,
    next: u64,
}

/// One run on the last line, until this is dropped.
pub struct Bar {
    run: u64,
}

/// Writes whole lines of a log to stderr.
pub struct LogWriter;

/// From now on [`Bar::new`] gives bars.
pub fn allow_bars() {
    screen().has_bars = true;
}

/// `120 of 1000 names, 30 s left`
pub fn text(Report { done, total, left }: Report) -> String {
    let left = left.map(|left| format!(", {} s left", left.as_secs())).unwrap_or_default();
    format!("{done} of {total} names{left}")
}

/// `[#########-----------] 120 of 1000 names, 30 s left`, short enough for one line.
pub fn line(report: Report) -> String {
    let Report { done, total, .. } = report;
    let full = (BAR * done).checked_div(total).unwrap_or(BAR).min(BAR);
    format!("[{}{}] {}", "#".repeat(full), "-".repeat(BAR - full), text(report))
}

fn screen() -> MutexGuard<'static, Screen<Stderr>> {
    SCREEN.lock().unwrap_or_else(PoisonError::into_inner)
}

// === impl Bar ===

impl Bar {
    /// `None` where nobody looks.
    pub fn new() -> Option<Self> {
        let mut screen = screen();
        screen.next += 1;
        // Only where it is given: one that is dropped here would wait for this very lock.
        screen.has_bars.then(|| Self { run: screen.next })
    }

    /// `None`: the run is over.
    pub fn show(&self, report: Option<Report>) {
        // A closed stderr leaves nobody to tell.
        let _ = screen().show(self.run, report);
    }
}

impl Drop for Bar {
    fn drop(&mut self) {
        self.show(None);
    }
}

// === impl Screen ===

impl<W: Write> Screen<W> {
    fn new(out: W) -> Self {
        Self { out, has_bars: false, runs: BTreeMap::new(), next: 0 }
    }

    fn show(&mut self, run: u64, report: Option<Report>) -> io::Result<()> {
        let was_shown = match report {
            Some(report) => self.runs.insert(run, report),
            None => self.runs.remove(&run),
        };
        if report.or(was_shown).is_none() {
            return Ok(());
        }
        let whole = format!("{CLEAR}{}", self.last_line());
        self.out.write_all(whole.as_bytes())
    }

    fn log(&mut self, lines: &[u8]) -> io::Result<()> {
        if self.runs.is_empty() {
            return self.out.write_all(lines);
        }
        // In one piece, so that other writers do not come between.
        let whole = [CLEAR.as_bytes(), lines, self.last_line().as_bytes()].concat();
        self.out.write_all(&whole)
    }

    /// Several runs are shown as one, which ends with the last of them.
    fn last_line(&self) -> String {
        let together = |one: Report, other: Report| Report {
            done: one.done + other.done,
            total: one.total + other.total,
            left: one.left.zip(other.left).map(|(one, other): (Duration, Duration)| one.max(other)),
        };
        self.runs.values().copied().reduce(together).map(line).unwrap_or_default()
    }
}

// === impl LogWriter ===

impl Write for LogWriter {
    fn write(&mut self, lines: &[u8]) -> io::Result<usize> {
        screen().log(lines)?;
        Ok(lines.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        screen().out.flush()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn report(done: usize, total: usize, left: u64) -> Report {
        Report { done, total, left: Some(Duration::from_secs(left)) }
    }

    #[test]
    fn a_bar_fills_with_what_is_done() {
        assert_eq!(line(report(0, 10, 9)), "[--------------------] 0 of 10 names, 9 s left");
        assert_eq!(line(report(5, 10, 4)), "[##########----------] 5 of 10 names, 4 s left");
        let done = Report { done: 10, total: 10, left: None };
        assert_eq!(line(done), "[####################] 10 of 10 names");
        assert_eq!(
            line(Report { done: 0, total: 0, left: None }),
            "[####################] 0 of 0 names"
        );
    }

    /// What a screen holds after these bytes, line by line.
    fn seen(bytes: &[u8]) -> Vec<String> {
        let text = String::from_utf8(bytes.to_vec()).unwrap();
        let visible = |line: &str| line.rsplit(CLEAR).next().unwrap_or_default().to_owned();
        text.split('\n').map(visible).collect()
    }

    #[test]
    fn log_lines_pass_above_the_last_line_and_stay_whole() {
        let mut screen = Screen::new(Vec::new());
        screen.log(b"before\n").unwrap();
        screen.show(1, Some(report(5, 10, 4))).unwrap();
        screen.log(b"while\n").unwrap();
        screen.show(2, Some(report(0, 30, 8))).unwrap();
        let last = "[##------------------] 5 of 40 names, 8 s left";
        assert_eq!(seen(&screen.out), ["before", "while", last]);
        screen.show(1, None).unwrap();
        screen.log(b"later\n").unwrap();
        screen.show(2, None).unwrap();
        screen.log(b"after\n").unwrap();
        assert_eq!(seen(&screen.out), ["before", "while", "later", "after", ""]);
    }

    #[test]
    fn a_run_that_was_never_shown_ends_without_a_trace() {
        let mut screen = Screen::new(Vec::new());
        screen.show(1, None).unwrap();
        assert_eq!(screen.out, b"");
    }
}
