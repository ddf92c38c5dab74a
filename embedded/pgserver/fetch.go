package pgserver

import (
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"time"

	embeddedpostgres "github.com/fergusstrange/embedded-postgres"
)

// releases can be fetched; a new cluster gets the first.
var releases = []embeddedpostgres.PostgresVersion{
	embeddedpostgres.V17, embeddedpostgres.V18, embeddedpostgres.V16,
	embeddedpostgres.V15, embeddedpostgres.V14,
}

// fetchTime bounds the download of about 10 MB and its unpacking.
const fetchTime = 5 * time.Minute

// find returns the binaries of this machine, or fetches some.
func (c *cluster) find(ctx context.Context, major int) (Binaries, error) {
	found, missing := Find(ctx, major, c.user)
	if missing == nil {
		return found, nil
	}
	if ctx.Err() != nil {
		return Binaries{}, ctx.Err() // a search that was cut short proves nothing
	}

	fetched, err := c.fetch(ctx, major)
	if err == nil {
		return fetched, nil
	}

	if major != 0 {
		return Binaries{}, fmt.Errorf("%s holds data of PostgreSQL %d, which only that version can read: %w, "+
			"and fetching it failed: %w; install PostgreSQL %[2]d, or move the data to a new version with pg_upgrade",
			c.Dir, major, missing, err)
	}

	return Binaries{}, fmt.Errorf("%w, and fetching it failed: %w; install PostgreSQL's server "+
		"(Debian, Ubuntu: apt-get install postgresql; Fedora: dnf install postgresql-server; "+
		"macOS: brew install postgresql) or name a running one", missing, err)
}

// fetch downloads binaries from the repository unless an earlier run has.
func (c *cluster) fetch(ctx context.Context, major int) (Binaries, error) {
	release := releases[0]
	if major != 0 {
		i := slices.IndexFunc(releases, func(v embeddedpostgres.PostgresVersion) bool { return number(string(v)) == major })
		if i < 0 {
			return Binaries{}, fmt.Errorf("there is no PostgreSQL %d to be fetched", major)
		}
		release = releases[i]
	}

	cache, err := c.cache()
	if err != nil {
		return Binaries{}, err
	}

	target := filepath.Join(cache, "postgresql-"+string(release))
	result := Binaries{Dir: filepath.Join(target, "bin"), Major: number(string(release))}
	if got, err := version(ctx, result.Dir, c.user); err == nil && got == result.Major {
		return result, nil
	}
	if ctx.Err() != nil {
		return Binaries{}, ctx.Err()
	}

	if c.Notice != nil {
		c.Notice(fmt.Sprintf("no PostgreSQL on this machine: fetching version %s", release))
	}
	if err := c.unpack(ctx, release, cache, target); err != nil {
		return Binaries{}, err
	}
	if _, err := version(ctx, result.Dir, c.user); err != nil {
		return Binaries{}, fmt.Errorf("the fetched PostgreSQL does not run here: %w", err)
	}
	return result, nil
}

// cache creates a folder that the server's user can enter, unlike root's home.
func (c *cluster) cache() (string, error) {
	dir := c.Cache
	switch {
	case dir != "":
	case c.user != nil:
		dir = "/var/cache/inlet"
	default:
		user, err := os.UserCacheDir()
		if err != nil {
			return "", err
		}
		dir = filepath.Join(user, "inlet")
	}

	return dir, os.MkdirAll(dir, 0o755)
}

// unpack fetches a release into a temporary folder and renames that to target.
func (c *cluster) unpack(ctx context.Context, release embeddedpostgres.PostgresVersion, cache, target string) error {
	work, err := os.MkdirTemp(cache, ".fetch-*")
	if err != nil {
		return err
	}

	fresh := filepath.Join(work, "postgresql")
	config := embeddedpostgres.DefaultConfig().
		Version(release).
		Port(0). // the library only checks that it is free
		CachePath(filepath.Join(work, "download")).
		RuntimePath(filepath.Join(work, "runtime")).
		BinariesPath(fresh).
		Logger(io.Discard).
		// The library has no call that only fetches: the impossible locale makes it
		// fail once it has unpacked.
		Locale("not-a-locale")
	if c.Repository != "" {
		config = config.BinaryRepositoryURL(c.Repository)
	}

	ended := make(chan error, 1)
	go func() {
		err := embeddedpostgres.NewDatabase(config).Start()
		if _, missing := os.Stat(filepath.Join(fresh, "bin", "initdb")); missing == nil {
			err = settle(fresh, target)
		}
		ended <- errors.Join(err, os.RemoveAll(work))
	}()

	select {
	case err := <-ended:
		return err
	case <-ctx.Done():
		return context.Cause(ctx)
	case <-time.After(fetchTime):
		return errors.New("it takes too long")
	}
}

// settle makes the unpacked files readable for every user and renames their
// folder to target.
func settle(fresh, target string) error {
	err := filepath.WalkDir(fresh, func(path string, entry fs.DirEntry, err error) error {
		if err != nil || entry.Type()&fs.ModeSymlink != 0 {
			return err
		}
		info, err := entry.Info()
		if err != nil {
			return err
		}

		mode := info.Mode().Perm() | 0o444
		if entry.IsDir() || mode&0o100 != 0 {
			mode |= 0o111
		}
		return os.Chmod(path, mode)
	})
	if err != nil {
		return err
	}

	if err := os.RemoveAll(target); err != nil {
		return err
	}
	return os.Rename(fresh, target)
}
