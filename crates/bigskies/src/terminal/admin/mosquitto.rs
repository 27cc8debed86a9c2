//! `bigskies admin mosquitto`: the accounts and topic rights of the observatory on Eclipse Mosquitto.

use bus::{BrokerKind, Credentials};
use clap::{Args, Subcommand};
use coordinator_security::mosquitto::{Summary, set_up};
use serde_json::json;
use vocabulary::{Fault, ids::AccountName};

use crate::{
    house::node::node,
    terminal::{
        admin::create,
        client::{Client, ClientOptions},
        identity::Identity,
        output::{Ending, Output, remark},
        prompt::PasswordArgs,
    },
};

/// What to do on Mosquitto.
#[derive(Debug, Subcommand)]
pub(crate) enum Mosquitto {
    /// Make, or bring up to date, the accounts of coordinators and faces, through Mosquitto's dynamic-security plugin. Their passwords
    /// derive from the node's: of the file named with --credentials, which is made if it is not there, else of the data folder.
    Setup(SetupArgs),
}

/// By whom.
#[derive(Debug, Args)]
#[command(
    after_help = "Example:\n  bigskies admin mosquitto setup --broker mqtt.example.org:1883 --admin admin --credentials node.json"
)]
pub(crate) struct SetupArgs {
    /// The account that administers the plugin, as `mosquitto_ctrl dynsec init` made it.
    #[arg(long, value_name = "NAME")]
    admin: AccountName,
    #[command(flatten)]
    password: PasswordArgs,
}

/// Does it.
pub(crate) async fn run(mosquitto: Mosquitto, options: &ClientOptions, out: &mut Output) -> Result<(), Ending> {
    let Mosquitto::Setup(SetupArgs { admin, password: source }) = mosquitto;
    let node = node_credentials(options)?;
    let password = source.password(format!("password of {admin} on {}", options.address()?)).await?;
    let login = Credentials { account: admin, password: password.expose().to_owned(), broker: BrokerKind::External };
    let client = Client::connect_as(options, Identity::of_file(login)).await?;
    let summary = set_up(client.bus(), &node).await;
    client.close().await;
    show(&summary?, out)
}

fn node_credentials(options: &ClientOptions) -> Result<Credentials, Fault> {
    let credentials = match &options.credentials {
        Some(file) => Credentials::read_or_make(file, node(), BrokerKind::External)?,
        None => create::node(&options.data_folder())?,
    };
    match credentials.broker {
        BrokerKind::External => Ok(credentials),
        BrokerKind::Embedded => Err(Fault::invalid("the node's credentials are for the broker that is built in")
            .hint("name a file for this one with --credentials; it is made if it is not there")),
    }
}

fn show(summary: &Summary, out: &mut Output) -> Result<(), Ending> {
    let Summary { made, changed, removed, strangers, commands } = summary;
    for stranger in strangers {
        remark(&format!("warning: client {stranger} was made by somebody else and is left alone"));
    }
    let result =
        json!({ "made": made, "changed": changed, "removed": removed, "strangers": strangers, "commands": commands });
    out.show(&result, |_| {
        let line = |word: &str, names: &[String]| (!names.is_empty()).then(|| format!("{word}: {}", names.join(", ")));
        let lines = [line("made", made), line("changed", changed), line("removed", removed)];
        let lines: Vec<String> = lines.into_iter().flatten().collect();
        if lines.is_empty() { "everything is as it should be".to_owned() } else { lines.join("\n") }
    })
}

#[cfg(test)]
mod tests {
    use vocabulary::Code;

    use super::*;

    #[test]
    fn the_node_has_credentials_for_this_broker() {
        let folder = tempfile::tempdir().unwrap();
        let of = |file: &str| ClientOptions {
            broker: None,
            credentials: Some(folder.path().join(file)),
            data_dir: None,
            trust: crate::house::trust::TrustOptions::default(),
            json: true,
            limit: None,
        };
        let made = node_credentials(&of("node.json")).unwrap();
        assert_eq!((made.account.as_str(), made.broker), ("node", BrokerKind::External));
        assert_eq!(node_credentials(&of("node.json")).unwrap(), made, "it is kept");
        let built_in = folder.path().join("embedded.json");
        Credentials::read_or_make(&built_in, node(), BrokerKind::Embedded).unwrap();
        assert_eq!(node_credentials(&of("embedded.json")).unwrap_err().code, Code::Invalid);
    }
}
