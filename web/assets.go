package web

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

// assetFiles are the scripts, styles and pictures of the pages. Nothing that a
// page loads comes from elsewhere. The scripts are bundles of those below scripts/.
//
//go:embed pages/assets
var assetFiles embed.FS

// assets are the files below assets/, in memory. All of them share one version,
// the hash of them all, which is a segment of their address: so a script may
// import another one by a relative path, and every address can be kept for ever.
type assets struct {
	version string
	files   map[string]asset // by their path below assets/
}

// asset is one file, as it is and compressed.
type asset struct {
	contentType   string
	etag          string
	plain, zipped []byte // zipped is nil where it is not smaller
}

// newAssets reads and compresses everything below assets/.
func newAssets() (*assets, error) {
	a := &assets{files: map[string]asset{}}
	all := sha256.New()
	err := fs.WalkDir(assetFiles, "pages/assets", func(name string, entry fs.DirEntry, err error) error {
		if err != nil || entry.IsDir() {
			return err
		}
		plain, err := assetFiles.ReadFile(name)
		if err != nil {
			return err
		}
		fmt.Fprintf(all, "%s %d\n", name, len(plain))
		all.Write(plain)
		a.files[strings.TrimPrefix(name, "pages/assets/")], err = newAsset(name, plain)
		return err
	})
	if err != nil {
		return nil, fmt.Errorf("web: read the assets: %w", err)
	}
	a.version = hex.EncodeToString(all.Sum(nil))[:16]
	return a, nil
}

func newAsset(name string, plain []byte) (asset, error) {
	f := asset{
		contentType: contentTypeOf(name), plain: plain,
		etag: fmt.Sprintf(`"%x"`, sha256.Sum256(plain)),
	}
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

// contentTypeOf goes by the name's ending. What the pages need is written down
// here, since the rest depends on the machine's own table.
func contentTypeOf(name string) string {
	switch ext := path.Ext(name); ext {
	case ".js", ".mjs":
		return "text/javascript; charset=utf-8"
	case ".css":
		return "text/css; charset=utf-8"
	case ".svg":
		return "image/svg+xml"
	case ".json":
		return "application/json"
	case ".webmanifest":
		return "application/manifest+json"
	default:
		if byExt := mime.TypeByExtension(ext); byExt != "" {
			return byExt
		}
		return "text/plain; charset=utf-8"
	}
}

// url is the address of an asset, for the pages.
func (a *assets) url(name string) (string, error) {
	if _, found := a.files[name]; !found {
		return "", fmt.Errorf("web: there is no asset %q", name)
	}
	return "/assets/" + a.version + "/" + name, nil
}

// asset answers with one file. A page of another version of the service, as
// there are two while replicas are replaced, gets this one's, but may not keep it.
func (s *Server) asset(w http.ResponseWriter, r *http.Request) error {
	f, found := s.assets.files[strings.TrimPrefix(param(r, "file"), "/")]
	if !found {
		return errNotFound
	}
	h := w.Header()
	h.Set("Content-Type", f.contentType)
	h.Set("X-Content-Type-Options", "nosniff")
	h.Set("Vary", "Accept-Encoding")
	h.Set("Cache-Control", "no-cache")
	if param(r, "version") == s.assets.version {
		h.Set("Cache-Control", "public, max-age=31536000, immutable")
	}
	body := f.plain
	if f.zipped != nil && acceptsGzip(r) {
		h.Set("Content-Encoding", "gzip")
		h.Set("ETag", strings.TrimSuffix(f.etag, `"`)+`-gzip"`)
		body = f.zipped
	} else {
		h.Set("ETag", f.etag)
	}
	http.ServeContent(w, r, "", time.Time{}, bytes.NewReader(body))
	return nil
}

// acceptsGzip tells whether the client takes gzip and has not given it q=0.
func acceptsGzip(r *http.Request) bool {
	for part := range strings.SplitSeq(strings.Join(r.Header.Values("Accept-Encoding"), ","), ",") {
		coding, params, _ := strings.Cut(part, ";")
		if strings.EqualFold(strings.TrimSpace(coding), "gzip") {
			q := strings.ReplaceAll(params, " ", "")
			return !strings.HasPrefix(q, "q=0") || strings.Trim(q, "q=0.") != ""
		}
	}
	return false
}
