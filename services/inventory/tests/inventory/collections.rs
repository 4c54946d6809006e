//! Collections: imported ones by record, Tandem's own by device and by rule.

use tandem_contracts::inventory::v1::{
    Collection, CreateCollectionRequest, GetSurroundingsRequest, ImportCollectionsRequest,
    ImportedCollection, ImportedMembers, ListCollectionMembersRequest, ListDevicesRequest,
    UpdateCollectionMembersRequest,
};
use tandem_contracts::r#type::v1::DeviceFilter;

use crate::sandbox::*;

const PILOT: &str = "tenants/contoso/hierarchies/PS1/collections/PS100042";

async fn import(sandbox: &mut Sandbox, keys: &[&str], replace: bool, complete: bool) {
    let described = ImportedCollection {
        collection: "PS100042".into(),
        display_name: "Pilot".into(),
        member_count: Some(2),
        ..ImportedCollection::default()
    };
    let members = ImportedMembers {
        collection: "PS100042".into(),
        keys: keys.iter().map(ToString::to_string).collect(),
        replace,
        complete,
    };
    let request = ImportCollectionsRequest {
        parent: "tenants/contoso/hierarchies/PS1".into(),
        sequence: 1,
        collections: vec![described],
        members: vec![members],
    };
    let mut answers =
        sandbox.collections.import_collections(tokio_stream::iter([request])).await.unwrap().into_inner();
    assert_eq!(answers.message().await.unwrap().unwrap().sequence, 1);
}

async fn members(sandbox: &mut Sandbox, parent: &str) -> Vec<String> {
    let request =
        ListCollectionMembersRequest { parent: parent.into(), ..ListCollectionMembersRequest::default() };
    sandbox.collections.list_collection_members(request).await.unwrap().into_inner().devices
}

async fn collections_of(sandbox: &mut Sandbox) -> Vec<Vec<String>> {
    sandbox.all().await.into_iter().map(|device| device.facts.unwrap().collections).collect()
}

pub(crate) async fn members_named_before_their_records_are_members_afterwards() {
    let mut sandbox = Sandbox::start().await;
    import(&mut sandbox, &["PS1/1", "PS1/2"], true, true).await;
    assert_eq!(members(&mut sandbox, PILOT).await, [] as [String; 0]);
    let both = vec![discovery("PS1/1", "OSL-1", &sms(1)), discovery("PS1/3", "OSL-3", &sms(3))];
    sandbox.report("configmgr/PS1", both).await;
    assert_eq!(collections_of(&mut sandbox).await, [vec!["PS100042".to_owned()], vec![]]);
    let first = sandbox.all().await.remove(0).name;
    assert_eq!(members(&mut sandbox, PILOT).await, [first]);
}

pub(crate) async fn replaced_members_leave_and_only_changed_devices_get_a_revision() {
    let mut sandbox = Sandbox::start().await;
    let three = (1..=3).map(|n| discovery(&format!("PS1/{n}"), &format!("OSL-{n}"), &sms(n))).collect();
    sandbox.report("configmgr/PS1", three).await;
    import(&mut sandbox, &["PS1/1", "PS1/2"], true, true).await;
    let before: Vec<u64> = sandbox.all().await.iter().map(|device| device.revision).collect();
    import(&mut sandbox, &["PS1/2", "PS1/3"], true, true).await;
    let pilot = vec!["PS100042".to_owned()];
    assert_eq!(collections_of(&mut sandbox).await, [vec![], pilot.clone(), pilot]);
    let after: Vec<u64> = sandbox.all().await.iter().map(|device| device.revision).collect();
    assert!(after[0] > before[0] && after[1] == before[1] && after[2] > before[2], "{before:?} {after:?}");
}

