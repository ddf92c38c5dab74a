package cli

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"strings"
	"testing"
	"time"

	"github.com/spf13/cobra"
	"rsc.io/qr"

	"inlet/client"
)

func TestParseSize(t *testing.T) {
	t.Parallel()
	for text, want := range map[string]int64{
		"1": 1, "2GiB": 2 << 30, "500MB": 500e6, "8 MiB": 8 << 20, "0": 0, "": 0, "x": 0, "-1": 0, "99999999 TiB": 0,
	} {
		if got, err := parseSize(text); got != want || (err != nil) != (want == 0) {
			t.Errorf("%q: %d, %v", text, got, err)
		}
	}
}

func TestParseTime(t *testing.T) {
	t.Parallel()
	for text, want := range map[string]string{
		"2026-01-31": "2026-01-31T00:00:00Z", "2026-01-31T08:00:00+01:00": "2026-01-31T07:00:00Z", "tomorrow": "",
	} {
		got, err := parseTime(text)
		if (err != nil) != (want == "") || err == nil && got.UTC().Format(time.RFC3339) != want {
			t.Errorf("%q: %v, %v", text, got, err)
		}
	}
}

func TestLinkSpec(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		flags linkFlags
		want  string // "" is an error
	}{
		{linkFlags{expires: "7d"}, `{"expires_in":"7d"}`},
		{linkFlags{expires: "2026-12-24T18:00:00Z"}, `{"expires_at":"2026-12-24T18:00:00Z"}`},
		{
			linkFlags{expires: "36h", maxFiles: 100, maxBytes: "2GiB", label: "Wedding", notBefore: "2026-12-01"},
			`{"expires_in":"36h","not_before":"2026-12-01T00:00:00Z","max_files":100,"max_bytes":2147483648,"label":"Wedding"}`,
		},
		{linkFlags{expires: "7d", maxFiles: -1}, ""},
		{linkFlags{expires: "7d", maxBytes: "much"}, ""},
		{linkFlags{expires: "7d", notBefore: "soon"}, ""},
	} {
		spec, err := c.flags.spec()
		doc, _ := json.Marshal(spec)
		if (err != nil) != (c.want == "") || err == nil && string(doc) != c.want {
			t.Errorf("%+v: %s, %v", c.flags, doc, err)
		}
	}
}

// What a stranger named a file or a camera stays one line of text.
func TestPlain(t *testing.T) {
	t.Parallel()
	got := plain("a\x1b[2J\nb\u202egnp.größe 写真 📷")
	if got != "a\uFFFD[2J\uFFFDb\uFFFDgnp.größe 写真 📷" {
		t.Errorf("got %q", got)
	}
}

func TestLoopback(t *testing.T) {
	t.Parallel()
	for address, want := range map[string]bool{
		"http://127.0.0.1:8080": true, "http://localhost": true, "http://[::1]:1": true, "https://127.9.9.9": true,
		"http://127.0.0.1.example.org": false, "http://10.0.0.1": false, "https://localhost.example.org": false, "": false,
	} {
		if loopback(address) != want {
			t.Errorf("%s: %v", address, !want)
		}
	}
}

func TestExitStatus(t *testing.T) {
	t.Parallel()
	cmd := &cobra.Command{Use: "inlet"}
	for want, err := range map[int]error{
		0: nil, 1: errors.New("failed"), 2: fmt.Errorf("so: %w", usagef(cmd, "what?")), 3: fmt.Errorf("2 files %w", errRejected),
	} {
		if got := ExitStatus(err); got != want {
			t.Errorf("%v: %d", err, got)
		}
	}
}

