//! Who is asking: every row of the table of the bus contract, on our own broker, where a connection's login counts, and on Mosquitto, where
//! the token counts.

mod stand;

use serde_json::json;
use testkit::{Broker, Code};

use self::stand::{Place, Reply, Stand};

/// What a question comes to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Is {
    /// It is this account's.
    Of(&'static str),
    /// It is refused.
    No(Code),
}

const UNKNOWN: Is = Is::No(Code::Unauthenticated);
const REFUSED: Is = Is::No(Code::Forbidden);

/// The accounts of a question's connection and of its reply topic, the token that it brings, and whose it is then.
#[derive(Debug)]
struct Row(&'static str, &'static str, &'static str, Is, Is);

const ANN: Is = Is::Of("ann");
const WEATHER: Is = Is::Of("plugin.weather");
const TELESCOPE: Is = Is::Of("telescope-coordinator");

/// On our own broker, then on Mosquitto.
const ROWS: &[Row] = &[
    // A client with an account.
    Row("ann", "ann", "", ANN, UNKNOWN),
    // A client with a token of its own, and with another's.
    Row("ann", "ann", "ann's", ANN, ANN),
    Row("ann", "ann", "bob's", REFUSED, REFUSED),
    Row("ann", "ann", "weather's", REFUSED, REFUSED),
    Row("ann", "ann", "telescope's", REFUSED, REFUSED),
    Row("ann", "ann", "junk", UNKNOWN, UNKNOWN),
    Row("ann", "ann", "ended", UNKNOWN, UNKNOWN),
    // A face that acts for a user, and for itself.
    Row("gateway", "gateway", "ann's", ANN, ANN),
    Row("gateway", "gateway", "key", ANN, ANN),
    Row("gateway", "ann", "ann's", ANN, ANN),
    Row("gateway", "bob", "ann's", REFUSED, REFUSED),
    Row("gateway", "gateway", "junk", UNKNOWN, UNKNOWN),
    Row("gateway", "gateway", "", Is::Of("gateway"), UNKNOWN),
    // A plugin.
    Row("plugin.weather", "plugin.weather", "", WEATHER, UNKNOWN),
    Row("plugin.weather", "plugin.weather", "weather's", WEATHER, WEATHER),
    Row("plugin.weather", "plugin.weather", "ann's", REFUSED, REFUSED),
    // A coordinator, and a process that is none.
    Row("telescope-coordinator", "telescope-coordinator", "", TELESCOPE, UNKNOWN),
    Row("telescope-coordinator", "telescope-coordinator", "telescope's", TELESCOPE, TELESCOPE),
    Row("telescope-coordinator", "telescope-coordinator", "message's", REFUSED, REFUSED),
    Row("telescope-coordinator", "telescope-coordinator", "ann's", REFUSED, REFUSED),
    // An API key, as the connection's password and as a token.
    Row("key", "key", "", ANN, UNKNOWN),
    Row("key", "key", "key", ANN, ANN),
    Row("key", "key", "bob's", REFUSED, REFUSED),
    Row("ann", "ann", "key", ANN, ANN),
    Row("bob", "bob", "key", REFUSED, REFUSED),
    Row("ann", "ann", "taken back", UNKNOWN, UNKNOWN),
    // Who is to log in yet, before and after it.
    Row("lobby.ann", "lobby.ann", "", UNKNOWN, UNKNOWN),
    Row("lobby.ann", "lobby.ann", "ann's", ANN, ANN),
    Row("lobby.ann", "lobby.ann", "bob's", REFUSED, REFUSED),
    // Reply prefixes: another's, a face's that did not bring it, a key's, the lobby's.
    Row("ann", "bob", "ann's", REFUSED, REFUSED),
    Row("ann", "key", "ann's", REFUSED, REFUSED),
    Row("bob", "lobby.ann", "bob's", REFUSED, REFUSED),
];

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn on_the_embedded_broker() {
    table(Broker::Embedded).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn on_mosquitto() {
    table(Broker::Mosquitto).await;
}

async fn table(broker: Broker) {
    let mut stand = Stand::start(broker).await;
    let (mut asked, mut wrong) = (0, Vec::new());
    for row in ROWS {
        let Row(over, reply, token, embedded, mosquitto) = row;
        let wanted = if broker == Broker::Mosquitto { *mosquitto } else { *embedded };
        let places: &[Place] = if token.is_empty() { &[Place::Envelope] } else { &Place::ALL };
        for place in places {
            let answer = stand.ask(over, reply, token, *place, "security/user/me", &json!({})).await;
            let found = match &answer.refused {
                Some(code) => format!("No({code})"),
                None => format!("Of({})", answer.payload["username"].as_str().unwrap_or_default()),
            };
            let wanted_text = match wanted {
                Is::No(code) => format!("No({})", code.as_str()),
                Is::Of(account) => format!("Of({account})"),
            };
            // What is refused for who asks is told on the shared topic, since nobody is known to whom it could be told alone.
            let on = if answer.refused.is_some() { Reply::Shared } else { Reply::Own };
            if found != wanted_text || answer.on != on {
                wrong.push(format!("{row:?} {place:?}: {found} on {:?}, {}", answer.on, answer.payload));
            }
            asked += 1;
        }
    }
    println!("{broker:?}: {} rows, {asked} questions", ROWS.len());
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
    scopes(&mut stand).await;
    without_a_caller(&mut stand).await;
    passwords(&stand, broker).await;
}

/// A key does what its scopes leave of its user's rights, and no more.
async fn scopes(stand: &mut Stand) {
    for (token, name, payload, refused) in [
        ("ann's", "telescope/config/list", json!({}), false),
        ("reading key", "telescope/config/list", json!({}), false),
        ("ann's", "telescope/config/create", json!({"name": "by her"}), false),
        ("reading key", "telescope/config/create", json!({"name": "by the key"}), true),
    ] {
        let answer = stand.ask("ann", "ann", token, Place::Envelope, name, &payload).await;
        assert_eq!(answer.refused.as_deref(), refused.then_some("forbidden"), "{token} {name}: {}", answer.payload);
    }
}

/// Login, refresh, validation and logout are asked by nobody, and whatever token is brought with them does not matter.
async fn without_a_caller(stand: &mut Stand) {
    for (over, reply, token) in [
        ("lobby.ann", "lobby.ann", ""),
        ("lobby.ann", "lobby.ann", "junk"),
        ("ann", "ann", ""),
        ("gateway", "gateway", ""),
    ] {
        let login = json!({"username": "ann", "password": stand.password("ann")});
        let answer = stand.ask(over, reply, token, Place::Property, "security/auth/login", &login).await;
        assert_eq!((&answer.refused, answer.on), (&None, Reply::Own), "{over} {token}: {}", answer.payload);
        let refresh = json!({"refresh_token": answer.payload["refresh_token"]});
        let answer = stand.ask(over, reply, token, Place::Property, "security/auth/refresh", &refresh).await;
        assert_eq!((&answer.refused, answer.on), (&None, Reply::Own), "{over} {token}: {}", answer.payload);
        let its = json!({"token": answer.payload["token"]});
        for (name, field, wanted) in [
            ("security/auth/validate", "valid", true),
            ("security/auth/logout", "success", true),
            ("security/auth/validate", "valid", false),
        ] {
            let answer = stand.ask(over, reply, token, Place::Property, name, &its).await;
            assert_eq!(answer.payload[field], json!(wanted), "{over} {token} {name}: {}", answer.payload);
        }
    }
    // The answer goes to the user who is named, and to nobody else.
    let login = json!({"username": "ann", "password": stand.password("ann")});
    let answer = stand.ask("bob", "bob", "", Place::Envelope, "security/auth/login", &login).await;
    let is_embedded = stand.is_embedded();
    // Our own broker's stamp says that it is bob who reads there, and he knows the password.
    assert_eq!(answer.refused.is_none(), is_embedded, "{}", answer.payload);
    let answer = stand.ask("ann", "bob", "", Place::Envelope, "security/auth/login", &login).await;
    assert_eq!((answer.refused.as_deref(), answer.on), (Some("forbidden"), Reply::Shared), "{}", answer.payload);
    // Without a reply topic of one's own there is none.
    let answer = stand.ask("ann", "", "", Place::Envelope, "security/auth/login", &login).await;
    assert_eq!((answer.refused.as_deref(), answer.on), (Some("invalid"), Reply::Shared), "{}", answer.payload);
}

/// What is taken for a password at the door.
async fn passwords(stand: &Stand, broker: Broker) {
    let is_embedded = broker.is_embedded();
    for (name, secret, let_in) in [
        ("ann", "ann's", is_embedded),
        ("ann", "key", is_embedded),
        ("ann", "bob's", false),
        ("bob", "key", false),
        ("ann", "taken back", false),
        ("ann", "junk", false),
        ("ann", "ended", false),
        ("telescope-coordinator", "telescope's", false),
        ("gateway", "ann's", false),
        ("nobody", "junk", false),
    ] {
        assert_eq!(stand.is_let_in(name, secret).await, let_in, "{name} with {secret}");
    }
}

/// Where everybody is let in, everybody is the operator, whatever they say.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn on_an_open_broker() {
    let observatory = testkit::Observatory::with(Broker::EmbeddedOpen, testkit::Database::Private).start().await;
    let bus = observatory.client("anybody").await;
    for token in [None, Some("junk".to_owned())] {
        let how = testkit::Ask { token: token.clone(), ..testkit::Ask::default() };
        let me = crate::stand::ask(&bus, "security/user/me", json!({}), how).await.unwrap();
        assert_eq!((&me["username"], &me["is_administrator"]), (&json!("operator"), &json!(true)), "{token:?} {me:?}");
    }
    let made = json!({"username": "ann", "password": "ann counts the stars"});
    crate::stand::good(&bus, "security/user/create", made).await;
}
