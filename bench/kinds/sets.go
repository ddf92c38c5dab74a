package main

import (
	"bytes"
	"context"
	"fmt"
	"hash/fnv"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strings"

	"inlet/imaging/quality"
)

// item is a picture whose kind is known.
type item struct {
	kind   quality.Kind
	family string // items of one family are all learnt from, or all held out
	data   []byte
}

// set names pictures of Debian's packages, unpacked in folders of their names.
type set struct {
	kind quality.Kind
	path *regexp.Regexp // of files and, behind a colon, of pictures inside a .rcc
	most int
}

func sets() []set {
	of := func(kind quality.Kind, most int, path string) set { return set{kind, regexp.MustCompile(path), most} }
	return []set{
		of(quality.Photo, 90, `^gcompris-qt-data/.*/(categorization|explore_monuments|explore_world_animals|canal_lock)\.rcc:\d+\.(jpg|webp)$`),
		of(quality.Photo, 50, `^mate-backgrounds/.*/nature/\w+\.jpg$`),
		of(quality.Photo, 50, `^lomiri-wallpapers-16\.04/.*\.jpg$`),
		of(quality.Photo, 9, `^lomiri-wallpapers-20\.04/.*/(Fossa|Kleiber).*\.jpg$`),
		of(quality.Photo, 50, `^plasma-workspace-wallpapers/.*/(BytheWater|ColdRipple|ColorfulCups|DarkestHour|EveningGlow|FallenLeaf|Grey|Kite|OneStandsOut|Path|summer_1am)/contents/images/(1920x1080|2560x1600|1280x800)\.jpg$`),
		of(quality.Photo, 50, `^palapeli-data/.*/(cincinnati|european|panther|castle|citrus)[^/]*\.jpg$`),
		of(quality.Photo, 50, `^python3-skimage/.*/(coffee|camera|astronaut|gravel|brick|motorcycle_left|grass|rocket|chelsea|coins)\.(png|jpg)$`),
		of(quality.Photo, 50, `^python3-sklearn/.*/images/(flower|china)\.jpg$`),
		of(quality.Photo, 50, `^opencv-doc/.*/examples/data/(fruits|baboon|squirrel_cls|building|board|aloeL|dog|messi5|home|butterfly|graf1|leuvenA|orange|apple|left0[1-3]|box_in_scene)\.(png|jpg)$`),
		of(quality.Screenshot, 45, `^debian-handbook/.*/en-US/images/.*\.png$`),
		of(quality.Screenshot, 50, `^debian-edu-doc-en/.*bookworm-manual-images/.*\.png$`),
		of(quality.Screenshot, 50, `^kile-doc/.*/en/kile/.*\.png$`),
		of(quality.Screenshot, 70, `^gimp-help-en/.*/images/(dialogs|using|tool-options|menus|preferences)/.*\.png$`),
		of(quality.Screenshot, 50, `^gnome-user-docs/.*/C/.*\.png$`),
		of(quality.Document, 120, `^texlive-latex-base-doc/.*\.pdf$`),
		of(quality.Document, 20, `^debian-(handbook|edu-doc-en)/.*\.pdf$`),
		of(quality.Document, 9, `^opencv-doc/.*/examples/data/(text_defocus|imageTextN|imageTextR)\.(png|jpg)$`),
		of(quality.Graphic, 200, `^openclipart-png/.*\.png$`),
		of(quality.Graphic, 40, `^oxygen-icon-theme/.*/(128x128|256x256)/.*\.png$`),
		of(quality.Graphic, 20, `^gnome-backgrounds/.*\.webp$`),
		of(quality.Graphic, 20, `^mate-backgrounds/.*/(abstract|desktop)/\w+\.png$`),
		of(quality.Graphic, 30, `^gcompris-qt-data/.*/lang[^/]*\.rcc:\d+\.(jpg|webp)$`),
	}
}

// collect reads the pictures of all sets. Of a set with more than it wants it takes
// those whose names have the smallest hashes.
func collect(root string) (items []item, err error) {
	resources := map[string][][]byte{}
	names, err := list(root, resources)
	if err != nil {
		return nil, err
	}
	for _, s := range sets() {
		var of []string
		for _, name := range names {
			if s.path.MatchString(name) {
				of = append(of, name)
			}
		}
		slices.SortFunc(of, func(a, b string) int { return int(int64(hash(a)) - int64(hash(b))) })
		for _, name := range of[:min(len(of), s.most)] {
			data, err := read(root, name, resources)
			if err != nil {
				fmt.Fprintln(os.Stderr, name, err)
				continue
			}
			items = append(items, item{s.kind, name, data})
		}
	}
	return items, nil
}

func hash(s string) uint32 {
	h := fnv.New32a()
	h.Write([]byte(s))
	return h.Sum32()
}

// list lists all files, and reads the JPEGs and WebPs inside each .rcc.
func list(root string, resources map[string][][]byte) (names []string, err error) {
	err = filepath.WalkDir(root, func(path string, d fs.DirEntry, err error) error {
		if err != nil || !d.Type().IsRegular() {
			return err
		}
		name, err := filepath.Rel(root, path)
		names = append(names, name)
		if err == nil && strings.HasSuffix(name, ".rcc") {
			var b []byte
			b, err = os.ReadFile(path)
			resources[name] = inside(b)
			for i, p := range resources[name] {
				names = append(names, fmt.Sprintf("%s:%d.%s", name, i, extension(p)))
			}
		}
		return err
	})
	return names, err
}

func read(root, name string, resources map[string][][]byte) ([]byte, error) {
	if rcc, number, ok := strings.Cut(name, ":"); ok {
		var i int
		if _, err := fmt.Sscanf(number, "%d.", &i); err != nil {
			return nil, err
		}
		return resources[rcc][i], nil
	}
	if strings.HasSuffix(name, ".pdf") {
		out, err := page(filepath.Join(root, name), 1+hash(name)%4, 60+hash(name)%120)
		if err != nil {
			return page(filepath.Join(root, name), 1, 60+hash(name)%120)
		}
		return out, nil
	}
	return os.ReadFile(filepath.Join(root, name))
}

// page draws a page of a PDF, with so many pixels an inch.
func page(file string, number, density uint32) ([]byte, error) {
	n := fmt.Sprint(number)
	return exec.CommandContext(context.Background(), "pdftoppm", "-r", fmt.Sprint(density), "-f", n, "-l", n, "-singlefile", "-png", file).Output()
}

func extension(p []byte) string {
	if p[0] == 'R' {
		return "webp"
	}
	return "jpg"
}

// inside finds pictures in a file of Qt's resources, where they lie uncompressed.
func inside(b []byte) (found [][]byte) {
	const least = 8000
	for at := 0; at+12 < len(b); {
		switch {
		case b[at] == 'R' && bytes.HasPrefix(b[at:], []byte("RIFF")) && string(b[at+8:at+12]) == "WEBP":
			n := 8 + int(b[at+4]) + int(b[at+5])<<8 + int(b[at+6])<<16
			if n >= least && at+n <= len(b) {
				found = append(found, b[at:at+n])
				at += n
				continue
			}
		case b[at] == 0xff && b[at+1] == 0xd8 && b[at+2] == 0xff:
			if n := bytes.Index(b[at:], []byte("\xff\xd9")); n >= least {
				found = append(found, b[at:at+n+2])
				at += n
				continue
			}
		}
		at++
	}
	return found
}
