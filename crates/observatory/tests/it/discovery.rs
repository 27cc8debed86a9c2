//! A stack that somebody set up by hand, with the `docker` command: found, exported, taken away, made again, and found to be the same.

use std::{
    os::unix::fs::PermissionsExt as _,
    path::Path,
    process::{Command, Stdio},
    time::Instant,
};

use engine_containers::ContainerEngine;
use observatory::discovery::Discovery;
use testkit_containers::{Dockerd, Sshd};

use crate::{
    compose::Compose,
    remote::{over_ssh, over_tls},
    roundtrip::{IMAGE, clear, differing, engine, lasting},
    site::{Answer, Site, free_ports},
};

/// A host, the program, and a folder for what it writes.
struct Hand {
    site: Site,
    engine: ContainerEngine,
    dockerd: Dockerd,
}

impl Hand {
    async fn start() -> Self {
        let dockerd = Dockerd::start().await;
        let engine = engine(&dockerd).await;
        clear(&engine).await;
        Self { site: Site::of_programs(""), engine, dockerd }
    }

    fn command(&self, arguments: &[&str]) -> Command {
        let mut command = self.site.command(arguments);
        command.env("DOCKER_HOST", self.dockerd.address()).stdin(Stdio::null());
        command
    }

    fn run(&self, arguments: &[&str]) -> Answer {
        self.command(arguments).output().unwrap().into()
    }

    /// Lines of shell on the host, in a folder of it.
    fn shell(&self, script: &str, variables: &[(&str, &str)]) {
        let mut shell = Command::new("sh");
        shell.args(["-euc", script]).current_dir(self.site.path()).env("DOCKER_HOST", self.dockerd.address());
        let answer: Answer = shell.envs(variables.iter().copied()).env("IMAGE", IMAGE).output().unwrap().into();
        assert_eq!(answer.code, 0, "{}\n{}", answer.out, answer.err);
    }

    fn docker(&self, arguments: &[&str]) -> Command {
        let mut docker = Command::new("docker");
        docker.args(arguments).env("DOCKER_HOST", self.dockerd.address());
        docker
    }

    fn file(&self, name: &str) -> String {
        std::fs::read_to_string(self.site.path().join(name)).unwrap()
    }

    fn data(&self, name: &str) -> Discovery {
        serde_json::from_str(&self.file(name)).unwrap()
    }
}

/// What a site engineer typed over the years.
const BY_HAND: &str = r#"
mkdir -p host/rules host/data
printf 'global: {scrape_interval: 5s}\nremote_write:\n  - basic_auth: {username: me, password: in-a-file-1}\n' > host/prometheus.yml
printf 'groups: []\n' > host/rules/a.yml; chmod 600 host/rules/a.yml
printf '[security]\nadmin_password = in-a-file-2\n' > host/grafana.ini
docker network create --subnet 10.213.1.0/24 --ip-range 10.213.1.128/25 --label team=sky mon.net
docker network create --internal --opt com.docker.network.driver.mtu=1400 Back-End
docker volume create --label keep=yes "named.vol"
docker volume create prom-conf

docker run -d --name Odd.Name_1 --hostname dome -e 'DOLLAR=a$b$$c${d}' -e EMPTY= -e 'SPACE=a b "c"' -e DB_PASSWORD=in-a-variable \
    -v /anonymous -v named.vol:/data:ro --label 'traefik.rule=Host(`x`) && $y' $IMAGE sh -c 'echo $HOME; sleep 1000'
docker run -d --name host-net --network host --pid host --restart on-failure:3 --cap-add NET_ADMIN --cap-drop ALL --uts host $IMAGE
docker run -d --name well --health-cmd 'test -e /tmp || exit 1' --health-interval 2s --health-timeout 1s --health-retries 5 \
    --health-start-period 1500ms $IMAGE
