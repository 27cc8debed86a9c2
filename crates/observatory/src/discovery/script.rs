//! The shell script that gathers on a host where no engine can be reached from here.

use super::candidates::WELL_KNOWN;

/// The script without the places that are well known.
const SCRIPT: &str = include_str!("../../assets/gather.sh");

/// The script, for any POSIX shell with the `docker` command.
pub fn script() -> String {
    SCRIPT.replace("@WELL_KNOWN@", &WELL_KNOWN.join(" "))
}
