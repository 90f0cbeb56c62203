//! The log: whoever appends, however often and wherever it is cut off, it is one.

use std::collections::BTreeMap;

use table::{LeafName, LogHead, Stored};
use transparency::{
    bundle::Bundle,
    checkpoint::Published,
    key::{PublicKey, SecretKey},
    leaf::{Kind, Leaf},
    tile::Tile,
    tree,
};
use trust::{
    time::Moment,
    uptime::{
        check::Check,
        configuration::Salt,
        leaves::{KeyLeaf, MaintenanceLeaf, MonitorLeaf},
        maintenance::Window,
        span::Span,
    },
};

use super::world::{MINUTES_A_DAY, SEEDS, UP, World, panel, secrets};

pub(crate) fn key(seed: &str) -> PublicKey {
    use base64::{Engine, engine::general_purpose::STANDARD};
    let seed: [u8; 32] = STANDARD.decode(seed).unwrap().try_into().unwrap();
    SecretKey::from_seed("log.example/uptime".parse().unwrap(), &seed).unwrap().public().clone()
}

async fn published(world: &World) -> Published {
    let head = world.table().log_head().await.unwrap().value;
    Published::open(&head.checkpoint, &[key(SEEDS[0])]).unwrap()
}

/// Tiles from the table as they are needed.
async fn tiles(world: &World, needed: Vec<Tile>) -> BTreeMap<Tile, Vec<u8>> {
    let paths: Vec<String> = needed.iter().map(Tile::to_string).collect();
    let found = world.table().tiles(&paths).await.unwrap();
    needed.into_iter().zip(found).map(|(tile, bytes)| (tile, bytes.unwrap())).collect()
}

/// All leaves of the log, each proven to be in it.
pub(crate) async fn leaves(world: &World) -> Vec<Leaf> {
    let checkpoint = published(world).await;
    let mut all = Vec::new();
    let size = checkpoint.head().size;
    let mut needed: Vec<Tile> = (0..size).flat_map(|index| tree::needed_to_prove(index, size)).collect();
    needed.sort();
    needed.dedup();
    let mut store = tiles(world, needed).await;
    for bundle in 0..size.div_ceil(256) {
        let tile = Tile::of_tree(transparency::tile::Content::Entries, bundle, size).unwrap();
        store.extend(tiles(world, vec![tile]).await);
        let entries = transparency::tile::read_entries(&store[&tile]).unwrap();
        all.extend(entries.into_iter().map(|entry| Leaf::from_bytes(entry.to_vec()).unwrap()));
    }
    let indexed: BTreeMap<u64, Leaf> = (0..).zip(all.iter().cloned()).collect();
    let bundle = Bundle::collect(&store, &checkpoint, indexed).unwrap();
    let text = bundle.to_string();
    Bundle::parse(&text).unwrap().verify(&[key(SEEDS[0])]).unwrap();
    all
}

