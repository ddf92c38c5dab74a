package web

import (
	"bytes"
	"context"
	"encoding/json"
	"image"
	"image/color"
	"image/gif"
	"image/jpeg"
	"image/png"
	"io"
	"io/fs"
	"log/slog"
	"mime/multipart"
	"net/http"
	"net/http/httptest"
	"net/textproto"
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/jackc/pgx/v5/pgxpool"
	"github.com/prometheus/client_golang/prometheus"
	"github.com/redis/go-redis/v9"

	"inlet/blob"
	"inlet/blob/blobtest"
	"inlet/catalog"
	"inlet/db/dbtest"
	"inlet/embedded/redistest"
	"inlet/imaging"
	"inlet/jobs"
	"inlet/learn/features"
	"inlet/learn/registry"
	"inlet/link"
	"inlet/resume"
	"inlet/stats"
	"inlet/upload"
	"inlet/vault"
)

const (
	testToken    = "operator token of the tests"
	testMaxBytes = 1 << 20
	testMaxFiles = 5
)

// testServer is the whole service on stores of its own.
type testServer struct {
	*Server
	t       testing.TB
	URL     string
	http    *httptest.Server
	client  *http.Client // holds every answer against openapi.yaml
	pool    *pgxpool.Pool
	redis   *redistest.Server
	keys    *link.Keyring
	blobs   blobtest.Store
	root    string // of the blob store
	log     *lockedBuffer
	catalog *catalog.Service
}

// setup is what a test may change before the service is made.
type setup struct {
	web    Options
	upload upload.Options
	pool   *pgxpool.Pool  // for all but the test's own queries
	blobs  blobtest.Store // nil: files
	pieces resume.Store   // nil: files
	signed bool           // as INLET_IMAGE_ACCESS=signed
	lease  time.Duration  // of uploads in pieces
}

// newTestServer starts a service whose stores are the test's own.
func newTestServer(t testing.TB, change ...func(*setup)) *testServer {
	t.Helper()
	s := &testServer{t: t, root: t.TempDir(), log: &lockedBuffer{}, pool: dbtest.Pool(t), redis: redistest.Start(t)}
	log := slog.New(slog.NewTextHandler(s.log, &slog.HandlerOptions{Level: slog.LevelDebug}))
	options, err := redis.ParseURL(s.redis.URL)
	must(t, err)
	rdb := redis.NewClient(options)
	t.Cleanup(func() { rdb.Close() })
	s.keys, err = link.GenerateKeys()
	must(t, err)
	metrics := prometheus.NewRegistry()
	s.http = httptest.NewUnstartedServer(nil)
	s.URL = "http://" + s.http.Listener.Addr().String()

	o := setup{
		web: Options{
			AdminToken: testToken, PublicURL: s.URL,
			MaxFileBytes: testMaxBytes, MaxFiles: testMaxFiles,
			Log: log, Registerer: metrics, Gatherer: metrics,
		},
		upload: upload.Options{
			ClientKey: []byte("key of the tests"), MaxFileBytes: testMaxBytes,
			StoreWait: 5 * time.Second, Registerer: metrics,
		},
		pool: s.pool,
	}
	for _, c := range change {
		c(&o)
	}
	if s.blobs = o.blobs; s.blobs == nil {
		s.blobs, err = blob.Open((&url.URL{Scheme: "file", Path: s.root}).String())
		must(t, err)
	}
	if o.signed {
		o.web.Signer = NewSigner(s.keys.Derive("image access"), time.Now)
	}
	inspector := imaging.NewInspector(1e6, 64<<20)
	o.web.Redis = rdb
	if o.web.Now == nil {
		o.web.Now = time.Now
	}
	o.web.Stats = stats.New(stats.Options{Pool: o.pool, Redis: rdb, Truth: catalog.Counts{}, Log: log, Registerer: metrics})
	o.web.Gate = &link.Gate{
		Keys: s.keys, Revocations: link.NewRevocations(o.pool, rdb, log), Store: link.NewStore(o.pool, o.web.Stats), Now: o.web.Now,
	}
	contents := vault.New(vault.Options{Pool: o.pool, Blobs: s.blobs, References: catalog.References{}, Thumbnailer: inspector})
	s.catalog = catalog.New(catalog.Options{Pool: o.pool, Vault: contents, Predictions: registry.SQL(), Committed: o.web.Stats.Wake})
	o.web.Catalog = s.catalog
	o.web.Jobs, err = jobs.NewEnqueuer(o.pool, log)
	must(t, err)
	o.web.Registry = registry.New(registry.Options{
		Pool: o.pool, Catalog: s.catalog, Stats: o.web.Stats, Extractor: features.New(nil, nil), Reader: inspector, Later: o.web.Jobs,
		TrainEvery: time.Hour, Log: log,
	})
	o.upload.Pool, o.upload.Gate, o.upload.Vault, o.upload.Catalog = o.pool, o.web.Gate, contents, s.catalog
	o.upload.Committed = o.web.Stats.Wake
	if o.upload.Inspector == nil {
		o.upload.Inspector = inspector
	}
	o.web.Uploads = upload.New(o.upload)
	if o.pieces == nil {
		o.pieces, err = resume.OpenFiles((&url.URL{Scheme: "file", Path: s.root}).String())
		must(t, err)
	}
	o.web.Resume = resume.New(resume.Options{
		Pool: o.pool, Store: o.pieces, Uploads: o.web.Uploads, MaxFileBytes: o.web.MaxFileBytes, Lease: o.lease, Log: log, Now: o.web.Now,
	})
	if o.web.Checks == nil {
		o.web.Checks = []Check{
			{Name: "postgres", Essential: true, Ping: o.pool.Ping},
			{Name: "redis", Ping: func(ctx context.Context) error { return rdb.Ping(ctx).Err() }},
			{Name: "blob", Essential: true, Ping: s.blobs.Ping},
		}
	}
	s.Server, err = New(o.web)
	must(t, err)
	s.http.Config = s.HTTPServer()
	s.http.Start()
	t.Cleanup(s.http.Close)
	s.client = &http.Client{Transport: validating(t, s.http.Client().Transport)}
	s.run(o.web.Stats.Run)
	s.run(o.web.Gate.Revocations.Run)
	s.run(o.web.Resume.Run)
	return s
}

