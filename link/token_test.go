package link

import (
	"crypto/hmac"
	"crypto/sha256"
	"encoding/base64"
	"encoding/json"
	"errors"
	"hash"
	"maps"
	"strings"
	"testing"
	"time"
)

const (
	testKid    = "k1"
	testSecret = "an upload link's signing secret!"
)

func testRing(t testing.TB) *Keyring {
	t.Helper()
	return mustParse(t, testKid+":"+base64.StdEncoding.EncodeToString([]byte(testSecret)))
}

func encode(b string) string { return base64.RawURLEncoding.EncodeToString([]byte(b)) }

func mac(h func() hash.Hash, secret, text string) string {
	m := hmac.New(h, []byte(secret))
	m.Write([]byte(text))
	return string(m.Sum(nil))
}

// sign makes a token of any text, well signed.
func sign(header, payload string) string {
	text := encode(header) + "." + encode(payload)
	return text + "." + encode(mac(sha256.New, testSecret, text))
}

const goodHeader = `{"alg":"HS256","kid":"k1","typ":"JWT"}`

// payload is a good one with some members changed, or left out where they are
// nil.
func payload(changes map[string]any) string {
	members := map[string]any{
		"iss": "inlet", "aud": "upload", "jti": "link-1",
		"iat": noon.Unix(), "exp": noon.Unix() + 3600,
	}
	maps.Copy(members, changes)
	maps.DeleteFunc(members, func(_ string, v any) bool { return v == nil })
	b, err := json.Marshal(members)
	if err != nil {
		panic(err)
	}
	return string(b)
}

func TestMintedTokens(t *testing.T) {
	t.Parallel()
	second := noon.Truncate(time.Second)
	full := Grant{
		ID: "A-b_9", Label: strings.Repeat("<😀>", 66), IssuedAt: second, NotBefore: second.Add(time.Minute),
		ExpiresAt: second.Add(366 * 24 * time.Hour), MaxFiles: 1, MaxBytes: 1<<63 - 1,
	}
	ring := testRing(t)
	for name, g := range map[string]Grant{
		"bare": {ID: "x", IssuedAt: second, ExpiresAt: second.Add(time.Hour)},
		"full": full,
	} {
		token, err := ring.Mint(g)
		if err != nil {
			t.Fatal(err)
		}
		if got, err := ring.Verify(token, noon.Add(time.Minute)); err != nil || got != g {
			t.Errorf("%s:\ngot  %+v, %v\nwant %+v", name, got, err, g)
		}
		if strings.Trim(token, "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_.") != "" {
			t.Errorf("%s is not safe in a path: %s", name, token)
		}
	}
}

// The claims are part of the contract: other programs read them.
func TestMintedClaims(t *testing.T) {
	t.Parallel()
	second := time.Unix(1_800_000_000, 0)
	for want, g := range map[string]Grant{
		`{"iss":"inlet","aud":"upload","jti":"x","iat":1800000000,"exp":1800003600}`: {ID: "x", IssuedAt: second, ExpiresAt: second.Add(time.Hour)},
		`{"iss":"inlet","aud":"upload","jti":"x","iat":1800000000,"exp":1800003600,"nbf":1800000001,"max_files":10,"max_bytes":20,"label":"ä"}`: {
			ID: "x", IssuedAt: second, ExpiresAt: second.Add(time.Hour), NotBefore: second.Add(time.Second), MaxFiles: 10, MaxBytes: 20, Label: "ä",
		},
	} {
		token, err := testRing(t).Mint(g)
		if err != nil {
			t.Fatal(err)
		}
		parts := strings.Split(token, ".")
		header, _ := base64.RawURLEncoding.DecodeString(parts[0])
		body, _ := base64.RawURLEncoding.DecodeString(parts[1])
		if string(header) != goodHeader || string(body) != want {
			t.Errorf("got %s %s, want %s", header, body, want)
		}
	}
}

