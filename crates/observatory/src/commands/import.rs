//! `import`: what an export, a compose project or a discovery describes, made on an engine.

use std::{
    collections::BTreeMap,
    io::{IsTerminal as _, Write as _},
    path::Path,
    time::Instant,
};

use serde::Serialize;

use super::discover::{found, reach};
use crate::{
    cli::{Import, Options},
    export::variables,
    failure::{Failure, Reason},
    files,
    import::{Plan, Site, Step, apply, plan, read},
    output::{Ending, Output, Steps, harmless},
};

/// Where files of a project are put on an engine's host that is not this one.
const THERE: &str = "/var/lib/observatory";

#[derive(Serialize)]
struct Imported {
    steps: Vec<Step>,
    remarks: Vec<String>,
    seconds: f64,
}

pub(super) async fn run(wish: &Import, options: &Options, out: &mut Output) -> Result<u8, Ending> {
    let engine = reach(options).await?;
    let is_here = engine.address().starts_with("unix://");
    let site = described(wish, is_here, options).await?;
    let began = Instant::now();
    let intended = plan(&engine, &site).await?;
    if wish.dry_run || intended.steps.is_empty() {
        out.show(&intended, || in_words(&intended))?;
        return Ok(0);
    }
    if !wish.yes {
        crate::output::remark(&in_words(&intended));
        if !agrees()? {
            return Err(Failure::new(Reason::Interrupted, "nothing was changed").into());
        }
    }
    let steps = Steps::new(out.form());
    apply(&engine, &site, &intended, &|step| steps.tell(step)).await?;
    drop(steps);
    let seconds = began.elapsed().as_secs_f64();
    let imported = Imported { steps: intended.steps, remarks: intended.remarks, seconds };
    out.show(&imported, || format!("{} steps done in {seconds:.1} s", imported.steps.len()))?;
    Ok(0)
}

/// What is to be there, with its secrets.
async fn described(wish: &Import, is_here: bool, options: &Options) -> Result<Site, Failure> {
    let mut values: BTreeMap<String, String> = BTreeMap::new();
    if let Some(path) = &wish.env_file {
        let text = files::read(path)?.ok_or_else(|| {
            Failure::new(Reason::NotFound, format!("there is no file {}", path.display())).hint("check the path")
        })?;
        values.extend(variables::read(&path.display().to_string(), &text)?);
    }
    match (&wish.folder, &wish.from) {
        (Some(folder), _) => {
            let mut all: BTreeMap<String, String> = std::env::vars_os()
                .filter_map(|(name, value)| Some((name.into_string().ok()?, value.into_string().ok()?)))
                .collect();
            all.extend(values);
            read(folder, &all, (!is_here).then(|| Path::new(THERE)))
        }
        (None, from) => {
            let (discovery, secrets) = found(from.as_deref(), &[], options).await?;
            values.extend(secrets.values().clone());
            Site::of_discovery(&discovery, &values)
        }
    }
}

fn in_words(plan: &Plan) -> String {
    let mut words: String = plan.remarks.iter().map(|remark| format!("note: {}\n", harmless(remark))).collect();
    if plan.steps.is_empty() {
        words.push_str("nothing to do: everything is there\n");
    }
    words.extend(plan.steps.iter().map(|step| format!("{}\n", harmless(&step.to_string()))));
    words
}

/// Whether the person wants that.
fn agrees() -> Result<bool, Failure> {
    if !std::io::stdin().is_terminal() {
        return Err(Failure::new(Reason::Usage, "nobody can be asked whether this is to be done")
            .hint("say `--yes`, or `--dry-run` to see it alone"));
    }
    let _nobody_listens = write!(std::io::stderr(), "Type yes to do this: ");
    let mut answer = String::new();
    let read = std::io::stdin().read_line(&mut answer);
    read.map_err(|error| Failure::new(Reason::Unavailable, format!("no answer could be read: {error}")))?;
    Ok(matches!(answer.trim(), "yes" | "y"))
}
