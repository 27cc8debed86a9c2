//! `bigskies admin node`: what processes of the observatory log in with.

use std::path::PathBuf;

use catalog::{Face, Owner, Party};
use clap::{Args, Subcommand};
use vocabulary::{Fault, ids::AccountName};

use crate::terminal::{
    admin::create,
    client::ClientOptions,
    nearest::nearest,
    output::{Ending, Output},
};

/// What to do for processes.
#[derive(Debug, Subcommand)]
pub(crate) enum Node {
    /// Make the credentials of one role, for a machine that is to have no others. Needs the data folder, and no connection.
    Credentials(CredentialsArgs),
}

/// Of which role.
#[derive(Debug, Args)]
#[command(after_help = "Example:\n  bigskies admin node credentials telescope --out telescope.json")]
pub(crate) struct CredentialsArgs {
    /// The role: a coordinator or a face, such as telescope or gateway.
    role: String,
    /// Write them to this file; to standard output where nothing is said.
    #[arg(long, value_name = "FILE")]
    out: Option<PathBuf>,
}

/// Does it.
pub(crate) fn run(node: Node, options: &ClientOptions, out: &mut Output) -> Result<(), Ending> {
    let Node::Credentials(CredentialsArgs { role, out: file }) = node;
    let account = account(&role)?;
    let node = match &options.credentials {
        Some(named) => bus::Credentials::read(named).map_err(Fault::from)?,
        None => create::node(&options.data_folder())?,
    };
    let credentials = node.for_role(&account)?;
    match file {
        Some(file) => {
            credentials.write(&file).map_err(Fault::from)?;
            let result = serde_json::json!({ "account": account, "file": file });
            out.show(&result, |_| format!("{} holds the credentials of {account}", file.display()))
        }
        None => {
            let text = serde_json::to_string(&credentials)?;
            out.show_secret(&credentials, &format!("credentials of {account}, for a file with mode 600:"), &text)
        }
    }
}

/// The account of a role, by the name of the role or of the account.
fn account(role: &str) -> Result<AccountName, Fault> {
    let parties: Vec<Party> =
        Owner::ALL.into_iter().map(Party::Coordinator).chain(Face::ALL.into_iter().map(Party::Face)).collect();
    let accounts: Vec<AccountName> = parties.iter().filter_map(|party| party.account().ok()).collect();
    let short = |account: &AccountName| account.as_str().trim_end_matches("-coordinator").to_owned();
    let named = |account: &&AccountName| account.as_str() == role || short(account) == role;
    accounts.iter().find(named).cloned().ok_or_else(|| {
        let names: Vec<String> = accounts.iter().map(short).collect();
        let meant = nearest(role, names.iter().map(String::as_str)).map(|name| format!("did you mean {name}? "));
        Fault::not_found(format!("no role is called {role:?}")).hint(format!(
            "{}roles are {}",
            meant.unwrap_or_default(),
            names.join(", ")
        ))
    })
}

#[cfg(test)]
mod tests {
    use bus::{BrokerKind, Credentials};

    use super::*;
    use crate::{data_folder::credentials_file, terminal::output::Form};

    #[test]
    fn roles_have_accounts() {
        for (role, wanted) in [
            ("telescope", Some("telescope-coordinator")),
            ("telescope-coordinator", Some("telescope-coordinator")),
            ("gateway", Some("gateway")),
            ("node", None),
            ("telescop", None),
        ] {
            assert_eq!(account(role).ok().as_ref().map(AccountName::as_str), wanted, "{role}");
        }
        assert!(account("telescop").unwrap_err().hint.starts_with("did you mean telescope?"));
    }

    #[test]
    fn a_role_gets_a_file_of_its_own() {
        let folder = tempfile::tempdir().unwrap();
        std::fs::create_dir(folder.path().join("credentials")).unwrap();
        let node = credentials_file(folder.path(), "node");
        let made = Credentials::read_or_make(&node, "node".parse().unwrap(), BrokerKind::Embedded).unwrap();
        let file = folder.path().join("telescope.json");
        let options = ClientOptions {
            broker: None,
            credentials: None,
            data_dir: Some(folder.path().to_owned()),
            trust: crate::house::trust::TrustOptions::default(),
            json: true,
            limit: None,
        };
        let node = Node::Credentials(CredentialsArgs { role: "telescope".to_owned(), out: Some(file.clone()) });
        run(node, &options, &mut Output::new(Form::Json)).unwrap();
        let written = Credentials::read(&file).unwrap();
        assert_eq!(written, made.for_role(&"telescope-coordinator".parse().unwrap()).unwrap());
        assert_ne!(written.password, made.password);
    }
}
