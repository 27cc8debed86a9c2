//! The processes of an observatory, in groups: each group is started when the one before it is ready.

use std::fs;

use bus::{BrokerKind, Credentials};
use catalog::Owner;

use super::{NODE, Observatory};
use crate::{
    folder::write_private,
    plan::{Arrangement, Broker, Database, Simulator},
    process::Recipe,
};

impl Observatory {
    /// The node's login for another's broker, and the boot file.
    pub(super) fn write_files(&self) {
        if self.plan.broker == Broker::Mosquitto {
            // Our own broker makes the node's login by itself.
            let folder = self.data().join("credentials");
            fs::create_dir_all(&folder).unwrap_or_else(|e| panic!("{}: {e}", folder.display()));
            let node = NODE.parse().unwrap_or_else(|_| panic!("{NODE} is no account"));
            let made = Credentials::read_or_make(&folder.join("node.json"), node, BrokerKind::External);
            made.unwrap_or_else(|e| panic!("{e}"));
        }
        if self.plan.arrangement == Arrangement::Apart && self.plan.database == Database::Private {
            // The boot file of a site whose database is reached by its socket.
            let socket = self.data().join("database/sock");
            let text = format!(
                "database:\n  host: {}\n  port: 5432\n  database: bigskies\n  sslmode: disable\n",
                socket.display()
            );
            write_private(&self.folder.file("bootstrap.yaml"), &text);
        }
    }

    pub(super) fn recipes(&self) -> Vec<Vec<Recipe>> {
        let given = [
            self.mosquitto.as_ref().map(|mosquitto| mosquitto.recipe.clone()),
            self.given.as_ref().map(|given| given.recipe.clone()),
        ];
        let mut groups: Vec<Vec<Recipe>> = vec![given.into_iter().flatten().collect()];
        let apart = self.plan.arrangement == Arrangement::Apart;
        let simulated = match self.plan.simulator {
            Simulator::Off => false,
            Simulator::Within => apart,
            Simulator::Apart => true,
        };
        let mut first = Vec::new();
        if apart && self.plan.broker.is_embedded() {
            first.push(self.role("broker"));
        }
        if apart && self.plan.database == Database::Private {
            first.push(self.role("database"));
        }
        if simulated {
            first.push(self.role("simulator"));
        }
        groups.push(first);
        match self.plan.arrangement {
            Arrangement::OneProcess => groups.push(vec![self.up()]),
            Arrangement::Apart => {
                groups.push(Owner::ALL.iter().map(|owner| self.role(owner.name())).collect());
                groups.push(vec![self.role("gateway")]);
            }
        }
        groups
    }

    fn recipe(&self, name: &str, arguments: Vec<String>) -> Recipe {
        Recipe::new(name, self.binary.path(), arguments, self.folder.path())
    }

    fn up(&self) -> Recipe {
        let mut arguments = words(&["up"]);
        arguments.extend(self.data_folder());
        arguments.extend(self.log());
        if self.plan.broker.is_embedded() {
            arguments.extend(self.listeners());
        } else {
            arguments.extend(self.reach());
        }
        arguments.extend([flag("http"), self.places.http.to_string()]);
        // Whoever asks for gRPC says where; no two tests share a port.
        if !self.plan.arguments.iter().flatten().any(|argument| argument == "--grpc") {
            arguments.extend([flag("grpc"), "127.0.0.1:0".to_owned()]);
        }
        arguments.extend(self.telescope(self.plan.simulator == Simulator::Within));
        arguments.extend(self.given_url());
        arguments.extend(self.plan.arguments.iter().flatten().cloned());
        self.recipe("up", arguments)
    }

    fn role(&self, role: &str) -> Recipe {
        let mut arguments = words(&["run", role]);
        arguments.extend(self.data_folder());
        arguments.extend(self.log());
        match role {
            "broker" => arguments.extend(self.listeners()),
            "database" => {}
            "simulator" => arguments.extend(self.telescope(true)),
            "gateway" => {
                arguments.extend(self.reach());
                arguments.extend([flag("http"), self.places.http.to_string()]);
            }
            "bootstrap" => {
                arguments.extend(self.reach());
                arguments.extend(self.given_url());
                if self.plan.database == Database::Private {
                    let pgpass = self.data().join("pgpass").display().to_string();
                    let file = self.folder.file("bootstrap.yaml").display().to_string();
                    arguments.extend([flag("config"), file, flag("pgpass"), pgpass]);
                }
            }
            _ => arguments.extend(self.reach()),
        }
        self.recipe(role, arguments)
    }

    pub(super) fn terminal_recipe(&self, arguments: &[&str]) -> Recipe {
        let reach = [flag("broker"), self.places.mqtt.to_string()];
        let mut recipe = self.recipe("terminal", reach.into_iter().chain(words(arguments)).collect());
        let config = self.folder.file("config").display().to_string();
        recipe.environment.push(("XDG_CONFIG_HOME".to_owned(), config));
        recipe
    }

    fn data_folder(&self) -> [String; 2] {
        [flag("data-dir"), self.data().display().to_string()]
    }

    fn log(&self) -> [String; 2] {
        [flag("log-level"), self.plan.log_level.clone()]
    }

    fn listeners(&self) -> Vec<String> {
        let mut all = vec![flag("mqtt"), self.places.mqtt.to_string()];
        all.extend([flag("mqtt-ws"), self.places.websocket.to_string()]);
        if self.plan.tls {
            all.extend([flag("mqtts"), self.places.mqtts.to_string()]);
        }
        if self.plan.broker == Broker::EmbeddedOpen {
            all.push(flag("open"));
        }
        all
    }

    /// How a node reaches the broker.
    fn reach(&self) -> Vec<String> {
        let mut all = vec![flag("broker"), self.places.mqtt.to_string()];
        if self.plan.broker != Broker::EmbeddedOpen {
            let file = self.data().join("credentials").join("node.json");
            all.extend([flag("credentials"), file.display().to_string()]);
        }
        if self.plan.broker == Broker::EmbeddedOpen {
            all.push(flag("open"));
        }
        all
    }

    fn telescope(&self, here: bool) -> Vec<String> {
        if !here {
            return vec![flag("simulator"), "off".to_owned()];
        }
        let speed = self.plan.slew_degrees_per_second.to_string();
        let discovery = self.places.discovery_port.to_string();
        let simulator = self.places.simulator.to_string();
        vec![flag("simulator"), simulator, flag("simulator-discovery"), discovery, flag("simulator-speed"), speed]
    }

    fn given_url(&self) -> Vec<String> {
        self.database_url().into_iter().flat_map(|url| [flag("database"), url]).collect()
    }
}

fn words(all: &[&str]) -> Vec<String> {
    all.iter().map(|word| (*word).to_owned()).collect()
}

fn flag(name: &str) -> String {
    format!("--{name}")
}
