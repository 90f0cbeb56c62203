//! `servers.json` of Hattorius/Server-Pricing (MIT): whole machines, in euro a month. The file has no date, so its prices are of the day it
//! was read. Its `cpuCores` is 1 for most machines of an auction, whatever their CPU is; only rows that say their threads are read.

use serde_json::{Map, Value};
use trust::{
    offering::{Class, DiskKind},
    price::{Amount, Disk, Offer, Place},
};

use super::{
    ReadAs,
    json::{OtherLayout, fields, number, optional, text},
    list::{BY_THE_MONTH, Draft, PriceList, RowDoubt, amount, bytes, size, slug},
};

/// Months over which a setup fee is spread: one may leave with the next.
const SETUP_MONTHS: u64 = 12;

pub(super) fn rows(document: &Value, read: &ReadAs) -> Result<PriceList, OtherLayout> {
    let servers = document.as_array().ok_or(OtherLayout)?;
    let mut list = PriceList::default();
    for (place, server) in servers.iter().enumerate() {
        list.take(|| format!("[{place}]"), || row(server, read));
    }
    Ok(list)
}

fn row(server: &Value, read: &ReadAs) -> Result<Offer, RowDoubt> {
    let server = fields(server)?;
    let setup = amount(optional(server, "setupPriceEUR")?.unwrap_or(0.0), "EUR", "setupPriceEUR")?;
    let monthly = amount(number(server, "priceMonthlyEUR")?, "EUR", "priceMonthlyEUR")?;
    let draft = Draft {
        seller: slug(text(server, "provider")?)?,
        name: text(server, "cpu")?.to_owned(),
        class: Class::BareMetal,
        vcpus: number(server, "cpuThreads")?,
        // Modules come in powers of two.
        memory: size(number(server, "ramSizeGB")?, bytes::GIB, "ramSizeGB")?,
        disk: disk(server)?,
        traffic: None,
        place: Place::NotSaid,
        basis: BY_THE_MONTH,
        monthly: Amount { millionths: monthly.millionths + setup.millionths / SETUP_MONTHS, ..monthly },
    };
    draft.into_offer(&read.source, read.on)
}

/// All disks together. Of several kinds, none is said.
fn disk(server: &Map<String, Value>) -> Result<Disk, RowDoubt> {
    let disks = fields(server.get("diskSizeGB").ok_or(RowDoubt::Missing("diskSizeGB"))?)?;
    let kinds = [("hdd", DiskKind::Hdd), ("ssd", DiskKind::Ssd), ("nvme", DiskKind::Nvme)];
    let (mut all, mut found) = (0.0, Vec::new());
    for (name, kind) in kinds {
        let gb = optional(disks, name)?.unwrap_or(0.0);
        if gb < 0.0 {
            return Err(RowDoubt::Wrong("diskSizeGB"));
        }
        if gb > 0.0 {
            all += gb;
            found.push(kind);
        }
    }
    match found.as_slice() {
        [] => Ok(Disk::NotIncluded),
        [kind] => Ok(Disk::Included(size(all, bytes::GB, "diskSizeGB")?, Some(*kind))),
        _ => Ok(Disk::Included(size(all, bytes::GB, "diskSizeGB")?, None)),
    }
}
