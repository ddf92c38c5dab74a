package link

import (
	"crypto/hmac"
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

type key struct {
	kid    string
	secret []byte
}

// Keyring signs and verifies tokens. The first key signs, and all of them verify.
// To replace a key without breaking valid links, put the new key in front and
// remove the old one after its last link has expired. A Keyring is immutable and
// safe for concurrent use.
type Keyring struct {
	keys   []key
	parser *jwt.Parser
}

// ParseKeys reads "kid:key,…": a kid is up to 64 visible ASCII characters, a key is
// at least 32 bytes in standard base64. An error tells the number of the wrong entry
// and never quotes it, because it may be a key.
func ParseKeys(s string) (*Keyring, error) {
	if strings.TrimSpace(s) == "" {
		return nil, errors.New("no keys are given")
	}

	ring := &Keyring{parser: newParser()}
	for i, entry := range strings.Split(s, ",") {
		k, err := parseKey(strings.TrimSpace(entry))
		if err == nil && ring.secret(k.kid) != nil {
			err = errors.New("an earlier entry has the same kid")
		}
		if err != nil {
			return nil, fmt.Errorf("entry %d: %w", i+1, err)
		}
		ring.keys = append(ring.keys, k)
	}

	return ring, nil
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
		return key{}, errors.New("the key is not standard base64") // err would quote it
	}
	if len(secret) < minKeyBytes {
		return key{}, fmt.Errorf("the key has %d bytes, at least %d are needed", len(secret), minKeyBytes)
	}

	return key{kid: kid, secret: secret}, nil
}

// GenerateKeys makes a ring of one random key.
func GenerateKeys() (*Keyring, error) {
	random := make([]byte, 4+minKeyBytes)
	_, _ = rand.Read(random) // never fails
	return ParseKeys(hex.EncodeToString(random[:4]) + ":" + base64.StdEncoding.EncodeToString(random[4:]))
}

// String returns the form that ParseKeys reads, with the secrets.
func (k *Keyring) String() string {
	return k.join(func(key key) string { return key.kid + ":" + base64.StdEncoding.EncodeToString(key.secret) })
}

// LogValue shows only the kids, so that no log contains a secret.
func (k *Keyring) LogValue() slog.Value {
	return slog.StringValue(k.join(func(key key) string { return key.kid }))
}

func (k *Keyring) join(text func(key) string) string {
	entries := make([]string, len(k.keys))
	for i, key := range k.keys {
		entries[i] = text(key)
	}
	return strings.Join(entries, ",")
}

// Derive makes a secret of 32 bytes for another purpose, equal in every process
// with the same ring. It depends on the last (oldest) key alone: a new key in front
// changes nothing. Removing the oldest key changes the secret, and invalidates
// signed image addresses and hashes of client addresses.
func (k *Keyring) Derive(purpose string) []byte {
	// This is HKDF-SHA-256 (RFC 5869) without salt, for one block of output.
	extracted := digest(nil, k.keys[len(k.keys)-1].secret)
	return digest(extracted, []byte("inlet "+purpose+"\x01"))
}

func digest(secret, text []byte) []byte {
	mac := hmac.New(sha256.New, secret)
	mac.Write(text)
	return mac.Sum(nil)
}

// secret returns nil for an unknown kid.
func (k *Keyring) secret(kid string) []byte {
	for _, key := range k.keys {
		if key.kid == kid {
			return key.secret
		}
	}
	return nil
}
