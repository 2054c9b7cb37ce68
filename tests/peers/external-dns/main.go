// ExternalDNS's own packages behind one command line, for tests: its webhook server before its own
// providers, its registry as a reader of our markers, and one round of its controller.
package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"time"

	"github.com/sirupsen/logrus"
	"sigs.k8s.io/external-dns/endpoint"
	"sigs.k8s.io/external-dns/provider/webhook/api"
)

const usage = `usage: external-dns COMMAND [FLAGS]

  webhook  serves the webhook protocol for a provider
  records  prints what the TXT registry reads, with owner and resource of each record
  sync     brings the desired records on standard input to the provider, once, and prints the changes
`

func main() {
	logrus.SetOutput(os.Stderr)
	if err := run(os.Args[1:]); err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
}

func run(args []string) error {
	if len(args) == 0 {
		return errors.New(usage)
	}
	options := &options{}
	flags := options.flags()
	listen := flags.String("listen", "", "address of the webhook server")
	if err := flags.Parse(args[1:]); err != nil {
		return err
	}
	switch args[0] {
	case "webhook":
		return serve(options, *listen)
	case "records":
		return records(options)
	case "sync":
		return oneRound(options)
	}
	return errors.New(usage)
}

func serve(options *options, listen string) error {
	provider, err := options.provider()
	if err != nil {
		return err
	}
	// Returns never: what ends it is the end of the process.
	api.StartHTTPApi(&oneByOne{Provider: provider}, nil, time.Minute, time.Minute, listen)
	return nil
}

func records(options *options) error {
	registry, err := options.registry()
	if err != nil {
		return err
	}
	endpoints, err := registry.Records(context.Background())
	if err != nil {
		return err
	}
	return show(endpoints)
}

func oneRound(options *options) error {
	var desired []*endpoint.Endpoint
	if err := decode(os.Stdin, &desired); err != nil {
		return err
	}
	changes, err := round(options, desired)
	if err != nil {
		return err
	}
	return show(changes)
}

func decode(reader io.Reader, value any) error {
	decoder := json.NewDecoder(reader)
	decoder.DisallowUnknownFields()
	return decoder.Decode(value)
}

func show(value any) error {
	return json.NewEncoder(os.Stdout).Encode(value)
}