docker run -d --name limited --stop-timeout 1 --memory 64m --memory-reservation 32m --cpus 0.5 --pids-limit 100 --cpu-shares 512 --shm-size 1m \
    --ulimit nofile=64:128 --ulimit core=0 --sysctl net.core.somaxconn=100 --oom-score-adj 100 --cpuset-cpus 0 $IMAGE
docker run -d --name web --stop-timeout 0 --network mon.net --network-alias site --network-alias www --ip 10.213.1.77 \
    -p 127.0.0.1:$P1:8080 -p 127.0.0.1:$P2:8080 -p 127.0.0.1::53/udp $IMAGE httpd -f -p 8080
docker network connect --alias second Back-End web
docker run -d --name linked --link Odd.Name_1:odd --link well $IMAGE
docker run -d --name bridged $IMAGE
docker network connect mon.net bridged
docker run -d --name strict --read-only --tmpfs /run:size=1m --mount type=tmpfs,dst=/fast,tmpfs-size=1048576,tmpfs-mode=0700 \
    --security-opt no-new-privileges --security-opt seccomp=unconfined --user 65534:65534 --workdir / --device /dev/null:/dev/nothing:rw $IMAGE
docker run -d --name sidecar --network container:web --restart unless-stopped $IMAGE
docker run -d --name heir --volumes-from Odd.Name_1:ro --log-opt max-size=1m --log-opt max-file=2 --add-host db:10.0.0.1 --dns 10.0.0.2 \
    --dns-search x.org --dns-opt ndots:2 --stop-signal SIGINT --stop-timeout 3 --group-add 1234 --entrypoint sleep $IMAGE 999
docker run -d --name prometheus --stop-timeout 1 --network mon.net --link web:target -v "$PWD/host/prometheus.yml:/etc/prometheus/prometheus.yml:ro" \
    -v "$PWD/host/rules:/etc/prometheus/rules" -v "$PWD/host/data:/prometheus" -v prom-conf:/etc/extra \
    --mount "type=bind,src=$PWD/host,dst=/shared,readonly,bind-propagation=rprivate" \
    $IMAGE sh -c 'sleep 1000' sh --config.file=/etc/prometheus/prometheus.yml --web.password=in-a-command
docker run -d --name grafana --rm -P -it -v /var/run:/host/run:ro $IMAGE sh -c 'trap exit TERM; while :; do sleep 1; done'
docker cp host/grafana.ini grafana:/etc/grafana.ini
docker exec grafana sh -c 'mkdir -p /etc/grafana/provisioning && echo "apiVersion: 1" > /etc/grafana/provisioning/ds.yaml'
docker exec prometheus sh -c 'echo "extra: true" > /etc/extra/extra.yml; chown 65534 /etc/extra/extra.yml'
docker run -d --name labelled-api-1 --label com.docker.compose.project=shop --label com.docker.compose.service=api \
    --label com.docker.compose.depends_on=db:service_started:false --label com.docker.compose.config-hash=abc --network Back-End $IMAGE
docker run -d --name labelled-db-1 --label com.docker.compose.project=shop --label com.docker.compose.service=db --network Back-End \
    -e POSTGRES_PASSWORD=in-a-variable-2 $IMAGE
docker create --name never-started --init -v prom-conf:/conf:nocopy $IMAGE
docker run --name has-ended $IMAGE true
docker commit --change 'ENTRYPOINT ["sh", "-c"]' never-started bigskies-test/other:1
docker run -d --name untidy --entrypoint '' --stop-timeout 1 --network "$(docker network inspect -f '{{.Id}}' mon.net)" \
    -e OF_IMAGE -e TWICE=1 -e TWICE=2 --dns 10.0.0.2 --dns 10.0.0.2 --ipc shareable -p 8080 -p 8080 --cap-add cap_chown --label '<<=y' \
    --mount type=volume,dst=/nocopy,volume-nocopy --link-local-ip 169.254.7.7 bigskies-test/other:1 sleep 1000
docker run -d --name near --stop-timeout 1 --ipc container:untidy --volumes-from "$(docker ps -qf name=untidy)" --link well:w $IMAGE
docker network connect --alias far mon.net near
"#;

