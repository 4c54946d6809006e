//! Configuration from its four places, each overriding those before it: defaults, a TOML file, the environment, the command line.
//!
//! In the environment a key has the prefix `TANDEM_`, and two underscores go one level down: `TANDEM_STORAGE__FOLDER` is
//! `storage.folder`. Configuration types deny unknown fields, so that a misspelt key is an error and never a silent default.

use std::fmt;
use std::path::{Path, PathBuf};

use figment::Figment;
use figment::error::{Actual, Kind};
use figment::providers::{Env, Format, Serialized, Toml};
use figment::value::{Dict, Value};
use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize, Serializer};

/// The prefix of environment variables.
const PREFIX: &str = "TANDEM_";

/// Variables with the prefix that are no keys of a configuration file: the log filter (read before the configuration is), and
/// what the benches and tests are told.
const NOT_KEYS: [&str; 4] = ["log", "bench_", "test_", "require_containers"];

/// A value that is shown to nobody: neither printed with the configuration nor in logs.
#[derive(Clone, PartialEq, Eq, Deserialize)]
#[serde(transparent)]
pub struct Secret(String);

impl Secret {
    /// The value, for whoever it is meant for.
    #[must_use]
    pub fn expose(&self) -> &str {
        &self.0
    }
}

/// What is shown instead.
const HIDDEN: &str = "(hidden)";

impl fmt::Debug for Secret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(HIDDEN)
    }
}

impl Serialize for Secret {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(HIDDEN)
    }
}

/// Why there is no configuration.
#[derive(Debug, thiserror::Error)]
pub enum ConfigError {
    /// The file was named but cannot be read.
    #[error("the configuration file {} cannot be read", .path.display())]
    Unreadable {
        /// The file.
        path: PathBuf,
        /// Why.
        source: std::io::Error,
    },
    /// Keys or values are not what the configuration expects; one line each, with the key and the place that it came from.
    #[error("the configuration is invalid: {}", .0.join("; "))]
    Invalid(Vec<String>),
}

/// Loads a configuration: `T::default()`, then `file`, then the environment, then `overrides` (the command line).
///
/// What `overrides` leaves empty (`None`) overrides nothing. `T` must deny unknown fields.
///
/// # Errors
/// The file cannot be read, a key is unknown, or a value is of the wrong kind.
pub fn load<T>(file: Option<&Path>, overrides: &impl Serialize) -> Result<T, ConfigError>
where
    T: Default + Serialize + DeserializeOwned,
{
    load_except(file, overrides, &[])
}

/// The same for a program whose command line reads environment variables of its own, such as `TANDEM_SERVER`: those in
/// `not_keys` (in full) are left alone.
///
/// # Errors
/// As of [`load`].
pub fn load_except<T>(
    file: Option<&Path>,
    overrides: &impl Serialize,
    not_keys: &'static [&'static str],
) -> Result<T, ConfigError>
where
    T: Default + Serialize + DeserializeOwned,
{
    let environment = Env::prefixed(PREFIX)
        .filter(move |key| {
            let key = key.as_str().to_ascii_lowercase();
            let of_others =
                |name: &&str| name.strip_prefix(PREFIX).is_some_and(|name| name.eq_ignore_ascii_case(&key));
            let reserved =
                |name: &&str| if name.ends_with('_') { key.starts_with(name) } else { key == *name };
            !NOT_KEYS.iter().any(reserved) && !not_keys.iter().any(of_others)
        })
        .split("__");
    let mut sources = Figment::from(Serialized::defaults(T::default()));
    if let Some(path) = file {
        // A provider takes a missing file for an empty one, and could not say why one is unreadable.
        let text = std::fs::read_to_string(path);
        let text = text.map_err(|source| ConfigError::Unreadable { path: path.into(), source })?;
        check_form(path, &text)?;
        sources = sources.merge(Toml::file_exact(path));
    }
    sources.merge(environment).merge(Serialized::defaults(given(overrides)?)).extract().map_err(invalid)
}

/// Refuses a file that is no TOML. What reads it would show the line with the mistake, and a secret that stands there.
fn check_form(path: &Path, text: &str) -> Result<(), ConfigError> {
    let Err(error) = toml::from_str::<toml::Table>(text) else { return Ok(()) };
    let before = error.span().and_then(|span| text.get(..span.start)).unwrap_or_default();
    let line = before.matches('\n').count() + 1;
    let place = format!("{} is no TOML at line {line}", path.display());
    Err(ConfigError::Invalid(vec![format!("{place}: {}", error.message())]))
}

/// What the command line gave, without what it left out.
fn given(overrides: &impl Serialize) -> Result<Dict, ConfigError> {
    match Value::serialize(overrides).map_err(invalid)? {
        Value::Dict(_, dict) => Ok(without_empty(dict)),
        _ => Ok(Dict::new()),
    }
}

fn without_empty(dict: Dict) -> Dict {
    let kept = |(key, value)| match value {
        Value::Empty(..) => None,
        Value::Dict(tag, dict) => Some((key, Value::Dict(tag, without_empty(dict)))),
        value => Some((key, value)),
    };
    dict.into_iter().filter_map(kept).collect()
}

