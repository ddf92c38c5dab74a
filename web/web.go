package web

import (
	"log/slog"
	"net/http"
	"net/netip"
	"sync"
	"time"

	"github.com/julienschmidt/httprouter"
	"github.com/prometheus/client_golang/prometheus"
	"github.com/redis/go-redis/v9"
	"go.opentelemetry.io/otel/trace"
	"golang.org/x/sync/singleflight"

	"inlet/blob/s3"
	"inlet/catalog"
	"inlet/jobs"
	"inlet/learn/registry"
	"inlet/link"
	"inlet/resume"
	"inlet/stats"
	"inlet/upload"
	"inlet/web/intake"
	"inlet/web/pages"
)

// Options of a Server. All fields without a stated default are required.
type Options struct {
	Gate     *link.Gate
	Uploads  *upload.Service
	Resume   *resume.Service
	Catalog  *catalog.Service
	Stats    *stats.Service
	Registry *registry.Service
	Jobs     *jobs.Enqueuer
	Signer   *Signer // nil: images are public to whoever has the id
	Checks   []Check // the stores that /readyz asks
	// Impaired is what works worse until the next start, by its name, with the state
	// that /readyz tells.
	Impaired map[string]string
	// Bucket is where clients fetch pictures, at StoreOrigin for the pages' policy
	// (nil: the service itself sends the bytes).
	Bucket      *s3.Store
	StoreOrigin string

	AdminToken     string
	PublicURL      string // origin of the links, without a slash at the end
	TrustedProxies []netip.Prefix
	MaxFileBytes   int64
	MaxFiles       int
	// ClientRate and LinkRate limit how many files come from one client, and
	// through one link, to all replicas together. Redis counts them; without it,
	// or while it is away, nothing is limited.
	ClientRate, LinkRate intake.Rate
	Redis                redis.UniversalClient
	// OperationsOnly leaves health, readiness, metrics and the description: the
	// routes of a process that only runs jobs.
	OperationsOnly bool

	Log        *slog.Logger
	Registerer prometheus.Registerer
	Gatherer   prometheus.Gatherer
	Tracer     trace.Tracer     // nil: requests are not traced
	Now        func() time.Time // nil: time.Now
}

// Server answers requests. It is safe for concurrent use.
type Server struct {
	Options
	router  *httprouter.Router
	fixed   map[string]http.Handler // routes that come before the router's, by method and path
	pages   *pages.Pages
	metrics *metrics
	rates   *intake.Rates
	buffers intake.Buffers     // of forms
	pings   singleflight.Group // of /readyz
	done    chan struct{}      // closed by Stop: ends the answers without an end
	stop    func()
}

// New makes a Server.
func New(o Options) (*Server, error) {
	if o.Now == nil {
		o.Now = time.Now
	}
	s := &Server{Options: o, metrics: newMetrics(o.Registerer), fixed: map[string]http.Handler{}, done: make(chan struct{})}
	s.stop = sync.OnceFunc(func() {
		close(s.done)
		s.Resume.Interrupt()
	})
	s.rates = intake.NewRates(intake.RateOptions{
		Redis: o.Redis, Client: o.ClientRate, Link: o.LinkRate, Now: o.Now, Log: o.Log, Registerer: o.Registerer,
	})
	o.Registerer.MustRegister(newStoresUp(s))

	var err error
	s.pages, err = pages.New(pages.Options{AssetBase: assetBase, StoreOrigin: o.StoreOrigin, MaxFiles: o.MaxFiles})
	if err != nil {
		return nil, err
	}
	s.router = s.routes()

	return s, nil
}

// register adds one route.
type register func(method, path string, h handler)

// get adds a route that answers GET and HEAD; net/http leaves the body out.
func (on register) get(path string, h handler) {
	on("GET", path, h)
	on("HEAD", path, h)
}

// assetBase begins the addresses of the pages' assets.
const assetBase = "/assets/"

