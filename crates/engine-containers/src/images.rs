//! Images of an engine: what is there, and how more comes there.

use std::{
    collections::{BTreeMap, BTreeSet},
    pin::pin,
};

use bollard::{
    body_full, body_try_stream,
    errors::Error,
    models::{BuildInfo, CreateImageInfo, ErrorDetail, ImageInspect, ProgressDetail},
    query_parameters::{
        BuildImageOptions, CreateImageOptions, ImportImageOptions, ListImagesOptions, RemoveImageOptions,
        TagImageOptions,
    },
};
use bytes::Bytes;
use futures::{Stream, StreamExt as _};
use tokio::{
    io::{AsyncRead, AsyncWrite, AsyncWriteExt as _},
    time::{Instant, timeout, timeout_at},
};
use tokio_util::io::ReaderStream;

use crate::{
    ContainerEngine, ContainersError, HealthCheck, Object, Port,
    inspection::environment,
    names, reading,
    refusal::{BUILDING, Doing, of_words},
};

/// An image.
#[derive(Debug, Clone, PartialEq)]
pub struct Image {
    /// The engine's id: the digest of its configuration.
    pub id: String,
    /// Names and tags.
    pub tags: Vec<String>,
    /// Names and digests under which registries have it; none for one that was loaded from an archive.
    pub digests: Vec<String>,
    /// Its size in bytes.
    pub size_bytes: u64,
    /// When it was made, RFC 3339.
    pub created: String,
    /// The processor that it is for, in Go's words.
    pub architecture: String,
    /// What its containers are where they say nothing.
    pub defaults: ImageDefaults,
}

/// What containers of an image are where they say nothing.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct ImageDefaults {
    /// The program.
    pub entrypoint: Vec<String>,
    /// Its arguments.
    pub command: Vec<String>,
    /// Variables.
    pub environment: BTreeMap<String, String>,
    /// Labels.
    pub labels: BTreeMap<String, String>,
    /// The user.
    pub user: Option<String>,
    /// The folder that the program starts in.
    pub working_folder: Option<String>,
    /// Folders that become volumes.
    pub volumes: BTreeSet<String>,
    /// Ports that others are told of.
    pub exposed: BTreeSet<Port>,
    /// The health check.
    pub health: Option<HealthCheck>,
    /// The signal that asks the program to end.
    pub stop_signal: Option<String>,
}

/// How far something is.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Progress {
    /// The part that it is about, for example a layer; empty for the whole.
    pub part: String,
    /// What is being done, in the engine's words.
    pub doing: String,
    /// Bytes that are done.
    pub done_bytes: Option<u64>,
    /// Bytes of the part.
    pub total_bytes: Option<u64>,
}

/// How to build an image.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct BuildOptions {
    /// Name and tag of the result.
    pub tag: String,
    /// The path of the Dockerfile in the archive; `Dockerfile` where it is empty.
    pub dockerfile: String,
    /// Arguments of the build.
    pub arguments: BTreeMap<String, String>,
    /// Labels of the result.
    pub labels: BTreeMap<String, String>,
}

impl ContainerEngine {
    /// All images that have a name, by their first.
    pub async fn images(&self) -> Result<Vec<Image>, ContainersError> {
        let asked = self.docker().list_images(None::<ListImagesOptions>);
        let found = self.call(Doing::new("listing", Object::Image, ""), asked).await?;
        let mut images = Vec::with_capacity(found.len());
        for summary in found {
            match self.image(&summary.id).await {
                Ok(image) => images.push(image),
                // Removed meanwhile.
                Err(ContainersError::ImageMissing { .. }) => {}
                Err(error) => return Err(error),
            }
        }
        images.sort_by(|a, b| (&a.tags, &a.id).cmp(&(&b.tags, &b.id)));
        Ok(images)
    }

    /// One image, by name and tag, digest, or id.
    pub async fn image(&self, image: &str) -> Result<Image, ContainersError> {
        let image = names::check_image(image)?;
        let asked = self.docker().inspect_image(image);
        match self.call(Doing::new("looking at", Object::Image, image), asked).await {
            Ok(found) => Ok(read(found)),
            Err(ContainersError::ImageMissing { .. }) => Err(ContainersError::ImageMissing {
                image: image.to_owned(),
                reason: "it was not pulled, built or loaded there".to_owned(),
            }),
            Err(error) => Err(error),
        }
    }

    /// Pulls an image from its registry.
    pub async fn pull(
        &self,
        image: &str,
        progress: &mut (dyn FnMut(Progress) + Send),
    ) -> Result<Image, ContainersError> {
        let image = names::check_image(image)?;
        let (name, tag) = names::tag_of(image);
        let options = CreateImageOptions {
            from_image: Some(name.to_owned()),
            tag: Some(tag.to_owned()).filter(|tag| !tag.is_empty()),
            ..CreateImageOptions::default()
        };
        let doing = Doing::new("pulling", Object::Image, image);
        self.attend(doing, self.docker().create_image(Some(options), None, None), progress).await?;
        self.image(image).await
    }

