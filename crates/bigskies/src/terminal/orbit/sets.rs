//! The element sets that a command works on: out of a file or standard input, of any form, all or some.

use std::{
    fs::File,
    io::{self, Read as _},
    path::{Path, PathBuf},
};

use clap::Args;
use engine_orbital::{Checksums, Elements, Form, NoradId};
use vocabulary::Fault;

use crate::terminal::output::{harmless, remark};

/// The largest text that is read; the whole public catalogue as XML is a tenth of it.
const BYTES_MAX: u64 = 512 << 20;
/// So many broken sets are told one by one.
const TOLD_MAX: usize = 20;

/// Which element sets.
#[derive(Debug, Args)]
pub(crate) struct SetsArgs {
    /// A file with element sets: TLE, or OMM as JSON, XML, KVN or CSV; - for standard input.
    #[arg(value_name = "FILE")]
    file: PathBuf,
    /// Only this satellite, by its catalogue number or its name; may be given several times.
    #[arg(long = "satellite", value_name = "ID|NAME")]
    satellites: Vec<String>,
    /// Take lines of a TLE whose checksum is wrong.
    #[arg(long)]
    ignore_checksums: bool,
    /// Go on without the sets that can't be read, telling of each on standard error.
    #[arg(long)]
    skip_broken: bool,
}

impl SetsArgs {
    /// Reads them.
    ///
    /// # Errors
    /// `unavailable` where the file can't be read; `invalid`, with line and column, where it can't be understood; `not-found` where a
    /// satellite that is named is not in it.
    pub(crate) fn read(&self) -> Result<Vec<Elements>, Fault> {
        let shown = if self.is_standard_input() { "standard input".into() } else { self.file.display().to_string() };
        let text = self.text(&shown)?;
        let checksums = if self.ignore_checksums { Checksums::Ignored } else { Checksums::Verified };
        let form = Form::of(&text).map_err(|misread| Fault::invalid(format!("{shown}: {misread}")))?;
        let mut sets = Vec::new();
        let mut broken = 0;
        for set in form.read(&text, checksums) {
            match set {
                Ok(set) => sets.push(set),
                Err(misread) if self.skip_broken => {
                    broken += 1;
                    if broken <= TOLD_MAX {
                        remark(&format!("warning: {shown}: {}", harmless(&misread.to_string())));
                    }
                }
                Err(misread) => {
                    return Err(Fault::invalid(format!("{shown}: {}", harmless(&misread.to_string())))
                        .hint("--skip-broken goes on without the sets that can't be read"));
                }
            }
        }
        if broken > TOLD_MAX {
            remark(&format!("warning: {shown}: {broken} sets can't be read, the first {TOLD_MAX} are named"));
        }
        self.chosen(sets, &shown)
    }

    fn is_standard_input(&self) -> bool {
        self.file == Path::new("-")
    }

    fn text(&self, shown: &str) -> Result<String, Fault> {
        let unread = |error: &io::Error| {
            let fault = match error.kind() {
                io::ErrorKind::NotFound => Fault::not_found(format!("{shown} does not exist")),
                _ => Fault::unavailable(format!("{shown} can't be read: {error}")),
            };
            fault.hint("name a file with element sets, or - for standard input")
        };
        let mut bytes = Vec::new();
        let read = if self.is_standard_input() {
            io::stdin().lock().take(BYTES_MAX + 1).read_to_end(&mut bytes)
        } else {
            File::open(&self.file).and_then(|file| file.take(BYTES_MAX + 1).read_to_end(&mut bytes))
        };
        read.map_err(|error| unread(&error))?;
        if bytes.len() as u64 > BYTES_MAX {
            let hint = "divide it into several files";
            return Err(Fault::invalid(format!("{shown} is larger than {} MiB", BYTES_MAX >> 20)).hint(hint));
        }
        String::from_utf8(bytes).map_err(|error| {
            let line =
                error.as_bytes().iter().take(error.utf8_error().valid_up_to()).filter(|byte| **byte == b'\n').count();
            Fault::invalid(format!("{shown}: line {} is not UTF-8", line + 1))
                .hint("convert it: iconv -f latin1 -t utf8")
        })
    }

    fn chosen(&self, sets: Vec<Elements>, shown: &str) -> Result<Vec<Elements>, Fault> {
        if sets.is_empty() {
            return Err(Fault::invalid(format!("{shown} has no element set that can be read")));
        }
        if self.satellites.is_empty() {
            return Ok(sets);
        }
        let wanted: Vec<Wanted> = self.satellites.iter().map(|text| Wanted::of(text)).collect();
        if let Some((text, _)) =
            self.satellites.iter().zip(&wanted).find(|(_, wanted)| !sets.iter().any(|set| wanted.is(set)))
        {
            return Err(Fault::not_found(format!("{text:?} is not in {shown}"))
                .hint("name a satellite by its catalogue number or its whole name"));
        }
        Ok(sets.into_iter().filter(|set| wanted.iter().any(|wanted| wanted.is(set))).collect())
    }
}

/// A satellite that is asked for.
#[derive(Debug)]
pub(crate) enum Wanted {
    Number(NoradId),
    Name(String),
}

impl Wanted {
    /// A catalogue number where the text can be one, else a name.
    pub(crate) fn of(text: &str) -> Self {
        text.parse().map_or_else(|_| Self::Name(text.to_owned()), Self::Number)
    }

    /// Whether it is this one.
    pub(crate) fn is(&self, set: &Elements) -> bool {
        match self {
            Self::Number(number) => set.norad == *number,
            Self::Name(name) => set.name.as_ref().is_some_and(|own| own.eq_ignore_ascii_case(name)),
        }
    }
}

/// What a satellite is called in a table or picture: its name, else its number.
pub(crate) fn called(set: &Elements) -> String {
    set.name.as_deref().map_or_else(|| set.norad.to_string(), harmless)
}
