//! Batches of one tenant, over a database of their own: those that share a transaction, and those that were read ahead, which changes nothing
//! but the time that they take.

use std::sync::Arc;

use jiff::{SignedDuration, Timestamp};
use proptest::prelude::*;
use sea_orm::{EntityTrait, QueryOrder};
use tandem_contracts::convert::section::{Report, to_proto};
use tandem_contracts::inventory::v1::{Hierarchy, Tenant};
use tandem_domain::section::{Discovery, ManagedDevice, Section, SectionBody, Source};
use tandem_server::Clock;
use tandem_server::failure::Failure;
use tandem_storage::Location;

use super::apply::batches_apply;
use super::batch::Applied;
use super::*;
use crate::store::Store;
use crate::store::entity::{device, device_key, identity_conflict, record};
use crate::store::hierarchies::hierarchy_update;
use crate::store::once::Once;
use crate::store::tenants::tenant_create;

const TENANT: &str = "contoso";

/// A store with a tenant and a hierarchy, and the folder that it is in.
async fn store() -> (tempfile::TempDir, Store) {
    let folder = tempfile::tempdir().unwrap();
    let store = Store::open(&Location::scratch(folder.path().join("inventory.db")), None).await.unwrap();
    let once = || Once::new(TENANT, "a test", "", &(), Clock::system().now()).unwrap();
    tenant_create(&store, TENANT, &Tenant::default(), once()).await.unwrap();
    hierarchy_update(&store, TENANT, "PS1", &Hierarchy::default(), true, once()).await.unwrap();
    (folder, store)
}

/// What a record says: of a hierarchy, of Intune, or that it is gone. Few keys, so that records meet, part and contradict each other.
#[derive(Debug, Clone)]
enum Said {
    Site { record: u8, client: u8, firmware: u8 },
    Intune { record: u8, entra: u8, client: u8, serial: u8 },
    Gone { record: u8 },
}

fn said() -> impl Strategy<Value = Said> {
    prop_oneof![
        3 => (0..4_u8, 0..4_u8, 0..3_u8)
            .prop_map(|(record, client, firmware)| Said::Site { record, client, firmware }),
        3 => (0..4_u8, 0..4_u8, 0..4_u8, 0..3_u8)
            .prop_map(|(record, entra, client, serial)| Said::Intune { record, entra, client, serial }),
        1 => (0..4_u8).prop_map(|record| Said::Gone { record }),
    ]
}

/// A text that is a key of its kind, and none for zero.
fn guid(kind: u8, value: u8) -> Option<String> {
    (value > 0).then(|| format!("{kind:08x}-1111-4222-8333-4444555566{value:02x}"))
}

fn incoming(said: &Said, source: &Source, observed_at: Timestamp) -> Incoming {
    let (key, body) = match said {
        Said::Site { record, client, firmware } => {
            let discovery = Discovery {
                sms_unique_identifier: guid(1, *client).map(|id| format!("GUID:{id}")),
                smbios_guid: guid(2, *firmware),
                ..Discovery::default()
            };
            (format!("PS1/{record}"), Some(SectionBody::Discovery(discovery)))
        }
        Said::Intune { record, entra, client, serial } => {
            let device = ManagedDevice {
                entra_device_id: guid(3, *entra),
                client_identifier: guid(1, *client),
                serial_number: (*serial > 0).then(|| format!("PF-{serial}00{serial}")),
                ..ManagedDevice::default()
            };
            (guid(4, record + 1).unwrap(), Some(SectionBody::ManagedDeviceBeta(device)))
        }
        Said::Gone { record } => (format!("PS1/{record}"), None),
    };
    let body = match body {
        Some(body) => {
            let section = Section { source: source.clone(), key: key.clone(), observed_at, body };
            let bytes = to_proto(&Report::Said { section: section.clone(), sequence: 0 });
            IncomingBody::Said(section.into(), prost::Message::encode_to_vec(&bytes).into())
        }
        None => IncomingBody::Removed,
    };
    Incoming { key, observed_at, ahead: None, sequence: 0, body }
}

/// Batches, each of one source and a minute later than the one before.
fn batches(said: &[Vec<Said>]) -> Vec<Batch> {
    let first: Timestamp = "2026-11-20T12:00:00Z".parse().unwrap();
    let mut batches = Vec::new();
    for of_batch in said {
        for source in ["configmgr/PS1", "intune"] {
            let source: Source = source.parse().unwrap();
            let received_at = first + SignedDuration::from_mins(batches.len() as i64);
            let of_source = of_batch
                .iter()
                .filter(|said| matches!(said, Said::Intune { .. }) == (source == Source::Intune));
            let sections = of_source.map(|said| incoming(said, &source, received_at)).collect();
            batches.push(Batch { source, sections, received_at });
        }
    }
    batches
}

