//! Questions for secrets: on the terminal without an echo, or line by line from standard input.

use std::io::{BufRead as _, Read as _};

use catalog::Secret;
use clap::Args;
use vocabulary::Fault;

/// The longest line that is read, in bytes: more than a password may have.
const LONGEST_LINE_BYTES: u64 = 4096;

/// From where passwords come.
#[derive(Debug, Clone, Copy, Args)]
pub(crate) struct PasswordArgs {
    /// Read passwords from standard input, one a line, in the order in which they would be asked for.
    #[arg(long)]
    password_stdin: bool,
}

impl PasswordArgs {
    /// Whether they come from standard input.
    pub(crate) const fn is_given(self) -> bool {
        self.password_stdin
    }

    /// A password that there is.
    ///
    /// # Errors
    /// `invalid` where none is given.
    pub(crate) async fn password(self, question: String) -> Result<Secret, Fault> {
        if self.password_stdin { next_line(question).await } else { hidden(question).await }
    }

    /// A new password, asked for twice on a terminal.
    ///
    /// # Errors
    /// `invalid` where none is given, or the second is another.
    pub(crate) async fn new_password(self, question: String) -> Result<Secret, Fault> {
        if self.password_stdin {
            return next_line(question).await;
        }
        let first = hidden(question).await?;
        let second = hidden("the same again".to_owned()).await?;
        if first.expose() == second.expose() {
            return Ok(first);
        }
        Err(Fault::invalid("the two passwords differ").hint("try again"))
    }

    /// A code of a second factor, as given, else asked for on a terminal.
    ///
    /// # Errors
    /// `invalid` where none is given.
    pub(crate) async fn code(self, user: &str) -> Result<Secret, Fault> {
        hidden(format!("code of the authenticator of {user}, or a recovery code")).await
    }
}

async fn hidden(question: String) -> Result<Secret, Fault> {
    let asking = tokio::task::spawn_blocking(move || rpassword::prompt_password(format!("{question}: ")));
    let answer = asking.await.map_err(|e| Fault::internal(format!("the question ended early: {e}")))?;
    let answer = answer.map_err(|e| {
        Fault::invalid(format!("no terminal answers: {e}"))
            .hint("--password-stdin reads passwords from standard input; --code gives the code of a second factor")
    })?;
    given(answer)
}

async fn next_line(question: String) -> Result<Secret, Fault> {
    let reading = tokio::task::spawn_blocking(|| {
        let mut line = String::new();
        std::io::stdin().lock().take(LONGEST_LINE_BYTES).read_line(&mut line).map(|_| line)
    });
    let line = reading.await.map_err(|e| Fault::internal(format!("standard input ended early: {e}")))?;
    let line =
        line.map_err(|e| Fault::invalid(format!("standard input can't be read: {e}")).hint("send UTF-8 text"))?;
    given(without_end(&line).to_owned()).map_err(|fault| fault.hint(format!("wanted on standard input: {question}")))
}

fn given(answer: String) -> Result<Secret, Fault> {
    if answer.is_empty() {
        return Err(Fault::invalid("nothing was given").hint("try again"));
    }
    Ok(Secret::new(answer))
}

/// The line without what ends it; spaces may be part of a password.
fn without_end(line: &str) -> &str {
    let line = line.strip_suffix('\n').unwrap_or(line);
    line.strip_suffix('\r').unwrap_or(line)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lines_keep_their_spaces() {
        for (line, password) in [("a b \n", "a b "), ("a\r\n", "a"), ("a", "a"), ("\n", ""), ("a\n\n", "a\n")] {
            assert_eq!(without_end(line), password, "{line:?}");
        }
        assert!(given(String::new()).is_err());
    }
}
