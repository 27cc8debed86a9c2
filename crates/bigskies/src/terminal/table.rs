//! Tables without lines, as wide as the terminal; and columns that say what a value is.

use comfy_table::{Cell, ContentArrangement, Table, presets};

use crate::terminal::output::{Paint, harmless};

/// A table of texts. A cell with colours is one that [`Paint`] made.
pub(crate) fn table(paint: Paint, headings: &[&str], rows: impl IntoIterator<Item = Vec<String>>) -> String {
    let mut table = Table::new();
    table.load_preset(presets::NOTHING);
    match paint {
        Paint::Coloured => table.set_content_arrangement(ContentArrangement::Dynamic),
        Paint::Plain => table.force_no_tty(),
    };
    table.set_header(headings.iter().map(|heading| Cell::new(heading.to_uppercase())));
    for row in rows {
        table.add_row(row);
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
        let rows = [vec!["Main".to_owned(), "a".to_owned()], vec!["x".to_owned(), String::new()]];
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
