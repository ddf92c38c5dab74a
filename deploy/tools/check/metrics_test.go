package check

import (
	"bufio"
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/prometheus/client_golang/prometheus/testutil/promlint"
	"github.com/prometheus/prometheus/promql/parser"
	"go.yaml.in/yaml/v3"
)

// A new Inlet has every series that a dashboard or a rule names, before its first
// request: a series that appears with its first event has no rate.
func TestMetricsExist(t *testing.T) {
	t.Parallel()
	exposition := scrape(t)
	problems, err := promlint.New(bytes.NewReader(exposition)).Lint()
	if err != nil || len(problems) > 0 {
		t.Errorf("the metrics are not well made: %v, %v", problems, err)
	}

	there := map[string]bool{"up": true} // Prometheus' own
	for line := range strings.Lines(string(exposition)) {
		if name, _, found := strings.Cut(line, "{"); found && !strings.HasPrefix(line, "#") {
			there[name] = true
		} else if name, _, found := strings.Cut(line, " "); found && !strings.HasPrefix(line, "#") {
			there[name] = true
		}
	}

	rules := readRules(t)
	for _, r := range rules {
		there[r.Record] = true
	}

	asked := dashboardQueries(t)
	for _, r := range rules {
		asked = append(asked, question{"rule " + r.Record + r.Alert, r.Expr})
	}

	if len(asked) < 90 {
		t.Errorf("only %d expressions are checked", len(asked))
	}

	for _, q := range asked {
		for _, name := range metricsOf(t, q) {
			if !there[name] {
				t.Errorf("%s: a new Inlet has no metric %s", q.where, name)
			}
		}
	}
}

// question is an expression and its place.
type question struct{ where, expr string }

// metricsOf lists the metrics of an expression.
func metricsOf(t *testing.T, q question) (names []string) {
	t.Helper()
	expr, err := parser.NewParser(parser.Options{}).ParseExpr(q.expr)
	if err != nil {
		t.Errorf("%s: %v in %s", q.where, err, q.expr)
		return nil
	}

	for _, selectors := range parser.ExtractSelectors(expr) {
		for _, m := range selectors {
			if m.Name == "__name__" {
				names = append(names, m.Value)
			}
		}
	}

	return names
}

type rule struct {
	Record, Alert, Expr string
	Labels, Annotations map[string]string
}

func readRules(t *testing.T) (all []rule) {
	t.Helper()
	files, err := filepath.Glob("../../prometheus/rules/*.yml")
	if err != nil || len(files) == 0 {
		t.Fatalf("no rules: %v", err)
	}

	for _, file := range files {
		text, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}

		var doc struct{ Groups []struct{ Rules []rule } }
		if err := yaml.Unmarshal(text, &doc); err != nil {
			t.Fatalf("%s: %v", file, err)
		}

		for _, g := range doc.Groups {
			all = append(all, g.Rules...)
		}
	}

	return all
}

// Every alert has a severity, a section in the runbook and a unit test.
func TestAlertsAreExplained(t *testing.T) {
	t.Parallel()
	runbook, err := os.ReadFile("../../../docs/runbook.md")
	if err != nil {
		t.Fatal(err)
	}

	tests, err := os.ReadFile("../../prometheus/rules_test.yml")
	if err != nil {
		t.Fatal(err)
	}

	alerts := map[string]bool{}
	for _, r := range readRules(t) {
		if r.Alert == "" {
			continue
		}

		alerts[r.Alert] = true
		if !strings.Contains(string(runbook), "\n## "+r.Alert+"\n") {
			t.Errorf("%s has no section in the runbook", r.Alert)
		}

		if r.Annotations["runbook_url"] != "docs/runbook.md#"+strings.ToLower(r.Alert) || r.Annotations["summary"] == "" {
			t.Errorf("%s does not lead to the runbook", r.Alert)
		}

		if s := r.Labels["severity"]; s != "page" && s != "ticket" {
			t.Errorf("%s: severity %q", r.Alert, s)
		}

		if !strings.Contains(string(tests), "alertname: "+r.Alert+"\n") {
			t.Errorf("%s has no unit test", r.Alert)
		}
	}

	for _, heading := range regexp.MustCompile(`(?m)^## (Inlet\w+)$`).FindAllStringSubmatch(string(runbook), -1) {
		if !alerts[heading[1]] {
			t.Errorf("the runbook explains %s, which is no alert", heading[1])
		}
	}
}

// variables of dashboards, filled in so that an expression can be parsed.
var variables = strings.NewReplacer("$__rate_interval", "1m", "$job", "inlet", "$instance", ".+")

func dashboardQueries(t *testing.T) (all []question) {
	t.Helper()
	files, err := filepath.Glob("../../grafana/dashboards/*.json")
	if err != nil || len(files) == 0 {
		t.Fatalf("no dashboards: %v", err)
	}

	for _, file := range files {
		text, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}

		var board struct {
			Panels []struct {
				Title   string
				Targets []struct{ Expr string }
			}
		}

		if err := json.Unmarshal(text, &board); err != nil {
			t.Fatalf("%s: %v", file, err)
		}

		for _, p := range board.Panels {
			for _, target := range p.Targets {
				all = append(all, question{filepath.Base(file) + ", " + p.Title, variables.Replace(target.Expr)})
			}
		}
	}

	return all
}

var listening = regexp.MustCompile(`listening on (http://\S+)`)

// scrape builds Inlet, starts it with nothing configured, and returns its first
// metrics.
func scrape(t *testing.T) []byte {
	t.Helper()
	dir := t.TempDir()
	binary := filepath.Join(dir, "inlet")
	compile := exec.CommandContext(t.Context(), "go", "build", "-o", binary, "./cmd/inlet")
	compile.Dir = "../../.."
	if out, err := compile.CombinedOutput(); err != nil {
		t.Fatalf("%v\n%s", err, out)
	}

	ctx, cancel := context.WithTimeout(t.Context(), 3*time.Minute)
	t.Cleanup(cancel)
	inlet := exec.CommandContext(ctx, binary)
	inlet.Dir = dir
	inlet.Env = append(os.Environ(), "INLET_ADDR=127.0.0.1:0", "INLET_DATA_DIR="+filepath.Join(dir, "data"))
	stdout, err := inlet.StdoutPipe()
	if err == nil {
		err = inlet.Start()
	}
	if err != nil {
		t.Fatal(err)
	}

	t.Cleanup(func() {
		inlet.Process.Signal(syscall.SIGTERM)
		inlet.Wait()
	})

	lines := bufio.NewScanner(stdout)
	for lines.Scan() {
		if m := listening.FindStringSubmatch(lines.Text()); m != nil {
			go io.Copy(io.Discard, stdout)
			return get(t, m[1]+"/metrics")
		}
	}

	t.Fatal("Inlet did not start")

	return nil
}

func get(t *testing.T, url string) []byte {
	t.Helper()
	res, err := http.Get(url)
	if err != nil {
		t.Fatal(err)
	}
	defer res.Body.Close()
	body, err := io.ReadAll(res.Body)
	if err == nil && res.StatusCode != http.StatusOK {
		err = fmt.Errorf("%s: %s", url, res.Status)
	}
	if err != nil {
		t.Fatal(err)
	}

	return body
}
