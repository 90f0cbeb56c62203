//! How long a page takes and how much memory: `cargo run --profile local -p sources --example parse_speed`.
//!
//! Prints, for a list of 320 KB in three skeletons and for pages made to be slow, the bytes, the CPU time of the first read (page taken apart and
//! every fact asked for; memory has to come from the system), the median, the worst of the others, and how far the process grew.

use rustix::time::{ClockId, clock_gettime};
use std::fmt::Write as _;
use std::hint::black_box;

use sources::page::Page;
use sources::{serververify, vpsbenchmarks};

const READS: usize = 51;
const SLOW_READS: usize = 4;

#[expect(clippy::print_stdout, reason = "a command line's answer")]
fn main() -> Result<(), Box<dyn std::error::Error>> {
    println!(
        "{:<44} {:>9} {:>8} {:>9} {:>9} {:>9} {:>9}",
        "page", "bytes", "results", "first ms", "median ms", "worst ms", "grew KiB"
    );
    for (name, html) in [
        ("list as a table", list_as_table(320_000, "")?),
        ("list as cards", list_as_cards(320_000)?),
        ("list as a table with a drawing a row", list_as_table(320_000, &drawing())?),
    ] {
        measure(name, &html, READS)?;
    }
    for (prefix, piece) in [
        ("<table><tr>", "<th>RAM"),
        ("<table>", "<tr><td>RAM<td>CPU"),
        ("<dl>", "<dt>RAM<dd>1"),
        ("<div>", "<p>RAM</p>"),
        ("", "<a href=/benchmarks/5c644141-aa29-488a-ae48-bd646d3b07b5>"),
        ("", "<p><a href=/benchmarks/5c644141-aa29-488a-ae48-bd646d3b07b5>RAM</a><b>1</b>"),
        ("<div>", "<table><tr><td>RAM</td></table>"),
        ("", "<p><b id=1>x</b><i>"),
        ("<div>", "</p></i></table>"),
        ("<p>", "&nbsp;"),
        ("<p ", "a=b "),
    ] {
        for elements in [30_000, 60_000, 120_000] {
            let html = prefix.to_owned() + &piece.repeat((elements / 2).min(2_000_000 / piece.len()));
            measure(&format!("{prefix}{piece}").chars().take(44).collect::<String>(), &html, SLOW_READS)?;
        }
    }
    Ok(())
}

#[expect(clippy::print_stdout, reason = "a command line's answer")]
fn measure(name: &str, html: &str, reads: usize) -> Result<(), Box<dyn std::error::Error>> {
    let (ours, theirs) = (serververify::synonyms()?, vpsbenchmarks::synonyms()?);
    let hoster = "verpex".parse()?;
    let before = status("VmRSS:")?;
    let mut results = 0;
    let mut millis: Vec<f64> = Vec::with_capacity(reads);
    for _ in 0..reads {
        let start = cpu();
        let page = Page::read(html.as_bytes());
        results = serververify::list(&page, &ours).facts().map_or(0, |results| results.len());
        millis.push(cpu() - start);
        black_box(vpsbenchmarks::hoster(&page, &hoster, &theirs));
    }
    let first = millis.remove(0);
    millis.sort_by(f64::total_cmp);
    let (median, worst) = (millis.get(millis.len() / 2).unwrap_or(&0.0), millis.last().unwrap_or(&0.0));
    let grew = status("VmHWM:")?.saturating_sub(before);
    println!("{name:<44} {:>9} {results:>8} {first:>9.2} {median:>9.2} {worst:>9.2} {grew:>9}", html.len());
    Ok(())
}

/// CPU time of this process, in milliseconds: other work on the machine does not count.
fn cpu() -> f64 {
    let time = clock_gettime(ClockId::ProcessCPUTime);
    time.tv_sec as f64 * 1e3 + time.tv_nsec as f64 / 1e6
}

/// A figure of this process in KiB, as Linux counts it.
fn status(field: &str) -> Result<u64, Box<dyn std::error::Error>> {
    let status = std::fs::read_to_string("/proc/self/status")?;
    let line = status.lines().find_map(|line| line.strip_prefix(field)).ok_or("no such field")?;
    Ok(line.trim().trim_end_matches(" kB").parse()?)
}

/// A picture of 4 KB, as pages have beside each of some eighty entries.
fn drawing() -> String {
    let path = "<path class=\"stroke-current text-gray-400\" d=\"M12 2C6.48 2 2 6.48 2 12s4.48 10 10 10 10-4.48 10-10S17.52 2 12 2z\"/>";
    format!("<svg viewBox=\"0 0 24 24\">{}</svg>", path.repeat(40))
}

fn list_as_table(bytes: usize, beside: &str) -> Result<String, std::fmt::Error> {
    let mut html = "<html><body><h1>Latest</h1><table><tr><th>Provider<th>Score<th>Grade<th>CPU<th>Location<th>Date</tr>".to_owned();
    for row in 0.. {
        if html.len() >= bytes {
            break;
        }
        writeln!(
            html,
            "<tr class=\"border-b hover:bg-gray-50\"><td class=\"px-4 py-2\"><a href=\"/benchmarks/5c644141-aa29-488a-ae48-{row:012}\">Hostinger</a></td>\
             <td class=\"px-4 py-2\"><span class=\"font-bold\">25.8</span></td><td class=\"px-4 py-2\">C{beside}</td>\
             <td class=\"px-4 py-2\">AMD EPYC 9354P</td><td class=\"px-4 py-2\">Frankfurt, DE</td><td class=\"px-4 py-2\">09/12/26</td></tr>"
        )?;
    }
    Ok(html + "</table></body></html>")
}

fn list_as_cards(bytes: usize) -> Result<String, std::fmt::Error> {
    let mut html = "<html><body><h1>Latest</h1><section>".to_owned();
    for row in 0.. {
        if html.len() >= bytes {
            break;
        }
        writeln!(
            html,
            "<article class=\"card\"><h3><a href=\"/benchmarks/5c644141-aa29-488a-ae48-{row:012}\">Hostinger</a></h3>\
             <div class=\"row\"><span class=\"label\">Score</span><span class=\"value\">25.8</span></div>\
             <div class=\"row\"><span class=\"label\">Grade</span><span class=\"value\">C</span></div>\
             <p><b>CPU:</b> AMD EPYC 9354P</p><p><b>Location:</b> Frankfurt, DE</p><p><b>Date:</b> 09/12/26</p></article>"
        )?;
    }
    Ok(html + "</section></body></html>")
}
