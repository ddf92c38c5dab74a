package link

import (
	"crypto/hkdf"
	"crypto/rand"
	"crypto/sha256"
	"encoding/base64"
	"encoding/hex"
	"errors"
	"fmt"
	"log/slog"
	"strings"

	"github.com/golang-jwt/jwt/v5"
)

const (
	minKeyBytes = 32
	maxKidChars = 64
)

// key is one entry of the ring.
type key struct {
	kid    string
	secret []byte
}

// Keyring signs and verifies tokens. The first key signs, all of them verify,
// so that a key is changed without spoiling the links that are out: put the new
// key in front, and take the old one away when its last link has expired. It
// never changes after it was made and is safe for concurrent use.
type Keyring struct {
	keys   []key
	parser *jwt.Parser
}

// ParseKeys reads "kid:key,…", where a kid is up to 64 visible characters
// and a key standard base64 of at least 32 bytes. Its errors tell the place of
// the wrong entry and never show what stands there, which may be a key.
func ParseKeys(s string) (*Keyring, error) {
	if strings.TrimSpace(s) == "" {
		return nil, errors.New("no keys are given")
	}
	var keys []key
	seen := map[string]bool{}
	for i, entry := range strings.Split(s, ",") {
		k, err := parseKey(strings.TrimSpace(entry))
		if err == nil && seen[k.kid] {
			err = errors.New("an earlier entry has the same kid")
		}
		if err != nil {
			return nil, fmt.Errorf("entry %d: %w", i+1, err)
		}
		seen[k.kid] = true
		keys = append(keys, k)
	}
	return newKeyring(keys), nil
}

func parseKey(entry string) (key, error) {
	kid, encoded, ok := strings.Cut(entry, ":")
	if !ok {
		return key{}, errors.New("it is not of the form kid:key")
	}
	invisible := func(r rune) bool { return r <= ' ' || r > '~' }
	if kid == "" || len(kid) > maxKidChars || strings.ContainsFunc(kid, invisible) {
		return key{}, fmt.Errorf("the kid must be 1 to %d visible ASCII characters", maxKidChars)
	}
	secret, err := base64.StdEncoding.Strict().DecodeString(encoded)
	if err != nil {
		return key{}, errors.New("the key is not standard base64") // err would show some of it
	}
	if len(secret) < minKeyBytes {
		return key{}, fmt.Errorf("the key has %d bytes, at least %d are needed", len(secret), minKeyBytes)
	}
	return key{kid: kid, secret: secret}, nil
}

// GenerateKeys makes a ring of one random key.
func GenerateKeys() (*Keyring, error) {
	random := make([]byte, 4+minKeyBytes)
	if _, err := rand.Read(random); err != nil {
		return nil, fmt.Errorf("link: make a key: %w", err)
	}
	return newKeyring([]key{{kid: hex.EncodeToString(random[:4]), secret: random[4:]}}), nil
}

func newKeyring(keys []key) *Keyring {
	return &Keyring{keys: keys, parser: newParser()}
}

// String is the form that ParseKeys reads. It holds the secrets.
func (k *Keyring) String() string {
	entries := make([]string, len(k.keys))
	for i, key := range k.keys {
		entries[i] = key.kid + ":" + base64.StdEncoding.EncodeToString(key.secret)
	}
	return strings.Join(entries, ",")
}

// LogValue keeps the secrets out of logs: only the kids are shown.
func (k *Keyring) LogValue() slog.Value {
	kids := make([]string, len(k.keys))
	for i, key := range k.keys {
		kids[i] = key.kid
	}
	return slog.StringValue(strings.Join(kids, ","))
}

// Derive makes a secret of 32 bytes for another purpose, the same one in every
// process that has the same ring. It comes from the last, oldest key: putting a
// new key in front leaves it as it is, and taking the oldest away changes it,
// which is when what was made with it (signed image addresses, hashes of client
// addresses) no longer compares.
func (k *Keyring) Derive(purpose string) []byte {
	oldest := k.keys[len(k.keys)-1].secret
	derived, err := hkdf.Key(sha256.New, oldest, nil, "inlet "+purpose, sha256.Size)
	if err != nil {
		panic(fmt.Sprintf("link: HKDF of %d bytes: %v", sha256.Size, err)) // fails only above 255 × 32 bytes
	}
	return derived
}

func (k *Keyring) secret(kid string) ([]byte, bool) {
	for _, key := range k.keys {
		if key.kid == kid {
			return key.secret, true
		}
	}
	return nil, false
}
