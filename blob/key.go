package blob

import (
	"encoding/hex"
	"errors"
	"fmt"
	"strings"

	"inlet/problem"
)

// Key names one object of a store. It is made by ContentKey and VariantKey
// only, so that no name from outside ever becomes a path.
type Key string

// ContentKey is the key of the bytes with this SHA-256.
func ContentKey(sum [32]byte) Key { return Key(hex.EncodeToString(sum[:])) }

// VariantKey is the key of a JPEG of the picture k, at most width pixels wide.
func VariantKey(k Key, width int) Key { return Key(fmt.Sprintf("%s.w%d.jpg", k, width)) }

// Path is where every store keeps k, below its folder or prefix for blobs:
// ab/ab12…. Keys are checked here once more, since this is where a name becomes
// a path; what is no key is ErrNotFound.
func (k Key) Path() (string, error) {
	content, _, _ := strings.Cut(string(k), ".")
	if !isContent(content) || strings.ContainsAny(string(k), `/\`) {
		return "", fmt.Errorf("%w: %q is no key", ErrNotFound, k)
	}
	return content[:2] + "/" + string(k), nil
}

// IsContent tells whether k is that of kept bytes, and not of a variant.
func (k Key) IsContent() bool { return isContent(string(k)) }

// isContent tells whether a name is that of kept bytes: 64 lower-case hex digits.
func isContent(name string) bool {
	return len(name) == 64 && strings.Trim(name, "0123456789abcdef") == ""
}

// Failures that callers tell apart; all others are wrapped in ErrUnavailable.
var (
	ErrNotFound    = errors.New("blob: not found")
	ErrUnavailable = problem.New(problem.Unavailable, "blob: the store cannot be used")
	// ErrUnsettled comes with a deletion of which a store that Lingers did not say
	// what became of it.
	ErrUnsettled = errors.New("blob: the store may carry it out later")
	ErrOwner     = errors.New("blob: the store belongs to another installation")
)
