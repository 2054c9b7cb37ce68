//! The metadata service of an ECS instance, which gives temporary keys of a role.

use std::sync::{Arc, Mutex};

use model::UnixTime;
use serde_json::json;

use super::account::Key;
use super::server::State;
use crate::fakes::http_server::{HttpServer, Reply, Request};
use crate::lock::lock;

const SESSION: &str = "metadata-session";
const ROLES: &str = "/latest/meta-data/ram/security-credentials/";

/// A running metadata service. Each request for the role's key makes a new one.
pub struct FakeMetadata {
    shared: Arc<Mutex<Shared>>,
    server: HttpServer,
}

struct Shared {
    aliyun: Arc<Mutex<State>>,
    role: String,
    lifetime_seconds: u64,
    has_sessions: bool,
    is_broken: bool,
    given: Vec<GivenKey>,
}

/// A key that was given.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct GivenKey {
    pub id: String,
    pub secret: String,
    pub token: String,
}

// === impl FakeMetadata ===

impl FakeMetadata {
    pub(super) fn start(aliyun: Arc<Mutex<State>>, role: &str, lifetime_seconds: u64) -> Self {
        let shared = Arc::new(Mutex::new(Shared {
            aliyun,
            role: role.to_owned(),
            lifetime_seconds,
            has_sessions: true,
            is_broken: false,
            given: Vec::new(),
        }));
        let server = HttpServer::start({
            let shared = Arc::clone(&shared);
            move |request| lock(&shared).reply(request)
        });
        Self { shared, server }
    }

    /// `http://127.0.0.1:PORT`
    pub fn endpoint(&self) -> String {
        self.server.url()
    }

    /// Every key so far.
    pub fn given(&self) -> Vec<GivenKey> {
        lock(&self.shared).given.clone()
    }

    /// False: as an old instance has it, without sessions.
    pub fn set_sessions(&self, has_sessions: bool) {
        lock(&self.shared).has_sessions = has_sessions;
    }

    /// True: it answers every request with HTTP 500.
    pub fn set_broken(&self, is_broken: bool) {
        lock(&self.shared).is_broken = is_broken;
    }
}

// === impl Shared ===

impl Shared {
    fn reply(&mut self, request: &Request) -> Reply {
        if self.is_broken {
            return answer(500, "broken as told");
        }
        match (request.method.as_str(), request.path.as_str()) {
            ("PUT", "/latest/api/token") => self.session(request),
            ("GET", path) if self.is_allowed(request) => self.get(path),
            ("GET", _) => answer(403, "no session"),
            _ => answer(405, "only PUT and GET"),
        }
    }

    fn session(&self, request: &Request) -> Reply {
        let seconds = request.header("x-aliyun-ecs-metadata-token-ttl-seconds");
        let seconds = seconds.and_then(|text| text.parse::<u32>().ok());
        match seconds {
            Some(1..=21_600) if self.has_sessions => answer(200, SESSION),
            Some(_) if self.has_sessions => answer(400, "1 to 21600 seconds"),
            None if self.has_sessions => answer(400, "no header with the seconds"),
            _ => answer(404, "not found"),
        }
    }

    fn is_allowed(&self, request: &Request) -> bool {
        let session = request.header("x-aliyun-ecs-metadata-token");
        if self.has_sessions { session == Some(SESSION) } else { session.is_none() }
    }

    fn get(&mut self, path: &str) -> Reply {
        match path.strip_prefix(ROLES) {
            Some("") => answer(200, &self.role),
            Some(role) if role == self.role => self.new_key(),
            _ => answer(404, "not found"),
        }
    }

    fn new_key(&mut self) -> Reply {
        let number = self.given.len() + 1;
        let key = GivenKey {
            id: format!("STS.key{number}"),
            secret: format!("metadata-secret-{number}"),
            token: format!("metadata-token-{number}"),
        };
        let mut aliyun = lock(&self.aliyun);
        let expires = UnixTime(aliyun.now().0 + self.lifetime_seconds);
        aliyun.account.add_key(&key.id, Key::temporary(&key.secret, &key.token, expires));
        let seconds = i64::try_from(expires.0).expect("a time of this age");
        let expiration = jiff::Timestamp::from_second(seconds).expect("a time of this age");
        let body = json!({
            "AccessKeyId": key.id, "AccessKeySecret": key.secret, "SecurityToken": key.token,
            "Expiration": expiration.to_string(), "LastUpdated": "2026-01-01T00:00:00Z",
            "Code": "Success",
        });
        self.given.push(key);
        answer(200, &body.to_string())
    }
}

fn answer(status: u16, body: &str) -> Reply {
    Reply::Answer { status, headers: Vec::new(), body: body.to_owned() }
}
