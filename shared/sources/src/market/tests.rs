use std::path::{Path, PathBuf};

use proptest::prelude::*;
use serde_json::json;
use trust::{
    marketplace::Currency,
    offering::{Class, DiskKind},
    price::{Disk, DropReason, Market, Offer, Place, PricePolicy, Rates, RegionGroup, Term, amount},
    source::SourceName,
    units::Size,
};

use super::*;
use crate::{configuration::Configuration, outcome::Unrecognised};

const LAYOUTS: [Layout; 9] = [
    Layout::Vultr,
    Layout::Linode,
    Layout::Scaleway,
    Layout::Lightsail,
    Layout::Ovh,
    Layout::VpsPriceIndex,
    Layout::ServerPricing,
    Layout::OffersJson,
    Layout::OffersCsv,
];

fn read_as(source: &str) -> ReadAs {
    ReadAs { source: Slug::of(source).unwrap(), on: Day::parse("2026-11-23").unwrap() }
}

fn list(layout: Layout, document: &str) -> PriceList {
    match parse(layout, document.as_bytes(), &read_as("scaleway-fr-par-1")) {
        ParseOutcome::Recognised { facts, .. } => facts,
        ParseOutcome::Unrecognised { why, .. } => panic!("{why:?}: {document}"),
    }
}

/// What of an offer is compared, in a line.
fn line(offer: &Offer) -> String {
    let machine = &offer.machine;
    let gb = |size: Size| (size.as_gb() * 100.0).round() / 100.0;
    let disk = match machine.disk {
        Disk::NotSaid => "disk not said".to_owned(),
        Disk::NotIncluded => "no disk".to_owned(),
        Disk::Included(size, kind) => {
            format!("{} GB {}", gb(size), kind.map_or("disk".to_owned(), |kind| format!("{kind:?}")))
        }
    };
    let traffic = machine.traffic.map_or("?".to_owned(), |size| format!("{} GB", gb(size)));
    let (seller, name, memory) = (offer.seller.name(), offer.name.as_str(), machine.memory.as_gib());
    format!(
        "{seller} {name}: {:?} {} CPUs, {memory} GiB, {disk}, {traffic}, {:?}, {}",
        machine.class,
        machine.vcpus,
        offer.place,
        amount(offer.monthly)
    )
}

/// Real data stands beside the project: `shared/data` in one of the folders above.
fn data(name: &str) -> Option<Vec<u8>> {
    let above = Path::new(env!("CARGO_MANIFEST_DIR")).ancestors();
    let found =
        above.map(|folder| folder.join("shared/data/market").join(name)).find(|file: &PathBuf| file.exists());
    if found.is_none() {
        eprintln!("SKIPPED: shared/data/market/{name} is in no folder above; nothing was checked against it");
    }
    found.map(|file| std::fs::read(file).unwrap())
}

/// Lightsail's terms of these products, each for the same price.
fn hourly(products: &[&str]) -> serde_json::Map<String, serde_json::Value> {
    let term = json!({ "T": { "priceDimensions": { "D": { "unit": "Hrs", "pricePerUnit": { "USD": "0.0067204301" } } } } });
    products.iter().map(|sku| ((*sku).to_owned(), term.clone())).collect()
}

