package blob

import (
	"encoding/hex"
	"errors"
	"fmt"
	"strings"

	"inlet/problem"
)

// Errors that callers distinguish; all others wrap ErrUnavailable.
var (
	ErrNotFound    = errors.New("blob: not found")
	ErrUnavailable = problem.New(problem.Unavailable, "blob: the store cannot be used")
	// ErrUnsettled means that the store never confirmed a deletion and may still
	// carry it out. Only stores that Lingers reports return it.
	ErrUnsettled = errors.New("blob: the store may carry it out later")
	// ErrOwner means that another installation has claimed the store.
	ErrOwner = errors.New("blob: the store belongs to another installation")
)

// Key names an object of a store: a content or a variant. Only ContentKey and
// VariantKey create keys, so a name from outside never becomes a path.
type Key string

// ContentKey returns the key of the content with this SHA-256.
func ContentKey(sum [32]byte) Key { return Key(hex.EncodeToString(sum[:])) }

// VariantKey returns the key of a JPEG of the content k, at most width pixels wide.
func VariantKey(k Key, width int) Key { return Key(fmt.Sprintf("%s.w%d.jpg", k, width)) }

// Path returns the object's path in every store, below the folder or prefix for
// blobs: ab/ab12…. It returns ErrNotFound for a string that is no key, because
// this is the place where a key becomes a path.
func (k Key) Path() (string, error) {
	content, _, _ := strings.Cut(string(k), ".")
	if !isContent(content) || strings.ContainsAny(string(k), `/\`) {
		return "", fmt.Errorf("%w: %q is no key", ErrNotFound, k)
	}
	return content[:2] + "/" + string(k), nil
}

// IsContent tells whether k is the key of a content, not of a variant.
func (k Key) IsContent() bool { return isContent(string(k)) }

// isContent tells whether a name has the form of a content's key: 64 lower-case
// hex digits.
func isContent(name string) bool {
	return len(name) == 64 && strings.Trim(name, "0123456789abcdef") == ""
}
