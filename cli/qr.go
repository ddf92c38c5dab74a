package cli

import (
	"errors"
	"io"
	"strings"

	"rsc.io/qr"
)

// quiet is the margin, in modules. Scanners want four, and find the code with
// two; a link's code fills a terminal as it is.
const quiet = 2

var errTooNarrow = errors.New("the QR code does not fit in this terminal")

// writeQR draws a text as a QR code of at most the given width, two modules in a
// character: black on white whatever the terminal's own colours are.
func writeQR(w io.Writer, text string, width int) error {
	code, err := qr.Encode(text, qr.L)
	if err != nil {
		return err
	}
	if code.Size+2*quiet > width {
		return errTooNarrow
	}
	var b strings.Builder
	for y := -quiet; y < code.Size+quiet; y += 2 {
		b.WriteString("\x1b[30;107m")
		for x := -quiet; x < code.Size+quiet; x++ {
			switch upper, lower := code.Black(x, y), code.Black(x, y+1); {
			case upper && lower:
				b.WriteRune('█')
			case upper:
				b.WriteRune('▀')
			case lower:
				b.WriteRune('▄')
			default:
				b.WriteByte(' ')
			}
		}
		b.WriteString("\x1b[0m\n")
	}
	_, err = io.WriteString(w, b.String())
	return err
}
