package main

import (
	"context"
	"sync"

	"sigs.k8s.io/external-dns/endpoint"
	"sigs.k8s.io/external-dns/plan"
	"sigs.k8s.io/external-dns/provider"
)

// filtered tells the domains that its provider lets through.
type filtered struct {
	provider.Provider
	filter *endpoint.DomainFilter
}

func (f *filtered) GetDomainFilter() endpoint.DomainFilterInterface {
	return f.filter
}

// oneByOne keeps calls apart: ExternalDNS makes one at a time, and its in-memory provider counts on it.
type oneByOne struct {
	provider.Provider
	mutex sync.Mutex
}

func (o *oneByOne) Records(ctx context.Context) ([]*endpoint.Endpoint, error) {
	o.mutex.Lock()
	defer o.mutex.Unlock()
	return o.Provider.Records(ctx)
}

func (o *oneByOne) ApplyChanges(ctx context.Context, changes *plan.Changes) error {
	o.mutex.Lock()
	defer o.mutex.Unlock()
	return o.Provider.ApplyChanges(ctx, changes)
}
