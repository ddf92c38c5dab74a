package cli

import (
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"os"
	"path/filepath"
	"time"

	"github.com/google/renameio/v2"
)

// sessionAge is how long a client remembers an unfinished upload. Servers sweep it
// long before.
const sessionAge = 14 * 24 * time.Hour

// sessions is the folder that remembers the ids of unfinished uploads, a small file
// each, so that runs side by side do not disturb each other. A file contains no
// link, and only its owner can read it. "" remembers nothing.
type sessions string

var errNoCache = errors.New("this user has no cache folder to remember the upload in")

// openSessions finds the folder and removes what is too old.
func openSessions(now time.Time) sessions {
	cache, err := os.UserCacheDir()
	if err != nil {
		return ""
	}

	dir := filepath.Join(cache, "inlet", "uploads")
	entries, _ := os.ReadDir(dir) // the first large file creates it
	for _, entry := range entries {
		if info, err := entry.Info(); err == nil && now.Sub(info.ModTime()) > sessionAge {
			_ = os.Remove(filepath.Join(dir, entry.Name())) // or the next run does
		}
	}
	return sessions(dir)
}

// sessionKey names the upload of a content through a link.
func sessionKey(link string, sum [32]byte) string {
	key := sha256.Sum256(append(sum[:], link...))
	return hex.EncodeToString(key[:])
}

func (s sessions) file(key string) string { return filepath.Join(string(s), key) }

func (s sessions) load(key string) (id string, found bool) {
	if s == "" {
		return "", false
	}

	doc, err := os.ReadFile(s.file(key))
	return string(doc), err == nil
}

func (s sessions) save(key, id string) error {
	if s == "" {
		return errNoCache
	}

	if err := os.MkdirAll(string(s), 0o700); err != nil {
		return err
	}
	return renameio.WriteFile(s.file(key), []byte(id), 0o600)
}

func (s sessions) drop(key string) {
	if s != "" {
		_ = os.Remove(s.file(key)) // the server refuses a stale session
	}
}
