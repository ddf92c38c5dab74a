package pages

import (
	"bytes"
	"compress/gzip"
	"crypto/sha256"
	"embed"
	"encoding/hex"
	"fmt"
	"io/fs"
	"mime"
	"net/http"
	"path"
	"strings"
	"time"
)

//go:generate go run ./bundle

// assetFiles are the scripts, styles and pictures of the pages. The scripts are
// bundles of those below scripts/.
//
//go:embed assets
var assetFiles embed.FS

// assets holds the files in memory. One version, the hash of them all, is a
// segment of every address: so a script can import another by a relative path,
// and browsers can keep every address for ever.
type assets struct {
	version string
	files   map[string]asset // by their path below assets/
}

// asset is one file, plain and compressed.
type asset struct {
	contentType   string
	etag          string
	plain, zipped []byte // zipped is nil where it is not smaller
}

// newAssets reads and compresses everything below assets/.
func newAssets() (*assets, error) {
	a := &assets{files: map[string]asset{}}
	hash := sha256.New()
	err := fs.WalkDir(assetFiles, "assets", func(name string, entry fs.DirEntry, err error) error {
		if err != nil || entry.IsDir() {
			return err
		}
		plain, err := assetFiles.ReadFile(name)
		if err != nil {
			return err
		}

		fmt.Fprintf(hash, "%s %d\n", name, len(plain))
		hash.Write(plain)
		a.files[strings.TrimPrefix(name, "assets/")], err = newAsset(name, plain)

		return err
	})
	if err != nil {
		return nil, fmt.Errorf("pages: read the assets: %w", err)
	}
	a.version = hex.EncodeToString(hash.Sum(nil))[:16]

	return a, nil
}

func newAsset(name string, plain []byte) (asset, error) {
	f := asset{contentType: contentTypeOf(name), plain: plain, etag: fmt.Sprintf(`"%x"`, sha256.Sum256(plain))}
	var zipped bytes.Buffer
	w, err := gzip.NewWriterLevel(&zipped, gzip.BestCompression)
	if err != nil {
		return asset{}, err
	}
	if _, err := w.Write(plain); err != nil {
		return asset{}, err
	}
	if err := w.Close(); err != nil {
		return asset{}, err
	}
	if zipped.Len() < len(plain) {
		f.zipped = zipped.Bytes()
	}

	return f, nil
}

// contentTypeOf goes by the name's ending. It lists what the pages need: the rest
// depends on the machine's own table.
func contentTypeOf(name string) string {
	known := map[string]string{
		".js": "text/javascript; charset=utf-8", ".mjs": "text/javascript; charset=utf-8", ".css": "text/css; charset=utf-8",
		".svg": "image/svg+xml", ".json": "application/json", ".webmanifest": "application/manifest+json",
	}
	ending := path.Ext(name)
	for _, contentType := range []string{known[ending], mime.TypeByExtension(ending)} {
		if contentType != "" {
			return contentType
		}
	}

	return "text/plain; charset=utf-8"
}

// assetURL is the address of an asset, for the templates.
func (p *Pages) assetURL(name string) (string, error) {
	if _, found := p.assets.files[name]; !found {
		return "", fmt.Errorf("pages: there is no asset %q", name)
	}

	return p.AssetBase + p.assets.version + "/" + name, nil
}

// Asset answers with one file, compressed for whoever takes gzip, or reports that
// there is none. A page of another version of the service, as there is while
// replicas are replaced, gets this version's file and may not keep it.
func (p *Pages) Asset(w http.ResponseWriter, r *http.Request, version, name string, takesGzip bool) (found bool) {
	f, found := p.assets.files[name]
	if !found {
		return false
	}

	h := w.Header()
	h.Set("Content-Type", f.contentType)
	h.Set("X-Content-Type-Options", "nosniff")
	h.Set("Vary", "Accept-Encoding")
	h.Set("Cache-Control", "no-cache")
	if version == p.assets.version {
		h.Set("Cache-Control", "public, max-age=31536000, immutable")
	}
	body, etag := f.plain, f.etag
	if f.zipped != nil && takesGzip {
		h.Set("Content-Encoding", "gzip")
		body, etag = f.zipped, strings.TrimSuffix(f.etag, `"`)+`-gzip"`
	}
	h.Set("ETag", etag)
	http.ServeContent(w, r, "", time.Time{}, bytes.NewReader(body))

	return true
}
