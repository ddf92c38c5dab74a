package child

import (
	"io"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
)

func TestUnprivileged(t *testing.T) {
	t.Parallel()
	if os.Geteuid() != 0 {
		user, err := Unprivileged(t.TempDir(), "nobody")
		if user != nil || err != nil {
			t.Errorf("an ordinary user becomes %v, %v", user, err)
		}
		return
	}
	fresh := filepath.Join(t.TempDir(), "fresh")
	user, err := Unprivileged(fresh, "no-such-user", "nobody")
	if err != nil || user.Uid == 0 {
		t.Fatalf("%v, %v", user, err)
	}
	if _, err := Unprivileged(fresh, "no-such-user", "root"); err == nil || !strings.Contains(err.Error(), "no-such-user or root") {
		t.Errorf("%v", err)
	}
	// Whose files they are runs the server.
	owned := t.TempDir()
	if err := os.Chown(owned, 4711, 4712); err != nil {
		t.Fatal(err)
	}
	if user, err := Unprivileged(owned, "nobody"); err != nil || user.Uid != 4711 || user.Gid != 4712 {
		t.Errorf("%v, %v", user, err)
	}
	file := filepath.Join(t.TempDir(), "file")
	if err := os.WriteFile(file, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	if _, err := Unprivileged(filepath.Join(file, "below"), "nobody"); err == nil {
		t.Error("a folder below a file")
	}
}

func TestAdopt(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	inner := filepath.Join(dir, "folder", "file")
	if err := os.Mkdir(filepath.Dir(inner), 0o700); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(inner, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	if err := Adopt(dir, nil); err != nil {
		t.Error(err)
	}
	if err := Adopt(filepath.Join(dir, "none"), nil); err == nil {
		t.Error("what is not there was given away")
	}
	if os.Geteuid() != 0 {
		return
	}
	for _, uid := range []uint32{4711, 4713} { // the second comes too late
		if err := Adopt(dir, &syscall.Credential{Uid: uid, Gid: 4712}); err != nil {
			t.Fatal(err)
		}
	}
	info, err := os.Stat(inner)
	if err != nil {
		t.Fatal(err)
	}
	if owner := info.Sys().(*syscall.Stat_t); owner.Uid != 4711 || owner.Gid != 4712 {
		t.Errorf("it is %d:%d's", owner.Uid, owner.Gid)
	}
}

// Another user opens what it inherits, though it may not enter the folder.
func TestInherit(t *testing.T) {
	t.Parallel()
	closed := filepath.Join(t.TempDir(), "closed")
	inner := filepath.Join(closed, "inner")
	if err := os.MkdirAll(inner, 0o700); err != nil {
		t.Fatal(err)
	}
	user, err := Unprivileged(filepath.Join(closed, "none"), "nobody")
	if err != nil {
		t.Fatal(err)
	}
	if err := Give(inner, user); err != nil {
		t.Fatal(err)
	}
	folder, err := os.Open(inner)
	if err != nil {
		t.Fatal(err)
	}
	defer folder.Close()
	cmd := Command{Path: "/bin/sh", User: user, Output: io.Discard}
	cmd.Args = []string{"-c", `cd "$0" && echo written >file`, cmd.Inherit(folder)}
	p, err := Start(cmd)
	if err != nil {
		t.Fatal(err)
	}
	if err := p.Err(); err != nil {
		t.Fatal(err)
	}
	if _, err := os.Stat(filepath.Join(inner, "file")); err != nil {
		t.Error(err)
	}
}