// routes lists every route of the service. httprouter panics when a fixed and a
// variable segment share a place.
func (s *Server) routes() *httprouter.Router {
	r := httprouter.New()
	r.RedirectTrailingSlash, r.RedirectFixedPath = false, false
	on := register(func(method, path string, h handler) {
		s.metrics.begin(path, method)
		r.Handler(method, path, s.handle(path, h))
	})
	if !s.OperationsOnly {
		s.people(on)
		s.senders(on)
		s.operators(func(method, path string, h handler) { on(method, path, s.asOperator(h)) })
		s.besides(func(method, path string, h handler) {
			s.metrics.begin(path, method)
			s.fixed[method+" "+path] = s.handle(path, s.asOperator(h))
		})
	}
	on.get("/healthz", s.healthz)
	on.get("/readyz", s.readyz)
	on.get("/metrics", s.exposition)
	on.get("/openapi.yaml", s.openapi)

	r.NotFound = s.handle("none", func(http.ResponseWriter, *http.Request) error { return errNotFound })
	// The router has set Allow when it calls these two.
	r.MethodNotAllowed = s.handle("none", func(http.ResponseWriter, *http.Request) error { return errMethodNotAllowed })
	r.GlobalOPTIONS = s.handle("none", func(w http.ResponseWriter, _ *http.Request) error {
		w.WriteHeader(http.StatusNoContent)
		return nil
	})
	return r
}

// people adds the console, the assets of the pages, and exports.
func (s *Server) people(on register) {
	on.get("/", s.console)
	on.get(assetBase+":version/*file", s.asset)
	on("GET", "/v1/exports/:format", s.export) // the address is the credential
}

// senders adds the routes that need a link, or a picture's id.
func (s *Server) senders(on register) {
	on.get("/u/:token", s.asVisitor(s.showLink))
	on("POST", "/u/:token", s.upload)
	on("POST", "/u/:token/check", s.asVisitor(s.check))
	on("OPTIONS", "/u/:token/tus/", s.tus)
	on("POST", "/u/:token/tus/", s.tus)
	on("POST", "/u/:token/tus", s.tus)
	on("HEAD", "/u/:token/tus/:upload", s.tus)
	on("PATCH", "/u/:token/tus/:upload", s.tus)
	on("DELETE", "/u/:token/tus/:upload", s.tus)
	on("POST", "/u/:token/tus/:upload", s.tus) // with X-HTTP-Method-Override
	on.get("/u/:token/tus/:upload/result", s.tusResult)
	on.get("/u/:token/qr.png", s.asVisitor(s.qrPNG))
	on.get("/u/:token/qr.svg", s.asVisitor(s.qrSVG))
	on.get("/v1/images/:id", s.image)
}

// operators adds the routes that need the operator's token.
func (s *Server) operators(operator register) {
	operator("POST", "/v1/links", s.createLink)
	operator("GET", "/v1/links", s.listLinks)
	operator("DELETE", "/v1/links/:id", s.revokeLink)

	operator("GET", "/v1/images", s.listImages)
	operator("DELETE", "/v1/images/:id", s.deleteImage)
	operator("GET", "/v1/images/:id/metadata", s.imageMetadata)
	operator("PUT", "/v1/images/:id/labels", s.setLabels)
	operator("GET", "/v1/labels", s.listLabels)
	operator("POST", "/v1/labels/import", s.importLabels)
	operator("POST", "/v1/images/:id/predictions/accept", s.acceptPrediction)

	operator("GET", "/v1/models", s.listModels)
	operator("GET", "/v1/models/:version", s.showModel)
	operator("POST", "/v1/models/:version/promote", s.promoteModel)

	operator("GET", "/v1/jobs", s.listJobs)
	operator("POST", "/v1/jobs/:id/retry", s.retryJob)

	operator("POST", "/v1/exports", s.createExport)

	operator("GET", "/v1/stats", s.statistics)
	operator("GET", "/v1/stats/live", s.live)
}

// besides adds the operator's routes that the router would take for others: it has
// no place for a fixed segment beside a variable one.
func (s *Server) besides(operator register) {
	operator("POST", "/v1/images/batch", s.changeImages)
	operator("POST", "/v1/models/train", s.train)
}

// ServeHTTP implements http.Handler.
func (s *Server) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	if h, found := s.fixed[r.Method+" "+r.URL.Path]; found {
		h.ServeHTTP(w, r)
		return
	}
	s.router.ServeHTTP(w, r)
}

// HTTPServer is a server for s with its timeouts. Bodies and answers have no
// total deadline: large uploads over slow lines are legitimate. The handlers bound
// the time between two reads instead.
func (s *Server) HTTPServer() *http.Server {
	srv := &http.Server{
		Handler:           s,
		ReadHeaderTimeout: 30 * time.Second,
		IdleTimeout:       2 * time.Minute,
		MaxHeaderBytes:    64 << 10,
		ErrorLog:          slog.NewLogLogger(s.Log.Handler(), slog.LevelDebug),
	}
	srv.RegisterOnShutdown(s.Stop)
	return srv
}

// param is a variable segment of the request's path.
func param(r *http.Request, name string) string {
	return httprouter.ParamsFromContext(r.Context()).ByName(name)
}
