//! The server block by which a cluster's CoreDNS asks fedns for the federation's zone. Pure.
//!
//! It stands at the head of the Corefile, between two comments: whatever was there before stays byte for
//! byte, and comes back when the block goes.

/// The first and the last line of what is ours.
const BEGIN: &str = "# BEGIN fedns";
const END: &str = "# END fedns";

/// Why a Corefile is left alone.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum CorefileError {
    #[error(
        "the Corefile has a server block for {zone} already, in line {line}, that fedns did not write; take \
         it out, or let it forward to fedns"
    )]
    ZoneTaken { zone: String, line: usize },
    #[error("the Corefile has a line \"{BEGIN}\" without \"{END}\" behind it; mend it by hand")]
    Torn,
}

/// The server block for a zone, or for several with commas between them. `servers` are addresses, with a
/// port where it is not 53.
pub fn server_block(zones: &str, servers: &[String]) -> String {
    let keys: Vec<String> = each_zone(zones).map(|zone| format!("{zone}:53")).collect();
    let (keys, servers) = (keys.join(" "), servers.join(" "));
    format!("{keys} {{\n    errors\n    cache 30\n    forward . {servers}\n}}\n")
}

/// The host cluster tells all zones of a federation in one line.
fn each_zone(zones: &str) -> impl Iterator<Item = String> {
    zones.split(',').map(str::trim).filter(|zone| !zone.is_empty()).map(normal)
}

/// The Corefile with the block of this federation as wanted.
///
/// # Errors
///
/// Why it is left alone.
pub fn with_block(
    corefile: &str,
    federation: &str,
    zones: &str,
    servers: &[String],
) -> Result<String, CorefileError> {
    let rest = without_block(corefile, federation)?;
    for zone in each_zone(zones) {
        if let Some(line) = taken(&rest, &zone) {
            return Err(CorefileError::ZoneTaken { zone, line });
        }
    }
    let block = server_block(zones, servers);
    Ok(format!("{BEGIN} {federation}\n{block}{END} {federation}\n{rest}"))
}

/// The Corefile as it was before the block of this federation.
///
/// # Errors
///
/// One of the two comments is missing.
pub fn without_block(corefile: &str, federation: &str) -> Result<String, CorefileError> {
    let (begin, end) = (format!("{BEGIN} {federation}"), format!("{END} {federation}"));
    let mut kept = String::with_capacity(corefile.len());
    let mut is_inside = false;
    for line in corefile.split_inclusive('\n') {
        match (is_inside, line.trim_end()) {
            (false, text) if text == begin => is_inside = true,
            (true, text) if text == end => is_inside = false,
            (false, text) if text == end => return Err(CorefileError::Torn),
            (true, _) => {}
            (false, _) => kept.push_str(line),
        }
    }
    if is_inside { Err(CorefileError::Torn) } else { Ok(kept) }
}

/// The line of the first server block for the zone, from 1.
fn taken(corefile: &str, zone: &str) -> Option<usize> {
    let mut depth = 0_usize;
    // Keys may stand in several lines before their brace.
    let mut keys: Vec<(usize, String)> = Vec::new();
    for (number, line) in corefile.lines().enumerate() {
        for word in words(line) {
            match word {
                "{" if depth == 0 => {
                    depth = 1;
                    let is_it = |(_, key): &&(usize, String)| normal(key) == zone;
                    if let Some((line, _)) = keys.iter().find(is_it) {
                        return Some(*line);
                    }
                    keys.clear();
                }
                "{" => depth += 1,
                "}" => depth = depth.saturating_sub(1),
                word if depth == 0 => {
                    let each = word.split(',').filter(|key| !key.is_empty());
                    keys.extend(each.map(|key| (number + 1, key.to_owned())));
                }
                _ => {}
            }
        }
        // `import FILE` is a line of its own, without a brace.
        if depth == 0 && keys.first().is_some_and(|(_, key)| key == "import") {
            keys.clear();
        }
    }
    None
}

/// What a line says, without its comment.
fn words(line: &str) -> impl Iterator<Item = &str> {
    line.split_whitespace().take_while(|word| !word.starts_with('#'))
}

