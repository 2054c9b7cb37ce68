//! What the DNS listeners counted, under CoreDNS's labels, so that its dashboards port over.

use std::fmt::Error;

use dns_server::Transport;
use dns_server::server::{SIZE_BOUNDS, Traffic, ZoneTraffic};
use model::{Name, UnixTime};
use prometheus_client::collector::Collector;
use prometheus_client::encoding::{DescriptorEncoder, EncodeMetric, MetricEncoder, NoLabelSet};
use prometheus_client::metrics::MetricType;
use prometheus_client::metrics::counter::ConstCounter;
use prometheus_client::metrics::gauge::ConstGauge;

/// The numbers of one scrape.
#[derive(Debug, Default)]
pub struct DnsCounts {
    pub traffic: Vec<Traffic>,
    pub tcp_connections: usize,
    pub encrypted_connections: usize,
    /// The last second that the shown certificate is good for.
    pub certificate_end: Option<UnixTime>,
}

type Labels = Vec<(&'static str, String)>;

impl Collector for DnsCounts {
    fn encode(&self, mut encoder: DescriptorEncoder<'_>) -> Result<(), Error> {
        self.requests(&mut encoder)?;
        self.responses(&mut encoder)?;
        self.truncated(&mut encoder)?;
        self.sizes(&mut encoder)?;
        self.listeners(&mut encoder)?;
        self.limited(&mut encoder)?;
        self.cookies(&mut encoder)?;
        let tcp = "TCP connections that are open and not encrypted";
        gauge(&mut encoder, "dns_tcp_connections", tcp, self.tcp_connections as u64)?;
        let encrypted = "Connections over TLS, HTTPS and QUIC that are open";
        let count = self.encrypted_connections as u64;
        gauge(&mut encoder, "dns_encrypted_connections", encrypted, count)?;
        let Some(UnixTime(end)) = self.certificate_end else { return Ok(()) };
        let help = "When the certificate of the encrypted listeners expires, in Unix time";
        gauge(&mut encoder, "dns_certificate_expiry_timestamp_seconds", help, end)
    }
}

impl DnsCounts {
    fn zones(&self) -> impl Iterator<Item = (&Traffic, &Option<Name>, &ZoneTraffic)> {
        self.traffic
            .iter()
            .flat_map(|traffic| traffic.zones.iter().map(move |(zone, t)| (traffic, zone, t)))
    }

    fn requests(&self, encoder: &mut DescriptorEncoder<'_>) -> Result<(), Error> {
        let help = "Questions that were asked";
        let mut metric =
            encoder.encode_descriptor("dns_requests", help, None, MetricType::Counter)?;
        for (traffic, zone, counts) in self.zones() {
            for (record_type, count) in counts.requests_by_type() {
                let mut labels = zone_labels(traffic, zone.as_ref());
                labels.push(("type", record_type.to_string()));
                counter(&mut metric, &labels, count)?;
            }
        }
        Ok(())
    }

    fn responses(&self, encoder: &mut DescriptorEncoder<'_>) -> Result<(), Error> {
        let help = "Answers that were given";
        let mut metric =
            encoder.encode_descriptor("dns_responses", help, None, MetricType::Counter)?;
        for (traffic, zone, counts) in self.zones() {
            for (rcode, count) in counts.responses_by_rcode() {
                let mut labels = zone_labels(traffic, zone.as_ref());
                labels.push(("rcode", rcode.to_string()));
                counter(&mut metric, &labels, count)?;
            }
        }
        Ok(())
    }

    fn truncated(&self, encoder: &mut DescriptorEncoder<'_>) -> Result<(), Error> {
        let help = "Answers that were cut short";
        let mut metric = encoder.encode_descriptor(
            "dns_truncated_responses",
            help,
            None,
            MetricType::Counter,
        )?;
        self.zones().try_for_each(|(traffic, zone, counts)| {
            counter(&mut metric, &zone_labels(traffic, zone.as_ref()), counts.truncated)
        })
    }

    fn sizes(&self, encoder: &mut DescriptorEncoder<'_>) -> Result<(), Error> {
        type Pick = fn(&ZoneTraffic) -> (&[u64], u64);
        let metrics: [(&str, &str, Pick); 2] = [
            ("dns_request_size_bytes", "Sizes of queries", |counts| {
                (&counts.request_sizes, counts.request_bytes)
            }),
            ("dns_response_size_bytes", "Sizes of answers", |counts| {
                (&counts.response_sizes, counts.response_bytes)
            }),
        ];
        for (name, help, pick) in metrics {
            let mut metric = encoder.encode_descriptor(name, help, None, MetricType::Histogram)?;
            for (traffic, zone, counts) in self.zones() {
                let (buckets, sum) = pick(counts);
                histogram(&mut metric, &zone_labels(traffic, zone.as_ref()), buckets, sum)?;
            }
        }
        Ok(())
    }

    fn listeners(&self, encoder: &mut DescriptorEncoder<'_>) -> Result<(), Error> {
        type Pick = fn(&Traffic) -> u64;
        let metrics: [(&str, &str, Pick); 7] = [
            ("dns_dropped_packets", "Packets that are no queries", |t| t.dropped),
            ("dns_send_errors", "Answers that the system would not send", |t| t.send_errors),
            ("dns_receive_errors", "Receives that failed", |t| t.receive_errors),
            ("dns_connections", "Connections that were accepted", |t| t.connections),
            ("dns_refused_connections", "Connections closed as too many were open", |t| {
                t.connections_refused
            }),
            (
                "dns_displaced_connections",
                "Silent connections closed to make room for others",
                |t| t.connections_displaced,
            ),
            (
                "dns_tls_handshake_failures",
                "Connections that ended before they were encrypted",
                |t| t.handshake_failures,
            ),
        ];
        for (name, help, pick) in metrics {
            let mut metric = encoder.encode_descriptor(name, help, None, MetricType::Counter)?;
            for traffic in &self.traffic {
                counter(&mut metric, &labels(traffic), pick(traffic))?;
            }
        }
        Ok(())
    }
}

type Part = (&'static str, fn(&Traffic) -> u64);

impl DnsCounts {
    fn limited(&self, encoder: &mut DescriptorEncoder<'_>) -> Result<(), Error> {
        let parts: [Part; 2] =
            [("dropped", |t| t.limited_dropped), ("truncated", |t| t.limited_cut_short)];
        let help = "Answers above the rate limit, by what became of them";
        self.parts(encoder, "dns_rate_limited_responses", help, "action", &parts)
    }

    fn cookies(&self, encoder: &mut DescriptorEncoder<'_>) -> Result<(), Error> {
        let parts: [Part; 3] = [
            ("client_only", |t| t.cookies_client_only),
            ("invalid", |t| t.cookies_invalid),
            ("valid", |t| t.cookies_valid),
        ];
        let help = "Queries with a DNS cookie, by what it proves";
        self.parts(encoder, "dns_cookies", help, "cookie", &parts)
    }

    /// One counter of each listener, split by a label.
    fn parts(
        &self,
        encoder: &mut DescriptorEncoder<'_>,
        name: &str,
        help: &str,
        label: &'static str,
        parts: &[Part],
    ) -> Result<(), Error> {
        let mut metric = encoder.encode_descriptor(name, help, None, MetricType::Counter)?;
        for (traffic, (part, pick)) in
            self.traffic.iter().flat_map(|traffic| parts.iter().map(move |part| (traffic, part)))
        {
            let mut labels = labels(traffic);
            labels.push((label, (*part).to_owned()));
            counter(&mut metric, &labels, pick(traffic))?;
        }
        Ok(())
    }
}

fn labels(traffic: &Traffic) -> Labels {
    let (scheme, proto) = match traffic.transport {
        Transport::Udp => ("dns", "udp"),
        Transport::Tcp => ("dns", "tcp"),
        Transport::Tls => ("tls", "dot"),
        Transport::Https => ("https", "doh"),
        Transport::Quic => ("quic", "doq"),
    };
    // CoreDNS: 1 for IPv4, 2 for IPv6.
    let family = if traffic.address.is_ipv4() { "1" } else { "2" };
    vec![
        ("server", format!("{scheme}://{}", traffic.address)),
        ("view", String::new()),
        ("proto", proto.into()),
        ("family", family.into()),
    ]
}

fn zone_labels(traffic: &Traffic, zone: Option<&Name>) -> Labels {
    let mut labels = labels(traffic);
    labels.insert(1, ("zone", zone.map_or_else(String::new, Name::to_string)));
    labels
}

fn gauge(
    encoder: &mut DescriptorEncoder<'_>,
    name: &str,
    help: &str,
    number: u64,
) -> Result<(), Error> {
    let gauge = ConstGauge::new(i64::try_from(number).unwrap_or(i64::MAX));
    gauge.encode(encoder.encode_descriptor(name, help, None, gauge.metric_type())?)
}

fn counter(metric: &mut MetricEncoder<'_>, labels: &Labels, count: u64) -> Result<(), Error> {
    let labels = labels.as_slice();
    ConstCounter::new(count).encode(metric.encode_family(&labels)?)
}

fn histogram(
    metric: &mut MetricEncoder<'_>,
    labels: &Labels,
    buckets: &[u64],
    sum: u64,
) -> Result<(), Error> {
    let bounds = SIZE_BOUNDS.iter().map(|bound| f64::from(*bound)).chain([f64::INFINITY]);
    let buckets: Vec<(f64, u64)> = bounds.zip(buckets.iter().copied()).collect();
    let count = buckets.iter().map(|(_, count)| count).sum();
    let labels = labels.as_slice();
    let mut of_labels = metric.encode_family(&labels)?;
    of_labels.encode_histogram::<NoLabelSet>(sum as f64, count, &buckets, None)
}
