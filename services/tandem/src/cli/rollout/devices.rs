//! `tandem authority rollout devices`: the devices of the waves that began.

use tandem_contracts::authority::v1::{
    DeviceStanding, ListRolloutDevicesRequest, ListRolloutDevicesResponse, RolloutDevice,
};

use super::RolloutRef;
use crate::cli::failure::CliError;
use crate::cli::listing::{Limit, list};
use crate::cli::names::Names;
use crate::cli::screen::{Column, Row};
use crate::cli::session::Session;
use crate::cli::words;

/// Which devices.
#[derive(Debug, clap::Args)]
pub(crate) struct DevicesArgs {
    /// The rollout as HIERARCHY/ID, or its resource name
    #[arg(value_name = "ROLLOUT")]
    rollout: RolloutRef,
    /// Only those of this wave, from 0
    #[arg(long, value_name = "N")]
    wave: Option<u32>,
    /// Only those that stand so
    #[arg(long, value_parser = words::standings())]
    standing: Option<DeviceStanding>,
    #[command(flatten)]
    limit: Limit,
}

/// Lists them.
pub(super) async fn run(args: DevicesArgs, session: &mut Session<'_>) -> Result<(), CliError> {
    let (parent, names) = (args.rollout.name(&session.tenant), Names::of(session));
    let mut client = session.connection.rollouts();
    let columns = ["DEVICE", "NAME", "WAVE", "STANDING", "HANDED OVER", "SEEN AT THE SITE", "ARRIVED"]
        .map(Column::Text);
    let rows = |page: &ListRolloutDevicesResponse| page.devices.iter().map(|one| row(one, &names)).collect();
    list(&mut session.screen, args.limit, &columns, rows, async |page_size, page_token| {
        let request = ListRolloutDevicesRequest {
            parent: parent.clone(),
            page_size,
            page_token,
            wave: args.wave,
            standing: args.standing.unwrap_or_default().into(),
        };
        let answer = client.list_rollout_devices(request).await?;
        names.learn(answer.get_ref().devices.iter().map(|device| device.device.as_str())).await?;
        Ok(answer)
    })
    .await
}

fn row(device: &RolloutDevice, names: &Names) -> Row {
    vec![
        words::last_part(&device.device),
        names.shown(&device.device),
        device.wave.to_string(),
        words::standing(device.standing),
        words::moment(device.hand_over_time),
        words::yes_no(device.configured),
        words::yes_no(device.arrived),
    ]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn device_is_shown_with_how_far_it_has_come() {
        let device = RolloutDevice {
            device: "tenants/t/devices/d1".into(),
            wave: 1,
            standing: DeviceStanding::FailingDrifted.into(),
            bucket: 17,
            hand_over_time: Some(prost_types::Timestamp { seconds: 1_763_640_000, nanos: 0 }),
            configured: true,
            arrived: true,
        };
        let names = Names::known([("tenants/t/devices/d1", "OSL-LT-0417")]);
        let expected = ["d1", "OSL-LT-0417", "1", "failing_drifted", "2025-11-20T12:00:00Z", "yes", "yes"];
        assert_eq!(row(&device, &names), expected);
    }
}
