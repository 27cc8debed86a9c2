//! A Rust file taken apart just far enough for rules: what is code, what is comment, which strings it spells, which lines are tests.
//!
//! It is a scanner and not a parser: rules that need to know types belong into clippy, and rules that need only words stay fast
//! and never fail to read a file that is being written.

/// A string literal and the line that it begins on.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Literal {
    pub(crate) line: usize,
    pub(crate) value: String,
}

/// A Rust file, taken apart. `code` and `comments` have the lines of the original, with all else as spaces.
#[derive(Debug, Clone, Default)]
pub(crate) struct Source {
    pub(crate) code: String,
    pub(crate) comments: String,
    pub(crate) literals: Vec<Literal>,
    test_lines: Vec<bool>,
}

impl Source {
    pub(crate) fn of(text: &str) -> Self {
        let mut scanner = Scanner { letters: text.chars().collect(), at: 0, line: 1, source: Self::default() };
        while scanner.at < scanner.letters.len() {
            scanner.next();
        }
        let mut source = scanner.source;
        source.test_lines = test_lines(&source.code);
        source
    }

    /// Whether a line, counted from 1, is inside an item for tests only.
    pub(crate) fn is_test(&self, line: usize) -> bool {
        line.checked_sub(1).and_then(|index| self.test_lines.get(index)).copied().unwrap_or(false)
    }
}

struct Scanner {
    letters: Vec<char>,
    at: usize,
    line: usize,
    source: Source,
}

/// Where a letter goes.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Part {
    Code,
    Comment,
    Literal,
}

impl Scanner {
    fn next(&mut self) {
        let previous_is_word = self.at.checked_sub(1).is_some_and(|before| is_word(self.letters[before]));
        match (self.peek(0), self.peek(1)) {
            ('/', '/') => self.line_comment(),
            ('/', '*') => self.block_comment(),
            ('"', _) => self.string(),
            ('r', '"' | '#') if !previous_is_word && self.raw_fences(1).is_some() => self.raw_string(1),
            ('b' | 'c', 'r') if !previous_is_word && self.raw_fences(2).is_some() => self.raw_string(2),
            ('\'', _) => self.quote(),
            _ => self.take(Part::Code),
        }
    }

    fn peek(&self, ahead: usize) -> char {
        self.letters.get(self.at + ahead).copied().unwrap_or('\0')
    }

    fn take(&mut self, part: Part) {
        let Some(&letter) = self.letters.get(self.at) else { return };
        self.at += 1;
        let (code, comment) = match (letter, part) {
            ('\n', _) => ('\n', '\n'),
            (_, Part::Code) => (letter, ' '),
            (_, Part::Comment) => (' ', letter),
            (_, Part::Literal) => (' ', ' '),
        };
        self.line += usize::from(letter == '\n');
        self.source.code.push(code);
        self.source.comments.push(comment);
    }

    fn line_comment(&mut self) {
        while self.at < self.letters.len() && self.peek(0) != '\n' {
            self.take(Part::Comment);
        }
    }

    fn block_comment(&mut self) {
        let mut depth = 0_usize;
        while self.at < self.letters.len() {
            let step = match (self.peek(0), self.peek(1)) {
                ('/', '*') => 1,
                ('*', '/') => -1,
                _ => 0,
            };
            depth = depth.saturating_add_signed(step);
            self.take(Part::Comment);
            if step != 0 {
                self.take(Part::Comment);
            }
            if depth == 0 {
                return;
            }
        }
    }

    fn string(&mut self) {
        let line = self.line;
        self.take(Part::Code);
        let begin = self.at;
        while self.at < self.letters.len() && self.peek(0) != '"' {
            if self.peek(0) == '\\' {
                self.take(Part::Literal);
            }
            self.take(Part::Literal);
        }
        self.keep_literal(line, begin);
        self.take(Part::Code);
    }

    /// The number of `#` of a raw string that opens `ahead` letters on; none if it is something else, such as `r#type`.
    fn raw_fences(&self, ahead: usize) -> Option<usize> {
        let fences = (0..).take_while(|&n| self.peek(ahead + n) == '#').count();
        (self.peek(ahead + fences) == '"').then_some(fences)
    }

    fn raw_string(&mut self, prefix: usize) {
        let line = self.line;
        let fences = self.raw_fences(prefix).unwrap_or(0);
        for _ in 0..=prefix + fences {
            self.take(Part::Code);
        }
        let begin = self.at;
        let closes = |scanner: &Self| scanner.peek(0) == '"' && (1..=fences).all(|n| scanner.peek(n) == '#');
        while self.at < self.letters.len() && !closes(self) {
            self.take(Part::Literal);
        }
        self.keep_literal(line, begin);
        for _ in 0..=fences {
            self.take(Part::Code);
        }
    }

