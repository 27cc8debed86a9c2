//! A picture as SVG 1.1: text that scales, and that a person can read and change.

use std::fmt::Write as _;

use super::{Anchor, Colour, Mark, PAPER, Picture};

pub(super) fn written(picture: &Picture) -> String {
    let Picture { width, height, marks } = picture;
    let mut text = format!(
        "<svg xmlns=\"http://www.w3.org/2000/svg\" width=\"{width}\" height=\"{height}\" viewBox=\"0 0 {width} {height}\" \
         font-family=\"sans-serif\" font-size=\"13\" stroke-linejoin=\"round\" stroke-linecap=\"round\">\n\
         <rect width=\"{width}\" height=\"{height}\" fill=\"{}\"/>\n",
        hex(PAPER)
    );
    for mark in marks {
        text.push_str(&element(mark));
        text.push('\n');
    }
    text.push_str("</svg>\n");
    text
}

fn element(mark: &Mark) -> String {
    match mark {
        Mark::Line { points, width, colour } => {
            let mut list = String::new();
            for (x, y) in points {
                let _ = write!(list, "{x:.1},{y:.1} ");
            }
            let (points, colour) = (list.trim_end(), hex(*colour));
            format!("<polyline points=\"{points}\" fill=\"none\" stroke=\"{colour}\" stroke-width=\"{width}\"/>")
        }
        Mark::Circle { centre: (x, y), radius, colour } => {
            format!("<circle cx=\"{x:.1}\" cy=\"{y:.1}\" r=\"{radius:.1}\" fill=\"none\" stroke=\"{}\"/>", hex(*colour))
        }
        Mark::Dot { centre: (x, y), radius, colour } => {
            format!("<circle cx=\"{x:.1}\" cy=\"{y:.1}\" r=\"{radius:.1}\" fill=\"{}\"/>", hex(*colour))
        }
        Mark::Text { at: (x, y), text, anchor, colour } => {
            let anchor = match anchor {
                Anchor::Start => "start",
                Anchor::Middle => "middle",
                Anchor::End => "end",
            };
            let (colour, text) = (hex(*colour), escaped(text));
            format!("<text x=\"{x:.1}\" y=\"{y:.1}\" text-anchor=\"{anchor}\" fill=\"{colour}\">{text}</text>")
        }
    }
}

fn hex([red, green, blue]: Colour) -> String {
    format!("#{red:02x}{green:02x}{blue:02x}")
}

fn escaped(text: &str) -> String {
    text.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn marks_become_elements() {
        let mut picture = Picture::new(10, 20);
        picture.line(vec![(0.0, 0.5), (1.0, 2.0)], 1.5, [255, 0, 16]);
        picture.line(vec![(0.0, 0.5)], 1.5, [255, 0, 16]);
        picture.text((5.0, 6.0), "A<B & C", Anchor::Middle, [0, 0, 0]);
        let text = written(&picture);
        assert!(text.contains("width=\"10\" height=\"20\""), "{text}");
        assert!(
            text.contains(
                "<polyline points=\"0.0,0.5 1.0,2.0\" fill=\"none\" stroke=\"#ff0010\" stroke-width=\"1.5\"/>"
            ),
            "{text}"
        );
        assert!(text.contains("text-anchor=\"middle\" fill=\"#000000\">A&lt;B &amp; C</text>"), "{text}");
        assert_eq!(text.matches("<polyline").count(), 1);
    }
}
