package main

import (
	"bytes"
	"net/netip"
	"os"
	"path/filepath"
	"reflect"
	"slices"
	"strings"
	"testing"
	"time"
)

const goodKeys = "k1:AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA="

// load reads the configuration from just these variables.
func load(t *testing.T, variables map[string]string) (config, error) {
	t.Helper()
	for _, line := range os.Environ() {
		if name, _, _ := strings.Cut(line, "="); strings.HasPrefix(name, "INLET_") {
			t.Setenv(name, "")
			os.Unsetenv(name)
		}
	}
	for name, value := range variables {
		t.Setenv(name, value)
	}
	return loadConfig()
}

func TestDefaults(t *testing.T) {
	c, err := load(t, nil)
	if err != nil {
		t.Fatal(err)
	}
	dir, err := filepath.Abs("inlet-data")
	if err != nil {
		t.Fatal(err)
	}
	want := config{
		Addr: "127.0.0.1:8080", PublicURL: "http://127.0.0.1:8080", DataDir: "./inlet-data", DatabaseConns: 24, BlobURL: "file://" + dir,
		Role: "all", Dedup: "perceptual", DedupScope: "service", ImageAccess: "public",
		MaxFileBytes: 64 << 20, MaxPixels: 100_000_000, MaxFiles: 100, DecodeMemory: 96 << 20, HEICMemory: 2 << 30,
		TrainEvery: period(time.Hour), TrainMin: 8, LogFormat: "text", LogLevel: "info",
	}
	if !reflect.DeepEqual(c, want) {
		t.Errorf("got %+v\nwant %+v", c, want)
	}
}

func TestSettings(t *testing.T) {
	c, err := load(t, map[string]string{
		"INLET_ADDR": "0.0.0.0:80", "INLET_PUBLIC_URL": "https://pictures.example.org/",
		"INLET_DATABASE_URL": "postgres://u:p@db/inlet", "INLET_REDIS_URL": "redis://:pw@a:1,redis://:pw@b:2",
		"INLET_ADMIN_TOKEN": "0123456789abcdef", "INLET_LINK_KEYS": goodKeys, "INLET_BLOB_URL": "file:///srv/x",
		"INLET_ROLE": "api", "INLET_TRUSTED_PROXIES": "10.0.0.0/8,::1", "INLET_MAX_FILE_BYTES": "1GiB",
		"INLET_MAX_FILES": "5", "INLET_LOG_FORMAT": "json", "INLET_DEDUP": "exact",
	})
	if err != nil {
		t.Fatal(err)
	}
	if c.PublicURL != "https://pictures.example.org" || c.MaxFileBytes != 1<<30 || c.MaxFiles != 5 || c.Dedup != "exact" || c.BlobURL != "file:///srv/x" {
		t.Errorf("got %+v", c)
	}
	proxies := []network{{netip.MustParsePrefix("10.0.0.0/8")}, {netip.MustParsePrefix("::1/128")}}
	if !reflect.DeepEqual(c.TrustedProxies, proxies) {
		t.Errorf("proxies: %v", c.TrustedProxies)
	}
	if c.database().Pooled {
		t.Error("a pooler is taken for granted")
	}
}

