package main

import (
	"bytes"
	"errors"
	"os"
	"testing"

	"github.com/grafana/grafana-foundation-sdk/go/cog"
	"github.com/grafana/grafana-foundation-sdk/go/cog/plugins"
	"github.com/grafana/grafana-foundation-sdk/go/dashboard"
)

// The provisioned files are those of boards.go, and valid by Grafana's schema.
func TestDashboards(t *testing.T) {
	plugins.RegisterDefaultPlugins()
	for _, b := range boards {
		want, err := b.document()
		if err != nil {
			t.Fatal(err)
		}

		got, err := os.ReadFile("../../grafana/dashboards/" + b.uid + ".json")
		if err != nil {
			t.Fatal(err)
		}
		if !bytes.Equal(got, want) {
			t.Errorf("%s is not as boards.go says: make dashboards", b.uid)
		}

		var parsed dashboard.Dashboard
		if err := parsed.UnmarshalJSONStrict(got); failed(err) {
			t.Errorf("%s: %v", b.uid, err)
		}
		if err := parsed.Validate(); failed(err) {
			t.Errorf("%s: %v", b.uid, err)
		}
		if parsed.Uid == nil || len(parsed.Panels) < 8 {
			t.Errorf("%s has %d panels", b.uid, len(parsed.Panels))
		}
	}
}

// failed tells an error from the SDK's empty list of errors.
func failed(err error) bool {
	var list cog.BuildErrors
	return err != nil && (!errors.As(err, &list) || len(list) > 0)
}
