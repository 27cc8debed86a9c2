//! A picture of who talks to whom, in Mermaid.

use std::fmt::Write as _;

use crate::{Entry, Kind, Owner};

/// A Markdown page with the picture.
pub fn diagram(entries: &[Entry]) -> String {
    let mut page = String::from(
        "# Who talks to whom\n\nGenerated from the catalogue by `cargo xtask generate`; do not edit.\n\n```mermaid\nflowchart LR\n  client([clients])\n",
    );
    for owner in Owner::ALL {
        let count = |kinds: &[Kind]| {
            entries.iter().filter(|e| kinds.contains(&e.kind) && e.name.split('/').next() == Some(owner.word())).count()
        };
        let (inbound, outbound) = (count(&[Kind::Command, Kind::Notice]), count(&[Kind::Event, Kind::State]));
        let word = owner.word();
        let _ = writeln!(page, "  {word}[{}]", owner.component());
        let _ = writeln!(page, "  client -- {inbound} commands and notices --> {word}");
        let _ = writeln!(page, "  {word} -- {outbound} events and states --> client");
        if owner != Owner::Message {
            let _ = writeln!(page, "  {word} -. health .-> message");
        }
        if owner != Owner::Bootstrap {
            let _ = writeln!(page, "  bootstrap -. credentials .-> {word}");
        }
    }
    page.push_str("```\n");
    page
}
