package main

import (
	"bytes"
	"fmt"
	"image"
	"image/color"
	"image/jpeg"
	"image/png"
	"math"
	"math/rand/v2"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
)

// kinds are photos, documents, screenshots and graphics.
func kinds(p packages) (*set, error) {
	s := &set{
		name:  "photo, document, screenshot, graphic",
		steps: []int{5, 20, 60},
		paper: [3][]float64{{76, 85, 88}, {89, 91, 92}, {88, 93, 93}},
	}
	for _, kind := range []struct {
		name  string
		files func(packages) ([]string, error)
	}{{"photo", photos}, {"screenshot", screenshots}, {"graphic", graphics}} {
		files, err := kind.files(p)
		if err != nil {
			return nil, err
		}
		s.add(kind.name, files)
	}

	return s, s.addDocuments(p)
}

// photos are those of wallpapers, jigsaws, a photo album's demo and OpenCV's samples.
func photos(p packages) ([]string, error) {
	return p.named(map[string]string{
		"mate-backgrounds": "Aqua Dune FreshFlower Garden GreenMeadow LadyBird RainDrops Storm TwoWings YellowFlower",
		"lomiri-wallpapers-16.04": `Bridge_by_Sander_Klootwijk Dragonfly_by_Bolly Picture_0B_by_freespace Picture_1A_by_freespace Wine_by_Jakkub_Mede
			aitzgorri_by_Aitzol_Berasategi free_by_Peter_Nerlich friends_by_Aitzol_Berasategi greentock_by_Peter_Nerlich
			life_by_Aitzol_Berasategi picosdeeuropa_by_Aitzol_Berasategi seeding_by_Clements_Engelhardt sunset_by_Aitzol_Berasategi
			umang_by_Abhishek_Mudgal`,
		"lomiri-wallpapers-20.04": "Fossa_by_Jasper_Roks Kleiber_by_Lukas_Baubkus",
		"palapeli-data":           "castle-maintenon cincinnati-bridge citrus-fruits european-honey-bee panther-chameleon-female",
		"plasma-workspace-wallpapers": `BytheWater/contents/images/2560x1600 DarkestHour/contents/images/2560x1600
			EveningGlow/contents/images/2560x1600 FallenLeaf/contents/images/2560x1600 Grey/contents/images/2560x1600
			OneStandsOut/contents/images/2560x1600 Path/contents/images/2560x1600 summer_1am/contents/images/2560x1600`,
		"kphotoalbum": `anne_helene bar55 bar55_2 blackie cold_water donna donna_2 grand_canyon_1 grand_canyon_2 grand_canyon_3 jesper
			jesper_2 new_wave_1 new_wave_2 pool pool_2 skagen skagen_2 snow spiff spiff_2 sunset wayne`,
		"opencv-doc": `data/aero1 data/aero3 data/aloeL data/apple data/baboon data/basketball1 data/board data/building data/butterfly
			data/ela_original data/fruits data/graf1 data/home data/left data/leuvenA data/licenseplate_motion data/messi5
			data/orange data/rubberwhale1 data/squirrel_cls data/stuff input_images/plant text/scenetext01 text/scenetext02
			text/scenetext03 text/scenetext04 text/scenetext05 text/scenetext06`,
	})
}

// named lists the pictures of packages whose paths end in the names, ending aside.
func (p packages) named(names map[string]string) ([]string, error) {
	var all []string
	for name, list := range names {
		files, err := p.files(name, "usr/share", ".jpg", ".jpeg", ".png")
		if err != nil {
			return nil, err
		}
		for _, want := range strings.Fields(list) {
			i := slices.IndexFunc(files, func(f string) bool {
				return strings.HasSuffix(strings.TrimSuffix(f, filepath.Ext(f)), "/"+want)
			})
			if i < 0 {
				return nil, fmt.Errorf("%s has no %s", name, want)
			}
			all = append(all, files[i])
		}
	}
	return all, nil
}

// diagrams are pictures of the manuals that show no screen.
const diagrams = `Debian_Edu_Network autobuilder case-study debian developers-map existing-setup-1 existing-setup-2 existing-setup-4
	mail-server netfilter package-lifecycle release-cycle selinux-context selinux-transitions ssh-L ssh-R startup-systemd
	startup-sysvinit virtual-package color-average color-camera color-display color-printer color-space delete-images splash-large
	zoomed-view nautilus-icons`

