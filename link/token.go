package link

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/golang-jwt/jwt/v5"
)

// What every token says, and the bounds of what it may say.
const (
	issuer   = "inlet"
	audience = "upload"

	maxTokenBytes = 4096
	maxIDChars    = 64
	maxLabelChars = 200
	maxLifetime   = 366 * 24 * time.Hour
	lastSecond    = 253402300799 // the end of the year 9999, the last that RFC 3339 can write
)

// clockSkew is how far the clocks of the process that signs and of the one that
// verifies may be apart before the longest links are refused. No other rule has
// any leeway.
const clockSkew = 24 * time.Hour

// claims are the token's payload. Times are whole seconds, as Mint writes them.
type claims struct {
	// The methods that the library asks of claims, which say nothing: it would
	// use them for validation, and that is ours.
	jwt.RegisteredClaims `json:"-"`

	Issuer    string    `json:"iss"`
	Audience  audiences `json:"aud"`
	ID        ID        `json:"jti"`
	IssuedAt  int64     `json:"iat"`
	ExpiresAt int64     `json:"exp"`
	NotBefore int64     `json:"nbf,omitempty"`
	MaxFiles  *int64    `json:"max_files,omitempty"`
	MaxBytes  *int64    `json:"max_bytes,omitempty"`
	Label     string    `json:"label,omitempty"`
}

// Mint signs a token for g with the first key.
func (k *Keyring) Mint(g Grant) (string, error) {
	c := &claims{
		Issuer:    issuer,
		Audience:  audiences{audience},
		ID:        g.ID,
		IssuedAt:  g.IssuedAt.Unix(),
		ExpiresAt: g.ExpiresAt.Unix(),
		MaxFiles:  limit(g.MaxFiles),
		MaxBytes:  limit(g.MaxBytes),
		Label:     g.Label,
	}
	if !g.NotBefore.IsZero() {
		c.NotBefore = g.NotBefore.Unix()
	}
	token := jwt.NewWithClaims(jwt.SigningMethodHS256, c)
	token.Header["kid"] = k.keys[0].kid
	signed, err := token.SignedString(k.keys[0].secret)
	if err != nil {
		return "", fmt.Errorf("link: sign a token: %w", err)
	}
	return signed, nil
}

// Verify returns what a token grants at the time now. Its errors are ErrInvalid,
// ErrExpired and ErrNotYetValid; the last two only of tokens that are otherwise
// good. Whether the link was revoked is for Revocations to say.
func (k *Keyring) Verify(token string, now time.Time) (Grant, error) {
	// The base64 decoder would skip line breaks.
	foreign := func(r rune) bool { return !isBase64URL(r) && r != '.' }
	if len(token) > maxTokenBytes || strings.ContainsFunc(token, foreign) {
		return Grant{}, ErrInvalid
	}
	var c claims
	if _, err := k.parser.ParseWithClaims(token, &c, k.pick); err != nil {
		return Grant{}, ErrInvalid
	}
	return c.grant(now)
}

func newParser() *jwt.Parser {
	return jwt.NewParser(
		jwt.WithValidMethods([]string{jwt.SigningMethodHS256.Alg()}),
		jwt.WithStrictDecoding(),
		jwt.WithoutClaimsValidation(), // claims.grant does it, and must tell expired from invalid
	)
}

// pick returns the key that the token's header names.
func (k *Keyring) pick(token *jwt.Token) (any, error) {
	encoded, _, _ := strings.Cut(token.Raw, ".")
	header, err := k.parser.DecodeSegment(encoded)
	if err != nil {
		return nil, err
	}
	// The library keeps the last of repeated members; others keep the first.
	if err := decodeObject(header, skip); err != nil {
		return nil, err
	}
	// crit lists extensions without which a token must not be understood; there
	// are none here.
	if _, ok := token.Header["crit"]; ok {
		return nil, errors.New("critical extensions")
	}
	kid, _ := token.Header["kid"].(string)
	secret, ok := k.secret(kid)
	if !ok {
		return nil, errors.New("unknown kid")
	}
	return secret, nil
}

