//! Pictures of orbits: lines, dots and words on a plane, written as SVG or drawn as PNG.

pub(crate) mod ground;
mod png;
pub(crate) mod sky;
mod svg;

use std::path::{Path, PathBuf};

use vocabulary::{Fault, Timestamp};

/// Red, green and blue.
pub(crate) type Colour = [u8; 3];

pub(crate) const PAPER: Colour = [255, 255, 255];
pub(crate) const INK: Colour = [40, 44, 52];
pub(crate) const FAINT: Colour = [205, 210, 216];
pub(crate) const LAND: Colour = [140, 148, 158];

/// Colours for one satellite after the other, told apart by most eyes (Okabe and Ito 2008, without black and yellow).
const COLOURS: [Colour; 6] =
    [[0, 114, 178], [213, 94, 0], [0, 158, 115], [204, 121, 167], [230, 159, 0], [86, 180, 233]];

/// The colour of so-many-th satellite.
pub(crate) fn colour(index: usize) -> Colour {
    COLOURS.get(index % COLOURS.len()).copied().unwrap_or(INK)
}

/// A picture in pixels, x to the right and y down.
#[derive(Debug, Default)]
pub(crate) struct Picture {
    width: u32,
    height: u32,
    marks: Vec<Mark>,
}

/// Something in a picture.
#[derive(Debug)]
enum Mark {
    Line { points: Vec<(f64, f64)>, width: f64, colour: Colour },
    Circle { centre: (f64, f64), radius: f64, colour: Colour },
    Dot { centre: (f64, f64), radius: f64, colour: Colour },
    Text { at: (f64, f64), text: String, anchor: Anchor, colour: Colour },
}

/// Where a text stands to its point; always on it as on a base line.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Anchor {
    Start,
    Middle,
    End,
}

impl Picture {
    pub(crate) fn new(width: u32, height: u32) -> Self {
        Self { width, height, marks: Vec::new() }
    }

    pub(crate) fn line(&mut self, points: Vec<(f64, f64)>, width: f64, colour: Colour) {
        if points.len() > 1 {
            self.marks.push(Mark::Line { points, width, colour });
        }
    }

    pub(crate) fn circle(&mut self, centre: (f64, f64), radius: f64, colour: Colour) {
        self.marks.push(Mark::Circle { centre, radius, colour });
    }

    pub(crate) fn dot(&mut self, centre: (f64, f64), radius: f64, colour: Colour) {
        self.marks.push(Mark::Dot { centre, radius, colour });
    }

    pub(crate) fn text(&mut self, at: (f64, f64), text: impl Into<String>, anchor: Anchor, colour: Colour) {
        self.marks.push(Mark::Text { at, text: text.into(), anchor, colour });
    }

    /// Writes it in the form that the file's ending names.
    ///
    /// # Errors
    /// `unavailable` where the file can't be written.
    pub(crate) fn write(&self, path: &Path) -> Result<(), Fault> {
        let bytes = if is(path, "png") { png::drawn(self)? } else { svg::written(self).into_bytes() };
        std::fs::write(path, bytes).map_err(|error| {
            Fault::unavailable(format!("{} can't be written: {error}", path.display()))
                .hint("see to the folder and the disk")
        })
    }
}

/// A file for a picture, by its ending.
pub(crate) fn file(text: &str) -> Result<PathBuf, String> {
    let path = PathBuf::from(text);
    if is(&path, "svg") || is(&path, "png") {
        return Ok(path);
    }
    Err("a file name that ends in .svg or .png is expected".to_owned())
}

fn is(path: &Path, ending: &str) -> bool {
    path.extension().is_some_and(|found| found.eq_ignore_ascii_case(ending))
}

/// `2026-11-21 20:15:07`, to the second below.
pub(crate) fn date_and_time(when: Timestamp) -> String {
    when.to_string().chars().take(19).collect::<String>().replacen('T', " ", 1)
}

/// `20:15:07`.
pub(crate) fn time(when: Timestamp) -> String {
    when.to_string().chars().skip(11).take(8).collect()
}
