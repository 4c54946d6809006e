//! Records meet in one device by their keys; a second claimant is a conflict, never an error and never a guess.

use tandem_contracts::inventory::v1::{
    Collection, CreateCollectionRequest, IdentityConflict, ListCollectionMembersRequest,
    ListIdentityConflictsRequest, UpdateCollectionMembersRequest,
};
use tandem_contracts::r#type::v1::Section;

use crate::sandbox::*;

async fn conflicts(sandbox: &mut Sandbox) -> Vec<IdentityConflict> {
    let request = ListIdentityConflictsRequest {
        parent: "tenants/contoso".into(),
        ..ListIdentityConflictsRequest::default()
    };
    sandbox.devices.list_identity_conflicts(request).await.unwrap().into_inner().conflicts
}

pub(crate) async fn records_with_one_entra_id_are_one_device_whoever_comes_first() {
    let site = || vec![discovery("PS1/1", "OSL-1", &sms(1)), co_management("PS1/1", &guid(1).to_uppercase())];
    let cloud = || vec![managed(&guid(9), &format!("{{{}}}", guid(1)), "S1")];
    let mut site_first = Sandbox::start().await;
    site_first.report("configmgr/PS1", site()).await;
    site_first.report("intune", cloud()).await;
    let mut cloud_first = Sandbox::start().await;
    cloud_first.report("intune", cloud()).await;
    cloud_first.report("configmgr/PS1", site()).await;
    let expected = [["configmgr/PS1 PS1/1".to_owned(), format!("intune {}", guid(9))]];
    assert_eq!(site_first.groups().await, expected);
    assert_eq!(cloud_first.groups().await, expected);
}

pub(crate) async fn late_key_merges_two_devices_and_the_absorbed_one_is_gone() {
    let mut sandbox = Sandbox::start().await;
    sandbox.report("configmgr/PS1", vec![discovery("PS1/1", "OSL-1", &sms(1))]).await;
    sandbox.report("intune", vec![managed(&guid(9), &guid(1), "S1")]).await;
    assert_eq!(sandbox.groups().await.len(), 2);
    sandbox.report("configmgr/PS1", vec![co_management("PS1/1", &guid(1))]).await;
    assert_eq!(sandbox.groups().await, [["configmgr/PS1 PS1/1".to_owned(), format!("intune {}", guid(9))]]);
}

pub(crate) async fn second_record_of_one_source_with_one_entra_id_is_a_conflict() {
    let mut sandbox = Sandbox::start().await;
    let both = vec![managed(&guid(8), &guid(1), "S1"), managed(&guid(9), &guid(1), "S2")];
    sandbox.report("intune", both).await;
    let devices = sandbox.all().await;
    assert_eq!(devices.len(), 2);
    let found = conflicts(&mut sandbox).await;
    assert_eq!(found.len(), 1);
    assert_eq!((&found[0].holder, &found[0].claimant), (&devices[0].name, &devices[1].name));
    assert_eq!(found[0].claimant_record, guid(9));
    assert_eq!(
        found[0].explanation.split(": ").last().unwrap(),
        format!("expected one record of intune, {}; found another, {}", guid(8), guid(9))
    );
}

pub(crate) async fn claimant_takes_the_key_when_its_holder_is_removed() {
    let mut sandbox = Sandbox::start().await;
    let both = vec![managed(&guid(8), &guid(1), "S1"), managed(&guid(9), &guid(1), "S2")];
    sandbox.report("intune", both).await;
    sandbox.report("intune", vec![removed(&guid(8))]).await;
    let devices = sandbox.all().await;
    assert_eq!(devices.iter().map(records).collect::<Vec<_>>(), [[format!("intune {}", guid(9))]]);
    assert!(devices[0].keys.iter().any(|key| key.value == guid(1)));
    assert_eq!(conflicts(&mut sandbox).await, []);
}

pub(crate) async fn shared_serial_joins_nobody_and_placeholders_are_no_keys() {
    let mut sandbox = Sandbox::start().await;
    sandbox.report("configmgr/PS1", vec![console("PS1/1", "5CG1"), console("PS1/2", "5cg1")]).await;
    sandbox.report("configmgr/PS1", vec![console("PS1/3", "To be filled by O.E.M.")]).await;
    sandbox
        .report("intune", vec![managed(&guid(9), &guid(1), "5CG1"), managed(&guid(8), &guid(2), "0")])
        .await;
    assert_eq!(sandbox.groups().await.len(), 5);
    let mut claimants: Vec<_> =
        conflicts(&mut sandbox).await.into_iter().map(|c| c.claimant_record).collect();
    claimants.sort();
    assert_eq!(claimants, [guid(9), "PS1/2".to_owned()]);
}