fn kinds(leaves: &[Leaf]) -> Vec<&'static str> {
    leaves.iter().map(|leaf| leaf.kind().as_str()).collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn configurations_and_work_come_into_the_log_before_the_days_and_all_is_proven() {
    let world = World::start().await;
    world.announce(2 * MINUTES_A_DAY..2 * MINUTES_A_DAY + 60).await;
    assert_eq!(world.append(5).await, 2);
    world.see(0..10, UP).await;
    world.seal(3 * MINUTES_A_DAY + 120).await;
    assert_eq!(world.append(3 * MINUTES_A_DAY + 121).await, 3);
    assert_eq!(world.append(3 * MINUTES_A_DAY + 122).await, 0);
    let leaves = leaves(&world).await;
    assert_eq!(kinds(&leaves), ["maintenance/1", "monitor/1", "day/1", "day/1", "day/1"]);
    let work = MaintenanceLeaf::decode(leaves[0].as_bytes()).unwrap();
    assert_eq!(work.monitor(), &world.monitor);
    let monitor = MonitorLeaf::decode(leaves[1].as_bytes()).unwrap();
    assert!(monitor.is_opened_by(&[7; 16], r#"{"kind":"tcp","host":"127.0.0.1","port":9}"#));
    assert!(!String::from_utf8_lossy(leaves[1].as_bytes()).contains("127.0.0.1"));
    let records = world.records().await;
    for (record, leaf) in records.iter().zip(&leaves[2..]) {
        assert_eq!(record.encode().as_bytes(), leaf.as_bytes());
    }
    let day = world.table().sealed_day(&world.monitor, records[1].day().day).await.unwrap().unwrap();
    assert_eq!(day.leaf, Some(3));
    let versions = world.table().logged_versions(&world.monitor).await.unwrap();
    assert_eq!(versions.iter().map(|version| version.leaf).collect::<Vec<_>>(), [1]);
    assert_eq!(versions[0].record.as_bytes(), leaves[1].as_bytes());
    assert_eq!(world.table().awaiting_leaves(10).await.unwrap(), []);
}

#[tokio::test(flavor = "multi_thread")]
async fn those_who_append_at_once_make_one_log() {
    let world = World::start().await;
    world.seal(40 * MINUTES_A_DAY).await;
    let now = world.after(40 * MINUTES_A_DAY);
    let appending = (0..4).map(|_| uptime_seal::append(world.app(), now));
    let appended: Vec<_> = futures_util::future::join_all(appending).await;
    assert!(appended.iter().any(Result::is_ok), "{appended:?}");
    world.append(40 * MINUTES_A_DAY).await;
    let leaves = leaves(&world).await;
    let days = leaves.iter().filter(|leaf| leaf.kind() == Kind::Day).count();
    assert_eq!((leaves.len(), days), (40, 39));
}

#[tokio::test(flavor = "multi_thread")]
async fn what_was_cut_off_is_finished_and_nothing_comes_into_the_log_twice() {
    let world = World::start().await;
    world.seal(4 * MINUTES_A_DAY).await;
    // Cut off after leaves were staged.
    world.append(0).await;
    world.seal(7 * MINUTES_A_DAY).await;
    let Stored { value: head, version } = world.table().log_head().await.unwrap();
    let staged = world.table().awaiting_leaves(2).await.unwrap();
    let first = published(&world).await.head().size;
    let cut = LogHead { staged: staged.clone(), first, ..head };
    world.table().write_log_head(&cut, version).await.unwrap();
    assert_eq!(world.append(7 * MINUTES_A_DAY).await, 3);
    let before = leaves(&world).await;
    // Cut off after the checkpoint was signed, before the places were noted.
    let Stored { value: head, version } = world.table().log_head().await.unwrap();
    for (name, leaf) in staged.iter().zip(&before[usize::try_from(first).unwrap()..]) {
        world.table().await_leaf(name, std::str::from_utf8(leaf.as_bytes()).unwrap()).await.unwrap();
    }
    world.table().write_log_head(&LogHead { staged, first, ..head }, version).await.unwrap();
    world.append(7 * MINUTES_A_DAY).await;
    assert_eq!(leaves(&world).await, before);
    assert_eq!(world.table().awaiting_leaves(10).await.unwrap(), []);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_log_whose_store_holds_another_tree_stops_and_signs_nothing() {
    let world = World::start().await;
    world.seal(4 * MINUTES_A_DAY).await;
    world.append(4 * MINUTES_A_DAY).await;
    let before = published(&world).await;
    let tile = Tile::of_tree(transparency::tile::Content::Hashes(0), 0, before.head().size).unwrap();
    let mut bytes = tiles(&world, vec![tile]).await.remove(&tile).unwrap();
    bytes[0] ^= 1;
    world.table().write_tile(&tile.to_string(), &bytes).await.unwrap();
    world.seal(5 * MINUTES_A_DAY).await;
    let now = world.after(5 * MINUTES_A_DAY);
    let stopped = uptime_seal::append(world.app(), now).await.unwrap_err();
    assert!(matches!(stopped, uptime_seal::AppendError::Tree(_)), "{stopped}");
    assert_eq!(world.app().metrics().counted("LogForked"), 1, "which raises the alarm");
    assert_eq!(published(&world).await, before);
    // Mended, it goes on where it was.
    bytes[0] ^= 1;
    world.table().write_tile(&tile.to_string(), &bytes).await.unwrap();
    assert_eq!(world.append(5 * MINUTES_A_DAY).await, 1);
    assert_eq!(world.app().metrics().counted("LogForked"), 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_checkpoint_of_a_key_we_do_not_know_is_not_continued() {
    let world = World::start().await;
    world.append(0).await;
    world.services().fill(&secrets(&SEEDS[1..])).unwrap();
    let other = World::start_beside(&world).await;
    let stopped = uptime_seal::append(&other, world.after(1)).await.unwrap_err();
    assert!(matches!(stopped, uptime_seal::AppendError::Checkpoint(_)), "{stopped}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_new_key_is_announced_in_the_log_under_the_old_one() {
    let world = World::start().await;
    world.append(0).await;
    world.services().fill(&secrets(&[SEEDS[1], SEEDS[0]])).unwrap();
    let app = World::start_beside(&world).await;
    uptime_seal::append(&app, world.after(10)).await.unwrap();
    // `leaves` verifies with the old key: it signs beside the new one.
    let leaves = leaves(&world).await;
    assert_eq!(kinds(&leaves), ["monitor/1", "key/1"]);
    let change = KeyLeaf::decode(leaves[1].as_bytes()).unwrap();
    assert_eq!(
        (change.key().as_str(), change.replaces().as_str()),
        (key(SEEDS[1]).to_string().as_str(), key(SEEDS[0]).to_string().as_str())
    );
    let head = world.table().log_head().await.unwrap().value;
    Published::open(&head.checkpoint, &[key(SEEDS[1])]).unwrap();
    let known = world.table().log_keys().await.unwrap().value.keys;
    assert_eq!(known.len(), 2);
}

/// A window of a minute in that minute.
fn window(world: &World, minute: i64) -> Window {
    let span = Span { from: world.slot(minute), until: world.slot(minute + 1) };
    Window { announced_at: world.slot(0), span }
}

#[tokio::test(flavor = "multi_thread")]
async fn partial_tiles_are_deleted_once_they_are_full_and_not_before() {
    let world = World::start().await;
    let paths = async || -> Vec<String> {
        world.table().partial_tiles().await.unwrap().into_iter().map(|tile| tile.path).collect()
    };
    let mut before = Vec::new();
    for (minutes, partial) in [(1..100, 2), (100..200, 4), (200..301, 3)] {
        for minute in minutes.clone() {
            let window = window(&world, minute);
            let leaf = MaintenanceLeaf::new(world.monitor.clone(), window).unwrap().encode();
            world.table().await_leaf(&LeafName::maintenance(&world.monitor, window), &leaf).await.unwrap();
        }
        world.append(minutes.end).await;
        let now = paths().await;
        assert_eq!(now.len(), partial, "{now:?}");
        // Every tile that is told of is there, and none that is not.
        assert!(world.table().tiles(&now).await.unwrap().iter().all(Option::is_some));
        before.retain(|path| !now.contains(path));
        assert!(world.table().tiles(&before).await.unwrap().iter().all(Option::is_none));
        before = now;
    }
    assert_eq!(leaves(&world).await.len(), 301);
    assert!(before.iter().all(|path| path.contains("/001.p/") || path.starts_with("tile/1/")), "{before:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_monitor_with_more_to_tell_than_one_transaction_takes_is_written_all_the_same() {
    let world = World::start().await;
    let table = world.table();
    let waiting = async || table.awaiting_leaves(2000).await.unwrap().len();
    assert_eq!(waiting().await, 1);
    let known = table.monitor(&world.monitor).await.unwrap().unwrap().value;
    let mut watch = known.watch.clone();
    watch.service.monitor = "many".parse().unwrap();
    watch.windows = (1..=150).map(|minute| window(&world, minute)).collect();
    let check = |port| Check::Tcp { host: "127.0.0.1".to_owned(), port };
    let mut checks: Vec<(Moment, Check)> =
        (0..120).map(|minute| (world.slot(minute), check(minute as u16))).collect();
    let added = table.add_monitor(watch.clone(), &checks, &panel(), || Salt([9; 16])).await.unwrap();
    let stored = table.monitor(&"many".parse().unwrap()).await.unwrap().unwrap();
    assert_eq!((&stored.value, waiting().await), (&added, 1 + 150 + 120));

    watch.windows.extend((151..=300).map(|minute| window(&world, minute)));
    watch.ended = Some(world.slot(2000));
    checks.push((world.slot(1000), check(9999)));
    let mut changed = stored.value.clone();
    changed.reconfigure(watch, &checks, &panel(), || Salt([8; 16]));
    table.write_monitor(&stored, &changed).await.unwrap();
    let stored = table.monitor(&"many".parse().unwrap()).await.unwrap().unwrap();
    assert_eq!((stored.value, waiting().await), (changed, 1 + 300 + 122));
    assert_eq!(world.append(1).await, 1 + 300 + 122);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_tile_that_outgrows_an_item_is_kept_in_parts() {
    let world = World::start().await;
    let bytes: Vec<u8> = (0..800_000_u32).map(|number| number as u8).collect();
    world.table().write_tile("tile/entries/000", &bytes).await.unwrap();
    let read =
        world.table().tiles(&["tile/entries/000".to_owned(), "tile/entries/001".to_owned()]).await.unwrap();
    assert_eq!(read, [Some(bytes), None]);
}

#[test]
fn leaves_of_keys_and_work_come_before_those_of_days_and_scores_come_last() {
    let monitor = "m".parse().unwrap();
    let day = trust::time::Day::parse("2028-02-28").unwrap();
    assert!(LeafName::key("0") < LeafName::monitor(&monitor, 1));
    assert!(LeafName::monitor(&monitor, 1) < LeafName::day(&monitor, day));
    assert!(LeafName::day(&monitor, day) < LeafName::score(&"a".parse().unwrap(), day));
}
