//! A Python that has the peers of all benches: those of `bench/orbit/requirements.txt`.

use std::{
    fs,
    path::{Path, PathBuf},
    process::Command,
};

/// The program that BIGSKIES_PEERS_PYTHON names, else one in an environment below the target folder, which is made where it is not there or its list
/// has changed.
pub(crate) fn python() -> PathBuf {
    if let Some(python) = std::env::var_os("BIGSKIES_PEERS_PYTHON") {
        return PathBuf::from(python);
    }
    let program = std::env::current_exe().expect("a program");
    let folder = program.ancestors().nth(3).expect("a target folder").join("orbit-peers");
    let (python, mark) = (folder.join("bin/python"), folder.join("requirements.txt"));
    let list = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../bench/orbit/requirements.txt");
    let wanted = fs::read_to_string(&list).expect("the list of peers");
    if python.is_file() && fs::read_to_string(&mark).is_ok_and(|found| found == wanted) {
        return python;
    }
    println!("making an environment with the peers in {}", folder.display());
    let made = Command::new("python3").args(["-m", "venv", "--clear"]).arg(&folder).status();
    assert!(made.is_ok_and(|status| status.success()), "no environment for the peers; --alone leaves them out");
    let mut pip = Command::new(&python);
    pip.args(["-m", "pip", "install", "--quiet", "--disable-pip-version-check", "--requirement"]).arg(list);
    let installed = pip.status().is_ok_and(|status| status.success());
    assert!(installed, "the peers could not be installed; --alone leaves them out");
    fs::write(mark, wanted).expect("room");
    python
}