// Every command says what it does and shows how it is used.
func TestHelp(t *testing.T) {
	t.Parallel()
	root := &cobra.Command{Use: "inlet"}
	Add(root)
	var check func(*cobra.Command)
	check = func(cmd *cobra.Command) {
		if cmd.Short == "" || cmd.Long == "" || cmd.Example == "" && !cmd.HasSubCommands() {
			t.Errorf("%s: no help", cmd.CommandPath())
		}
		for line := range strings.SplitSeq(cmd.Long+"\n"+cmd.Example, "\n") {
			if len([]rune(line)) > 90 {
				t.Errorf("%s: a line is too long for a terminal: %s", cmd.CommandPath(), line)
			}
		}
		for _, below := range cmd.Commands() {
			check(below)
		}
	}
	for _, cmd := range root.Commands() {
		check(cmd)
	}
}

// The drawing is the code, module for module.
func TestQR(t *testing.T) {
	t.Parallel()
	text := "https://pictures.example.org/u/" + strings.Repeat("eyJhbGciOi", 25)
	var b bytes.Buffer
	if err := writeQR(&b, text, 80); err != nil {
		t.Fatal(err)
	}
	code, err := qr.Encode(text, qr.L)
	if err != nil {
		t.Fatal(err)
	}
	drawn := strings.NewReplacer("\x1b[30;107m", "", "\x1b[0m", "").Replace(b.String())
	for row, line := range strings.Split(strings.TrimSuffix(drawn, "\n"), "\n") {
		for x, char := range []rune(line) {
			for half, wanted := range []string{"█▀", "█▄"} {
				black := code.Black(x-quiet, 2*row+half-quiet)
				if strings.ContainsRune(wanted, char) != black {
					t.Fatalf("row %d, column %d is %c", row, x, char)
				}
			}
		}
	}
	if err := writeQR(io.Discard, text, 40); !errors.Is(err, errTooNarrow) {
		t.Errorf("drawn in 40 columns: %v", err)
	}
}

func TestSparkline(t *testing.T) {
	t.Parallel()
	for want, counts := range map[string][]int64{"·▁▄█": {0, 1, 500, 1000}, "": nil, "··": {0, 0}, "█": {1}} {
		if got := sparkline(counts, most(counts)); got != want {
			t.Errorf("%v: got %s", counts, got)
		}
	}
}

func TestShowStats(t *testing.T) {
	t.Parallel()
	var doc client.Stats
	err := json.Unmarshal([]byte(`{"images":{"stored":1234,"bytes":5000000},
		"uploads":{"accepted":1300,"stored":1234,"duplicates":66,"rejected":2},
		"formats":[{"format":"jpeg","images":1200},{"format":"heic","images":34}],
		"cameras":[{"model":"Canon EOS 40D","images":77},{"model":"evil\u001b[2J","images":1}],
		"uploads_per_day":[{"date":"2026-01-30","accepted":0},{"date":"2026-01-31","accepted":1300,"stored":1234,"duplicates":66,"bytes":5000000,"uploaders":3}]}`), &doc)
	if err != nil {
		t.Fatal(err)
	}
	var b bytes.Buffer
	if err := showStats(&b, doc); err != nil {
		t.Fatal(err)
	}
	want := `PICTURES  1,234  4.8 MiB
UPLOADS   1,300  1,234 stored, 66 duplicates, 2 rejected

FORMAT  PICTURES
jpeg    1,200
heic    34

CAMERA         PICTURES
Canon EOS 40D  77
evil` + "\uFFFD" + `[2J       1

DAY         ACCEPTED  STORED  DUPLICATES  SIZE     UPLOADERS
2026-01-30  0         0       0           0 B      0
2026-01-31  1,300     1,234   66          4.8 MiB  3

2 DAYS  ·█
`
	if b.String() != want {
		t.Errorf("got\n%s", b.String())
	}
}

