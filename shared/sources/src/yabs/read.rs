//! From the document to a run. What is absent is not there, and what is there and does not read is said to be so; nothing is guessed.

use serde_json::{Map, Value};
use trust::{
    claims::NetworkName,
    offering::{Label, Virtualisation},
    time::Moment,
    units::{BitRate, ByteRate, Size},
};

use super::{DiskTest, Geekbench, NetworkTest, Run, Void, countries};

/// The most entries read of one list. The script sends 4 of fio, 14 of iperf and 4 of Geekbench.
const MOST_ENTRIES: usize = 64;

/// The top-level keys of which one at least is in every run.
const PARTS: [&str; 5] = ["os", "cpu", "mem", "fio", "geekbench"];

pub(super) fn run(document: &Value) -> Option<Run> {
    let top = document.as_object()?;
    let script = text(top.get("version")).filter(|version| version.as_str().starts_with('v'))?;
    if !PARTS.iter().any(|part| top.contains_key(*part)) {
        return None;
    }
    // Before 2022-08-16 what is in `os`, `cpu` and `mem` now stood at the top.
    let within = |part: &str| top.get(part).and_then(Value::as_object).unwrap_or(top);
    let (os, memory, address) = (within("os"), within("mem"), top.get("ip_info").and_then(Value::as_object));
    let cpu = top.get("cpu").and_then(Value::as_object);
    let address = |key| address.and_then(|address| address.get(key)).and_then(Value::as_str);
    let system = address("asn").and_then(asn);
    let network_names = system.map(|(_, name)| name).into_iter().chain(address("isp"));
    let mut parts = Parts::default();
    let kib = |count: &Value| count.as_u64().map(Size::kib);
    let cores = |count: &Value| count.as_u64().map(|cores| cores.try_into().unwrap_or(u32::MAX));
    let mut run = Run {
        script: Some(script),
        started: top
            .get("runtime")
            .and_then(|runtime| runtime.get("start"))
            .and_then(Value::as_i64)
            .and_then(Moment::from_unix),
        cores: parts.one(cpu.and_then(|cpu| cpu.get("cores")), cores),
        cpu: cpu.and_then(|cpu| text(cpu.get("model"))),
        memory: parts.one(memory.get("ram"), kib),
        disk: parts.one(memory.get("disk"), kib),
        virtualisation: os.get("vm").and_then(Value::as_str).and_then(virtualisation),
        device: text(top.get("partition")),
        disks: parts.each(top, "fio", disk_test),
        network: parts.each(top, "iperf", network_test),
        geekbench: parts.each(top, "geekbench", geekbench),
        asn: system.map(|(number, _)| number),
        network_names: network_names.filter_map(NetworkName::of).collect(),
        country: address("country").and_then(countries::code),
        ..Run::default()
    };
    run.void = parts.unread;
    Some(run)
}

/// The parts of a run, and for each that is there and does not read, that it does not.
#[derive(Default)]
struct Parts {
    unread: Vec<Void>,
}

impl Parts {
    fn one<T>(&mut self, part: Option<&Value>, read: impl FnOnce(&Value) -> Option<T>) -> Option<T> {
        let read = read(part?);
        self.unread.extend(read.is_none().then_some(Void::Unreadable));
        read
    }

    /// The entries of a list. One that is no test, because the script says that there was none, is [`Entry::None`].
    fn each<T>(&mut self, top: &Map<String, Value>, key: &str, read: fn(&Value) -> Entry<T>) -> Vec<T> {
        let Some(list) = top.get(key) else { return Vec::new() };
        let entries = list.as_array().map_or(&[][..], Vec::as_slice);
        self.unread.extend((!list.is_array()).then_some(Void::Unreadable));
        let mut found = Vec::new();
        for entry in entries.iter().take(MOST_ENTRIES) {
            match read(entry) {
                Entry::Read(one) => found.push(one),
                Entry::Partly(one) => {
                    found.push(one);
                    self.unread.push(Void::Unreadable);
                }
                Entry::None => {}
                Entry::Unreadable => self.unread.push(Void::Unreadable),
            }
        }
        found
    }
}

/// What an entry of a list is.
enum Entry<T> {
    Read(T),
    /// Without a part that is there and does not read.
    Partly(T),
    /// The script says that it measured nothing.
    None,
    Unreadable,
}

impl<T> Entry<T> {
    fn of(read: Option<T>) -> Self {
        read.map_or(Self::Unreadable, Self::Read)
    }
}

/// A text for people; longer than a label is cut.
fn text(value: Option<&Value>) -> Option<Label> {
    Label::try_from(crate::text::collapsed(value?.as_str()?, 100)).ok()
}

fn unsigned(value: Option<&Value>) -> Option<u64> {
    value?.as_u64()
}

fn small(value: Option<&Value>) -> Option<u32> {
    unsigned(value)?.try_into().ok()
}

/// An entry of fio: an object, or, before 2022-08-16, a list in the order of the names here.
fn disk_test(entry: &Value) -> Entry<DiskTest> {
    Entry::of(rates_of_disk(entry))
}

