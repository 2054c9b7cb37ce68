use std::collections::{BTreeMap, BTreeSet};

use tests::serving::Fedns;
use tests::suite::Test;

use super::folder::{WEB, serving};

pub(crate) fn tests() -> Vec<Test> {
    tests::tests! {
        [] => the_page_is_valid,
            what_happens_is_counted;
    }
}

/// One sample: its name, its labels as they stand, and its value.
type Sample = (String, String, f64);

/// A page as the strictest reader of OpenMetrics 1.0 takes it.
#[derive(Default)]
struct Page {
    types: BTreeMap<String, String>,
    helps: BTreeSet<String>,
    samples: Vec<Sample>,
}

fn the_page_is_valid() {
    let (fedns, _folder) = serving("");
    fedns.ask(WEB);
    fedns.command(&["query", WEB, "--tcp", "--server", &format!("127.0.0.1:{}", fedns.dns_port())]);
    let page = read(&fedns);
    for family in page.types.keys() {
        assert!(page.helps.contains(family), "{family} has no HELP");
        assert!(family.starts_with("fedns_"), "{family}");
    }
    for (family, of_type) in &page.types {
        if of_type == "histogram" {
            check_histogram(&page, family);
        }
    }
}

fn what_happens_is_counted() {
    let (fedns, _folder) = serving("");
    let requests = |page: &Page, labels: &str| -> f64 {
        let samples = page.samples.iter();
        let counted = samples.filter(|(name, found, _)| {
            name == "fedns_dns_requests_total"
                && labels.split(' ').all(|label| found.contains(label))
        });
        counted.map(|(_, _, value)| value).sum()
    };
    let before = read(&fedns);
    for _ in 0..3 {
        fedns.query(WEB, "AAAA");
    }
    let after = read(&fedns);
    let labels = "type=\"AAAA\" proto=\"udp\" zone=\"example.com.\"";
    assert!((requests(&after, labels) - requests(&before, labels) - 3.0).abs() < f64::EPSILON);
    let value = |name: &str| {
        let found = after.samples.iter().find(|(known, _, _)| known == name);
        found.unwrap_or_else(|| panic!("no {name}")).2
    };
    let serial = f64::from(fedns.serial().0);
    assert!((value("fedns_zone_serial") - serial).abs() < f64::EPSILON);
    assert!((value("fedns_cluster_services") - 1.0).abs() < f64::EPSILON);
    assert!(after.types.contains_key("fedns_dns_programming_duration_seconds"));
}

/// Every rule is checked while it is read: families stand together, each is described before its
/// first sample and only once, no series comes twice, and `# EOF` is the last line.
#[track_caller]
fn read(fedns: &Fedns) -> Page {
    let text = fedns.page("/metrics").expect("a page").body;
    let Some(body) = text.strip_suffix("# EOF\n") else { panic!("no end: {text}") };
    let mut page = Page::default();
    let mut family = String::new();
    let mut finished = BTreeSet::new();
    let mut series = BTreeSet::new();
    for line in body.lines() {
        let of_line = match line.strip_prefix("# ") {
            Some(comment) => page.describe(comment),
            None => {
                let sample = sample(line);
                assert!(series.insert((sample.0.clone(), sample.1.clone())), "twice: {line}");
                let of_sample = page.family(&sample.0).unwrap_or_else(|| panic!("no TYPE: {line}"));
                page.samples.push(sample);
                of_sample
            }
        };
        if of_line != family {
            assert!(
                finished.insert(std::mem::replace(&mut family, of_line)),
                "not together: {line}"
            );
            assert!(!finished.contains(&family), "not together: {line}");
        }
    }
    assert!(!page.samples.is_empty());
    page
}

// === impl Page ===

impl Page {
    /// Takes a HELP, TYPE or UNIT line; returns its family.
    #[track_caller]
    fn describe(&mut self, comment: &str) -> String {
        let mut words = comment.splitn(3, ' ');
        let (kind, family) = (words.next().unwrap_or(""), words.next().unwrap_or("").to_owned());
        let rest = words.next().unwrap_or("");
        assert!(!rest.is_empty(), "{comment}");
        assert!(is_name(&family), "{comment}");
        assert!(!self.samples.iter().any(|(name, _, _)| *name == family), "late: {comment}");
        match kind {
            "HELP" => assert!(self.helps.insert(family.clone()), "twice: {comment}"),
            "TYPE" => {
                let types = ["counter", "gauge", "histogram", "info"];
                assert!(types.contains(&rest), "{comment}");
                let before = self.types.insert(family.clone(), rest.to_owned());
                assert_eq!(before, None, "twice: {comment}");
            }
            "UNIT" => assert!(family.ends_with(&format!("_{rest}")), "{comment}"),
            _ => panic!("neither HELP, TYPE nor UNIT: {comment}"),
        }
        family
    }

