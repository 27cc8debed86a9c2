//! Tables without lines, as wide as the terminal; and columns that say what a value is.

use comfy_table::{Cell, Color, ContentArrangement, Table, presets};

use crate::terminal::output::{Paint, harmless};

/// What a text says of what it names.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Tone {
    Plain,
    Good,
    Doubtful,
    Bad,
    Name,
}

/// A text that may have a colour, which takes no room in a table.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Shown {
    text: String,
    tone: Tone,
}

impl Shown {
    /// Of what is well.
    pub(crate) fn good(text: impl Into<String>) -> Self {
        Self { text: text.into(), tone: Tone::Good }
    }

    /// Of what needs attention.
    pub(crate) fn doubtful(text: impl Into<String>) -> Self {
        Self { text: text.into(), tone: Tone::Doubtful }
    }

    /// Of what is wrong.
    pub(crate) fn bad(text: impl Into<String>) -> Self {
        Self { text: text.into(), tone: Tone::Bad }
    }

    /// Of what names something.
    pub(crate) fn name(text: impl Into<String>) -> Self {
        Self { text: text.into(), tone: Tone::Name }
    }

    /// The text alone.
    pub(crate) fn text(&self) -> &str {
        &self.text
    }

    /// The text in its colour.
    pub(crate) fn painted(&self, paint: Paint) -> String {
        match self.tone {
            Tone::Plain => self.text.clone(),
            Tone::Good => paint.good(&self.text),
            Tone::Doubtful => paint.doubtful(&self.text),
            Tone::Bad => paint.bad(&self.text),
            Tone::Name => paint.name(&self.text),
        }
    }

    fn cell(self) -> Cell {
        let cell = Cell::new(self.text);
        match self.tone {
            Tone::Plain => cell,
            Tone::Good => cell.fg(Color::DarkGreen),
            Tone::Doubtful => cell.fg(Color::DarkYellow),
            Tone::Bad => cell.fg(Color::DarkRed),
            Tone::Name => cell.fg(Color::DarkCyan),
        }
    }
}

impl<T: Into<String>> From<T> for Shown {
    fn from(text: T) -> Self {
        Self { text: text.into(), tone: Tone::Plain }
    }
}

/// A table, a row below the other.
pub(crate) fn table(paint: Paint, headings: &[&str], rows: impl IntoIterator<Item = Vec<Shown>>) -> String {
    let mut table = Table::new();
    table.load_preset(presets::NOTHING);
    match paint {
        Paint::Coloured => table.set_content_arrangement(ContentArrangement::Dynamic),
        Paint::Plain => table.force_no_tty(),
    };
    table.set_header(headings.iter().map(|heading| Cell::new(heading.to_uppercase())));
    for row in rows {
        table.add_row(row.into_iter().map(Shown::cell));
    }
    for column in table.column_iter_mut() {
        column.set_padding((0, 2));
    }
    table.trim_fmt()
}

/// Pairs of a word and what it is, below each other.
pub(crate) fn pairs(paint: Paint, pairs: &[(&str, String)]) -> String {
    let widest = pairs.iter().map(|(word, _)| word.chars().count()).max().unwrap_or_default();
    let line = |(word, value): &(&str, String)| {
        let word = paint.faint(&format!("{word:<widest$}"));
        format!("{word}  {value}").trim_end().to_owned()
    };
    pairs.iter().map(line).collect::<Vec<_>>().join("\n")
}

/// What others called something, marked where it is simulated.
pub(crate) fn marked(name: &str, simulated: bool) -> String {
    let name = harmless(name);
    if simulated { format!("{name} (simulated)") } else { name }
}

/// A number of seconds as a person says it.
pub(crate) fn duration(seconds: u64) -> String {
    match seconds {
        0..=119 => format!("{seconds} s"),
        120..=7_199 => format!("{} min", seconds / 60),
        7_200..=172_799 => format!("{} h", seconds / 3_600),
        _ => format!("{} days", seconds / 86_400),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn columns_stand_below_each_other() {
        let rows = [vec!["Main".into(), Shown::good("a")], vec!["x".into(), "".into()]];
        assert_eq!(table(Paint::Plain, &["name", "id"], rows), "NAME  ID\nMain  a\nx");
    }

    #[test]
    fn words_and_what_they_are() {
        let shown = pairs(Paint::Plain, &[("name", "Main".to_owned()), ("declination", "-5d".to_owned())]);
        assert_eq!(shown, "name         Main\ndeclination  -5d");
    }

    #[test]
    fn simulated_things_are_marked() {
        assert_eq!(marked("Main", true), "Main (simulated)");
        assert_eq!(marked("Main\n", false), "Main\u{fffd}");
    }

    #[test]
    fn durations_as_people_say_them() {
        for (seconds, words) in
            [(0, "0 s"), (119, "119 s"), (120, "2 min"), (7_200, "2 h"), (172_800, "2 days"), (8_640_000, "100 days")]
        {
            assert_eq!(duration(seconds), words);
        }
    }
}
