package main

import (
	"errors"
	"fmt"
	"io"
	"log/slog"
	"math"
	"net"
	"net/netip"
	"net/url"
	"path/filepath"
	"reflect"
	"strconv"
	"strings"
	"text/tabwriter"

	"github.com/caarlos0/env/v11"

	"inlet/blob/s3"
	"inlet/db"
	"inlet/db/redisdb"
	"inlet/link"
	"inlet/web/intake"
)

// config is everything that can be set; all of it by environment variables.
type config struct {
	Addr           string      `env:"INLET_ADDR" envDefault:"127.0.0.1:8080" help:"listen address"`
	PublicURL      string      `env:"INLET_PUBLIC_URL" help:"origin written into the links (default: http:// and the listen address)"`
	AdminToken     string      `env:"INLET_ADMIN_TOKEN" help:"the operator's secret token, at least 16 characters (default with the private database: made once and kept in the data dir; required otherwise)"`
	LinkKeys       string      `env:"INLET_LINK_KEYS" help:"kid:key,… with keys of at least 32 bytes in base64; the first signs, all verify (default: as the token)"`
	DataDir        string      `env:"INLET_DATA_DIR" envDefault:"./inlet-data" help:"where the private stores, the blobs and the secrets are"`
	DatabaseURL    string      `env:"INLET_DATABASE_URL" help:"Postgres (default: a private one in the data dir)"`
	ReadURL        string      `env:"INLET_DATABASE_READ_URL" help:"a read replica of that Postgres, for lists and exports, which may then lag behind (default: the same)"`
	Pooler         string      `env:"INLET_DATABASE_POOLER" help:"transaction: a pooler such as PgBouncer in its mode transaction is in front of Postgres (default: none)"`
	DatabaseConns  int32       `env:"INLET_DATABASE_CONNS" envDefault:"24" help:"most connections of this process to Postgres"`
	RedisURL       string      `env:"INLET_REDIS_URL" help:"Redis: redis:// or rediss://, comma-separated for a cluster, sentinels with ?master_name=NAME (default: an embedded one)"`
	RedisConns     int         `env:"INLET_REDIS_CONNS" help:"most connections of this process to each server of Redis (default: ten for each processor)"`
	BlobURL        string      `env:"INLET_BLOB_URL" help:"where pictures, and uploads in pieces, are kept: file:///path, or s3://bucket?endpoint=https://host&region=name&prefix=folder with credentials from AWS_… (default: in the data dir)"`
	BlobRedirect   bool        `env:"INLET_BLOB_REDIRECT" help:"1: who fetches a picture is sent to S3 for its bytes, by an address that is good for five minutes"`
	Role           string      `env:"INLET_ROLE" envDefault:"all" help:"all, api (answers requests) or worker (runs jobs)"`
	Dedup          string      `env:"INLET_DEDUP" envDefault:"perceptual" help:"perceptual, or exact: only the same bytes are duplicates"`
	DedupScope     string      `env:"INLET_DEDUP_SCOPE" envDefault:"service" help:"service, or link: only uploads through the same link are compared"`
	TrustedProxies []network   `env:"INLET_TRUSTED_PROXIES" help:"networks whose X-Forwarded-For is believed, as CIDRs"`
	ImageAccess    string      `env:"INLET_IMAGE_ACCESS" envDefault:"public" help:"public (whoever has the id) or signed"`
	MaxFileBytes   size        `env:"INLET_MAX_FILE_BYTES" envDefault:"64MiB" help:"largest file; bytes, or with KiB, MiB, GiB"`
	MaxPixels      int64       `env:"INLET_MAX_PIXELS" envDefault:"100000000" help:"most pixels of a picture, all frames together"`
	MaxFiles       int         `env:"INLET_MAX_FILES" envDefault:"100" help:"most files in a request"`
	ClientRate     intake.Rate `env:"INLET_RATE_CLIENT" help:"most files from one client address, as 600/m (s, m, h, d); ten times as many visits of links (default: no limit)"`
	LinkRate       intake.Rate `env:"INLET_RATE_LINK" help:"most files through one link, as 6000/m (default: no limit)"`
	DecodeMemory   size        `env:"INLET_DECODE_MEMORY" envDefault:"96MiB" help:"memory that decoding pictures may use at once; a picture that needs more is decoded alone"`
	HEICMemory     size        `env:"INLET_HEIC_MEMORY" envDefault:"2GiB" help:"memory that decoding one HEIC or AVIF may take in a process that runs jobs; one that needs more is kept undecoded"`
	LogFormat      string      `env:"INLET_LOG_FORMAT" envDefault:"text" help:"text or json"`
	LogLevel       string      `env:"INLET_LOG_LEVEL" envDefault:"info" help:"debug, info, warn or error"`

	keys *link.Keyring // LinkKeys, parsed; nil when they are to be made
}

