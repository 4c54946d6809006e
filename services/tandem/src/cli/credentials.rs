//! `tandem credentials`: what a development system of several processes needs to be as closed as one in production.
//!
//! The authority and the key that signs tokens are made once and kept; certificates and tokens are issued anew each time. The
//! authority's key lies beside what it signs, which is why this is for development alone.

use std::io::{self, Write};
use std::path::{Path, PathBuf};

use jiff::tz::TimeZone;
use jiff::{SignedDuration, Timestamp};
use jsonwebtoken::jwk::{Jwk, JwkSet, ThumbprintHash};
use jsonwebtoken::{Algorithm, EncodingKey, Header};
use rcgen::{
    BasicConstraints, CertificateParams, DnType, ExtendedKeyUsagePurpose, IsCa, Issuer, KeyPair,
    KeyUsagePurpose, PKCS_ECDSA_P256_SHA256, PKCS_ED25519, SignatureAlgorithm, date_time_ymd,
};
use serde::Serialize;
use tandem_server::access::roles::Role;

use super::failure::CliError;
use super::json;
use super::screen::Screen;

/// The issuer of development tokens: a name that can never be reached.
const ISSUER: &str = "https://tandem.invalid/development";

/// For whom they are.
const AUDIENCE: &str = "tandem";

/// The authority's name.
const AUTHORITY: &str = "Tandem development";

/// How long the authority is valid.
const AUTHORITY_DAYS: i64 = 3650;

/// How long certificates and tokens are valid.
const ISSUED_DAYS: i64 = 90;

/// What is made, and for whom.
#[derive(Debug, clap::Args)]
pub(crate) struct CredentialsArgs {
    /// Confirm that these are for development: the authority's key lies beside what it signs
    #[arg(long, required = true)]
    development: bool,
    /// The folder to write, made where missing; what others must not read is readable by its owner alone
    #[arg(long, value_name = "DIR")]
    out: PathBuf,
    /// A service that gets a certificate, by the host name under which the others reach it; repeat for more
    #[arg(
        long = "service",
        value_name = "NAME",
        value_parser = service_name,
        default_values = ["tandem-inventory", "tandem-prerequisites", "tandem-authority", "tandem-monitoring"]
    )]
    services: Vec<String>,
}

/// What was written, for programs.
#[derive(Debug, PartialEq, Eq, Serialize)]
struct Answer {
    issuer: &'static str,
    audience: &'static str,
    expires: Timestamp,
    files: Vec<PathBuf>,
}

