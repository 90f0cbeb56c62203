//! What `doctor` says: nothing of what is sound, and of each thing that is broken, that.

use chatwoot_setup::doctor::{Finding, Severity};
use futures_util::{StreamExt, stream};

use super::{
    bootstrap, complaints,
    damage::{DAMAGES, Damage},
    doctor,
    world::World,
};

#[tokio::test(flavor = "multi_thread")]
async fn a_sound_connection_has_nothing_to_mend_and_is_left_as_it_is() {
    let world = World::start().await;
    let counts = world.operator.chatwoot.counts();
    let findings = doctor(&world.request).await;
    assert_eq!(complaints(&findings), [] as [&Finding; 0]);
    let last = findings.last().unwrap();
    assert_eq!(
        last.what,
        format!(
            "account {} (Provider 1): administrator, webhook, attributes, 1 inbox; its receiver has the same secret",
            world.account
        )
    );
    assert_eq!(world.operator.chatwoot.counts(), counts);
    let requests = world.operator.chatwoot.requests();
    let changes =
        requests.iter().filter(|request| request.method != "GET").map(|request| request.path.as_str());
    assert_eq!(changes.collect::<Vec<_>>(), ["/api/v1/accounts"], "which nobody can open");
}

#[tokio::test(flavor = "multi_thread")]
async fn each_way_a_connection_can_be_broken_is_named_alone_and_with_what_mends_it() {
    let looked = stream::iter(DAMAGES).map(|(damage, expected)| async move {
        let mut world = World::start().await;
        world.suffers(*damage).await;
        let findings = doctor(&world.request).await;
        (damage, expected, findings)
    });
    // A few at a time: each has a stack of its own.
    let mut looked = looked.buffer_unordered(4);
    let mut unexpected = Vec::new();
    while let Some((damage, expected, findings)) = looked.next().await {
        let found = complaints(&findings);
        let is = |(finding, (severity, words)): (&&Finding, &(Severity, &str))| {
            finding.severity == *severity && finding.what.contains(words) && !finding.mend.is_empty()
        };
        if found.len() != expected.len() || !found.iter().zip(*expected).all(is) {
            unexpected.push(format!("{damage:?}: {found:#?}"));
        }
        assert!(!format!("{findings:?}").contains("hunter2"), "no secret is shown");
    }
    assert!(unexpected.is_empty(), "{}", unexpected.join("\n"));
}

#[tokio::test(flavor = "multi_thread")]
async fn what_bootstrap_is_said_to_mend_it_mends() {
    for damage in [
        Damage::WebhookDeleted,
        Damage::SubscriptionMissing,
        Damage::NoLongerAdministrator,
        Damage::UnknownAccount,
    ] {
        let mut world = World::start().await;
        world.suffers(damage).await;
        let mut again = world.request.clone();
        again.place.others.insert(world.account);
        let (well, steps) = bootstrap(&again).await;
        assert!(well, "{damage:?}: {steps:?}");
        // The stack's functions read the document again after five minutes; until then they refuse what is signed with a new secret.
        let findings = doctor(&world.request).await;
        let found = complaints(&findings);
        let not_read_yet = |finding: &&&Finding| {
            !finding.what.contains("refuses what is signed")
                && !finding.what.contains("does not know this account")
                && !finding.what.contains("no key that is kept")
        };
        assert_eq!(found.iter().filter(not_read_yet).count(), 0, "{damage:?}: {found:?}");
    }
}