// Every error names the variable, and none prints a secret.
func TestMistakes(t *testing.T) {
	external := map[string]string{
		"INLET_DATABASE_URL": "postgres://u:hunter2@db/inlet", "INLET_ADMIN_TOKEN": "0123456789abcdef", "INLET_LINK_KEYS": goodKeys,
	}
	cases := []struct{ name, value string }{
		{"INLET_ADDR", "8080"},
		{"INLET_PUBLIC_URL", "pictures.example.org"},
		{"INLET_PUBLIC_URL", "https://example.org/path"},
		{"INLET_ADMIN_TOKEN", "hunter2"},
		{"INLET_ADMIN_TOKEN", ""},
		{"INLET_LINK_KEYS", "k1:hunter2"},
		{"INLET_LINK_KEYS", ""},
		{"INLET_DATABASE_URL", "mysql://u:hunter2@db"},
		{"INLET_REDIS_URL", "http://:hunter2@x"},
		{"INLET_DATABASE_READ_URL", "mysql://u:hunter2@db"},
		{"INLET_DATABASE_POOLER", "statement"},
		{"INLET_DATABASE_CONNS", "1"},
		{"INLET_REDIS_CONNS", "-1"},
		{"INLET_BLOB_URL", "/srv/x"},
		{"INLET_BLOB_URL", "s3://"},
		{"INLET_BLOB_URL", "s3://ab"},
		{"INLET_BLOB_URL", "s3://key:hunter2@bucket"},
		{"INLET_BLOB_URL", "s3://bucket?endpoint=http://key:hunter2@host"},
		{"INLET_BLOB_REDIRECT", "1"},
		{"INLET_BLOB_REDIRECT", "yes"},
		{"INLET_ROLE", "both"},
		{"INLET_DEDUP", "fuzzy"},
		{"INLET_DEDUP_SCOPE", "world"},
		{"INLET_IMAGE_ACCESS", "secret"},
		{"INLET_TRUSTED_PROXIES", "10.0.0.0/99"},
		{"INLET_MAX_FILE_BYTES", "64MB"},
		{"INLET_MAX_FILE_BYTES", "0"},
		{"INLET_MAX_FILE_BYTES", "99999999999GiB"},
		{"INLET_MAX_PIXELS", "many"},
		{"INLET_MAX_FILES", "-1"},
		{"INLET_TRAIN_EVERY", "30s"},
		{"INLET_TRAIN_EVERY", "often"},
		{"INLET_TRAIN_MIN", "1"},
		{"INLET_DECODE_MEMORY", "1KiB"},
		{"INLET_LOG_FORMAT", "xml"},
		{"INLET_LOG_LEVEL", "loud"},
	}
	for _, c := range cases {
		t.Run(c.name+"="+c.value, func(t *testing.T) {
			variables := map[string]string{c.name: c.value}
			for name, value := range external {
				if _, set := variables[name]; !set {
					variables[name] = value
				}
			}
			_, err := load(t, variables)
			if err == nil {
				t.Fatal("accepted")
			}
			if !strings.HasPrefix(err.Error(), c.name+": ") || strings.Contains(err.Error(), "hunter2") {
				t.Errorf("got %q", err)
			}
			if lines := strings.Count(err.Error(), "\n"); lines != 0 {
				t.Errorf("more than one complaint: %q", err)
			}
		})
	}
	if _, err := load(t, map[string]string{"INLET_ROLE": "worker"}); err == nil || !strings.Contains(err.Error(), "INLET_DATABASE_URL") {
		t.Errorf("a worker without a database: %v", err)
	}
}

// One error names all wrong settings, the ones that cannot be parsed too.
func TestAllMistakesAtOnce(t *testing.T) {
	_, err := load(t, map[string]string{
		"INLET_MAX_PIXELS": "many", "INLET_MAX_FILE_BYTES": "64MB", "INLET_ROLE": "both", "INLET_ADDR": "8080", "INLET_DATA_DIR": "/x",
		"INLET_PUBLIC_URL": "pictures.example.org",
	})
	if err == nil {
		t.Fatal("accepted")
	}
	var names []string
	for line := range strings.SplitSeq(err.Error(), "\n") {
		name, _, _ := strings.Cut(line, ": ")
		names = append(names, name)
	}
	slices.Sort(names)
	if want := []string{"INLET_ADDR", "INLET_MAX_FILE_BYTES", "INLET_MAX_PIXELS", "INLET_PUBLIC_URL", "INLET_ROLE"}; !slices.Equal(names, want) {
		t.Errorf("got %q", err)
	}
}

func TestHelpListsEverything(t *testing.T) {
	var out bytes.Buffer
	root := rootCommand()
	root.SetOut(&out)
	root.SetArgs([]string{"serve", "-h"})
	if err := root.Execute(); err != nil {
		t.Fatal(err)
	}
	for _, field := range reflect.VisibleFields(reflect.TypeFor[config]()) {
		if name := field.Tag.Get("env"); name != "" && !strings.Contains(out.String(), name+" ") {
			t.Errorf("%s is not in the help", name)
		}
		if value := field.Tag.Get("envDefault"); !strings.Contains(out.String(), value) {
			t.Errorf("the default %s is not in the help", value)
		}
	}
}
