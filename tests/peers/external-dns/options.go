package main

import (
	"context"
	"errors"
	"flag"
	"os"
	"strings"
	"time"

	"sigs.k8s.io/external-dns/endpoint"
	"sigs.k8s.io/external-dns/pkg/apis/externaldns"
	"sigs.k8s.io/external-dns/provider"
	"sigs.k8s.io/external-dns/provider/inmemory"
	"sigs.k8s.io/external-dns/provider/rfc2136"
	"sigs.k8s.io/external-dns/provider/webhook"
	"sigs.k8s.io/external-dns/registry"
	"sigs.k8s.io/external-dns/registry/txt"
)

// What a name server's secret is called in the environment; a command line is seen by all.
const secretVariable = "TSIG_SECRET"

type options struct {
	kind   string
	zone   string
	filter string
	url    string
	port   int
	key    string
	owner  string
}

func (o *options) flags() *flag.FlagSet {
	flags := flag.NewFlagSet("external-dns", flag.ContinueOnError)
	flags.StringVar(&o.kind, "provider", "webhook", "inmemory, rfc2136 or webhook")
	flags.StringVar(&o.zone, "zone", "", "the zone of inmemory and rfc2136")
	flags.StringVar(&o.filter, "filter", "", "domains that are let through, separated by commas")
	flags.StringVar(&o.url, "url", "", "the webhook")
	flags.IntVar(&o.port, "port", 0, "the name server's port on loopback")
	flags.StringVar(&o.key, "key", "", "the name of the name server's key")
	flags.StringVar(&o.owner, "owner", "", "the owner that the registry is for")
	return flags
}

func (o *options) config() *externaldns.Config {
	config := externaldns.NewConfig()
	config.InMemoryZones = []string{o.zone}
	config.ManagedDNSRecordTypes = managed
	config.Policy = "sync"
	config.RFC2136AXFR = true
	config.RFC2136BatchChangeSize = 50
	config.RFC2136Host = []string{"127.0.0.1"}
	config.RFC2136LoadBalancingStrategy = "disabled"
	config.RFC2136Port = o.port
	config.RFC2136TSIGKeyName = o.key
	config.RFC2136TSIGSecret = os.Getenv(secretVariable)
	config.RFC2136TSIGSecretAlg = "hmac-sha256"
	config.RFC2136Zone = []string{o.zone}
	config.TXTOwnerID = o.owner
	config.WebhookProviderReadTimeout = time.Minute
	config.WebhookProviderURL = o.url
	config.WebhookProviderWriteTimeout = time.Minute
	return config
}

func (o *options) provider() (provider.Provider, error) {
	ctx, config := context.Background(), o.config()
	filter := endpoint.NewDomainFilter(strings.Split(o.filter, ","))
	switch o.kind {
	case "inmemory":
		made, err := inmemory.New(ctx, config, filter)
		return &filtered{Provider: made, filter: filter}, err
	case "rfc2136":
		made, err := rfc2136.New(ctx, config, filter)
		return &filtered{Provider: made, filter: filter}, err
	case "webhook":
		return webhook.New(ctx, config, filter)
	}
	return nil, errors.New("no such provider: " + o.kind)
}

func (o *options) registry() (registry.Registry, error) {
	made, err := o.provider()
	if err != nil {
		return nil, err
	}
	return txt.New(o.config(), made)
}
