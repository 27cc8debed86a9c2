//! Images: imported, named, saved and loaded, built, and not to be had.

use std::io::Cursor;

use engine_containers::{BuildOptions, ContainersError, FileEntry, Progress};

use crate::stand::{IMAGE, LIMIT, Stand};

#[tokio::test]
async fn images_come_and_go() {
    let stand = Stand::start().await;
    let engine = &stand.engine;
    let image = engine.image(IMAGE).await.unwrap();
    assert_eq!(image.tags, [IMAGE]);
    assert_eq!(image.defaults.command, ["sleep", "1000"]);
    assert_eq!(image.defaults.user.as_deref(), Some("65534:65534"));
    assert_eq!(image.defaults.environment.get("OF_IMAGE").map(String::as_str), Some("yes"));
    assert!(engine.images().await.unwrap().iter().any(|found| found.id == image.id));

    // Saved, removed, loaded: the same image.
    engine.tag(IMAGE, "bigskies-test/other:2").await.unwrap();
    let mut archive = Vec::new();
    let count = engine.save(&["bigskies-test/other:2"], &mut archive).await.unwrap();
    assert_eq!(count, archive.len() as u64);
    engine.remove_image("bigskies-test/other:2").await.unwrap();
    engine.remove_image(IMAGE).await.unwrap();
    let gone = engine.image(IMAGE).await;
    assert!(matches!(&gone, Err(ContainersError::ImageMissing { .. })), "{gone:?}");
    let mut steps: Vec<Progress> = Vec::new();
    engine.load(Cursor::new(archive), &mut |step| steps.push(step)).await.unwrap();
    assert_eq!(engine.image("bigskies-test/other:2").await.unwrap().id, image.id);
    assert!(steps.iter().any(|step| step.total_bytes.is_some()), "{steps:?}");
    let broken = engine.load(Cursor::new(b"no archive".to_vec()), &mut |_| ()).await;
    assert!(matches!(&broken, Err(ContainersError::Failed { .. } | ContainersError::Refused { .. })), "{broken:?}");

    // Built from an archive.
    let dockerfile =
        "FROM bigskies-test/other:2\nARG SITE\nENV SITE=$SITE\nCOPY site.txt /\nCMD [\"cat\", \"/site.txt\"]\n";
    let files = [FileEntry::file("Dockerfile", dockerfile), FileEntry::file("site.txt", "Paranal\n")];
    let options = BuildOptions {
        tag: "bigskies-test/built:1".to_owned(),
        arguments: [("SITE".to_owned(), "Paranal".to_owned())].into(),
        ..BuildOptions::default()
    };
    let mut steps = Vec::new();
    let archive = engine_containers::pack(&files).unwrap();
    let built = engine.build(archive.into(), &options, &mut |step| steps.push(step.doing)).await.unwrap();
    assert_eq!(built.defaults.environment.get("SITE").map(String::as_str), Some("Paranal"));
    assert!(steps.iter().any(|step| step.contains("COPY site.txt")), "{steps:?}");
    let archive = engine_containers::pack(&[FileEntry::file("Dockerfile", "FROM scratch\nCOPY none /\n")]).unwrap();
    let failed = engine.build(archive.into(), &options, &mut |_| ()).await;
    assert!(matches!(&failed, Err(ContainersError::Failed { .. })), "{failed:?}");

    // Not here, and there is no registry at that port.
    let pulled = tokio::time::timeout(LIMIT, engine.ensure_image("127.0.0.1:9/none:1", &mut |_| ())).await.unwrap();
    assert!(matches!(&pulled, Err(ContainersError::ImageMissing { .. })), "{pulled:?}");
    let asked = engine.digest_in_registry("127.0.0.1:9/none:1").await;
    assert!(matches!(&asked, Err(ContainersError::ImageMissing { .. })), "{asked:?}");
}
