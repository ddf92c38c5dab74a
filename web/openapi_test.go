package web

import (
	"bytes"
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"io"
	"mime"
	"net/http"
	"os"
	"regexp"
	"slices"
	"strings"
	"sync"
	"testing"

	"inlet/problem"

	"github.com/getkin/kin-openapi/openapi3"
	"github.com/getkin/kin-openapi/openapi3filter"
	"github.com/getkin/kin-openapi/routers"
)

// description is openapi.yaml, read once.
var description = sync.OnceValues(func() (*openapi3.T, error) {
	doc, err := openapi3.NewLoader().LoadFromFile("openapi.yaml")
	if err != nil {
		return nil, err
	}
	return doc, doc.Validate(context.Background())
})

// validating holds every request and answer of a test against openapi.yaml: an
// answer must be described there, and so must a request that was taken.
func validating(t testing.TB, next http.RoundTripper) http.RoundTripper {
	t.Helper()
	doc, err := description()
	if err != nil {
		t.Fatalf("openapi.yaml: %v", err)
	}
	return &validator{t, doc, next}
}

type validator struct {
	t    testing.TB
	doc  *openapi3.T
	next http.RoundTripper
}

func (v *validator) RoundTrip(r *http.Request) (*http.Response, error) {
	sent, err := keepJSON(r)
	if err != nil {
		return nil, err
	}
	res, err := v.next.RoundTrip(r)
	if err != nil {
		return nil, err
	}
	if err := v.check(r, sent, res); err != nil {
		v.t.Errorf("%s %s answered %d, which openapi.yaml does not describe: %v", r.Method, r.URL, res.StatusCode, err)
	}
	return res, nil
}

// keepJSON keeps what is sent where its form is checked.
func keepJSON(r *http.Request) ([]byte, error) {
	if r.Body == nil || mediaType(r.Header) != typeJSON {
		return nil, nil
	}
	sent, err := io.ReadAll(r.Body)
	r.Body = io.NopCloser(bytes.NewReader(sent))
	return sent, err
}

func (v *validator) check(r *http.Request, sent []byte, res *http.Response) error {
	if res.Header.Get("X-Request-Id") == "" {
		return errors.New("there is no X-Request-Id")
	}
	route := v.route(r)
	if route == nil && r.Method == http.MethodOptions {
		return nil
	}
	if route == nil {
		if res.StatusCode != http.StatusNotFound && res.StatusCode != http.StatusMethodNotAllowed {
			return errors.New("there is no such path or method")
		}
		return v.document("Problem", res)
	}
	options := &openapi3filter.Options{
		IncludeResponseStatus: true,
		AuthenticationFunc:    openapi3filter.NoopAuthenticationFunc,
		ExcludeRequestBody:    sent == nil,
	}
	request := r.Clone(r.Context())
	request.Body = io.NopCloser(bytes.NewReader(sent))
	in := &openapi3filter.RequestValidationInput{
		Request: request, PathParams: params(route.Path, r), Route: route, Options: options,
	}
	if res.StatusCode < 400 {
		if err := openapi3filter.ValidateRequest(r.Context(), in); err != nil {
			return err
		}
	}
	return v.answer(in, res)
}

func (v *validator) answer(in *openapi3filter.RequestValidationInput, res *http.Response) error {
	options := *in.Options
	form := mediaType(res.Header)
	isJSON := form == typeJSON || strings.HasSuffix(form, "+json")
	options.ExcludeResponseBody = !isJSON
	out := &openapi3filter.ResponseValidationInput{
		RequestValidationInput: in, Status: res.StatusCode, Header: res.Header, Options: &options,
	}
	if isJSON && in.Request.Method != http.MethodHead {
		body, err := io.ReadAll(res.Body)
		if err != nil {
			return err
		}
		res.Body = io.NopCloser(bytes.NewReader(body))
		out.SetBodyBytes(body)
	}
	if err := openapi3filter.ValidateResponse(in.Request.Context(), out); err != nil {
		return err
	}
	described := in.Route.Operation.Responses.Status(res.StatusCode)
	switch {
	case described == nil: // of HEAD, which is not looked into
		return errors.New("there is no such status")
	case len(described.Value.Content) > 0 && described.Value.Content.Get(mediaType(res.Header)) == nil:
		return errors.New("there is no such Content-Type: " + res.Header.Get("Content-Type"))
	}
	return nil
}

// document holds an answer against a schema.
func (v *validator) document(schema string, res *http.Response) error {
	if res.Request.Method == http.MethodHead {
		return nil
	}
	body, err := io.ReadAll(res.Body)
	if err != nil {
		return err
	}
	res.Body = io.NopCloser(bytes.NewReader(body))
	return conforms(v.doc, schema, body)
}