// size is a number of bytes.
type size int64

// UnmarshalText reads "65536", "64KiB", "64MiB" or "1GiB".
func (s *size) UnmarshalText(text []byte) error {
	digits, unit := string(text), int64(1)
	for i, suffix := range []string{"KiB", "MiB", "GiB"} {
		if n, found := strings.CutSuffix(digits, suffix); found {
			digits, unit = strings.TrimSpace(n), 1<<(10*(i+1))
			break
		}
	}
	n, err := strconv.ParseInt(digits, 10, 64)
	if err != nil || n > math.MaxInt64/unit {
		return errors.New("want a number of bytes, or one with KiB, MiB or GiB")
	}
	*s = size(n * unit)
	return nil
}

// network is one address or a CIDR.
type network struct{ netip.Prefix }

// UnmarshalText reads "10.0.0.0/8" or "10.1.2.3".
func (n *network) UnmarshalText(text []byte) error {
	s := strings.TrimSpace(string(text))
	if addr, err := netip.ParseAddr(s); err == nil {
		n.Prefix = netip.PrefixFrom(addr, addr.BitLen())
		return nil
	}
	prefix, err := netip.ParsePrefix(s)
	if err != nil {
		return errors.New("want an address or a CIDR such as 10.0.0.0/8")
	}
	n.Prefix = prefix.Masked()
	return nil
}

// loadConfig reads the environment and checks it.
func loadConfig() (config, error) {
	var c config
	err := env.Parse(&c)
	if err == nil {
		err = c.Validate()
	}
	return c, named(err)
}

// named makes env's errors name the variable instead of the field.
func named(err error) error {
	var all env.AggregateError
	if !errors.As(err, &all) {
		return err
	}
	var lines []error
	for _, one := range all.Errors {
		var parse env.ParseError
		if errors.As(one, &parse) {
			field, _ := reflect.TypeFor[config]().FieldByName(parse.Name)
			one = fmt.Errorf("%s: %w", field.Tag.Get("env"), parse.Err)
		}
		lines = append(lines, one)
	}
	return errors.Join(lines...)
}

// database is how Postgres is used.
func (c *config) database() db.Options {
	return db.Options{MaxConns: c.DatabaseConns, Pooled: c.Pooler == "transaction"}
}

// private tells whether the database is the one in the data dir.
func (c *config) private() bool { return c.DatabaseURL == "" }

// onS3 tells whether the pictures are kept in a bucket.
func (c *config) onS3() bool { return strings.HasPrefix(c.BlobURL, "s3:") }

