package main

import (
	"context"

	"sigs.k8s.io/external-dns/endpoint"
	"sigs.k8s.io/external-dns/plan"
)

// What ExternalDNS manages unless it is told otherwise.
var managed = []string{endpoint.RecordTypeA, endpoint.RecordTypeAAAA, endpoint.RecordTypeCNAME}

// round does what ExternalDNS's controller does in one round, with policy sync.
func round(options *options, desired []*endpoint.Endpoint) (*plan.Changes, error) {
	registry, err := options.registry()
	if err != nil {
		return nil, err
	}
	ctx := context.Background()
	current, err := registry.Records(ctx)
	if err != nil {
		return nil, err
	}
	desired, err = registry.AdjustEndpoints(desired)
	if err != nil {
		return nil, err
	}
	planned := &plan.Plan{
		Policies:       []plan.Policy{&plan.SyncPolicy{}},
		Current:        current,
		Desired:        desired,
		DomainFilter:   endpoint.MatchAllDomainFilters{registry.GetDomainFilter()},
		ManagedRecords: managed,
		OwnerID:        registry.OwnerID(),
	}
	changes := planned.Calculate().Changes
	if changes.HasChanges() {
		err = registry.ApplyChanges(ctx, changes)
	}
	return changes, err
}
