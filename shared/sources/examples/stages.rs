use sources::page::Page;
use sources::serververify;
use std::time::Instant;
fn cpu() -> f64 {
    let t = rustix::time::clock_gettime(rustix::time::ClockId::ProcessCPUTime);
    t.tv_sec as f64 * 1e3 + t.tv_nsec as f64 / 1e6
}
fn main() {
    let mut html = String::from(
        "<html><body><h1>Latest</h1><table><tr><th>Provider<th>Score<th>Grade<th>CPU<th>Location<th>Date</tr>",
    );
    let mut row = 0;
    while html.len() < 320_000 {
        row += 1;
        html += &format!(
            "<tr class=\"border-b hover:bg-gray-50\"><td class=\"px-4 py-2\"><a href=\"/benchmarks/5c644141-aa29-488a-ae48-{row:012}\">Hostinger</a></td><td class=\"px-4 py-2\"><span class=\"font-bold\">25.8</span></td><td class=\"px-4 py-2\">C</td><td class=\"px-4 py-2\">AMD EPYC 9354P</td><td class=\"px-4 py-2\">Frankfurt, DE</td><td class=\"px-4 py-2\">09/12/26</td></tr>\n"
        );
    }
    html += "</table></body></html>";
    let syn = serververify::synonyms().unwrap();
    for _ in 0..6 {
        let a = cpu();
        let e = html5gum::emitters::callback::CallbackEmitter::new(
            |_e: html5gum::emitters::callback::CallbackEvent<'_>, _: html5gum::Span<()>| None::<()>,
        );
        let _ = html5gum::Tokenizer::new_with_emitter(html.as_str(), e).next();
        let b = cpu();
        let page = Page::read(html.as_bytes());
        let c = cpu();
        let s = page.sayings(&syn);
        let d = cpu();
        let (items, _) = s.items(serververify::ResultId::of_link);
        let e = cpu();
        let r = serververify::list(&page, &syn);
        let f = cpu();
        println!(
            "tokens {:.2} read {:.2} sayings {:.2} items {:.2} ({}) list in all {:.2} {}",
            b - a,
            c - b,
            d - c,
            e - d,
            items.len(),
            f - e,
            r.facts().is_some()
        );
        let _ = Instant::now();
    }
}
