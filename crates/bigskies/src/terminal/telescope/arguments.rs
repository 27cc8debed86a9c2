//! What the commands for telescopes can be told.

use std::{net::IpAddr, time::Duration};

use catalog::telescope::MountType;
use clap::{Args, ValueEnum};
use vocabulary::{Equatorial, Equinox, Fault, Horizontal};

use crate::terminal::{
    client::seconds,
    output::{Form, is_terminal},
    telescope::goal::Goal,
};

/// How to look for devices.
#[derive(Debug, Args)]
pub(crate) struct DiscoverArgs {
    /// The UDP port to ask on.
    #[arg(long, value_name = "PORT", value_parser = clap::value_parser!(u16).range(1..))]
    pub(crate) port: Option<u16>,
    /// How long to wait for answers, 0.1 to 20.
    #[arg(long, value_name = "SECONDS", value_parser = seconds)]
    pub(crate) wait: Option<Duration>,
    /// A host to ask besides the networks of the observatory, as host or host:port; may be given several times.
    #[arg(long = "host", value_name = "HOST", value_parser = host)]
    pub(crate) hosts: Vec<String>,
}

fn host(text: &str) -> Result<String, String> {
    let is_bare_v6 = text.parse::<IpAddr>().is_ok_and(|address| address.is_ipv6());
    if text.is_empty() || text.contains(['/', '@', ' ']) || is_bare_v6 {
        return Err("a host is expected, as host or host:port; an IPv6 address stands in brackets".to_owned());
    }
    Ok(text.to_owned())
}

/// What to list.
#[derive(Debug, Args)]
pub(crate) struct ListArgs {
    /// Only devices of this type: telescope, camera, dome, …
    #[arg(long = "type", value_name = "TYPE")]
    pub(crate) device_type: Option<String>,
}

/// A device or telescope.
#[derive(Debug, Args)]
pub(crate) struct DeviceArgs {
    /// The telescope or device, by its name, its id or the beginning of either; may be left out where there is only one.
    #[arg(value_name = "TELESCOPE")]
    pub(crate) name: Option<String>,
}

/// A telescope.
#[derive(Debug, Args)]
pub(crate) struct TelescopeArgs {
    /// The telescope or mount, by its name, its id or the beginning of either; may be left out where there is only one.
    #[arg(value_name = "TELESCOPE")]
    pub(crate) name: Option<String>,
}

/// A telescope that moves.
#[derive(Debug, Args)]
pub(crate) struct MotionArgs {
    /// The telescope or mount, by its name, its id or the beginning of either; may be left out where there is only one.
    #[arg(value_name = "TELESCOPE")]
    pub(crate) name: Option<String>,
    #[command(flatten)]
    pub(crate) waiting: WaitingArgs,
}

/// Whether to wait for the end of a motion.
#[derive(Debug, Clone, Copy, Args)]
pub(crate) struct WaitingArgs {
    /// Wait until the motion has ended, showing how far it is. This is so on a terminal where nothing is said.
    #[arg(long, overrides_with = "no_wait")]
    wait: bool,
    /// Come back as soon as the motion has begun.
    #[arg(long, overrides_with = "wait")]
    no_wait: bool,
}

/// Whether the end of a motion is waited for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Waiting {
    /// Until it has ended.
    ForTheEnd,
    /// Until it has begun.
    ForTheBeginning,
}

impl WaitingArgs {
    /// What is wanted: what was said, else the end before a person.
    pub(crate) fn wanted(self, form: Form) -> Waiting {
        let before_a_person = form == Form::Person && is_terminal();
        if self.wait || (before_a_person && !self.no_wait) { Waiting::ForTheEnd } else { Waiting::ForTheBeginning }
    }
}

/// Where to slew.
#[derive(Debug, Args)]
#[command(override_usage = "bigskies telescope slew [OPTIONS] [TELESCOPE] <RA> <DEC>\n       \
                            bigskies telescope slew [OPTIONS] [TELESCOPE] --altaz <ALT> <AZ>")]
