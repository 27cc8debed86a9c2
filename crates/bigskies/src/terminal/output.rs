//! Standard output of a command: its result and nothing else, for a person or for a program.

use std::io::{self, Write as _};

use clap::builder::styling::{AnsiColor, Style};
use serde::Serialize;
use vocabulary::Fault;

/// Why a command ended early.
#[derive(Debug)]
pub(crate) enum Ending {
    /// Something is wrong.
    Fault(Fault),
    /// Nobody reads the output any more.
    PipeClosed,
}

impl From<Fault> for Ending {
    fn from(fault: Fault) -> Self {
        Self::Fault(fault)
    }
}

impl From<io::Error> for Ending {
    fn from(error: io::Error) -> Self {
        if error.kind() == io::ErrorKind::BrokenPipe {
            return Self::PipeClosed;
        }
        Fault::unavailable(format!("standard output can't be written: {error}"))
            .hint("see to the disk or the pipe behind it")
            .into()
    }
}

impl From<serde_json::Error> for Ending {
    fn from(error: serde_json::Error) -> Self {
        Fault::internal(format!("result can't be written as JSON: {error}")).into()
    }
}

/// For whom results are written.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Form {
    /// Tables and sentences.
    Person,
    /// One JSON object a line.
    Json,
}

/// Whether words may have colours.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Paint {
    /// On a terminal.
    Coloured,
    /// In files, pipes and tests, and where `NO_COLOR` is set.
    Plain,
}

impl Paint {
    /// What is well.
    pub(crate) fn good(self, text: &str) -> String {
        self.with(AnsiColor::Green.on_default(), text)
    }

    /// What needs attention.
    pub(crate) fn doubtful(self, text: &str) -> String {
        self.with(AnsiColor::Yellow.on_default(), text)
    }

    /// What is wrong.
    pub(crate) fn bad(self, text: &str) -> String {
        self.with(AnsiColor::Red.on_default(), text)
    }

    /// What names something.
    pub(crate) fn name(self, text: &str) -> String {
        self.with(AnsiColor::Cyan.on_default(), text)
    }

    /// What is there for who looks closer.
    pub(crate) fn faint(self, text: &str) -> String {
        self.with(Style::new().dimmed(), text)
    }

    /// What stands above.
    pub(crate) fn heading(self, text: &str) -> String {
        self.with(Style::new().bold(), text)
    }

    fn with(self, style: Style, text: &str) -> String {
        match self {
            Self::Coloured => format!("{style}{text}{style:#}"),
            Self::Plain => text.to_owned(),
        }
    }
}

/// Where results go.
#[derive(Debug)]
pub(crate) struct Output {
    form: Form,
    paint: Paint,
}

impl Output {
    /// Standard output in this form.
    pub(crate) fn new(form: Form) -> Self {
        let is_plain = form == Form::Json || std::env::var_os("NO_COLOR").is_some_and(|value| !value.is_empty());
        let paint = if !is_plain && is_terminal() { Paint::Coloured } else { Paint::Plain };
        Self { form, paint }
    }

    /// For whom it is.
    pub(crate) const fn form(&self) -> Form {
        self.form
    }

    /// Whether words may have colours.
    pub(crate) const fn paint(&self) -> Paint {
        self.paint
    }

    /// Shows a result: as one line of JSON to a program, in words to a person.
    ///
    /// # Errors
    /// Where it can't be written.
    pub(crate) fn show<T: Serialize>(&mut self, result: &T, words: impl FnOnce(Paint) -> String) -> Result<(), Ending> {
        match self.form {
            Form::Json => self.text(&serde_json::to_string(result)?),
            Form::Person => self.text(&words(self.paint)),
        }
    }

    /// Shows what is not shown again: to a program within the result, to a person alone, with a sentence about it on standard error.
    ///
    /// # Errors
    /// Where it can't be written.
    pub(crate) fn show_secret<T: Serialize>(&mut self, result: &T, sentence: &str, secret: &str) -> Result<(), Ending> {
        if self.form == Form::Person {
            remark(sentence);
        }
        self.show(result, |_| secret.to_owned())
    }

    /// Writes a text, ended by a line break, at once.
    ///
    /// # Errors
    /// Where it can't be written.
    pub(crate) fn text(&mut self, text: &str) -> Result<(), Ending> {
        let mut out = io::stdout().lock();
        out.write_all(text.as_bytes())?;
        if !text.ends_with('\n') {
            out.write_all(b"\n")?;
        }
        Ok(out.flush()?)
    }
}

/// Whether a person reads the results as they come.
pub(crate) fn is_terminal() -> bool {
    io::IsTerminal::is_terminal(&io::stdout())
}

/// Tells something beside the result, on standard error.
pub(crate) fn remark(text: &str) {
    // Who closed standard error does not want to be told.
    let _ = writeln!(io::stderr().lock(), "{text}");
}

/// What others wrote, without what could command a terminal or break a line.
pub(crate) fn harmless(text: &str) -> String {
    text.chars().map(|c| if c.is_control() { '\u{fffd}' } else { c }).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_others_write_commands_nothing() {
        for (text, shown) in [
            ("North dome", "North dome"),
            ("a\u{1b}[2Jb", "a\u{fffd}[2Jb"),
            ("two\nlines", "two\u{fffd}lines"),
            ("\u{9b}2J", "\u{fffd}2J"),
            ("Größe", "Größe"),
        ] {
            assert_eq!(harmless(text), shown);
        }
    }

    #[test]
    fn colours_are_for_terminals() {
        assert_eq!(Paint::Plain.bad("no"), "no");
        assert_eq!(Paint::Coloured.bad("no"), "\u{1b}[31mno\u{1b}[0m");
    }

    #[test]
    fn a_closed_pipe_is_no_fault() {
        assert!(matches!(Ending::from(io::Error::from(io::ErrorKind::BrokenPipe)), Ending::PipeClosed));
        assert!(matches!(Ending::from(io::Error::from(io::ErrorKind::StorageFull)), Ending::Fault(_)));
    }
}
