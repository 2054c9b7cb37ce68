//! The documents of a file, each read as whatever is asked for, and how readers' errors are told.

use serde::de::{DeserializeOwned, IgnoredAny};
use serde_saphyr::{SnippetMode, UserMessageFormatter};

use super::inspect::{Remark, Texts};
use super::tree::{Placeless, Tree};

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Format {
    Yaml,
    Json,
}

/// What is to be said of a place in a text; lines and columns count from 1.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Finding {
    pub(crate) line: u64,
    pub(crate) column: u64,
    pub(crate) message: String,
}

/// One document of a file.
#[derive(Clone, Copy)]
pub(super) struct Document<'a> {
    pub(super) format: Format,
    text: &'a str,
    /// Places in its tree are wanted.
    has_places: bool,
    /// How many lines of the file stand before it.
    pub(super) lines_before: u64,
}

/// Divides a file.
///
/// # Errors
///
/// The first thing that is no JSON. Whether a text is YAML shows when it is read.
pub(super) fn documents(format: Format, text: &str) -> Result<Vec<Document<'_>>, Finding> {
    match format {
        Format::Yaml => Ok(yaml_documents(text)),
        Format::Json => json_documents(text),
    }
}

// === impl Format, Document ===

impl Format {
    pub(super) fn texts(self) -> Texts {
        match self {
            Self::Yaml => Texts::FromAnyWord,
            Self::Json => Texts::InQuotes,
        }
    }
}

impl Document<'_> {
    pub(super) fn parse<T: DeserializeOwned>(&self) -> Result<T, Finding> {
        match self.format {
            Format::Yaml => self.parse_yaml(),
            Format::Json => serde_json::from_str(self.text)
                .map_err(|error| json_finding(&error, self.lines_before)),
        }
    }

    /// With places JSON as well is read as YAML, which holds it.
    pub(super) fn tree(&self) -> Result<Tree, Finding> {
        match self.has_places {
            true => self.parse_yaml(),
            false => self.parse::<Placeless>().map(Tree::from),
        }
    }

    /// The same, for one who first looks whether there is anything to tell.
    pub(super) fn without_places(self) -> Self {
        Self { has_places: false, ..self }
    }

    fn parse_yaml<T: DeserializeOwned>(&self) -> Result<T, Finding> {
        let options = serde_saphyr::options! { budget: None };
        serde_saphyr::from_str_with_options(self.text, options)
            .map_err(|error| yaml_finding(&error, self.lines_before))
    }

    pub(super) fn finding(&self, remark: Remark) -> Finding {
        let Remark { place: (line, column), message } = remark;
        Finding { line: line + self.lines_before, column, message }
    }
}

// === dividing ===

/// A line that begins with `---` always begins a document, and one with `...` ends it.
fn yaml_documents(text: &str) -> Vec<Document<'_>> {
    let is_marker = |line: &str, marker: &str| {
        let rest = line.strip_prefix(marker);
        rest.is_some_and(|rest| rest.is_empty() || rest.starts_with([' ', '\t', '\r', '\n']))
    };
    let mut documents = Vec::new();
    let (mut start, mut lines_before) = (0, 0);
    let (mut at, mut line_count) = (0, 0);
    let mut end_document = |start: usize, end: usize, lines_before: u64| {
        let text = &text[start..end];
        if has_content(text) {
            documents.push(Document { format: Format::Yaml, text, has_places: true, lines_before });
        }
    };
    for line in text.split_inclusive('\n') {
        let next = at + line.len();
        if is_marker(line, "---") {
            end_document(start, at, lines_before);
            (start, lines_before) = (at, line_count);
        } else if is_marker(line, "...") {
            end_document(start, at, lines_before);
            (start, lines_before) = (next, line_count + 1);
        }
        (at, line_count) = (next, line_count + 1);
    }
    end_document(start, text.len(), lines_before);
    documents
}

/// False where there are only comments, directives and a marker.
fn has_content(document: &str) -> bool {
    document.lines().map(|line| line.trim_start_matches('\u{feff}').trim()).any(|line| {
        let rest = line.strip_prefix("---").unwrap_or(line).trim_start();
        !(rest.is_empty() || rest.starts_with('#') || rest.starts_with('%'))
    })
}

/// One JSON value after another.
fn json_documents(text: &str) -> Result<Vec<Document<'_>>, Finding> {
    // Some editors begin a file so.
    let text = text.strip_prefix('\u{feff}').unwrap_or(text);
    let mut documents = Vec::new();
    let mut values = serde_json::Deserializer::from_str(text).into_iter::<IgnoredAny>();
    let mut start = 0;
    while let Some(value) = values.next() {
        value.map_err(|error| not_json(json_finding(&error, 0)))?;
        let end = values.byte_offset();
        let lines_before = text[..start].matches('\n').count() as u64;
        let text = &text[start..end];
        documents.push(Document { format: Format::Json, text, has_places: true, lines_before });
        start = end;
    }
    Ok(documents)
}

// === errors of readers ===

fn yaml_finding(error: &serde_saphyr::Error, lines_before: u64) -> Finding {
    let error = error.without_snippet();
    let (line, column) =
        error.location().map_or((1, 1), |location| (location.line(), location.column()));
    let options = serde_saphyr::render_options! {
        formatter: &UserMessageFormatter,
        snippets: SnippetMode::Off,
    };
    let rendered = error.render_with_options(options);
    let place = format!(" at line {line}, column {column}");
    let message = rendered.trim_end_matches(&place).lines().next().unwrap_or_default().to_owned();
    Finding { line: line + lines_before, column, message }
}

pub(super) fn not_yaml(finding: Finding) -> Finding {
    let Finding { message: found, .. } = &finding;
    let twice = found.strip_prefix("duplicate mapping key `").and_then(|rest| rest.split_once('`'));
    let message = match twice {
        Some((key, _)) => format!("{key}: found twice, wanted once; remove one of the two"),
        None => format!(
            "found {found}, wanted YAML; correct the bracket, quote, key or indentation there"
        ),
    };
    Finding { message, ..finding }
}

fn not_json(finding: Finding) -> Finding {
    const HINT: &str = "correct the bracket, quote or comma there";
    let Finding { message: found, .. } = finding;
    Finding { message: format!("found {found}, wanted JSON; {HINT}"), ..finding }
}

fn json_finding(error: &serde_json::Error, lines_before: u64) -> Finding {
    let (line, column) = (error.line() as u64, error.column() as u64);
    let rendered = error.to_string();
    let place = format!(" at line {line} column {column}");
    let message = rendered.trim_end_matches(&place).to_owned();
    Finding { line: line + lines_before, column, message }
}