#[tokio::test]
async fn a_stack_made_by_hand_comes_back_without_a_difference() {
    let hand = Hand::start().await;
    // Engines keep ports in the order in which they were typed, which is not that of numbers here.
    let mut ports = free_ports::<2>();
    ports.sort_by(|one, other| other.cmp(one));
    hand.shell(BY_HAND, &[("P1", &ports[0].to_string()), ("P2", &ports[1].to_string())]);

    let report = hand.run(&["discover", "--out", "one.json", "--report", "one.md"]).expect_code(0);
    assert_eq!(report.out, hand.file("one.md"));
    let before = hand.data("one.json");
    for said in [
        format!("{} containers", before.containers.len()),
        "sidecar → web: network of".to_owned(),
        "linked → well: link".to_owned(),
        "labelled-api-1 → labelled-db-1: depends_on".to_owned(),
        "both use volume prom-conf".to_owned(),
        "**shop** in".to_owned(),
        "### /etc/prometheus/prometheus.yml (".to_owned(),
        "### /etc/grafana/provisioning/ds.yaml (of the container alone".to_owned(),
        "Odd.Name_1: /anonymous is a volume without a name".to_owned(),
        "grafana: there, and not configured here".to_owned(),
        "<GRAFANA_ADMIN_PASSWORD>".to_owned(),
    ] {
        assert!(report.out.contains(&said), "{said} is not in:\n{}", report.out);
    }
    assert!(before.containers.len() >= 8, "{}", before.containers.len());

    the_script_says_the_same(&hand, &before);
    let exported = hand.run(&["export", "out"]).expect_code(0);
    for said in ["UNEXPRESSED grafana: HostConfig.AutoRemove", "UNEXPRESSED prometheus: data in /prometheus"] {
        assert!(exported.out.contains(said), "{said} is not in:\n{}", exported.out);
    }
    the_export_is_whole(&hand);

    clear(&hand.engine).await;
    std::fs::remove_dir_all(hand.site.path().join("host")).unwrap();
    hand.run(&["import", "out"]).expect_code(64);
    let dry = hand.run(&["import", "out", "--dry-run"]).expect_code(0);
    assert!(dry.out.contains("create container sidecar: it is not there"), "{}", dry.out);
    assert!(hand.engine.containers(&engine_containers::Listing::All).await.unwrap().is_empty());
    hand.run(&["import", "out", "--yes"]).expect_code(0);
    hand.run(&["discover", "--out", "two.json"]).expect_code(0);
    let (one, two) = (lasting(&before), lasting(&hand.data("two.json")));
    assert!(one == two, "{}", differing(&one, &two));
    println!("{} containers came back without a difference", before.containers.len());

    let again = hand.run(&["import", "out", "--yes"]).expect_code(0);
    assert!(again.out.contains("nothing to do"), "{}", again.out);
    what_was_changed_is_mended(&hand);

    let sshd = Sshd::start().await;
    let (port, certificates) = hand.dockerd.tls();
    for (what, flags) in [("SSH", over_ssh(&sshd, hand.dockerd.socket())), ("TLS", over_tls(port, &certificates))] {
        the_same_from_afar(&hand, &before, what, &flags).await;
    }
}

/// The whole way again, with the engine on what counts as another host.
async fn the_same_from_afar(hand: &Hand, before: &Discovery, what: &str, flags: &[String]) {
    let began = Instant::now();
    let run = |arguments: &[&str]| -> Answer { hand.command(arguments).args(flags).output().unwrap().into() };
    let stays_the_same = |file: &str| {
        run(&["discover", "--out", file]).expect_code(0);
        let (one, two) = (lasting(before), lasting(&hand.data(file)));
        assert!(one == two, "over {what}: {}", differing(&one, &two));
    };
    let folder = format!("out-over-{what}");
    stays_the_same("there.json");
    run(&["export", &folder]).expect_code(0);
    clear(&hand.engine).await;
    std::fs::remove_dir_all(hand.site.path().join("host")).unwrap();
    run(&["import", &folder, "--yes"]).expect_code(0);
    stays_the_same("there-again.json");
    assert!(run(&["import", &folder, "--yes"]).expect_code(0).out.contains("nothing to do"), "over {what}");
    println!("over {what} they came back without a difference after {:.1} s", began.elapsed().as_secs_f64());
}

