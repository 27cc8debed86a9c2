//! `bigskies orbit`: where satellites are, over what and over whom, and how close they come to each other. It reads element sets from
//! files and needs no observatory.

mod approaches;
mod arguments;
mod passes;
mod picture;
mod propagate;
mod sets;
mod sheet;
mod track;

use clap::Subcommand;

use crate::terminal::{
    ClientOptions,
    orbit::{
        approaches::ApproachesArgs, passes::PassesArgs, propagate::PropagateArgs, sheet::SheetForm, track::TrackArgs,
    },
    output::{Ending, Output},
};

/// What to know about orbits.
#[derive(Debug, Subcommand)]
pub(crate) enum Orbit {
    /// Show where satellites are, and how fast.
    Propagate(PropagateArgs),
    /// Show when satellites rise over a station, culminate and set.
    Passes(PassesArgs),
    /// Show over which places satellites go, and where a station sees them.
    Track(TrackArgs),
    /// Show which satellites come close to each other.
    Approaches(ApproachesArgs),
}

/// Shows it.
///
/// # Errors
/// `invalid` where the elements or the question can't be understood, `unavailable` where a file can't be read or written.
pub(crate) fn run(orbit: Orbit, options: &ClientOptions, out: &Output) -> Result<(), Ending> {
    let form = |csv: bool| match (options.json, csv) {
        (true, _) => SheetForm::Json,
        (false, true) => SheetForm::Csv,
        (false, false) => SheetForm::Person(out.paint()),
    };
    match orbit {
        Orbit::Propagate(arguments) => propagate::run(&arguments, form(arguments.shape.csv)),
        Orbit::Passes(arguments) => passes::run(&arguments, form(arguments.shape.csv)),
        Orbit::Track(arguments) => track::run(&arguments, form(arguments.shape.csv)),
        Orbit::Approaches(arguments) => approaches::run(&arguments, form(arguments.shape.csv)),
    }
}
