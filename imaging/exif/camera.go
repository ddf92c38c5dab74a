package exif

import (
	"strings"
	"unicode"
	"unicode/utf8"
)

// maxCamera bounds the length of a camera's name, in runes.
const maxCamera = 120

// cameraName is the name of a camera as people say it: the brand, once and without
// its company's form, then the model. It is empty without a model, as a maker alone
// is no camera. It keeps the case that cameras write: compare names without case.
func cameraName(mk, model string) string {
	mk, model = collapse(mk), collapse(model)
	if model == "" {
		return ""
	}

	company, brand := strip(mk), brandOf(mk)
	// A maker's model may bear another brand: Ricoh makes Pentax.
	if other, rest := brandIn(model); other != "" && !strings.EqualFold(other, brand) {
		if rest == "" {
			return shorten(other, maxCamera)
		}
		brand, model = other, rest
	}

	for again := true; again; {
		again = false
		for _, repeated := range []string{mk, company, brand} {
			if rest, ok := cutWord(model, repeated); ok {
				model, again = rest, true
			}
		}
	}

	return shorten(strings.TrimSpace(brand+" "+model), maxCamera)
}

// collapse ends s at a NUL and makes every run of blanks one blank.
func collapse(s string) string {
	s, _, _ = strings.Cut(s, "\x00")
	return strings.Join(strings.Fields(strings.ToValidUTF8(s, "")), " ")
}

// cutWord removes a word from the front of s, if it stands there by itself:
// "HP" begins "HP 735" and "HP735" but not "HPE".
func cutWord(s, word string) (rest string, ok bool) {
	if word == "" || len(s) < len(word) || !strings.EqualFold(s[:len(word)], word) {
		return s, false
	}
	rest = s[len(word):]
	if next, _ := utf8.DecodeRuneInString(rest); unicode.IsLetter(next) {
		return s, false
	}

	return strings.TrimLeft(rest, " -_,."), true
}

// brandOf is the brand of a make. An unknown make loses its company's form.
func brandOf(mk string) string {
	for s := mk; ; {
		if b, ok := brands[strings.ToUpper(s)]; ok {
			return b
		}

		shorter := stripOnce(s)
		if shorter == s {
			return s
		}
		s = shorter
	}
}

// brandIn splits a model into the known brand that it begins with, and the rest.
func brandIn(model string) (brand, rest string) {
	words := strings.SplitN(model, " ", 4)
	for n := min(3, len(words)); n > 0; n-- {
		if b, ok := brands[strings.ToUpper(strings.Join(words[:n], " "))]; ok {
			return b, strings.Join(words[n:], " ")
		}
	}
	return "", ""
}

func strip(mk string) string {
	for shorter := stripOnce(mk); shorter != mk; shorter = stripOnce(mk) {
		mk = shorter
	}
	return mk
}

// stripOnce removes the last word of a make if it belongs to a company's form, or the
// punctuation behind it.
func stripOnce(mk string) string {
	if trimmed := strings.TrimRight(mk, " .,"); trimmed != mk {
		return trimmed
	}
	i := strings.LastIndexAny(mk, " ,.")
	if i < 0 {
		return mk
	}
	switch strings.ToUpper(mk[i+1:]) {
	case "CORPORATION", "CORP", "CO", "COMPANY", "LTD", "LIMITED", "INC", "INCORPORATED", "LLC",
		"AG", "GMBH", "KG", "AB", "SA", "SPA", "BV", "PLC", "KK",
		"IMAGING", "OPTICAL", "ELECTRIC", "ELECTRONICS", "COMPUTER", "TECHNOLOGY", "TECHNOLOGIES",
		"MOBILE", "COMMUNICATIONS", "INTERNATIONAL", "SYSTEMS", "CAMERA", "CAMERAS", "FACTORY", "DEVICE",
		"GROUP", "INDUSTRIES", "INDUSTRIAL":
		return mk[:i]
	}

	return mk
}