/// What a token says.
#[derive(Debug, Serialize)]
struct Claims {
    iss: &'static str,
    aud: &'static str,
    sub: &'static str,
    iat: i64,
    exp: i64,
    roles: [&'static str; 1],
    tandem_tenants: [&'static str; 1],
}

/// Names of files that are written beside those of services.
const TAKEN: [&str; 3] = ["ca", "token-signing", "audit-signing"];

/// A host name, as certificates and files are named by it.
fn service_name(name: &str) -> Result<String, String> {
    let is_label = |label: &str| {
        (1..=63).contains(&label.len())
            && label.bytes().all(|byte| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'-')
            && !label.starts_with('-')
            && !label.ends_with('-')
    };
    if name.len() > 253 || !name.split('.').all(is_label) {
        return Err("expected a host name: lower-case letters, digits, hyphens and dots".to_owned());
    }
    if TAKEN.contains(&name) {
        return Err(format!("expected another name: `{name}.key` is a key of the authority"));
    }
    Ok(name.to_owned())
}

/// Writes the files. Nothing else runs in the process meanwhile, so it may block.
pub(crate) fn run(args: &CredentialsArgs, screen: &mut Screen<'_>) -> Result<(), CliError> {
    let answer = write(args, Timestamp::now()).map_err(|error| {
        CliError::Failed(format!("credentials cannot be written to {}: {error}", args.out.display()))
    })?;
    if screen.is_json() {
        return screen.line(&json::own(&answer)?);
    }
    for file in &answer.files {
        screen.line(&file.display().to_string())?;
    }
    screen.details(vec![
        ["Issuer".to_owned(), answer.issuer.to_owned()],
        ["Audience".to_owned(), answer.audience.to_owned()],
        ["Expires".to_owned(), answer.expires.to_string()],
    ])
}

fn write(args: &CredentialsArgs, now: Timestamp) -> Result<Answer, Box<dyn std::error::Error>> {
    let mut folder = Folder::open(&args.out)?;
    let expires = now + SignedDuration::from_hours(24 * ISSUED_DAYS);
    let authority = folder.kept_key("ca.key", &PKCS_ECDSA_P256_SHA256)?;
    let params = authority_params(now)?;
    folder.write("ca.pem", params.self_signed(&authority)?.pem().as_bytes(), Readable::ByAll)?;
    let issuer = Issuer::new(params, authority);
    for service in &args.services {
        let key = KeyPair::generate()?;
        let certificate = service_params(service, now, expires)?.signed_by(&key, &issuer)?;
        folder.write(&format!("{service}.key"), key.serialize_pem().as_bytes(), Readable::ByOwner)?;
        folder.write(&format!("{service}.pem"), certificate.pem().as_bytes(), Readable::ByAll)?;
    }
    let signing = EncodingKey::from_ec_der(
        folder.kept_key("token-signing.key", &PKCS_ECDSA_P256_SHA256)?.serialized_der(),
    );
    let mut public = Jwk::from_encoding_key(&signing, Algorithm::ES256)?;
    let id = public.thumbprint(ThumbprintHash::SHA256)?;
    public.common.key_id = Some(id.clone());
    let keys = serde_json::to_vec_pretty(&JwkSet { keys: vec![public] })?;
    folder.write("token-keys.json", &keys, Readable::ByAll)?;
    // Of the audit log: its heads are signed with it.
    folder.kept_key("audit-signing.key", &PKCS_ED25519)?;
    let header = Header { kid: Some(id), ..Header::new(Algorithm::ES256) };
    for role in Role::ALL {
        let name = role.name();
        let claims = Claims {
            iss: ISSUER,
            aud: AUDIENCE,
            sub: name,
            iat: now.as_second(),
            exp: expires.as_second(),
            roles: [name],
            tandem_tenants: ["*"],
        };
        let token = jsonwebtoken::encode(&header, &claims, &signing)?;
        folder.write(&format!("{name}.token"), token.as_bytes(), Readable::ByOwner)?;
    }
    Ok(Answer { issuer: ISSUER, audience: AUDIENCE, expires, files: folder.written })
}

fn authority_params(now: Timestamp) -> Result<CertificateParams, rcgen::Error> {
    let mut params = CertificateParams::default();
    params.distinguished_name.push(DnType::CommonName, AUTHORITY);
    params.is_ca = IsCa::Ca(BasicConstraints::Constrained(0));
    params.key_usages = vec![KeyUsagePurpose::KeyCertSign, KeyUsagePurpose::CrlSign];
    valid(&mut params, now, now + SignedDuration::from_hours(24 * AUTHORITY_DAYS));
    Ok(params)
}

/// The service's name comes first: the others know it by that.
fn service_params(
    service: &str,
    now: Timestamp,
    expires: Timestamp,
) -> Result<CertificateParams, rcgen::Error> {
    let names = [service, "localhost", "127.0.0.1", "::1"].map(str::to_owned);
    let mut params = CertificateParams::new(names)?;
    params.distinguished_name.push(DnType::CommonName, service);
    params.key_usages = vec![KeyUsagePurpose::DigitalSignature];
    params.extended_key_usages =
        vec![ExtendedKeyUsagePurpose::ServerAuth, ExtendedKeyUsagePurpose::ClientAuth];
    params.use_authority_key_identifier_extension = true;
    valid(&mut params, now, expires);
    Ok(params)
}

/// Valid by days, from the day before: clocks differ.
fn valid(params: &mut CertificateParams, from: Timestamp, until: Timestamp) {
    let day = |time: Timestamp| {
        let date = TimeZone::UTC.to_datetime(time).date();
        date_time_ymd(i32::from(date.year()), date.month().unsigned_abs(), date.day().unsigned_abs())
    };
    params.not_before = day(from - SignedDuration::from_hours(24));
    params.not_after = day(until);
}

/// Who may read a file.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Readable {
    ByAll,
    ByOwner,
}

/// The folder, and what was written there.
struct Folder {
    path: PathBuf,
    written: Vec<PathBuf>,
}

impl Folder {
    fn open(path: &Path) -> io::Result<Self> {
        std::fs::create_dir_all(path)?;
        Ok(Self { path: path.to_owned(), written: Vec::new() })
    }

    /// The key of that file, made at the first time.
    fn kept_key(
        &mut self,
        name: &str,
        algorithm: &'static SignatureAlgorithm,
    ) -> Result<KeyPair, Box<dyn std::error::Error>> {
        match std::fs::read_to_string(self.path.join(name)) {
            Ok(pem) => Ok(KeyPair::from_pem(&pem)?),
            Err(error) if error.kind() == io::ErrorKind::NotFound => {
                let key = KeyPair::generate_for(algorithm)?;
                self.write(name, key.serialize_pem().as_bytes(), Readable::ByOwner)?;
                Ok(key)
            }
            Err(error) => Err(error.into()),
        }
    }