    /// The family that a sample belongs to by its name and that family's type.
    fn family(&self, sample: &str) -> Option<String> {
        let suffixes: [(&str, &[&str]); 4] = [
            ("counter", &["_total"]),
            ("gauge", &[""]),
            ("histogram", &["_bucket", "_sum", "_count"]),
            ("info", &["_info"]),
        ];
        let candidates = suffixes.iter().flat_map(|(of_type, suffixes)| {
            suffixes.iter().filter_map(move |suffix| Some((of_type, sample.strip_suffix(suffix)?)))
        });
        candidates
            .filter(|(of_type, family)| {
                self.types.get(*family).is_some_and(|known| known == *of_type)
            })
            .map(|(_, family)| family.to_owned())
            .next()
    }
}

fn is_name(text: &str) -> bool {
    let rest = |byte: u8| byte.is_ascii_alphanumeric() || byte == b'_';
    text.bytes().all(rest) && !text.starts_with(|c: char| c.is_ascii_digit()) && !text.is_empty()
}

#[track_caller]
fn sample(line: &str) -> Sample {
    let (series, value) = line.rsplit_once(' ').unwrap_or_else(|| panic!("no value: {line}"));
    let value: f64 = value.parse().unwrap_or_else(|_| panic!("no number: {line}"));
    let (name, labels) = match series.split_once('{') {
        None => (series, ""),
        Some((name, labels)) => {
            (name, labels.strip_suffix('}').unwrap_or_else(|| panic!("no end of labels: {line}")))
        }
    };
    assert!(is_name(name), "{line}");
    let mut seen = BTreeSet::new();
    for label in labels.split(',').filter(|label| !label.is_empty()) {
        let (key, value) = label.split_once('=').unwrap_or_else(|| panic!("{line}"));
        assert!(is_name(key) && seen.insert(key), "{line}");
        assert!(value.len() >= 2 && value.starts_with('"') && value.ends_with('"'), "{line}");
    }
    (name.to_owned(), labels.to_owned(), value)
}

/// Buckets grow, the last is `+Inf` and holds as many as were counted.
#[track_caller]
fn check_histogram(page: &Page, family: &str) {
    let mut buckets = BTreeMap::<String, Vec<(String, f64)>>::new();
    for (name, labels, value) in &page.samples {
        if *name == format!("{family}_bucket") {
            let (others, bound) = split_bound(labels);
            buckets.entry(others).or_default().push((bound, *value));
        }
    }
    for (labels, buckets) in buckets {
        let grows = |pair: &[(String, f64)]| {
            number(&pair[0].0) < number(&pair[1].0) && pair[0].1 <= pair[1].1
        };
        assert!(buckets.windows(2).all(grows), "{family} {labels}: {buckets:?}");
        let (bound, last) = buckets.last().expect("a bucket");
        assert_eq!(bound, "+Inf", "{family} {labels}");
        let count = page
            .samples
            .iter()
            .find(|(name, found, _)| *name == format!("{family}_count") && *found == labels);
        assert_eq!(count.map(|(_, _, count)| count), Some(last), "{family} {labels}");
        let sum = format!("{family}_sum");
        assert!(page.samples.iter().any(|(name, found, _)| *name == sum && *found == labels));
    }
}

fn split_bound(labels: &str) -> (String, String) {
    let (bounds, others): (Vec<&str>, Vec<&str>) =
        labels.split(',').partition(|label| label.starts_with("le="));
    assert_eq!(bounds.len(), 1, "{labels}");
    (others.join(","), bounds[0].trim_start_matches("le=").trim_matches('"').to_owned())
}

fn number(bound: &str) -> f64 {
    bound.trim_start_matches('+').parse().unwrap_or_else(|_| panic!("no bound: {bound}"))
}
