//! The rules of the field, as pure functions of explicit inputs.
//!
//! Everything here is decided from arguments: no clock, no randomness, no I/O, no gRPC, no database. A decision returns its
//! answer *and its reasons*. The facts of the field (support dates, error codes, rule texts, states) are under `data/`: the
//! *fact pack*, cited by file and section (`states.md 8`); its README lists sources, words and disputes. Each rule that the
//! vendor does not print is marked `[derived]` where it is written down.
//!
//! | module | question it answers |
//! |---|---|
//! | [`id`] | what are devices, sites, collections called? |
//! | [`citation`] | where does the fact pack say so? |
//! | [`workload`], [`capability`] | which workloads exist, how are they related, what does a capability value say? |
//! | [`section`], [`facts`], [`merge`] | what did each source say, and what do we believe after merging? |
//! | [`identity`] | which records describe one device? |
//! | [`windows`], [`configmgr`], [`enrollment`] | what do the published tables say? |
//! | [`tenant`], [`site`], [`policy`] | what is known about the surroundings of a device? |
//! | [`state`] | is it co-managed, eligible, enrolling, and in which dashboard category? |
//! | [`authority`] | who decides each workload on this device, and why? |
//! | [`history`] | who decided it when, and since when? |
//! | [`setting`] | which workload governs this setting, and who holds it on this device? |
//! | [`plan`] | what would a proposed policy do to the fleet? |
//! | [`handover`] | what work carries an adopted policy into the hierarchy? |
//! | [`decommission`] | how does a hierarchy, a workload or a device leave co-management? |
//! | [`approval`] | how many people must agree to a plan, and have they? |
//! | [`rollout`] | how does one workload move in waves, and what is to be done now? |
//! | [`prerequisites`] | what stops co-management, and what mends it? |
//! | [`journey`] | which path leads a device into it, and what is to be done in which order? |
//! | [`benefit`] | what does it unlock on this device? |
//! | [`concern`] | what else should somebody look at? |
//! | [`filter`] | which devices are meant? |
//! | [`audit`] | is the audit log what it was? |

pub mod approval;
pub mod audit;
pub mod authority;
pub mod benefit;
pub mod capability;
pub mod citation;
pub mod concern;
pub mod configmgr;
pub mod decommission;
pub mod enrollment;
pub mod facts;
pub mod filter;
pub mod handover;
pub mod history;
pub mod id;
pub mod identity;
pub mod journey;
pub mod merge;
pub mod plan;
pub mod policy;
pub mod prerequisites;
pub mod rollout;
pub mod section;
pub mod setting;
pub mod site;
pub mod state;
mod table;
pub mod tenant;
pub mod windows;
pub mod workload;
