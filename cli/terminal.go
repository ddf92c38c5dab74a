package cli

import (
	"bufio"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"math"
	"os"
	"strings"
	"time"
	"unicode"

	"github.com/dustin/go-humanize"
	"github.com/dustin/go-humanize/english"
	"github.com/spf13/cobra"
	"golang.org/x/term"
)

// terminal returns the file behind a stream that is a terminal.
func terminal(stream any) (*os.File, bool) {
	f, ok := stream.(*os.File)
	return f, ok && term.IsTerminal(int(f.Fd()))
}

// columns is the width of a terminal, or 80 for one that does not tell.
func columns(f *os.File) int {
	if width, _, err := term.GetSize(int(f.Fd())); err == nil && width > 0 {
		return width
	}
	return 80
}

// coloured reports whether w shows colours and the user wants them (https://no-color.org).
func coloured(w io.Writer) bool {
	_, ok := terminal(w)
	return ok && os.Getenv("NO_COLOR") == "" && os.Getenv("TERM") != "dumb"
}

// plain replaces what would steer a terminal or break a line in a text from outside:
// the name of a file or a camera, a server's message.
func plain(text string) string {
	return strings.Map(func(r rune) rune {
		if unicode.IsPrint(r) {
			return r
		}
		return '\uFFFD'
	}, text)
}

// confirm asks a question on the terminal, and fails unless the answer is yes.
func confirm(cmd *cobra.Command, question string) error {
	if _, ok := terminal(cmd.InOrStdin()); !ok {
		return usagef(cmd, "%s Confirm with --yes", question)
	}

	fmt.Fprintf(cmd.ErrOrStderr(), "%s [y/N] ", question)
	answer, err := bufio.NewReader(cmd.InOrStdin()).ReadString('\n')
	if err != nil {
		return fmt.Errorf("no answer: %w", err)
	}
	if answer = strings.ToLower(strings.TrimSpace(answer)); answer != "y" && answer != "yes" {
		return errors.New("nothing was changed")
	}
	return nil
}

// writeJSON writes a document as one line. URLs keep their & unescaped.
func writeJSON(w io.Writer, v any) error {
	enc := json.NewEncoder(w)
	enc.SetEscapeHTML(false)
	return enc.Encode(v)
}

// parseSize reads a number of bytes: 65536, 500MB, 2GiB.
func parseSize(text string) (int64, error) {
	n, err := humanize.ParseBytes(text)
	if err != nil || n == 0 || n > math.MaxInt64 {
		return 0, errors.New("must be a number of bytes such as 500MB or 2GiB")
	}
	return int64(n), nil
}

// parseTime reads a time, or a date as its midnight in UTC.
func parseTime(text string) (time.Time, error) {
	if at, err := time.Parse(time.DateOnly, text); err == nil {
		return at, nil
	}

	at, err := time.Parse(time.RFC3339, text)
	if err != nil {
		return at, errors.New("must be a time such as 2026-01-31T08:00:00Z, or a date such as 2026-01-31")
	}
	return at, nil
}

func bytesText(n int64) string { return humanize.IBytes(uint64(max(0, n))) }

func moment(at *time.Time) string {
	if at == nil {
		return "-"
	}
	return at.Local().Format("2006-01-02 15:04")
}

// countOf puts a number before its noun: 1 picture, 2,000 pictures.
func countOf(n int64, noun string) string {
	return humanize.Comma(n) + " " + english.PluralWord(int(n), noun, "")
}

// cut shortens a text to at most so many characters.
func cut(text string, most int) string {
	if runes := []rune(text); len(runes) > most {
		return string(runes[:most-1]) + "…"
	}
	return text
}

func orDash(text *string) string {
	if text == nil || *text == "" {
		return "-"
	}
	return plain(*text)
}
