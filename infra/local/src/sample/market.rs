//! What others ask, for the sample: made-up hosts, so that each offering of the sample has peers. It comes in as an operator's file of
//! offers does, through the `price` function.

use std::fmt::Write;

use anyhow::ensure;
use serde_json::json;
use trust::time::Day;

use crate::Stack;

/// Hosts that do not exist, and what each asks beside the others, in percent.
const HOSTS: [(&str, u32); 9] = [
    ("Sample Host Ash", 78),
    ("Sample Host Birch", 84),
    ("Sample Host Cedar", 91),
    ("Sample Host Elm", 96),
    ("Sample Host Fir", 100),
    ("Sample Host Hazel", 107),
    ("Sample Host Larch", 115),
    ("Sample Host Oak", 124),
    ("Sample Host Pine", 141),
];

/// CPUs, GiB, GB and cents a month.
const PLANS: [(u16, u32, u32, u32); 4] =
    [(1, 2, 40, 520), (2, 4, 80, 960), (4, 8, 160, 1830), (8, 16, 320, 3560)];

/// The offers of those hosts, priced on a day, in the format of an operator's file.
fn offers(on: Day) -> String {
    let mut file =
        "provider,name,class,vcpus,memory_gib,disk_gb,disk_kind,country,price,currency,priced_on\n"
            .to_owned();
    for (host, percent) in HOSTS {
        for (vcpus, gib, gb, cents) in PLANS {
            let cents = cents * percent / 100;
            let (whole, part) = (cents / 100, cents % 100);
            // Writing to a string does not fail.
            let _ = writeln!(
                file,
                "{host},VPS {gib},shared,{vcpus},{gib},{gb},nvme,DE,{whole}.{part:02},EUR,{on}"
            );
        }
    }
    file
}

/// Loads them, and has the market gathered.
pub(super) async fn load(stack: &Stack, on: Day) -> anyhow::Result<()> {
    let document =
        json!({ "kind": "offers", "source": "sample", "layout": "offers-csv", "text": offers(on) });
    let loaded = stack.invoke("price", json!({ "load": document })).await?;
    ensure!(loaded["read"] == HOSTS.len() * PLANS.len(), "the sample's offers: {loaded}");
    stack.invoke("price", json!({ "market": "gather" })).await?;
    Ok(())
}
