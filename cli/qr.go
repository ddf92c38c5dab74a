package cli

import (
	"errors"
	"io"
	"strings"

	"rsc.io/qr"
)

// quiet is the margin, in modules. The standard has four; scanners manage with two,
// and a link's code needs the whole width of a terminal.
const quiet = 2

var errTooNarrow = errors.New("the QR code does not fit in this terminal")

// writeQR draws a text as a QR code at most width columns wide, two modules in a
// character: black on white, whatever the terminal's own colours are.
func writeQR(w io.Writer, text string, width int) error {
	code, err := qr.Encode(text, qr.L)
	if err != nil {
		return err
	}
	if code.Size+2*quiet > width {
		return errTooNarrow
	}

	halves := map[[2]bool]rune{{true, true}: '█', {true, false}: '▀', {false, true}: '▄', {false, false}: ' '}
	var b strings.Builder
	for y := -quiet; y < code.Size+quiet; y += 2 {
		b.WriteString("\x1b[30;107m")
		for x := -quiet; x < code.Size+quiet; x++ {
			b.WriteRune(halves[[2]bool{code.Black(x, y), code.Black(x, y+1)}])
		}
		b.WriteString("\x1b[0m\n")
	}
	_, err = io.WriteString(w, b.String())
	return err
}