#[test]
fn each_public_list_is_read_in_its_own_units() {
    for (layout, document, lines) in [
        (
            Layout::Vultr,
            json!({ "plans": [
                { "id": "vc2-1c-1gb", "vcpu_count": 1, "ram": 1024, "disk": 25, "disk_count": 1, "bandwidth": 1024,
                  "monthly_cost": 5, "type": "vc2", "locations": ["ewr"] },
                { "id": "vx9-1c", "vcpu_count": 1, "ram": 1024, "disk": 25, "bandwidth": 1024, "monthly_cost": 5, "type": "vx9" },
            ], "meta": { "total": 2 } }),
            vec!["vultr vc2-1c-1gb: Shared 1 CPUs, 1 GiB, 25 GB disk, 1024 GB, Everywhere, 5.00 USD"],
        ),
        (
            Layout::Linode,
            json!({ "data": [
                { "id": "g6-nanode-1", "label": "Nanode 1GB", "class": "nanode", "vcpus": 1, "memory": 1024, "disk": 25_600,
                  "transfer": 1000, "price": { "hourly": 0.0075, "monthly": 5.0 }, "region_prices": [] },
                { "id": "g8", "label": "G8 4x2", "class": "dedicated", "vcpus": 2, "memory": 4096, "disk": 0,
                  "transfer": 0, "price": { "hourly": 0.06, "monthly": null } },
            ], "page": 1, "pages": 1, "results": 2 }),
            vec![
                "linode Nanode 1GB: Shared 1 CPUs, 1 GiB, 26.84 GB disk, 1000 GB, Everywhere, 5.00 USD",
                "linode G8 4x2: Dedicated 2 CPUs, 4 GiB, no disk, ?, Everywhere, 43.80 USD",
            ],
        ),
        (
            Layout::Scaleway,
            json!({ "servers": {
                "DEV1-S": { "hourly_price": 0.00898, "monthly_price": 6.55, "ncpus": 2, "ram": 2_147_483_648_u64, "gpu": 0,
                            "baremetal": false, "arch": "x86_64", "end_of_service": false, "mig_profile": null },
                "H100-1-80G": { "hourly_price": 2.73, "ncpus": 24, "ram": 257_698_037_760_u64, "gpu": 1 },
                "NEW9-S": { "hourly_price": 1.0, "ncpus": 2, "ram": 2_147_483_648_u64 },
                "GP1-XS": { "hourly_price": 0.091, "ncpus": 4, "ram": 17_179_869_184_u64, "end_of_service": true },
                "POP2-2C-8G-WIN": { "hourly_price": 0.1823, "ncpus": 2, "ram": 8_589_934_592_u64, "end_of_service": false },
            } }),
            vec![
                "scaleway DEV1-S: Shared 2 CPUs, 2 GiB, no disk, ?, In(Europe), 6.56 EUR",
                "scaleway H100-1-80G: Gpu 24 CPUs, 240 GiB, no disk, ?, In(Europe), 1992.90 EUR",
            ],
        ),
        (
            Layout::Lightsail,
            json!({ "offerCode": "AmazonLightsail", "products": {
                "A1": { "sku": "A1", "productFamily": "Lightsail Instance", "attributes": {
                    "memory": "0.5GB", "vcpu": "2", "storage": "20 GB", "operatingSystem": "Linux", "regionCode": "us-east-1",
                    "usagetype": "BundleUsage:0.5GB" } },
                "A2": { "sku": "A2", "productFamily": "Lightsail Instance", "attributes": {
                    "memory": "1GB", "vcpu": "2", "operatingSystem": "Windows", "regionCode": "us-east-1" } },
                "A7": { "sku": "A7", "productFamily": null, "attributes": { "group": "Lightsail Instance",
                    "memory": "1GB", "vcpu": "2", "operatingSystem": "Linux", "regionCode": "sa-east-1",
                    "usagetype": "SAE1-BundleUsage:1GB" } },
                "A3": { "sku": "A3", "productFamily": "Lightsail Instance", "attributes": {
                    "memory": "0.5GB", "vcpu": "2", "operatingSystem": "Linux", "usagetype": "USE1-BundleUsage:0.5GB_IPv6" } },
                "A4": { "sku": "A4", "productFamily": "Lightsail Instance", "attributes": {
                    "memory": "0.5GB", "vcpu": "2", "operatingSystem": "Linux", "groupDescription": "Instance bundle, IPv6 only" } },
                "A5": { "sku": "A5", "productFamily": "Lightsail Instance", "attributes": {
                    "memory": "0.5GB", "vcpu": "2", "usagetype": "USE1-BundleUsage:0.5GB_win" } },
                "A6": { "sku": "A6", "productFamily": "Lightsail Database Instance", "attributes": { "memory": "1GB", "vcpu": "2" } },
            }, "terms": { "OnDemand": hourly(&["A1", "A2", "A3", "A4", "A5", "A6", "A7"]) } }),
            vec![
                "aws-lightsail BundleUsage:0.5GB: Shared 2 CPUs, 0.5 GiB, 21.47 GB disk, ?, In(NorthAmerica), 4.91 USD",
                "aws-lightsail SAE1-BundleUsage:1GB: Shared 2 CPUs, 1 GiB, disk not said, ?, In(Other), 4.91 USD",
            ],
        ),
        (
            Layout::Ovh,
            json!({ "locale": { "currencyCode": "EUR", "taxRate": 20 }, "plans": [
                { "planCode": "vps-a", "invoiceName": "VPS A", "product": "vps-a", "pricings": [
                    { "capacities": ["installation"], "mode": "default", "interval": 0, "intervalUnit": "none", "price": 0 },
                    { "capacities": ["renew"], "mode": "upfront12", "interval": 12, "intervalUnit": "month", "price": 1 },
                    { "capacities": ["renew"], "mode": "default", "phase": 1, "commitment": 0, "interval": 1,
                      "intervalUnit": "month", "price": 299_000_000 } ] },
                { "planCode": "vps-b", "pricings": [] },
            ], "products": [ { "name": "vps-a", "blobs": { "technical": {
                "cpu": { "cores": 1 }, "memory": { "size": 2 },
                "storage": { "disks": [{ "capacity": 20, "technology": "NVMe" }] } } } } ] }),
            vec!["ovhcloud VPS A: Shared 1 CPUs, 2 GiB, 20 GB Nvme, ?, NotSaid, 2.99 EUR"],
        ),
    ] {
        let list = list(layout, &document.to_string());
        assert_eq!(list.offers.iter().map(line).collect::<Vec<_>>(), lines, "{layout:?}");
        assert_eq!(list.left_out.len(), list.rows as usize - list.offers.len(), "{layout:?}");
    }
}

