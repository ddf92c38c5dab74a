package blob

import (
	"encoding/hex"
	"errors"
	"fmt"
)

// Key names one object of a store. It is made by ContentKey and VariantKey
// only, so that no name from outside ever becomes a path.
type Key string

// ContentKey is the key of the bytes with this SHA-256.
func ContentKey(sum [32]byte) Key { return Key(hex.EncodeToString(sum[:])) }

// VariantKey is the key of a JPEG of the picture k, at most width pixels wide.
func VariantKey(k Key, width int) Key { return Key(fmt.Sprintf("%s.w%d.jpg", k, width)) }

// Failures that callers tell apart; all others are wrapped in ErrUnavailable.
var (
	ErrNotFound    = errors.New("blob: not found")
	ErrUnavailable = errors.New("blob: the store cannot be used")
	ErrOwner       = errors.New("blob: the store belongs to another installation")
)
