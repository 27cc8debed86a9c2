//! `bigskies admin …`, `login`, `logout` and `whoami`, as the administrator and the people of an observatory use them, on our own broker
//! and on Mosquitto.

use std::{fs, time::SystemTime};

use serde_json::{Value, json};
use testkit::{Broker, Code, Database, Observatory, Terminal};

const UNAUTHENTICATED: Code = Code::Unauthenticated;

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn roles_groups_and_organisations() {
    on(Broker::Embedded, roles_groups_organisations).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn roles_groups_and_organisations_on_mosquitto() {
    on(Broker::Mosquitto, roles_groups_organisations).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn people() {
    on(Broker::Embedded, people_come_and_go).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn people_on_mosquitto() {
    on(Broker::Mosquitto, people_come_and_go).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn second_factors() {
    on(Broker::Embedded, a_second_factor).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn second_factors_on_mosquitto() {
    on(Broker::Mosquitto, a_second_factor).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn certificates() {
    on(Broker::Embedded, certificates_come_and_go).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn certificates_on_mosquitto() {
    on(Broker::Mosquitto, certificates_come_and_go).await;
}

async fn on(broker: Broker, story: impl AsyncFn(&mut Stage)) {
    let mut stage = Stage(Observatory::with(broker, Database::Private).start().await);
    story(&mut stage).await;
}

/// An observatory with terminals.
struct Stage(Observatory);

impl Stage {
    /// A line of somebody at a terminal; of the administrator where nobody is named. A space within a word is written `~`.
    async fn line(&self, who: &str, line: &str, answers: &[&str]) -> Terminal {
        let words: Vec<String> = line.split(' ').map(|word| word.replace('~', " ")).collect();
        let words: Vec<&str> = words.iter().map(String::as_str).collect();
        self.0.terminal_of(who, &words, &answers.join("\n")).await
    }

    /// One that works, and its result.
    async fn good(&self, who: &str, line: &str, answers: &[&str]) -> Value {
        let done = self.line(who, &format!("--json {line}"), answers).await;
        assert_eq!(done.code, Some(0), "{who}: {line}: {done:?}\n{}", self.0.last_words());
        done.json().pop().unwrap_or_default()
    }

    /// One that the administrator sends.
    async fn done(&self, line: &str) -> Value {
        self.good("", line, &[]).await
    }

    /// One that does not work, and says why and what to do.
    async fn refused(&self, who: &str, line: &str, answers: &[&str], code: Code) {
        let done = self.line(who, line, answers).await;
        assert_eq!(done.code, Some(i32::from(code.exit_code())), "{who}: {line}: {done:?}");
        assert!(done.stderr.contains("error: "), "{who}: {line}: {done:?}");
    }

    /// What somebody sees who asks who they are.
    async fn me(&self, who: &str) -> Value {
        self.good(who, "whoami", &[]).await
    }

    async fn login(&self, who: &str, password: &str) {
        self.good(who, &format!("login {who} --password-stdin"), &[password]).await;
    }
}

/// The names in a list.
fn names(list: &Value, field: &str) -> Vec<String> {
    let all = list[field].as_array().unwrap_or_else(|| panic!("no {field} in {list}"));
    let name = |one: &Value| one["name"].as_str().or(one["username"].as_str()).unwrap_or_default().to_owned();
    all.iter().map(name).collect()
}

fn text<'a>(value: &'a Value, field: &str) -> &'a str {
    value[field].as_str().unwrap_or_else(|| panic!("no {field} in {value}"))
}

async fn roles_groups_organisations(stage: &mut Stage) {
    stage.good("", "admin user create ann --password-stdin", &["ann counts the stars"]).await;
    stage.login("ann", "ann counts the stars").await;
    assert_eq!(stage.me("ann").await["permissions"], json!([]));

    stage.done("admin role create photographer --description Takes~images.").await;
    let role = stage.done("admin role update photographer --name imager --description Takes~more~images.").await;
    assert_eq!((text(&role["role"], "name"), text(&role["role"], "description")), ("imager", "Takes more images."));
    stage.refused("", "admin role create imager", &[], Code::Conflict).await;
    stage.done("admin permission grant telescope:read --role imager").await;
    stage.done("admin role assign imager ann").await;
    stage.done("admin role assign observer ann").await;
    assert_eq!(names(&stage.done("admin role list --user ann").await, "roles"), ["imager", "observer"]);
    assert!(stage.line("", "admin role show imager", &[]).await.stdout.contains("telescope:read"));
    let me = stage.me("ann").await;
    assert_eq!(me["roles"], json!(["imager", "observer"]), "{me}");
    stage.good("ann", "telescope list", &[]).await;
    stage.refused("ann", "admin role delete imager", &[], Code::Forbidden).await;
    stage.done("admin role remove imager ann").await;
    stage.done("admin role delete imager").await;
    assert!(!names(&stage.done("admin role list").await, "roles").contains(&"imager".to_owned()));
    stage.refused("", "admin role show imager", &[], Code::NotFound).await;
    stage.refused("", "admin role delete administrator", &[], Code::Conflict).await;

    stage.done("admin organisation create Hill~Observatory --description On~the~hill.").await;
    let hill = stage.done("admin organisation update Hill~Observatory --name Hill~and~Valley").await;
    assert_eq!(text(&hill["organisation"], "description"), "On the hill.");
    let shown = stage.done("admin organisation show Hill~and~Valley").await;
    assert_eq!(text(&shown["organisation"], "name"), "Hill and Valley");
    stage.done("admin user update ann --organisation Hill~and~Valley").await;

    stage.done("admin group create north-dome --organisation Hill~and~Valley").await;
    let group = stage.done("admin group update north-dome --name north --leave-organisation --description All.").await;
    assert_eq!((text(&group["group"], "name"), &group["group"]["organisation_id"]), ("north", &Value::Null));
    stage.done("admin group add north ann").await;
    assert_eq!(names(&stage.done("admin group list --user ann").await, "groups"), ["north"]);
    let members = stage.done("admin user list --group north").await;
    assert_eq!(names(&members, "users"), ["ann"]);
    stage.done("admin group remove north ann").await;
    assert_eq!(names(&stage.done("admin group list --user ann").await, "groups"), Vec::<String>::new());
    stage.done("admin group delete north").await;
    stage.refused("", "admin group show north", &[], Code::NotFound).await;

    stage.refused("", "admin organisation delete Hill~and~Valley", &[], Code::Conflict).await;
    let ann = stage.done("admin user update ann --leave-organisation --email ann@example.org").await;
    assert_eq!((&ann["user"]["organisation_id"], text(&ann["user"], "email")), (&Value::Null, "ann@example.org"));
    stage.done("admin organisation delete Hill~and~Valley").await;
    assert_eq!(names(&stage.done("admin organisation list").await, "organisations"), Vec::<String>::new());
}

async fn people_come_and_go(stage: &mut Stage) {
    // With a one-time secret, which is good once.
    let made = stage.done("admin user create ann --role observer").await;
    let secret = text(&made, "setup_secret").to_owned();
    stage.good("ann", "login ann --setup --password-stdin", &[&secret, "ann counts the stars"]).await;
    assert_eq!(text(&stage.me("ann").await, "username"), "ann");
    stage
        .refused("bob", "login ann --setup --password-stdin", &[&secret, "bob counts the stars"], UNAUTHENTICATED)
        .await;
    stage.refused("ann", "admin user list", &[], Code::Forbidden).await;

    // Its name stays for ever, since the audit trail has it.
    let ann = stage.done("admin user update ann --email ann@example.org").await;
    assert_eq!((text(&ann["user"], "username"), text(&ann["user"], "email")), ("ann", "ann@example.org"));
    assert_eq!(text(&stage.me("ann").await["user"], "email"), "ann@example.org");

    // Disabled, and enabled again.
    stage.done("admin user disable ann").await;
    stage.refused("ann", "whoami", &[], UNAUTHENTICATED).await;
    stage.refused("ann", "login ann --password-stdin", &["ann counts the stars"], UNAUTHENTICATED).await;
    assert_eq!(names(&stage.done("admin user list --disabled").await, "users"), ["ann"]);
    stage.done("admin user enable ann").await;
    stage.login("ann", "ann counts the stars").await;

    // Locked after failures, and unlocked.
    let wrong = json!({"username": "ann", "password": "not hers"}).to_string();
    for _ in 0..6 {
        let done = stage.0.terminal(&["send", "security/auth/login", &wrong]).await;
        assert_eq!(done.code, Some(i32::from(UNAUTHENTICATED.exit_code())), "{done:?}");
    }
    let locked = stage.done("admin user show ann").await;
    assert!(locked["locked_until"].is_string(), "{locked}");
    stage.done("admin user unlock ann").await;
    assert_eq!(stage.done("admin user show ann").await["locked_until"], Value::Null);
    stage.login("ann", "ann counts the stars").await;

    // What fails from here on comes from one address, which would be locked.
    stage.done("settings set security lockout_failures 50").await;
    // Her own password, and one that is taken away.
    let both = ["ann counts the stars", "ann counts the planets"];
    stage
        .refused("ann", "admin password --password-stdin", &["not hers", "ann counts the moons"], UNAUTHENTICATED)
        .await;
    stage.good("ann", "admin password --password-stdin", &both).await;
    stage.refused("bob", "login ann --password-stdin", &both[..1], UNAUTHENTICATED).await;
    stage.login("ann", both[1]).await;
    let reset = stage.done("admin user reset-password ann").await;
    stage.refused("bob", "login ann --password-stdin", &both[1..], UNAUTHENTICATED).await;
    let chosen = [text(&reset, "setup_secret"), "ann counts the comets"];
    stage.good("ann", "login ann --setup --password-stdin", &chosen).await;

    // A password that another chose.
    stage.done("settings set security initial_password_must_change true").await;
    stage.good("", "admin user create carl --password-stdin", &["chosen for carl"]).await;
    stage.refused("carl", "login carl --password-stdin", &["chosen for carl"], Code::Invalid).await;
    stage.good("carl", "login carl --password-stdin", &["chosen for carl", "carl counts the stars"]).await;
    assert_eq!(text(&stage.me("carl").await, "username"), "carl");
    stage.refused("bob", "login carl --password-stdin", &["chosen for carl"], UNAUTHENTICATED).await;
    sessions(stage).await;
    leave(stage).await;
}

/// Sessions that programs began, seen and ended.
async fn sessions(stage: &mut Stage) {
    let begin = json!({"username": "carl", "password": "carl counts the stars", "client": "console"}).to_string();
    // Not from the administrator's terminal: too many logins failed there.
    stage.good("carl", &format!("send security/auth/login {}", begin.replace(' ', "~")), &[]).await;
    let listed = stage.done("admin session list --user carl").await;
    let session = &listed["sessions"][0];
    assert_eq!((text(session, "username"), text(session, "client")), ("carl", "console"), "{listed}");
    let own = stage.good("carl", "admin session list", &[]).await;
    assert_eq!(own, listed);
    let id = text(session, "id");
    stage.good("carl", &format!("admin session end {id}"), &[]).await;
    stage.refused("carl", &format!("admin session end {id}"), &[], Code::NotFound).await;
    stage.refused("carl", "admin session end --everybody", &[], Code::Forbidden).await;
    assert_eq!(stage.done("admin session list --user carl").await["sessions"], json!([]));
    assert_eq!(stage.done("admin session end --all --user carl").await["ended"], json!(0));
}

/// Logging out: here, everywhere, and where nobody answers.
async fn leave(stage: &mut Stage) {
    stage.good("carl", "logout", &[]).await;
    stage.refused("carl", "whoami", &[], UNAUTHENTICATED).await;
    stage.refused("carl", "logout", &[], Code::NotFound).await;
    assert_eq!(stage.good("carl", "logout --all", &[]).await["ended"], json!([]));
    stage.login("carl", "carl counts the stars").await;
    let ended = stage.good("carl", "logout --all", &[]).await;
    assert_eq!(text(&ended["ended"][0], "user"), "carl", "{ended}");
    stage.login("carl", "carl counts the stars").await;
    stage.0.stop().await;
    stage.refused("carl", "logout", &[], Code::Unavailable).await;
    let forgotten = stage.good("carl", "logout --forget", &[]).await;
    assert_eq!(text(&forgotten["ended"][0], "user"), "carl", "{forgotten}");
    stage.refused("carl", "logout", &[], Code::NotFound).await;
}

async fn a_second_factor(stage: &mut Stage) {
    stage.good("", "admin user create ann --password-stdin", &["ann counts the stars"]).await;
    stage.login("ann", "ann counts the stars").await;
    let enrolled = stage.good("ann", "admin totp enrol", &[]).await;
    assert!(text(&enrolled, "otpauth_uri").starts_with("otpauth://totp/"), "{enrolled}");
    let authenticator = Authenticator::of(text(&enrolled, "secret"));
    stage.refused("ann", "admin totp confirm 000000", &[], Code::Invalid).await;
    let confirmed = stage.good("ann", &format!("admin totp confirm {}", authenticator.code(0)), &[]).await;
    let recovery: Vec<&str> =
        confirmed["recovery_codes"].as_array().unwrap().iter().filter_map(Value::as_str).collect();
    assert!(recovery.len() >= 8, "{confirmed}");

    // What was logged in without it is out; from now on the password is not enough, nor is a code that was used.
    let password = ["ann counts the stars"];
    stage.refused("ann", "login ann --password-stdin", &password, Code::Invalid).await;
    let wrong = "login ann --password-stdin --code 000000";
    stage.refused("ann", wrong, &password, UNAUTHENTICATED).await;
    let code = authenticator.code(30);
    stage.good("ann", &format!("login ann --password-stdin --code {code}"), &password).await;
    let me = stage.me("ann").await;
    assert_eq!(me["user"]["has_totp"], json!(true), "{me}");
    stage.refused("ann", &format!("login ann --password-stdin --code {code}"), &password, UNAUTHENTICATED).await;

    // A recovery code stands for it, once.
    let by_recovery = format!("login ann --password-stdin --code {}", recovery[0]);
    stage.good("ann", &by_recovery, &password).await;
    stage.refused("ann", &by_recovery, &password, UNAUTHENTICATED).await;
    // The password is changed with it as well.
    let change = format!("admin password --password-stdin --code {}", recovery[1]);
    stage.good("ann", &change, &[password[0], "ann counts the planets"]).await;
    let password = ["ann counts the planets"];
    stage.good("ann", &format!("login ann --password-stdin --code {}", recovery[2]), &password).await;
    stage.refused("ann", "admin totp remove --code 000000", &[], UNAUTHENTICATED).await;
    stage.good("ann", &format!("admin totp remove --code {}", recovery[3]), &[]).await;
    stage.login("ann", password[0]).await;

    // An administrator takes one away that somebody lost.
    let enrolled = stage.good("ann", "admin totp enrol", &[]).await;
    let authenticator = Authenticator::of(text(&enrolled, "secret"));
    stage.good("ann", &format!("admin totp confirm {}", authenticator.code(0)), &[]).await;
    stage.refused("ann", "login ann --password-stdin", &password, Code::Invalid).await;
    stage.done("admin totp remove --user ann").await;
    stage.login("ann", password[0]).await;
    assert_eq!(stage.me("ann").await["user"]["has_totp"], json!(false));
}

/// What somebody has in their pocket.
struct Authenticator(totp_rs::Totp);

impl Authenticator {
    fn of(secret: &str) -> Self {
        let secret = totp_rs::Secret::try_from_base32(secret).unwrap_or_else(|e| panic!("{secret}: {e}"));
        Self(totp_rs::Builder::new().with_secret(secret).build().unwrap_or_else(|e| panic!("{e}")))
    }

    /// What it shows so many seconds from now.
    fn code(&self, seconds: u64) -> String {
        let now = SystemTime::now().duration_since(SystemTime::UNIX_EPOCH).unwrap_or_default().as_secs();
        self.0.generate(now + seconds).to_string()
    }
}

async fn certificates_come_and_go(stage: &mut Stage) {
    let folder = tempfile::tempdir().unwrap();
    let file = |name: &str| folder.path().join(name).display().to_string();
    let out = folder.path().display().to_string();
    stage.good("", "admin user create ann --password-stdin", &["ann counts the stars"]).await;

    let made =
        stage.done("admin certificate request sky.example.org --from self-signed --name www.sky.example.org").await;
    assert_eq!((text(&made, "kind"), text(&made, "status")), ("self-signed", "valid"));
    assert_eq!(made["names"], json!(["sky.example.org", "www.sky.example.org"]));
    let renewed = stage.done("admin certificate renew sky.example.org").await;
    assert_ne!(renewed["serial"], made["serial"]);
    let shown = stage.done("admin certificate show sky.example.org").await;
    assert_eq!(shown["certificate"]["serial"], renewed["serial"]);
    assert!(
        text(&shown, "certificate_pem").starts_with("-----BEGIN CERTIFICATE-----")
            && !shown.to_string().contains("PRIVATE")
    );
    let internal = stage.done("admin certificate request sky.example.org").await;
    assert_eq!(text(&internal, "kind"), "internal");
    stage.refused("", "admin certificate request sky.example.org --from self-signed", &[], Code::Conflict).await;
    stage.refused("", "admin certificate request dome.example.org --from letsencrypt", &[], Code::Invalid).await;

    // Brought along.
    for name in ["dome.example.org", "other.example.org"] {
        let (certificate, key) = (file(&format!("{name}.pem")), file(&format!("{name}.key")));
        self_made(name, &certificate, &key).await;
    }
    let import = |key: &str| {
        format!(
            "admin certificate import dome.example.org --certificate {} --key {}",
            file("dome.example.org.pem"),
            file(key)
        )
    };
    stage.refused("", &import("other.example.org.key"), &[], Code::Invalid).await;
    let imported = stage.done(&import("dome.example.org.key")).await;
    assert_eq!((text(&imported, "kind"), text(&imported, "domain")), ("imported", "dome.example.org"));
    let listed = stage.done("admin certificate list").await;
    let domains: Vec<&str> = listed["certificates"].as_array().unwrap().iter().map(|one| text(one, "domain")).collect();
    assert!(domains.contains(&"dome.example.org") && domains.contains(&"sky.example.org"), "{domains:?}");
    stage.done("admin certificate remove dome.example.org").await;
    stage.refused("", "admin certificate show dome.example.org", &[], Code::NotFound).await;

    // Of our own authority, for those who connect.
    stage.done(&format!("admin certificate authority --out {}", file("authority.pem"))).await;
    assert!(fs::read_to_string(file("authority.pem")).unwrap().contains("BEGIN CERTIFICATE"));
    let account = stage.done(&format!("admin certificate account ann --out {out}")).await;
    is_signed(&file("ann.pem"), &file("ann.authority.pem")).await;
    is_signed(&file("ann.pem"), &file("authority.pem")).await;
    let node = stage.done(&format!("admin certificate node telescope-1 --role telescope --out {out}")).await;
    is_signed(&file("telescope-1.pem"), &file("authority.pem")).await;
    for issued in [&account, &node] {
        let serial = text(&issued["certificate"], "serial");
        stage.done(&format!("admin certificate revoke {serial} --reason key-compromise")).await;
    }
    stage.refused("", "admin certificate revoke no-number", &[], Code::NotFound).await;
}

async fn self_made(name: &str, certificate: &str, key: &str) {
    let subject = format!("/CN={name}");
    let names = format!("subjectAltName=DNS:{name}");
    let new = ["req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes", "-days", "30"];
    openssl(
        &[
            &new[..],
            &[
                "-subj",
                &subject,
                "-addext",
                &names,
                "-addext",
                "basicConstraints=CA:FALSE",
                "-out",
                certificate,
                "-keyout",
                key,
            ],
        ]
        .concat(),
    )
    .await;
}

async fn is_signed(certificate: &str, authority: &str) {
    openssl(&["verify", "-CAfile", authority, certificate]).await;
}

async fn openssl(arguments: &[&str]) {
    let done = tokio::process::Command::new("openssl").args(arguments).output().await;
    let done = done.unwrap_or_else(|e| panic!("openssl: {e}; apt-get install openssl"));
    assert!(done.status.success(), "openssl {arguments:?}: {}", String::from_utf8_lossy(&done.stderr));
}