#[test]
fn what_a_row_lacks_is_said_with_its_place() {
    let plans = json!({ "plans": [
        { "id": "soft\u{ad}hyphen \u{200b}", "vcpu_count": 1, "ram": 1024, "disk": 25, "monthly_cost": 5, "type": "vc2" },
        { "id": "no-cpu", "ram": 1024, "disk": 25, "monthly_cost": 5, "type": "vc2" },
        { "id": "no-number", "vcpu_count": 1, "ram": "N/A", "disk": 25, "monthly_cost": 5, "type": "vc2" },
        { "id": "thousands", "vcpu_count": 1, "ram": 1024, "disk": 25, "monthly_cost": "1,324", "type": "vc2" },
        { "id": "below-zero", "vcpu_count": 1, "ram": 1024, "disk": 25, "monthly_cost": -5, "type": "vc2" },
        { "id": "half", "vcpu_count": 0.5, "ram": 1024, "disk": 25, "monthly_cost": 5, "type": "vc2" },
        { "id": "nearly-two", "vcpu_count": 1.9, "ram": 1024, "disk": 25, "monthly_cost": 5, "type": "vc2" },
        { "id": "less-disk", "vcpu_count": 1, "ram": 1024, "disk": -5, "monthly_cost": 5, "type": "vc2" },
    ] });
    let list = list(Layout::Vultr, &plans.to_string());
    let said: Vec<String> = list.left_out.iter().map(|row| format!("{}: {}", row.at, row.why)).collect();
    assert_eq!(list.offers[0].name.as_str(), "softhyphen");
    assert_eq!(
        said,
        [
            "plans[1]: vcpu_count is missing",
            "plans[2]: ram is not what it should be",
            "plans[3]: monthly_cost is not what it should be",
            "plans[4]: monthly_cost is not what it should be",
            "plans[5]: vcpus is not what it should be",
            "plans[6]: vcpus is not what it should be",
            "plans[7]: disk is not what it should be",
        ]
    );
}

#[test]
fn in_no_layout_is_a_part_of_a_cpu_a_cpu_less_or_a_disk_below_zero_none() {
    let wrong = |layout, document: serde_json::Value| match parse(
        layout,
        document.to_string().as_bytes(),
        &read_as("scaleway-fr-par-1"),
    ) {
        ParseOutcome::Recognised { facts, .. } => panic!("{layout:?} {:?}", facts.offers),
        ParseOutcome::Unrecognised { why, .. } => assert_eq!(why, Unrecognised::Layout),
    };
    for (vcpus, disk) in [(1.9, 25), (1.0, -25)] {
        let price = json!({ "monthly": 5.0 });
        wrong(
            Layout::Linode,
            json!({ "data": [{ "label": "a", "class": "nanode", "vcpus": vcpus, "memory": 1024, "disk": disk, "price": price }] }),
        );
        wrong(
            Layout::VpsPriceIndex,
            json!({ "generated_utc": "2026-11-23T00:00:00Z", "plans": [{ "provider": "Vultr", "plan": "vc2-1c",
            "vcpu": vcpus, "ram_gb": 1, "disk_gb": disk, "transfer_tb": 1, "price": 5, "currency": "USD" }] }),
        );
        wrong(
            Layout::ServerPricing,
            json!([{ "provider": "a", "cpu": "b", "cpuThreads": vcpus, "ramSizeGB": 64, "diskSizeGB": { "ssd": disk },
            "priceMonthlyEUR": 5 }]),
        );
        wrong(
            Layout::OffersJson,
            json!({ "offers": [{ "provider": "a", "class": "shared", "vcpus": vcpus, "memory_gib": 4, "disk_gb": disk,
            "price": 5, "currency": "EUR", "priced_on": "2026-11-23" }] }),
        );
    }
    wrong(
        Layout::Scaleway,
        json!({ "servers": { "DEV1-S": { "hourly_price": 1, "ncpus": 1.9, "ram": 2_147_483_648_u64 } } }),
    );
}