// run keeps a service's loop going until the test ends.
func (s *testServer) run(loop func(context.Context) error) {
	ctx, cancel := context.WithCancel(context.Background())
	ended := make(chan struct{})
	go func() {
		defer close(ended)
		if err := loop(ctx); err != nil && ctx.Err() == nil {
			s.t.Errorf("a loop ended: %v", err)
		}
	}()
	s.t.Cleanup(func() {
		cancel()
		<-ended
	})
}

// lockedBuffer takes the log.
type lockedBuffer struct {
	mu sync.Mutex // guards b
	b  bytes.Buffer
}

func (l *lockedBuffer) Write(p []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.b.Write(p)
}

func (l *lockedBuffer) String() string {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.b.String()
}

// answer is a response with its body read.
type answer struct {
	*http.Response
	body []byte
}

// json decodes the body.
func (a answer) json(t testing.TB, v any) {
	t.Helper()
	if err := json.Unmarshal(a.body, v); err != nil {
		t.Fatalf("status %d, not JSON: %v\n%s", a.StatusCode, err, a.body)
	}
}

// code is that of a problem document, "" when it is none.
func (a answer) code() string {
	var p Problem
	if a.Header.Get("Content-Type") != "application/problem+json" || json.Unmarshal(a.body, &p) != nil {
		return ""
	}
	return string(p.Code)
}

// send makes a request. Headers are given as name, value, name, value.
func (s *testServer) send(method, path string, body io.Reader, headers ...string) answer {
	s.t.Helper()
	if !strings.HasPrefix(path, "http") {
		path = s.URL + path
	}
	r, err := http.NewRequest(method, path, body)
	must(s.t, err)
	for i := 0; i+1 < len(headers); i += 2 {
		r.Header.Set(headers[i], headers[i+1])
	}
	response, err := s.client.Do(r)
	must(s.t, err)
	defer response.Body.Close()
	content, err := io.ReadAll(response.Body)
	must(s.t, err)
	return answer{response, content}
}

// operator makes a request with the operator's token.
func (s *testServer) operator(method, path, body string) answer {
	s.t.Helper()
	return s.send(method, path, strings.NewReader(body), "Authorization", "Bearer "+testToken)
}

// makeLink makes a link through the API; spec is JSON, "" one day without limits.
func (s *testServer) makeLink(spec string) newLink {
	s.t.Helper()
	if spec == "" {
		spec = `{"expires_in":"1d"}`
	}
	made := s.operator("POST", "/v1/links", spec)
	if made.StatusCode != http.StatusCreated {
		s.t.Fatalf("make a link: %d %s", made.StatusCode, made.body)
	}
	var l newLink
	made.json(s.t, &l)
	return l
}

