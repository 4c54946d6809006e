//! Gives out the heads of chains that went on: signed, to a file and to the log, where whoever can change the database cannot reach them.

use std::io::Write;
use std::path::PathBuf;
use std::time::Duration;

use jiff::Timestamp;
use tandem_contracts::authority::v1::SignedHead;
use tandem_contracts::json;
use tandem_domain::audit::Head;
use tandem_server::failure::{BoxError, chain};
use tokio_util::sync::CancellationToken;

use super::signing::SigningKey;
use crate::store::Store;
use crate::store::audit::{audit_head_keep, audit_heads_due};
use crate::store::entity::audit_head;

/// How often heads are given out: what is changed before the next one is told by none. Each is a small row, and a line of the log.
const PERIOD: Duration = Duration::from_secs(60 * 60);

/// Chains of one look; with more of them, the next look follows at once.
const AT_MOST: u32 = 1000;

/// The message that a line of the file is, as protobuf JSON.
pub(crate) const HEAD: &str = "tandem.authority.v1.SignedHead";

/// A tenant's head, signed where there is a key.
pub(crate) fn signed(tenant: &str, head: Head, key: Option<&SigningKey>, at: Timestamp) -> SignedHead {
    let unsigned = SignedHead {
        tenant: format!("tenants/{tenant}"),
        sequence: head.sequence,
        hash: head.hash,
        // Whole seconds are signed.
        time: Some(prost_types::Timestamp { seconds: at.as_second(), nanos: 0 }),
        ..SignedHead::default()
    };
    match key {
        Some(key) => key.sign(unsigned),
        None => unsigned,
    }
}

/// Gives out what is due, now and every hour, and once more at the end.
pub(crate) async fn run(store: Store, key: SigningKey, file: Option<PathBuf>, ending: CancellationToken) {
    tracing::info!(public_key = key.shown(), "heads of the audit log are signed with this key");
    let mut period = tokio::time::interval(PERIOD);
    loop {
        let is_ending = tokio::select! {
            _ = period.tick() => false,
            () = ending.cancelled() => true,
        };
        if let Err(error) = give_out(&store, &key, file.as_ref()).await {
            tracing::warn!(error = chain(&*error), "heads of the audit log cannot be given out");
        }
        if is_ending {
            return;
        }
    }
}

async fn give_out(store: &Store, key: &SigningKey, file: Option<&PathBuf>) -> Result<(), BoxError> {
    loop {
        let due = audit_heads_due(store, AT_MOST).await?;
        let is_last = due.len() < AT_MOST as usize;
        for (tenant, head) in due {
            let head = signed(&tenant, head, Some(key), Timestamp::now());
            let line = json::line(HEAD, &head)?;
            tracing::info!(target: "tandem_audit_head", head = line);
            if let Some(file) = file {
                let mut options = std::fs::OpenOptions::new();
                writeln!(options.append(true).create(true).open(file)?, "{line}")?;
            }
            // Last: a head that could not be given out is due again.
            let SignedHead { sequence, hash, time, public_key, signature, .. } = head;
            let row = audit_head::Model {
                tenant,
                sequence: i64::try_from(sequence)?,
                hash,
                time: time.map_or(0, |time| time.seconds),
                public_key,
                signature,
            };
            audit_head_keep(store, row).await?;
        }
        if is_last {
            return Ok(());
        }
    }
}