#[test]
fn rows_beyond_those_that_are_looked_at_are_missing_from_what_was_recognised() {
    let mut list = PriceList::default();
    for _ in 0..=MOST_ROWS {
        list.take(String::new, || Err(RowDoubt::Missing("price")));
    }
    list.take(|| panic!("not named"), || panic!("not read"));
    assert_eq!(list.rows as usize, MOST_ROWS + 2);
}

#[test]
fn a_price_that_can_not_be_counted_with_its_setup_fee_is_no_price() {
    let file = |price: u64| {
        json!({ "offers": [{ "provider": "a", "class": "shared", "vcpus": 2, "memory_gib": 4, "price": price, "currency": "EUR", "per": "hour",
            "setup": 999_999_999_999_u64, "priced_on": "2026-11-23" }] })
    };
    let most = u64::MAX / 730 / 1_000_000;
    assert_eq!(list(Layout::OffersJson, &file(most - 1_000_000_000).to_string()).offers.len(), 1);
    let beyond = parse(Layout::OffersJson, file(most).to_string().as_bytes(), &read_as("x"));
    assert!(matches!(beyond, ParseOutcome::Unrecognised { why: Unrecognised::Layout, .. }), "{beyond:?}");
}

#[test]
fn a_catalogue_of_many_products_is_read_by_their_names_the_first_of_which_counts() {
    let product = |number: u32, cores: u32| json!({ "name": format!("p{number}"), "blobs": { "technical": { "cpu": { "cores": cores }, "memory": { "size": 2 } } } });
    let plan = |number: u32| {
        json!({ "planCode": format!("plan-{number}"), "product": format!("p{number}"), "pricings": [
            { "capacities": ["renew"], "mode": "default", "interval": 1, "intervalUnit": "month", "price": 299_000_000 }] })
    };
    let products: Vec<_> = (0..6_000).map(|number| product(number, 1)).chain([product(5_999, 8)]).collect();
    let plans: Vec<_> = (0..6_000).map(plan).collect();
    let document = json!({ "locale": { "currencyCode": "EUR" }, "plans": plans, "products": products });
    let offers = list(Layout::Ovh, &document.to_string()).offers;
    assert_eq!(offers.len(), 6_000);
    assert!(offers.iter().all(|offer| offer.machine.vcpus.get() == 1));
}

#[test]
fn of_a_product_in_many_plans_the_price_at_which_anybody_can_buy_it_is_read() {
    let product = |name: &str| json!({ "name": name, "blobs": { "technical": { "cpu": { "cores": 4 }, "memory": { "size": 8 } } } });
    let priced = |product: &str, code: &str, price: u64| {
        json!({ "planCode": code, "invoiceName": code, "product": product, "pricings": [
            { "capacities": ["renew"], "mode": "default", "commitment": 0, "interval": 1, "intervalUnit": "month", "price": price }] })
    };
    let mut plans = vec![
        priced("model1", "vps-2025-model1-degressivity24", 425_000_000),
        priced("model1", "vps-2025-model1-spring", 424_000_000),
        priced("model2", "vps-2025-model2-eu", 1_099_000_000),
        priced("model1", "vps-2025-model1", 649_000_000),
        priced("model1", "vps-2025-model1-10percent", 584_000_000),
        priced("moved", "vps-elite-8-8-160-vps-2025-model1", 3_450_000_000),
        priced("model2", "vps-2025-model2", 999_000_000),
        // Plans of one product of which none is the other's with something behind it, and one whose own plan is not there.
        priced("shared", "vps-a", 100_000_000),
        priced("shared", "cloud-vps-b", 200_000_000),
        priced("shared", "vps-c-10percent", 90_000_000),
    ];
    let read = |plans: &[serde_json::Value]| {
        let products = ["model1", "model2", "moved", "shared"].map(product);
        let document = json!({ "locale": { "currencyCode": "EUR" }, "plans": plans, "products": products });
        let list = list(Layout::Ovh, &document.to_string());
        list.offers.iter().map(|offer| offer.monthly.millionths).collect::<Vec<_>>()
    };
    assert_eq!(read(&plans), [10_990_000, 6_490_000, 9_990_000, 1_000_000, 2_000_000]);
    plans.reverse();
    assert_eq!(read(&plans), [2_000_000, 1_000_000, 9_990_000, 6_490_000, 10_990_000]);
    // Where its own plan can not be bought by the month, nobody else's price is taken for it.
    let own = plans.iter_mut().find(|plan| plan["planCode"] == "vps-2025-model1").unwrap();
    own["pricings"] = json!([]);
    assert_eq!(read(&plans), [2_000_000, 1_000_000, 9_990_000, 10_990_000]);
}

