//! What RFC 9309 says of lines, where the crate that reads them takes them more literally.

/// Ends of lines, as the crate sees them.
const ENDS: [u8; 3] = *b"\r\n\0";

/// The first 500 KiB to the last whole line, with each name of an agent cut down to what a name may consist of (section 2.2.1): who names
/// us with a version, as we introduce ourselves, means us.
pub(super) fn agents_by_their_names(text: &[u8]) -> Vec<u8> {
    let mut named = Vec::with_capacity(text.len().min(robotxt::BYTE_LIMIT));
    for line in lines(text) {
        match value_of(line, &["user-agent", "user agent", "useragent"]) {
            Some(value) => {
                named.extend_from_slice(&line[..line.len() - value.len()]);
                named.extend_from_slice(name(value));
            }
            None => named.extend_from_slice(line),
        }
        named.push(b'\n');
    }
    named
}

/// The text without the lines that are no rules of the RFC's: those do not end a group (section 2.2.4), so that of two agents with
/// nothing but such a line between them both have the rules that follow. Sitemaps may be any number, and we read none.
pub(super) fn rules_only(text: &[u8]) -> Vec<u8> {
    let others = ["crawl-delay", "crawl delay", "crawldelay", "sitemap", "site-map", "site map"];
    let mut rules = Vec::with_capacity(text.len());
    for line in lines(text).filter(|line| value_of(line, &others).is_none()) {
        rules.extend_from_slice(line);
        rules.push(b'\n');
    }
    rules
}

fn lines(text: &[u8]) -> impl Iterator<Item = &[u8]> {
    let text = text.strip_prefix(b"\xef\xbb\xbf").unwrap_or(text);
    let whole = match text.get(..=robotxt::BYTE_LIMIT) {
        None => text,
        Some(first) => &first[..first.iter().rposition(|byte| ENDS.contains(byte)).unwrap_or(0)],
    };
    whole.split(|byte| ENDS.contains(byte))
}

/// What stands behind one of these keys, in lower case here, if the line has one.
fn value_of<'a>(line: &'a [u8], keys: &[&str]) -> Option<&'a [u8]> {
    let line = line.trim_ascii_start();
    let behind = |key: &&str| {
        let (start, rest) = line.split_at_checked(key.len())?;
        start.eq_ignore_ascii_case(key.as_bytes()).then_some(rest)
    };
    let rest = keys.iter().find_map(behind)?;
    let value = rest.trim_ascii_start();
    match value.strip_prefix(b":") {
        Some(value) => Some(value.trim_ascii_start()),
        None => (value.len() < rest.len()).then_some(value),
    }
}

/// The name at the beginning of a value: letters, hyphens and underscores, or the star that stands for all.
fn name(value: &[u8]) -> &[u8] {
    if let [b'*', rest @ ..] = value
        && rest.first().is_none_or(|next| next.is_ascii_whitespace() || *next == b'#')
    {
        return b"*";
    }
    let is_of_a_name = |byte: &u8| byte.is_ascii_alphabetic() || matches!(byte, b'-' | b'_');
    &value[..value.iter().position(|byte| !is_of_a_name(byte)).unwrap_or(value.len())]
}
