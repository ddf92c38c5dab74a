package upload

import (
	"strings"
	"testing"
	"unicode/utf8"
)

func TestCleanName(t *testing.T) {
	t.Parallel()
	cases := []struct{ in, want string }{
		{"a.jpg", "a.jpg"},
		{"", ""},
		{"../../etc/passwd", "passwd"},
		{`C:\Users\me\b.jpg`, "b.jpg"},
		{"a\x00b\nc\r.jpg", "abc.jpg"},
		{"  x .png ", "x .png"},
		{"\xff\xfe.gif", ".gif"},
		{"photo\u202egpj.exe", "photogpj.exe"},
		{"Žluťoučký kůň 🐎.heic", "Žluťoučký kůň 🐎.heic"},
		{strings.Repeat("ä", 10_000), strings.Repeat("ä", 255)},
		{"..", ".."},
		{"dir/", ""},
	}
	for _, c := range cases {
		if got := cleanName(c.in); got != c.want {
			t.Errorf("cleanName(%.20q): got %.40q, want %.40q", c.in, got, c.want)
		}
	}
}

func FuzzCleanName(f *testing.F) {
	f.Add("../a\x00.jpg")
	f.Add("\xed\xa0\x80\u202e")
	f.Fuzz(func(t *testing.T, name string) {
		got := cleanName(name)
		if !utf8.ValidString(got) || strings.ContainsAny(got, "/\\\x00\n") || utf8.RuneCountInString(got) > maxName {
			t.Errorf("%q became %q", name, got)
		}
		if again := cleanName(got); again != got {
			t.Errorf("%q became %q and then %q", name, got, again)
		}
	})
}
