//! `tandem authority resolve`: what governs a kind of setting, and who holds it on a device.

use tandem_contracts::authority::v1::{
    ExceptionApplicability, ListSettingKindsRequest, ListSettingKindsResponse, ResolveSettingRequest,
    ResolveSettingResponse, SettingException, SettingGovernor, SettingKind, SettingOnDevice,
};
use tandem_domain::workload::{ManagementAuthority, Workload};

use super::failure::CliError;
use super::screen::{Column, Row, Screen};
use super::session::{DeviceRef, Session};
use super::words;

/// Answers.
pub(super) async fn run(
    kind: Option<String>,
    device: Option<DeviceRef>,
    session: &mut Session<'_>,
) -> Result<(), CliError> {
    let mut client = session.connection.authority();
    let Some(kind) = kind else {
        let kinds = client
            .list_setting_kinds(ListSettingKindsRequest { page_size: 1000, ..Default::default() })
            .await?
            .into_inner();
        return session.screen.show(&kinds, show_kinds);
    };
    let device = match &device {
        Some(device) => session.device(device).await?,
        None => String::new(),
    };
    let request = ResolveSettingRequest { kind, device, ..Default::default() };
    let answer = client.resolve_setting(request).await?.into_inner();
    session.screen.show(&answer, show)
}

fn show_kinds(screen: &mut Screen<'_>, kinds: &ListSettingKindsResponse) -> Result<(), CliError> {
    let columns = ["KIND", "NAME", "GOVERNED BY"].map(Column::Text);
    let row = |kind: &SettingKind| vec![kind.id.clone(), kind.display_name.clone(), governor(kind)];
    screen.table(&columns, kinds.kinds.iter().map(row).collect())
}

fn governor(kind: &SettingKind) -> String {
    match kind.governor() {
        SettingGovernor::Workload => words::word(kind.workload, Workload::id).to_owned(),
        SettingGovernor::ConfigurationManager => "no workload: configuration_manager".to_owned(),
        SettingGovernor::NotDocumented => "not documented".to_owned(),
        SettingGovernor::Unspecified => words::NOTHING.to_owned(),
    }
}

fn show(screen: &mut Screen<'_>, answer: &ResolveSettingResponse) -> Result<(), CliError> {
    let kind = answer.kind.clone().unwrap_or_default();
    let mut details = vec![
        ["Kind".to_owned(), format!("{} ({})", kind.display_name, kind.id)],
        ["Governed by".to_owned(), governor(&kind)],
        ["Source".to_owned(), kind.source.clone()],
    ];
    if !kind.note.is_empty() {
        details.push(["Note".to_owned(), kind.note.clone()]);
    }
    let Some(held) = &answer.on_device else {
        screen.details(details)?;
        let columns = ["EXCEPTION", "SOURCE"].map(Column::Text);
        let row = |exception: &SettingException| vec![exception.text.clone(), exception.source.clone()];
        return screen.section("Exceptions", &columns, kind.exceptions.iter().map(row).collect());
    };
    details.extend(holder(held));
    screen.details(details)?;
    let columns = ["EXCEPTION", "HERE", "SOURCE"].map(Column::Text);
    screen.section("Exceptions", &columns, held.exceptions.iter().map(judged).collect())
}

fn holder(held: &SettingOnDevice) -> Vec<[String; 2]> {
    let authority = |number| words::word(number, ManagementAuthority::id).to_owned();
    let mut rows = vec![
        ["Device".to_owned(), held.device.clone()],
        ["Held by".to_owned(), authority(held.holder)],
        ["Because".to_owned(), held.explanation.clone()],
    ];
    if held.also != 0 {
        rows.push(["Acts too".to_owned(), authority(held.also)]);
    }
    if held.autopilot_override_unknown {
        rows.push(["Autopilot override".to_owned(), "nobody said; counted as none".to_owned()]);
    }
    rows
}

fn judged(exception: &SettingException) -> Row {
    let here = match exception.applicability() {
        ExceptionApplicability::Applies => "applies".to_owned(),
        ExceptionApplicability::DoesNotApply => "does not apply".to_owned(),
        ExceptionApplicability::Depends => format!("depends on {}", exception.depends_on),
        ExceptionApplicability::Unspecified => words::NOTHING.to_owned(),
    };
    vec![exception.text.clone(), here, exception.source.clone()]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn holder_is_shown_with_who_else_acts() {
        let held = SettingOnDevice {
            device: "tenants/t/devices/d1".into(),
            holder: 2,
            also: 1,
            explanation: "the slider stands at Intune".into(),
            ..Default::default()
        };
        let expected = [
            ["Device", "tenants/t/devices/d1"],
            ["Held by", "intune"],
            ["Because", "the slider stands at Intune"],
            ["Acts too", "configuration_manager"],
        ];
        assert_eq!(holder(&held), expected.map(|row| row.map(str::to_owned)));
    }

    #[test]
    fn exception_is_shown_with_what_it_depends_on() {
        let exception = SettingException {
            text: "baselines may always apply".into(),
            source: "workloads.toml x".into(),
            applicability: ExceptionApplicability::Depends.into(),
            depends_on: "how the baseline is marked".into(),
            ..Default::default()
        };
        let expected =
            ["baselines may always apply", "depends on how the baseline is marked", "workloads.toml x"];
        assert_eq!(judged(&exception), expected);
    }

    #[test]
    fn kind_without_a_workload_says_who_governs_it() {
        let kind = |governor: SettingGovernor, workload| {
            super::governor(&SettingKind { governor: governor.into(), workload, ..Default::default() })
        };
        assert_eq!(kind(SettingGovernor::Workload, 7), "client_apps");
        assert_eq!(kind(SettingGovernor::ConfigurationManager, 0), "no workload: configuration_manager");
        assert_eq!(kind(SettingGovernor::NotDocumented, 0), "not documented");
    }
}
