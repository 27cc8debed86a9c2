//! `bigskies admin totp`: the second factor of one's own account.

use catalog::{
    Done, Secret,
    security::{ConfirmTotp, EnrolTotp, RemoveTotp, TotpEnrolment},
};
use clap::Subcommand;
use qrcode::{QrCode, render::unicode::Dense1x2};
use vocabulary::Fault;

use crate::terminal::{
    admin::named,
    client::Client,
    output::{Ending, Output, is_terminal},
};

/// What to do with a second factor.
#[derive(Debug, Subcommand)]
pub(crate) enum Totp {
    /// Make a second factor. It counts once it is confirmed.
    #[command(after_help = "Example:\n  bigskies admin totp enrol", visible_alias = "enroll")]
    Enrol,
    /// Show that the authenticator has it. From then on it counts; recovery codes are shown once.
    #[command(after_help = "Example:\n  bigskies admin totp confirm 123456")]
    Confirm {
        /// The six digits that the authenticator shows.
        code: String,
    },
    /// Take a second factor away.
    #[command(after_help = "Example:\n  bigskies admin totp remove --code 123456")]
    Remove {
        /// Whose, by name or id; one's own where nothing is said.
        #[arg(long, value_name = "USER")]
        user: Option<String>,
        /// The six digits of the authenticator, or a recovery code, where it is one's own.
        #[arg(long, value_name = "CODE", required_unless_present = "user")]
        code: Option<String>,
        /// Revoke the account's API keys as well; of one's own, this terminal's login is among them.
        #[arg(long)]
        revoke_api_keys: bool,
    },
}

/// Does it.
pub(crate) async fn run(totp: Totp, client: &Client, out: &mut Output) -> Result<(), Ending> {
    match totp {
        Totp::Enrol => {
            let reply = client.ask(&EnrolTotp {}).await?;
            let sentence = "scan this with an authenticator, or give it the address; \
                            then `bigskies admin totp confirm CODE` puts it into effect:";
            out.show_secret(&reply, sentence, &words(&reply)?)
        }
        Totp::Confirm { code } => {
            let reply = client.ask(&ConfirmTotp { code: Secret::new(code) }).await?;
            let codes: Vec<&str> = reply.recovery_codes.iter().map(Secret::expose).collect();
            let sentence = "the second factor counts; keep these recovery codes, each of which stands for it once:";
            out.show_secret(&reply, sentence, &codes.join("\n"))
        }
        Totp::Remove { user, code, revoke_api_keys } => {
            let user_id = named::user_id(client, user.as_deref()).await?;
            let removal = RemoveTotp { user_id, code: code.map(Secret::new), revoke_api_keys };
            let reply: Done = tokio::select! {
                answer = client.ask(&removal) => answer?,
                // The key that the terminal is logged in with may end before the answer comes.
                () = client.refused() => Done {},
            };
            out.show(&reply, |_| "the second factor is removed".to_owned())
        }
    }
}

/// The address of a second factor; on a terminal with the picture of it.
fn words(enrolment: &TotpEnrolment) -> Result<String, Fault> {
    let uri = enrolment.otpauth_uri.expose();
    if is_terminal() { Ok(format!("{}\n{uri}", picture(uri)?)) } else { Ok(uri.to_owned()) }
}

/// A QR code (ISO/IEC 18004) of half blocks, light on dark as terminals mostly are.
fn picture(text: &str) -> Result<String, Fault> {
    let code = QrCode::new(text).map_err(|e| Fault::internal(format!("QR code can't be made: {e}")))?;
    Ok(code.render::<Dense1x2>().dark_color(Dense1x2::Light).light_color(Dense1x2::Dark).build())
}

#[cfg(test)]
mod tests {
    use catalog::Shape as _;

    use super::*;

    #[test]
    fn pictures_are_square() {
        let enrolment = TotpEnrolment::example();
        let picture = picture(enrolment.otpauth_uri.expose()).unwrap();
        let rows: Vec<usize> = picture.lines().map(|line| line.chars().count()).collect();
        let first = rows.first().copied().unwrap();
        assert!(rows.iter().all(|row| *row == first), "{picture}");
        assert_eq!(first.div_ceil(2), rows.len(), "two rows stand in a line\n{picture}");
    }
}
