package upload

import (
	"strings"
	"unicode"
	"unicode/utf8"
)

// maxName is how many characters of a file's name Inlet stores.
const maxName = 255

// cleanName reduces a name that a client gave to its last element, without control
// characters, as valid UTF-8, cut to maxName characters. Pages show it; nothing
// takes it for a path.
func cleanName(name string) string {
	if i := strings.LastIndexAny(name, `/\`); i >= 0 {
		name = name[i+1:]
	}
	// A cut first, whatever the length; no character has more than utf8.UTFMax
	// bytes.
	if most := 4 * maxName * utf8.UTFMax; len(name) > most {
		name = name[:most]
	}
	name = strings.Map(func(r rune) rune {
		// Besides control characters, those that turn the direction of writing:
		// they make "gpj.exe" read as "exe.jpg".
		if unicode.IsControl(r) || unicode.Is(unicode.Bidi_Control, r) || r == utf8.RuneError {
			return -1
		}
		return r
	}, name)
	if runes := []rune(strings.TrimSpace(name)); len(runes) > maxName {
		name = string(runes[:maxName])
	}

	return strings.TrimSpace(name)
}
