//! The RPCs of the contracts, and what every answer of theirs keeps to, whatever was asked.

use prost_reflect::{DescriptorPool, DynamicMessage, MethodDescriptor};
use tandem_contracts::DESCRIPTOR_SET;
use tonic::{Code, Status};
use tonic_types::StatusExt;

use crate::system::Answer;

/// Every RPC of every service.
pub struct Methods(Vec<Method>);

/// An RPC.
#[derive(Debug, Clone)]
pub struct Method(MethodDescriptor);

impl Methods {
    /// Reads the contracts.
    ///
    /// # Panics
    /// They cannot be read.
    #[must_use]
    pub fn of_contracts() -> Self {
        let pool = DescriptorPool::decode(DESCRIPTOR_SET).expect("the descriptor set is one");
        let ours = pool.services().filter(|service| service.package_name().starts_with("tandem."));
        Self(ours.flat_map(|service| service.methods().map(Method).collect::<Vec<_>>()).collect())
    }

    /// The one with that number, counted round.
    ///
    /// # Panics
    /// There is none.
    #[must_use]
    pub fn numbered(&self, number: u8) -> &Method {
        &self.0[usize::from(number) % self.0.len()]
    }

    /// The one with that name.
    ///
    /// # Panics
    /// There is none.
    #[must_use]
    pub fn named(&self, service: &str, method: &str) -> &Method {
        let is_it = |found: &&Method| found.0.parent_service().name() == service && found.0.name() == method;
        self.0.iter().find(is_it).unwrap_or_else(|| panic!("no RPC {service}.{method}"))
    }
}

impl Method {
    /// Where it is called.
    #[must_use]
    pub fn path(&self) -> String {
        format!("/{}/{}", self.0.parent_service().full_name(), self.0.name())
    }

    /// What it takes.
    #[must_use]
    pub fn input(&self) -> prost_reflect::MessageDescriptor {
        self.0.input()
    }

    /// Whether it takes several messages.
    #[must_use]
    pub fn takes_many(&self) -> bool {
        self.0.is_client_streaming()
    }

    /// Whether it may have nothing to say for as long as nothing changes.
    #[must_use]
    pub fn waits(&self) -> bool {
        self.0.is_server_streaming() && !self.0.is_client_streaming()
    }

    /// The messages of an answer, each of which must be one of the contract, with no field beside it.
    ///
    /// # Panics
    /// The answer breaks the contract.
    #[must_use]
    pub fn checked(&self, answer: &Answer) -> Vec<DynamicMessage> {
        if let Some(status) = &answer.failed {
            self.check_failure(status);
        }
        let read = |message: &bytes::Bytes| {
            let message = DynamicMessage::decode(self.0.output(), message.clone());
            message.unwrap_or_else(|error| panic!("{} answered no message: {error}", self.path()))
        };
        let messages: Vec<_> = answer.messages.iter().map(read).collect();
        let stray = messages.iter().find(|message| message.unknown_fields().next().is_some());
        assert!(stray.is_none(), "{} answered fields that no contract has: {stray:?}", self.path());
        messages
    }

    /// No input makes a defect, and every failure says its reason.
    fn check_failure(&self, status: &Status) {
        let reason = status.get_details_error_info().map(|info| info.reason);
        let allowed = match status.code() {
            Code::InvalidArgument
            | Code::NotFound
            | Code::AlreadyExists
            | Code::FailedPrecondition
            | Code::Aborted
            | Code::ResourceExhausted
            | Code::PermissionDenied => reason.is_some(),
            // A token of a later world. Nothing else is ever away.
            Code::Unavailable => reason.as_deref() == Some("NOT_YET_CONSISTENT"),
            _ => false,
        };
        assert!(
            allowed,
            "{} failed with {:?} {:?}: {}",
            self.path(),
            status.code(),
            reason,
            status.message()
        );
    }
}
