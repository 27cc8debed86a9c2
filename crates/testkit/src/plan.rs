//! What an observatory shall be: which broker, which database, which processes.

/// Which broker.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Broker {
    /// Ours.
    Embedded,
    /// Ours, where everybody is let in without a login.
    EmbeddedOpen,
    /// Mosquitto.
    Mosquitto,
}

impl Broker {
    /// Whether it is ours.
    pub const fn is_embedded(self) -> bool {
        matches!(self, Self::Embedded | Self::EmbeddedOpen)
    }
}

/// Which database.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Database {
    /// The observatory's own.
    Private,
    /// One that is given by a URL, with a password.
    Given,
}

/// Which processes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Arrangement {
    /// `bigskies up`.
    OneProcess,
    /// `bigskies run ROLE`, a process for each role.
    Apart,
}

/// Where the simulated telescope is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Simulator {
    /// In the process of the others, unless these are apart.
    Within,
    /// In a process of its own, so that its record of effects survives what happens to the others.
    Apart,
    /// Nowhere.
    Off,
}

/// What an observatory shall be.
#[derive(Debug, Clone)]
pub struct Plan {
    pub(crate) broker: Broker,
    pub(crate) database: Database,
    pub(crate) arrangement: Arrangement,
    pub(crate) simulator: Simulator,
    pub(crate) slew_degrees_per_second: f64,
    pub(crate) log_level: String,
    pub(crate) arguments: Vec<[String; 2]>,
    pub(crate) tls: bool,
}

impl Plan {
    /// The same, with other processes.
    #[must_use]
    pub const fn arrangement(mut self, arrangement: Arrangement) -> Self {
        self.arrangement = arrangement;
        self
    }

    /// The same, with the simulated telescope elsewhere.
    #[must_use]
    pub const fn simulator(mut self, simulator: Simulator) -> Self {
        self.simulator = simulator;
        self
    }

    /// The same, with a telescope of another speed. The default, 60° a second, is quick and still seen to move.
    #[must_use]
    pub const fn slewing_at(mut self, degrees_per_second: f64) -> Self {
        self.slew_degrees_per_second = degrees_per_second;
        self
    }

    /// The same, with MQTT over TLS beside plain MQTT; on a broker of ours.
    #[must_use]
    pub const fn tls(mut self) -> Self {
        self.tls = true;
        self
    }

    /// The same, logging more or less.
    #[must_use]
    pub fn log_level(mut self, level: &str) -> Self {
        level.clone_into(&mut self.log_level);
        self
    }

    /// The same, where `bigskies up` is told one thing more: `--NAME VALUE`.
    #[must_use]
    pub fn argument(mut self, name: &str, value: &str) -> Self {
        self.arguments.push([format!("--{name}"), value.to_owned()]);
        self
    }
}