/// Everything that batches write, row by row.
async fn rows(store: &Store) -> [Vec<String>; 4] {
    let reader = &store.reader("contoso");
    let devices = device::Entity::find().order_by_asc(device::Column::Device).all(reader).await.unwrap();
    let keys = device_key::Entity::find()
        .order_by_asc(device_key::Column::Kind)
        .order_by_asc(device_key::Column::Value)
        .all(reader)
        .await
        .unwrap();
    let records = record::Entity::find().order_by_asc(record::Column::RecordNo).all(reader).await.unwrap();
    let conflicts = identity_conflict::Entity::find()
        .order_by_asc(identity_conflict::Column::ConflictNo)
        .all(reader)
        .await
        .unwrap();
    [
        devices.iter().map(|row| format!("{row:?}")).collect(),
        keys.iter().map(|row| format!("{row:?}")).collect(),
        records.iter().map(|row| format!("{row:?}")).collect(),
        conflicts.iter().map(|row| format!("{row:?}")).collect(),
    ]
}

/// Stores batches, each read ahead before those many that come before it. What was read is of use to all of them.
async fn apply_ahead(store: &Store, batches: &[Batch], before: usize) {
    let mut read = Vec::new();
    for (at, batch) in batches.iter().enumerate() {
        while read.len() < batches.len().min(at + 1 + before) {
            read.push(read_ahead(store, TENANT, &batches[read.len()]).await.unwrap());
        }
        let ahead = read[at].take();
        assert!(ahead.is_some());
        assert!(!batch_apply(store, TENANT, batch.clone(), ahead).await.unwrap().is_stale);
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(48))]

    #[test]
    fn batches_that_were_read_ahead_store_the_same(
        said in prop::collection::vec(prop::collection::vec(said(), 0..6), 1..5),
        before in 1..4_usize,
    ) {
        let runtime = tokio::runtime::Runtime::new().unwrap();
        runtime.block_on(async {
            let batches = batches(&said);
            let ((_ahead_folder, ahead), (_folder, plain)) = (store().await, store().await);
            apply_ahead(&ahead, &batches, before).await;
            for batch in batches {
                batch_apply(&plain, TENANT, batch, None).await.unwrap();
            }
            prop_assert_eq!(rows(&ahead).await, rows(&plain).await);
            Ok(())
        })?;
    }
}

#[tokio::test]
async fn what_was_read_ahead_is_of_no_use_once_somebody_else_writes() {
    let (_folder, store) = store().await;
    let batches = batches(&[vec![Said::Site { record: 0, client: 1, firmware: 0 }]]);
    let ahead = read_ahead(&store, TENANT, &batches[0]).await.unwrap();
    let once = Once::new(TENANT, "a test", "", &(), Clock::system().now()).unwrap();
    hierarchy_update(&store, TENANT, "EU1", &Hierarchy::default(), true, once).await.unwrap();
    let applied = batch_apply(&store, TENANT, batches[0].clone(), ahead).await.unwrap();
    assert_eq!((applied.applied, applied.is_stale), (1, true));
    assert!(read_ahead(&store, "fabrikam", &batches[0]).await.unwrap().is_none(), "there is no such tenant");
}

#[tokio::test]
async fn batch_of_a_hierarchy_that_there_is_not_hinders_no_other() {
    let (_folder, store) = store().await;
    let now = Clock::system().now();
    let batch = |source: &str, records: usize| {
        let section = |number| Incoming {
            key: format!("{source} {number}"),
            observed_at: now,
            ahead: None,
            sequence: 0,
            body: IncomingBody::Removed,
        };
        let sections = (0..records).map(section).collect();
        Batch { source: source.parse().unwrap(), sections, received_at: now }
    };
    let batches = vec![batch("configmgr/PS1", 1), batch("configmgr/XX1", 2), batch("intune", 3)];
    // Nothing is of use that was read for one of several.
    let ahead = vec![None, None, read_ahead(&store, TENANT, &batches[2]).await.unwrap()];
    let outcomes = batches_apply(&store, TENANT, Arc::new(batches), ahead).await.unwrap();
    // The tenant was made at revision 1, its hierarchy at 2; records that nobody knew change no device.
    let stored = |applied, is_stale| Ok(Applied { applied, superseded: 0, revision: 2, is_stale });
    let missing = Err("tenants/contoso/hierarchies/XX1".to_owned());
    let found: Vec<Result<Applied, String>> = outcomes
        .into_iter()
        .map(|outcome| {
            outcome.map_err(|failure| match failure {
                Failure::NotFound { name, .. } => name,
                failure => panic!("{failure}"),
            })
        })
        .collect();
    assert_eq!(found, [stored(1, false), missing, stored(3, true)]);
}