// postRaw uploads one file as the body.
func (s *testServer) postRaw(address, name string, data []byte) answer {
	s.t.Helper()
	return s.send("POST", address+"?filename="+url.QueryEscape(name), bytes.NewReader(data))
}

// upload is one file of a multipart request.
type testFile struct {
	name string
	data []byte
}

// post uploads files as multipart/form-data.
func (s *testServer) post(address string, files ...testFile) answer {
	s.t.Helper()
	body, contentType := form(files...)
	return s.send("POST", address, body, "Content-Type", contentType)
}

// form writes files as a browser does.
func form(files ...testFile) (*bytes.Buffer, string) {
	var b bytes.Buffer
	w := multipart.NewWriter(&b)
	for _, f := range files {
		h := textproto.MIMEHeader{}
		h.Set("Content-Disposition", `form-data; name="file"; filename="`+f.name+`"`)
		h.Set("Content-Type", "application/octet-stream")
		part, _ := w.CreatePart(h)
		part.Write(f.data)
	}
	w.Close()
	return &b, w.FormDataContentType()
}

// testEntry is an entry as clients read it.
type testEntry struct {
	Filename, Status, ID, URL, Match, SHA256, Format string
	Width, Height                                    int
	Bytes                                            int64
	Error                                            *Problem
}

// results reads the entries of an upload's answer.
func (a answer) results(t testing.TB) []testEntry {
	t.Helper()
	var list struct{ Results []testEntry }
	a.json(t, &list)
	return list.Results
}

// outcome writes the entries of an answer as "stored duplicate:exact undecodable".
func (a answer) outcome(t testing.TB) string {
	t.Helper()
	var words []string
	for _, e := range a.results(t) {
		switch {
		case e.Error != nil:
			words = append(words, string(e.Error.Code))
		case e.Match != "":
			words = append(words, e.Status+":"+e.Match)
		default:
			words = append(words, e.Status)
		}
	}
	return strings.Join(words, " ")
}

// count runs a query that gives one number.
func (s *testServer) count(query string, args ...any) int {
	s.t.Helper()
	var n int
	must(s.t, s.pool.QueryRow(context.Background(), query, args...).Scan(&n))
	return n
}

// wantKept checks how many pictures there are, that there is one blob for each,
// and that nothing is left in staging.
func (s *testServer) wantKept(n int) {
	s.t.Helper()
	if rows := s.count(`SELECT count(*) FROM images`); rows != n {
		s.t.Errorf("%d pictures are stored, want %d", rows, n)
	}
	if blobs := s.files("blobs"); len(blobs) != n {
		s.t.Errorf("%d blobs are kept, want %d: %v", len(blobs), n, blobs)
	}
	if left := s.files("staging"); len(left) > 0 {
		s.t.Errorf("left in staging: %v", left)
	}
}

// files lists what is in a folder of the blob store.
func (s *testServer) files(folder string) []string {
	s.t.Helper()
	var found []string
	must(s.t, filepath.WalkDir(filepath.Join(s.root, folder), func(path string, d fs.DirEntry, err error) error {
		if err == nil && !d.IsDir() {
			found = append(found, filepath.Base(path))
		}
		return err
	}))
	return found
}

// size is that of a file of the blob store; 0 when it is not there.
func (s *testServer) size(name string) int {
	info, err := os.Stat(filepath.Join(s.root, name))
	if err != nil {
		return 0
	}
	return int(info.Size())
}

// await waits for what happens by itself soon.
func await(t testing.TB, what string, done func() bool) {
	t.Helper()
	for end := time.Now().Add(10 * time.Second); !done(); time.Sleep(10 * time.Millisecond) {
		if time.Now().After(end) {
			t.Fatalf("did not happen: %s", what)
		}
	}
}

func must(t testing.TB, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

// picture is a small picture of its own for each seed.
func picture(seed int) image.Image {
	img := image.NewPaletted(image.Rect(0, 0, 16, 12), color.Palette{color.Black, color.White})
	for i := range img.Pix {
		img.Pix[i] = byte(seed>>(i%24)) & 1
	}
	return img
}

func pngOf(seed int) []byte {
	var b bytes.Buffer
	if err := png.Encode(&b, picture(seed)); err != nil {
		panic(err)
	}
	return b.Bytes()
}

func jpegOf(seed int) []byte {
	var b bytes.Buffer
	if err := jpeg.Encode(&b, picture(seed), nil); err != nil {
		panic(err)
	}
	return b.Bytes()
}

func gifOf(seed int) []byte {
	var b bytes.Buffer
	if err := gif.Encode(&b, picture(seed), nil); err != nil {
		panic(err)
	}
	return b.Bytes()
}
