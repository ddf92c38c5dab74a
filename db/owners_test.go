package db_test

import (
	"fmt"
	"go/ast"
	"go/parser"
	"go/token"
	"io/fs"
	"maps"
	"os"
	"path"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"

	"inlet/db/dbtest"
)

// owners gives each table the only package whose SQL may name it. Names that only
// replicas of an earlier version know belong to nobody.
var owners = map[string]string{
	"images": "catalog", "uploads": "catalog", "uploads_rest": "catalog", "aliases": "catalog", "labels": "catalog", "near": "catalog",
	"merges":       "catalog",
	"fingerprints": "upload/match", "recent": "upload/match",
	"removals": "vault", "installation": "vault",
	"links": "link", "link_usage": "link", "revoked_links": "link",
	"outbox": "stats", "stats_state": "stats", "rejections": "stats",
	"upload_sessions": "resume",
	"features":        "learn/registry", "models": "learn/registry", "predictions": "learn/registry", "training": "learn/registry",
	"backfill":  "learn/registry",
	"river_job": "jobs", "river_queue": "jobs", "river_leader": "jobs", "river_migration": "jobs",
	"river_notification": "jobs",
	"folded":             "nobody", "links_seen": "nobody",
}

// outside are folders with programs of their own, which may look into all tables.
var outside = []string{"bench", "e2e", "deploy", "docs"}

// Every table has one owner: no other package names it in SQL.
func TestTablesHaveOneOwner(t *testing.T) {
	t.Parallel()
	read := 0
	root := os.DirFS("..")
	err := fs.WalkDir(root, ".", func(name string, d fs.DirEntry, err error) error {
		switch {
		case err != nil:
			return err
		case d.IsDir():
			if slices.Contains(outside, name) || name != "." && strings.HasPrefix(d.Name(), ".") || d.Name() == "testdata" || d.Name() == "node_modules" {
				return fs.SkipDir
			}
			return nil
		case path.Ext(name) != ".go" || strings.HasSuffix(name, "_test.go"):
			return nil
		}
		source, err := fs.ReadFile(root, name)
		if err != nil {
			return err
		}
		found, err := violations(name, source)
		for _, v := range found {
			t.Error(v)
		}
		read++
		return err
	})
	if err != nil || read < 100 {
		t.Errorf("%d files were read, %v", read, err)
	}
}

// Every table of the schema is in owners, and no other.
func TestEveryTableHasAnOwner(t *testing.T) {
	t.Parallel()
	there := texts(t, dbtest.Pool(t), `
		SELECT relname::text FROM pg_class
		 WHERE relnamespace = 'public'::regnamespace AND relkind IN ('r', 'p', 'v') AND relname <> 'goose_db_version'`)
	slices.Sort(there)
	if known := slices.Sorted(maps.Keys(owners)); !slices.Equal(there, known) {
		t.Errorf("the schema has %v\nowners has %v", there, known)
	}
}

