//! The watch: a snapshot, then every change in commit order.

use tandem_contracts::inventory::v1::{
    Collection, CreateCollectionRequest, DeleteCollectionRequest, UpdateCollectionMembersRequest,
    UpdateCollectionRequest, WatchDevicesRequest, WatchDevicesResponse,
};
use tandem_contracts::r#type::v1::DeviceFilter;
use tonic::{Code, Streaming};

use crate::sandbox::*;

fn request() -> WatchDevicesRequest {
    WatchDevicesRequest { parent: "tenants/contoso".into(), ..WatchDevicesRequest::default() }
}

/// Everything up to the next bookmark: records of the changed devices, how many left, and the resume token.
async fn until_bookmark(watch: &mut Streaming<WatchDevicesResponse>) -> (Vec<Vec<String>>, usize, String) {
    let (mut changed, mut left) = (Vec::new(), 0);
    loop {
        let message = watch.message().await.unwrap().unwrap();
        changed.extend(message.changed.iter().map(records));
        left += message.left.len();
        if let Some(bookmark) = message.bookmark {
            changed.sort();
            return (changed, left, bookmark.resume_token);
        }
    }
}

pub(crate) async fn watch_is_snapshot_then_deltas_with_what_left() {
    let mut sandbox = Sandbox::start().await;
    let two = vec![discovery("PS1/1", "OSL-1", &sms(1)), discovery("PS1/2", "OSL-2", &sms(2))];
    sandbox.report("configmgr/PS1", two).await;
    let mut watch = sandbox.devices.watch_devices(request()).await.unwrap().into_inner();
    let (snapshot, left, _) = until_bookmark(&mut watch).await;
    assert_eq!(
        (snapshot, left),
        (vec![vec!["configmgr/PS1 PS1/1".to_owned()], vec!["configmgr/PS1 PS1/2".into()]], 0)
    );
    let changes = vec![removed("PS1/1"), discovery("PS1/3", "OSL-3", &sms(3))];
    sandbox.report("configmgr/PS1", changes).await;
    let (changed, left, _) = until_bookmark(&mut watch).await;
    assert_eq!((changed, left), (vec![vec!["configmgr/PS1 PS1/3".to_owned()]], 1));
}

pub(crate) async fn watch_resumes_where_its_token_says() {
    let mut sandbox = Sandbox::start().await;
    sandbox.report("configmgr/PS1", vec![discovery("PS1/1", "OSL-1", &sms(1))]).await;
    let once = WatchDevicesRequest { snapshot_only: true, ..request() };
    let mut watch = sandbox.devices.watch_devices(once.clone()).await.unwrap().into_inner();
    let (_, _, resume_token) = until_bookmark(&mut watch).await;
    assert!(watch.message().await.unwrap().is_none(), "a snapshot ends with its bookmark");
    sandbox.report("configmgr/PS1", vec![discovery("PS1/2", "OSL-2", &sms(2))]).await;
    let again = WatchDevicesRequest { resume_token, ..once };
    let mut watch = sandbox.devices.watch_devices(again).await.unwrap().into_inner();
    let (changed, left, _) = until_bookmark(&mut watch).await;
    assert_eq!((changed, left), (vec![vec!["configmgr/PS1 PS1/2".to_owned()]], 0));
}

pub(crate) async fn filtered_watch_says_what_left_the_filter() {
    let mut sandbox = Sandbox::start().await;
    sandbox.report("configmgr/PS1", vec![discovery("PS1/1", "OSL-1", &sms(1))]).await;
    let filter = Some(DeviceFilter { display_name_contains: "osl".into(), ..DeviceFilter::default() });
    let mut watch = sandbox
        .devices
        .watch_devices(WatchDevicesRequest { filter, ..request() })
        .await
        .unwrap()
        .into_inner();
    assert_eq!(until_bookmark(&mut watch).await.0.len(), 1);
    let mut renamed = discovery("PS1/1", "BGO-1", &sms(1));
    renamed.sequence = 1;
    sandbox.report("configmgr/PS1", vec![renamed]).await;
    let (changed, left, _) = until_bookmark(&mut watch).await;
    assert_eq!((changed, left), (vec![], 1));
}

pub(crate) async fn token_of_another_database_asks_for_a_new_snapshot() {
    let mut sandbox = Sandbox::start().await;
    let mut other = Sandbox::start().await;
    let once = WatchDevicesRequest { snapshot_only: true, ..request() };
    let mut watch = other.devices.watch_devices(once).await.unwrap().into_inner();
    let (_, _, resume_token) = until_bookmark(&mut watch).await;
    let foreign = WatchDevicesRequest { resume_token, ..request() };
    let error = sandbox.devices.watch_devices(foreign).await.unwrap_err();
    assert_eq!(reason(&error), (Code::FailedPrecondition, "INCARNATION_CHANGED".into()));
}

pub(crate) async fn watch_of_an_own_collection_follows_its_members_and_its_rule() {
    let mut sandbox = Sandbox::start().await;
    let two = vec![discovery("PS1/1", "OSL-1", &sms(1)), discovery("PS1/2", "BGO-2", &sms(2))];
    sandbox.report("configmgr/PS1", two).await;
    let names: Vec<String> = sandbox.all().await.into_iter().map(|device| device.name).collect();
    let (first, second) = (vec!["configmgr/PS1 PS1/1".to_owned()], vec!["configmgr/PS1 PS1/2".to_owned()]);
    let mine = "tenants/contoso/collections/mine";
    let filter = Some(DeviceFilter { collections: vec![mine.into()], ..DeviceFilter::default() });
    let watched = WatchDevicesRequest { filter, ..request() };
    let mut watch = sandbox.devices.watch_devices(watched).await.unwrap().into_inner();
    assert_eq!(until_bookmark(&mut watch).await.0, [] as [Vec<String>; 0]);
    let of_name = |part: &str| Collection {
        name: mine.into(),
        rule: Some(DeviceFilter { display_name_contains: part.into(), ..DeviceFilter::default() }),
        ..Collection::default()
    };
    let made = CreateCollectionRequest { collection: Some(of_name("osl")), ..Default::default() };
    sandbox.collections.create_collection(made).await.unwrap();
    let (changed, left, _) = until_bookmark(&mut watch).await;
    assert_eq!((changed, left), (vec![first.clone()], 0), "made with a rule");

    let add = UpdateCollectionMembersRequest {
        name: mine.into(),
        add: vec![names[1].clone()],
        ..UpdateCollectionMembersRequest::default()
    };
    sandbox.collections.update_collection_members(add.clone()).await.unwrap();
    let (changed, left, _) = until_bookmark(&mut watch).await;
    assert_eq!((changed, left), (vec![second.clone()], 0), "added");
    let remove = UpdateCollectionMembersRequest { add: Vec::new(), remove: add.add.clone(), ..add };
    sandbox.collections.update_collection_members(remove).await.unwrap();
    let (changed, left, _) = until_bookmark(&mut watch).await;
    assert_eq!((changed, left), (vec![], 1), "removed");

    let changed_rule = UpdateCollectionRequest { collection: Some(of_name("bgo")), ..Default::default() };
    sandbox.collections.update_collection(changed_rule).await.unwrap();
    let (changed, left, _) = until_bookmark(&mut watch).await;
    assert_eq!((changed, left), (vec![second], 1), "another rule");
    let deleted = DeleteCollectionRequest { name: mine.into(), ..Default::default() };
    sandbox.collections.delete_collection(deleted).await.unwrap();
    let (changed, left, _) = until_bookmark(&mut watch).await;
    assert_eq!((changed, left), (vec![], 1), "deleted");
}
