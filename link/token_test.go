package link

import (
	"crypto/hmac"
	"crypto/rand"
	"crypto/rsa"
	"crypto/sha256"
	"crypto/sha512"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"hash"
	"maps"
	"strings"
	"testing"
	"time"

	"github.com/golang-jwt/jwt/v5"
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

func TestVerifyRefusesForgedTokens(t *testing.T) {
	t.Parallel()
	good := sign(goodHeader, payload(nil))
	parts := strings.Split(good, ".")
	text := parts[0] + "." + parts[1]
	header := func(h string) string { return sign(h, payload(nil)) }
	claim := func(name string, value any) string { return sign(goodHeader, payload(map[string]any{name: value})) }
	raw := func(member string) string {
		return sign(goodHeader, strings.Replace(payload(nil), "{", "{"+member+",", 1))
	}
	without := func(name string) func(string) string {
		return func(member string) string {
			return sign(goodHeader, strings.Replace(payload(map[string]any{name: nil}), "{", "{"+member+",", 1))
		}
	}
	exp := without("exp")

	for name, token := range map[string]string{
		"nothing":              "",
		"dots":                 "..",
		"text":                 "hello",
		"two parts":            text,
		"four parts":           good + "." + parts[2],
		"over 4 KiB":           claim("pad", strings.Repeat("x", 4096)),
		"far over 4 KiB":       strings.Repeat("x", 1<<20),
		"tampered payload":     parts[0] + "." + encode(payload(map[string]any{"exp": noon.Unix() + 7200})) + "." + parts[2],
		"tampered header":      encode(`{"alg":"HS256","kid":"k1"}`) + "." + parts[1] + "." + parts[2],
		"no signature":         text + ".",
		"short signature":      text + "." + encode(mac(sha256.New, testSecret, text)[:31]),
		"another's key":        text + "." + encode(mac(sha256.New, "another secret of thirty-two bytes", text)),
		"the kid as the key":   text + "." + encode(mac(sha256.New, testKid, text)),
		"padding":              text + "." + parts[2] + "=",
		"standard base64":      strings.NewReplacer("-", "+", "_", "/").Replace(good) + "+",
		"a line break":         text + ".\n" + parts[2],
		"a trailing blank":     good + " ",
		"trailing garbage":     good + "A",
		"another last letter":  good[:len(good)-1] + otherBits(good[len(good)-1]),
		"a byte over 127":      good + "\xff",
		"header no JSON":       header("alg=HS256"),
		"header null":          header("null"),
		"header an array":      header("[]"),
		"header with a tail":   header(goodHeader + "{}"),
		"header empty":         header("{}"),
		"no alg":               header(`{"kid":"k1"}`),
		"alg none":             encode(`{"alg":"none","kid":"k1"}`) + "." + parts[1] + ".",
		"alg none, signed":     header(`{"alg":"none","kid":"k1"}`),
		"alg None":             header(`{"alg":"None","kid":"k1"}`),
		"alg in small letters": header(`{"alg":"hs256","kid":"k1"}`),
		"alg a number":         header(`{"alg":256,"kid":"k1"}`),
		"alg an array":         header(`{"alg":["HS256"],"kid":"k1"}`),
		"alg twice":            header(`{"alg":"none","alg":"HS256","kid":"k1"}`),
		"HS384":                signedBy(sha512.New384, "HS384"),
		"HS512":                signedBy(sha512.New, "HS512"),
		"RS256 in the header":  header(`{"alg":"RS256","kid":"k1"}`),
		"RS256 for real":       signedByRSA(t),
		"unknown alg":          header(`{"alg":"X","kid":"k1"}`),
		"no kid":               header(`{"alg":"HS256"}`),
		"unknown kid":          header(`{"alg":"HS256","kid":"k2"}`),
		"empty kid":            header(`{"alg":"HS256","kid":""}`),
		"kid a number":         header(`{"alg":"HS256","kid":1}`),
		"kid null":             header(`{"alg":"HS256","kid":null}`),
		"kid in capitals":      header(`{"alg":"HS256","kid":"K1"}`),
		"kid under KID":        header(`{"alg":"HS256","KID":"k1"}`),
		"kid twice":            header(`{"alg":"HS256","kid":"k2","kid":"k1"}`),
		"crit":                 header(`{"alg":"HS256","kid":"k1","crit":["b64"],"b64":false}`),
		"crit empty":           header(`{"alg":"HS256","kid":"k1","crit":[]}`),
		"crit null":            header(`{"alg":"HS256","kid":"k1","crit":null}`),

		"payload null":           sign(goodHeader, "null"),
		"payload an array":       sign(goodHeader, "[]"),
		"payload a string":       sign(goodHeader, `"x"`),
		"payload empty":          sign(goodHeader, ""),
		"payload with a tail":    sign(goodHeader, payload(nil)+payload(nil)),
		"payload cut off":        sign(goodHeader, strings.TrimSuffix(payload(nil), "}")),
		"deeply nested":          raw(`"x":` + strings.Repeat("[", 2500)),
		"no iss":                 claim("iss", nil),
		"another iss":            claim("iss", "outlet"),
		"iss in capitals":        claim("iss", "Inlet"),
		"iss under ISS":          without("iss")(`"ISS":"inlet"`),
		"no aud":                 claim("aud", nil),
		"another aud":            claim("aud", "view"),
		"aud in capitals":        claim("aud", "Upload"),
		"aud with more":          claim("aud", "upload "),
		"aud empty array":        claim("aud", []string{}),
		"aud array without ours": claim("aud", []string{"view", "operator"}),
		"aud array of numbers":   claim("aud", []any{"upload", 1}),
		"aud an object":          claim("aud", map[string]any{"upload": true}),
		"aud null":               without("aud")(`"aud":null`),
		"no jti":                 claim("jti", nil),
		"jti empty":              claim("jti", ""),
		"jti a number":           claim("jti", 1),
		"jti too long":           claim("jti", strings.Repeat("x", 65)),
		"jti with a slash":       claim("jti", "a/b"),
		"jti with NUL":           claim("jti", "a\x00"),
		"jti with ä":             claim("jti", "ä"),
		"no iat":                 claim("iat", nil),
		"iat null":               without("iat")(`"iat":null`),
		"iat zero":               claim("iat", 0),
		"iat negative":           claim("iat", -1),
		"iat a string":           claim("iat", fmt.Sprint(noon.Unix())),
		"no exp":                 claim("exp", nil),
		"exp null":               exp(`"exp":null`),
		"exp under Exp":          exp(fmt.Sprintf(`"Exp":%d`, noon.Unix()+3600)),
		"exp a string":           claim("exp", fmt.Sprint(noon.Unix()+3600)),
		"exp true":               claim("exp", true),
		"exp zero":               claim("exp", 0),
		"exp negative":           claim("exp", -noon.Unix()),
		"exp fractional":         exp(fmt.Sprintf(`"exp":%d.5`, noon.Unix()+3600)),
		"exp with an exponent":   exp(`"exp":1.8e9`),
		"exp over 64 bits":       exp(`"exp":1e300`),
		"exp of 2^64":            exp(`"exp":18446744073709551616`),
		"exp of 2^63-1":          exp(`"exp":9223372036854775807`),
		"exp twice":              raw(fmt.Sprintf(`"exp":%d`, noon.Unix()+60)),
		"exp twice, escaped":     raw(fmt.Sprintf(`"\u0065xp":%d`, noon.Unix()+60)),
		"a stranger twice":       raw(`"x":1,"x":1`),
		"366 days and a second":  claim("exp", noon.Unix()+366*86400+1),
		"longer, long expired":   sign(goodHeader, payload(map[string]any{"iat": 1, "exp": noon.Unix() - 1})),
		"made in the far future": sign(goodHeader, payload(map[string]any{"iat": noon.Unix() + 30*86400, "exp": noon.Unix() + 380*86400})),
		"nbf a string":           claim("nbf", "1"),
		"nbf negative":           claim("nbf", -1),
		"nbf fractional":         claim("nbf", 1.5),
		"nbf huge":               claim("nbf", int64(1)<<62),
		"max_files zero":         claim("max_files", 0),
		"max_files negative":     claim("max_files", -1),
		"max_files fractional":   claim("max_files", 1.5),
		"max_files a string":     claim("max_files", "1"),
		"max_files over 64 bits": raw(`"max_files":9223372036854775808`),
		"max_bytes zero":         claim("max_bytes", 0),
		"max_bytes an array":     claim("max_bytes", []int{1}),
		"label a number":         claim("label", 1),
		"label too long":         claim("label", strings.Repeat("x", 201)),
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			// Whatever the time, a forged token is invalid and never merely expired.
			for _, now := range []time.Time{noon, noon.AddDate(1, 0, 0)} {
				if name == "made in the far future" && now != noon {
					continue
				}
				if got, err := testRing(t).Verify(token, now); !errors.Is(err, ErrInvalid) || got != (Grant{}) {
					t.Errorf("at %v: got %+v, %v", now, got, err)
				}
			}
		})
	}
	if _, err := testRing(t).Verify(good, noon); err != nil {
		t.Errorf("the good one: %v", err)
	}
}

// otherBits changes the bits of a last letter that do not count.
func otherBits(letter byte) string {
	const alphabet = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_"
	return string(alphabet[strings.IndexByte(alphabet, letter)^1])
}

func signedBy(h func() hash.Hash, alg string) string {
	text := encode(`{"alg":"`+alg+`","kid":"k1"}`) + "." + encode(payload(nil))
	return text + "." + encode(mac(h, testSecret, text))
}

func signedByRSA(t *testing.T) string {
	t.Helper()
	private, err := rsa.GenerateKey(rand.Reader, 2048)
	if err != nil {
		t.Fatal(err)
	}
	text := encode(`{"alg":"RS256","kid":"k1"}`) + "." + encode(payload(nil))
	signature, err := jwt.SigningMethodRS256.Sign(text, private)
	if err != nil {
		t.Fatal(err)
	}
	return text + "." + encode(string(signature))
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