fn the_script_says_the_same(hand: &Hand, before: &Discovery) {
    let script = hand.run(&["discover", "--script"]).expect_code(0).out;
    std::fs::write(hand.site.path().join("gather.sh"), script).unwrap();
    hand.shell("sh gather.sh gathered.txt 2>/dev/null", &[]);
    let mode = std::fs::metadata(hand.site.path().join("gathered.txt")).unwrap().permissions().mode();
    assert_eq!(mode & 0o777, 0o600);
    hand.run(&["discover", "--from", "gathered.txt", "--out", "gathered.json"]).expect_code(0);
    let (one, two) = (lasting(before), lasting(&hand.data("gathered.json")));
    assert!(one == two, "{}", differing(&one, &two));
    let cut = hand.file("gathered.txt");
    std::fs::write(hand.site.path().join("cut.txt"), &cut[..cut.len() - 9]).unwrap();
    let refused = hand.run(&["discover", "--from", "cut.txt"]).expect_code(3);
    assert!(refused.err.contains("cut off"), "{}", refused.err);
}

fn the_export_is_whole(hand: &Hand) {
    let out = hand.site.path().join("out");
    let mode = |path: &Path| std::fs::metadata(path).unwrap().permissions().mode() & 0o777;
    assert_eq!(mode(&out.join(".env")), 0o600);
    let mut check = Command::new("sha256sum");
    let checked: Answer = check.args(["--check", "SHA256SUMS"]).current_dir(&out).output().unwrap().into();
    assert_eq!(checked.code, 0, "{}{}", checked.out, checked.err);
    Compose::find().expect_to_take(&out);
}

fn what_was_changed_is_mended(hand: &Hand) {
    let rows = [
        (
            "docker update --memory 128m --memory-swap 256m limited",
            "replace container limited: its limits memory_bytes is another",
        ),
        ("docker rm -f sidecar", "create container sidecar: it is not there"),
        ("docker stop -t 0 bridged", "start container bridged: it does not run"),
        ("docker start never-started", "stop container never-started: it is not to run"),
        (
            "docker network disconnect Back-End web",
            "replace container web: its network mode is another, its networks Back-End is another",
        ),
        (
            "echo other > host/prometheus.yml",
            "write files of container prometheus: /etc/prometheus/prometheus.yml is another",
        ),
        (
            "docker exec grafana sh -c 'echo x > /etc/grafana.ini'",
            "write files of container grafana: /etc/grafana.ini is another",
        ),
    ];
    for (line, _) in rows {
        hand.shell(line, &[]);
    }
    let dry = hand.run(&["import", "out", "--dry-run"]).expect_code(0);
    for (line, said) in rows {
        assert!(dry.out.contains(said), "{line}: {said} is not in:\n{}", dry.out);
    }
    hand.run(&["import", "out", "--yes", "--json"]).expect_code(0);
    let again = hand.run(&["import", "out", "--dry-run"]).expect_code(0);
    assert!(again.out.contains("nothing to do"), "{}", again.out);
}

/// A value that nobody has seen before, in one of the shapes that secrets have.
fn secret(number: usize) -> String {
    let noise = |length: usize| -> String {
        // A generator of its own, so that each run has the same secrets.
        let mut state = (number as u64 + 1).wrapping_mul(0x9e37_79b9_7f4a_7c15);
        let mut letter = || {
            state ^= state << 13;
            state ^= state >> 7;
            state ^= state << 17;
            char::from(b"abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789"[(state % 62) as usize])
        };
        (0..length).map(|_| letter()).collect()
    };
    match number % 8 {
        0 => noise(9),
        1 => format!("{}-{}!", noise(6), noise(5)),
        2 => format!("{} {}", noise(8), noise(8)),
        3 => format!("$x{}$", noise(10)),
        4 => format!("'{}\"{}", noise(6), noise(6)),
        5 => noise(40),
        6 => format!("{}/{}=", noise(12), noise(9)),
        _ => format!("{}#{}@", noise(7), noise(7)),
    }
}

