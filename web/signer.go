package web

import (
	"crypto/hmac"
	"crypto/sha256"
	"encoding/base64"
	"fmt"
	"net/url"
	"strconv"
	"time"

	"github.com/google/uuid"
)

// signedFor is how long a signed address is good at least, and how long it
// stays the same, so that browsers and proxies can keep what they have fetched.
const signedFor = 24 * time.Hour

// Signer makes and checks addresses that give access to one image for a time.
type Signer struct {
	key []byte
	now func() time.Time
}

// NewSigner makes a Signer. now is nil for time.Now.
func NewSigner(key []byte, now func() time.Time) *Signer {
	if now == nil {
		now = time.Now
	}
	return &Signer{key, now}
}

// Query is the part of an image's address that gives access to it, variants
// included: for one to two days.
func (s *Signer) Query(id uuid.UUID) url.Values {
	exp := strconv.FormatInt(s.now().Truncate(signedFor).Add(2*signedFor).Unix(), 10)
	return url.Values{"exp": {exp}, "sig": {s.sign(id, exp)}}
}

// Verify tells whether a query gives access to the image now.
func (s *Signer) Verify(id uuid.UUID, query url.Values) bool {
	exp := query.Get("exp")
	if !hmac.Equal([]byte(query.Get("sig")), []byte(s.sign(id, exp))) {
		return false
	}
	until, err := strconv.ParseInt(exp, 10, 64)
	return err == nil && s.now().Unix() < until
}

func (s *Signer) sign(id uuid.UUID, exp string) string {
	mac := hmac.New(sha256.New, s.key)
	mac.Write(fmt.Appendf(nil, "image\n%s\n%s", id, exp))
	return base64.RawURLEncoding.EncodeToString(mac.Sum(nil))
}
