package main

import (
	"bytes"
	"net/url"
	"strings"
	"testing"

	"inlet/db/dbtest"
	"inlet/embedded/redistest"
)

// TestEngines walks through a link's life with PgBouncer in front of Postgres, a
// Redis Cluster, and another connection for what is only read.
func TestEngines(t *testing.T) {
	t.Parallel()
	database := dbtest.URL(t)
	pooler := dbtest.PgBouncer(t, database)
	cluster := redistest.StartCluster(t)
	dir := t.TempDir()
	settings := []string{
		"INLET_DATABASE_URL=" + pooler, "INLET_REDIS_URL=" + cluster.URL,
		"INLET_DATABASE_READ_URL=" + readOnly(t, database),
		"INLET_ADMIN_TOKEN=operator token of the tests", "INLET_LINK_KEYS=" + goodKeys,
	}

	refused := command(t, dir)
	refused.Env = append(refused.Env, settings...)
	if out, err := refused.CombinedOutput(); err == nil || !strings.Contains(string(out), "INLET_DATABASE_POOLER") {
		t.Fatalf("a pooler that was not announced: %v: %s", err, out)
	}

	r := start(t, dir, append(settings, "INLET_DATABASE_POOLER=transaction")...)
	link := r.link(t)
	pictures := [][]byte{picture(t, 3), picture(t, 4), picture(t, 5)}
	var id string
	for _, data := range pictures {
		id = decode[results](t, r.ask(t, "POST", link, data, 201)).Results[0].ID
		r.ask(t, "POST", link, data, 200)
	}
	counted := func(stored, accepted int) func() bool {
		return func() bool {
			doc := decode[struct {
				Images  struct{ Stored int }
				Uploads struct{ Accepted int }
			}](t, r.ask(t, "GET", "/v1/stats", nil, 200))
			return doc.Images.Stored == stored && doc.Uploads.Accepted == accepted
		}
	}
	eventually(t, "true statistics", counted(3, 6))
	if list := r.ask(t, "GET", "/v1/images?format=png", nil, 200); bytes.Count(list, []byte(`"sha256"`)) != 3 {
		t.Errorf("the list: %s", list)
	}
	r.ask(t, "PUT", "/v1/images/"+id+"/labels", []byte(`{"labels":["grey"]}`), 200)
	r.ask(t, "DELETE", "/v1/images/"+id, nil, 204)
	eventually(t, "true statistics after a deletion", counted(2, 4))

	cluster.KillMaster("inlet:{stats}:state")
	r.ask(t, "POST", link, picture(t, 6), 201)
	eventually(t, "true statistics after a failover", counted(3, 5))

	rebuild := command(t, dir, "rebuild-stats")
	rebuild.Env = append(rebuild.Env, append(settings, "INLET_DATABASE_POOLER=transaction")...)
	if out, err := rebuild.CombinedOutput(); err != nil || !strings.Contains(string(out), "3 images, 5 accepted") {
		t.Errorf("rebuild-stats: %v: %s", err, out)
	}
}

// readOnly is a database's URL for sessions that may not write, as those of a
// replica may not.
func readOnly(t *testing.T, raw string) string {
	t.Helper()
	u, err := url.Parse(raw)
	if err != nil {
		t.Fatal(err)
	}
	query := u.Query()
	query.Set("default_transaction_read_only", "on")
	u.RawQuery = query.Encode()
	return u.String()
}