/// What a secret stands under where its shape does not show it.
const NAMES: [&str; 10] = [
    "PASSWORD",
    "DB_PASSWD",
    "API_KEY",
    "AUTH_TOKEN",
    "CLIENT_SECRET",
    "adminPassword",
    "SMTP_PASS",
    "PRIVATE_KEY",
    "SECRET_KEY_BASE",
    "BASIC_AUTH",
];

/// Two hundred secrets: in variables, labels, words of commands and files.
fn seeded(hand: &Hand) -> Vec<String> {
    let secrets: Vec<String> = (0..200).map(secret).collect();
    let mut numbered = secrets.iter().enumerate();
    let mut next =
        || numbered.next().map(|(number, secret)| (number, secret.as_str(), NAMES[number % NAMES.len()])).unwrap();
    let folder = hand.site.path().join("host");
    std::fs::create_dir_all(&folder).unwrap();
    for container in 0..5 {
        let mut run = hand.docker(&["create", "--name", &format!("box{container}")]);
        for _ in 0..12 {
            let (number, secret, name) = next();
            run.args(["--env", &format!("A{number}_{name}={secret}")]);
        }
        for _ in 0..2 {
            let (number, secret, _) = next();
            let address = secret.replace([' ', '"', '\'', '/', '@'], "_");
            run.args(["--env", &format!("URL{number}=postgres://me:{address}@db/x")]);
        }
        for _ in 0..8 {
            let (number, secret, name) = next();
            run.args(["--label", &format!("app.a{number}.{name}={secret}")]);
        }
        let mut text = String::new();
        for _ in 0..8 {
            let (number, secret, name) = next();
            text.push_str(&match number % 4 {
                0 if !secret.contains('"') => format!("a{number}_{name}: \"{secret}\"\n"),
                0 => format!("a{number}_{name}: {secret}\n"),
                1 => format!("a{number}_{name} = {secret}\n"),
                2 => format!("  - a{number}_{name}: {secret}\n"),
                _ => format!("a{number}_{name}={secret}\n"),
            });
        }
        let file = folder.join(format!("app{container}.conf"));
        std::fs::write(&file, text).unwrap();
        run.args(["--volume", &format!("{}:/etc/app.conf:ro", file.display())]);
        run.args(["--log-opt", "max-size=1m", IMAGE, "run"]);
        for _ in 0..4 {
            let (number, secret, name) = next();
            run.arg(format!("--a{number}-{}={secret}", name.to_lowercase().replace('_', "-")));
        }
        for _ in 0..4 {
            let (number, secret, name) = next();
            run.args([&format!("--a{number}.{name}"), secret]);
        }
        for _ in 0..2 {
            let (number, secret, name) = next();
            run.arg(format!("export A{number}_{name}={}; run", serde_json::to_string(secret).unwrap()));
        }
        let made: Answer = run.output().unwrap().into();
        assert_eq!(made.code, 0, "{}", made.err);
    }
    assert!(numbered.next().is_none(), "not all two hundred have a place");
    secrets
}

