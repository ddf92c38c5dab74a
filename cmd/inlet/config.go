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
	"slices"
	"strconv"
	"strings"
	"text/tabwriter"
	"time"

	"github.com/caarlos0/env/v11"

	"inlet/blob/s3"
	"inlet/db"
	"inlet/db/redisdb"
	"inlet/link"
	"inlet/web/intake"
)

// config holds all settings. Each is an environment variable.
type config struct {
	Addr           string      `env:"INLET_ADDR" envDefault:"127.0.0.1:8080" help:"listen address"`
	PublicURL      string      `env:"INLET_PUBLIC_URL" help:"origin written into the links (default: http:// and the listen address)"`
	AdminToken     string      `env:"INLET_ADMIN_TOKEN" help:"the operator's secret token, at least 16 characters (default with the private database: made once and stored in the data dir; required otherwise)"`
	LinkKeys       string      `env:"INLET_LINK_KEYS" help:"kid:key,… with keys of at least 32 bytes in base64; the first signs, all verify (default with the private database: made once and stored in the data dir; required otherwise)"`
	DataDir        string      `env:"INLET_DATA_DIR" envDefault:"./inlet-data" help:"folder of the private stores, the blobs and the secrets"`
	DatabaseURL    string      `env:"INLET_DATABASE_URL" help:"Postgres (default: a private one in the data dir)"`
	ReadURL        string      `env:"INLET_DATABASE_READ_URL" help:"a read replica of that Postgres, for lists and exports, which may then lag behind (default: the same)"`
	Pooler         string      `env:"INLET_DATABASE_POOLER" help:"transaction: a pooler such as PgBouncer in its mode transaction is in front of Postgres (default: none)"`
	DatabaseConns  int32       `env:"INLET_DATABASE_CONNS" envDefault:"24" help:"most connections of this process to Postgres"`
	RedisURL       string      `env:"INLET_REDIS_URL" help:"Redis: redis:// or rediss://; for a cluster several addresses with commas between them, or one with ?cluster=true; for sentinels their addresses with ?master_name=NAME (default: a private one)"`
	RedisConns     int         `env:"INLET_REDIS_CONNS" help:"most connections of this process to each server of Redis (default: ten for each processor)"`
	BlobURL        string      `env:"INLET_BLOB_URL" help:"store of pictures, and of uploads in pieces: file:///path, or s3://bucket?endpoint=https://host&region=name&prefix=folder with credentials from AWS_… (default: in the data dir)"`
	BlobRedirect   bool        `env:"INLET_BLOB_REDIRECT" help:"1: redirect downloads of pictures to S3, by an address that is good for five minutes"`
	Role           string      `env:"INLET_ROLE" envDefault:"all" help:"all, api (answers requests) or worker (runs jobs)"`
	Dedup          string      `env:"INLET_DEDUP" envDefault:"perceptual" help:"perceptual, or exact: only the same bytes are duplicates"`
	DedupScope     string      `env:"INLET_DEDUP_SCOPE" envDefault:"service" help:"service, or link: only uploads through the same link are compared"`
	TrustedProxies []network   `env:"INLET_TRUSTED_PROXIES" help:"proxies whose X-Forwarded-For the service trusts: single addresses or CIDRs, with commas between them"`
	ImageAccess    string      `env:"INLET_IMAGE_ACCESS" envDefault:"public" help:"public (anyone who has the id) or signed"`
	MaxFileBytes   size        `env:"INLET_MAX_FILE_BYTES" envDefault:"64MiB" help:"largest file; bytes, or with KiB, MiB, GiB"`
	MaxPixels      int64       `env:"INLET_MAX_PIXELS" envDefault:"100000000" help:"most pixels of a picture, all frames together"`
	MaxFiles       int         `env:"INLET_MAX_FILES" envDefault:"100" help:"most files in a request"`
	ClientRate     intake.Rate `env:"INLET_RATE_CLIENT" help:"most files from one client address, as 600/m (s, m, h, d); ten times as many visits of links (default: no limit)"`
	LinkRate       intake.Rate `env:"INLET_RATE_LINK" help:"most files through one link, as 6000/m (default: no limit)"`
	DecodeMemory   size        `env:"INLET_DECODE_MEMORY" envDefault:"96MiB" help:"memory for all pictures that are decoded at the same time; a picture that needs more is decoded while no other is"`
	HEICMemory     size        `env:"INLET_HEIC_MEMORY" envDefault:"2GiB" help:"memory that decoding one HEIC or AVIF may take in a process that runs jobs; one that needs more stays undecoded"`
	TrainEvery     period      `env:"INLET_TRAIN_EVERY" envDefault:"1h" help:"how often the batch layer looks whether enough labels have changed to train a new model; 0: only on demand"`
	TrainMin       int         `env:"INLET_TRAIN_MIN" envDefault:"8" help:"pictures from which on a label is learnt"`
	ReviewWeights  string      `env:"INLET_REVIEW_WEIGHTS" help:"file of the weights that give a second opinion on pictures that the first net takes for sensitive; make reviewer makes it (default: none)"`
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

// period is a span of time, from a minute on; 0 is none.
type period time.Duration

// UnmarshalText reads "90m", "12h" or "0".
func (p *period) UnmarshalText(text []byte) error {
	d, err := time.ParseDuration(string(text))
	if err != nil || d != 0 && d < time.Minute || d > 365*24*time.Hour {
		return errors.New("want a time of at least a minute such as 90m or 12h, or 0")
	}
	*p = period(d)
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

// rule is what one variable must fulfil.
type rule struct {
	name      string
	ok        bool
	complaint string
}

// loadConfig reads the environment and checks it. Its error has one line for each
// wrong variable and never prints a secret.
func loadConfig() (config, error) {
	var c config
	unread := unreadable(env.Parse(&c))

	var errs []error
	wrong := map[string]bool{}
	for _, r := range append(unread, c.Validate()...) {
		if !r.ok && !wrong[r.name] {
			wrong[r.name] = true
			errs = append(errs, fmt.Errorf("%s: %s", r.name, r.complaint))
		}
	}

	return c, errors.Join(errs...)
}

// unreadable turns env's errors, which name fields, into rules, which name variables.
func unreadable(err error) (rules []rule) {
	if err == nil {
		return nil
	}
	all := env.AggregateError{Errors: []error{err}}
	errors.As(err, &all)
	for _, err := range all.Errors {
		name, parse := "the environment", env.ParseError{Err: err}
		if errors.As(err, &parse) {
			field, _ := reflect.TypeFor[config]().FieldByName(parse.Name)
			name = field.Tag.Get("env")
		}
		rules = append(rules, rule{name: name, complaint: complaint(parse.Err)})
	}

	return rules
}

// complaint words an error of strconv for people who set variables.
func complaint(err error) string {
	number, ok := errors.AsType[*strconv.NumError](err)
	switch {
	case !ok:
		return err.Error()
	case number.Func == "ParseBool":
		return fmt.Sprintf("%q: want 1 or 0", number.Num)
	case errors.Is(err, strconv.ErrRange):
		return number.Num + " is out of range"
	default:
		return fmt.Sprintf("%q: want a whole number", number.Num)
	}
}

// Validate fills in the settings that follow from others, and returns the rules that
// all settings must fulfil.
func (c *config) Validate() []rule {
	return slices.Concat(c.addresses(), c.secrets(), c.stores(), c.choices(), c.limits())
}

func (c *config) addresses() []rule {
	host, port, addrErr := net.SplitHostPort(c.Addr)
	derived := c.PublicURL == ""
	if derived {
		c.PublicURL = "http://" + net.JoinHostPort(reachable(host), port)
	}
	c.PublicURL = strings.TrimRight(c.PublicURL, "/")
	public := derived && addrErr != nil || validOrigin(c.PublicURL)

	return []rule{
		{"INLET_ADDR", addrErr == nil, fmt.Sprintf("%q is no host:port", c.Addr)},
		{"INLET_PUBLIC_URL", public, fmt.Sprintf("%q is no origin such as https://pictures.example.org", c.PublicURL)},
	}
}

func (c *config) secrets() []rule {
	var keysErr error
	if c.LinkKeys != "" {
		c.keys, keysErr = link.ParseKeys(c.LinkKeys)
	}

	return []rule{
		{"INLET_ADMIN_TOKEN", c.AdminToken != "" || c.private(), "is required when INLET_DATABASE_URL is set"},
		{"INLET_ADMIN_TOKEN", c.AdminToken == "" || len([]rune(c.AdminToken)) >= 16, "is too short: at least 16 characters"},
		{"INLET_LINK_KEYS", c.LinkKeys != "" || c.private(), "is required when INLET_DATABASE_URL is set; " +
			"make one with: echo k1:$(openssl rand -base64 32)"},
		no("INLET_LINK_KEYS", keysErr),
	}
}

func (c *config) stores() []rule {
	dir, dirErr := filepath.Abs(c.DataDir)
	if c.BlobURL == "" {
		c.BlobURL = (&url.URL{Scheme: "file", Path: filepath.ToSlash(dir)}).String()
	}
	var redisErr, blobErr error
	if c.RedisURL != "" {
		redisErr = redisdb.Check(c.RedisURL)
	}
	if c.onS3() {
		blobErr = s3.Check(c.BlobURL)
	} else if !strings.HasPrefix(c.BlobURL, "file:///") {
		blobErr = errors.New("is no URL such as file:///var/lib/inlet or s3://bucket")
	}

	return []rule{
		{"INLET_DATA_DIR", c.DataDir != "", "is empty"},
		no("INLET_DATA_DIR", dirErr),
		{"INLET_DATABASE_URL", c.private() || validDatabase(c.DatabaseURL), databaseURL},
		{"INLET_DATABASE_READ_URL", c.ReadURL == "" || validDatabase(c.ReadURL), databaseURL},
		{"INLET_DATABASE_READ_URL", c.ReadURL == "" || !c.private(), needsDatabase + "no replica"},
		{"INLET_DATABASE_POOLER", c.Pooler == "" || c.Pooler == "transaction", fmt.Sprintf("%q is neither transaction nor empty", c.Pooler)},
		{"INLET_DATABASE_CONNS", c.DatabaseConns >= 4 && c.DatabaseConns <= 1000, "must be between 4 and 1000"},
		{"INLET_REDIS_CONNS", c.RedisConns >= 0 && c.RedisConns <= 10_000, "must be between 1 and 10,000"},
		no("INLET_REDIS_URL", redisErr),
		no("INLET_BLOB_URL", blobErr),
		{"INLET_BLOB_REDIRECT", !c.BlobRedirect || c.onS3(), "needs S3: set INLET_BLOB_URL to s3://…"},
	}
}

func (c *config) choices() []rule {
	levelErr := new(slog.Level).UnmarshalText([]byte(c.LogLevel))

	return []rule{
		oneOf("INLET_ROLE", c.Role, "all", "api", "worker"),
		{"INLET_ROLE", c.Role == "all" || !c.private(), c.Role + " " + needsDatabase + "one process"},
		oneOf("INLET_DEDUP", c.Dedup, "perceptual", "exact"),
		oneOf("INLET_DEDUP_SCOPE", c.DedupScope, "service", "link"),
		oneOf("INLET_IMAGE_ACCESS", c.ImageAccess, "public", "signed"),
		oneOf("INLET_LOG_FORMAT", c.LogFormat, "text", "json"),
		{"INLET_LOG_LEVEL", levelErr == nil, fmt.Sprintf("%q is none of debug, info, warn, error", c.LogLevel)},
	}
}

func (c *config) limits() []rule {
	return []rule{
		{"INLET_MAX_FILE_BYTES", c.MaxFileBytes > 0 && c.MaxFileBytes <= 16<<30, "must be between 1 byte and 16 GiB"},
		{"INLET_MAX_PIXELS", c.MaxPixels > 0 && c.MaxPixels <= 1e10, "must be between 1 and 10,000,000,000"},
		{"INLET_MAX_FILES", c.MaxFiles > 0 && c.MaxFiles <= 10_000, "must be between 1 and 10,000"},
		{"INLET_DECODE_MEMORY", c.DecodeMemory >= 16<<20, "must be at least 16MiB"},
		{"INLET_HEIC_MEMORY", c.HEICMemory >= 64<<20 && c.HEICMemory <= 4<<30, "must be between 64MiB and 4GiB"},
		{"INLET_TRAIN_MIN", c.TrainMin >= 2 && c.TrainMin <= 100_000, "must be between 2 and 100,000"},
	}
}

// needsDatabase begins a complaint about a setting that the private database rules out.
const needsDatabase = "needs INLET_DATABASE_URL: the private database has "

const databaseURL = "is no URL such as postgres://user:password@host/database"

// no is the rule that there is no error.
func no(name string, err error) rule { return rule{name, err == nil, fmt.Sprint(err)} }

func oneOf(name, value string, allowed ...string) rule {
	return rule{name, slices.Contains(allowed, value), fmt.Sprintf("%q is none of %s", value, strings.Join(allowed, ", "))}
}

// database returns the options of connections to Postgres.
func (c *config) database() db.Options {
	return db.Options{MaxConns: c.DatabaseConns, Pooled: c.Pooler == "transaction"}
}

// private tells whether the database is the one in the data dir.
func (c *config) private() bool { return c.DatabaseURL == "" }

// onS3 tells whether the pictures are in a bucket.
func (c *config) onS3() bool { return strings.HasPrefix(c.BlobURL, "s3:") }

// reachable returns a host at which this machine reaches a listener on host.
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
