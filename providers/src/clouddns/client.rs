//! The vendor's client with our pace before it.

use std::sync::Arc;
use std::time::Duration;

use google_cloud_auth::credentials::Credentials;
use google_cloud_dns_v1::client::{Changes, ManagedZones, Projects, ResourceRecordSets};
use google_cloud_gax::client_builder::ClientBuilder;
use google_cloud_gax::retry_policy::{Aip194Strict, RetryPolicyExt};

use super::credentials::{Account, CredentialsError};
use super::error::{Call, one_line};
use super::options::Options;
use super::quota::Quota;
use super::server_time::ahead_of;
use super::zone_id::ZoneId;
use crate::clock::Clock;
use crate::http;
use crate::provider::{Failure, FailureKind};
use crate::throttle::{Pace, Permit, Throttle};

/// A project may make some hundred calls in a minute; others need some of them.
const PACE: Pace = Pace { calls_per_second: 4.0, burst: 20, concurrent_max: 4 };
/// Attempts at a read, the first included. After these the mirror waits longer, and tells. A write is tried
/// once: whether it was carried out is seen in the next listing.
const ATTEMPTS: u32 = 3;
const ATTEMPT_TIMEOUT: Duration = Duration::from_secs(60);
/// The headers of an answer are all that is wanted.
const TIME_TIMEOUT: Duration = Duration::from_secs(5);
const ENDPOINT: &str = "https://dns.googleapis.com/";

/// One project. Credentials are looked for once, at the start, and renewed in time.
pub struct Client {
    services: Services,
    project: String,
    endpoint: String,
    /// Without credentials.
    http: reqwest::Client,
    throttle: Throttle,
    clock: Arc<dyn Clock>,
}

/// The parts of the vendor's client that a mirror needs.
pub(super) struct Services {
    pub zones: ManagedZones,
    pub sets: ResourceRecordSets,
    pub changes: Changes,
    pub projects: Projects,
}

// === impl Client ===

impl Client {
    /// Calls nobody but the machine's metadata server, and that only where nothing else tells who we are.
    pub async fn new(
        options: Options,
        environment: impl Fn(&str) -> Option<String>,
        clock: Arc<dyn Clock>,
    ) -> Result<Self, Failure> {
        // The vendor's client takes its cryptography from here; whatever is there already is as good.
        let _ = rustls::crypto::ring::default_provider().install_default();
        let account = Account::find(&options, environment).map_err(|error| fatal(&error))?;
        let project = account.project().await.map_err(|error| fatal(&error))?;
        let credentials = account.credentials().map_err(|error| fatal(&error))?;
        let services = services(&options, &account, credentials).await;
        let services = services.map_err(|error| {
            let line = format!("the client of Cloud DNS cannot start: {}", one_line(&error));
            Failure::new(FailureKind::Fatal, line)
        })?;
        let http = http::client(|builder| builder.timeout(TIME_TIMEOUT))
            .map_err(|problem| Failure::new(FailureKind::Fatal, problem))?;
        Ok(Self {
            services,
            project,
            endpoint: options.endpoint.unwrap_or_else(|| ENDPOINT.to_owned()),
            http,
            throttle: Throttle::new(PACE, Arc::clone(&clock)),
            clock,
        })
    }

    /// The vendor's client, once it may be asked.
    pub(super) async fn admitted(&self) -> (Permit<'_>, &Services) {
        (self.throttle.admit().await, &self.services)
    }

    /// What the project allows.
    pub(super) async fn quota(&self) -> Result<Quota, Failure> {
        let call = self.call("projects.get", None);
        let (_permit, services) = self.admitted().await;
        let answer = services.projects.get().set_project(self.project()).send().await;
        answer.map(|project| Quota::of(&project)).map_err(|error| call.failure(error))
    }

    /// What is called, for the words of its failure.
    pub(super) fn call<'a>(&'a self, action: &'static str, zone: Option<&'a ZoneId>) -> Call<'a> {
        Call { action, zone, project: &self.project, clock: &*self.clock }
    }

    pub fn project(&self) -> &str {
        &self.project
    }

    /// How far this machine's clock is ahead of the service's, in seconds; `None` where that is not
    /// told. Asks for nothing but the headers, and without credentials.
    pub(super) async fn clock_ahead(&self) -> Option<i64> {
        let answer = self.http.head(&self.endpoint).send().await.ok()?;
        ahead_of(answer.headers(), &*self.clock)
    }

    pub(super) fn clock(&self) -> &dyn Clock {
        &*self.clock
    }
}

async fn services(
    options: &Options,
    account: &Account,
    credentials: Credentials,
) -> Result<Services, google_cloud_gax::client_builder::Error> {
    let reach =
        Reach { endpoint: options.endpoint.clone(), universe: account.universe(), credentials };
    Ok(Services {
        zones: reach.prepare(ManagedZones::builder()).build().await?,
        sets: reach.prepare(ResourceRecordSets::builder()).build().await?,
        changes: reach.prepare(Changes::builder()).build().await?,
        projects: reach.prepare(Projects::builder()).build().await?,
    })
}

/// How each part of the vendor's client reaches the service.
struct Reach {
    endpoint: Option<String>,
    universe: Option<String>,
    credentials: Credentials,
}

// === impl Reach ===

impl Reach {
    fn prepare<F>(&self, builder: ClientBuilder<F, Credentials>) -> ClientBuilder<F, Credentials> {
        let Self { endpoint, universe, credentials } = self;
        let mut builder = builder
            .with_credentials(credentials.clone())
            .with_retry_policy(Aip194Strict.with_attempt_limit(ATTEMPTS))
            .with_attempt_timeout(ATTEMPT_TIMEOUT);
        if let Some(endpoint) = endpoint {
            builder = builder.with_endpoint(endpoint);
        }
        if let Some(universe) = universe {
            builder = builder.with_universe_domain(universe);
        }
        builder
    }
}

fn fatal(error: &CredentialsError) -> Failure {
    Failure::new(FailureKind::Fatal, one_line(error))
}