#[tokio::test]
async fn no_secret_is_in_any_output_but_the_file_for_them() {
    let hand = Hand::start().await;
    let secrets = seeded(&hand);
    let mut said: Vec<(String, String)> = Vec::new();
    let mut heard = |what: &str, answer: Answer| {
        said.push((format!("{what}: stdout"), answer.out));
        said.push((format!("{what}: stderr"), answer.err));
    };
    heard("discover", hand.run(&["discover", "--out", "d.json", "--report", "d.md"]).expect_code(0));
    heard("discover --json", hand.run(&["discover", "--json"]).expect_code(0));
    hand.run(&["discover", "--script"]).expect_code(0);
    heard("export", hand.run(&["export", "out"]).expect_code(0));
    heard("export --json", hand.run(&["export", "out", "--json"]).expect_code(0));
    heard("import, nothing to do", hand.run(&["import", "out", "--dry-run"]).expect_code(0));
    let before = hand.data("d.json");
    clear(&hand.engine).await;
    heard("import, a plan", hand.run(&["import", "out", "--dry-run"]).expect_code(0));
    heard("import, refused", hand.run(&["import", "out"]).expect_code(64));
    heard("import", hand.run(&["import", "out", "--yes"]).expect_code(0));
    let missing = hand.run(&["import", "--from", "d.json", "--dry-run"]).expect_code(3);
    assert!(missing.err.contains("no value is known for"), "{}", missing.err);
    heard("import of data", missing);
    heard(
        "import of data with values",
        hand.run(&["import", "--from", "d.json", "--env-file", "out/.env", "--dry-run"]).expect_code(0),
    );
    hand.run(&["discover", "--out", "e.json"]).expect_code(0);
    let (one, two) = (lasting(&before), lasting(&hand.data("e.json")));
    assert!(one == two, "{}", differing(&one, &two));

    let mut paths = vec![hand.site.path().join("out")];
    let mut files =
        vec![hand.site.path().join("d.json"), hand.site.path().join("d.md"), hand.site.path().join("e.json")];
    while let Some(folder) = paths.pop() {
        for found in std::fs::read_dir(folder).unwrap() {
            let path = found.unwrap().path();
            if path.is_dir() { paths.push(path) } else { files.push(path) }
        }
    }
    let kept = files.iter().position(|path| path.ends_with(".env")).map(|at| files.remove(at)).unwrap();
    said.extend(files.iter().map(|path| (path.display().to_string(), std::fs::read_to_string(path).unwrap())));
    let mut leaks = Vec::new();
    for secret in &secrets {
        // As it is, as JSON and YAML write it, and as a part of an address.
        let json = serde_json::to_string(secret).unwrap();
        let forms = [
            secret.clone(),
            json.trim_matches('"').to_owned(),
            secret.replace('$', "$$"),
            secret.replace('\'', "''"),
            secret.replace([' ', '"', '\'', '/', '@'], "_"),
        ];
        for (place, text) in &said {
            if forms.iter().any(|form| text.contains(form)) {
                leaks.push(format!("{secret} in {place}"));
            }
        }
    }
    assert!(leaks.is_empty(), "{} leaks:\n{}", leaks.len(), leaks.join("\n"));
    let kept = observatory::export::variables::read(".env", &std::fs::read_to_string(kept).unwrap()).unwrap();
    assert!(kept.len() >= 180, "{} are kept", kept.len());
    println!("{} secrets in none of {} outputs; {} lines in .env", secrets.len(), said.len(), kept.len());
}

/// A project as people write it, in the short forms.
const PROJECT: &str = r#"
services:
  web:
    image: ${IMAGE:-bigskies-test/busybox:1}
    command: sh -c 'sleep 1000'
    environment:
      - GREETING=hello ${NAME-you}
      - OF_IMAGE=yes
    env_file: app.env
    ports: ["127.0.0.1:${PORT}:8080", "8081/udp"]
    volumes:
      - ./web.conf:/etc/web.conf:ro
      - data:/data
      - /scratch
    networks: {front: {aliases: [site]}, default: }
    depends_on: [db]
    healthcheck: {test: "true", interval: 1m30s, retries: 2}
    deploy: {resources: {limits: {cpus: "0.5", memory: 64m}}}
    restart: on-failure:2
    stop_grace_period: 1s
    ulimits: {nofile: 100}
    sysctls: [net.core.somaxconn=100]
    tmpfs: /run
    secrets: [key]
  db:
    image: bigskies-test/busybox:1
    stop_grace_period: 1s
    labels: {app.tier: data}
    logging: {options: {max-size: 1m}}
  late:
    image: bigskies-test/busybox:1
    network_mode: service:db
    volumes_from: [db:ro]
    scale: 0
