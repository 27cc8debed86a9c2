//! The table that is printed: a figure in a row, ours and Mosquitto's, their ratio, and the goal; below it what authorisation adds.

use crate::server::Both;

/// What a figure counts.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Unit {
    /// Messages in a second.
    Rate,
    /// Clients let in in a second.
    Logins,
    /// Seconds.
    Seconds,
    /// Bytes.
    Bytes,
}

/// What a figure must reach.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Goal {
    /// Mosquitto's figure times this, at least.
    RatioAtLeast(f64),
    /// Mosquitto's figure times this, at most.
    RatioAtMost(f64),
    /// This much at most, in the figure's unit.
    AtMost(f64),
    /// Nothing is asked; it is shown for who wonders.
    None,
}

/// What stands above the columns.
const FIGURES: [&str; 6] = ["figure", "BIG SKIES", "Mosquitto", "ratio", "goal", ""];
const AUTHORISATION: [&str; 6] = ["what authorisation adds", "secured", "open", "ratio", "added", ""];

/// The rows in the order in which they came.
#[derive(Debug, Default)]
pub(crate) struct Table {
    figures: Vec<[String; 6]>,
    authorisation: Vec<[String; 6]>,
}

impl Table {
    /// A figure of which each round has both brokers'.
    pub(crate) fn compare(&mut self, figure: &str, unit: Unit, goal: Goal, rounds: &[Both<f64>]) {
        let own = median(rounds.iter().map(|round| round.own));
        let other = median(rounds.iter().map(|round| round.other));
        let ratio = median(rounds.iter().map(|round| round.own / round.other));
        let (shown, shown_ratio) = (unit.show(other), format!("{ratio:.2}"));
        let verdict = goal.verdict(own, ratio);
        self.figures.push([figure.to_owned(), unit.show(own), shown, shown_ratio, goal.show(unit), verdict]);
    }

    /// A figure that only we have.
    pub(crate) fn alone(&mut self, figure: &str, unit: Unit, goal: Goal, rounds: &[f64]) {
        let own = median(rounds.iter().copied());
        let verdict = goal.verdict(own, f64::NAN);
        self.figures.push([figure.to_owned(), unit.show(own), String::new(), String::new(), goal.show(unit), verdict]);
    }

    /// A time of which each round has that with rights looked at, and that without.
    pub(crate) fn beside_open(&mut self, figure: &str, rounds: &[Both<f64>]) {
        let microseconds = |of: fn(&Both<f64>) -> f64| median(rounds.iter().map(of)) * 1e6;
        let (secured, open) = (microseconds(|round| round.own), microseconds(|round| round.other));
        let (secured, open) = (format!("{secured:.1} µs"), format!("{open:.1} µs"));
        let ratio = format!("{:.2}", median(rounds.iter().map(|round| round.own / round.other)));
        let added = format!("{:+.1} µs", microseconds(|round| round.own - round.other));
        self.authorisation.push([figure.to_owned(), secured, open, ratio, added, String::new()]);
    }

    /// The table as lines of text.
    pub(crate) fn render(&self) -> String {
        let parts = [(FIGURES, &self.figures), (AUTHORISATION, &self.authorisation)];
        let shown = parts.into_iter().filter(|(_, rows)| !rows.is_empty());
        shown.map(|(head, rows)| lines(head, rows)).collect::<Vec<_>>().join("\n")
    }
}

fn lines(head: [&str; 6], rows: &[[String; 6]]) -> String {
    let head = head.map(str::to_owned);
    let rows: Vec<&[String; 6]> = std::iter::once(&head).chain(rows).collect();
    let widths: Vec<usize> =
        (0..head.len()).map(|column| rows.iter().map(|row| row[column].chars().count()).max().unwrap_or(0)).collect();
    let mut text = String::new();
    for (number, row) in rows.iter().enumerate() {
        for (column, (cell, width)) in row.iter().zip(&widths).enumerate() {
            // Words to the left, figures to the right.
            text +=
                &if matches!(column, 0 | 4 | 5) { format!("{cell:<width$}  ") } else { format!("{cell:>width$}  ") };
        }
        text.truncate(text.trim_end().len());
        text.push('\n');
        if number == 0 {
            text += &"-".repeat(widths.iter().sum::<usize>() + 2 * (widths.len() - 1));
            text.push('\n');
        }
    }
    text
}

impl Unit {
    fn show(self, figure: f64) -> String {
        match self {
            Self::Rate => format!("{} msg/s", grouped(figure)),
            Self::Logins => format!("{}/s", grouped(figure)),
            Self::Seconds if figure < 0.01 => format!("{:.0} µs", figure * 1e6),
            Self::Seconds if figure < 0.1 => format!("{:.1} ms", figure * 1e3),
            Self::Seconds => format!("{figure:.2} s"),
            Self::Bytes => format!("{:.1} MB", figure / 1e6),
        }
    }
}

impl Goal {
    fn show(self, unit: Unit) -> String {
        match self {
            Self::RatioAtLeast(ratio) => format!("≥ {ratio:.2} ×"),
            Self::RatioAtMost(ratio) => format!("≤ {ratio:.2} ×"),
            Self::AtMost(figure) => format!("≤ {}", unit.show(figure)),
            Self::None => String::new(),
        }
    }

    fn verdict(self, own: f64, ratio: f64) -> String {
        let met = match self {
            Self::RatioAtLeast(least) => ratio >= least,
            Self::RatioAtMost(most) => ratio <= most,
            Self::AtMost(most) => own <= most,
            Self::None => return String::new(),
        };
        if met { "met" } else { "missed" }.to_owned()
    }
}

/// The middle one, or the mean of the two in the middle.
fn median(figures: impl Iterator<Item = f64>) -> f64 {
    let mut figures: Vec<f64> = figures.collect();
    figures.sort_by(f64::total_cmp);
    let middle = |at: usize| figures.get(at).copied().unwrap_or(f64::NAN);
    let half = figures.len() / 2;
    if figures.len().is_multiple_of(2) {
        f64::midpoint(middle(half.wrapping_sub(1)), middle(half))
    } else {
        middle(half)
    }
}

fn grouped(figure: f64) -> String {
    let digits = format!("{figure:.0}");
    let mut text = String::new();
    for (at, digit) in digits.chars().enumerate() {
        if at > 0 && (digits.len() - at).is_multiple_of(3) {
            text.push(',');
        }
        text.push(digit);
    }
    text
}
