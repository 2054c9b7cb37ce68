//! One question to the name servers.

use std::net::IpAddr;
use std::time::{Duration, Instant};

use hickory_resolver::TokioResolver;
use hickory_resolver::config::{
    ConnectionConfig, NameServerConfig, ResolveHosts, ResolverConfig, ResolverOpts,
};
use hickory_resolver::net::runtime::TokioRuntimeProvider;
use hickory_resolver::net::{DnsError, NetError};
use hickory_resolver::proto::op::ResponseCode;
use hickory_resolver::proto::rr::{Name, RData, RecordType};

use super::ResolverSettings;
use super::host::Answer;

/// Of one attempt at one server.
const ATTEMPT_LIMIT: Duration = Duration::from_secs(2);
/// Of all attempts together.
const LOOKUP_LIMIT: Duration = Duration::from_secs(10);

pub(super) struct Lookup {
    resolver: Result<TokioResolver, Box<str>>,
}

// === impl Lookup ===

impl Lookup {
    pub(super) fn new(settings: &ResolverSettings) -> Self {
        let resolver = build(settings);
        if let Err(error) = &resolver {
            tracing::warn!(%error, "host names of load balancers cannot be resolved");
        }
        Self { resolver }
    }

    /// The addresses of one family.
    pub(super) async fn ask(&self, host: &str, record_type: RecordType) -> Answer {
        let resolver = match &self.resolver {
            Ok(resolver) => resolver,
            Err(error) => return Answer::Failed(error.clone()),
        };
        let Ok(mut name) = Name::from_ascii(host) else {
            return Answer::Failed("it is no host name".into());
        };
        // Search domains must not change what a load balancer's host name means.
        name.set_fqdn(true);
        match tokio::time::timeout(LOOKUP_LIMIT, resolver.lookup(name, record_type)).await {
            Err(_) => timed_out(),
            Ok(Err(error)) => read_error(&error),
            Ok(Ok(lookup)) => {
                let records = lookup.answers().iter();
                let addresses: Vec<IpAddr> =
                    records.filter_map(|record| address(&record.data)).collect();
                let ttl = lookup.valid_until().saturating_duration_since(Instant::now());
                match addresses.is_empty() {
                    true => Answer::NoData,
                    false => Answer::Addresses { addresses, ttl },
                }
            }
        }
    }
}

fn build(settings: &ResolverSettings) -> Result<TokioResolver, Box<str>> {
    let provider = TokioRuntimeProvider::default();
    let mut builder = if settings.servers.is_empty() {
        TokioResolver::builder(provider)
            .map_err(|error| format!("the system's name servers cannot be read: {error}"))?
    } else {
        let mut config = ResolverConfig::default();
        for server in &settings.servers {
            config.add_name_server(name_server(*server));
        }
        let mut builder = TokioResolver::builder_with_config(config, provider);
        builder.options_mut().use_hosts_file = ResolveHosts::Never;
        builder
    };
    set_options(builder.options_mut());
    builder.build().map_err(|error| error.to_string().into())
}

fn set_options(options: &mut ResolverOpts) {
    // The table of host names is the cache; a second one would only make TTLs older.
    options.cache_size = 0;
    options.timeout = ATTEMPT_LIMIT;
    options.attempts = 2;
    options.edns0 = true;
}

fn name_server(server: std::net::SocketAddr) -> NameServerConfig {
    let connections = [ConnectionConfig::udp(), ConnectionConfig::tcp()].map(|mut connection| {
        connection.port = server.port();
        connection
    });
    NameServerConfig::new(server.ip(), true, connections.into())
}

fn address(data: &RData) -> Option<IpAddr> {
    match data {
        RData::A(address) => Some(IpAddr::V4(address.0)),
        RData::AAAA(address) => Some(IpAddr::V6(address.0)),
        _ => None,
    }
}

/// Only an answer that speaks of the name itself may say that it has no address.
fn read_error(error: &NetError) -> Answer {
    match error {
        NetError::Timeout => timed_out(),
        NetError::Dns(DnsError::NoRecordsFound(nothing)) => match nothing.response_code {
            ResponseCode::NXDomain => Answer::NxDomain,
            ResponseCode::NoError if nothing.soa.is_none() && nothing.ns.is_some() => {
                Answer::Failed("the name server answers with a referral".into())
            }
            ResponseCode::NoError => Answer::NoData,
            code => Answer::Failed(told(code)),
        },
        NetError::Dns(DnsError::ResponseCode(code)) => Answer::Failed(told(*code)),
        error => Answer::Failed(error.to_string().into()),
    }
}

fn told(code: ResponseCode) -> Box<str> {
    match code {
        ResponseCode::ServFail => "SERVFAIL".into(),
        ResponseCode::Refused => "REFUSED".into(),
        code => format!("the name server answers: {code}").into(),
    }
}

fn timed_out() -> Answer {
    Answer::Failed("no answer in time".into())
}