pub(crate) struct SlewArgs {
    /// The telescope or mount, by its name, its id or the beginning of either; may be left out where there is only one.
    #[arg(value_name = "TELESCOPE")]
    first: Option<String>,
    /// Right ascension: 5h35m17s, 5:35:17 or hours as 5.588.
    #[arg(value_name = "RA", allow_hyphen_values = true)]
    second: Option<String>,
    /// Declination: -5d23m28s, -5:23:28 or degrees as -5.391.
    #[arg(value_name = "DEC", allow_hyphen_values = true)]
    third: Option<String>,
    /// Slew to an altitude and azimuth instead, in degrees: 45d30m or 45.5, and 180 for south.
    #[arg(long, num_args = 2, value_names = ["ALT", "AZ"], allow_hyphen_values = true, conflicts_with_all = ["second", "equinox"])]
    altaz: Option<Vec<String>>,
    /// What right ascension and declination refer to.
    #[arg(long, value_enum, default_value_t = EquinoxWord::J2000)]
    equinox: EquinoxWord,
    /// What is there; kept with the command.
    #[arg(long, value_name = "NAME")]
    pub(crate) target: Option<String>,
    #[command(flatten)]
    pub(crate) waiting: WaitingArgs,
}

impl SlewArgs {
    /// The telescope's name, if one is given, and the place.
    ///
    /// # Errors
    /// `invalid` where a place is missing or can't be read.
    pub(crate) fn goal(&self) -> Result<(Option<String>, Goal), Fault> {
        if let Some([altitude, azimuth]) = self.altaz.as_deref() {
            let place = Horizontal { altitude: angle(altitude)?, azimuth: angle(azimuth)? };
            return Ok((self.first.clone(), Goal::Horizontal(place)));
        }
        let (name, right_ascension, declination) = match (&self.first, &self.second, &self.third) {
            (first, Some(second), Some(third)) => (first.clone(), second, third),
            (Some(first), Some(second), None) => (None, first, second),
            _ => {
                return Err(Fault::invalid("no place to slew to is given")
                    .hint("name it: bigskies telescope slew 5h35m17s -5d23m, or --altaz 45 180"));
            }
        };
        let place = Equatorial {
            right_ascension: angle(right_ascension)?,
            declination: angle(declination)?,
            equinox: self.equinox.into(),
        };
        Ok((name, Goal::Equatorial(place)))
    }
}

fn angle<A: std::str::FromStr<Err = vocabulary::angles::NotAnAngle>>(text: &str) -> Result<A, Fault> {
    let hint = "write sexagesimal or decimal numbers: bigskies telescope slew Main 5h35m17s -5d23m";
    text.parse().map_err(|e: vocabulary::angles::NotAnAngle| Fault::invalid(e.to_string()).hint(hint))
}

/// The words for an equinox.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(crate) enum EquinoxWord {
    /// Mean equator and equinox of J2000.0, as in catalogues.
    #[value(name = "j2000")]
    J2000,
    /// True equator and equinox of now.
    OfDate,
    /// Whatever the mount speaks, sent to it as it is.
    Mount,
}

impl From<EquinoxWord> for Equinox {
    fn from(word: EquinoxWord) -> Self {
        match word {
            EquinoxWord::J2000 => Self::J2000,
            EquinoxWord::OfDate => Self::OfDate,
            EquinoxWord::Mount => Self::Mount,
        }
    }
}

/// Whether to follow the sky.
#[derive(Debug, Args)]
#[command(override_usage = "bigskies telescope track [OPTIONS] [TELESCOPE] [on|off]")]
pub(crate) struct TrackArgs {
    /// The telescope or mount, by its name, its id or the beginning of either; may be left out where there is only one.
    #[arg(value_name = "TELESCOPE")]
    first: Option<String>,
    /// Whether it follows the sky; on where nothing is said.
    #[arg(value_name = "on|off")]
    second: Option<String>,
}

impl TrackArgs {
    /// The telescope's name, if one is given, and whether it shall follow the sky.
    ///
    /// # Errors
    /// `invalid` where the second word is neither `on` nor `off`.
    pub(crate) fn wish(&self) -> Result<(Option<String>, bool), Fault> {
        match (&self.first, &self.second) {
            (None, None) => Ok((None, true)),
            (Some(word), None) => Ok(on_or_off(word).map_or_else(|| (Some(word.clone()), true), |on| (None, on))),
            (name, Some(word)) => on_or_off(word).map(|on| (name.clone(), on)).ok_or_else(|| {
                Fault::invalid(format!("{word:?} is neither on nor off")).hint("bigskies telescope track Main off")
            }),
        }
    }
}

