//! Results row by row, as they are computed: an aligned table, CSV, or an array of JSON objects. A day of a whole catalogue has
//! millions of rows, so none is kept.

use std::io::{self, BufWriter, IsTerminal as _, StdoutLock, Write as _};

use indicatif::{ProgressBar, ProgressDrawTarget, ProgressStyle};
use serde::Serialize;

use crate::terminal::output::{Ending, Paint};

/// How rows are written.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum SheetForm {
    /// Columns below each other.
    Person(Paint),
    /// RFC 4180.
    Csv,
    /// One array of objects.
    Json,
}

/// A column of a table: its heading, and how wide it is; below zero its values stand at the left.
pub(crate) type Column = (&'static str, i16);

/// One result. As JSON it is what it serialises to.
pub(crate) trait Row: Serialize {
    /// The names in the first line of CSV.
    const NAMES: &'static [&'static str];
    /// The columns of the table.
    const COLUMNS: &'static [Column];

    /// The values of a line of CSV.
    fn values(&self) -> Vec<String>;
    /// The words of a line of the table.
    fn words(&self) -> Vec<String>;
}

/// Standard output, while rows come.
pub(crate) struct Sheet {
    form: SheetForm,
    out: BufWriter<StdoutLock<'static>>,
    rows: u64,
}

impl Sheet {
    /// Without rows.
    pub(crate) fn new(form: SheetForm) -> Self {
        Self { form, out: BufWriter::with_capacity(1 << 16, io::stdout().lock()), rows: 0 }
    }

    /// Writes a row.
    ///
    /// # Errors
    /// Where it can't be written.
    pub(crate) fn row<R: Row>(&mut self, row: &R) -> Result<(), Ending> {
        if self.rows == 0 {
            self.begin::<R>()?;
        }
        match self.form {
            SheetForm::Person(_) => writeln!(self.out, "{}", line(R::COLUMNS, &row.words()))?,
            SheetForm::Csv => writeln!(self.out, "{}", comma_separated(row.values()))?,
            SheetForm::Json => {
                self.out.write_all(if self.rows == 0 { b"\n" } else { b",\n" })?;
                serde_json::to_writer(&mut self.out, row).map_err(io::Error::from)?;
            }
        }
        self.rows += 1;
        Ok(())
    }

    /// Ends it.
    ///
    /// # Errors
    /// Where it can't be written.
    pub(crate) fn end<R: Row>(mut self, nothing: &str) -> Result<(), Ending> {
        if self.rows == 0 {
            match self.form {
                SheetForm::Person(_) => writeln!(self.out, "{nothing}")?,
                SheetForm::Csv | SheetForm::Json => self.begin::<R>()?,
            }
        }
        if self.form == SheetForm::Json {
            self.out.write_all(b"\n]\n")?;
        }
        Ok(self.out.flush()?)
    }

    fn begin<R: Row>(&mut self) -> Result<(), Ending> {
        match self.form {
            SheetForm::Person(paint) => {
                let headings: Vec<String> = R::COLUMNS.iter().map(|(heading, _)| heading.to_uppercase()).collect();
                writeln!(self.out, "{}", paint.heading(&line(R::COLUMNS, &headings)))?;
            }
            SheetForm::Csv => writeln!(self.out, "{}", R::NAMES.join(","))?,
            SheetForm::Json => self.out.write_all(b"[")?,
        }
        Ok(())
    }

    /// A bar on standard error for so much work; none where nobody looks, or where rows run over the same screen.
    pub(crate) fn bar(length: u64) -> ProgressBar {
        let bar = ProgressBar::new(length);
        if !io::stderr().is_terminal() || io::stdout().is_terminal() {
            bar.set_draw_target(ProgressDrawTarget::hidden());
        }
        if let Ok(style) = ProgressStyle::with_template("{bar:40} {percent:>3} %, {eta} left") {
            bar.set_style(style);
        }
        bar
    }
}

fn line(columns: &[Column], words: &[String]) -> String {
    let cell = |(column, word): (&Column, &String)| {
        let width = usize::from(column.1.unsigned_abs());
        if column.1 < 0 { format!("{word:<width$}") } else { format!("{word:>width$}") }
    };
    columns.iter().zip(words).map(cell).collect::<Vec<_>>().join("  ").trim_end().to_owned()
}

fn comma_separated(values: Vec<String>) -> String {
    let quoted = |value: String| {
        let plain = !value.contains([',', '"', '\n', '\r']);
        if plain { value } else { format!("\"{}\"", value.replace('"', "\"\"")) }
    };
    values.into_iter().map(quoted).collect::<Vec<_>>().join(",")
}

/// A number for CSV, with all its digits; nothing where there is none.
pub(crate) fn number(value: Option<f64>) -> String {
    value.map(|value| value.to_string()).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lines_of_a_table() {
        let columns: &[Column] = &[("name", -6), ("km", 8)];
        assert_eq!(line(columns, &["a".to_owned(), "1.5".to_owned()]), "a            1.5");
        assert_eq!(line(columns, &["wider than that".to_owned(), String::new()]), "wider than that");
    }

    #[test]
    fn lines_of_csv() {
        let values = ["a", "b,c", "d\"e"].map(str::to_owned).to_vec();
        assert_eq!(comma_separated(values), "a,\"b,c\",\"d\"\"e\"");
    }
}
