//! One probe: does the API server say that it is ready?

use kube::Client;
use kube::core::Request;
use kube::core::params::GetParams;

use crate::failure::Failure;
use crate::health::PROBE_LIMIT;

const REQUEST: &str = "get /readyz";

/// Asks `/readyz` and waits at most [`PROBE_LIMIT`].
///
/// # Errors
///
/// Why the server cannot be used now; of a server that is not ready, the checks that fail.
pub async fn probe(client: &Client) -> Result<(), Failure> {
    let request = Request::new("")
        .get("readyz", &GetParams::default())
        .map_err(|error| Failure::NotReady(error.to_string()))?;
    match tokio::time::timeout(PROBE_LIMIT, client.request_text(request)).await {
        Err(_) => Err(Failure::timed_out(REQUEST)),
        Ok(Ok(_)) => Ok(()),
        Ok(Err(kube::Error::Api(status))) if status.code >= 500 => {
            Err(Failure::NotReady(not_ready(status.code, &status.message)))
        }
        Ok(Err(error)) => Err(Failure::new(REQUEST, &error)),
    }
}

/// The body lists one check a line: `[+]ping ok`, `[-]etcd failed: reason withheld`.
fn not_ready(code: u16, body: &str) -> String {
    let failed: Vec<&str> = body
        .lines()
        .filter_map(|line| line.trim().strip_prefix("[-]"))
        .filter_map(|check| check.split_whitespace().next())
        .collect();
    match failed.as_slice() {
        [] => format!("{REQUEST}: {code} {}", crate::failure::one_line(body)),
        checks => format!("{REQUEST}: {code}, failing: {}", checks.join(", ")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(body: &str, expect: &str) {
        assert_eq!(not_ready(500, body), expect);
    }

    #[test]
    fn a_server_that_is_not_ready_names_the_checks_that_fail() {
        check(
            "[+]ping ok\n[-]etcd failed: reason withheld\n[-]poststarthook/x failed: not finished\nreadyz check failed",
            "get /readyz: 500, failing: etcd, poststarthook/x",
        );
        check("out of order\n", "get /readyz: 500 out of order");
    }
}
