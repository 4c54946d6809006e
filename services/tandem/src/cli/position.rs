//! The positions of a co-management policy, each in one line: as people read them, and as the options of `tandem authority plan` take them.

use tandem_contracts::convert::enum_optional;
use tandem_contracts::r#type::v1::{AutoEnrollment, WorkloadSetting};
use tandem_domain::policy::AutoEnrollment as Mode;
use tandem_domain::workload::SliderPosition;

use super::words::{self, NOTHING};

/// Whether co-management is set up.
pub(super) const fn co_management(enabled: Option<bool>) -> &'static str {
    match enabled {
        Some(true) => "set up",
        Some(false) => "not set up",
        None => NOTHING,
    }
}

/// Who is enrolled automatically.
pub(super) fn enrollment(said: Option<&AutoEnrollment>) -> String {
    let AutoEnrollment { mode, collection } = said.cloned().unwrap_or_default();
    let is_pilot = enum_optional("", mode) == Ok(Some(Mode::Pilot));
    with_collection(words::word(mode, Mode::id), is_pilot, &collection)
}

/// Where a slider stands, and the workload's pilot collection.
pub(super) fn setting(said: &WorkloadSetting) -> String {
    let is_pilot = enum_optional("", said.slider) == Ok(Some(SliderPosition::PilotIntune));
    with_collection(slider(said), is_pilot, &said.pilot_collection)
}

/// Where a slider stands. One of which nobody said anything stands where every slider begins.
pub(super) fn slider(said: &WorkloadSetting) -> &'static str {
    match words::word(said.slider, SliderPosition::id) {
        NOTHING => SliderPosition::default().id(),
        slider => slider,
    }
}

/// A collection decides something at a pilot alone; elsewhere it is kept for later.
fn with_collection(position: &str, is_pilot: bool, collection: &str) -> String {
    match (collection, is_pilot) {
        ("", _) => position.to_owned(),
        (collection, true) => format!("{position}:{collection}"),
        (collection, false) => format!("{position}, keeping {collection}"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn collection_is_shown_by_what_it_decides() {
        let said = |slider, collection: &str| WorkloadSetting {
            workload: 1,
            slider,
            pilot_collection: collection.into(),
        };
        assert_eq!(setting(&said(2, "PS100042")), "pilot_intune:PS100042");
        assert_eq!(setting(&said(3, "PS100042")), "intune, keeping PS100042");
        assert_eq!(setting(&said(3, "")), "intune");
        assert_eq!(setting(&said(0, "")), "configuration_manager");
        let said = |mode, collection: &str| AutoEnrollment { mode, collection: collection.into() };
        assert_eq!(enrollment(Some(&said(2, "PS10003F"))), "pilot:PS10003F");
        assert_eq!(enrollment(Some(&said(3, "PS10003F"))), "all, keeping PS10003F");
        assert_eq!(enrollment(None), "–");
    }
}