func TestVerifyAccepts(t *testing.T) {
	t.Parallel()
	plain := Grant{ID: "link-1", IssuedAt: noon.Truncate(time.Second), ExpiresAt: noon.Truncate(time.Second).Add(time.Hour)}
	with := func(change func(*Grant)) Grant {
		g := plain
		change(&g)
		return g
	}
	for name, tc := range map[string]struct {
		token string
		want  Grant
	}{
		"as few claims as can be":  {sign(goodHeader, payload(nil)), plain},
		"audience in an array":     {sign(goodHeader, payload(map[string]any{"aud": []string{"upload"}})), plain},
		"one audience of several":  {sign(goodHeader, payload(map[string]any{"aud": []string{"view", "upload"}})), plain},
		"no typ":                   {sign(`{"kid":"k1","alg":"HS256"}`, payload(nil)), plain},
		"claims of somebody else":  {sign(goodHeader, payload(map[string]any{"sub": "x", "Exp": 1, "deep": []any{map[string]any{"exp": 1}}})), plain},
		"null for optional claims": {sign(goodHeader, strings.Replace(payload(nil), "{", `{"nbf":null,"max_files":null,"max_bytes":null,"label":null,`, 1)), plain},
		"blanks in the JSON":       {sign(" "+goodHeader, " "+payload(nil)+"\n"), plain},
		"the longest id": {
			sign(goodHeader, payload(map[string]any{"jti": strings.Repeat("x", 64)})),
			with(func(g *Grant) { g.ID = ID(strings.Repeat("x", 64)) }),
		},
		"limits": {
			sign(goodHeader, payload(map[string]any{"max_files": 3, "max_bytes": int64(1<<63 - 1)})),
			with(func(g *Grant) { g.MaxFiles, g.MaxBytes = 3, 1<<63-1 }),
		},
		"a label to be cleaned": {
			sign(goodHeader, payload(map[string]any{"label": "a\x00b\x1b"})),
			with(func(g *Grant) { g.Label = "ab" }),
		},
		"366 days": {
			sign(goodHeader, payload(map[string]any{"exp": noon.Unix() + 366*86400})),
			with(func(g *Grant) { g.ExpiresAt = g.IssuedAt.AddDate(0, 0, 366) }),
		},
		"made by a clock that is ahead": {
			sign(goodHeader, payload(map[string]any{"iat": noon.Unix() + 60})),
			with(func(g *Grant) { g.IssuedAt = g.IssuedAt.Add(time.Minute) }),
		},
		"not before, passed": {
			sign(goodHeader, payload(map[string]any{"nbf": noon.Unix()})),
			with(func(g *Grant) { g.NotBefore = g.IssuedAt }),
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			if got, err := testRing(t).Verify(tc.token, noon); err != nil || got != tc.want {
				t.Errorf("got %+v, %v\nwant %+v", got, err, tc.want)
			}
		})
	}
}

func TestVerifyTime(t *testing.T) {
	t.Parallel()
	ring := testRing(t)
	second := noon.Truncate(time.Second)
	token, err := ring.Mint(Grant{ID: "x", IssuedAt: second, NotBefore: second.Add(10 * time.Second), ExpiresAt: second.Add(time.Minute)})
	if err != nil {
		t.Fatal(err)
	}
	for offset, want := range map[time.Duration]error{
		-time.Hour:                    ErrNotYetValid,
		10*time.Second - 1:            ErrNotYetValid,
		10 * time.Second:              nil,
		time.Minute - 1:               nil,
		time.Minute:                   ErrExpired,
		time.Hour:                     ErrExpired,
		100 * 366 * 24 * time.Hour:    ErrExpired,
		-2 * 366 * 24 * time.Hour:     ErrInvalid, // it would outlive its revocation
		-(24*time.Hour - time.Minute): ErrNotYetValid,
	} {
		if _, err := ring.Verify(token, second.Add(offset)); !errors.Is(err, want) {
			t.Errorf("%v after: got %v, want %v", offset, err, want)
		}
	}
	never := sign(goodHeader, payload(map[string]any{"exp": noon.Unix() - 60}))
	if _, err := ring.Verify(never, noon); !errors.Is(err, ErrExpired) {
		t.Errorf("ended before it was made: %v", err)
	}
}

