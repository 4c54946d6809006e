//! `tandem prerequisites ages`: how old the word of a source may be.

use tandem_contracts::prerequisites::v1::{
    EvaluationSettings, EvidenceAge, GetEvaluationSettingsRequest, UpdateEvaluationSettingsRequest,
};
use tandem_domain::section::SourceKind;

use crate::cli::failure::CliError;
use crate::cli::screen::{Column, Screen};
use crate::cli::session::Session;
use crate::cli::waiting::days_or_hours;
use crate::cli::words;

const HOUR: i64 = 3600;
const DAY: i64 = 24 * HOUR;

/// What to change; nothing: show what holds.
#[derive(Debug, clap::Args)]
pub(crate) struct AgesArgs {
    /// Believe a source so long: `configmgr`, `intune`, `entra` or `probe`, and days or hours, such as `intune=30d`; may be repeated
    #[arg(long, value_name = "SOURCE=AGE", value_parser = age)]
    set: Vec<(SourceKind, i64)>,
    /// Believe a source however long ago it spoke; may be repeated
    #[arg(long, value_name = "SOURCE", value_parser = words::source_kinds())]
    clear: Vec<SourceKind>,
}

fn age(text: &str) -> Result<(SourceKind, i64), String> {
    let read = text.split_once('=');
    let read = read.and_then(|(source, age)| Some((SourceKind::from_id(source)?, days_or_hours(age).ok()?)));
    read.ok_or_else(|| format!("expected SOURCE=AGE such as intune=30d or configmgr=36h, found `{text}`"))
}

/// Shows it, and changes it first if that is asked for.
pub(super) async fn run(args: AgesArgs, session: &mut Session<'_>) -> Result<(), CliError> {
    let name = format!("{}/evaluationSettings", session.parent());
    let request = GetEvaluationSettingsRequest { name, ..Default::default() };
    let mut client = session.connection.fleet_evaluation();
    let answer = client.get_evaluation_settings(request).await?.into_inner();
    let mut settings = answer.evaluation_settings.unwrap_or_default();
    if !args.set.is_empty() || !args.clear.is_empty() {
        let named: Vec<&str> = args
            .set
            .iter()
            .map(|(kind, _)| kind.id())
            .chain(args.clear.iter().map(|kind| kind.id()))
            .collect();
        settings.maximum_ages.retain(|age| !named.contains(&age.source.as_str()));
        settings.maximum_ages.extend(args.set.iter().map(|(kind, seconds)| EvidenceAge {
            source: kind.id().to_owned(),
            maximum_age: Some(prost_types::Duration { seconds: *seconds, nanos: 0 }),
        }));
        let request =
            UpdateEvaluationSettingsRequest { evaluation_settings: Some(settings), ..Default::default() };
        let answer = client.update_evaluation_settings(request).await?.into_inner();
        settings = answer.evaluation_settings.unwrap_or_default();
    }
    session.screen.show(&settings, shown)
}

fn shown(screen: &mut Screen<'_>, settings: &EvaluationSettings) -> Result<(), CliError> {
    let rows = SourceKind::ALL.map(|kind| {
        let set = settings.maximum_ages.iter().find(|age| age.source == kind.id());
        let age = set.and_then(|age| age.maximum_age).map(|age| age.seconds);
        vec![kind.id().to_owned(), age.map_or_else(|| "however long ago it spoke".to_owned(), written)]
    });
    screen.table(&["SOURCE", "IS BELIEVED"].map(Column::Text), rows.into())?;
    if settings.update_time.is_some() {
        let when = words::moment(settings.update_time);
        screen.line(&format!("Set at {when} by {}.", settings.updated_by))?;
    }
    Ok(())
}

fn written(seconds: i64) -> String {
    match seconds {
        days if days % DAY == 0 => format!("{} days", days / DAY),
        hours if hours % HOUR == 0 => format!("{} hours", hours / HOUR),
        other => format!("{other} s"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::cli::screen::{Output, shown as shown_on};

    #[test]
    fn age_is_a_source_and_days_or_hours() {
        assert_eq!(age("intune=30d"), Ok((SourceKind::Intune, 30 * 86_400)));
        assert_eq!(age("configmgr=36h"), Ok((SourceKind::ConfigMgr, 36 * 3600)));
        for wrong in ["intune", "intune=", "intune=d", "intune=30", "intune=-1d", "graph=30d", "intune=é"] {
            assert!(age(wrong).is_err(), "{wrong}");
        }
    }

    #[test]
    fn every_source_is_shown() {
        let maximum_age = Some(prost_types::Duration { seconds: 36 * 3600, nanos: 0 });
        let settings = EvaluationSettings {
            maximum_ages: vec![EvidenceAge { source: "intune".into(), maximum_age }],
            ..EvaluationSettings::default()
        };
        let text = shown_on(Output::Table, |screen| shown(screen, &settings));
        assert!(text.contains("36 hours"), "{text}");
        assert_eq!(text.matches("however long ago").count(), 3, "{text}");
    }
}