// brands maps makes, in capitals and without a company's form, to their brands.
var brands = map[string]string{
	"ACER": "Acer", "AGFA": "Agfa", "AGFAPHOTO": "AgfaPhoto", "APPLE": "Apple", "ARASHI VISION": "Insta360",
	"ASAHI": "Pentax", "ASUS": "Asus", "ASUSTEK": "Asus", "BENQ": "BenQ", "BLACKBERRY": "BlackBerry",
	"BLACKMAGIC DESIGN": "Blackmagic Design", "BLACKMAGIC": "Blackmagic Design", "CANON": "Canon",
	"CASIO": "Casio", "CONCORD": "Concord", "CONTAX": "Contax", "DJI": "DJI", "EASTMAN KODAK": "Kodak",
	"EPSON": "Epson", "FAIRPHONE": "Fairphone", "FLIR": "FLIR", "FUJI": "Fujifilm", "FUJI PHOTO FILM": "Fujifilm",
	"FUJIFILM": "Fujifilm", "GENERAL ELECTRIC": "GE", "GENERAL IMAGING": "GE", "GOOGLE": "Google", "GOPRO": "GoPro",
	"HASSELBLAD": "Hasselblad", "HEWLETT PACKARD": "HP", "HEWLETT-PACKARD": "HP", "HMD GLOBAL": "Nokia",
	"HMD GLOBAL OY": "Nokia", "HONOR": "Honor", "HP": "HP", "HTC": "HTC", "HUAWEI": "Huawei", "INSTA360": "Insta360",
	"JENOPTIK": "Jenoptik", "JK IMAGING": "Kodak", "JVC": "JVC", "JVC KENWOOD": "JVC",
	"JVCKENWOOD": "JVC", "KODAK": "Kodak", "KONICA": "Konica", "KONICA MINOLTA": "Konica Minolta",
	"KYOCERA": "Kyocera", "LEAF": "Leaf", "LEICA": "Leica", "LENOVO": "Lenovo", "LG": "LG", "LGE": "LG",
	"LG ELECTRONICS": "LG", "LOGITECH": "Logitech", "LYTRO": "Lytro", "MAMIYA": "Mamiya", "MAMIYA-OP": "Mamiya",
	"MATSUSHITA": "Panasonic", "MEDION": "Medion", "MEIZU": "Meizu", "MICROSOFT": "Microsoft", "MINOLTA": "Minolta",
	"MOTOROLA": "Motorola", "MOTOROLA MOBILITY": "Motorola", "MUSTEK": "Mustek", "NIKON": "Nikon", "NOKIA": "Nokia",
	"NOTHING": "Nothing", "OLYMPUS": "Olympus", "OM DIGITAL SOLUTIONS": "OM System", "OM SYSTEM": "OM System",
	"ONEPLUS": "OnePlus", "OPPO": "Oppo", "PANASONIC": "Panasonic", "PARROT": "Parrot", "PENTAX": "Pentax",
	"PENTAX RICOH": "Pentax", "PENTAX RICOH IMAGING": "Pentax", "PHASE ONE": "Phase One", "POLAROID": "Polaroid",
	"PRAKTICA": "Praktica", "REALME": "Realme", "RESEARCH IN MOTION": "BlackBerry", "RICOH": "Ricoh",
	"RICOH IMAGING": "Ricoh", "ROLLEI": "Rollei", "SAMSUNG": "Samsung", "SAMSUNG DIGITAL": "Samsung",
	"SAMSUNG TECHWIN": "Samsung", "SANYO": "Sanyo", "SEIKO EPSON": "Epson", "SHARP": "Sharp", "SIGMA": "Sigma",
	"SONY": "Sony", "SONY ERICSSON": "Sony Ericsson", "SONYERICSSON": "Sony Ericsson", "TCL": "TCL", "TOSHIBA": "Toshiba",
	"TRUST": "Trust", "UMAX": "Umax", "VICTOR COMPANY OF JAPAN": "JVC", "VIVITAR": "Vivitar", "VIVO": "Vivo",
	"XIAOMI": "Xiaomi", "XIAOYI": "YI", "YI": "YI", "YI TECHNOLOGY": "YI", "ZEISS": "Zeiss", "ZTE": "ZTE",
}
