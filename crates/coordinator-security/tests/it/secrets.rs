//! No secret is in any event, state, health or shared answer, nor in any row, nor told twice.

use std::time::Duration;

use catalog::{
    Secret,
    security::{
        CertificateOrder, ChangePassword, ConfirmTotp, CreateKey, CreateUser, EnrolTotp, ExportAudit,
        ImportCertificate, IssueAccountCertificate, IssueNodeCertificate, Login, Me, Refresh, RequestCertificate,
        ResetPassword, SetUp,
    },
};
use vocabulary::Code;

use crate::{
    login::{login, session},
    people::{code, create},
    stand::{PASSWORD, Stand, until},
};

#[tokio::test]
async fn secrets_stay_secret() {
    let stand = Stand::start().await;
    let root = stand.client("root").await;
    let mut secrets: Vec<String> = vec![PASSWORD.to_owned(), stand.node.password.clone()];
    let mut keep = |secret: &Secret| secrets.push(secret.expose().to_owned());
    let made = root.ask(create("ann")).await.unwrap();
    let setup_secret = made.setup_secret.unwrap();
    keep(&setup_secret);
    let lobby = stand.client("lobby.ann").await;
    lobby
        .ask(SetUp { username: "ann".parse().unwrap(), setup_secret, new_password: Secret::new(PASSWORD) })
        .await
        .unwrap();
    let typo = "my secret in the name field".replace(' ', "-");
    lobby.code(Login { password: Secret::new("Capella-by-mistake"), ..login(&typo, "x") }).await;
    keep(&Secret::new("Capella-by-mistake"));
    let ann = session(&lobby, "ann").await;
    keep(&ann.token);
    keep(&ann.refresh_token);
    let second = lobby.ask(Refresh { refresh_token: ann.refresh_token }).await.unwrap();
    keep(&second.token);
    keep(&second.refresh_token);
    let acting = lobby.with(second.token.expose());
    let enrolment = acting.ask(EnrolTotp {}).await.unwrap();
    keep(&enrolment.secret);
    let codes = acting.ask(ConfirmTotp { code: code(&stand, &enrolment.secret, 0) }).await.unwrap();
    codes.recovery_codes.iter().for_each(&mut keep);
    let key =
        root.ask(CreateKey { name: "x".to_owned(), scopes: None, expires_at: None, user_id: None }).await.unwrap();
    keep(&key.key);
    root.with(key.key.expose()).ask(Me {}).await.unwrap();
    let reset = root.ask(ResetPassword { user_id: made.user.id }).await.unwrap();
    keep(&reset.setup_secret);
    let new = Secret::new("Betelgeuse is about to explode");
    keep(&new);
    root.ask(ChangePassword {
        old_password: Secret::new(PASSWORD),
        new_password: new,
        code: None,
        revoke_api_keys: false,
    })
    .await
    .unwrap();
    let node =
        IssueNodeCertificate { name: "n".parse().unwrap(), role: Some("telescope".parse().unwrap()), hosts: vec![] };
    keep(&middle(&root.ask(node).await.unwrap().private_key_pem));
    let account = root.ask(IssueAccountCertificate { username: "ann".parse().unwrap() }).await.unwrap();
    keep(&middle(&account.private_key_pem));
    let request = RequestCertificate {
        domain: "sky.example.org".to_owned(),
        email: None,
        order: CertificateOrder::Internal,
        sans: vec![],
    };
    root.ask(request).await.unwrap();
    let import = ImportCertificate {
        domain: "x.example.org".to_owned(),
        certificate_pem: "nonsense".to_owned(),
        private_key_pem: Secret::new(
            "-----BEGIN PRIVATE KEY-----\nTWVya3VyLCBWZW51cywgRXJkZSwgTWFycw==\n-----END PRIVATE KEY-----\n",
        ),
    };
    root.code(import).await;
    keep(&Secret::new("TWVya3VyLCBWZW51cywgRXJkZSwgTWFycw"));
    let hidden = secrets;

    root.ask(catalog::security::UnlockUser { user_id: root.ask(Me {}).await.unwrap().user.unwrap().id }).await.unwrap();
    let seen = || stand.published.lock().unwrap().iter().any(|(_, text)| text.contains("\"unlocked\""));
    until("the last event", || async { seen() }).await;
    let published = stand.published.lock().unwrap().clone();
    assert!(published.len() > 15, "{}", published.len());
    for (topic, text) in &published {
        for secret in &hidden {
            assert!(!text.contains(secret.as_str()), "{topic} has {secret}: {text}");
        }
        assert!(!text.contains(&typo), "{topic} has what was no account's name: {text}");
    }
    let trail = root.ask(ExportAudit::default()).await.unwrap();
    assert!(trail.rows > 5 && !trail.lines.contains(&typo), "nor is that in the trail, but counted");
    // What the database has, all of it as text.
    let file = stand.folder.path().join("backup");
    store::backup::backup(&stand.store.endpoint(), &file, stand.clock.now()).await.unwrap();
    let rows = String::from_utf8_lossy(&std::fs::read(&file).unwrap()).into_owned();
    assert!(rows.contains("security/user/password/reset") && rows.contains("$argon2id$"));
    for secret in &hidden {
        assert!(!rows.contains(secret.as_str()), "a row has {secret}");
    }
}

/// Some characters out of the middle of a PEM text.
fn middle(pem: &Secret) -> Secret {
    Secret::new(pem.expose().lines().nth(1).unwrap())
}

#[tokio::test]
async fn a_private_answer_is_given_once_and_to_its_asker_alone() {
    let stand = Stand::start().await;
    let root = stand.client("root").await;
    let make = || CreateUser { password: None, ..create("ann") };
    root.ask_under(Some("one-and-the-same"), make()).await.unwrap();
    let again = root.ask_under(Some("one-and-the-same"), make()).await.unwrap_err();
    assert_eq!(again.code, Code::Conflict);
    assert!(again.message.contains("answered privately"), "{again}");
    // Without a reply topic of its own it is refused, on the shared one.
    let mut shared = stand.watch(&catalog::topic::response("security/user/create")).await;
    let topic = catalog::topic::inbound("security/user/create");
    let payload = bytes::Bytes::from(serde_json::to_vec(&create("bob")).unwrap());
    root.bus
        .publish(bus::Outgoing { topic, payload, qos: catalog::Qos::AtLeastOnce, ..bus::Outgoing::default() })
        .await
        .unwrap();
    let answer = tokio::time::timeout(Duration::from_secs(30), shared.next()).await.unwrap().unwrap();
    let text = String::from_utf8_lossy(&answer.payload).into_owned();
    assert!(text.contains("answered privately") && text.contains("reply_to"), "{text}");
}
