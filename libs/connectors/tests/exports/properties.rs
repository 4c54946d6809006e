//! Whatever the files hold, reading ends with an account of it.

use proptest::collection::vec;
use proptest::prelude::*;
use proptest::sample::select;

use super::*;

/// Members that the readers look at, so that arbitrary values reach them.
const NAMES: [&str; 22] = [
    "value",
    "id",
    "ResourceID",
    "MachineId",
    "CollectionID",
    "CollectionType",
    "MemberCount",
    "SiteCode",
    "ReportingSiteCode",
    "SMSAssignedSites",
    "AgentTime",
    "Obsolete",
    "EnrollmentStatusCode",
    "MDMWorkloads",
    "lastSyncDateTime",
    "configurationManagerClientHealthState",
    "errorCode",
    "as_of",
    "tenant",
    "workloads",
    "autoEnrollment",
    "__CLASS",
];

const CLASSES: [&str; 10] = [
    "https://c/AdminService/wmi/$metadata#SMS_R_System",
    "https://c/AdminService/wmi/$metadata#SMS_CombinedDeviceResources",
    "https://c/AdminService/wmi/$metadata#SMS_Client_ComanagementState",
    "https://c/AdminService/wmi/$metadata#SMS_Collection",
    "https://c/AdminService/wmi/$metadata#SMS_FullCollectionMembership",
    "https://c/AdminService/wmi/$metadata#SMS_Site",
    "https://g/beta/$metadata#deviceManagement/managedDevices",
    "https://g/v1.0/$metadata#devices",
    "https://g/v1.0/$metadata#()",
    "#",
];

fn json() -> impl Strategy<Value = String> {
    let scalar = prop_oneof![
        Just("null".to_owned()),
        any::<bool>().prop_map(|b| b.to_string()),
        any::<i64>().prop_map(|n| n.to_string()),
        (0_u32..4).prop_map(|n| n.to_string()),
        any::<f64>().prop_filter("finite", |n| n.is_finite()).prop_map(|n| format!("{n:e}")),
        select(vec!["PS1", "PS100042", "1", "", "0001-01-01T00:00:00Z", "9999-12-31T23:59:59Z", "SMS_Site"])
            .prop_map(|text| format!("\"{text}\"")),
        "[a-zA-Z0-9 :.+-]{0,12}".prop_map(|text| format!("\"{text}\"")),
    ];
    scalar.prop_recursive(4, 48, 6, |inner| {
        let member =
            (select(NAMES.to_vec()), inner.clone()).prop_map(|(name, value)| format!("\"{name}\":{value}"));
        prop_oneof![
            vec(inner, 0..5).prop_map(|values| format!("[{}]", values.join(","))),
            vec(member, 0..8).prop_map(|members| format!("{{{}}}", members.join(","))),
        ]
    })
}

fn account(name: &str, bytes: &[u8]) {
    let (_, summary) = read_folder(folder(&[(name, bytes), ("z.json", sites().as_bytes())]).path());
    let counted = summary.files.iter().any(|file| file.file == name);
    let unused = summary.unused.iter().any(|file| file.file == name);
    let refused = summary.refused.lines().iter().any(|refusal| refusal.file == name);
    assert!(counted || unused || refused, "{name} is in no account");
    assert!(summary.refused.lines().iter().all(|r| !r.place.is_empty() && !r.reason.contains('\n')));
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(256))]

    #[test]
    fn any_bytes_are_accounted_for(bytes in vec(any::<u8>(), 0..200)) {
        account("a.json", &bytes);
        account("a.toml", &bytes);
    }

    #[test]
    fn any_json_is_accounted_for(text in json()) {
        account("a.json", text.as_bytes());
    }

    #[test]
    fn any_records_of_any_class_are_accounted_for(class in select(CLASSES.to_vec()), records in vec(json(), 0..5)) {
        let page = format!(r#"{{"@odata.context":"{class}","value":[{}]}}"#, records.join(","));
        account("a.json", page.as_bytes());
    }

    #[test]
    fn any_cut_of_a_page_is_accounted_for(class in select(CLASSES.to_vec()), record in json(), cut in any::<prop::sample::Index>()) {
        let page = format!(r#"{{"value":[{record},{record}],"@odata.context":"{class}"}}"#);
        account("a.json", &page.as_bytes()[..cut.index(page.len())]);
    }

    #[test]
    fn any_toml_of_known_keys_is_accounted_for(key in select(NAMES.to_vec()), value in "[-0-9T:Z\\[\\]{}=\"a-z ]{0,30}") {
        account("a.toml", format!("{key} = {value}\n").as_bytes());
    }
}