#[test]
fn a_document_of_another_layout_is_not_recognised_and_its_shape_has_a_fingerprint() {
    let of = |layout, document: &str| match parse(layout, document.as_bytes(), &read_as("x")) {
        ParseOutcome::Unrecognised { fingerprint, why } => (why, fingerprint),
        ParseOutcome::Recognised { .. } => panic!("{document}"),
    };
    for layout in LAYOUTS {
        for (document, why) in [
            ("{\"flavours\": [{\"cores\": 1}]}", Unrecognised::Layout),
            (
                "{\"plans\": [{\"cores\": 1}], \"data\": [{}], \"servers\": {\"a\": {}}",
                Unrecognised::Truncated,
            ),
            ("<html><title>Just a moment...</title>", Unrecognised::Format),
        ] {
            let (found, _) = of(layout, document);
            assert!(
                found == why || layout == Layout::OffersCsv && found == Unrecognised::Layout,
                "{layout:?} {found:?}"
            );
        }
    }
    // Renamed fields: the rows are there, and none of them reads.
    let renamed = |field: &str| format!("{{\"plans\": [{{\"id\": \"a\", \"{field}\": 1}}]}}");
    let (why, one) = of(Layout::Vultr, &renamed("cpus"));
    assert_eq!(why, Unrecognised::Layout);
    assert_eq!(one, of(Layout::Vultr, &renamed("cpus")).1);
    let deep = format!("{}{}", "[".repeat(1_000_000), "]".repeat(1_000_000));
    assert_eq!(of(Layout::ServerPricing, &deep).0, Unrecognised::Format);
    let large = " ".repeat(MOST_BYTES + 1);
    assert_eq!(of(Layout::Vultr, &large).0, Unrecognised::TooLarge);
}

#[test]
fn an_operators_file_reads_the_same_as_csv_and_as_json() {
    let csv = "provider,name,class,vcpus,memory_gib,disk_gb,disk_kind,traffic_gb,country,price,currency,per,commitment_months,setup,priced_on\n\
               Example Hosting,\"VPS, small\",shared,2,4,80,nvme,,DE,8.40,EUR,month,,12,2026-11-20\n\
               Example Hosting,Big,dedicated,8,32,0,,,DE,480,EUR,year,12,,2026-11-20\n\
               Example Hosting,Bad,shared,2,4,,,,DE,\"1,324\",EUR,,,,2026-11-20\n\
               Example Hosting,Bad,shared,2,4,,,,Germany,1.5,EUR,,,,2026-11-20\n\
               Example Hosting,Short,shared\n";
    let json = json!({ "offers": [
        { "provider": "Example Hosting", "name": "VPS, small", "class": "shared", "vcpus": 2, "memory_gib": 4, "disk_gb": 80,
          "disk_kind": "nvme", "country": "DE", "price": "8.40", "currency": "EUR", "setup": 12, "priced_on": "2026-11-20" },
        { "provider": "Example Hosting", "name": "Big", "class": "dedicated", "vcpus": 8, "memory_gib": 32, "disk_gb": 0,
          "country": "DE", "price": 480, "currency": "EUR", "per": "year", "commitment_months": 12, "priced_on": "2026-11-20" },
        { "provider": "Example Hosting", "class": "shared", "cores": 2 },
    ] });
    let (csv, json) = (list(Layout::OffersCsv, csv), list(Layout::OffersJson, &json.to_string()));
    assert_eq!(csv.offers, json.offers);
    assert_eq!(
        csv.offers.iter().map(line).collect::<Vec<_>>(),
        [
            "example-hosting VPS, small: Shared 2 CPUs, 4 GiB, 80 GB Nvme, ?, In(Europe), 9.40 EUR",
            "example-hosting Big: Dedicated 8 CPUs, 32 GiB, no disk, ?, In(Europe), 40.00 EUR",
        ]
    );
    assert_eq!(csv.offers[1].basis.term, Term::Year);
    let said = |list: &PriceList| {
        list.left_out.iter().map(|row| format!("{}: {}", row.at, row.why)).collect::<Vec<_>>()
    };
    assert_eq!(
        said(&csv),
        [
            "line 4: price is not what it should be",
            "line 5: country is not what it should be",
            "line 6: row is not what it should be"
        ]
    );
    assert_eq!(said(&json), ["offers[2]: field is not what it should be"]);
}

