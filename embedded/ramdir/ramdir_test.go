package ramdir

import (
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"testing"
)

func TestTemp(t *testing.T) {
	t.Parallel()
	var dir string
	t.Run("", func(t *testing.T) {
		dir = Temp(t)
		if Temp(t) == dir {
			t.Error("two tests share a folder")
		}
		if err := os.WriteFile(filepath.Join(dir, "file"), nil, 0o600); err != nil {
			t.Fatal(err)
		}
	})
	if _, err := os.Stat(dir); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("%s is there after the test: %v", dir, err)
	}
}