// Validate checks every setting and fills in those that follow from others.
// Its errors name the variable and never print a secret.
func (c *config) Validate() error {
	var errs []error
	check := func(ok bool, name, format string, args ...any) {
		if !ok {
			errs = append(errs, fmt.Errorf("%s: %s", name, fmt.Sprintf(format, args...)))
		}
	}
	oneOf := func(name, value string, allowed ...string) {
		for _, a := range allowed {
			if value == a {
				return
			}
		}
		check(false, name, "%q is none of %s", value, strings.Join(allowed, ", "))
	}
	host, port, err := net.SplitHostPort(c.Addr)
	check(err == nil, "INLET_ADDR", "%q is no host:port", c.Addr)
	if c.PublicURL == "" {
		c.PublicURL = "http://" + net.JoinHostPort(reachable(host), port)
	}
	c.PublicURL = strings.TrimRight(c.PublicURL, "/")
	check(err != nil || validOrigin(c.PublicURL), "INLET_PUBLIC_URL", "%q is no origin such as https://pictures.example.org", c.PublicURL)

	check(c.AdminToken != "" || c.private(), "INLET_ADMIN_TOKEN", "is required when INLET_DATABASE_URL is set")
	check(c.AdminToken == "" || len([]rune(c.AdminToken)) >= 16, "INLET_ADMIN_TOKEN", "is too short: at least 16 characters")
	check(c.LinkKeys != "" || c.private(), "INLET_LINK_KEYS", "is required when INLET_DATABASE_URL is set; make one with: echo k1:$(openssl rand -base64 32)")
	if c.LinkKeys != "" {
		c.keys, err = link.ParseKeys(c.LinkKeys)
		check(err == nil, "INLET_LINK_KEYS", "%v", err)
	}
	check(c.DataDir != "", "INLET_DATA_DIR", "is empty")
	check(c.private() || validDatabase(c.DatabaseURL), "INLET_DATABASE_URL", "is no URL such as postgres://user:password@host/database")
	check(c.ReadURL == "" || validDatabase(c.ReadURL), "INLET_DATABASE_READ_URL", "is no URL such as postgres://user:password@host/database")
	check(c.ReadURL == "" || !c.private(), "INLET_DATABASE_READ_URL", "needs INLET_DATABASE_URL: the private database has no replica")
	oneOf("INLET_DATABASE_POOLER", c.Pooler, "", "transaction")
	check(c.DatabaseConns >= 4 && c.DatabaseConns <= 1000, "INLET_DATABASE_CONNS", "must be between 4 and 1000")
	check(c.RedisConns >= 0 && c.RedisConns <= 10_000, "INLET_REDIS_CONNS", "must be between 1 and 10,000")
	if c.RedisURL != "" {
		err := redisdb.Check(c.RedisURL)
		check(err == nil, "INLET_REDIS_URL", "%v", err)
	}
	if c.onS3() {
		err := s3.Check(c.BlobURL)
		check(err == nil, "INLET_BLOB_URL", "%v", err)
	} else {
		check(c.BlobURL == "" || strings.HasPrefix(c.BlobURL, "file:///"), "INLET_BLOB_URL", "is no URL such as file:///var/lib/inlet or s3://bucket")
	}
	check(!c.BlobRedirect || c.onS3(), "INLET_BLOB_REDIRECT", "needs S3: set INLET_BLOB_URL to s3://…")

	oneOf("INLET_ROLE", c.Role, "all", "api", "worker")
	check(c.Role == "all" || !c.private(), "INLET_ROLE", "%s needs INLET_DATABASE_URL: the private database has one process", c.Role)
	oneOf("INLET_DEDUP", c.Dedup, "perceptual", "exact")
	oneOf("INLET_DEDUP_SCOPE", c.DedupScope, "service", "link")
	oneOf("INLET_IMAGE_ACCESS", c.ImageAccess, "public", "signed")
	check(c.MaxFileBytes > 0 && c.MaxFileBytes <= 16<<30, "INLET_MAX_FILE_BYTES", "must be between 1 byte and 16 GiB")
	check(c.MaxPixels > 0 && c.MaxPixels <= 1e10, "INLET_MAX_PIXELS", "must be between 1 and 10,000,000,000")
	check(c.MaxFiles > 0 && c.MaxFiles <= 10_000, "INLET_MAX_FILES", "must be between 1 and 10,000")
	check(c.DecodeMemory >= 16<<20, "INLET_DECODE_MEMORY", "must be at least 16MiB")
	check(c.HEICMemory >= 64<<20 && c.HEICMemory <= 4<<30, "INLET_HEIC_MEMORY", "must be between 64MiB and 4GiB")
	oneOf("INLET_LOG_FORMAT", c.LogFormat, "text", "json")
	check(new(slog.Level).UnmarshalText([]byte(c.LogLevel)) == nil, "INLET_LOG_LEVEL", "%q is none of debug, info, warn, error", c.LogLevel)

	dir, err := filepath.Abs(c.DataDir)
	check(err == nil, "INLET_DATA_DIR", "%v", err)
	if c.BlobURL == "" {
		c.BlobURL = (&url.URL{Scheme: "file", Path: filepath.ToSlash(dir)}).String()
	}
	return errors.Join(errs...)
}

// reachable is a host under which a listener on host is reached from here.
func reachable(host string) string {
	if addr, err := netip.ParseAddr(host); host == "" || err == nil && addr.IsUnspecified() {
		return "127.0.0.1"
	}
	return host
}

func validOrigin(raw string) bool {
	u, err := url.Parse(raw)
	return err == nil && (u.Scheme == "http" || u.Scheme == "https") && u.Host != "" && u.Path == "" && u.RawQuery == ""
}

func validDatabase(raw string) bool {
	u, err := url.Parse(raw)
	return err == nil && (u.Scheme == "postgres" || u.Scheme == "postgresql")
}

// printSettings lists every variable with its default.
func printSettings(w io.Writer) {
	tw := tabwriter.NewWriter(w, 0, 0, 2, ' ', 0)
	for _, field := range reflect.VisibleFields(reflect.TypeFor[config]()) {
		name := field.Tag.Get("env")
		if name == "" {
			continue
		}
		text := field.Tag.Get("help")
		if value := field.Tag.Get("envDefault"); value != "" {
			text += " (default: " + value + ")"
		}
		fmt.Fprintf(tw, "  %s\t%s\n", name, text)
	}
	tw.Flush()
}
