//! `bigskies admin create`: the first administrator, made by who has the data folder.

use std::path::Path;

use bus::Credentials;
use catalog::{
    Secret,
    security::{Me, UpdateUser},
};
use clap::Args;
use vocabulary::{Code, Fault, ids::AccountName};

use crate::{
    data_folder::credentials_file,
    terminal::{
        client::{Client, ClientOptions},
        connected,
        identity::Identity,
        login::{self, Proof},
        output::{Ending, Output, remark},
        private_file,
        prompt::PasswordArgs,
    },
};

/// What there is of the first administrator.
#[derive(Debug, Args)]
#[command(after_help = "Example:\n  bigskies admin create ann --data-dir /var/lib/bigskies")]
pub(crate) struct Create {
    /// What the account is to be called.
    name: AccountName,
    /// Where its owner is reached.
    #[arg(long, value_name = "ADDRESS")]
    email: Option<String>,
    #[command(flatten)]
    password: PasswordArgs,
}

/// Makes the account and logs in.
pub(crate) async fn run(create: Create, options: &ClientOptions, out: &mut Output) -> Result<(), Ending> {
    let Create { name, email, password: source } = create;
    let data = options.data_folder();
    let node = node(&data)?;
    let client = Client::connect_as(options, Identity::of_file(node)).await?;
    let made = make(&client, &data, &name, source).await;
    client.close().await;
    let password = made.map_err(|fault| if fault.code == Code::Conflict { there_is_one(&name) } else { fault })?;
    remark(&format!("{name} is an administrator"));
    login::welcome(options, Proof { name, password, code: None, source }, out).await?;
    match email {
        Some(email) => connected(options, async |client| Ok(set_email(client, email).await?)).await,
        None => Ok(()),
    }
}

/// The observatory runs by now, so that a secret that is missing is missing for good.
async fn make(client: &Client, data: &Path, name: &AccountName, source: PasswordArgs) -> Result<Secret, Fault> {
    let setup_secret = setup_secret(data, name)?;
    login::set_up(client, name, setup_secret, source).await
}

async fn set_email(client: &Client, email: String) -> Result<(), Fault> {
    let me = client.ask(&Me {}).await?;
    let Some(user) = me.user else { return Err(Fault::internal(format!("account {} has no row", me.username))) };
    let update = UpdateUser {
        user_id: user.id,
        username: None,
        email: Some(email),
        enabled: None,
        organisation_id: None,
        leave_organisation: false,
    };
    client.ask(&update).await.map(|_| ())
}

/// What processes of the observatory in this data folder log in with.
pub(crate) fn node(data: &Path) -> Result<Credentials, Fault> {
    let file = credentials_file(data, "node");
    match file.try_exists() {
        Ok(false) => Err(Fault::not_found(format!("no observatory keeps its data in {}", data.display()))
            .hint("start one with `bigskies up`, or name its folder with --data-dir")),
        Ok(true) => Ok(Credentials::read(&file)?),
        Err(e) => Err(Fault::forbidden(format!("{} can't be looked at: {e}", file.display()))
            .hint("run this as the account that runs the observatory")),
    }
}

/// The secret that makes the first administrator, which is there while there is none.
fn setup_secret(data: &Path, name: &AccountName) -> Result<Secret, Fault> {
    let file = data.join("credentials/first-administrator");
    let text = private_file::read(&file)?.ok_or_else(|| there_is_one(name))?;
    Ok(Secret::new(text.trim()))
}

fn there_is_one(name: &AccountName) -> Fault {
    Fault::conflict("there is an administrator already")
        .hint(format!("who is one makes others: bigskies admin user create {name} --role administrator"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_the_data_folder_tells() {
        let folder = tempfile::tempdir().unwrap();
        let name = "ann".parse().unwrap();
        assert_eq!(node(folder.path()).unwrap_err().code, Code::NotFound);
        let fault = setup_secret(folder.path(), &name).unwrap_err();
        assert_eq!(fault.code, Code::Conflict);
        assert!(fault.hint.contains("bigskies admin user create ann --role administrator"), "{}", fault.hint);
        private_file::write(&folder.path().join("credentials/first-administrator"), b"bss_secret\n").unwrap();
        assert_eq!(setup_secret(folder.path(), &name).unwrap().expose(), "bss_secret");
    }
}
