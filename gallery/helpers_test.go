package gallery_test

import (
	"crypto/sha256"
	"encoding/binary"
	"errors"
	"testing"
	"time"

	"github.com/jackc/pgx/v5/pgconn"
)

func sumOf(content string) []byte {
	sum := sha256.Sum256([]byte(content))
	return sum[:]
}

// lockKey is what docs/adr/0002 says, written once more.
func lockKey(sum [32]byte) int64 { return int64(binary.BigEndian.Uint64(sum[:8])) }

// raced tells an insert that lost against another upload or a deletion.
func raced(err error) bool {
	var pgErr *pgconn.PgError
	return errors.As(err, &pgErr) && (pgErr.Code == "23503" || pgErr.Code == "23505")
}

// eventually waits until something is so.
func eventually(t *testing.T, so func() bool) {
	t.Helper()
	for deadline := time.Now().Add(30 * time.Second); !so(); {
		if time.Now().After(deadline) {
			t.Fatal("it did not come about")
		}
		time.Sleep(time.Millisecond)
	}
}
