//! The rules of states.md 8 as ordered rows, by hand: the first that matches decides. The first column is a step
//! or a note of that section, or `derived`: what nobody said, and hierarchies without co-management, are in none of them and our
//! reading.

pub(super) const INTRODUCTION: &str = "\
# Effective authority, every combination

Rendered from the ordered rules in `libs/domain/src/authority/tests/table/written.rs`, which are written from states.md 8 of the
fact pack; the tests beside them hold the code to those rules on every combination, and this file to them. Rows do not overlap and
leave nothing out; `any` is every value, and *covers* counts the combinations of a row.
";

pub(super) const OF_DEVICE: &str = "
## The device

*MDM* is what the tenant says of the device's authority: Intune, another MDM, or nothing. *policy* and *provisioned* are what the
client has; *override* is that of an Autopilot settings policy. Where the sliders decide, an unknown override is named beside the
answer.

";

pub(super) const OF_ALONE: &str = "
## Compliance policies, Windows Update policies, device configuration, Office Click-to-Run apps, client apps

Of a device where the sliders decide. *hierarchy*: whether co-management is set up there; `unsaid` is a policy that does not say,
`unknown` no policy at all. A pilot is *unread* while nobody said who is in it.

";

pub(super) const OF_CARRIED: &str = "
## Endpoint Protection

";

pub(super) const OF_FIXED: &str = "
## Resource access policies

";

/// step | client | enrolled | MDM | site record | policy | provisioned | override | authority | reason
pub(super) const DEVICE: &str = "
derived | unknown | any          | other | any | any          | any          | any | unknown               | client_unknown
note    | unknown | no / unknown | any   | any | any          | any          | any | unknown               | client_unknown
derived | unknown | yes          | any   | any | no / unknown | any          | any | unknown               | client_unknown
derived | unknown | yes          | any   | any | yes          | no / unknown | any | unknown               | client_unknown
0       | no      | no / unknown | any   | any | any          | any          | any | none                  | unmanaged
derived | no      | yes          | other | any | any          | any          | any | none                  | unmanaged
1       | yes     | any          | other | any | any          | any          | any | third_party_mdm       | coexistence
2       | no      | yes          | any   | any | any          | any          | any | intune                | mdm_only
3       | yes     | no / unknown | any   | any | any          | any          | any | configuration_manager | not_enrolled
note    | any     | yes          | any   | no  | any          | any          | any | unknown               | no_site_record
3b      | any     | yes          | any   | yes | no / unknown | any          | any | configuration_manager | policy_absent
3b      | any     | yes          | any   | yes | yes          | no / unknown | any | configuration_manager | not_provisioned
4       | any     | yes          | any   | yes | yes          | yes          | yes | intune                | autopilot_override
5-9     | any     | yes          | any   | yes | yes          | yes          | no / unknown | the sliders  | the sliders
";

/// step | hierarchy | own slider | authority | reason
pub(super) const ALONE: &str = "
derived | unknown    | any                   | unknown               | policy_unknown
derived | not set up | any                   | configuration_manager | slider_configuration_manager
9       | any        | Configuration Manager | configuration_manager | slider_configuration_manager
derived | unsaid     | any                   | unknown               | policy_unknown
7       | set up     | Intune                | intune                | slider_intune
8       | set up     | pilot, inside         | intune                | pilot_member
8       | set up     | pilot, outside        | configuration_manager | pilot_not_member
derived | set up     | pilot, unread         | unknown               | membership_unknown
";

/// step | hierarchy | device configuration | own slider | authority | reason
pub(super) const CARRIED: &str = "
derived | unknown    | any                    | any                   | unknown               | policy_unknown
derived | not set up | any                    | any                   | configuration_manager | slider_configuration_manager
derived | unsaid     | Configuration Manager  | Configuration Manager | configuration_manager | slider_configuration_manager
derived | unsaid     | any                    | any                   | unknown               | policy_unknown
6       | set up     | Intune / pilot, inside | any                   | intune                | bundled_with_device_configuration
7       | set up     | any                    | Intune                | intune                | slider_intune
8       | set up     | any                    | pilot, inside         | intune                | pilot_member
derived | set up     | pilot, unread          | any                   | unknown               | membership_unknown
derived | set up     | any                    | pilot, unread         | unknown               | membership_unknown
8       | set up     | any                    | pilot, outside        | configuration_manager | pilot_not_member
9       | set up     | any                    | Configuration Manager | configuration_manager | slider_configuration_manager
";

/// step | site version | hierarchy | device configuration | own slider | authority | reason
pub(super) const FIXED: &str = "
5       | 2403 on | any        | any                    | any                   | intune                | resource_access_fixed
derived | any     | unknown    | any                    | any                   | unknown               | policy_unknown
6       | any     | set up     | Intune / pilot, inside | any                   | intune                | bundled_with_device_configuration
7       | any     | set up     | any                    | Intune                | intune                | slider_intune
8       | any     | set up     | any                    | pilot, inside         | intune                | pilot_member
derived | any     | unsaid     | any                    | pilot, outside / pilot, unread / pilot, inside / Intune | unknown | policy_unknown
derived | unknown | any        | any                    | any                   | unknown               | site_version_unknown
derived | any     | not set up | any                    | any                   | configuration_manager | slider_configuration_manager
derived | any     | unsaid     | Configuration Manager  | Configuration Manager | configuration_manager | slider_configuration_manager
derived | any     | unsaid     | any                    | any                   | unknown               | policy_unknown
derived | any     | set up     | pilot, unread          | any                   | unknown               | membership_unknown
derived | any     | set up     | any                    | pilot, unread         | unknown               | membership_unknown
8       | any     | set up     | any                    | pilot, outside        | configuration_manager | pilot_not_member
9       | any     | set up     | any                    | Configuration Manager | configuration_manager | slider_configuration_manager
";