    /// Replaces a file as a whole: whoever reads it sees the old or the new.
    fn write(&mut self, name: &str, bytes: &[u8], readable: Readable) -> io::Result<()> {
        let mut file = tempfile::NamedTempFile::new_in(&self.path)?;
        file.write_all(bytes)?;
        #[cfg(unix)]
        {
            use std::os::unix::fs::PermissionsExt;
            let mode = if readable == Readable::ByAll { 0o644 } else { 0o600 };
            file.as_file().set_permissions(std::fs::Permissions::from_mode(mode))?;
        }
        let path = self.path.join(name);
        file.persist(&path)?;
        self.written.push(path);
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use tandem_contracts::r#type::v1::Permission;
    use tandem_server::Tenants;
    use tandem_server::access::TokenTrust;
    use tandem_server::access::tokens::AccessTokens;

    fn arguments(out: &Path) -> CredentialsArgs {
        let services = ["tandem-inventory", "tandem-authority"].map(str::to_owned).to_vec();
        CredentialsArgs { development: true, out: out.to_owned(), services }
    }

    fn read(folder: &Path, name: &str) -> String {
        std::fs::read_to_string(folder.join(name)).unwrap()
    }

    #[test]
    fn each_file_is_written_and_what_is_secret_is_its_owners_alone() {
        let folder = tempfile::tempdir().unwrap();
        let out = folder.path().join("new/credentials");
        write(&arguments(&out), Timestamp::now()).unwrap();
        let mut found: Vec<(String, u32)> = std::fs::read_dir(&out)
            .unwrap()
            .map(|entry| {
                use std::os::unix::fs::PermissionsExt;
                let entry = entry.unwrap();
                let mode = entry.metadata().unwrap().permissions().mode() & 0o777;
                (entry.file_name().into_string().unwrap(), mode)
            })
            .collect();
        found.sort();
        let expected = [
            ("approver.token", 0o600),
            ("audit-signing.key", 0o600),
            ("auditor.token", 0o600),
            ("ca.key", 0o600),
            ("ca.pem", 0o644),
            ("connector.token", 0o600),
            ("full_administrator.token", 0o600),
            ("operator.token", 0o600),
            ("reader.token", 0o600),
            ("tandem-authority.key", 0o600),
            ("tandem-authority.pem", 0o644),
            ("tandem-inventory.key", 0o600),
            ("tandem-inventory.pem", 0o644),
            ("token-keys.json", 0o644),
            ("token-signing.key", 0o600),
        ];
        assert_eq!(found, expected.map(|(name, mode)| (name.to_owned(), mode)));
    }

    #[test]
    fn service_is_named_as_a_host() {
        for good in ["tandem-inventory", "inventory.tandem.example", "10-0-0-1"] {
            assert_eq!(service_name(good).as_deref(), Ok(good));
        }
        for wrong in ["", "../ca", "a/b", ".", "a..b", "-a", "a-", "Inventory", "ca", "token-signing"] {
            assert!(service_name(wrong).is_err(), "{wrong}");
        }
        assert!(service_name(&"a".repeat(64)).is_err());
    }

    #[tokio::test]
    async fn tokens_are_those_of_their_roles_also_after_another_run() {
        let folder = tempfile::tempdir().unwrap();
        let out = folder.path();
        write(&arguments(out), Timestamp::now()).unwrap();
        let first = read(out, "reader.token");
        let kept = ["ca.key", "audit-signing.key", "token-signing.key", "token-keys.json"]
            .map(|name| read(out, name));
        write(&arguments(out), Timestamp::now()).unwrap();
        assert_eq!(
            ["ca.key", "audit-signing.key", "token-signing.key", "token-keys.json"]
                .map(|name| read(out, name)),
            kept
        );
        let trust = TokenTrust {
            issuer: ISSUER.into(),
            audience: AUDIENCE.into(),
            keys: Some(out.join("token-keys.json")),
            ca: None,
            assignments: None,
        };
        let tokens = AccessTokens::open(&trust).unwrap();
        let administrator = tokens.principal(&read(out, "full_administrator.token")).await.unwrap();
        assert!(administrator.tenants_of(Permission::TenantsWrite) == Tenants::All);
        for token in [first, read(out, "reader.token")] {
            let reader = tokens.principal(&token).await.unwrap();
            assert!(reader.may(Permission::TenantsRead) && !reader.may(Permission::TenantsWrite));
        }
    }
}
