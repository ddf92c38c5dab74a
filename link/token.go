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

const (
	issuer   = "inlet"
	audience = "upload"

	maxTokenBytes = 4096
	maxIDChars    = 64
	maxLabelChars = 200
	maxLifetime   = 366 * 24 * time.Hour
	lastSecond    = 253402300799 // the end of the year 9999, the last that RFC 3339 can write

	// clockSkew bounds how far the clock of a signing process may run ahead of a
	// verifying one before the longest links fail. No other rule has leeway.
	clockSkew = 24 * time.Hour
)

// claims are the token's payload. Times are Unix seconds.
type claims struct {
	// The library requires these methods and finds no values here: it validates
	// nothing, and grant does.
	jwt.RegisteredClaims `json:"-"`

	Issuer    string `json:"iss"`
	Audience  string `json:"aud"` // ours, if the token's list contains it
	ID        ID     `json:"jti"`
	IssuedAt  int64  `json:"iat"`
	ExpiresAt int64  `json:"exp"`
	NotBefore int64  `json:"nbf,omitempty"`
	MaxFiles  *int64 `json:"max_files,omitempty"`
	MaxBytes  *int64 `json:"max_bytes,omitempty"`
	Label     string `json:"label,omitempty"`
}

// Mint signs a token for g with the first key.
func (k *Keyring) Mint(g Grant) (string, error) {
	c := &claims{
		Issuer:    issuer,
		Audience:  audience,
		ID:        g.ID,
		IssuedAt:  g.IssuedAt.Unix(),
		ExpiresAt: g.ExpiresAt.Unix(),
		Label:     g.Label,
	}
	if !g.NotBefore.IsZero() {
		c.NotBefore = g.NotBefore.Unix()
	}
	if g.MaxFiles != 0 {
		c.MaxFiles = &g.MaxFiles
	}
	if g.MaxBytes != 0 {
		c.MaxBytes = &g.MaxBytes
	}

	token := jwt.NewWithClaims(jwt.SigningMethodHS256, c)
	token.Header["kid"] = k.keys[0].kid
	signed, err := token.SignedString(k.keys[0].secret)
	if err != nil {
		return "", fmt.Errorf("link: sign a token: %w", err)
	}

	return signed, nil
}

// Verify returns what a token grants at the time now. It fails with ErrInvalid, or,
// if only the time is wrong, with ErrExpired or ErrNotYetValid. It does not check
// revocations; Gate.Open does.
func (k *Keyring) Verify(token string, now time.Time) (Grant, error) {
	// The base64 decoder would ignore line breaks.
	foreign := func(r rune) bool { return r != '.' && notBase64URL(r) }
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
		jwt.WithoutClaimsValidation(), // claims.grant validates: it must tell expired from invalid
	)
}

// pick returns the key that the token's header names.
func (k *Keyring) pick(token *jwt.Token) (any, error) {
	encoded, _, _ := strings.Cut(token.Raw, ".")
	header, err := k.parser.DecodeSegment(encoded)
	if err != nil {
		return nil, err
	}
	// Of members with the same name the library uses the last, other libraries the
	// first.
	if err := decodeObject(header, nil); err != nil {
		return nil, err
	}
	// RFC 7515: crit lists extensions that a verifier must understand. Inlet has none.
	if _, ok := token.Header["crit"]; ok {
		return nil, errors.New("critical extensions")
	}

	kid, _ := token.Header["kid"].(string)
	secret := k.secret(kid)
	if secret == nil {
		return nil, errors.New("unknown kid")
	}

	return secret, nil
}

// grant validates the claims of a token with a good signature.
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
	g.MaxFiles, filesOK = limit(c.MaxFiles)
	g.MaxBytes, bytesOK = limit(c.MaxBytes)

	wellFormed := c.Issuer == issuer && c.Audience == audience && c.ID.valid() &&
		inRange(1, c.IssuedAt) && inRange(1, c.ExpiresAt) && inRange(0, c.NotBefore) &&
		filesOK && bytesOK && labelFits(g.Label)
	switch {
	case !wellFormed, g.ExpiresAt.Sub(g.IssuedAt) > maxLifetime:
		return Grant{}, ErrInvalid
	case g.ExpiresAt.Sub(now) > retention: // the service would forget its revocation too soon
		return Grant{}, ErrInvalid
	case !now.Before(g.ExpiresAt):
		return Grant{}, ErrExpired
	case now.Before(g.NotBefore):
		return Grant{}, ErrNotYetValid
	}

	return g, nil
}

func inRange(least, second int64) bool { return second >= least && second <= lastSecond }

// limit translates an absent limit to 0, a Grant's "no limit". It refuses an
// explicit 0, which would lift the limit.
func limit(n *int64) (_ int64, ok bool) {
	if n == nil {
		return 0, true
	}
	return *n, *n >= 1
}

func notBase64URL(r rune) bool {
	return (r < 'a' || r > 'z') && (r < 'A' || r > 'Z') && (r < '0' || r > '9') && r != '-' && r != '_'
}

// UnmarshalJSON is stricter than encoding/json: the name of a member must match
// exactly and occur once. It ignores unknown members; null means absent.
func (c *claims) UnmarshalJSON(b []byte) error {
	var all jwt.ClaimStrings
	err := decodeObject(b, map[string]any{
		"iss":       &c.Issuer,
		"aud":       &all,
		"jti":       &c.ID,
		"iat":       &c.IssuedAt,
		"exp":       &c.ExpiresAt,
		"nbf":       &c.NotBefore,
		"max_files": &c.MaxFiles,
		"max_bytes": &c.MaxBytes,
		"label":     &c.Label,
	})
	if slices.Contains(all, audience) {
		c.Audience = audience
	}

	return err
}

// decodeObject decodes the members of a JSON object into the targets that members
// names, and skips the others. It refuses a repeated name.
func decodeObject(object []byte, members map[string]any) error {
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

		target, known := members[name]
		if !known {
			target = new(json.RawMessage)
		}
		if err := d.Decode(target); err != nil {
			return fmt.Errorf("%s: %w", name, err)
		}
	}
	_, err := d.Token()
	return err
}
