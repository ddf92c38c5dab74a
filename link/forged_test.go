package link

import (
	"crypto/rand"
	"crypto/rsa"
	"crypto/sha256"
	"crypto/sha512"
	"errors"
	"fmt"
	"hash"
	"strings"
	"testing"
	"time"

	"github.com/golang-jwt/jwt/v5"
)

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
