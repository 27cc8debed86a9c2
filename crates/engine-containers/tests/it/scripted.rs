//! An engine that answers from a script, for what a real one does only now and then.

use std::{
    io::{BufRead as _, BufReader, Read as _, Write as _},
    os::unix::net::{UnixListener, UnixStream},
    path::Path,
    time::Duration,
};

use engine_containers::{Command, ContainerEngine, ContainersError as Wrong, Options, Output};

use crate::stand::LIMIT;

/// Listens in a folder until the tests end. Each look at a command is answered with the next of these, and at last with the last.
async fn engine(folder: &Path, looks: &'static [&'static str]) -> ContainerEngine {
    let socket = folder.join("engine.sock");
    let listener = UnixListener::bind(&socket).unwrap();
    std::thread::spawn(move || {
        let mut looked = 0;
        for stream in listener.incoming().flatten() {
            let asked = request(&stream);
            if asked.contains("/exec/one/json") {
                looked += 1;
            }
            let look = looks.get(looked.max(1) - 1).or(looks.last()).copied().unwrap_or_default();
            answer(&stream, &asked, look);
        }
    });
    let endpoint = format!("unix://{}", socket.display()).parse().unwrap();
    ContainerEngine::connect(endpoint, Options::default()).await.unwrap()
}

/// The first line of a request, after all of it was read.
fn request(stream: &UnixStream) -> String {
    let mut reader = BufReader::new(stream);
    let (mut first, mut length) = (String::new(), 0);
    reader.read_line(&mut first).unwrap();
    loop {
        let mut line = String::new();
        reader.read_line(&mut line).unwrap();
        if line.trim().is_empty() {
            break;
        }
        if let Some(value) = line.to_lowercase().strip_prefix("content-length:") {
            length = value.trim().parse().unwrap();
        }
    }
    reader.read_exact(&mut vec![0; length]).unwrap();
    first
}

fn answer(mut stream: &UnixStream, asked: &str, look: &str) {
    let json = |status: &str, body: &str| {
        let length = body.len();
        format!("HTTP/1.1 {status}\r\nContent-Type: application/json\r\nContent-Length: {length}\r\n\r\n{body}")
    };
    let said = if asked.contains("/version") {
        json("200 OK", r#"{"Version": "20.10.24", "ApiVersion": "1.41", "Os": "linux", "Arch": "amd64"}"#)
    } else if asked.contains("/containers/box/exec") {
        json("201 Created", r#"{"Id": "one"}"#)
    } else if asked.contains("/exec/one/start") {
        // One piece of standard output: its stream, three zeros, its length, and the piece.
        let head = "HTTP/1.1 101 UPGRADED\r\nConnection: Upgrade\r\nUpgrade: tcp\r\n\r\n";
        format!("{head}\u{1}\0\0\0\0\0\0\u{3}up\n")
    } else if asked.contains("/exec/one/json") {
        json("200 OK", look)
    } else {
        json("200 OK", "{}")
    };
    let _it_may_be_gone = stream.write_all(said.as_bytes());
}

#[tokio::test]
async fn a_command_has_ended_when_the_engine_says_so() {
    const RUNS: &str = r#"{"ID": "one", "Running": true, "ExitCode": null}"#;
    const RUNS_IN_OLD_WORDS: &str = r#"{"ID": "one", "Running": true, "ExitCode": 0}"#;
    const ENDED: &str = r#"{"ID": "one", "Running": false, "ExitCode": 3}"#;
    const NOBODY_KNOWS: &str = r#"{"ID": "one", "Running": false, "ExitCode": null}"#;
    let run = async |looks, limit| {
        let folder = tempfile::tempdir().unwrap();
        engine(folder.path(), looks).await.run("box", &Command::new(["true"]), limit).await
    };
    let ended = Output { exit_code: 3, standard: b"up\n".to_vec(), errors: Vec::new() };
    assert_eq!(run(&[ENDED], LIMIT).await, Ok(ended.clone()));
    assert_eq!(run(&[RUNS, RUNS_IN_OLD_WORDS, ENDED], LIMIT).await, Ok(ended));
    let unknown = run(&[RUNS, NOBODY_KNOWS], LIMIT).await.unwrap_err();
    assert!(matches!(&unknown, Wrong::Failed { .. }), "{unknown:?}");
    assert!(unknown.to_string().contains("does not know its exit code"), "{unknown}");
    let endless = run(&[RUNS], Duration::from_millis(300)).await.unwrap_err();
    assert!(matches!(&endless, Wrong::TimedOut { .. }), "{endless:?}");
}
