//! Why a text is not elements, and where: the errors of the readers, and of the writers where a form cannot hold a value.

use std::fmt;

use super::NoradId;

/// What is wrong with a text, and where.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{at}: {problem}")]
pub struct Misread {
    /// Where in the text.
    pub at: Position,
    /// What is wrong there.
    pub problem: Problem,
}

/// A place in a text.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct Position {
    /// From 1.
    pub line: usize,
    /// In characters, from 1.
    pub column: usize,
}

impl fmt::Display for Position {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "line {}, column {}", self.line, self.column)
    }
}

/// What is wrong.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum Problem {
    /// None of the forms.
    #[error("neither a TLE nor an OMM: give two-line elements, or an OMM as JSON, XML, KVN or CSV")]
    UnknownForm,
    /// Nothing to read.
    #[error("no element sets: give two-line elements, or an OMM as JSON, XML, KVN or CSV")]
    Empty,
    /// A name or one line of a pair stands alone.
    #[error("{found} without {missing}: each set is an optional name, then line 1, then line 2")]
    Alone {
        /// What is there.
        found: &'static str,
        /// What should be beside it.
        missing: &'static str,
    },
    /// A line ends too early.
    #[error("the line ends after {length} of 69 characters: give the whole line, or count the blanks in it")]
    Short {
        /// Its characters.
        length: usize,
    },
    /// A character that no TLE has.
    #[error("{character:?} is no character of a TLE: only ASCII stands in its two lines")]
    Character {
        /// The character.
        character: char,
    },
    /// A checksum that does not fit.
    #[error(
        "checksum {found:?} where the line adds up to {expected}: fetch the set again, or read it with checksums ignored"
    )]
    Checksum {
        /// What stands in column 69.
        found: char,
        /// What should.
        expected: u32,
    },
    /// The two lines are of different objects.
    #[error("line 2 is of {second}, line 1 of {first}: put the two lines of one object together")]
    OtherObject {
        /// Of line 1.
        first: NoradId,
        /// Of line 2.
        second: NoradId,
    },
    /// A value that is not one.
    #[error("{field} {text:?}: {expected} is expected")]
    Value {
        /// Its name in the form.
        field: &'static str,
        /// What stands there, cut to 80 characters.
        text: String,
        /// What should.
        expected: &'static str,
    },
    /// A value that has a meaning which is not ours.
    #[error("{field} {text:?} is not supported: only {supported} is")]
    Unsupported {
        /// Its name in the form.
        field: &'static str,
        /// What stands there, cut to 80 characters.
        text: String,
        /// What is supported.
        supported: &'static str,
    },
    /// A value that must be there is not.
    #[error("{key} is missing: SGP4 needs it")]
    Missing {
        /// Its keyword.
        key: &'static str,
    },
    /// A value that is given twice.
    #[error("{key} is given twice: keep one")]
    Twice {
        /// Its keyword.
        key: &'static str,
    },
    /// The text breaks the rules of JSON, XML, KVN or CSV.
    #[error("{message}")]
    Syntax {
        /// What is wrong, and a way out.
        message: String,
    },
}

/// A value that the form cannot hold without loss.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("the {field} {value} of {norad} does not fit {form}: {way_out}")]
pub struct Misfit {
    /// The object.
    pub norad: NoradId,
    /// Of its elements.
    pub field: &'static str,
    /// What it is.
    pub value: String,
    /// Which form.
    pub form: &'static str,
    /// What to do.
    pub way_out: &'static str,
}

/// A problem at a byte of the text.
#[derive(Debug, Clone)]
pub(super) struct Fault {
    pub(super) at: usize,
    pub(super) problem: Problem,
}

impl Fault {
    pub(super) fn syntax(at: usize, message: impl Into<String>) -> Self {
        Self { at, problem: Problem::Syntax { message: message.into() } }
    }
}

/// Turns bytes of a text into lines and columns. It goes forward with the records, so that many errors cost one walk.
#[derive(Debug)]
pub(super) struct Ruler<'t> {
    text: &'t str,
    at: usize,
    position: Position,
}

impl<'t> Ruler<'t> {
    pub(super) fn new(text: &'t str) -> Self {
        Self { text, at: 0, position: Position { line: 1, column: 1 } }
    }

    pub(super) fn misread(&mut self, fault: Fault) -> Misread {
        Misread { at: self.position(fault.at), problem: fault.problem }
    }

    fn position(&mut self, byte: usize) -> Position {
        if byte < self.at {
            *self = Self::new(self.text);
        }
        let passed = self.text.get(self.at..).unwrap_or_default().char_indices();
        let mut position = self.position;
        for (_, letter) in passed.take_while(|(index, _)| self.at + index < byte) {
            position = match letter {
                '\n' => Position { line: position.line + 1, column: 1 },
                _ => Position { line: position.line, column: position.column + 1 },
            };
        }
        position
    }

    /// Everything before this byte is done with.
    pub(super) fn pass(&mut self, byte: usize) {
        if byte > self.at && self.text.is_char_boundary(byte) {
            self.position = self.position(byte);
            self.at = byte;
        }
    }
}

/// At most 80 characters of a text, for an error.
pub(super) fn cut(text: &str) -> String {
    text.chars().take(80).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn bytes_become_lines_and_columns() {
        let text = "é1\n2\r\nxyz";
        let mut ruler = Ruler::new(text);
        let mut check = |byte: usize, line: usize, column: usize| {
            assert_eq!(ruler.position(byte), Position { line, column }, "byte {byte}");
        };
        check(0, 1, 1);
        check(2, 1, 2);
        check(4, 2, 1);
        check(8, 3, 2);
        check(99, 3, 4);
        ruler.pass(7);
        assert_eq!(ruler.position(9), Position { line: 3, column: 3 });
        assert_eq!(ruler.position(2), Position { line: 1, column: 2 });
    }
}