/// `dns://Example.com.:53` and `example.com` are one zone to CoreDNS.
fn normal(key: &str) -> String {
    let key = key.split_once("://").map_or(key, |(_, rest)| rest);
    let key = match key.rsplit_once(':') {
        Some((name, port)) if port.bytes().all(|byte| byte.is_ascii_digit()) => name,
        _ => key,
    };
    match key.trim_end_matches('.') {
        "" => ".".to_owned(),
        name => name.to_ascii_lowercase(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// As kubeadm writes it.
    const STOCK: &str = ".:53 {
    errors
    health {
       lameduck 5s
    }
    ready
    kubernetes cluster.local in-addr.arpa ip6.arpa {
       pods insecure
       fallthrough in-addr.arpa ip6.arpa
       ttl 30
    }
    prometheus :9153
    forward . /etc/resolv.conf {
       max_concurrent 1000
    }
    cache 30
    loop
    reload
    loadbalance
}
";

    fn servers() -> Vec<String> {
        vec!["192.0.2.53".to_owned()]
    }

    #[test]
    fn the_block_stands_first_and_nothing_else_changes() {
        let with = with_block(STOCK, "fed", "Example.com.", &servers()).unwrap();
        assert_eq!(
            with,
            format!(
                "# BEGIN fedns fed\nexample.com:53 {{\n    errors\n    cache 30\n    forward . 192.0.2.53\n}}\n\
                 # END fedns fed\n{STOCK}"
            )
        );
        assert_eq!(with_block(&with, "fed", "example.com", &servers()).unwrap(), with);
        assert_eq!(without_block(&with, "fed").unwrap(), STOCK);
    }

    #[test]
    fn odd_ends_come_back_byte_for_byte() {
        for text in ["", "\n", ".:53 {\n}", ". {\r\n}\r\n\r\n"] {
            let with = with_block(text, "fed", "example.com", &servers()).unwrap();
            assert_eq!(without_block(&with, "fed").unwrap(), text);
        }
    }

    #[test]
    fn each_federation_has_a_block_of_its_own() {
        let one = with_block(STOCK, "one", "one.example", &servers()).unwrap();
        let both = with_block(&one, "two", "two.example", &servers()).unwrap();
        assert_eq!(without_block(&both, "two").unwrap(), one);
        let other = with_block(STOCK, "two", "two.example", &servers()).unwrap();
        assert_eq!(without_block(&both, "one").unwrap(), other);
    }

    #[test]
    fn a_zone_that_another_block_has_is_left_alone() {
        let check = |block: &str, line: Option<usize>| {
            let text = format!("{STOCK}{block}");
            let expect = line.map(|line| CorefileError::ZoneTaken {
                zone: "example.com".into(),
                line: STOCK.lines().count() + line,
            });
            assert_eq!(
                with_block(&text, "fed", "example.com.", &servers()).err(),
                expect,
                "{block}"
            );
        };
        check("example.com {\n}\n", Some(1));
        check("a.example,\ndns://Example.COM.:53 {\n}\n", Some(2));
        check("# example.com {\n", None);
        check("sub.example.com:53 {\n  forward . 192.0.2.1 { # example.com {\n  }\n}\n", None);
        check("import other\nexample.org {\n file example.com\n}\n", None);
    }

    #[test]
    fn one_block_is_for_all_zones_of_a_federation() {
        let with = with_block(STOCK, "fed", "a.example.,B.example", &servers()).unwrap();
        let head = "# BEGIN fedns fed\na.example:53 b.example:53 {\n";
        assert!(with.starts_with(head), "{with}");
        let text = format!("{STOCK}b.example {{\n}}\n");
        let line = STOCK.lines().count() + 1;
        let expect = CorefileError::ZoneTaken { zone: "b.example".into(), line };
        assert_eq!(with_block(&text, "fed", "a.example,b.example.", &servers()), Err(expect));
    }

    #[test]
    fn a_torn_block_is_left_alone() {
        let text = format!("# BEGIN fedns fed\n{STOCK}");
        assert_eq!(without_block(&text, "fed"), Err(CorefileError::Torn));
        let text = format!("# END fedns fed\n{STOCK}");
        assert_eq!(without_block(&text, "fed"), Err(CorefileError::Torn));
    }
}
