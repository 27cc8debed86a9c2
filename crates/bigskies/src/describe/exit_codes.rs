//! With which code a command ends, and what that means.

use std::fmt::Write as _;

use vocabulary::Code;

/// The page of the documents.
pub(crate) fn page() -> String {
    let mut page = String::from(
        "# Exit codes\n\nGenerated from `vocabulary::Code` by `cargo xtask generate`; do not edit.\n\n\
         The same words are the `code` of an error on the bus, and the statuses are those of the HTTP face.\n\n\
         | exit code | word | HTTP | |\n|---|---|---|---|\n",
    );
    let mut rows: Vec<(u8, String)> = Code::ALL
        .iter()
        .map(|code| (code.exit_code(), format!("`{code}` | {} | {}", code.http_status(), meaning(*code))))
        .collect();
    rows.push((0, " | 200 | It is done.".to_owned()));
    rows.push((2, " | | The command line can't be understood.".to_owned()));
    rows.sort();
    for (exit_code, row) in rows {
        let _ = writeln!(page, "| {exit_code} | {row} |");
    }
    page
}

const fn meaning(code: Code) -> &'static str {
    match code {
        Code::Invalid => "The request itself is wrong; sending it again will not help.",
        Code::Unauthenticated => "Nobody known is asking.",
        Code::Forbidden => "The caller is known and may not.",
        Code::NotFound => "What is named does not exist.",
        Code::Conflict => "It contradicts what is already there.",
        Code::Busy => "A bound is reached; later it may work.",
        Code::Unsafe => "It would endanger people or hardware.",
        Code::Unavailable => {
            "What is needed for it is away; the outcome may be unknown. A supervisor should try again."
        }
        Code::Timeout => "The deadline passed.",
        Code::Internal => "A defect of ours; of `bigskies doctor`, that a check failed.",
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_code_has_a_row() {
        let page = page();
        for code in Code::ALL {
            assert!(page.contains(&format!("| {} | `{code}` |", code.exit_code())), "{code}");
        }
    }
}
