package exif

import (
	"strings"
	"testing"
	"unicode/utf8"
)

func TestCameraName(t *testing.T) {
	t.Parallel()
	for _, test := range []struct{ make, model, want string }{
		{"Canon", "Canon EOS 40D", "Canon EOS 40D"},
		{"Canon", "Canon Canon EOS 40D", "Canon EOS 40D"},
		{"NIKON CORPORATION", "NIKON D70", "Nikon D70"},
		{"NIKON", "COOLPIX  P6000 ", "Nikon COOLPIX P6000"},
		{"Apple", "iPhone 6", "Apple iPhone 6"},
		{"OLYMPUS IMAGING CORP.  ", "E-M5", "Olympus E-M5"},
		{"OLYMPUS OPTICAL CO.,LTD", "C750UZ", "Olympus C750UZ"},
		{"EASTMAN KODAK COMPANY", "KODAK CX7530 ZOOM DIGITAL CAMERA", "Kodak CX7530 ZOOM DIGITAL CAMERA"},
		{"Eastman Kodak Company", "DC210 Zoom (V05.00)", "Kodak DC210 Zoom (V05.00)"},
		{"JK Imaging, Ltd.", "KODAK PIXPRO FZ201", "Kodak PIXPRO FZ201"},
		{"RICOH IMAGING COMPANY, LTD.", "PENTAX K-3 II", "Pentax K-3 II"},
		{"RICOH IMAGING COMPANY, LTD.", "RICOH GR III", "Ricoh GR III"},
		{"PENTAX Corporation", "PENTAX K10D", "Pentax K10D"},
		{"SAMSUNG", "GT-I9000", "Samsung GT-I9000"},
		{"Samsung Techwin", "<VLUU L730 / Samsung L730>", "Samsung <VLUU L730 / Samsung L730>"},
		{"SAMSUNG ELECTRONICS CO.,LTD.", "SAMSUNG-SM-G930A", "Samsung SM-G930A"},
		{"FUJI PHOTO FILM CO., LTD.", "SP-2500", "Fujifilm SP-2500"},
		{"FUJIFILM", "FinePixS1Pro", "Fujifilm FinePixS1Pro"},
		{"Hewlett-Packard", "hp photosmart 735", "HP photosmart 735"},
		{"HP", "HPE 5", "HP HPE 5"},
		{"HTC", "HTC_Desire", "HTC Desire"},
		{"LEICA CAMERA AG", "LEICA Q2", "Leica Q2"},
		{"KONICA MINOLTA CAMERA, Inc.", "DiMAGE A2", "Konica Minolta DiMAGE A2"},
		{"SANYO Electric Co.,Ltd.", "SR6", "Sanyo SR6"},
		{"CASIO COMPUTER CO.,LTD.", "EX-S1", "Casio EX-S1"},
		{"HMD Global", "Nokia 7.2", "Nokia 7.2"},
		{"Huawei Technologies Co., Ltd.", "HUAWEI P30", "Huawei P30"},
		{"Trust.", "Gemini11", "Trust Gemini11"},
		{"Acme Imaging Corp.", "ACME 1", "Acme 1"},
		{"Imaging", "X1", "Imaging X1"},
		{"", "NIKON D70", "Nikon D70"},
		{"", "Box", "Box"},
		{"Canon", "Canon", "Canon"},
		{"", "Canon", "Canon"},
		{"Canon", "", ""},
		{"", "", ""},
		{"Canon\x00junk", "EOS\x00\x00\x00 40D", "Canon EOS"},
		{"Sony\xff", "A\xff7", "Sony A7"},
		{"Co., Ltd.", "X", "Co X"},
	} {
		if got := cameraName(test.make, test.model); got != test.want {
			t.Errorf("%q, %q: %q, want %q", test.make, test.model, got, test.want)
		}
	}
	if got := cameraName(strings.Repeat("ü", 200), strings.Repeat("x", 200)); utf8.RuneCountInString(got) > maxCamera {
		t.Errorf("%d runes", utf8.RuneCountInString(got))
	}
}

func FuzzCameraName(f *testing.F) {
	f.Add("NIKON CORPORATION", "NIKON D70")
	f.Add("JK Imaging, Ltd.", "KODAK PIXPRO")
	f.Fuzz(func(t *testing.T, mk, model string) {
		name := cameraName(mk, model)
		if !utf8.ValidString(name) || strings.ContainsRune(name, 0) || utf8.RuneCountInString(name) > maxCamera {
			t.Fatalf("%q", name)
		}
		if strings.Join(strings.Fields(name), " ") != name {
			t.Fatalf("blanks in %q", name)
		}
	})
}
