//! The contracts as Rust: generated stubs, the encoded descriptor set, and the conversions of the shared `tandem.type.v1`
//! messages to and from the domain, and of all to JSON. Nothing else: a service's own messages are converted in that service.

pub mod convert;
pub mod json;

/// Shared messages.
pub mod r#type {
    /// Version 1.
    #[allow(missing_docs, clippy::all, reason = "generated from commented contracts")]
    pub mod v1 {
        tonic::include_proto!("tandem.r#type.v1");
    }
}

/// What do we know about this device, and who said so?
pub mod inventory {
    /// Version 1.
    #[allow(missing_docs, clippy::all, reason = "generated from commented contracts")]
    pub mod v1 {
        tonic::include_proto!("tandem.inventory.v1");
    }
}

/// Can it be co-managed, and if not, what is missing?
pub mod prerequisites {
    /// Version 1.
    #[allow(missing_docs, clippy::all, reason = "generated from commented contracts")]
    pub mod v1 {
        tonic::include_proto!("tandem.prerequisites.v1");
    }
}

/// Which manager decides this workload, and why?
pub mod authority {
    /// Version 1.
    #[allow(missing_docs, clippy::all, reason = "generated from commented contracts")]
    pub mod v1 {
        tonic::include_proto!("tandem.authority.v1");
    }
}

/// How is the fleet doing?
pub mod monitoring {
    /// Version 1.
    #[allow(missing_docs, clippy::all, reason = "generated from commented contracts")]
    pub mod v1 {
        tonic::include_proto!("tandem.monitoring.v1");
    }
}

/// The encoded `FileDescriptorSet` of every contract with its imports: for reflection, and for the method options that the
/// generated code does not carry.
pub const DESCRIPTOR_SET: &[u8] = include_bytes!(concat!(env!("OUT_DIR"), "/tandem.bin"));