// grant decides what well signed claims are worth.
func (c *claims) grant(now time.Time) (Grant, error) {
	g := Grant{
		ID:        c.ID,
		Label:     cleanLabel(c.Label),
		IssuedAt:  time.Unix(c.IssuedAt, 0).UTC(),
		ExpiresAt: time.Unix(c.ExpiresAt, 0).UTC(),
	}
	if c.NotBefore != 0 {
		g.NotBefore = time.Unix(c.NotBefore, 0).UTC()
	}
	var filesOK, bytesOK bool
	g.MaxFiles, filesOK = limited(c.MaxFiles)
	g.MaxBytes, bytesOK = limited(c.MaxBytes)
	wellFormed := c.Issuer == issuer && slices.Contains(c.Audience, audience) && c.ID.valid() &&
		inRange(1, c.IssuedAt) && inRange(1, c.ExpiresAt) && inRange(0, c.NotBefore) &&
		filesOK && bytesOK && labelFits(g.Label)
	switch {
	case !wellFormed:
		return Grant{}, ErrInvalid
	case g.ExpiresAt.Sub(g.IssuedAt) > maxLifetime:
		return Grant{}, ErrInvalid
	case g.ExpiresAt.Sub(now) > maxLifetime+clockSkew: // its revocation would be forgotten first
		return Grant{}, ErrInvalid
	case !now.Before(g.ExpiresAt):
		return Grant{}, ErrExpired
	case now.Before(g.NotBefore):
		return Grant{}, ErrNotYetValid
	}
	return g, nil
}

func inRange(least, second int64) bool { return second >= least && second <= lastSecond }

// limit and limited translate between a Grant's 0 for no limit and the absent
// claim. A claim of 0 is refused: taken for a Grant's 0 it would mean no limit.
func limit(n int64) *int64 {
	if n == 0 {
		return nil
	}
	return &n
}

func limited(claim *int64) (n int64, ok bool) {
	if claim == nil {
		return 0, true
	}
	return *claim, *claim >= 1
}

// valid tells whether a token can have the id: up to 64 characters of base64url.
func (id ID) valid() bool {
	foreign := func(r rune) bool { return !isBase64URL(r) }
	return id != "" && len(id) <= maxIDChars && !strings.ContainsFunc(string(id), foreign)
}

func isBase64URL(r rune) bool {
	return 'a' <= r && r <= 'z' || 'A' <= r && r <= 'Z' || '0' <= r && r <= '9' || r == '-' || r == '_'
}

// UnmarshalJSON is strict where encoding/json is not: a member's name must match
// exactly and occur once. Members that are not known are skipped, null is absent.
func (c *claims) UnmarshalJSON(b []byte) error { return decodeObject(b, c.member) }

func (c *claims) member(name string) any {
	switch name {
	case "iss":
		return &c.Issuer
	case "aud":
		return &c.Audience
	case "jti":
		return &c.ID
	case "iat":
		return &c.IssuedAt
	case "exp":
		return &c.ExpiresAt
	case "nbf":
		return &c.NotBefore
	case "max_files":
		return &c.MaxFiles
	case "max_bytes":
		return &c.MaxBytes
	case "label":
		return &c.Label
	}
	return skip(name)
}

func skip(string) any { return new(json.RawMessage) }

// decodeObject decodes each member of a JSON object to where its name belongs,
// and refuses an object with repeated names.
func decodeObject(object []byte, member func(name string) any) error {
	d := json.NewDecoder(bytes.NewReader(object))
	if start, err := d.Token(); err != nil || start != json.Delim('{') {
		return errors.New("not a JSON object")
	}
	seen := map[string]bool{}
	for d.More() {
		token, err := d.Token()
		if err != nil {
			return err
		}
		name, ok := token.(string)
		if !ok || seen[name] {
			return errors.New("a repeated name")
		}
		seen[name] = true
		if err := d.Decode(member(name)); err != nil {
			return fmt.Errorf("%s: %w", name, err)
		}
	}
	_, err := d.Token()
	return err
}

// audiences is a string or an array of strings.
type audiences []string

func (a audiences) MarshalJSON() ([]byte, error) {
	if len(a) == 1 {
		return json.Marshal(a[0])
	}
	return json.Marshal([]string(a))
}

func (a *audiences) UnmarshalJSON(b []byte) error {
	var one string
	if json.Unmarshal(b, &one) == nil {
		*a = audiences{one}
		return nil
	}
	return json.Unmarshal(b, (*[]string)(a))
}