fn rates_of_disk(entry: &Value) -> Option<DiskTest> {
    let at = |name: &str, place: usize| match entry {
        Value::Array(values) => values.get(place),
        entry => entry.get(name),
    };
    let rate = |value| unsigned(value).map(ByteRate::kib_per_second);
    let halves = (small(at("iops_r", 2)), small(at("iops_w", 4)));
    let together = match entry {
        Value::Array(values) => small(values.get(6)),
        entry => small(entry.get("iops_rw")),
    };
    let sum = halves.0.zip(halves.1).and_then(|(read, write)| read.checked_add(write));
    Some(DiskTest {
        block: block(at("bs", 0)?.as_str()?)?,
        read: rate(at("speed_r", 1))?,
        write: rate(at("speed_w", 3))?,
        operations: together.or(sum)?,
    })
}

fn block(text: &str) -> Option<Size> {
    let (number, unit) = text.split_at_checked(text.len().checked_sub(1)?)?;
    let number: u16 = number.parse().ok()?;
    match unit {
        "k" => Some(Size::kib(number.into())),
        "m" => Some(Size::mib(number.into())),
        _ => None,
    }
}

/// An entry of iperf: an object, or a list of mode, provider, location, send and receive.
fn network_test(entry: &Value) -> Entry<NetworkTest> {
    let at = |name: &str, place: usize| match entry {
        Value::Array(values) => values.get(place),
        entry => entry.get(name),
    };
    let Some(site) = text(at("loc", 2)) else { return Entry::Unreadable };
    let rates = [at("send", 3), at("recv", 4)];
    let [sent, received] = rates.map(|rate| rate.and_then(Value::as_str).and_then(bits));
    let test = NetworkTest { site, sent, received };
    // A site that was busy has no rate, and says so.
    let is_read = |(value, rate): (Option<&Value>, Option<BitRate>)| {
        let is_busy = |value: &Value| value.as_str().is_some_and(|text| matches!(text.trim(), "" | "busy"));
        rate.is_some() || value.is_none_or(is_busy)
    };
    let is_whole = rates.into_iter().zip([sent, received]).all(is_read);
    if is_whole { Entry::Read(test) } else { Entry::Partly(test) }
}

/// `1.61 Gbits/sec`.
fn bits(text: &str) -> Option<BitRate> {
    let (number, unit) = text.trim().split_once(' ')?;
    let scale: u64 = match unit.trim() {
        "bits/sec" => 1,
        "Kbits/sec" => 1_000,
        "Mbits/sec" => 1_000_000,
        "Gbits/sec" => 1_000_000_000,
        "Tbits/sec" => 1_000_000_000_000,
        _ => return None,
    };
    let (whole, fraction) = number.split_once('.').unwrap_or((number, ""));
    if fraction.len() > 6 || !fraction.bytes().all(|b| b.is_ascii_digit()) {
        return None;
    }
    let whole: u64 = whole.parse().ok().filter(|_| whole.bytes().all(|b| b.is_ascii_digit()))?;
    let parts: u64 = if fraction.is_empty() { 0 } else { fraction.parse().ok()? };
    let bits = whole
        .checked_mul(scale)?
        .checked_add(parts.checked_mul(scale)? / 10_u64.pow(fraction.len() as u32))?;
    Some(BitRate::bits_per_second(bits))
}

/// An entry of Geekbench. Where it did not run, as with little memory, its scores are null.
fn geekbench(entry: &Value) -> Entry<Geekbench> {
    let at = |name: &str, place: usize| match entry {
        Value::Array(values) => values.get(place),
        entry => entry.get(name),
    };
    let scores = [at("single", 1), at("multi", 2)];
    if scores.iter().all(|score| score.is_some_and(Value::is_null)) {
        return Entry::None;
    }
    let scores = || {
        let [single, multi] = scores.map(small);
        Some(Geekbench { version: small(at("version", 0))?.try_into().ok()?, single: single?, multi: multi? })
    };
    Entry::of(scores())
}

/// `AS62240 Clouvider`: number and name.
fn asn(text: &str) -> Option<(u32, &str)> {
    let text = text.strip_prefix("AS")?;
    let (number, name) = text.split_once(' ').unwrap_or((text, ""));
    number.parse().ok().filter(|number| *number > 0).map(|number| (number, name))
}

/// What `systemd-detect-virt` says, in capitals. What a renter starts within his machine, such as Docker, tells nothing of the machine.
fn virtualisation(text: &str) -> Option<Virtualisation> {
    match text {
        "KVM" | "AMAZON" | "GOOGLE" => Some(Virtualisation::Kvm),
        "XEN" => Some(Virtualisation::Xen),
        "VMWARE" => Some(Virtualisation::Vmware),
        "MICROSOFT" => Some(Virtualisation::HyperV),
        "LXC" | "LXC-LIBVIRT" => Some(Virtualisation::Lxc),
        "OPENVZ" => Some(Virtualisation::Openvz),
        "NONE" => Some(Virtualisation::None),
        _ => None,
    }
}
