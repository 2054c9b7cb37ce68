//! What a measurement prints, and keeps under `bench/runs` when asked to.

use std::fmt::Write as _;
use std::fs;
use std::path::Path;

use crate::machine;

/// Lines are printed as they come, and collected.
pub struct Report {
    name: &'static str,
    text: String,
    save: bool,
}

impl Report {
    /// Prints the command, the commit and the machine.
    pub fn begin(name: &'static str, save: bool) -> Self {
        let mut report = Self { name, text: String::new(), save };
        report.line(&format!("{name}, {}", machine::now()));
        report.line(&format!("command  {}", command()));
        report.line(&format!("commit   {}", machine::commit()));
        report.line(&format!("machine  {}", machine::description()));
        report.line("");
        report
    }

    pub fn line(&mut self, line: &str) {
        println!("{line}");
        self.text.push_str(line);
        self.text.push('\n');
    }

    /// The first column is aligned left, the others right; the first row is the heading.
    pub fn table(&mut self, rows: &[Vec<String>]) {
        let columns = rows.iter().map(Vec::len).max().unwrap_or(0);
        let width = |column: usize| {
            rows.iter().filter_map(|row| row.get(column)).map(|it| it.chars().count()).max()
        };
        let widths: Vec<usize> = (0..columns).map(|column| width(column).unwrap_or(0)).collect();
        for row in rows {
            let mut line = String::new();
            for (column, (cell, width)) in row.iter().zip(&widths).enumerate() {
                let written = match column {
                    0 => write!(line, "{cell:width$}"),
                    _ => write!(line, "  {cell:>width$}"),
                };
                written.expect("a string takes everything");
            }
            self.line(line.trim_end());
        }
        self.line("");
    }

    /// Says whether a figure is within its target.
    pub fn target(&mut self, what: &str, figure: f64, most: f64, unit: &str) {
        let verdict = if figure <= most { "met" } else { "MISSED" };
        self.line(&format!(
            "target   {what}: at most {most} {unit}; {figure:.3} {unit}: {verdict}"
        ));
    }

    /// The same for a figure that shall not be lower.
    pub fn target_at_least(&mut self, what: &str, figure: f64, least: f64, unit: &str) {
        let verdict = if figure >= least { "met" } else { "MISSED" };
        self.line(&format!(
            "target   {what}: at least {least} {unit}; {figure:.3} {unit}: {verdict}"
        ));
    }

    pub fn end(self) {
        let Self { name, text, save } = self;
        if !save {
            return;
        }
        let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("runs");
        let file = folder.join(format!("{}-{name}.txt", machine::today()));
        fs::create_dir_all(&folder)
            .and_then(|()| fs::write(&file, text))
            .unwrap_or_else(|error| panic!("write {}: {error}", file.display()));
        println!("saved as {}", file.display());
    }
}

/// The words for a table's row.
pub fn row<C: ToString>(cells: impl IntoIterator<Item = C>) -> Vec<String> {
    cells.into_iter().map(|cell| cell.to_string()).collect()
}

fn command() -> String {
    let words: Vec<String> = std::env::args().skip(1).filter(|word| word != "--save").collect();
    format!("bench/run {}", words.join(" "))
}
