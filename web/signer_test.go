package web

import (
	"net/url"
	"testing"
	"time"

	"github.com/google/uuid"
)

func TestSigner(t *testing.T) {
	t.Parallel()
	now := time.Date(2026, 10, 25, 12, 0, 0, 0, time.UTC)
	clock := func() time.Time { return now }
	s := NewSigner([]byte("a key of 32 bytes, or thereabout"), clock)
	id, other := uuid.New(), uuid.New()
	query := s.Query(id)
	with := func(name, value string) url.Values {
		return url.Values{"exp": query["exp"], "sig": query["sig"], name: {value}}
	}
	if !s.Verify(id, query) || !s.Verify(id, with("width", "320")) {
		t.Error("a good address is refused")
	}
	sig := query.Get("sig")
	for name, bad := range map[string]url.Values{
		"nothing": {}, "no signature": with("sig", ""), "cut": with("sig", sig[:42]), "longer": with("sig", sig+"A"),
		"other": with("sig", NewSigner([]byte("another key"), clock).Query(id).Get("sig")),
		"later": with("exp", "9999999999"), "no expiry": with("exp", ""), "other spelling": with("exp", "+"+query.Get("exp")),
		"junk": with("sig", "!!!"), "newline": with("sig", sig+"\n"),
	} {
		if s.Verify(id, bad) {
			t.Errorf("%s: good", name)
		}
	}
	if s.Verify(other, query) {
		t.Error("good for another image")
	}

	// It is good for at least a day, and the same for all of a day.
	now = time.Date(2026, 10, 25, 12, 0, 0, 0, time.UTC).Add(24 * time.Hour)
	if !s.Verify(id, query) {
		t.Error("refused after a day")
	}
	now = time.Date(2026, 10, 25, 12, 0, 0, 0, time.UTC).Add(11 * time.Hour)
	if s.Query(id).Encode() != query.Encode() {
		t.Error("the address changes within a day")
	}
	now = time.Date(2026, 10, 25, 12, 0, 0, 0, time.UTC).Add(36 * time.Hour)
	if s.Verify(id, query) {
		t.Error("good for ever")
	}
	if s := NewSigner([]byte("key"), nil); !s.Verify(id, s.Query(id)) {
		t.Error("refused by the machine's clock")
	}
}
