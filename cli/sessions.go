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

// sessionAge is how long an unfinished upload is remembered; servers have swept
// it long before.
const sessionAge = 14 * 24 * time.Hour

// sessions remembers unfinished uploads by their ids: one small file for each,
// under the user's cache folder, so that runs side by side do not disturb each
// other. It holds no link, and its owner alone can read it. "" remembers nothing.
type sessions string

var errNoCache = errors.New("there is no cache folder to remember it in")

// openSessions finds the folder and forgets what is too old.
func openSessions(now time.Time) sessions {
	cache, err := os.UserCacheDir()
	if err != nil {
		return ""
	}
	dir := filepath.Join(cache, "inlet", "uploads")
	entries, _ := os.ReadDir(dir) // there is none before the first large file
	for _, entry := range entries {
		if info, err := entry.Info(); err == nil && now.Sub(info.ModTime()) > sessionAge {
			_ = os.Remove(filepath.Join(dir, entry.Name())) // or the next run does
		}
	}
	return sessions(dir)
}

// sessionKey names the upload of a content through a link.
func sessionKey(link string, sum [32]byte) string {
	h := sha256.New()
	h.Write(sum[:])
	h.Write([]byte(link))
	return hex.EncodeToString(h.Sum(nil))
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
		_ = os.Remove(s.file(key)) // a stale one is found to have gone
	}
}
