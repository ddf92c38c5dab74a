package pages

import (
	"fmt"
	"strings"

	"rsc.io/qr"

	"inlet/problem"
)

// quiet is the margin, in modules, without which scanners do not find a code.
const quiet = 4

var errTooLong = problem.New(problem.BadRequest, "the request is malformed: the link is too long for a QR code")

// QRPNG draws an address as a QR code.
func QRPNG(address string) ([]byte, error) {
	code, err := encode(address)
	if err != nil {
		return nil, err
	}

	return code.PNG(), nil
}

// QRSVG draws an address as a QR code of any size: one path, in which each run of
// black modules is a rectangle.
func QRSVG(address string) ([]byte, error) {
	code, err := encode(address)
	if err != nil {
		return nil, err
	}

	var rectangles strings.Builder
	for y := range code.Size {
		for x := 0; x < code.Size; x++ {
			run := 0
			for code.Black(x+run, y) {
				run++
			}
			if run > 0 {
				fmt.Fprintf(&rectangles, "M%d %dh%dv1h-%dz", x+quiet, y+quiet, run, run)
				x += run
			}
		}
	}
	size := code.Size + 2*quiet

	return fmt.Appendf(nil, `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 %d %d" shape-rendering="crispEdges">`+
		`<path fill="#fff" d="M0 0h%dv%dH0z"/><path d="%s"/></svg>`+"\n", size, size, size, size, rectangles.String()), nil
}

// encode takes about 2,900 characters; the service's own links are shorter.
func encode(address string) (*qr.Code, error) {
	code, err := qr.Encode(address, qr.L)
	if err != nil {
		return nil, errTooLong
	}

	return code, nil
}