// A training that was waited for fails unless it stored a model.
func TestOutcomeOf(t *testing.T) {
	t.Parallel()
	const stored = `{"last":{"id":"a","model":"v2","outcome":"v2 is not promoted: worse"}}`
	const none = `{"last":{"id":"a","model":null,"outcome":"too few\u001b[2J labels"}}`
	for _, test := range []struct{ answer, id, out, err string }{
		{stored, "a", "v2 is not promoted: worse\n", ""},
		{stored, "", "v2 is not promoted: worse\n", ""},
		{stored, "b", "", "another one since"},
		{none, "a", "", "too few"},
		{none, "", "", "too few"},
		{`{"last":{"id":null,"model":null,"outcome":""}}`, "a", "", "another one since"},
		{`{"last":null}`, "a", "", "another one since"},
	} {
		var got client.Models
		if err := json.Unmarshal([]byte(test.answer), &got); err != nil {
			t.Fatal(err)
		}
		var out bytes.Buffer
		cmd := &cobra.Command{}
		cmd.SetOut(&out)
		err := outcomeOf(cmd, got, test.id)
		if out.String() != test.out || (err == nil) != (test.err == "") || err != nil && (!strings.Contains(err.Error(), test.err) || strings.Contains(err.Error(), "\x1b")) {
			t.Errorf("%s, %q: %q, %v", test.answer, test.id, out.String(), err)
		}
	}
}

func TestShowRecent(t *testing.T) {
	t.Parallel()
	begin := time.Date(2026, 1, 31, 11, 7, 0, 0, time.UTC)
	var doc client.Stats
	for i := range 120 {
		doc.Recent.Minutes = append(doc.Recent.Minutes, client.Span{At: begin.Add(time.Duration(i) * time.Minute)})
	}
	doc.Recent.Minutes[1] = client.Span{At: doc.Recent.Minutes[1].At, Accepted: 1, Duplicates: 1, Rejected: 7}
	doc.Recent.Minutes[119].Accepted, doc.Recent.Minutes[119].Stored = 2000, 2000
	for i := range 168 {
		doc.Recent.Hours = append(doc.Recent.Hours, client.Span{At: begin.Truncate(time.Hour).Add(time.Duration(i-166) * time.Hour)})
	}
	doc.Recent.Hours[167].Accepted, doc.Recent.Hours[167].Stored = 2000, 2000
	doc.Recent.Links.Minutes = []client.BusyLink{{LinkID: "L1", Files: 1999}, {LinkID: "evil\u001b", Files: 2}, {LinkID: "L3", Files: 1}}
	labels := map[string]string{"L1": "Wedding", "evil\u001b": "evil\u001b", "L3": ""}

	var b bytes.Buffer
	if err := showRecent(&b, doc, labels); err != nil {
		t.Fatal(err)
	}
	nothing := strings.Repeat("·", 24)
	want := `MINUTES FROM      ACCEPTED                               STORED  DUPLICATES  REJECTED
2026-01-31 11:07  ·▁····························  1      0       1           7
2026-01-31 11:37  ······························  0      0       0           0
2026-01-31 12:07  ······························  0      0       0           0
2026-01-31 12:37  ·····························█  2,000  2,000   0           0
Each minute is a bar: · none, █ 2,000 files accepted

HOURS FROM        ACCEPTED                         STORED  DUPLICATES  REJECTED
2026-01-24 13:00  ` + nothing + `  0      0       0           0
2026-01-25 13:00  ` + nothing + `  0      0       0           0
2026-01-26 13:00  ` + nothing + `  0      0       0           0
2026-01-27 13:00  ` + nothing + `  0      0       0           0
2026-01-28 13:00  ` + nothing + `  0      0       0           0
2026-01-29 13:00  ` + nothing + `  0      0       0           0
2026-01-30 13:00  ` + nothing[len("·"):] + `█  2,000  2,000   0           0
Each hour is a bar: · none, █ 2,000 files accepted

LINK, LAST 2 HOURS  ACCEPTED  LABEL
L1                  1,999     Wedding
evil` + "\uFFFD" + `               2         evil` + "\uFFFD" + `
L3                  1         -
`
	if b.String() != want {
		t.Errorf("got\n%s", b.String())
	}
}