func conforms(doc *openapi3.T, schema string, text []byte) error {
	var value any
	if err := json.Unmarshal(text, &value); err != nil {
		return err
	}
	return doc.Components.Schemas[schema].Value.VisitJSON(value)
}

// assertConforms holds a JSON text against a schema of openapi.yaml.
func assertConforms(t testing.TB, schema string, text []byte) {
	t.Helper()
	doc, err := description()
	if err != nil {
		t.Fatalf("openapi.yaml: %v", err)
	}
	if err := conforms(doc, schema, text); err != nil {
		t.Errorf("this is no %s: %v\n%s", schema, err, text)
	}
}

// route finds the operation for a request, nil if there is none.
func (v *validator) route(r *http.Request) *routers.Route {
	for _, path := range v.doc.Paths.InMatchingOrder() { // fixed segments before variable ones
		if !matches(path, r.URL.Path) {
			continue
		}
		item := v.doc.Paths.Value(path)
		op := item.GetOperation(r.Method)
		if op == nil && r.Method == http.MethodHead {
			op = item.Get // its answers are those of GET
		}
		if op == nil {
			return nil
		}
		return &routers.Route{Spec: v.doc, Path: path, PathItem: item, Method: r.Method, Operation: op}
	}
	return nil
}

func matches(pattern, path string) bool {
	want, got := strings.Split(pattern, "/"), strings.Split(path, "/")
	return slices.EqualFunc(want, got, func(w, g string) bool {
		return w == g || strings.HasPrefix(w, "{") && g != ""
	})
}

func params(pattern string, r *http.Request) map[string]string {
	found, got := map[string]string{}, strings.Split(r.URL.Path, "/")
	for i, segment := range strings.Split(pattern, "/") {
		if strings.HasPrefix(segment, "{") {
			found[strings.Trim(segment, "{}")] = got[i]
		}
	}
	return found
}

func mediaType(h http.Header) string {
	t, _, err := mime.ParseMediaType(h.Get("Content-Type"))
	if err != nil {
		return ""
	}
	return t
}

// TestDescriptionHasEveryRoute compares the list of routes with openapi.yaml,
// both ways, and who may use them.
func TestDescriptionHasEveryRoute(t *testing.T) {
	t.Parallel()
	doc, err := description()
	if err != nil {
		t.Fatal(err)
	}
	source, err := os.ReadFile("web.go")
	if err != nil {
		t.Fatal(err)
	}
	served := map[string]bool{} // for the operator alone?
	route := regexp.MustCompile(`\b(on|get|operator)\((?:"([A-Z]+)", )?"(/[^"]*)"`)
	variable := regexp.MustCompile(`:(\w+)`)
	for _, found := range route.FindAllStringSubmatch(string(source), -1) {
		method, path := cmp.Or(found[2], http.MethodGet), variable.ReplaceAllString(found[3], "{$1}")
		if strings.HasPrefix(path, "/assets/") {
			continue // what the pages are made of is nobody else's to call
		}
		served[method+" "+path] = found[1] == "operator"
	}
	if len(served) < 15 {
		t.Fatalf("found only %d routes in web.go", len(served))
	}
	for path, item := range doc.Paths.Map() {
		for method, op := range item.Operations() {
			if method == http.MethodHead && item.Get != nil {
				continue // wherever there is GET for everybody
			}
			name := method + " " + path
			secured, known := served[name]
			if !known {
				t.Errorf("openapi.yaml describes %s, which is not served", name)
			}
			described := op.Security != nil && len(*op.Security) == 1 && (*op.Security)[0]["operator"] != nil
			if known && secured != described {
				t.Errorf("%s is for the operator alone: %v as served, %v as described", name, secured, described)
			}
			delete(served, name)
		}
	}
	for name := range served {
		t.Errorf("%s is served and not in openapi.yaml", name)
	}
}

// TestDescriptionHasEveryCode compares the error table with openapi.yaml.
func TestDescriptionHasEveryCode(t *testing.T) {
	t.Parallel()
	doc, err := description()
	if err != nil {
		t.Fatal(err)
	}
	codes := doc.Components.Schemas["Code"].Value.Enum
	for _, code := range problem.Codes() {
		if !slices.Contains(codes, any(string(code))) {
			t.Errorf("openapi.yaml does not have the code %s", code)
		}
		if kinds[code].status == 0 {
			t.Errorf("no status belongs to the code %s", code)
		}
	}
}