networks:
  front: {internal: true}
volumes:
  data:
secrets:
  key: {file: ./key.txt}
"#;

#[tokio::test]
async fn a_compose_project_is_made_near_and_far() {
    let hand = Hand::start().await;
    let folder = hand.site.path().join("shop");
    std::fs::create_dir(&folder).unwrap();
    let [port] = free_ports();
    let write = |name: &str, text: &str| std::fs::write(folder.join(name), text).unwrap();
    write("compose.yaml", PROJECT);
    write(".env", &format!("PORT={port}\nNAME='the sky'\n"));
    write("app.env", "FROM_FILE=1\n");
    write("web.conf", "listen 8080\n");
    write("key.txt", "k3y\n");
    hand.run(&["import", "shop", "--yes"]).expect_code(0);
    assert!(hand.run(&["import", "shop", "--yes"]).expect_code(0).out.contains("nothing to do"));
    hand.run(&["discover", "--out", "near.json", "--only", "shop"]).expect_code(0);
    let near = hand.data("near.json");
    let web = &near.containers.iter().find(|found| found.spec.name == "shop-web-1").unwrap().spec;
    assert_eq!(web.environment["GREETING"], "hello the sky");
    assert_eq!(web.environment["FROM_FILE"], "1");
    assert!(!web.environment.contains_key("OF_IMAGE"), "{web:?}");
    assert_eq!(web.limits.memory_bytes, Some(64 << 20));
    assert_eq!(near.projects[0].services.len(), 3, "{:?}", near.projects);
    assert!(near.containers.iter().any(|found| found.files.iter().any(|file| file.path == "/etc/web.conf")));

    // The same over TLS, and to a host that does not have the files.
    let (tls, certificates) = hand.dockerd.tls();
    let host = format!("tcp://127.0.0.1:{tls}");
    let far = |arguments: &[&str]| -> Answer {
        let mut command = hand.command(&[&["--host", host.as_str()], arguments].concat());
        command.env("DOCKER_CERT_PATH", &certificates).output().unwrap().into()
    };
    far(&["discover", "--out", "far.json", "--only", "shop"]).expect_code(0);
    assert_eq!(lasting(&near), lasting(&hand.data("far.json")));
    clear(&hand.engine).await;
    far(&["import", "shop", "--yes"]).expect_code(0);
    assert!(far(&["import", "shop", "--yes"]).expect_code(0).out.contains("nothing to do"));
    assert_eq!(std::fs::read_to_string("/var/lib/observatory/shop/web.conf").unwrap(), "listen 8080\n");
    clear(&hand.engine).await;
    std::fs::remove_dir_all("/var/lib/observatory/shop").unwrap();
    let _somebody_has_others_there = std::fs::remove_dir("/var/lib/observatory");

    for (from, to, code, said) in [
        ("    tmpfs: /run\n", "    build: .\n", 3, "services.web.build is not supported"),
        ("${NAME-you}", "${NOBODY:?set it}", 3, "no value is known for NOBODY"),
        ("1m30s", "soon", 3, "services.web.healthcheck.interval can't be used: expected a length of time"),
        ("[db]", "[nobody]", 3, "services.web.depends_on can't be used"),
    ] {
        write("compose.yaml", &PROJECT.replacen(from, to, 1));
        let refused = hand.run(&["import", "shop", "--dry-run"]).expect_code(code);
        assert!(refused.err.contains(said), "{said}: {}", refused.err);
    }
    hand.run(&["import", "nowhere", "--dry-run"]).expect_code(6);
    hand.run(&["import", "--from", "nowhere.json", "--dry-run"]).expect_code(6);
    hand.run(&["discover", "--only", "nobody"]).expect_code(6);
}
