//! Secrets: found where the configuration says, or made up once and kept.

use std::path::{Path, PathBuf};

use rand::{Rng as _, distr::Alphanumeric};

use crate::{
    configuration::Secret,
    failure::{Failure, Reason},
    files::{self, Readers},
};

/// Letters and digits of a secret that is made up: 190 bits.
const LENGTH: usize = 32;

/// The file below the data folder in which a secret is kept for the service.
pub fn path(folder: &Path, name: &str) -> PathBuf {
    folder.join("secrets").join(name)
}

/// The secret, from where the configuration says.
///
/// # Errors
/// Where it is not there.
pub fn resolve(folder: &Path, name: &str, secret: &Secret) -> Result<String, Failure> {
    match secret {
        Secret::Generated => {
            let path = path(folder, name);
            if let Some(kept) = files::read(&path)? {
                return Ok(kept);
            }
            let made: String = rand::rng().sample_iter(Alphanumeric).take(LENGTH).map(char::from).collect();
            files::write(&path, &made, Readers::Owner)?;
            Ok(made)
        }
        Secret::Variable(variable) => std::env::var(variable).map_err(|_missing| {
            Failure::new(Reason::Configuration, format!("secret {name}: the variable {variable} is not set"))
                .hint(format!("set {variable}, or let the secret be `generated`"))
        }),
        Secret::File(file) => match files::read(Path::new(file))? {
            Some(text) => Ok(text.trim_end_matches(['\r', '\n']).to_owned()),
            None => Err(Failure::new(Reason::Configuration, format!("secret {name}: there is no file {file}"))
                .hint("write it, readable by you only, or let the secret be `generated`")),
        },
    }
}

/// The secret as far as it is known already: nothing is made up, and one that is not there is none.
pub fn known(folder: &Path, name: &str, secret: &Secret) -> Option<String> {
    match secret {
        Secret::Generated => files::read(&path(folder, name)).ok().flatten(),
        Secret::Variable(_) | Secret::File(_) => resolve(folder, name, secret).ok(),
    }
}

/// Puts the secret where the service finds it.
///
/// # Errors
/// Where it is not there, or can't be written.
pub fn place(folder: &Path, name: &str, secret: &Secret) -> Result<PathBuf, Failure> {
    let text = resolve(folder, name, secret)?;
    let path = path(folder, name);
    if files::read(&path)?.as_deref() != Some(text.as_str()) {
        files::write(&path, &text, Readers::Owner)?;
    }
    Ok(path)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_made_up_secret_stays() {
        let folder = tempfile::tempdir().unwrap();
        assert_eq!(known(folder.path(), "a", &Secret::Generated), None);
        let one = resolve(folder.path(), "a", &Secret::Generated).unwrap();
        assert_eq!(known(folder.path(), "a", &Secret::Generated).as_ref(), Some(&one));
        assert_eq!(one.len(), LENGTH);
        assert_eq!(resolve(folder.path(), "a", &Secret::Generated).unwrap(), one);
        assert_ne!(resolve(folder.path(), "b", &Secret::Generated).unwrap(), one);
    }

    #[test]
    fn a_secret_that_is_not_there_is_named() {
        let folder = tempfile::tempdir().unwrap();
        for (secret, said) in [
            (Secret::Variable("OBS_NO_SUCH".to_owned()), "secret a: the variable OBS_NO_SUCH is not set"),
            (Secret::File("no/such".to_owned()), "secret a: there is no file no/such"),
        ] {
            let failure = resolve(folder.path(), "a", &secret).unwrap_err();
            assert_eq!((failure.reason, failure.message.as_str()), (Reason::Configuration, said));
        }
    }
}