pub(crate) async fn removed_record_leaves_a_tombstone_and_may_come_back() {
    let mut sandbox = Sandbox::start().await;
    sandbox.report("configmgr/PS1", vec![discovery("PS1/1", "OSL-1", &sms(1))]).await;
    let gone = sandbox.all().await.remove(0);
    sandbox.report("configmgr/PS1", vec![removed("PS1/1")]).await;
    assert_eq!(sandbox.all().await, []);
    // A replay of what was said before is late.
    sandbox.report("configmgr/PS1", vec![discovery("PS1/1", "OSL-1", &sms(1))]).await;
    assert_eq!(sandbox.all().await, []);
    sandbox.report("configmgr/PS1", vec![later(discovery("PS1/1", "OSL-1", &sms(1)))]).await;
    let back = sandbox.all().await.remove(0);
    assert!(back.revision > gone.revision);
    assert_eq!(back.keys, gone.keys);
}

pub(crate) async fn removal_is_harmless_in_any_order() {
    let mut sandbox = Sandbox::start().await;
    sandbox.report("configmgr/PS1", vec![removed("PS1/1")]).await;
    sandbox.report("configmgr/PS1", vec![discovery("PS1/1", "OSL-1", &sms(1))]).await;
    assert_eq!(sandbox.all().await, []);
    sandbox
        .report("configmgr/PS1", vec![later(discovery("PS1/2", "OSL-2", &sms(2))), removed("PS1/2")])
        .await;
    let names = sandbox.all().await.into_iter().map(|device| device.facts.unwrap().display_name.unwrap());
    assert_eq!(names.collect::<Vec<_>>(), ["OSL-2"]);
}

pub(crate) async fn claimant_joins_when_the_record_that_stood_in_its_way_is_removed() {
    let mut sandbox = Sandbox::start().await;
    let site = vec![discovery("PS1/1", "OSL-1", &sms(1)), co_management("PS1/1", &guid(1))];
    sandbox.report("configmgr/PS1", site).await;
    let both = vec![managed(&guid(8), &guid(1), "S1"), managed(&guid(9), &guid(1), "S2")];
    sandbox.report("intune", both).await;
    assert_eq!(conflicts(&mut sandbox).await.len(), 1);
    // The site goes on to say the key: nobody lets go of it, but no other record of Intune is there any more.
    sandbox.report("intune", vec![removed(&guid(8))]).await;
    assert_eq!(sandbox.groups().await, [["configmgr/PS1 PS1/1".to_owned(), format!("intune {}", guid(9))]]);
    assert_eq!(conflicts(&mut sandbox).await, []);
}

pub(crate) async fn open_conflict_names_the_device_that_its_holder_became() {
    let mut sandbox = Sandbox::start().await;
    let both = vec![managed(&guid(8), &guid(1), "S1"), managed(&guid(9), &guid(1), "S2")];
    sandbox.report("intune", both).await;
    let first_seen = conflicts(&mut sandbox).await.remove(0).first_seen;
    sandbox.report("configmgr/PS1", vec![discovery("PS1/1", "OSL-1", &sms(1))]).await;
    sandbox.report("configmgr/PS1", vec![co_management("PS1/1", &guid(1))]).await;
    let devices = sandbox.all().await;
    assert_eq!(
        devices.iter().map(records).collect::<Vec<_>>(),
        [
            vec!["configmgr/PS1 PS1/1".to_owned(), format!("intune {}", guid(8))],
            vec![format!("intune {}", guid(9))]
        ]
    );
    let found = conflicts(&mut sandbox).await;
    let of_it = |c: &IdentityConflict| (c.holder.clone(), c.claimant.clone(), c.first_seen);
    assert_eq!(
        found.iter().map(of_it).collect::<Vec<_>>(),
        [(devices[0].name.clone(), devices[1].name.clone(), first_seen)]
    );
}

pub(crate) async fn static_membership_follows_a_device_into_the_one_that_it_turned_out_to_be() {
    let mut sandbox = Sandbox::start().await;
    sandbox.report("configmgr/PS1", vec![discovery("PS1/1", "OSL-1", &sms(1))]).await;
    sandbox.report("intune", vec![managed(&guid(9), &guid(1), "S1")]).await;
    let names: Vec<String> = sandbox.all().await.into_iter().map(|device| device.name).collect();
    let mine = "tenants/contoso/collections/mine";
    let collection = Collection { name: mine.into(), ..Collection::default() };
    let request = CreateCollectionRequest { collection: Some(collection), ..Default::default() };
    sandbox.collections.create_collection(request).await.unwrap();
    let add = UpdateCollectionMembersRequest { name: mine.into(), add: names, ..Default::default() };
    sandbox.collections.update_collection_members(add).await.unwrap();
    sandbox.report("configmgr/PS1", vec![co_management("PS1/1", &guid(1))]).await;
    let one = sandbox.all().await.remove(0).name;
    let request = ListCollectionMembersRequest { parent: mine.into(), ..Default::default() };
    let members = sandbox.collections.list_collection_members(request).await.unwrap().into_inner().devices;
    assert_eq!(members, [one]);
}

/// The same, said later.
fn later(section: Section) -> Section {
    Section { sequence: section.sequence + 1, ..section }
}