/// Says which key is wrong, and where it was found. The texts that were found there are not shown: a secret may stand at a wrong key.
fn invalid(error: figment::Error) -> ConfigError {
    let hidden = |found| match found {
        Actual::Str(_) => Actual::Other("a text".to_owned()),
        found => found,
    };
    let shown = |mut error: figment::Error| {
        error.kind = match error.kind {
            Kind::InvalidType(found, expected) => Kind::InvalidType(hidden(found), expected),
            Kind::InvalidValue(found, expected) => Kind::InvalidValue(hidden(found), expected),
            kind => kind,
        };
        error.to_string()
    };
    ConfigError::Invalid(error.into_iter().map(shown).collect())
}

#[cfg(test)]
#[allow(clippy::result_large_err, reason = "the environment sandbox fixes the error type")]
mod tests {
    use super::*;
    use figment::Jail;
    use serde::Deserialize;

    #[derive(Debug, PartialEq, Serialize, Deserialize)]
    #[serde(deny_unknown_fields, default)]
    struct Config {
        address: String,
        storage: Storage,
    }

    #[derive(Debug, PartialEq, Serialize, Deserialize)]
    #[serde(deny_unknown_fields, default)]
    struct Storage {
        folder: String,
        readers: u32,
    }

    impl Default for Config {
        fn default() -> Self {
            Self { address: "127.0.0.1:50051".into(), storage: Storage::default() }
        }
    }

    impl Default for Storage {
        fn default() -> Self {
            Self { folder: "data".into(), readers: 4 }
        }
    }

    #[derive(Debug, Default, Serialize)]
    struct Flags {
        address: Option<String>,
    }

    fn config(address: &str, folder: &str, readers: u32) -> Config {
        Config { address: address.into(), storage: Storage { folder: folder.into(), readers } }
    }

    #[test]
    fn value_at_a_wrong_place_is_not_shown() {
        Jail::expect_with(|jail| {
            let refused = |jail: &mut Jail, text: &str| {
                jail.create_file("tandem.toml", text)?;
                let error = load::<Config>(Some(Path::new("tandem.toml")), &Flags::default()).unwrap_err();
                let told = error.to_string();
                assert!(!told.contains("secret"), "{told}");
                Ok::<_, figment::Error>(told)
            };
            let told = refused(jail, "address = \"x\"\nstorage = \"postgres://u:secret@h/d\"")?;
            assert!(
                told.contains("found a text, expected struct Storage for key \"default.storage\""),
                "{told}"
            );
            let told = refused(jail, "[storage]\nfolder = \"x\"\nreaders = \"secret\"")?;
            assert!(told.contains("found a text, expected u32"), "{told}");
            let told =
                refused(jail, "[storage]\nreaders = 4\nfolder = \"postgres://u:secret@h/d\nother = 5")?;
            assert!(
                told.starts_with("the configuration is invalid: tandem.toml is no TOML at line 3: "),
                "{told}"
            );
            Ok(())
        });
    }

    #[test]
    fn configuration_without_sources_is_the_default() {
        Jail::expect_with(|_| {
            assert_eq!(load::<Config>(None, &Flags::default()).unwrap(), Config::default());
            Ok(())
        });
    }

    #[test]
    fn later_source_overrides_earlier_ones() {
        Jail::expect_with(|jail| {
            jail.create_file("tandem.toml", "address = 'file'\n[storage]\nfolder = 'file'\nreaders = 9\n")?;
            let file = Some(Path::new("tandem.toml"));
            assert_eq!(load::<Config>(file, &Flags::default()).unwrap(), config("file", "file", 9));
            jail.set_env("TANDEM_ADDRESS", "environment");
            jail.set_env("TANDEM_STORAGE__FOLDER", "environment");
            assert_eq!(
                load::<Config>(file, &Flags::default()).unwrap(),
                config("environment", "environment", 9)
            );
            let flags = Flags { address: Some("flag".into()) };
            assert_eq!(load::<Config>(file, &flags).unwrap(), config("flag", "environment", 9));
            Ok(())
        });
    }

    #[test]
    fn unknown_key_is_an_error_that_names_it() {
        Jail::expect_with(|jail| {
            jail.create_file("tandem.toml", "[storage]\nfodler = 'x'\n")?;
            let error = load::<Config>(Some(Path::new("tandem.toml")), &Flags::default()).unwrap_err();
            let text = error.to_string();
            assert!(text.contains("fodler") && text.contains("tandem.toml"), "{text}");
            jail.set_env("TANDEM_STORAGE__FODLER", "x");
            let text = load::<Config>(None, &Flags::default()).unwrap_err().to_string();
            assert!(text.contains("fodler"), "{text}");
            Ok(())
        });
    }

    #[test]
    fn variable_that_is_no_key_is_left_alone() {
        Jail::expect_with(|jail| {
            jail.set_env("TANDEM_LOG", "debug");
            jail.set_env("TANDEM_BENCH_DEVICES", "1000000");
            assert_eq!(load::<Config>(None, &Flags::default()).unwrap(), Config::default());
            jail.set_env("TANDEM_SERVER", "http://127.0.0.1:50051");
            assert!(load::<Config>(None, &Flags::default()).is_err());
            assert_eq!(
                load_except::<Config>(None, &Flags::default(), &["TANDEM_SERVER"]).unwrap(),
                Config::default()
            );
            Ok(())
        });
    }

    #[test]
    fn missing_file_that_was_named_is_an_error() {
        let error = load::<Config>(Some(Path::new("nowhere/tandem.toml")), &Flags::default()).unwrap_err();
        assert_eq!(error.to_string(), "the configuration file nowhere/tandem.toml cannot be read");
    }
}