    fn keep_literal(&mut self, line: usize, begin: usize) {
        let value = self.letters[begin..self.at.min(self.letters.len())].iter().collect();
        self.source.literals.push(Literal { line, value });
    }

    /// A character such as `'"'`, or a lifetime, which has no second quote.
    fn quote(&mut self) {
        let escaped = self.peek(1) == '\\';
        if !escaped && self.peek(2) != '\'' {
            return self.take(Part::Code);
        }
        self.take(Part::Code);
        if escaped {
            self.take(Part::Literal);
        }
        self.take(Part::Literal);
        while self.at < self.letters.len() && self.peek(0) != '\'' {
            self.take(Part::Literal);
        }
        self.take(Part::Code);
    }
}

fn test_lines(code: &str) -> Vec<bool> {
    let mut lines = vec![false; code.lines().count()];
    for marker in ["#[cfg(test)]", "#[cfg(any(test", "#[cfg(all(test", "#[test]"] {
        for (begin, _) in code.match_indices(marker) {
            let end = begin + item_length(&code[begin..]);
            let first = code[..begin].matches('\n').count();
            let last = code[..end].matches('\n').count();
            lines.iter_mut().take(last + 1).skip(first).for_each(|line| *line = true);
        }
    }
    lines
}

/// How far the item reaches that begins with an attribute: to its `;` or to the end of its braces.
fn item_length(item: &str) -> usize {
    let mut depth = 0_usize;
    for (at, letter) in item.char_indices() {
        match letter {
            '{' | '(' | '[' => depth += 1,
            ')' | ']' => depth = depth.saturating_sub(1),
            '}' => {
                depth = depth.saturating_sub(1);
                if depth == 0 {
                    return at;
                }
            }
            ';' if depth == 0 => return at,
            _ => {}
        }
    }
    item.len()
}

/// Whether a letter can be part of an identifier.
pub(crate) fn is_word(letter: char) -> bool {
    letter.is_alphanumeric() || letter == '_'
}

/// Where a word begins in a text, as whole word only.
pub(crate) fn find_word(text: &str, word: &str) -> Option<usize> {
    text.match_indices(word).map(|(at, _)| at).find(|&at| {
        let before = text[..at].chars().next_back().is_some_and(is_word);
        let after = text[at + word.len()..].chars().next().is_some_and(is_word);
        !before && !after
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(text: &str, code: &str, literals: &[&str]) {
        let source = Source::of(text);
        let squeezed: Vec<&str> = source.code.split_whitespace().collect();
        assert_eq!(squeezed.join(" "), code, "code of {text}");
        let found: Vec<&str> = source.literals.iter().map(|literal| literal.value.as_str()).collect();
        assert_eq!(found, literals, "literals of {text}");
        assert_eq!(source.code.lines().count(), text.lines().count(), "lines of {text}");
    }

    #[test]
    fn code_comments_and_strings_are_told_apart() {
        check("let a = 1; // b\nlet c;", "let a = 1; let c;", &[]);
        check("a /* b /* c */ d */ e", "a e", &[]);
        check(r#"f("x \" y", 2)"#, r#"f(" ", 2)"#, &[r#"x \" y"#]);
        check("f(r#\"x \" y\"#)", "f(r#\" \"#)", &["x \" y"]);
        check("f(b\"x\", br\"y\")", "f(b\" \", br\" \")", &["x", "y"]);
        check("let r#type = '\"'; g::<'a>('\\'', \"z\")", "let r#type = ' '; g::<'a>(' ', \" \")", &["z"]);
        check("\"// no comment\" // comment \"no string\"", "\" \"", &["// no comment"]);
    }

    #[test]
    fn a_literal_knows_its_line() {
        let source = Source::of("\n\nf(\"a\nb\", \"c\")");
        let lines: Vec<usize> = source.literals.iter().map(|literal| literal.line).collect();
        assert_eq!(lines, [3, 4]);
    }

    #[test]
    fn test_items_are_marked_and_others_are_not() {
        let text = "fn a() {}\n#[cfg(test)]\nmod tests {\n    fn b() { c(\"}\") }\n}\nfn d() {}\n#[cfg(test)]\nuse e;\nfn f() {}\n";
        let source = Source::of(text);
        let marked: Vec<usize> = (1..=9).filter(|&line| source.is_test(line)).collect();
        assert_eq!(marked, [2, 3, 4, 5, 7, 8]);
    }

    #[test]
    fn words_are_found_whole() {
        assert_eq!(find_word("resleep sleep_until sleep", "sleep"), Some(20));
        assert_eq!(find_word("asleep", "sleep"), None);
    }
}
