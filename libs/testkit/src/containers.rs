//! Containers of the production engines, thrown away with the tests that started them.
//!
//! Images are those that `TANDEM_TEST_POSTGRES_IMAGE` and `TANDEM_TEST_REDIS_IMAGE` name, else the upstream ones. Where no registry can be
//! reached, `deploy/offline-images/build` makes some, which are taken where they are and the upstream ones are not.

mod postgres;
mod redis;

use std::env;
use std::sync::OnceLock;

use futures::TryStreamExt;
use libtest_mimic::{Failed, Trial};
use testcontainers::bollard::Docker;
use testcontainers::bollard::query_parameters::CreateImageOptionsBuilder;
use testcontainers::core::IntoContainerPort;
use testcontainers::{ContainerAsync, GenericImage, TestcontainersError};

pub(crate) use self::postgres::USER;
pub use self::postgres::{Postgres, Restart};
pub use self::redis::{Redis, RedisCluster};
use crate::suite::common_runtime;

/// The variable that makes a missing engine a failure.
const REQUIRED: &str = "TANDEM_REQUIRE_CONTAINERS";

/// A test that is ignored where containers cannot be had.
pub(crate) fn trial(name: &str, run: impl FnOnce() -> Result<(), Failed> + Send + 'static) -> Trial {
    match images() {
        Ok(_) => Trial::test(name, run),
        Err(_) if env::var_os(REQUIRED).is_none_or(|required| required != "1") => {
            Trial::test(name, run).with_ignored_flag(true)
        }
        Err(why) => Trial::test(name, move || Err(why.into())),
    }
}

/// Whether containers can be had. To be asked before any is started, and not from within a runtime: a [`crate::suite::Suite`] does.
///
/// # Errors
/// Why not.
pub fn available() -> Result<(), &'static str> {
    images().map(drop)
}

/// The images of this machine.
#[derive(Debug, Clone, PartialEq, Eq)]
struct Images {
    postgres: String,
    redis: String,
}

/// Whether containers can be had, asked once: an engine answers and has or gets the images.
fn images() -> Result<&'static Images, &'static str> {
    static ANSWER: OnceLock<Result<Images, String>> = OnceLock::new();
    let asked = || {
        common_runtime().block_on(async {
            let silent = |error| format!("no container engine answers: {error}");
            let docker = Docker::connect_with_defaults().map_err(silent)?;
            docker.ping().await.map_err(silent)?;
            Ok(Images {
                postgres: image_of(
                    &docker,
                    "TANDEM_TEST_POSTGRES_IMAGE",
                    "postgres:17",
                    "tandem-offline/postgres:15",
                )
                .await?,
                redis: image_of(&docker, "TANDEM_TEST_REDIS_IMAGE", "redis:7", "tandem-offline/redis:7")
                    .await?,
            })
        })
    };
    ANSWER.get_or_init(asked).as_ref().map_err(String::as_str)
}

/// The image that the variable names, or the upstream one, or the offline one where only that is there. Pulls what is on no machine yet.
async fn image_of(docker: &Docker, variable: &str, upstream: &str, offline: &str) -> Result<String, String> {
    let named = env::var(variable).unwrap_or_else(|_| upstream.to_owned());
    if docker.inspect_image(&named).await.is_ok() {
        return Ok(named);
    }
    if named == upstream && docker.inspect_image(offline).await.is_ok() {
        return Ok(offline.to_owned());
    }
    let options = CreateImageOptionsBuilder::new().from_image(&named).build();
    let pulled: Result<Vec<_>, _> = docker.create_image(Some(options), None, None).try_collect().await;
    match pulled {
        Ok(_) => Ok(named),
        Err(error) => Err(format!(
            "the image {named} cannot be pulled: {error}; name another with {variable}, or make one with deploy/offline-images/build"
        )),
    }
}

/// # Panics
/// Containers cannot be had.
fn image(of: impl Fn(&Images) -> &String) -> GenericImage {
    match images() {
        Ok(images) => {
            let named = of(images);
            let (name, tag) = named.rsplit_once(':').unwrap_or((named, "latest"));
            GenericImage::new(name, tag)
        }
        Err(why) => panic!("{why}"),
    }
}

fn check(done: Result<(), TestcontainersError>) {
    if let Err(error) = done {
        panic!("the container does not do as it is told: {error}");
    }
}

fn started(
    container: Result<ContainerAsync<GenericImage>, TestcontainersError>,
) -> ContainerAsync<GenericImage> {
    match container {
        Ok(container) => container,
        Err(error) => panic!("the container cannot be started: {error}"),
    }
}

async fn port_of(container: &ContainerAsync<GenericImage>, inside: u16) -> u16 {
    match container.get_host_port_ipv4(inside.tcp()).await {
        Ok(port) => port,
        Err(error) => panic!("port {inside} of the container cannot be reached: {error}"),
    }
}
