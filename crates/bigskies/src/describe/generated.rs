//! All generated documents, written into a folder.

use std::{fs, path::Path};

use vocabulary::Fault;

use crate::{
    describe::{commands, exit_codes, settings},
    terminal::output::{Ending, Form, Output},
};

/// Writes them, and shows their names.
pub(crate) fn write(folder: &Path, out: &mut Output) -> Result<(), Ending> {
    let documents = documents();
    for (name, content) in &documents {
        let file = folder.join(name);
        let unwritable = |e: std::io::Error| {
            Fault::unavailable(format!("{} can't be written: {e}", file.display()))
                .hint("see to the rights of the folder and to the room on its disk")
        };
        if let Some(parent) = file.parent() {
            fs::create_dir_all(parent).map_err(unwritable)?;
        }
        fs::write(&file, content).map_err(unwritable)?;
    }
    let names: Vec<&str> = documents.iter().map(|(name, _)| name.as_str()).collect();
    match out.form() {
        Form::Json => out.show(&names, |_| String::new()),
        Form::Person => out.text(&format!("{} documents are written to {}", names.len(), folder.display())),
    }
}

/// Every document as file name and content.
fn documents() -> Vec<(String, String)> {
    let mut documents = catalog::render::documents();
    documents.extend([
        ("settings.md".to_owned(), settings::page()),
        ("cli.md".to_owned(), commands::page()),
        ("exit-codes.md".to_owned(), exit_codes::page()),
    ]);
    documents
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_document_is_written_twice_and_each_ends_with_a_line() {
        let documents = documents();
        let mut names: Vec<&String> = documents.iter().map(|(name, _)| name).collect();
        names.sort();
        names.dedup();
        assert_eq!(names.len(), documents.len());
        for (name, content) in &documents {
            assert!(content.ends_with('\n') && !content.ends_with("\n\n"), "{name}");
        }
    }

    #[test]
    fn documents_are_the_same_each_time() {
        assert_eq!(documents(), documents());
    }
}