fn on_or_off(word: &str) -> Option<bool> {
    match word.to_lowercase().as_str() {
        "on" => Some(true),
        "off" => Some(false),
        _ => None,
    }
}

/// What to watch.
#[derive(Debug, Args)]
pub(crate) struct WatchArgs {
    /// The telescope or mount, by its name, its id or the beginning of either; all where none is named.
    #[arg(value_name = "TELESCOPE")]
    pub(crate) name: Option<String>,
    /// End after so many positions.
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u64).range(1..))]
    pub(crate) count: Option<u64>,
}

/// What to make.
#[derive(Debug, Args)]
pub(crate) struct CreateArgs {
    /// Its name, unique among yours.
    pub(crate) name: String,
    /// The device that points it, by its name, its id or the beginning of either.
    #[arg(long, value_name = "DEVICE")]
    pub(crate) mount: Option<String>,
    /// How the mount turns.
    #[arg(long, value_enum, default_value_t = MountWord::Equatorial)]
    pub(crate) mount_type: MountWord,
    /// What it is.
    #[arg(long, value_name = "TEXT", default_value = "", hide_default_value = true)]
    pub(crate) description: String,
}

/// The words for a mount.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(crate) enum MountWord {
    /// About a vertical and a horizontal axis.
    Altaz,
    /// About an axis that points to the pole.
    Equatorial,
    /// Altazimuth, by hand.
    Dobsonian,
}

impl From<MountWord> for MountType {
    fn from(word: MountWord) -> Self {
        match word {
            MountWord::Altaz => Self::Altaz,
            MountWord::Equatorial => Self::Equatorial,
            MountWord::Dobsonian => Self::Dobsonian,
        }
    }
}

#[cfg(test)]
mod tests {
    use clap::Parser as _;

    use super::*;
    use crate::{
        cli::{Cli, Command},
        terminal::{Command as Terminal, telescope::Telescope},
    };

    fn parse(line: &str) -> Result<Telescope, String> {
        let words = ["bigskies", "telescope"].into_iter().chain(line.split_whitespace());
        let cli = Cli::try_parse_from(words).map_err(|e| e.kind().to_string())?;
        match cli.command {
            Command::Terminal(Terminal::Telescope(telescope)) => Ok(telescope),
            other => Err(format!("{other:?}")),
        }
    }

    fn slew(line: &str) -> Result<(Option<String>, Goal), String> {
        match parse(line)? {
            Telescope::Slew(arguments) => arguments.goal().map_err(|fault| fault.message),
            other => Err(format!("{other:?}")),
        }
    }

    #[test]
    fn places_in_the_sky() {
        let equatorial = |name: Option<&str>, hours: f64, degrees: f64, equinox: Equinox| {
            let place = Equatorial {
                right_ascension: vocabulary::RightAscension::hours(hours).unwrap(),
                declination: vocabulary::Declination::degrees(degrees).unwrap(),
                equinox,
            };
            (name.map(str::to_owned), Goal::Equatorial(place))
        };
        for (line, wanted) in [
            ("slew Main 5h30m -5d30m", equatorial(Some("Main"), 5.5, -5.5, Equinox::J2000)),
            ("slew 5h30m -5d30m", equatorial(None, 5.5, -5.5, Equinox::J2000)),
            ("slew 5.5 -5.5 --wait", equatorial(None, 5.5, -5.5, Equinox::J2000)),
            ("slew --no-wait Main 5:30 -5:30 --equinox of-date", equatorial(Some("Main"), 5.5, -5.5, Equinox::OfDate)),
            ("slew Main 5.5 -0d30m --equinox mount", equatorial(Some("Main"), 5.5, -0.5, Equinox::Mount)),
            ("slew Main 5.5 +41d", equatorial(Some("Main"), 5.5, 41.0, Equinox::J2000)),
            ("slew Main 5.5 -5.5 --json --limit 3", equatorial(Some("Main"), 5.5, -5.5, Equinox::J2000)),
            ("slew -- Main 5.5 -5.5", equatorial(Some("Main"), 5.5, -5.5, Equinox::J2000)),
        ] {
            assert_eq!(slew(line), Ok(wanted), "{line}");
        }
    }