const ECB: &str = "<?xml version=\"1.0\" encoding=\"UTF-8\"?>
<gesmes:Envelope xmlns:gesmes=\"http://www.gesmes.org/xml/2002-08-01\" xmlns=\"http://www.ecb.int/vocabulary/2002-08-01/eurofxref\">
  <gesmes:subject>Reference rates</gesmes:subject>
  <Cube><Cube time='2026-11-20'>
    <Cube currency='USD' rate='1.1378'/><Cube currency='JPY' rate='171.35'/><Cube currency='XXX' rate='N/A'/>
  </Cube></Cube>
</gesmes:Envelope>";

#[test]
fn the_banks_rates_are_dated_and_one_that_is_no_number_is_left_out() {
    let ParseOutcome::Recognised { facts, recognition } = parse_ecb(ECB.as_bytes()) else { panic!() };
    assert_eq!((facts.day.to_string().as_str(), facts.source.as_str()), ("2026-11-20", "ECB"));
    assert_eq!(facts.of(Currency::US_DOLLAR), Some(1_137_800));
    assert_eq!((facts.a_euro.len(), recognition.found, recognition.of), (2, 2, 3));
    for (document, why) in [
        (ECB.replace("Cube", "Row"), Unrecognised::Layout),
        ("<a><b></a>".to_owned(), Unrecognised::Format),
        (ECB.replace("</gesmes:Envelope>", ""), Unrecognised::Truncated),
        (ECB.split_inclusive("/>").next().unwrap().to_owned(), Unrecognised::Truncated),
        (ECB.replace("</Cube></Cube>", "</Cube><Cube time='2026-11-19'/></Cube>"), Unrecognised::Layout),
        (ECB.replace("'JPY'", "'USD'"), Unrecognised::Layout),
        (ECB.replace("'XXX'", "'USD'"), Unrecognised::Layout),
        (ECB.replace("2026-11-20", "20.11.2026"), Unrecognised::Layout),
        ("<a/>".repeat(20_000), Unrecognised::TooLarge),
    ] {
        let ParseOutcome::Unrecognised { why: found, .. } = parse_ecb(document.as_bytes()) else { panic!() };
        assert_eq!(found, why);
    }
}

#[test]
fn the_index_reads_with_its_quirks() {
    let Some(document) = data("vps-price-index-CC0-2026-09-29.json") else { return };
    let PriceList { offers, left_out, rows } =
        list(Layout::VpsPriceIndex, &String::from_utf8(document.clone()).unwrap());
    assert_eq!((rows, offers.len(), left_out.len()), (121, 121, 0), "{left_out:?}");
    let lines: Vec<String> = offers.iter().map(line).collect();
    for expected in [
        "scaleway DEV1-M: Shared 3 CPUs, 4 GiB, no disk, ?, In(Europe), 14.74 EUR",
        "scaleway STARDUST1-S: Shared 1 CPUs, 1 GiB, no disk, ?, In(Europe), 0.44 EUR",
        "vultr vc2-1c-0.5gb: Shared 1 CPUs, 0.5 GiB, 10 GB disk, 500 GB, Everywhere, 3.50 USD",
        "aws-lightsail 0.5GB bundle: Shared 2 CPUs, 0.5 GiB, 20 GB disk, ?, In(NorthAmerica), 4.91 USD",
        "linode Premium 4GB: Dedicated 2 CPUs, 4 GiB, 80 GB disk, 3910 GB, Everywhere, 43.00 USD",
    ] {
        assert!(lines.iter().any(|line| line == expected), "{expected}\n{}", lines.join("\n"));
    }
    assert!(offers.iter().all(|offer| offer.priced_on == Day::parse("2026-09-29").unwrap()));
    let whole = |offer: &Offer| offer.machine.memory.as_gib() * 2.0;
    assert!(offers.iter().all(|offer| whole(offer).fract() == 0.0), "decimal GB are taken for GiB nowhere");
    let ParseOutcome::Recognised { facts, .. } = rates_of_index(&document) else { panic!() };
    assert_eq!(
        (facts.of(Currency::US_DOLLAR), facts.day.to_string().as_str()),
        (Some(1_137_800), "2026-09-28")
    );
}

