//! Mosquitto with a login and rules for topics: in files where it runs alone, with its dynamic-security plugin below an observatory.

use std::{fs, net::SocketAddr, path::Path, process::Command};

use catalog::{Owner, topic};

use crate::{
    Outcome,
    client::Entrance,
    process::Process,
    server::{Places, ROLE, Server, free_addresses, listening, text},
};

/// Who commands the plugin, and the password of everybody here.
const ADMINISTRATOR: &str = "dynsec";
const PASSWORD: &str = "ffffffffffffffffffffffffffffffffffffffffffffffff";
/// Where Debian and others put the plugin.
const PLUGINS: [&str; 4] = [
    "/usr/lib/x86_64-linux-gnu/mosquitto_dynamic_security.so",
    "/usr/lib/aarch64-linux-gnu/mosquitto_dynamic_security.so",
    "/usr/lib/mosquitto_dynamic_security.so",
    "/usr/local/lib/mosquitto_dynamic_security.so",
];

impl Places {
    /// Starts one that knows one account, and the topics that a coordinator publishes and reads.
    pub(crate) fn mosquitto_alone(&self) -> Outcome<Server> {
        let folder = self.fresh("mosquitto")?;
        let (passwords, rules) = (folder.join("passwords"), folder.join("rules"));
        run("mosquitto_passwd", &["-b", "-c", &text(&passwords), ROLE, PASSWORD])?;
        fs::write(&rules, rules_of_role())?;
        let lines = [format!("password_file {}", text(&passwords)), format!("acl_file {}", text(&rules))];
        self.mosquitto_with(&folder, &lines, ROLE)
    }

    /// Starts one that lets nobody in but who administers its accounts.
    pub(crate) fn mosquitto_for_observatory(&self) -> Outcome<Server> {
        let folder = self.fresh("mosquitto-for-observatory")?;
        let accounts = folder.join("accounts.json");
        run("mosquitto_ctrl", &["dynsec", "init", &text(&accounts), ADMINISTRATOR, PASSWORD])?;
        let plugin = PLUGINS.into_iter().find(|path| Path::new(path).is_file());
        let plugin =
            plugin.ok_or("mosquitto has no dynamic-security plugin here; on Debian: apt-get install mosquitto")?;
        let lines = [format!("plugin {plugin}"), format!("plugin_opt_config_file {}", text(&accounts))];
        self.mosquitto_with(&folder, &lines, ADMINISTRATOR)
    }

    /// Starts one with the bounds that ours has.
    fn mosquitto_with(&self, folder: &Path, who_and_what: &[String], account: &str) -> Outcome<Server> {
        let [address] = free_addresses()?;
        let configuration = folder.join("mosquitto.conf");
        fs::write(&configuration, lines(address, who_and_what))?;
        let arguments = ["-c".to_owned(), text(&configuration)];
        let process = Process::start(self.mosquitto(), &arguments, &folder.join("log"))?;
        listening(&process, address)?;
        let (account, password) = (account.to_owned(), Some(PASSWORD.to_owned()));
        Ok(Server { process, entrance: Entrance { address, account, password, token: None } })
    }
}

fn lines(address: SocketAddr, who_and_what: &[String]) -> String {
    let bounds = [
        "allow_anonymous false",
        "set_tcp_nodelay true",
        "max_inflight_messages 64",
        "max_queued_messages 10000",
        // Started by root it would become a user who may not read these files; started by others it ignores this.
        "user root",
    ];
    let listener = format!("listener {} {}", address.port(), address.ip());
    let all = [&[listener][..], who_and_what, &bounds.map(str::to_owned)].concat();
    all.join("\n") + "\n"
}

/// What the coordinator of telescopes publishes as its own and what it reads of others, as ours has it. The commands that it may send
/// are left out: ours finds those in one step, Mosquitto would look at one after the other.
fn rules_of_role() -> String {
    let own = Owner::Telescope;
    let writes = [topic::states_of(own), topic::events_of(own), topic::responses_of(own), topic::health(own)];
    let reads = [topic::EVERY_STATE, topic::EVERY_EVENT, topic::EVERY_HEALTH].map(str::to_owned);
    let rules =
        writes.into_iter().map(|filter| ("write", filter)).chain(reads.into_iter().map(|filter| ("read", filter)));
    let lines = rules.map(|(access, filter)| format!("topic {access} {filter}\n"));
    format!("user {ROLE}\n{}", lines.collect::<String>())
}

fn run(program: &str, arguments: &[&str]) -> Outcome<()> {
    let ended = Command::new(program).args(arguments).output().map_err(|error| format!("{program}: {error}"))?;
    if ended.status.success() {
        return Ok(());
    }
    Err(format!("{program}: {}", String::from_utf8_lossy(&ended.stderr)).into())
}