    #[test]
    fn places_over_the_horizon() {
        let horizontal = |name: Option<&str>, altitude: f64, azimuth: f64| {
            let place = Horizontal {
                altitude: vocabulary::Altitude::degrees(altitude).unwrap(),
                azimuth: vocabulary::Azimuth::degrees(azimuth).unwrap(),
            };
            (name.map(str::to_owned), Goal::Horizontal(place))
        };
        for (line, wanted) in [
            ("slew Main --altaz 45d30m 180", horizontal(Some("Main"), 45.5, 180.0)),
            ("slew --altaz -1.5 0", horizontal(None, -1.5, 0.0)),
            ("slew --altaz -1d30m 0 Main --wait", horizontal(Some("Main"), -1.5, 0.0)),
        ] {
            assert_eq!(slew(line), Ok(wanted), "{line}");
        }
    }

    #[test]
    fn places_that_are_none() {
        for (line, part) in [
            ("slew", "no place"),
            ("slew Main", "no place"),
            ("slew Main 25h 0", "right ascension"),
            ("slew Main 5h -95d", "declination"),
            ("slew Main 5h 5h", "declination"),
            ("slew Main 5h 5d --altaz 4 5", "cannot be used with"),
            ("slew Main --altaz 45", "values"),
            ("slew Main --altaz 95 0", "altitude"),
            ("slew Main --altaz 5 360", "azimuth"),
            ("slew Main 5h 5d --equinox b1950", "isn't valid"),
            ("slew Main 5h 5d 7d", "unexpected"),
        ] {
            let complaint = slew(line).unwrap_err();
            assert!(complaint.contains(part), "{line}: {complaint}");
        }
    }

    #[test]
    fn tracking() {
        let wish = |line: &str| match parse(line)? {
            Telescope::Track(arguments) => arguments.wish().map_err(|fault| fault.message),
            other => Err(format!("{other:?}")),
        };
        for (line, wanted) in [
            ("track", Ok((None, true))),
            ("track off", Ok((None, false))),
            ("track Main", Ok((Some("Main".to_owned()), true))),
            ("track Main OFF", Ok((Some("Main".to_owned()), false))),
            ("track Main maybe", Err("\"maybe\" is neither on nor off".to_owned())),
        ] {
            assert_eq!(wish(line), wanted, "{line}");
        }
    }

    #[test]
    fn discovery() {
        let discover = |line: &str| match parse(line)? {
            Telescope::Discover(DiscoverArgs { port, wait, hosts }) => Ok((port, wait.map(|w| w.as_millis()), hosts)),
            other => Err(format!("{other:?}")),
        };
        let hosts = vec!["dome".to_owned(), "10.0.0.7:11111".to_owned()];
        for (line, wanted) in [
            ("discover", Some((None, None, vec![]))),
            ("discover --port 4711 --wait 0.5", Some((Some(4711), Some(500), vec![]))),
            ("discover --host dome --host 10.0.0.7:11111", Some((None, None, hosts))),
            ("discover --port 0", None),
            ("discover --host http://dome", None),
            ("discover --host ::1", None),
            ("discover --wait never", None),
        ] {
            assert_eq!(discover(line).ok(), wanted, "{line}");
        }
    }

    #[test]
    fn waiting() {
        for (line, wanted) in [
            ("park", Waiting::ForTheBeginning),
            ("park --wait", Waiting::ForTheEnd),
            ("park --wait --no-wait", Waiting::ForTheBeginning),
            ("park --no-wait --wait", Waiting::ForTheEnd),
        ] {
            let Ok(Telescope::Park(arguments)) = parse(line) else { panic!("{line}") };
            // As for a program, since tests may run on a terminal.
            assert_eq!(arguments.waiting.wanted(Form::Json), wanted, "{line}");
        }
    }
}
