package quality

import "slices"

// What may be wrong with a picture. Measure finds the first five; imaging.Info.Clean,
// the decode job and the batch layer find the others.
const (
	Blurry = "blurry" // no edge is sharp
	Dark   = "dark"   // a photo that is black nearly everywhere
	Bright = "bright" // a photo that is white nearly everywhere
	Blank  = "blank"  // there is nothing in it
	Small  = "small"  // fewer pixels than 224×224

	Damaged      = "damaged"
	Undecodable  = "undecodable"
	TimeSuspect  = "time-suspect"  // its capture time cannot be true and was removed
	PlaceSuspect = "place-suspect" // likewise its position
	Sensitive    = "sensitive"
)

// smallArea is the pixels of 224×224, which the nets of the batch layer take.
const smallArea = 224 * 224

// flag adds what the counts tell. Only photos are dark or bright by mistake: pages
// are white and terminals black by design.
func (s *stats) flag(q *Quality) {
	if s.blank() {
		q.Add(Blank)
	}
	if (q.Kind == Photo || q.Kind == Document) && q.Sharpness < blurrySharpness && s.tells() {
		q.Add(Blurry)
	}
	if q.Kind != Photo {
		return
	}
	if s.luma.quantile(0.95) <= darkLuma {
		q.Add(Dark)
	}
	if s.luma.quantile(0.10) >= brightLuma {
		q.Add(Bright)
	}
}

const (
	// blurrySharpness is that of a blur by 1.3 pixels where the picture is seen 640
	// pixels long: of photos as they are taken, one in forty has no sharper edge.
	blurrySharpness = 0.37
	darkLuma        = 56
	brightLuma      = 235
	// blankRange is how far the samples of a picture with nothing in it differ, by
	// noise and by light that falls off.
	blankRange = 10
)

// blank says that there is nothing in the picture: one colour, and no edge.
func (s *stats) blank() bool {
	spread := s.luma.quantile(0.999) - s.luma.quantile(0.001)
	step := max(s.across[0].quantile(0.9995), s.down[0].quantile(0.9995))
	return spread <= blankRange && step <= blankRange && s.chroma.varCb+s.chroma.varCr < blankRange
}

// tells says that there are edges to judge the sharpness by.
func (s *stats) tells() bool {
	const least = 12
	return max(s.across[1].quantile(1-farShare), s.down[1].quantile(1-farShare)) >= least
}

// Flags lists all flags.
func Flags() []string {
	return []string{Blurry, Dark, Bright, Blank, Small, Damaged, Undecodable, TimeSuspect, PlaceSuspect, Sensitive}
}

// Add adds a flag, once.
func (q *Quality) Add(flag string) {
	if !slices.Contains(q.Flags, flag) {
		q.Flags = append(q.Flags, flag)
	}
}
