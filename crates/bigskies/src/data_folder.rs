//! Where an observatory keeps what it knows on this machine, and the credentials of its accounts therein.

use std::path::{Path, PathBuf};

/// The environment variable that names the folder.
const VARIABLE: &str = "BIGSKIES_DATA_DIR";

/// The data folder: the given one, else `BIGSKIES_DATA_DIR`, else `/var/lib/bigskies` for root, else `bigskies` under
/// `XDG_DATA_HOME` or under `.local/share` in the home folder.
pub(crate) fn data_folder(given: Option<&Path>) -> PathBuf {
    let path_of = |name: &str| std::env::var_os(name).filter(|value| !value.is_empty()).map(PathBuf::from);
    let surroundings = Surroundings {
        named: path_of(VARIABLE),
        is_root: nix::unistd::geteuid().is_root(),
        xdg_data_home: path_of("XDG_DATA_HOME"),
        home: path_of("HOME"),
    };
    choose(given, surroundings)
}

/// The file with which an account logs in at the broker of that data folder.
pub(crate) fn credentials_file(data: &Path, account: &str) -> PathBuf {
    data.join("credentials").join(format!("{account}.json"))
}

/// What of the surroundings decides.
#[derive(Debug, Clone, Default)]
struct Surroundings {
    named: Option<PathBuf>,
    is_root: bool,
    xdg_data_home: Option<PathBuf>,
    home: Option<PathBuf>,
}

fn choose(given: Option<&Path>, surroundings: Surroundings) -> PathBuf {
    let Surroundings { named, is_root, xdg_data_home, home } = surroundings;
    if let Some(folder) = given.map(Path::to_path_buf).or(named) {
        return folder;
    }
    if is_root {
        // The database server runs as another user then, who can't look into the home folder of root.
        return PathBuf::from("/var/lib/bigskies");
    }
    // A relative XDG_DATA_HOME is to be ignored (XDG Base Directory Specification).
    xdg_data_home
        .filter(|folder| folder.is_absolute())
        .or_else(|| home.map(|home| home.join(".local/share")))
        .map_or_else(|| PathBuf::from("bigskies-data"), |folder| folder.join("bigskies"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_nearest_word_decides() {
        let home = Some(PathBuf::from("/h"));
        let bare = Surroundings { home: home.clone(), ..Surroundings::default() };
        let named = Surroundings { named: Some("/n".into()), is_root: true, ..bare.clone() };
        let root = Surroundings { is_root: true, xdg_data_home: Some("/x".into()), ..bare.clone() };
        let xdg = Surroundings { xdg_data_home: Some("/x".into()), ..bare.clone() };
        let relative = Surroundings { xdg_data_home: Some("x".into()), ..bare.clone() };
        for (given, surroundings, folder) in [
            (Some("/g"), named.clone(), "/g"),
            (None, named, "/n"),
            (None, root, "/var/lib/bigskies"),
            (None, xdg, "/x/bigskies"),
            (None, relative, "/h/.local/share/bigskies"),
            (None, bare, "/h/.local/share/bigskies"),
            (None, Surroundings::default(), "bigskies-data"),
        ] {
            assert_eq!(choose(given.map(Path::new), surroundings), Path::new(folder));
        }
    }

    #[test]
    fn credentials_stand_by_account() {
        let file = credentials_file(Path::new("/d"), "operator");
        assert_eq!(file, Path::new("/d/credentials/operator.json"));
    }
}
