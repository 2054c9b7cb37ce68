//! The vendor's client with our pace before it.

use std::sync::Arc;
use std::time::Duration;

use aws_config::retry::RetryConfig;
use aws_config::timeout::TimeoutConfig;
use aws_config::{BehaviorVersion, Region};
use aws_sdk_route53::config::{Credentials, SharedHttpClient};
use aws_smithy_http_client::Connector;
use aws_smithy_http_client::proxy::ProxyConfig;
use aws_smithy_http_client::tls::Provider;
use aws_smithy_http_client::tls::rustls_provider::CryptoMode;

use crate::clock::Clock;
use crate::throttle::{Pace, Permit, Throttle};

/// What may be chosen of a client; the rest comes from the environment, as in all of the vendor's tools.
#[derive(Clone, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
pub struct Options {
    /// A URL in place of the vendor's; `None`: AWS_ENDPOINT_URL, else the vendor's own.
    pub endpoint: Option<String>,
    /// It decides which of the vendor's partitions is meant; `None`: the environment's, else us-east-1.
    pub region: Option<String>,
}

/// An account may make ten calls in a second; others need some of them.
const PACE: Pace = Pace { calls_per_second: 5.0, burst: 10, concurrent_max: 4 };
/// Calls for one thing, the first included. After these the mirror waits longer, and tells.
const ATTEMPTS: u32 = 3;
const CONNECT_TIMEOUT: Duration = Duration::from_secs(5);
const ATTEMPT_TIMEOUT: Duration = Duration::from_secs(60);
/// The partition of most accounts.
const REGION_DEFAULT: &str = "us-east-1";

/// One account. Credentials are looked for by the vendor's chain, at the first call, and renewed in
/// time: environment, profile, web identity, container, instance.
pub struct Client {
    sdk: aws_sdk_route53::Client,
    throttle: Throttle,
}

// === impl Client ===

impl Client {
    /// Calls nobody, except for the region of an instance where none is chosen.
    pub async fn new(options: Options, clock: Arc<dyn Clock>) -> Self {
        let sdk = sdk(options).await;
        let sdk = aws_sdk_route53::Client::from_conf(sdk.build());
        Self { sdk, throttle: Throttle::new(PACE, clock) }
    }

    /// With this key, its id and its secret, in place of what the chain would find.
    pub async fn with_key(options: Options, key: [&str; 2], clock: Arc<dyn Clock>) -> Self {
        let [id, secret] = key;
        let key = Credentials::new(id, secret, None, None, "given outright");
        let sdk = sdk(options).await.credentials_provider(key);
        let sdk = aws_sdk_route53::Client::from_conf(sdk.build());
        Self { sdk, throttle: Throttle::new(PACE, clock) }
    }

    /// The vendor's client, once it may be asked.
    pub(super) async fn admitted(&self) -> (Permit<'_>, &aws_sdk_route53::Client) {
        (self.throttle.admit().await, &self.sdk)
    }
}

/// The vendor's client's own settings.
async fn sdk(options: Options) -> aws_sdk_route53::config::Builder {
    let Options { endpoint, region } = options;
    let timeouts = TimeoutConfig::builder()
        .connect_timeout(CONNECT_TIMEOUT)
        .operation_attempt_timeout(ATTEMPT_TIMEOUT)
        .build();
    let mut config = aws_config::defaults(BehaviorVersion::latest())
        .http_client(http_client())
        .retry_config(RetryConfig::standard().with_max_attempts(ATTEMPTS))
        .timeout_config(timeouts);
    if let Some(endpoint) = endpoint {
        config = config.endpoint_url(endpoint);
    }
    if let Some(region) = region {
        config = config.region(Region::new(region));
    }
    let config = config.load().await;
    let region = config.region().cloned().unwrap_or(Region::from_static(REGION_DEFAULT));
    aws_sdk_route53::config::Builder::from(&config).region(region)
}

/// With ring, and the environment's proxies.
fn http_client() -> SharedHttpClient {
    let proxies = ProxyConfig::from_env();
    aws_smithy_http_client::Builder::new().build_with_connector_fn(move |settings, components| {
        let mut connector = Connector::builder()
            .tls_provider(Provider::Rustls(CryptoMode::Ring))
            .proxy_config(proxies.clone());
        connector.set_connector_settings(settings.cloned());
        if let Some(components) = components {
            connector.set_sleep_impl(components.sleep_impl());
        }
        connector.build()
    })
}