// What TestTablesHaveOneOwner must and must not find.
func TestViolations(t *testing.T) {
	t.Parallel()
	tests := map[string]struct {
		file, code string
		found      []string // the tables; $ for a parameter above $9
	}{
		"a foreign table":     {"web/a.go", "q := `SELECT 1 FROM images`", []string{"images"}},
		"a table of its own":  {"catalog/a.go", "q := `SELECT 1 FROM images`", nil},
		"a package below it":  {"catalog/sub/a.go", "q := `SELECT 1 FROM images`", []string{"images"}},
		"the package above":   {"upload/a.go", "q := `SELECT 1 FROM fingerprints`", []string{"fingerprints"}},
		"the nested package":  {"upload/match/a.go", "q := `SELECT 1 FROM fingerprints f WHERE true`", nil},
		"insert":              {"web/a.go", "q := `INSERT INTO uploads (a) VALUES (1)`", []string{"uploads"}},
		"update":              {"web/a.go", "q := `update\n\tonly \"near\" set a = 1`", []string{"near"}},
		"delete":              {"web/a.go", "q := \"DELETE FROM public.labels\"", []string{"labels"}},
		"join":                {"upload/match/a.go", "q := `SELECT 1 FROM recent r LEFT JOIN images i ON true`", []string{"images"}},
		"a list of tables":    {"upload/match/a.go", "q := `SELECT 1 FROM recent AS r, merges m, LATERAL x, near WHERE a IN (1, 2)`", []string{"merges", "near"}},
		"table":               {"web/a.go", "q := `TRUNCATE TABLE removals`", []string{"removals"}},
		"truncate":            {"web/a.go", "q := `TRUNCATE removals, outbox`", []string{"outbox", "removals"}},
		"like":                {"web/a.go", "q := `CREATE TABLE mine (LIKE uploads INCLUDING ALL)`", []string{"uploads"}},
		"regclass":            {"web/a.go", "q := `SELECT 'outbox'::regclass, to_regclass('links')`", []string{"links", "outbox"}},
		"a partition":         {"web/a.go", "q := `SELECT 1 FROM uploads_2026_03`", []string{"uploads"}},
		"one of River":        {"stats/a.go", "q := `SELECT 1 FROM river_job`", []string{"river_job"}},
		"an old name":         {"catalog/a.go", "q := `SELECT 1 FROM folded`", []string{"folded"}},
		"rows":                {"web/a.go", "q := db.RowsOf[row](\"images\")", []string{"images"}},
		"rows of its own":     {"catalog/a.go", "q := db.RowsOf[row](\"images\")", nil},
		"literals added":      {"web/a.go", "q := `SELECT 1 FROM ` + \"images\" + ` i`", []string{"images"}},
		"something between":   {"web/a.go", "q := `SELECT 1 FROM ` + table + ` images`", nil},
		"another's constants": {"web/a.go", "q := `SELECT ` + catalog.StoredColumns + ` FROM x ` + catalog.StoredJoin + `x.id`", nil},
		"an argument":         {"web/a.go", "pool.Exec(ctx, `SELECT 1 FROM images`, f(`SELECT 1 FROM outbox`))", []string{"images", "outbox"}},
		"a comment":           {"web/a.go", "q := 1 // SELECT 1 FROM images", nil},
		"a longer name":       {"web/a.go", "q := `SELECT 1 FROM images_of_mine, my_labels JOIN linksx ON true`", nil},
		"a column":            {"upload/match/a.go", "q := `SELECT f.images, labels FROM recent f ORDER BY near`", nil},
		"a sentence":          {"web/a.go", "q := `Files from uploads that were refused`", nil},
		"parameters":          {"web/a.go", "q := `SELECT $1, $9` + `, $2`", nil},
		"too many parameters": {"web/a.go", "q := `SELECT $9, $10`", []string{"$"}},
		"a price":             {"web/a.go", "q := `It costs $10`", nil},
	}
	for name, test := range tests {
		found, err := violations(test.file, []byte("package p\n\nfunc f() {\n"+test.code+"\n}\n"))
		if err != nil || len(found) != len(test.found) {
			t.Errorf("%s: found %q, %v; want %q", name, found, err, test.found)
			continue
		}
		for i, want := range test.found {
			if !strings.HasPrefix(found[i], test.file+":4: ") || !strings.Contains(found[i], want) {
				t.Errorf("%s: found %q, want %q", name, found[i], want)
			}
		}
	}
}

// violations lists what the SQL in a file's string literals must not have, each
// once.
func violations(name string, source []byte) ([]string, error) {
	files := token.NewFileSet()
	file, err := parser.ParseFile(files, name, source, parser.SkipObjectResolution)
	if err != nil {
		return nil, err
	}
	pkg, found := filepath.ToSlash(filepath.Dir(name)), map[string]bool{}
	for at, text := range literals(file) {
		if !statement.MatchString(text) {
			continue
		}
		position := fmt.Sprintf("%s:%d", name, files.Position(at).Line)
		for _, table := range tablesIn(text) {
			if owner := ownerOf(table); owner != "" && owner != pkg {
				found[fmt.Sprintf("%s: the table %s is that of %s", position, table, owner)] = true
			}
		}
		if parameter := manyParameters.FindString(text); parameter != "" {
			found[fmt.Sprintf("%s: use pgx.NamedArgs or db.Rows instead of %s", position, parameter)] = true
		}
	}

	return slices.Sorted(maps.Keys(found)), nil
}

