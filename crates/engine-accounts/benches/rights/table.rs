//! The table that is printed: a figure in a row, ours, the goal, and the peers' with their ratios.

/// What a figure counts.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Unit {
    /// Nanoseconds.
    Nanoseconds,
    /// So many in a second.
    Rate,
}

/// What a figure must reach.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Goal {
    /// This much at most, in the figure's unit.
    AtMost(f64),
    /// The peer takes this many times as long, at least.
    TimesAtLeast(f64),
    /// Nothing is asked; it is shown for who wonders.
    None,
}

/// The rows in the order in which they came.
#[derive(Debug, Default)]
pub(crate) struct Table(Vec<[String; 6]>);

impl Table {
    /// A figure of ours.
    pub(crate) fn alone(&mut self, figure: &str, unit: Unit, goal: Goal, own: f64) {
        self.0.push([
            figure.to_owned(),
            unit.show(own),
            String::new(),
            String::new(),
            goal.show(unit),
            goal.verdict(own, f64::NAN),
        ]);
    }

    /// A figure of which each round has ours and the peer's.
    pub(crate) fn compare(&mut self, figure: &str, unit: Unit, goal: Goal, rounds: &[(f64, f64)]) {
        let own = median(rounds.iter().map(|(own, _)| *own));
        let peer = median(rounds.iter().map(|(_, peer)| *peer));
        let ratio = median(rounds.iter().map(|(own, peer)| peer / own));
        let (shown, verdict) = (goal.show(unit), goal.verdict(own, ratio));
        self.0.push([figure.to_owned(), unit.show(own), unit.show(peer), format!("{ratio:.0}"), shown, verdict]);
    }

    /// The table as lines of text.
    pub(crate) fn render(&self) -> String {
        let head = ["figure", "BIG SKIES", "peer", "ratio", "goal", ""].map(str::to_owned);
        let rows: Vec<&[String; 6]> = std::iter::once(&head).chain(&self.0).collect();
        let widths: Vec<usize> =
            (0..6).map(|column| rows.iter().map(|row| row[column].chars().count()).max().unwrap_or(0)).collect();
        let mut text = String::new();
        for (number, row) in rows.iter().enumerate() {
            for (column, (cell, width)) in row.iter().zip(&widths).enumerate() {
                // Words to the left, figures to the right.
                let is_text = matches!(column, 0 | 4 | 5);
                text += &if is_text { format!("{cell:<width$}  ") } else { format!("{cell:>width$}  ") };
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
}

impl Unit {
    fn show(self, figure: f64) -> String {
        match self {
            Self::Nanoseconds if figure < 1e3 => format!("{figure:.1} ns"),
            Self::Nanoseconds if figure < 1e6 => format!("{:.2} µs", figure / 1e3),
            Self::Nanoseconds => format!("{:.2} ms", figure / 1e6),
            Self::Rate => format!("{figure:.1} /s"),
        }
    }
}

impl Goal {
    fn show(self, unit: Unit) -> String {
        match self {
            Self::AtMost(figure) => format!("≤ {}", unit.show(figure)),
            Self::TimesAtLeast(times) => format!("≥ {times:.0} ×"),
            Self::None => String::new(),
        }
    }

    fn verdict(self, own: f64, ratio: f64) -> String {
        let met = match self {
            Self::AtMost(most) => own <= most,
            Self::TimesAtLeast(least) => ratio >= least,
            Self::None => return String::new(),
        };
        if met { "met" } else { "missed" }.to_owned()
    }
}

/// The middle one.
pub(crate) fn median(figures: impl Iterator<Item = f64>) -> f64 {
    at(&mut figures.collect::<Vec<f64>>(), 0.5)
}

/// The one that so great a part of them does not exceed.
pub(crate) fn at(figures: &mut [f64], part: f64) -> f64 {
    figures.sort_by(f64::total_cmp);
    let place = (figures.len().saturating_sub(1)) as f64 * part;
    figures.get(place.round() as usize).copied().unwrap_or(f64::NAN)
}

/// How busy the machine is with others, which a reader of figures has to know.
pub(crate) fn surroundings() -> String {
    let load = std::fs::read_to_string("/proc/loadavg").unwrap_or_default();
    let cores = std::thread::available_parallelism().map_or(0, usize::from);
    format!("{cores} cores, load average {} at the end", load.split(' ').next().unwrap_or_default())
}
