//! Spelling of keys and what sections carry.

use super::*;
use crate::identity::{NotAKeyReason, Strength, keys_of};
use crate::section::{
    CoManagementState, ConsoleDevice, DirectoryDevice, Discovery, ManagedDevice, Probe, SectionBody,
};

const GUID: &str = "0d7b6c51-4a3f-4b18-8f2d-6f5e4d3c2b10";
const CLIENT_ID: &str = "GUID:6D1E0F9A-1B2C-4D3E-8F90-A1B2C3D4E5F6";
const ZEROS: &str = "00000000-0000-0000-0000-000000000000";

fn spelt(kind: KeyKind, raw: &str) -> Result<String, NotAKeyReason> {
    IdentityKey::new(kind, raw).map(|key| key.value().to_owned()).map_err(|error| error.reason)
}

#[test]
fn kind_id_reads_back_and_says_its_strength() {
    use Strength::{Hardware, Strong};
    let expected = [
        ("entra_device_id", Strong),
        ("sms_client_id", Strong),
        ("intune_device_id", Strong),
        ("smbios_guid", Hardware),
        ("serial_number", Hardware),
    ];
    assert_eq!(KeyKind::ALL.map(|kind| (kind.id(), kind.strength())), expected);
    assert_eq!(KeyKind::ALL.map(|kind| kind.id().parse()), KeyKind::ALL.map(Ok));
    assert_eq!(
        "hostname".parse::<KeyKind>().unwrap_err().to_string(),
        "identity key kind must be entra_device_id, sms_client_id, intune_device_id, smbios_guid or serial_number; \
         found \"hostname\""
    );
}

#[test]
fn guid_in_any_spelling_is_lower_case_without_braces() {
    for kind in [KeyKind::EntraDeviceId, KeyKind::IntuneDeviceId, KeyKind::SmbiosGuid] {
        for raw in [
            GUID,
            "0D7B6C51-4A3F-4B18-8F2D-6F5E4D3C2B10",
            " {0D7B6C51-4A3F-4B18-8F2D-6F5E4D3C2B10} ",
            "0d7b6c514a3f4b188f2d6f5e4d3c2b10",
        ] {
            assert_eq!(spelt(kind, raw).as_deref(), Ok(GUID), "{kind} {raw}");
        }
    }
}

#[test]
fn client_id_in_any_spelling_is_upper_case_with_its_prefix() {
    for raw in [
        CLIENT_ID,
        "guid:6d1e0f9a-1b2c-4d3e-8f90-a1b2c3d4e5f6",
        "Guid: {6d1e0f9a-1b2c-4d3e-8f90-a1b2c3d4e5f6}",
        "6d1e0f9a-1b2c-4d3e-8f90-a1b2c3d4e5f6",
    ] {
        assert_eq!(spelt(KeyKind::SmsClientId, raw).as_deref(), Ok(CLIENT_ID), "{raw}");
    }
}

#[test]
fn serial_number_is_upper_case_and_trimmed() {
    assert_eq!(spelt(KeyKind::SerialNumber, " 7qx4m13 ").as_deref(), Ok("7QX4M13"));
    assert_eq!(spelt(KeyKind::SerialNumber, "VMware-56 4d").as_deref(), Ok("VMWARE-56 4D"));
}

#[test]
fn placeholder_is_junk_whatever_its_case() {
    for kind in [KeyKind::EntraDeviceId, KeyKind::IntuneDeviceId, KeyKind::SmbiosGuid, KeyKind::SmsClientId] {
        assert_eq!(spelt(kind, ZEROS), Err(NotAKeyReason::Junk), "{kind}");
    }
    assert_eq!(spelt(KeyKind::SmsClientId, &format!("GUID:{ZEROS}")), Err(NotAKeyReason::Junk));
    for raw in
        ["0", "None", "NONE", "To be filled by O.E.M.", "to be filled by o.e.m.", "Unknown", "00000000", "-"]
    {
        assert_eq!(spelt(KeyKind::SerialNumber, raw), Err(NotAKeyReason::Junk), "{raw}");
    }
}

#[test]
fn text_of_another_shape_is_malformed_and_blanks_are_empty() {
    for kind in [KeyKind::EntraDeviceId, KeyKind::IntuneDeviceId, KeyKind::SmbiosGuid, KeyKind::SmsClientId] {
        for raw in ["OSL-LT-0417", "0", "GUID:", "{0d7b6c51-4a3f-4b18-8f2d-6f5e4d3c2b10", "äöü"] {
            assert_eq!(spelt(kind, raw), Err(NotAKeyReason::Malformed), "{kind} {raw}");
        }
    }
    assert_eq!(spelt(KeyKind::EntraDeviceId, CLIENT_ID), Err(NotAKeyReason::Malformed));
    assert_eq!(spelt(KeyKind::SerialNumber, &"7".repeat(129)), Err(NotAKeyReason::Malformed));
    assert_eq!(KeyKind::ALL.map(|kind| spelt(kind, "  ")), [(); 5].map(|()| Err(NotAKeyReason::Empty)));
    assert_eq!(
        IdentityKey::new(KeyKind::SerialNumber, "To be filled by O.E.M.").unwrap_err().to_string(),
        "serial_number must be a serial number of one machine, at most 128 characters; \
         found the placeholder \"To be filled by O.E.M.\""
    );
}

