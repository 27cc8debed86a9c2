//! What processes weigh: their proportional share of memory (PSS), so that what they share is counted once.

use std::fs;

use crate::Outcome;

/// What of a process is counted.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Share {
    /// All of it.
    Whole,
    /// What it has made itself. The rest is program text, which the system holds anyway and takes back when it needs room.
    Made,
}

/// The share of one process in bytes.
pub(crate) fn share_of(process: u32, share: Share) -> Outcome<u64> {
    let name = match share {
        Share::Whole => "Pss:",
        Share::Made => "Pss_Anon:",
    };
    let path = format!("/proc/{process}/smaps_rollup");
    let rollup = fs::read_to_string(&path).map_err(|error| format!("{path} can't be read: {error}"))?;
    let line = rollup.lines().find_map(|line| line.strip_prefix(name));
    let kibibytes =
        line.and_then(|line| line.split_whitespace().next()).ok_or_else(|| format!("{path} has no {name}"))?;
    Ok(kibibytes.parse::<u64>()? * 1024)
}

/// The processes that `process` has started, and those that they have, and so on.
pub(crate) fn descendants(process: u32) -> Outcome<Vec<u32>> {
    let mut parents = Vec::new();
    for entry in fs::read_dir("/proc")? {
        let Some(id) = entry?.file_name().to_str().and_then(|name| name.parse::<u32>().ok()) else { continue };
        // A process may end while we look.
        let Ok(stat) = fs::read_to_string(format!("/proc/{id}/stat")) else { continue };
        // The name stands in brackets and may hold anything; behind it come the state and the parent.
        let parent = stat.rsplit_once(')').and_then(|(_, rest)| rest.split_whitespace().nth(1)?.parse::<u32>().ok());
        parents.extend(parent.map(|parent| (id, parent)));
    }
    let mut family = vec![process];
    let mut looked_at = 0;
    while let Some(parent) = family.get(looked_at).copied() {
        family.extend(parents.iter().filter(|(_, of)| *of == parent).map(|(id, _)| *id));
        looked_at += 1;
    }
    family.remove(0);
    Ok(family)
}
