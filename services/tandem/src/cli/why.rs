//! Why something is done, for the audit log and for whoever reads of it.

use tandem_contracts::r#type::v1::Justification;

/// Why, if the caller says so.
#[derive(Debug, clap::Args)]
pub(crate) struct Why {
    /// Why, for the audit log and whoever decides about it
    #[arg(long, value_name = "TEXT", default_value = "")]
    reason: String,
    #[command(flatten)]
    ticket: Ticket,
}

/// Why: nothing is done without.
#[derive(Debug, clap::Args)]
pub(crate) struct Because {
    /// Why, for the audit log and whoever reads of it
    #[arg(long, value_name = "TEXT")]
    reason: String,
    #[command(flatten)]
    ticket: Ticket,
}

/// What it belongs to.
#[derive(Debug, clap::Args)]
pub(super) struct Ticket {
    /// The ticket or change that it belongs to, for the audit log
    #[arg(long, value_name = "ID", default_value = "")]
    ticket: String,
}

impl From<Ticket> for String {
    fn from(Ticket { ticket }: Ticket) -> Self {
        ticket
    }
}

impl From<Why> for Justification {
    fn from(Why { reason, ticket: Ticket { ticket } }: Why) -> Self {
        Self { reason, ticket }
    }
}

impl From<Because> for Justification {
    fn from(Because { reason, ticket: Ticket { ticket } }: Because) -> Self {
        Self { reason, ticket }
    }
}
