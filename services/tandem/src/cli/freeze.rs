//! `tandem authority freeze` and `unfreeze`: the stop of everything in a tenant.

use clap::ArgGroup;
use tandem_contracts::authority::v1::{Freeze, FreezeTenantRequest, GetFreezeRequest, UnfreezeTenantRequest};
use tandem_contracts::r#type::v1::Justification;
use tonic::{Code, Status};
use uuid::Uuid;

use super::failure::CliError;
use super::reference;
use super::screen::Screen;
use super::session::Session;
use super::why::{Ticket, Why};
use super::words;

/// Whether to stop everything, or to show whether it is stopped. Neither is done unasked: who is in a hurry must not take the one for the
/// other.
#[derive(Debug, clap::Args)]
#[command(group = ArgGroup::new("deed").args(["reason", "show"]).required(true))]
pub(crate) struct FreezeArgs {
    /// Stop everything, and say why: it is shown to whoever is refused
    #[arg(long, value_name = "TEXT")]
    reason: Option<String>,
    /// Change nothing, and show whether everything is stopped, by whom and why
    #[arg(long, conflicts_with = "ticket")]
    show: bool,
    #[command(flatten)]
    ticket: Ticket,
}

/// Why everything may go on.
#[derive(Debug, clap::Args)]
pub(crate) struct UnfreezeArgs {
    #[command(flatten)]
    why: Why,
}

/// Freezes the tenant, or shows whether it is frozen.
pub(super) async fn freeze(args: FreezeArgs, session: &mut Session<'_>) -> Result<(), CliError> {
    let (freeze, is_doubtful) = match args.reason {
        None => (get(&session.parent(), session).await?, true),
        Some(reason) => {
            let request = FreezeTenantRequest {
                name: session.parent(),
                // Sent again after a broken connection, it is done once.
                request_id: Uuid::new_v4().to_string(),
                justification: Some(Justification { reason, ticket: args.ticket.into() }),
            };
            let answer = session.connection.rollouts().freeze_tenant(request).await?.into_inner();
            (answer.freeze.unwrap_or_default(), false)
        }
    };
    let tenant = session.tenant.to_string();
    session.screen.show(&freeze, |screen, freeze| show(screen, freeze, &tenant))?;
    if is_doubtful { doubt(session).await } else { Ok(()) }
}

/// Ends the freeze.
pub(super) async fn unfreeze(args: UnfreezeArgs, session: &mut Session<'_>) -> Result<(), CliError> {
    let request = UnfreezeTenantRequest {
        name: session.parent(),
        request_id: Uuid::new_v4().to_string(),
        justification: Some(args.why.into()),
    };
    let answer = session.connection.rollouts().unfreeze_tenant(request).await?.into_inner();
    session.screen.show(&answer.freeze.unwrap_or_default(), |screen, freeze| {
        screen.details(vec![
            ["Freeze".to_owned(), freeze.name.clone()],
            ["Frozen".to_owned(), format!("no more; it was since {}", since(freeze))],
        ])?;
        screen.line("\nRollouts go on, their clocks put off by as long as that held; plans may be applied.")
    })
}

/// Whether a tenant is frozen. `tenant`: its resource name.
pub(super) async fn get(tenant: &str, session: &Session<'_>) -> Result<Freeze, Status> {
    let request = GetFreezeRequest { name: format!("{tenant}/freeze") };
    Ok(session.connection.rollouts().get_freeze(request).await?.into_inner().freeze.unwrap_or_default())
}

/// Whether a tenant is frozen is answered without asking whether there is one: it is, whatever else is wrong.
async fn doubt(session: &mut Session<'_>) -> Result<(), CliError> {
    match session.check_tenant().await {
        Err(CliError::Api(error)) if error.code == Code::NotFound => session.screen.note(&format!(
            "the inventory knows no tenant `{}`, so nothing of it moves: if you mean another, name it with --tenant; \
             `tandem tenants list` shows what is there",
            session.tenant
        )),
        // Whatever else is wrong with the inventory, the freeze is as shown.
        _ => Ok(()),
    }
}

fn show(screen: &mut Screen<'_>, freeze: &Freeze, tenant: &str) -> Result<(), CliError> {
    screen.details(details(freeze))?;
    if !freeze.frozen {
        return Ok(());
    }
    let option = reference::tenant_option(tenant);
    screen.line(
        "\nNo rollout of the tenant hands anything over, takes anything back or is judged, and no plan is applied. \
         What was carried out at the sites before stays.",
    )?;
    screen.line(&format!("\nTo end it:\n  tandem authority unfreeze{option}"))
}

fn details(freeze: &Freeze) -> Vec<[String; 2]> {
    let name = ["Freeze".to_owned(), freeze.name.clone()];
    if !freeze.frozen {
        return vec![name, ["Frozen".to_owned(), "no".to_owned()]];
    }
    vec![
        name,
        ["Frozen".to_owned(), format!("since {}", since(freeze))],
        ["Why".to_owned(), words::text(&freeze.why)],
    ]
}

/// Since when, and by whom.
fn since(freeze: &Freeze) -> String {
    format!("{} by {}", words::moment(freeze.since), words::text(&freeze.by))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::cli::screen::{Output, shown};

    fn freeze() -> Freeze {
        Freeze {
            name: "tenants/contoso/freeze".into(),
            frozen: true,
            by: "ada".into(),
            why: "the gateway is down".into(),
            since: Some(prost_types::Timestamp { seconds: 1_763_640_000, nanos: 0 }),
        }
    }

    #[test]
    fn freeze_is_shown_with_what_it_stops_and_what_ends_it() {
        let expected = [
            " Freeze  tenants/contoso/freeze",
            " Frozen  since 2025-11-20T12:00:00Z by ada",
            " Why     the gateway is down",
            "",
            "No rollout of the tenant hands anything over, takes anything back or is judged, and no plan is applied. \
             What was carried out at the sites before stays.",
            "",
            "To end it:",
            "  tandem authority unfreeze --tenant contoso",
            "",
        ];
        let text = shown(Output::Table, |screen| show(screen, &freeze(), "contoso"));
        assert_eq!(text, expected.join("\n"));
    }

    #[test]
    fn tenant_that_is_not_frozen_says_so() {
        let free = Freeze { name: "tenants/default/freeze".into(), ..Freeze::default() };
        let text = shown(Output::Table, |screen| show(screen, &free, "default"));
        assert_eq!(text, " Freeze  tenants/default/freeze\n Frozen  no\n");
    }
}
