package link

import (
	"bytes"
	"crypto/hkdf"
	"crypto/sha256"
	"encoding/base64"
	"fmt"
	"log/slog"
	"strings"
	"testing"
)

// secretOf makes key material that is easy to find in an error.
func secretOf(letter string, size int) string {
	return base64.StdEncoding.EncodeToString([]byte(strings.Repeat(letter, size)))
}

func mustParse(t testing.TB, keys string) *Keyring {
	t.Helper()
	ring, err := ParseKeys(keys)
	if err != nil {
		t.Fatalf("ParseKeys(%q): %v", keys, err)
	}
	return ring
}

func TestParseKeys(t *testing.T) {
	t.Parallel()
	a, b := secretOf("a", 32), secretOf("b", 64)
	for name, tc := range map[string]struct{ in, out string }{
		"one":                {"k1:" + a, "k1:" + a},
		"two, signing first": {"k2:" + b + ",k1:" + a, "k2:" + b + ",k1:" + a},
		"blanks around":      {" k2:" + b + " ,\n k1:" + a + "\n", "k2:" + b + ",k1:" + a},
		"any visible kid":    {"2026-10/x_~!:" + a, "2026-10/x_~!:" + a},
		"the same key twice": {"k1:" + a + ",k2:" + a, "k1:" + a + ",k2:" + a},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			if got := mustParse(t, tc.in).String(); got != tc.out {
				t.Errorf("got %q, want %q", got, tc.out)
			}
		})
	}
}

func TestParseKeysRefuses(t *testing.T) {
	t.Parallel()
	good := "k1:" + secretOf("a", 32)
	secret := secretOf("s", 33)
	for name, tc := range map[string]struct{ in, want string }{
		"nothing":           {"", "no keys"},
		"blanks":            {" \n", "no keys"},
		"a key without kid": {good + "," + secret, "entry 2: it is not of the form kid:key"},
		"an empty kid":      {":" + secret, "entry 1: the kid"},
		"a long kid":        {strings.Repeat("k", 65) + ":" + secret, "entry 1: the kid"},
		"a blank in a kid":  {"k 1:" + secret, "entry 1: the kid"},
		"kid and key swapped": {
			secret + ":k1", "entry 1: the key is not standard base64",
		},
		"a kid twice":       {good + ",k1:" + secret, "entry 2: an earlier entry has the same kid"},
		"trailing comma":    {good + ",", "entry 2: it is not of the form"},
		"base64url":         {"k2:" + strings.Repeat("-_s=", 11), "entry 1: the key is not standard base64"},
		"no padding":        {good + ",k2:" + secretOf("s", 32)[:43], "entry 2: the key is not standard base64"},
		"stray bits":        {"k2:" + secretOf("s", 32)[:42] + "d=", "entry 1: the key is not standard base64"},
		"a short key":       {good + ",k2:" + secretOf("s", 31), "entry 2: the key has 31 bytes, at least 32 are needed"},
		"an empty key":      {"k2:", "entry 1: the key has 0 bytes"},
		"a third one wrong": {good + ",k2:" + secret + ",k3", "entry 3: "},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			_, err := ParseKeys(tc.in)
			if err == nil || !strings.Contains(err.Error(), tc.want) {
				t.Fatalf("got %v, want %q", err, tc.want)
			}
			if strings.Contains(err.Error(), "c3Nz") {
				t.Errorf("the error shows the key: %v", err)
			}
		})
	}
}

func TestGenerateKeys(t *testing.T) {
	t.Parallel()
	one, err := GenerateKeys()
	if err != nil {
		t.Fatal(err)
	}
	two, err := GenerateKeys()
	if err != nil {
		t.Fatal(err)
	}
	if one.String() == two.String() {
		t.Error("two rings are alike")
	}
	if again := mustParse(t, one.String()); again.String() != one.String() {
		t.Errorf("%q is read as %q", one, again)
	}
}

func TestDerive(t *testing.T) {
	t.Parallel()
	old, fresh := "k1:"+secretOf("a", 32), "k2:"+secretOf("b", 32)
	ring, rotated := mustParse(t, old), mustParse(t, fresh+","+old)
	images := ring.Derive("image urls")
	if len(images) != 32 {
		t.Errorf("%d bytes", len(images))
	}
	want, err := hkdf.Key(sha256.New, ring.keys[0].secret, nil, "inlet image urls", 32)
	if err != nil || !bytes.Equal(images, want) {
		t.Errorf("%x is not HKDF's %x, %v", images, want, err)
	}
	if !bytes.Equal(images, mustParse(t, old).Derive("image urls")) {
		t.Error("another process derives another secret")
	}
	if bytes.Equal(images, ring.Derive("clients")) {
		t.Error("two purposes have one secret")
	}
	if !bytes.Equal(images, rotated.Derive("image urls")) {
		t.Error("a new key in front changes what is derived")
	}
	if bytes.Equal(images, mustParse(t, fresh).Derive("image urls")) {
		t.Error("two keys derive one secret")
	}
}

func TestKeysStayOutOfLogs(t *testing.T) {
	t.Parallel()
	var out bytes.Buffer
	ring := mustParse(t, "k2:"+secretOf("s", 32)+",k1:"+secretOf("s", 33))
	slog.New(slog.NewTextHandler(&out, nil)).Info("start", "keys", ring)
	if line := out.String(); strings.Contains(line, "c3Nz") || !strings.Contains(line, "keys=k2,k1") {
		t.Error(line)
	}
	if !strings.Contains(fmt.Sprint(ring), "c3Nz") {
		t.Error("String is what is written to the data dir and must hold the keys")
	}
}
