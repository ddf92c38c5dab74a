package web

import (
	"errors"
	"fmt"
	"net/http"
	"strconv"
	"strings"

	"rsc.io/qr"

	"inlet/link"
)

// quiet is the margin, in modules, without which scanners do not find a code.
const quiet = 4

// qrPNG draws the link as a QR code.
func (s *Server) qrPNG(w http.ResponseWriter, r *http.Request) error {
	code, err := s.qr(r)
	if err != nil {
		return err
	}
	return writeImage(w, "image/png", code.PNG())
}

// qrSVG draws the link as a QR code of any size.
func (s *Server) qrSVG(w http.ResponseWriter, r *http.Request) error {
	code, err := s.qr(r)
	if err != nil {
		return err
	}
	return writeImage(w, "image/svg+xml", svg(code))
}

func (s *Server) qr(r *http.Request) (*qr.Code, error) {
	// What is good only later is printed before.
	if _, err := s.grant(r); err != nil && !errors.Is(err, link.ErrNotYetValid) {
		return nil, err
	}
	code, err := qr.Encode(s.linkURL(param(r, "token")), qr.L)
	if err != nil { // about 2,900 characters; our own tokens stay below
		return nil, fmt.Errorf("%w: the link is too long for a QR code", errBadRequest)
	}
	return code, nil
}

// svg writes one path: a run of black modules is a rectangle.
func svg(code *qr.Code) []byte {
	var path strings.Builder
	for y := range code.Size {
		for x := 0; x < code.Size; x++ {
			run := 0
			for code.Black(x+run, y) {
				run++
			}
			if run > 0 {
				fmt.Fprintf(&path, "M%d %dh%dv1h-%dz", x+quiet, y+quiet, run, run)
				x += run
			}
		}
	}
	size := code.Size + 2*quiet
	return fmt.Appendf(nil, `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 %d %d" shape-rendering="crispEdges">`+
		`<path fill="#fff" d="M0 0h%dv%dH0z"/><path d="%s"/></svg>`+"\n", size, size, size, size, path.String())
}

// writeImage answers with a picture that is as secret as the link it shows.
func writeImage(w http.ResponseWriter, contentType string, picture []byte) error {
	h := w.Header()
	h.Set("Content-Type", contentType)
	h.Set("Content-Length", strconv.Itoa(len(picture)))
	h.Set("Cache-Control", "no-store")
	h.Set("Referrer-Policy", "no-referrer")
	h.Set("X-Content-Type-Options", "nosniff")
	h.Set("Content-Security-Policy", "default-src 'none'; sandbox")
	_, err := w.Write(picture)
	return err
}