// screenshots are those of manuals.
func screenshots(p packages) ([]string, error) {
	var all []string
	for _, from := range [][2]string{
		{"debian-handbook", "usr/share/doc/debian-handbook/html/en-US/images"},
		{"debian-edu-doc-en", "usr/share/doc/debian-edu-doc-en/debian-edu-bookworm-manual-images"},
		{"kphotoalbum", "usr/share/doc/HTML/en/kphotoalbum"},
		{"gnome-user-docs", "usr/share/help/C/gnome-help/figures"},
	} {
		files, err := p.files(from[0], from[1], ".png")
		if err != nil {
			return nil, err
		}
		all = append(all, files...)
	}

	return slices.DeleteFunc(all, func(f string) bool {
		info, err := os.Stat(f)
		name := strings.TrimSuffix(filepath.Base(f), ".png")
		return err != nil || info.Size() < 15_000 || slices.Contains(strings.Fields(diagrams), name)
	}), nil
}

// graphics are clip art, large icons, and wallpapers that no camera took.
func graphics(p packages) ([]string, error) {
	drawn, err := p.files("openclipart-png", "usr/share/openclipart/png", ".png")
	if err != nil {
		return nil, err
	}
	icons, err := p.files("oxygen-icon-theme", "usr/share/icons/oxygen/base/256x256", ".png")
	if err != nil {
		return nil, err
	}
	walls, err := p.files("gnome-backgrounds", "usr/share/backgrounds", "-d.webp", "-l.webp")
	if err != nil {
		return nil, err
	}
	return slices.Concat(spread(drawn, 80), spread(icons, 40), walls), nil
}

// addDocuments adds pages of manuals as PDF, every other one as if it were scanned.
// Pages of one manual are a family.
func (s *set) addDocuments(p packages) error {
	if _, err := exec.LookPath("pdftoppm"); err != nil {
		return fmt.Errorf("pages of documents need pdftoppm (Debian's poppler-utils)")
	}

	s.classes = append(s.classes, "document")
	for _, from := range []string{"maint-guide", "debmake-doc", "developers-reference", "debian-edu-doc-en", "installation-guide-amd64"} {
		manuals, err := p.files(from, "usr/share", ".pdf", ".pdf.gz")
		if err != nil {
			return err
		}
		for _, manual := range spread(manuals, 8) {
			pages, err := rendered(manual)
			if err != nil {
				return err
			}
			for i, page := range pages {
				read := func() ([]byte, error) { return os.ReadFile(page) }
				if i%2 == 1 {
					read = func() ([]byte, error) { return scanned(page, uint64(i)) }
				}
				s.items = append(s.items, item{class: len(s.classes) - 1, family: manual, read: read})
			}
		}
	}

	return nil
}

// rendered draws six pages of a PDF beside it.
func rendered(manual string) ([]string, error) {
	dir := manual + ".pages"
	if err := os.MkdirAll(dir, 0o755); err != nil {
		return nil, err
	}
	if plain, packed := strings.CutSuffix(manual, ".gz"); packed {
		if err := command(dir, "gzip", "-dkf", manual); err != nil {
			return nil, err
		}
		manual = plain
	}

	for page := 8; page < 32; page += 4 {
		to := filepath.Join(dir, fmt.Sprint(page))
		if _, err := os.Stat(to + ".png"); err == nil {
			continue
		}
		n := fmt.Sprint(page)
		if err := command(dir, "pdftoppm", "-r", "72", "-f", n, "-l", n, "-png", "-singlefile", manual, to); err != nil {
			return nil, err
		}
	}
	return filepath.Glob(filepath.Join(dir, "*.png"))
}

// scanned is a page a little askew, on paper that is not quite white, with noise, as
// a JPEG.
func scanned(page string, seed uint64) ([]byte, error) {
	data, err := os.ReadFile(page)
	if err != nil {
		return nil, err
	}
	m, err := png.Decode(bytes.NewReader(data))
	if err != nil {
		return nil, err
	}

	r := rand.New(rand.NewPCG(seed, uint64(len(data))))
	b := m.Bounds()
	out := image.NewGray(image.Rect(0, 0, b.Dx(), b.Dy()))
	sin, cos := math.Sincos((r.Float64() - 0.5) * 0.06)
	paper, shade := 215+30*r.Float64(), 40*(r.Float64()-0.5)

	for y := range b.Dy() {
		for x := range b.Dx() {
			dx, dy := float64(x-b.Dx()/2), float64(y-b.Dy()/2)
			at := image.Pt(b.Dx()/2+int(cos*dx+sin*dy), b.Dy()/2+int(cos*dy-sin*dx))
			ink := 1.0
			if at.In(b) {
				ink = float64(color.GrayModel.Convert(m.At(at.X, at.Y)).(color.Gray).Y) / 255
			}
			v := 30 + ink*(paper-30) + shade*dx/float64(b.Dx()) + 6*r.NormFloat64()
			out.SetGray(x, y, color.Gray{uint8(min(255, max(0, v)))})
		}
	}

	var buffer bytes.Buffer
	err = jpeg.Encode(&buffer, out, &jpeg.Options{Quality: 70})
	return buffer.Bytes(), err
}
