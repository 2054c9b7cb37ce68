//! Asking a name server as its users do, and what it answered.

use std::fmt;
use std::io::Write;
use std::process::{Command, Stdio};

use crate::need::find_program;
use crate::port::free_port;

/// The code and the answer section of one answer, the same whichever client printed it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Reply {
    /// `NOERROR`, `NXDOMAIN`, …
    pub code: String,
    /// `name ttl type value`, in the order of the answer.
    pub records: Vec<String>,
}

/// Asks a server on loopback many `(name, type)` questions with one dig: an outsider's eyes on
/// every answer. A server that does not answer is an error, and never an answer that is missing.
///
/// dig shares ports, and so may fedns: left to choose by itself, dig is given the server's own port
/// once in some ten thousand questions, and then hears itself.
pub fn dig(port: u16, questions: &[(String, String)]) -> Result<Vec<Reply>, String> {
    let mut file = tempfile::NamedTempFile::new().expect("make a temporary file");
    for (name, record_type) in questions {
        writeln!(file, "{name} {record_type}").expect("write a temporary file");
    }
    let output = Command::new(find_program("dig").expect("dig is here, or the test is left out"))
        .args(["@127.0.0.1", "-p", &port.to_string()])
        .args(["-b", &format!("127.0.0.1#{}", free_port())])
        .args(["+norecurse", "+nocookie", "+noall", "+comments", "+answer", "+nocl", "-f"])
        .arg(file.path())
        .stdin(Stdio::null())
        .output()
        .expect("start dig");
    let text = String::from_utf8_lossy(&output.stdout).into_owned();
    let replies = read_dig(&text);
    if replies.len() == questions.len() { Ok(replies) } else { Err(text) }
}

/// What dig printed with `+noall +comments +answer +nocl`: an answer for each question that got one.
pub fn read_dig(text: &str) -> Vec<Reply> {
    let mut replies: Vec<Reply> = Vec::new();
    for line in text.lines() {
        if let Some((_, header)) = line.split_once("->>HEADER<<-") {
            let code = header.split_once("status: ").map_or("", |(_, rest)| rest);
            let code = code.split(',').next().unwrap_or_default().to_owned();
            replies.push(Reply { code, records: Vec::new() });
        } else if !line.starts_with(';')
            && let Some(reply) = replies.last_mut()
        {
            reply.records.extend(record(line));
        }
    }
    replies
}

/// What `fedns query` printed; `None` where it got no answer.
pub(crate) fn read_query(text: &str) -> Option<Reply> {
    let (first, rest) = text.split_once('\n')?;
    let code = first.strip_prefix(";; ")?.split(',').next()?.to_owned();
    let lines = rest.lines().map(|line| line.replacen(" IN ", " ", 1));
    Some(Reply { code, records: lines.filter_map(|line| record(&line)).collect() })
}

/// One space between the words; `None` for an empty line.
fn record(line: &str) -> Option<String> {
    let words: Vec<&str> = line.split_whitespace().collect();
    (!words.is_empty()).then(|| words.join(" "))
}

/// `NXDOMAIN, CNAME web.example.com.`: the names and TTLs left out, for people.
impl fmt::Display for Reply {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.code)?;
        for record in &self.records {
            let content = record.splitn(3, ' ').nth(2).unwrap_or(record);
            write!(f, ", {content}")?;
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const DIG: &str = "\
;; Got answer:
;; ->>HEADER<<- opcode: QUERY, status: NOERROR, id: 15213
;; flags: qr aa; QUERY: 1, ANSWER: 2, AUTHORITY: 0, ADDITIONAL: 1

;; OPT PSEUDOSECTION:
; EDNS: version: 0, flags:; udp: 1232
;; ANSWER SECTION:
a.example.com.\t\t180\tCNAME\tb.example.com.
b.example.com.\t\t180\tA\t192.0.2.1

;; Got answer:
;; ->>HEADER<<- opcode: QUERY, status: NXDOMAIN, id: 17587
;; flags: qr aa; QUERY: 1, ANSWER: 0, AUTHORITY: 1, ADDITIONAL: 1
";

    #[test]
    fn both_clients_are_read_alike() {
        let of_dig = read_dig(DIG);
        let of_query = read_query(
            ";; NOERROR, authoritative\na.example.com. 180 IN CNAME b.example.com.\n\
             b.example.com. 180 IN A 192.0.2.1\n",
        );
        assert_eq!(of_dig.len(), 2);
        assert_eq!(of_query.as_ref(), of_dig.first());
        assert_eq!(of_dig[0].to_string(), "NOERROR, CNAME b.example.com., A 192.0.2.1");
        assert_eq!(of_dig[1].to_string(), "NXDOMAIN");
    }

    #[test]
    fn no_answer_is_none() {
        assert_eq!(read_query(""), None);
        assert_eq!(read_dig(";; communications error: timed out\n"), []);
    }
}
