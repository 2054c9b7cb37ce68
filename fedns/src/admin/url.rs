//! A request's path and query, decoded.

/// Keys may come more than once; the first counts.
#[derive(Debug, PartialEq, Eq)]
pub struct Url {
    pub path: String,
    query: Vec<(String, String)>,
}

impl Url {
    pub fn parse(path: &str, query: &str) -> Self {
        let pairs = query.split('&').filter(|pair| !pair.is_empty()).map(|pair| {
            let (key, value) = pair.split_once('=').unwrap_or((pair, ""));
            (decode(key), decode(value))
        });
        Self { path: path.to_owned(), query: pairs.collect() }
    }

    pub fn get(&self, key: &str) -> Option<&str> {
        self.query.iter().find(|(known, _)| known == key).map(|(_, value)| value.as_str())
    }

    pub fn has(&self, key: &str) -> bool {
        self.get(key).is_some()
    }
}

/// RFC 3986 percent-encoding; a `%` without two hex digits stands for itself.
fn decode(text: &str) -> String {
    let bytes = text.as_bytes();
    let mut decoded = Vec::with_capacity(bytes.len());
    let mut at = 0;
    while at < bytes.len() {
        let pair = bytes.get(at + 1..at + 3).and_then(|pair| std::str::from_utf8(pair).ok());
        match (bytes[at], pair.and_then(|pair| u8::from_str_radix(pair, 16).ok())) {
            (b'%', Some(byte)) => {
                decoded.push(byte);
                at += 3;
            }
            (byte, _) => {
                decoded.push(byte);
                at += 1;
            }
        }
    }
    String::from_utf8_lossy(&decoded).into_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn queries_are_decoded() {
        let url = Url::parse("/readyz", "verbose&name=a%5C.b.&x=%zz%e");
        assert!(url.has("verbose"));
        assert_eq!(url.get("name"), Some(r"a\.b."));
        assert_eq!(url.get("x"), Some("%zz%e"));
        assert_eq!(url.get("y"), None);
    }
}
