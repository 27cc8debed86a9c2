//! The first administrator: a file with a secret, for as long as there is none.

use std::{fs, os::unix::fs::PermissionsExt};

use catalog::{
    Secret,
    security::{CreateUser, Me, SetUp, UserCreated},
};
use vocabulary::Code;

use crate::{
    login::session,
    people::create,
    stand::{PASSWORD, Stand, next},
};

#[tokio::test]
async fn who_has_the_machine_makes_the_first_administrator() {
    let mut stand = Stand::without_administrator().await;
    stand.run().await;
    let path = stand.first_secret();
    assert_eq!(fs::metadata(&path).unwrap().permissions().mode() & 0o777, 0o600);
    let read = || fs::read_to_string(&path).unwrap().trim().to_owned();
    let old = read();
    // A start writes another one, and the old one ends.
    stand.end().await;
    stand.run().await;
    let secret = read();
    assert_ne!(secret, old);
    let node = stand.client("node").await;
    let set_up = |name: &str, secret: &str, password: &str| SetUp {
        username: name.parse().unwrap(),
        setup_secret: Secret::new(secret),
        new_password: Secret::new(password),
    };
    for (what, name, secret, password, code) in [
        ("old", "ann", old.as_str(), PASSWORD, Code::Unauthenticated),
        ("wrong", "ann", "bss_nonsense", PASSWORD, Code::Unauthenticated),
        ("a process's name", "node", &secret, PASSWORD, Code::Invalid),
        ("a bad password", "ann", &secret, "password", Code::Invalid),
    ] {
        assert_eq!(node.code(set_up(name, secret, password)).await, Some(code), "{what}");
    }
    let mut made = stand.events::<UserCreated>().await;
    node.ask(set_up("ann", &secret, PASSWORD)).await.unwrap();
    let event: UserCreated = next(&mut made).await;
    assert_eq!((event.user.username.as_str(), event.changed_by), ("ann", None));
    assert!(!path.exists());
    let ann = stand.client("ann").await;
    assert!(ann.ask(Me {}).await.unwrap().is_administrator);
    assert!(!session(&stand.client("lobby.ann").await, "ann").await.must_change_password);
    assert_eq!(node.code(set_up("eve", &secret, PASSWORD)).await, Some(Code::Unauthenticated), "once");
    // The next start writes none.
    stand.end().await;
    stand.run().await;
    assert!(!path.exists());
    ann.ask(CreateUser { password: Some(Secret::new(PASSWORD)), ..create("bob") }).await.unwrap();
}

#[tokio::test]
async fn a_file_of_before_is_removed() {
    let mut stand = Stand::without_administrator().await;
    stand.user_with("root", &["administrator"]).await;
    fs::write(stand.first_secret(), "bss_old").unwrap();
    stand.run().await;
    assert!(!stand.first_secret().exists());
}