#[test]
fn keys_of_each_class_are_what_its_fields_name() {
    let text = |text: &str| Some(text.to_owned());
    let entra = IdentityKey::new(KeyKind::EntraDeviceId, GUID).unwrap();
    let client = IdentityKey::new(KeyKind::SmsClientId, CLIENT_ID).unwrap();
    let firmware_text = "4C4C4544-0051-5810-8034-B7C04F4D3133";
    let firmware = IdentityKey::new(KeyKind::SmbiosGuid, firmware_text).unwrap();
    let serial = IdentityKey::new(KeyKind::SerialNumber, "7QX4M13").unwrap();
    let intune_text = "5f0c9a31-7d3e-4c0f-9a54-2b1d7e6c0a11";
    let intune = IdentityKey::new(KeyKind::IntuneDeviceId, intune_text).unwrap();

    let discovery = SectionBody::Discovery(Discovery {
        sms_unique_identifier: text(CLIENT_ID),
        smbios_guid: text(firmware_text),
        ..Discovery::default()
    });
    assert_eq!(keys_of(&site("PS1"), "PS1/1", &discovery), [client.clone(), firmware.clone()]);

    let listed = ConsoleDevice {
        sms_id: text(CLIENT_ID),
        serial_number: text("7QX4M13"),
        smbios_guid: text(firmware_text),
        entra_device_id: text(GUID),
        ..ConsoleDevice::default()
    };
    let all = [entra.clone(), client.clone(), firmware, serial.clone()];
    assert_eq!(keys_of(&site("PS1"), "PS1/1", &SectionBody::Device(listed.clone())), all);
    assert_eq!(keys_of(&site("PS1"), "PS1/1", &SectionBody::CombinedDevice(listed)), all);

    let state = SectionBody::CoManagementState(CoManagementState {
        entra_device_id: text(GUID),
        ..CoManagementState::default()
    });
    assert_eq!(keys_of(&site("PS1"), "PS1/1", &state), std::slice::from_ref(&entra));

    let managed = ManagedDevice {
        entra_device_id: text(GUID),
        client_identifier: text(CLIENT_ID),
        serial_number: text("7QX4M13"),
        ..ManagedDevice::default()
    };
    let beta = SectionBody::ManagedDeviceBeta(managed);
    let all = [entra.clone(), client.clone(), intune.clone(), serial];
    assert_eq!(keys_of(&Source::Intune, intune_text, &beta), all);
    // BER-KIOSK-03 of the samples: zeros, no client id, serial "0".
    let kiosk = SectionBody::ManagedDeviceV1(ManagedDevice {
        entra_device_id: text(ZEROS),
        serial_number: text("0"),
        ..ManagedDevice::default()
    });
    assert_eq!(keys_of(&Source::Intune, intune_text, &kiosk), [intune]);

    let known =
        |device_id| SectionBody::DirectoryDevice(DirectoryDevice { device_id, ..DirectoryDevice::default() });
    assert_eq!(keys_of(&Source::Entra, "object-1", &known(text(GUID))), std::slice::from_ref(&entra));
    // The object's id has the shape of a device id, and is another one.
    assert_eq!(keys_of(&Source::Entra, GUID, &known(None)), []);

    let own = SectionBody::Probe(Probe {
        entra_device_id: text(GUID),
        sms_id: text(CLIENT_ID),
        ..Probe::default()
    });
    assert_eq!(keys_of(&Source::Probe, "p-1", &own), [entra, client]);
}

#[test]
fn record_of_sections_that_differ_takes_the_newest_usable_value() {
    let at = |text: &str| text.parse().unwrap();
    let row = |id: &str| {
        SectionBody::CoManagementState(CoManagementState {
            entra_device_id: Some(id.to_owned()),
            ..CoManagementState::default()
        })
    };
    let listed = SectionBody::Device(ConsoleDevice {
        sms_id: Some(CLIENT_ID.to_owned()),
        entra_device_id: Some(entra(1).value().to_owned()),
        ..ConsoleDevice::default()
    });
    let (old, new) = (at("2026-11-01T00:00:00Z"), at("2026-11-02T00:00:00Z"));
    let client = IdentityKey::new(KeyKind::SmsClientId, CLIENT_ID).unwrap();
    let keys = |sections: [(_, &SectionBody); 2]| {
        RecordIdentity::of_sections(site("PS1"), "PS1/1", sections).keys().to_vec()
    };
    assert_eq!(keys([(old, &listed), (new, &row(GUID))])[1], client);
    assert_eq!(keys([(old, &listed), (new, &row(GUID))])[0].value(), GUID);
    assert_eq!(keys([(new, &listed), (old, &row(GUID))])[0], entra(1));
    assert_eq!(keys([(old, &listed), (new, &row(ZEROS))])[0], entra(1));
}
