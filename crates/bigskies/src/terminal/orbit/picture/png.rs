//! A picture as PNG. Words are set in a font of eight by eight pixels that is part of the program, since a machine may have none.

use font8x8::{BASIC_FONTS, LATIN_FONTS, UnicodeFonts as _};
use tiny_skia::{Color, FillRule, LineCap, LineJoin, Paint, Path, PathBuilder, Pixmap, Rect, Stroke, Transform};
use vocabulary::Fault;

use super::{Anchor, Colour, Mark, PAPER, Picture};

/// How many pixels a letter is wide.
const LETTER: f64 = 8.0;

pub(super) fn drawn(picture: &Picture) -> Result<Vec<u8>, Fault> {
    let no_room =
        || Fault::internal(format!("no picture of {} by {} pixels can be made", picture.width, picture.height));
    let mut canvas = Pixmap::new(picture.width, picture.height).ok_or_else(no_room)?;
    let [red, green, blue] = PAPER;
    canvas.fill(Color::from_rgba8(red, green, blue, 255));
    for mark in &picture.marks {
        draw(&mut canvas, mark);
    }
    canvas.encode_png().map_err(|error| Fault::internal(format!("the picture can't be written as PNG: {error}")))
}

fn draw(canvas: &mut Pixmap, mark: &Mark) {
    match mark {
        Mark::Line { points, width, colour } => stroke(canvas, line(points), *width, *colour),
        Mark::Circle { centre: (x, y), radius, colour } => {
            stroke(canvas, PathBuilder::from_circle(*x as f32, *y as f32, *radius as f32), 1.0, *colour);
        }
        Mark::Dot { centre: (x, y), radius, colour } => {
            fill(canvas, PathBuilder::from_circle(*x as f32, *y as f32, *radius as f32), *colour);
        }
        Mark::Text { at, text, anchor, colour } => fill(canvas, letters(*at, text, *anchor), *colour),
    }
}

fn paint([red, green, blue]: Colour) -> Paint<'static> {
    let mut paint = Paint::default();
    paint.set_color_rgba8(red, green, blue, 255);
    paint
}

/// What has no extent has no path, and is not drawn.
fn stroke(canvas: &mut Pixmap, path: Option<Path>, width: f64, colour: Colour) {
    let pen = Stroke { width: width as f32, line_cap: LineCap::Round, line_join: LineJoin::Round, ..Stroke::default() };
    if let Some(path) = path {
        canvas.stroke_path(&path, &paint(colour), &pen, Transform::identity(), None);
    }
}

fn fill(canvas: &mut Pixmap, path: Option<Path>, colour: Colour) {
    if let Some(path) = path {
        canvas.fill_path(&path, &paint(colour), FillRule::Winding, Transform::identity(), None);
    }
}

fn line(points: &[(f64, f64)]) -> Option<Path> {
    let mut path = PathBuilder::new();
    for (index, (x, y)) in points.iter().enumerate() {
        if index == 0 { path.move_to(*x as f32, *y as f32) } else { path.line_to(*x as f32, *y as f32) }
    }
    path.finish()
}

/// The pixels of all letters; one that the font does not have is a question mark.
fn letters(at: (f64, f64), text: &str, anchor: Anchor) -> Option<Path> {
    let width = text.chars().count() as f64 * LETTER;
    let left = match anchor {
        Anchor::Start => at.0,
        Anchor::Middle => at.0 - width / 2.0,
        Anchor::End => at.0 - width,
    };
    let mut path = PathBuilder::new();
    for (index, letter) in text.chars().enumerate() {
        let rows = BASIC_FONTS.get(letter).or_else(|| LATIN_FONTS.get(letter)).or_else(|| BASIC_FONTS.get('?'))?;
        let (x, y) = ((left + index as f64 * LETTER).round(), (at.1 - LETTER + 1.0).round());
        for (row, bits) in (0_u8..).zip(rows) {
            for column in (0_u8..8).filter(|column| bits & (1 << column) != 0) {
                let pixel = Rect::from_xywh((x + f64::from(column)) as f32, (y + f64::from(row)) as f32, 1.0, 1.0);
                if let Some(pixel) = pixel {
                    path.push_rect(pixel);
                }
            }
        }
    }
    path.finish()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_picture_is_drawn() {
        let mut picture = Picture::new(64, 48);
        picture.dot((20.0, 20.0), 5.0, [255, 0, 0]);
        picture.line(vec![(0.0, 40.0), (64.0, 40.0)], 2.0, [0, 0, 255]);
        picture.text((40.0, 20.0), "Aé☃", Anchor::Middle, [0, 0, 0]);
        picture.text((40.0, 20.0), "", Anchor::End, [0, 0, 0]);
        let drawn = Pixmap::decode_png(&drawn(&picture).unwrap()).unwrap();
        let colour = |x, y| drawn.pixel(x, y).map(|pixel| [pixel.red(), pixel.green(), pixel.blue()]).unwrap();
        assert_eq!((drawn.width(), drawn.height()), (64, 48));
        assert_eq!(colour(20, 20), [255, 0, 0]);
        assert_eq!(colour(30, 40), [0, 0, 255]);
        assert_eq!(colour(2, 2), [255, 255, 255]);
        assert!((28..52).any(|x| (12..22).any(|y| colour(x, y) == [0, 0, 0])));
    }
}
