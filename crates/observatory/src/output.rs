//! Where results go: standard output for results and nothing else, for a person or a program; standard error for what is told beside.

use std::{
    io::{self, IsTerminal as _, Write as _},
    process::ExitCode,
};

use comfy_table::{ContentArrangement, Table, presets};
use serde::Serialize;
use serde_json::json;

use crate::failure::{Failure, Reason};

/// Why a command ended early.
#[derive(Debug)]
pub enum Ending {
    /// Something is wrong.
    Failure(Failure),
    /// Nobody reads the output any more.
    PipeClosed,
}

impl<E: Into<Failure>> From<E> for Ending {
    fn from(error: E) -> Self {
        Self::Failure(error.into())
    }
}

/// For whom results are written.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Form {
    /// Tables and sentences.
    Person,
    /// One JSON object a line.
    Json,
}

/// Standard output.
#[derive(Debug)]
pub struct Output {
    form: Form,
}

impl Output {
    /// In this form.
    pub const fn new(form: Form) -> Self {
        Self { form }
    }

    /// For whom.
    pub const fn form(&self) -> Form {
        self.form
    }

    /// Shows a result: as one line of JSON to a program, in words to a person.
    ///
    /// # Errors
    /// Where it can't be written.
    pub fn show<T: Serialize>(&mut self, result: &T, words: impl FnOnce() -> String) -> Result<(), Ending> {
        let text = match self.form {
            Form::Json => serde_json::to_string(result).map_err(Failure::from)?,
            Form::Person => words(),
        };
        self.text(&text)
    }

    /// Writes a text, ended by a line break, at once.
    ///
    /// # Errors
    /// Where it can't be written.
    pub fn text(&mut self, text: &str) -> Result<(), Ending> {
        let mut out = io::stdout().lock();
        let end = if text.ends_with('\n') || text.is_empty() { "" } else { "\n" };
        match write!(out, "{text}{end}").and_then(|()| out.flush()) {
            Ok(()) => Ok(()),
            Err(error) if error.kind() == io::ErrorKind::BrokenPipe => Err(Ending::PipeClosed),
            Err(error) => {
                Err(Failure::new(Reason::Unavailable, format!("standard output can't be written: {error}")).into())
            }
        }
    }

    /// Tells why a command failed, and comes to its exit code.
    pub fn failed(&mut self, failure: &Failure) -> ExitCode {
        let code = failure.reason.exit_code();
        match self.form {
            Form::Json => {
                let error = json!({
                    "error": {
                        "reason": failure.reason.as_str(),
                        "message": failure.message,
                        "hint": failure.hint,
                        "exit_code": code,
                    }
                });
                let _nobody_listens = self.text(&error.to_string());
            }
            Form::Person => {
                remark(&format!("error: {}", failure.message));
                if !failure.hint.is_empty() {
                    remark(&format!("hint: {}", failure.hint));
                }
            }
        }
        ExitCode::from(code)
    }
}

/// Tells something beside the result, on standard error.
pub fn remark(text: &str) {
    // Who closed standard error does not want to be told.
    let _nobody_listens = writeln!(io::stderr().lock(), "{text}");
}

/// A table without lines.
pub fn table(headings: &[&str], rows: impl IntoIterator<Item = Vec<String>>) -> String {
    let mut table = Table::new();
    table.load_preset(presets::NOTHING);
    if io::stdout().is_terminal() {
        table.set_content_arrangement(ContentArrangement::Dynamic);
    } else {
        table.force_no_tty();
    }
    table.set_header(headings.iter().map(|heading| heading.to_uppercase()));
    for row in rows {
        table.add_row(row.into_iter().map(|text| harmless(&text)));
    }
    for column in table.column_iter_mut() {
        column.set_padding((0, 2));
    }
    table.trim_fmt()
}

/// What others wrote, without what could command a terminal.
pub fn harmless(text: &str) -> String {
    text.chars().map(|c| if c.is_control() && c != '\t' { '\u{fffd}' } else { c }).collect()
}

/// What is going on, told while it goes on: a moving line on a terminal, a line for each step elsewhere, nothing to programs.
#[derive(Debug)]
pub struct Steps {
    bar: Option<indicatif::ProgressBar>,
    form: Form,
}

impl Steps {
    /// For who reads in this form.
    pub fn new(form: Form) -> Self {
        let bar = (form == Form::Person && io::stderr().is_terminal()).then(|| {
            let bar = indicatif::ProgressBar::new_spinner();
            bar.enable_steady_tick(std::time::Duration::from_millis(100));
            bar
        });
        Self { bar, form }
    }

    /// Tells a step.
    pub fn tell(&self, step: &str) {
        match (&self.bar, self.form) {
            (Some(bar), _) => bar.set_message(harmless(step)),
            (None, Form::Person) => remark(&harmless(step)),
            (None, Form::Json) => {}
        }
    }
}

impl Drop for Steps {
    fn drop(&mut self) {
        if let Some(bar) = &self.bar {
            bar.finish_and_clear();
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn columns_stand_below_each_other() {
        let rows = [vec!["a".to_owned(), "b\u{1b}".to_owned()], vec!["longer".to_owned(), "c".to_owned()]];
        assert_eq!(table(&["one", "two"], rows), "ONE     TWO\na       b\u{fffd}\nlonger  c");
    }
}