func TestRotation(t *testing.T) {
	t.Parallel()
	old, fresh := "k1:"+secretOf("a", 32), "k2:"+secretOf("b", 32)
	g := Grant{ID: "x", IssuedAt: noon.Truncate(time.Second), ExpiresAt: noon.Truncate(time.Second).Add(time.Hour)}
	before, err := mustParse(t, old).Mint(g)
	if err != nil {
		t.Fatal(err)
	}
	both := mustParse(t, fresh+","+old)
	after, err := both.Mint(g)
	if err != nil {
		t.Fatal(err)
	}
	for name, tc := range map[string]struct {
		ring  *Keyring
		token string
		good  bool
	}{
		"an old link goes on":               {both, before, true},
		"a new link":                        {both, after, true},
		"a new link without the old key":    {mustParse(t, fresh), after, true},
		"an old link without the old key":   {mustParse(t, fresh), before, false},
		"a new link on an old process":      {mustParse(t, old), after, false},
		"another key that took the old kid": {mustParse(t, "k1:"+secretOf("b", 32)), before, false},
	} {
		if _, err := tc.ring.Verify(tc.token, noon); tc.good != (err == nil) {
			t.Errorf("%s: %v", name, err)
		}
	}
}

// FuzzVerify looks for a token that is taken and means something else when it is
// made again. The text is tried as it is, and as a payload that is well signed.
func FuzzVerify(f *testing.F) {
	f.Add("", goodHeader, payload(nil))
	f.Add(sign(goodHeader, payload(nil)), goodHeader, payload(map[string]any{"aud": []string{"upload"}, "label": "a\x00", "nbf": 1, "max_files": 1}))
	f.Add("a.b.c", `{"alg":"none"}`, `{"exp":1e9,"exp":1}`)
	f.Add("..", `{"alg":"HS256","kid":"k1","crit":[]}`, payload(map[string]any{"label": strings.Repeat("😀", 200), "max_bytes": int64(1<<63 - 1)}))
	ring := testRing(f)
	f.Fuzz(func(t *testing.T, token, header, payload string) {
		for _, token := range []string{token, sign(header, payload), sign(goodHeader, payload)} {
			got, err := ring.Verify(token, noon)
			if err != nil {
				if got != (Grant{}) || !errors.Is(err, ErrInvalid) && !errors.Is(err, ErrExpired) && !errors.Is(err, ErrNotYetValid) {
					t.Fatalf("got %+v, %v", got, err)
				}
				continue
			}
			again, err := ring.Mint(got)
			if err != nil {
				t.Fatal(err)
			}
			if same, err := ring.Verify(again, noon); err != nil || same != got {
				t.Fatalf("got %+v, and made again %+v, %v", got, same, err)
			}
			if !got.ExpiresAt.After(noon) || got.ExpiresAt.Sub(noon) > 367*24*time.Hour || got.MaxFiles < 0 || got.MaxBytes < 0 || got.ID == "" {
				t.Fatalf("got %+v", got)
			}
		}
	})
}

func BenchmarkVerify(b *testing.B) {
	ring := testRing(b)
	second := noon.Truncate(time.Second)
	token, err := ring.Mint(Grant{ID: "x", IssuedAt: second, ExpiresAt: second.Add(time.Hour), MaxFiles: 100, Label: "Wedding"})
	if err != nil {
		b.Fatal(err)
	}
	b.ReportAllocs()
	for b.Loop() {
		if _, err := ring.Verify(token, noon); err != nil {
			b.Fatal(err)
		}
	}
}