pub(crate) async fn surroundings_name_complete_collections_and_say_when_nothing_changed() {
    let mut sandbox = Sandbox::start().await;
    import(&mut sandbox, &["PS1/1"], true, false).await;
    let ask =
        GetSurroundingsRequest { parent: "tenants/contoso".into(), known_revision: 0, ..Default::default() };
    let first = sandbox.tenants.get_surroundings(ask.clone()).await.unwrap().into_inner();
    let complete: Vec<_> =
        first.hierarchies.iter().map(|h| (&*h.hierarchy, h.complete_collections.len())).collect();
    assert_eq!(complete, [("EU1", 0), ("PS1", 0)]);
    import(&mut sandbox, &["PS1/2"], false, true).await;
    let second = sandbox.tenants.get_surroundings(ask).await.unwrap().into_inner();
    assert_eq!(second.hierarchies[1].complete_collections, ["PS100042"]);
    let known = GetSurroundingsRequest {
        parent: "tenants/contoso".into(),
        known_revision: second.revision,
        consistency_token: second.consistency_token.clone(),
    };
    let third = sandbox.tenants.get_surroundings(known).await.unwrap().into_inner();
    assert_eq!((third.unchanged, third.revision, third.hierarchies.len()), (true, second.revision, 0));
}

pub(crate) async fn own_collection_holds_static_members_and_those_of_its_rule() {
    let mut sandbox = Sandbox::start().await;
    let three = (1..=3).map(|n| discovery(&format!("PS1/{n}"), &format!("OSL-{n}"), &sms(n))).collect();
    sandbox.report("configmgr/PS1", three).await;
    let names: Vec<String> = sandbox.all().await.into_iter().map(|device| device.name).collect();
    let rule = Some(DeviceFilter { display_name_contains: "osl-2".into(), ..DeviceFilter::default() });
    let collection =
        Collection { name: "tenants/contoso/collections/mine".into(), rule, ..Collection::default() };
    let request = CreateCollectionRequest { collection: Some(collection), request_id: "r1".into() };
    let made = sandbox.collections.create_collection(request.clone()).await.unwrap().into_inner();
    let again = sandbox.collections.create_collection(request).await.unwrap().into_inner();
    assert_eq!(made, again, "a repeated request answers as the first did");
    let add = UpdateCollectionMembersRequest {
        name: "tenants/contoso/collections/mine".into(),
        add: vec![names[0].clone()],
        ..UpdateCollectionMembersRequest::default()
    };
    sandbox.collections.update_collection_members(add).await.unwrap();
    let mut expected = names[..2].to_vec();
    expected.sort();
    assert_eq!(members(&mut sandbox, "tenants/contoso/collections/mine").await, expected);
    let filter = Some(DeviceFilter {
        collections: vec!["tenants/contoso/collections/mine".into()],
        ..DeviceFilter::default()
    });
    let list =
        ListDevicesRequest { parent: "tenants/contoso".into(), filter, ..ListDevicesRequest::default() };
    let listed = sandbox.devices.list_devices(list).await.unwrap().into_inner().devices;
    assert_eq!(listed.into_iter().map(|device| device.name).collect::<Vec<_>>(), expected);
}

pub(crate) async fn lists_of_one_stream_find_devices_that_were_reported_between_them() {
    let mut sandbox = Sandbox::start().await;
    let (lists, sent) = tokio::sync::mpsc::channel(1);
    let sent = tokio_stream::wrappers::ReceiverStream::new(sent);
    let mut answers = sandbox.collections.import_collections(sent).await.unwrap().into_inner();
    let mut import = async |sequence: u64, collection: &str| {
        let keys = vec!["PS1/16777219".to_owned(), "PS1/16777220".to_owned()];
        let members = ImportedMembers { collection: collection.into(), keys, replace: true, complete: true };
        let parent = "tenants/contoso/hierarchies/PS1".to_owned();
        let members = vec![members];
        lists
            .send(ImportCollectionsRequest { parent, sequence, members, collections: vec![] })
            .await
            .unwrap();
        assert_eq!(answers.message().await.unwrap().unwrap().sequence, sequence);
    };
    import(1, "PS100001").await;
    import(2, "PS100002").await;
    sandbox.report("configmgr/PS1", vec![discovery("PS1/16777220", "OSL-1", &sms(1))]).await;
    import(3, "PS100003").await;
    sandbox.report("configmgr/PS1", vec![discovery("PS1/16777219", "OSL-2", &sms(2))]).await;
    import(4, "PS100004").await;
    let all: Vec<String> = (1..=4).map(|n| format!("PS10000{n}")).collect();
    assert_eq!(collections_of(&mut sandbox).await, [all.clone(), all]);
}