// literals are the strings in a file. Those that are added to one another are one
// string, in which a § stands for what is not a literal.
func literals(file *ast.File) map[token.Pos]string {
	found := map[token.Pos]string{}
	var text func(ast.Expr) string
	text = func(e ast.Expr) string {
		switch e := e.(type) {
		case *ast.BasicLit:
			if s, err := strconv.Unquote(e.Value); err == nil && e.Kind == token.STRING {
				return s
			}
		case *ast.ParenExpr:
			return text(e.X)
		case *ast.BinaryExpr:
			if e.Op == token.ADD {
				return text(e.X) + text(e.Y)
			}
		}
		return "§"
	}
	added := map[ast.Node]bool{} // parts of a sum that was read
	ast.Inspect(file, func(n ast.Node) bool {
		switch n := n.(type) {
		case *ast.BinaryExpr:
			if n.Op == token.ADD && !added[n] {
				found[n.Pos()] = text(n)
			}
			for _, part := range []ast.Expr{n.X, n.Y} {
				added[part] = n.Op == token.ADD
			}
		case *ast.ParenExpr:
			added[n.X] = added[n]
		case *ast.BasicLit:
			if !added[n] {
				found[n.Pos()] = text(n)
			}
		case *ast.CallExpr:
			if mapsTable(n.Fun) && len(n.Args) == 1 {
				found[n.Pos()] = "INSERT INTO " + text(n.Args[0])
			}
		}
		return true
	})

	return found
}

// mapsTable tells whether fun is db.RowsOf, whose argument is a table.
func mapsTable(fun ast.Expr) bool {
	if index, ok := fun.(*ast.IndexExpr); ok {
		fun = index.X
	}
	selector, ok := fun.(*ast.SelectorExpr)

	return ok && selector.Sel.Name == "RowsOf"
}

const sqlName = `(?:table\s+)?(?:lateral\s+)?(?:only\s+)?(?:public\.)?"?(\w+)`

var (
	// statement tells SQL from sentences: a verb in capitals, or the start of one.
	statement = regexp.MustCompile(`\b(SELECT|INSERT|UPDATE|DELETE|TRUNCATE|ALTER|CREATE|DROP|LOCK|COPY|MERGE|FROM|JOIN)\b|` +
		`(?i)^\s*(select|insert into|update|delete from|truncate|alter table|create table|drop table|with\s+\w+\s+as)\s`)

	afterKeyword = regexp.MustCompile(`(?i)\b(?:from|into|update|join|table|only|like|references|using|lateral|lock|copy|truncate|exists)\s+` + sqlName)
	asClass      = regexp.MustCompile(`(?i)'` + sqlName + `"?'::regclass|to_regclass\('` + sqlName)
	// A list of tables ends with the next clause.
	list       = regexp.MustCompile(`(?i)\b(?:from|truncate|table|using)\s+([\w\s.,"]+)`)
	listEnd    = regexp.MustCompile(`(?i)\b(?:where|group|order|limit|for|set|select|union|on|returning|values|offset)\b`)
	listedName = regexp.MustCompile(`(?i)^\s*` + sqlName)

	partition      = regexp.MustCompile(`^uploads_\d{4}_\d\d$`)
	manyParameters = regexp.MustCompile(`\$[1-9]\d+`)
)

// tablesIn lists what a statement may mean by tables.
func tablesIn(text string) (names []string) {
	for _, found := range slices.Concat(afterKeyword.FindAllStringSubmatch(text, -1), asClass.FindAllStringSubmatch(text, -1)) {
		names = append(names, found[1:]...)
	}
	for _, found := range list.FindAllStringSubmatch(text, -1) {
		items := found[1]
		if end := listEnd.FindStringIndex(items); end != nil {
			items = items[:end[0]]
		}
		for item := range strings.SplitSeq(items, ",") {
			if name := listedName.FindStringSubmatch(item); name != nil {
				names = append(names, name[1])
			}
		}
	}

	return names
}

// ownerOf is the package that owns a table; "" where there is no such table.
func ownerOf(name string) string {
	name = strings.ToLower(name)
	switch {
	case partition.MatchString(name):
		return "catalog"
	case strings.HasPrefix(name, "river_"):
		return "jobs"
	}

	return owners[name]
}
