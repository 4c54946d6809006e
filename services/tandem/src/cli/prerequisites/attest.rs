//! `tandem prerequisites attest`: an operator's word, kept with the facts of the tenant.

use jiff::Timestamp;
use tandem_connectors::AsOf;
use tandem_contracts::convert::time;
use tandem_contracts::inventory::v1::{GetTenantRequest, UpdateTenantRequest};
use tandem_contracts::r#type::v1::Attestation;
use tandem_domain::prerequisites::attestable_rules;

use crate::assess::command::as_of;
use crate::cli::failure::CliError;
use crate::cli::session::Session;

/// Of which rule, and who says so.
#[derive(Debug, clap::Args)]
pub(crate) struct AttestArgs {
    /// The rule; `prerequisites rules` marks those that are decided by attestation
    #[arg(value_parser = rules())]
    rule: String,
    /// Who says so
    #[arg(long, value_name = "NAME", required_unless_present = "withdraw")]
    by: Option<String>,
    /// The day or instant until which the word counts; a day counts to its end
    #[arg(long, value_name = "DATE", value_parser = as_of, required_unless_present = "withdraw")]
    expires: Option<AsOf>,
    /// Say that the rule's condition does not hold
    #[arg(long)]
    deny: bool,
    /// Take the word back
    #[arg(long, conflicts_with_all = ["by", "expires", "deny"])]
    withdraw: bool,
}

fn rules() -> clap::builder::PossibleValuesParser {
    attestable_rules().map(|rule| rule.id).collect::<Vec<_>>().into()
}

/// Changes the tenant's facts as they are now; a change of somebody else in between is refused by the etag.
pub(super) async fn run(args: AttestArgs, session: &mut Session<'_>) -> Result<(), CliError> {
    let mut client = session.connection.tenants();
    let request = GetTenantRequest { name: session.parent(), ..GetTenantRequest::default() };
    let mut tenant = client.get_tenant(request).await?.into_inner().tenant.unwrap_or_default();
    let attestations = &mut tenant.facts.get_or_insert_default().attestations;
    let rule = args.rule;
    if args.withdraw {
        attestations.remove(&rule);
    } else {
        let attestation = Attestation {
            attested: !args.deny,
            by: args.by.unwrap_or_default(),
            at: Some(time::to_proto(Timestamp::now())),
            expires: args.expires.map(|expires| time::to_proto(expires.instant())),
        };
        attestations.insert(rule.clone(), attestation);
    }
    let request = UpdateTenantRequest { tenant: Some(tenant), ..UpdateTenantRequest::default() };
    let stored = client.update_tenant(request).await?.into_inner().tenant.unwrap_or_default();
    session.screen.show(&stored, |screen, stored| {
        let kept = stored.facts.as_ref().and_then(|facts| facts.attestations.get(&rule));
        screen.line(&match kept {
            Some(word) => {
                let said = if word.attested { "attested" } else { "denied" };
                let until = crate::cli::words::moment(word.expires);
                format!("{rule}: {said} by {}, counts until {until}", word.by)
            }
            None => format!("{rule}: nobody's word is kept"),
        })
    })
}