#[test]
fn whole_machines_are_read_where_their_threads_are_said() {
    let Some(document) = data("hattorius-servers-MIT.json") else { return };
    let PriceList { offers, rows, .. } = list(Layout::ServerPricing, &String::from_utf8(document).unwrap());
    assert_eq!((rows, offers.len()), (264, 76));
    assert!(offers.iter().all(|offer| offer.machine.class == Class::BareMetal));
    let line = line(&offers[0]);
    assert_eq!(
        line,
        "hetzner AMD Ryzen™ 5 3600: BareMetal 12 CPUs, 64 GiB, 1024 GB Nvme, ?, NotSaid, 60.70 EUR"
    );
    // 39 euro of setup over a year.
    assert_eq!(amount(offers[1].monthly), "88.95 EUR");
    let kinds = |offer: &Offer| matches!(offer.machine.disk, Disk::Included(_, Some(DiskKind::Hdd)));
    assert!(offers.iter().any(kinds));
}

#[test]
fn a_price_with_a_slipped_point_in_the_real_index_is_dropped_with_the_reason() {
    let Some(document) = data("vps-price-index-CC0-2026-09-29.json") else { return };
    let mut offers = list(Layout::VpsPriceIndex, &String::from_utf8(document.clone()).unwrap()).offers;
    let rates: Rates = rates_of_index(&document).facts().unwrap();
    let gathered = |offers: Vec<Offer>| {
        Market::gather(PricePolicy::current(), offers, rates.clone(), Day::parse("2026-09-29").unwrap())
    };
    let (market, dropped) = gathered(offers.clone());
    let dropped: Vec<String> =
        dropped.iter().map(|of| format!("{} {:?}", line(&of.offer), of.reason)).collect();
    assert!(dropped.len() <= 4 && market.offers().len() >= 117, "{}", dropped.join("\n"));
    let victim = offers.iter_mut().find(|offer| offer.name.as_str() == "vc2-16c-64gb").unwrap();
    victim.monthly.millionths /= 1000;
    let victim = victim.clone();
    let (_, dropped) = gathered(offers);
    assert!(dropped.iter().any(|of| of.offer == victim && of.reason == DropReason::Outlier), "{dropped:?}");
}

#[test]
fn the_sources_are_known_by_name_and_asked_over_tls_once_a_day_at_most() {
    let configuration = Configuration::named("sources/1", None).unwrap();
    assert!(configuration.sources.len() >= 7);
    for (name, source) in &configuration.sources {
        assert_eq!(source.base.scheme(), "https", "{name}");
        assert!(configuration.pace(source).refresh_seconds >= 86_400, "{name}");
    }
    let of_a_zone = |name: &SourceName| name.as_str() == "scaleway-fr-par-1";
    assert!(configuration.sources.keys().any(of_a_zone), "its zone says where its offers are");
    let place = |source: &str| {
        let document =
            "{\"servers\": {\"DEV1-S\": {\"hourly_price\": 1, \"ncpus\": 2, \"ram\": 2147483648}}}";
        let ParseOutcome::Recognised { facts, .. } =
            parse(Layout::Scaleway, document.as_bytes(), &read_as(source))
        else {
            panic!()
        };
        facts.offers[0].place
    };
    assert_eq!(place("scaleway-pl-waw-2"), Place::In(RegionGroup::Europe));
    assert_eq!(place("scaleway"), Place::NotSaid);
}

/// Documents that are nearly right: keys that parsers look for, with any value.
fn nearly() -> impl Strategy<Value = String> {
    let keys = prop::sample::select(vec![
        "plans",
        "data",
        "servers",
        "products",
        "terms",
        "OnDemand",
        "offers",
        "price",
        "ram",
        "memory",
        "disk",
        "vcpus",
        "hourly_price",
        "ncpus",
        "attributes",
        "productFamily",
        "pricings",
        "blobs",
        "technical",
        "cpu",
        "cores",
        "class",
        "type",
        "generated_utc",
        "fx",
        "locale",
        "currencyCode",
        "diskSizeGB",
        "cpuThreads",
    ]);
    let leaf = prop_oneof![
        any::<f64>().prop_map(|number| json!(number)),
        any::<i64>().prop_map(|number| json!(number)),
        ".{0,12}".prop_map(|text| json!(text)),
        Just(json!(null)),
        Just(json!("2026-09-29T11:22:29Z")),
        Just(json!("EUR")),
        Just(json!("1e400")),
    ];
    leaf.prop_recursive(6, 64, 8, move |inner| {
        prop_oneof![
            prop::collection::vec(inner.clone(), 0..6).prop_map(|items| json!(items)),
            prop::collection::btree_map(keys.clone().prop_map(str::to_owned), inner, 0..8)
                .prop_map(|fields| json!(fields)),
        ]
    })
    .prop_map(|value| value.to_string())
}

