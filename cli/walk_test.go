package cli

import (
	"bytes"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
)

const jpegHead = "\xff\xd8\xff\xe0 a picture by its first bytes"

// tree makes files in a folder of their own; "a -> b" is a link.
func tree(t *testing.T, files map[string]string) string {
	t.Helper()
	root := t.TempDir()
	for name, content := range files {
		from, to, link := strings.Cut(name, " -> ")
		path := filepath.Join(root, from)
		if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
			t.Fatal(err)
		}
		var err error
		if link {
			err = os.Symlink(to, path)
		} else {
			err = os.WriteFile(path, []byte(content), 0o644)
		}
		if err != nil {
			t.Fatal(err)
		}
	}
	return root
}

// walk lists what is found, relative to root, and what fails.
func walk(t *testing.T, root string, all bool, args ...string) (w *walker, found, failed []string) {
	t.Helper()
	relative := func(path string) string {
		rel, err := filepath.Rel(root, path)
		if err != nil {
			t.Fatal(err)
		}
		return rel
	}
	w = newWalker(all, func(f *file, err error) { failed = append(failed, fmt.Sprintf("%s: %v", relative(f.path), err)) })
	for _, arg := range args {
		w.take(t.Context(), filepath.Join(root, arg), true)
	}
	for _, f := range w.files {
		found = append(found, relative(f.path))
	}
	return w, found, failed
}

func TestWalk(t *testing.T) {
	t.Parallel()
	root := tree(t, map[string]string{
		"b.jpg": jpegHead, "a.txt": "a picture by its name alone is none", "A.JPG": jpegHead, "name.doc": jpegHead, "empty.jpg": "",
		".hidden.jpg": jpegHead, ".git/x.jpg": jpegHead,
		"sub/c.jpg": jpegHead, "sub/deep/d.jpg": jpegHead,
		"sub/up -> ..": "", "sub/self -> self": "", "again -> sub": "", "linked.jpg -> b.jpg": "", "nowhere.jpg -> gone.jpg": "",
	})
	for _, c := range []struct {
		name           string
		args           []string
		all            bool
		found          string
		hidden, others int
		failed         int // the link to itself, and the one to nothing
	}{
		{"a folder", []string{""}, false, "A.JPG again/c.jpg again/deep/d.jpg b.jpg linked.jpg name.doc", 2, 2, 2},
		{"all of it", []string{""}, true, ".git/x.jpg .hidden.jpg A.JPG a.txt again/c.jpg again/deep/d.jpg b.jpg empty.jpg linked.jpg name.doc", 0, 0, 2},
		{"a folder below", []string{"sub/deep"}, false, "sub/deep/d.jpg", 0, 0, 0},
		{"upwards by a link", []string{"sub/deep", "sub/up/sub/deep"}, false, "sub/deep/d.jpg", 0, 0, 0},
		{"what is named is taken", []string{"a.txt", ".hidden.jpg", "empty.jpg"}, false, "a.txt .hidden.jpg empty.jpg", 0, 0, 0},
		{"twice", []string{"b.jpg", "sub/../b.jpg"}, false, "b.jpg", 0, 0, 0},
		{"nothing", []string{"gone.jpg"}, false, "", 0, 0, 1},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			w, found, failed := walk(t, root, c.all, c.args...)
			if got := strings.Join(found, " "); got != c.found {
				t.Errorf("found %s\n want %s", got, c.found)
			}
			if w.hidden != c.hidden || w.others != c.others || len(failed) != c.failed {
				t.Errorf("%d hidden, %d others, failed %q", w.hidden, w.others, failed)
			}
		})
	}
}

func TestWalkUnreadable(t *testing.T) {
	t.Parallel()
	if os.Getuid() == 0 {
		t.Skip("root reads everything")
	}
	root := tree(t, map[string]string{"a.jpg": jpegHead, "locked/b.jpg": jpegHead, "secret.jpg": jpegHead})
	for _, name := range []string{"locked", "secret.jpg"} {
		if err := os.Chmod(filepath.Join(root, name), 0); err != nil {
			t.Fatal(err)
		}
	}
	t.Cleanup(func() { os.Chmod(filepath.Join(root, "locked"), 0o755) })
	_, found, failed := walk(t, root, false, "")
	want := []string{"locked: permission denied", "secret.jpg: permission denied"}
	if !slices.Equal(found, []string{"a.jpg"}) || !slices.Equal(failed, want) {
		t.Errorf("found %v, failed %v", found, failed)
	}
}

// A file that goes or changes after it was found is not sent under its old sum.
func TestFresh(t *testing.T) {
	t.Parallel()
	root := tree(t, map[string]string{"same.jpg": jpegHead, "gone.jpg": jpegHead, "changed.jpg": jpegHead})
	w, _, _ := walk(t, root, false, "")
	if err := os.Remove(filepath.Join(root, "gone.jpg")); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(filepath.Join(root, "changed.jpg"), []byte(jpegHead+"!"), 0o644); err != nil {
		t.Fatal(err)
	}
	for _, f := range w.files {
		err := f.hash(nil)
		if (err == nil) != (f.name == "same.jpg") {
			t.Errorf("%s: %v", f.name, err)
		}
		if err != nil && strings.Contains(err.Error(), root) {
			t.Errorf("the path is said twice: %v", err)
		}
	}
}

func TestSpool(t *testing.T) {
	t.Parallel()
	path, err := spool(strings.NewReader(jpegHead))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { os.Remove(path) })
	data, err := os.ReadFile(path)
	if err != nil || !bytes.Equal(data, []byte(jpegHead)) {
		t.Errorf("%q, %v", data, err)
	}
	if info, err := os.Stat(path); err != nil || info.Mode().Perm() != 0o600 {
		t.Errorf("others can read it: %v, %v", info.Mode(), err)
	}
}