    /// The image, pulled only if it is not there.
    pub async fn ensure_image(
        &self,
        image: &str,
        progress: &mut (dyn FnMut(Progress) + Send),
    ) -> Result<Image, ContainersError> {
        match self.image(image).await {
            Err(ContainersError::ImageMissing { .. }) => self.pull(image, progress).await,
            found => found,
        }
    }

    /// The digest that the registry has for a name and tag, without pulling: whether there is something newer.
    pub async fn digest_in_registry(&self, image: &str) -> Result<String, ContainersError> {
        let image = names::check_image(image)?;
        let asked = self.docker().inspect_registry_image(image, None);
        let found = self.call(Doing::new("asking the registry for", Object::Image, image), asked).await?;
        Ok(found.descriptor.digest.unwrap_or_default())
    }

    /// Builds an image from a tar archive that holds a Dockerfile and what it names.
    pub async fn build(
        &self,
        archive: Bytes,
        options: &BuildOptions,
        progress: &mut (dyn FnMut(Progress) + Send),
    ) -> Result<Image, ContainersError> {
        let tag = names::check_image(&options.tag)?;
        let dockerfile = if options.dockerfile.is_empty() { "Dockerfile" } else { &options.dockerfile };
        let asked = BuildImageOptions {
            dockerfile: dockerfile.to_owned(),
            t: Some(tag.to_owned()),
            rm: true,
            forcerm: true,
            buildargs: Some(options.arguments.clone().into_iter().collect()),
            labels: Some(options.labels.clone().into_iter().collect()),
            ..BuildImageOptions::default()
        };
        let doing = Doing::new(BUILDING, Object::Image, tag);
        self.attend(doing, self.docker().build_image(asked, None, Some(body_full(archive))), progress).await?;
        self.image(tag).await
    }

    /// Makes an image of a root file system, a tar archive. `changes` are lines of a Dockerfile: `USER 65534`, `ENTRYPOINT ["/p"]`.
    pub async fn import(&self, root: Bytes, tag: &str, changes: &[String]) -> Result<Image, ContainersError> {
        let image = names::check_image(tag)?;
        let (name, tag) = names::tag_of(image);
        let options = CreateImageOptions {
            from_src: Some("-".to_owned()),
            repo: Some(name.to_owned()),
            tag: Some(tag.to_owned()),
            changes: changes.to_vec(),
            ..CreateImageOptions::default()
        };
        let doing = Doing::new("importing", Object::Image, image);
        let asked = self.docker().create_image(Some(options), Some(body_full(root)), None);
        self.attend(doing, asked, &mut |_| ()).await?;
        self.image(image).await
    }

    /// Loads images from an archive, as `docker save` writes them.
    pub async fn load(
        &self,
        archive: impl AsyncRead + Send + 'static,
        progress: &mut (dyn FnMut(Progress) + Send),
    ) -> Result<(), ContainersError> {
        let body = body_try_stream(ReaderStream::new(archive));
        let options = ImportImageOptions { quiet: false, platform: None };
        let doing = Doing::new("loading", Object::Image, "from an archive");
        self.attend(doing, self.docker().import_image(options, body, None), progress).await
    }

    /// Writes images into an archive: how many bytes.
    pub async fn save(
        &self,
        images: &[&str],
        archive: &mut (dyn AsyncWrite + Unpin + Send),
    ) -> Result<u64, ContainersError> {
        for image in images {
            self.image(image).await?;
        }
        let doing = Doing::new("saving", Object::Image, images.first().copied().unwrap_or_default());
        self.written(doing, self.docker().export_images(images), archive).await
    }

    /// Gives an image another name.
    pub async fn tag(&self, image: &str, name: &str) -> Result<(), ContainersError> {
        let image = names::check_image(image)?;
        let (repo, tag) = names::tag_of(names::check_image(name)?);
        let options = TagImageOptions { repo: Some(repo.to_owned()), tag: Some(tag.to_owned()) };
        let asked = self.docker().tag_image(image, Some(options));
        self.call(Doing::new("tagging", Object::Image, image), asked).await
    }

    /// Takes a name from an image, and removes it with its last. One that is used by a container is refused.
    pub async fn remove_image(&self, image: &str) -> Result<(), ContainersError> {
        let image = names::check_image(image)?;
        let asked = self.docker().remove_image(image, None::<RemoveImageOptions>, None);
        self.call(Doing::new("removing", Object::Image, image), asked).await.map(drop)
    }