proptest! {
    #[test]
    fn no_bytes_make_a_parser_panic(bytes in prop::collection::vec(any::<u8>(), 0..400)) {
        for layout in LAYOUTS {
            let _ = parse(layout, &bytes, &read_as("x"));
        }
        let _ = (parse_ecb(&bytes), rates_of_index(&bytes));
    }

    #[test]
    fn no_nearly_right_document_makes_a_parser_panic_or_an_offer_without_a_price_that_can_be_compared(document in nearly()) {
        for layout in LAYOUTS {
            if let ParseOutcome::Recognised { facts, .. } = parse(layout, document.as_bytes(), &read_as("x")) {
                let rates = Rates { day: read_as("x").on, source: "x".to_owned(), a_euro: [].into() };
                let (market, _) = Market::gather(PricePolicy::current(), facts.offers, rates, read_as("x").on);
                prop_assert!(market.offers().iter().all(|offer| offer.euro > 0));
            }
        }
        let _ = (parse_ecb(document.as_bytes()), rates_of_index(document.as_bytes()));
    }
}

/// Leaves each provider out and asks what the others say of his machines: the median over providers of his median |error| in
/// logarithms, of how many providers and offers, and how many offers the policy itself would speak of.
fn left_one_out(offers: Vec<Offer>, rates: &Rates, on: Day) -> (f64, usize, usize, usize) {
    use std::collections::{BTreeMap, BTreeSet};
    let policy = PricePolicy::current();
    let mut loose = policy.clone();
    (loose.speak.providers, loose.speak.peers, loose.speak.median_distance) = (2, 3, 2000);
    let (market, _) = Market::gather(policy, offers, rates.clone(), on);
    let (mut errors, mut spoke): (BTreeMap<&str, Vec<f64>>, usize) = (BTreeMap::new(), 0);
    for of in market.offers() {
        let own = BTreeSet::from([Slug::of(of.offer.seller.name()).unwrap()]);
        spoke += usize::from(market.place(policy, &of.offer, &own).is_ok());
        if let Ok(position) = market.place(&loose, &of.offer, &own) {
            let error = (position.euro as f64 / position.standing.median as f64).ln().abs();
            errors.entry(of.offer.seller.name()).or_default().push(error);
        }
    }
    let middle = |values: &mut Vec<f64>| {
        values.sort_by(f64::total_cmp);
        values[values.len() / 2]
    };
    let told = errors.values().map(Vec::len).sum();
    let mut each: Vec<f64> = errors.values_mut().map(middle).collect();
    (middle(&mut each), each.len(), told, spoke)
}

#[test]
fn of_the_public_lists_nothing_is_said_by_the_policy_and_the_document_states_what_could_be() {
    let Some(index) = data("vps-price-index-CC0-2026-09-29.json") else { return };
    let Some(servers) = data("hattorius-servers-MIT.json") else { return };
    let document = include_str!("../../../../docs/price.md");
    let on = Day::parse("2026-09-29").unwrap();
    let rates: Rates = rates_of_index(&index).facts().unwrap();
    let offers = list(Layout::VpsPriceIndex, &String::from_utf8(index).unwrap()).offers;
    let of_class =
        |class| offers.iter().filter(|offer| offer.machine.class == class).cloned().collect::<Vec<_>>();
    let machines =
        match parse(Layout::ServerPricing, &servers, &ReadAs { source: Slug::of("x").unwrap(), on }) {
            ParseOutcome::Recognised { facts, .. } => facts.offers,
            ParseOutcome::Unrecognised { .. } => panic!(),
        };
    for (name, offers) in [
        ("shared CPUs", of_class(Class::Shared)),
        ("dedicated CPUs", of_class(Class::Dedicated)),
        ("whole machines", machines),
    ] {
        let all = offers.len();
        let sellers =
            offers.iter().map(|offer| offer.seller.name()).collect::<std::collections::BTreeSet<_>>().len();
        let (error, providers, told, spoke) =
            if sellers > 2 { left_one_out(offers, &rates, on) } else { (0.0, 0, 0, 0) };
        assert_eq!(spoke, 0, "{name}: the policy speaks of fewer than five providers");
        let stated = if told > 0 { format!("{error:.2}") } else { "none".to_owned() };
        let row = format!("| {name} | {all} of {sellers} | {told} of {providers} | {stated} |");
        println!("{row}");
        assert!(document.contains(&row), "not in docs/price.md: {row}");
    }
}
