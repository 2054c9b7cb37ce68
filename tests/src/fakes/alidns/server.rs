//! A request's way through AliDNS.

use std::sync::Arc;

use model::UnixTime;
use providers::Clock;
use providers::throttle::TokenBucket;
use serde_json::{Value, json};

use super::account::{Account, Key};
use super::call::{self, Call};
use super::domains::Domains;
use super::fault::{Fault, Faults};
use super::refusal::Refusal;
use super::signature::Signed;
use super::{KEY_ID, KEY_SECRET, actions};
use crate::fakes::http_server::{Reply, Request};

/// All that AliDNS knows.
pub(super) struct State {
    pub(super) account: Account,
    pub(super) domains: Domains,
    pub(super) faults: Faults,
    pub(super) calls: Vec<Call>,
    /// Seconds.
    pub(super) clock_ahead: i64,
    pub(super) clock: Arc<dyn Clock>,
    limit: Option<TokenBucket>,
    requests: u64,
}

/// What became of a call before its answer is written.
enum Outcome {
    Answer(Result<Value, Refusal>),
    BadGateway,
    Close,
    Silence,
}

// === impl State ===

impl State {
    pub(super) fn new(clock: Arc<dyn Clock>) -> Self {
        let mut account = Account::default();
        account.add_key(KEY_ID, Key::lasting(KEY_SECRET));
        Self {
            account,
            domains: Domains::default(),
            faults: Faults::default(),
            calls: Vec::new(),
            clock_ahead: 0,
            clock,
            limit: None,
            requests: 0,
        }
    }

    pub(super) fn limit_calls(&mut self, calls_per_second: Option<u32>) {
        let now = self.clock.monotonic();
        self.limit = calls_per_second.map(|calls| TokenBucket::new(f64::from(calls), calls, now));
    }

    pub(super) fn now(&self) -> UnixTime {
        UnixTime(self.clock.unix().0.saturating_add_signed(self.clock_ahead))
    }

    pub(super) fn reply(&mut self, request: &Request) -> Reply {
        self.requests += 1;
        let outcome = self.outcome(request);
        match outcome {
            Outcome::Answer(answer) => self.written(answer),
            Outcome::BadGateway => Reply::Answer {
                status: 502,
                headers: vec![("content-type", "text/html".to_owned())],
                body: "<html><h1>502 Bad Gateway</h1></html>".to_owned(),
            },
            Outcome::Close => Reply::Close,
            Outcome::Silence => Reply::Silence,
        }
    }

    fn outcome(&mut self, request: &Request) -> Outcome {
        let signed = match understood(request) {
            Ok(signed) => signed,
            Err(refusal) => return Outcome::Answer(Err(refusal)),
        };
        let fault = self.faults.meet(&signed.action);
        let (outcome, log) = self.carried_out(&signed, fault);
        let Signed { version: signature, action, access_key_id, parameters, .. } = signed;
        self.calls.push(Call { action, parameters, signature, access_key_id, outcome: log });
        outcome
    }

    /// Also what the log says of it.
    fn carried_out(
        &mut self,
        signed: &Signed,
        fault: Option<Fault>,
    ) -> (Outcome, Result<(), String>) {
        let lost = |outcome: Outcome, words: &str| (outcome, Err(words.to_owned()));
        match &fault {
            Some(Fault::BadGateway) => return lost(Outcome::BadGateway, "bad gateway"),
            Some(Fault::CloseBefore) => return lost(Outcome::Close, "closed"),
            Some(Fault::SilenceBefore) => return lost(Outcome::Silence, "silence"),
            Some(Fault::Meanwhile(change)) => change(&mut self.domains),
            _ => {}
        }
        let answer = match fault.as_ref().and_then(Fault::refusal) {
            Some(refusal) => Err(refusal),
            None => self.act(signed),
        };
        let log = answer.as_ref().map(drop).map_err(|refusal| refusal.code.clone());
        let outcome = match fault {
            Some(Fault::CloseAfter) => Outcome::Close,
            Some(Fault::SilenceAfter) => Outcome::Silence,
            _ => Outcome::Answer(answer),
        };
        (outcome, log)
    }

    fn act(&mut self, signed: &Signed) -> Result<Value, Refusal> {
        let now = self.now();
        signed.verify(&mut self.account, now)?;
        actions::check_parameters(&signed.action, &signed.parameters)?;
        let waited_for = self.clock.monotonic();
        if self.limit.as_mut().is_some_and(|limit| !limit.try_take(waited_for)) {
            return Err(Refusal::throttled(None));
        }
        self.account.check_right(&signed.action)?;
        self.domains.now = now;
        actions::act(&mut self.domains, &signed.action, &signed.parameters)
    }

    fn written(&self, answer: Result<Value, Refusal>) -> Reply {
        let request_id = format!("{:08X}-FA4E-4A11-8D75-{:012X}", self.requests, self.requests);
        let seconds = i64::try_from(self.now().0).expect("a time of this age");
        let date = jiff::Timestamp::from_second(seconds).expect("a time of this age");
        let mut headers = vec![
            ("content-type", "application/json;charset=utf-8".to_owned()),
            ("date", date.strftime("%a, %d %b %Y %H:%M:%S GMT").to_string()),
            ("x-acs-request-id", request_id.clone()),
        ];
        let (status, mut body) = match answer {
            Ok(body) => (200, body),
            Err(Refusal { status, code, message, retry_after }) => {
                if let Some(seconds) = retry_after {
                    headers.push(("x-acs-retry-after", seconds.to_string()));
                }
                let page = "https://api.alibabacloud.com/troubleshoot";
                let recommend = format!("{page}?q={code}&product=Alidns&requestId={request_id}");
                let host = "alidns.aliyuncs.com";
                let body = json!({
                    "HostId": host, "Code": code, "Message": message, "Recommend": recommend,
                });
                (status, body)
            }
        };
        body["RequestId"] = json!(request_id);
        Reply::Answer { status, headers, body: body.to_string() }
    }
}

fn understood(request: &Request) -> Result<Signed, Refusal> {
    if request.path != "/" {
        return Err(Refusal::new(
            "InvalidAction.NotFound",
            "Specified api is not found, please \
                                 check your url and method.",
        )
        .with_status(404));
    }
    if !matches!(request.method.as_str(), "GET" | "POST") {
        return Err(Refusal::new("UnsupportedHTTPMethod", "This http method is not supported."));
    }
    Signed::read(request, call::parameters(request)?)
}
