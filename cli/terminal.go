package cli

import (
	"bufio"
	"fmt"
	"io"
	"os"
	"strings"
	"unicode"

	"github.com/spf13/cobra"
	"golang.org/x/term"
)

// terminal returns the file behind a stream that is a terminal.
func terminal(stream any) (*os.File, bool) {
	f, ok := stream.(*os.File)
	return f, ok && term.IsTerminal(int(f.Fd()))
}

// columns is the width of a terminal; 80 where it is not known.
func columns(f *os.File) int {
	if width, _, err := term.GetSize(int(f.Fd())); err == nil && width > 0 {
		return width
	}
	return 80
}

// colour of a text, as the terminal's escape sequences number them.
type colour int

const (
	red    colour = 31
	green  colour = 32
	yellow colour = 33
	dim    colour = 2
)

// painter colours texts, where there are colours.
type painter bool

// paints tells whether what is written to w may be coloured (https://no-color.org).
func paints(w io.Writer) painter {
	_, ok := terminal(w)
	return painter(ok && os.Getenv("NO_COLOR") == "" && os.Getenv("TERM") != "dumb")
}

func (p painter) paint(c colour, text string) string {
	if !p {
		return text
	}
	return fmt.Sprintf("\x1b[%dm%s\x1b[0m", c, text)
}

// plain is a foreign text (a file's name, a camera's, a server's message) without
// what would steer a terminal or break a line.
func plain(text string) string {
	return strings.Map(func(r rune) rune {
		if unicode.IsPrint(r) {
			return r
		}
		return '\uFFFD'
	}, text)
}

// confirm asks a question on the terminal. Without one there is nobody to ask.
func confirm(cmd *cobra.Command, question string) (bool, error) {
	if _, ok := terminal(cmd.InOrStdin()); !ok {
		return false, usagef(cmd, "%s Say --yes", question)
	}
	fmt.Fprintf(cmd.ErrOrStderr(), "%s [y/N] ", question)
	answer, err := bufio.NewReader(cmd.InOrStdin()).ReadString('\n')
	if err != nil {
		return false, fmt.Errorf("no answer: %w", err)
	}
	answer = strings.ToLower(strings.TrimSpace(answer))
	return answer == "y" || answer == "yes", nil
}