    /// Reads messages of progress to the end, within the bounds on silence and on the whole.
    async fn attend<T: Message>(
        &self,
        doing: Doing<'_>,
        messages: impl Stream<Item = Result<T, Error>>,
        progress: &mut (dyn FnMut(Progress) + Send),
    ) -> Result<(), ContainersError> {
        let mut messages = pin!(messages);
        let deadline = Instant::now() + self.inner.options.transfer_limit;
        while let Some(message) = self.next_within(doing, &mut messages, deadline).await? {
            match message.read() {
                Ok(step) => progress(step),
                Err(said) => return Err(of_words(doing, &said)),
            }
        }
        Ok(())
    }

    /// Writes a stream of bytes, within the same bounds.
    pub(crate) async fn written(
        &self,
        doing: Doing<'_>,
        bytes: impl Stream<Item = Result<Bytes, Error>>,
        out: &mut (dyn AsyncWrite + Unpin + Send),
    ) -> Result<u64, ContainersError> {
        let mut bytes = pin!(bytes);
        let deadline = Instant::now() + self.inner.options.transfer_limit;
        let failed = |error: std::io::Error| match error.kind() {
            std::io::ErrorKind::StorageFull => ContainersError::NoSpace { reason: format!("{doing}: {error}") },
            _ => ContainersError::Failed { doing: doing.to_string(), reason: error.to_string() },
        };
        let mut count = 0;
        while let Some(part) = self.next_within(doing, &mut bytes, deadline).await? {
            out.write_all(&part).await.map_err(failed)?;
            count += part.len() as u64;
        }
        out.flush().await.map_err(failed)?;
        Ok(count)
    }

    /// The next of a stream.
    pub(crate) async fn next_within<T>(
        &self,
        doing: Doing<'_>,
        stream: &mut (impl Stream<Item = Result<T, Error>> + Unpin),
        deadline: Instant,
    ) -> Result<Option<T>, ContainersError> {
        let options = &self.inner.options;
        let timed_out = |limit| ContainersError::TimedOut { doing: doing.to_string(), limit };
        match timeout_at(deadline, timeout(options.silence_limit, stream.next())).await {
            Err(_) => Err(timed_out(options.transfer_limit)),
            Ok(Err(_)) => Err(timed_out(options.silence_limit)),
            Ok(Ok(None)) => Ok(None),
            Ok(Ok(Some(Ok(message)))) => Ok(Some(message)),
            Ok(Ok(Some(Err(error)))) => Err(self.explained(doing, error).await),
        }
    }
}

/// What an engine says while it works.
trait Message {
    /// How far it is, or what went wrong.
    fn read(self) -> Result<Progress, String>;
}

impl Message for CreateImageInfo {
    fn read(self) -> Result<Progress, String> {
        step(self.id, self.status, self.progress_detail, self.error_detail)
    }
}

impl Message for BuildInfo {
    fn read(self) -> Result<Progress, String> {
        step(self.id, self.status.or(self.stream), self.progress_detail, self.error_detail)
    }
}

fn step(
    part: Option<String>,
    doing: Option<String>,
    bytes: Option<ProgressDetail>,
    error: Option<ErrorDetail>,
) -> Result<Progress, String> {
    if let Some(error) = error {
        return Err(error.message.unwrap_or_default());
    }
    let bytes = bytes.unwrap_or_default();
    let positive = |figure: Option<i64>| figure.and_then(|figure| u64::try_from(figure).ok());
    Ok(Progress {
        part: part.unwrap_or_default(),
        doing: doing.unwrap_or_default().trim_end().to_owned(),
        done_bytes: positive(bytes.current),
        total_bytes: positive(bytes.total),
    })
}

pub(crate) fn read(found: ImageInspect) -> Image {
    let config = found.config.unwrap_or_default();
    let some = |text: Option<String>| text.filter(|text| !text.is_empty());
    let ports = config.exposed_ports.unwrap_or_default();
    let health = config.healthcheck.map(reading::health).filter(|check| *check != HealthCheck::default());
    Image {
        id: found.id.unwrap_or_default(),
        tags: found.repo_tags.unwrap_or_default(),
        digests: found.repo_digests.unwrap_or_default(),
        size_bytes: found.size.and_then(|size| u64::try_from(size).ok()).unwrap_or_default(),
        created: found.created.unwrap_or_default(),
        architecture: found.architecture.unwrap_or_default(),
        defaults: ImageDefaults {
            entrypoint: config.entrypoint.unwrap_or_default(),
            command: config.cmd.unwrap_or_default(),
            environment: environment(config.env.unwrap_or_default()),
            labels: config.labels.unwrap_or_default().into_iter().collect(),
            user: some(config.user),
            working_folder: some(config.working_dir),
            volumes: config.volumes.unwrap_or_default().into_iter().collect(),
            exposed: ports.iter().filter_map(|port| port.parse().ok()).collect(),
            health,
            stop_signal: some(config.stop_signal),
        },
    }
}
