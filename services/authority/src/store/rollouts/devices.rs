//! The devices of rollouts: a row each, written when it changes.

use std::num::TryFromIntError;

use jiff::Timestamp;
use sea_orm::{ConnectionTrait, DatabaseTransaction, QueryResult, Statement, Value};
use tandem_contracts::authority::v1::DeviceStanding;
use tandem_domain::id::DeviceId;
use tandem_domain::rollout::{Bucket, DeviceRow, WaveDevice};
use tandem_storage::StoreError;
use tandem_storage::bulk::{Column, Insert};

use super::RolloutKey;
use super::row::{damaged, moment};
use crate::grpc::{shown_standing, standing_of};
use crate::store::Store;

/// The columns of a device, in the order in which they are read.
const COLUMNS: &str = "device, wave, bucket, batch, handed_over_at, configured, arrived, standing";

/// Rows of one statement: more would hold the writer's memory for no gain.
const AT_ONCE: usize = 10_000;

/// Which devices of a rollout are listed. `None`: any.
#[derive(Debug, Clone, Copy, Default)]
pub(crate) struct WantedDevices {
    pub(crate) wave: Option<u32>,
    pub(crate) standing: Option<i32>,
}

/// Writes rows in place of those that their devices had.
pub(super) async fn devices_write(
    tx: &DatabaseTransaction,
    key: &RolloutKey,
    rows: &[DeviceRow],
) -> Result<(), StoreError> {
    for rows in rows.chunks(AT_ONCE) {
        let numbers = |number: &dyn Fn(&DeviceRow) -> i32| Column::Int(rows.iter().map(number).collect());
        let flags = |flag: &dyn Fn(&DeviceRow) -> bool| Column::Bool(rows.iter().map(flag).collect());
        let large = |number: &dyn Fn(&DeviceRow) -> i64| Column::BigInt(rows.iter().map(number).collect());
        let batch = |row: &DeviceRow| row.batch.map_or(-1, |place| i64::try_from(place).unwrap_or(i64::MAX));
        let insert = Insert::into("rollout_devices")
            .shared("tenant", key.tenant.as_str())
            .shared("hierarchy", key.hierarchy.as_str())
            .shared("rollout", key.rollout.as_str())
            .column("device", Column::Text(rows.iter().map(|row| row.device.to_string()).collect()))
            .column("wave", numbers(&|row| i32::try_from(row.wave).unwrap_or(i32::MAX)))
            .column("bucket", numbers(&|row| row.entry.bucket.number().into()))
            .column("batch", large(&batch))
            .column(
                "handed_over_at",
                large(&|row| row.entry.handed_over_at.map_or(0, Timestamp::as_microsecond)),
            )
            .column("configured", flags(&|row| row.entry.configured))
            .column("arrived", flags(&|row| row.entry.arrived))
            .column("standing", numbers(&|row| shown_standing(row.entry.standing).into()));
        let changed = ["wave", "batch", "handed_over_at", "configured", "arrived", "standing"];
        let key = ["tenant", "hierarchy", "rollout", "device"];
        insert.or_replace(&key, &changed).execute(tx).await?;
    }
    Ok(())
}

/// Every device of a rollout, in no order.
pub(super) async fn devices_read(
    db: &impl ConnectionTrait,
    key: &RolloutKey,
) -> Result<Vec<DeviceRow>, StoreError> {
    let select = Statement::from_sql_and_values(
        db.get_database_backend(),
        format!(
            "SELECT {COLUMNS} FROM rollout_devices WHERE tenant = $1 AND hierarchy = $2 AND rollout = $3"
        ),
        of(key),
    );
    db.query_all_raw(select).await?.iter().map(device_row).collect()
}

/// Up to `limit` devices of a rollout after that one, by wave and id.
pub(crate) async fn devices_list(
    store: &Store,
    key: &RolloutKey,
    wanted: WantedDevices,
    after: Option<(u32, &str)>,
    limit: u64,
) -> Result<Vec<DeviceRow>, StoreError> {
    let reader = store.reader(key.tenant.as_str());
    let number = |number: u32| i32::try_from(number).unwrap_or(i32::MAX);
    let mut values: Vec<Value> = of(key).into();
    let mut conditions = String::new();
    let mut bind = |value: Value| {
        values.push(value);
        values.len()
    };
    if let Some(wave) = wanted.wave {
        conditions.push_str(&format!(" AND wave = ${}", bind(number(wave).into())));
    }
    if let Some(standing) = wanted.standing {
        conditions.push_str(&format!(" AND standing = ${}", bind(standing.into())));
    }
    if let Some((wave, device)) = after {
        let (wave, device) = (bind(number(wave).into()), bind(device.into()));
        conditions.push_str(&format!(" AND (wave, device) > (${wave}, ${device})"));
    }
    let limit = bind(i64::try_from(limit).unwrap_or(i64::MAX).into());
    let select = Statement::from_sql_and_values(
        reader.get_database_backend(),
        format!(
            "SELECT {COLUMNS} FROM rollout_devices
             WHERE tenant = $1 AND hierarchy = $2 AND rollout = $3{conditions} ORDER BY wave, device LIMIT ${limit}"
        ),
        values,
    );
    reader.query_all_raw(select).await?.iter().map(device_row).collect()
}

fn of(key: &RolloutKey) -> [Value; 3] {
    [key.tenant.as_str().into(), key.hierarchy.as_str().into(), key.rollout.as_str().into()]
}

fn device_row(row: &QueryResult) -> Result<DeviceRow, StoreError> {
    let device: String = row.try_get_by_index(0)?;
    let of_device = |error: TryFromIntError| damaged(&format!("device {device} of a rollout"), error);
    let (wave, bucket): (i32, i32) = (row.try_get_by_index(1)?, row.try_get_by_index(2)?);
    let (batch, handed_over_at): (i64, i64) = (row.try_get_by_index(3)?, row.try_get_by_index(4)?);
    let bucket = u16::try_from(bucket).map_err(of_device)?;
    let bucket = Bucket::of_number(bucket).ok_or_else(|| damaged("bucket of a device", bucket))?;
    let standing: i32 = row.try_get_by_index(7)?;
    let standing = DeviceStanding::try_from(standing).ok().and_then(standing_of);
    let entry = WaveDevice {
        bucket,
        handed_over_at: (handed_over_at != 0).then(|| moment(handed_over_at)).transpose()?,
        configured: row.try_get_by_index(5)?,
        arrived: row.try_get_by_index(6)?,
        standing: standing.ok_or_else(|| damaged("standing of a device", &device))?,
    };
    Ok(DeviceRow {
        wave: usize::try_from(wave).map_err(of_device)?,
        batch: (batch >= 0).then(|| usize::try_from(batch)).transpose().map_err(of_device)?,
        entry,
        device: DeviceId::parse(&device).map_err(|error| damaged("device of a rollout", error))?,
    })
}
