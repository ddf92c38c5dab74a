package quality

import "math"

// Features is how many numbers the model of kinds takes.
const Features = 22

// features are the model's input: shares of samples, by their luma, their chroma
// and their differences. Photos differ from sample to sample; what is drawn has few
// levels, flat areas and edges along the axes; pages are white.
func (s *stats) features(src Source, q Quality) (f [Features]float32) {
	n := float64(max(s.luma.total(), 1))
	top, occupied := s.luma.peaks()
	aspect := float64(max(src.Width, src.Height)) / float64(max(min(src.Width, src.Height), 1))

	for i, v := range []float64{
		float64(q.Exposure), float64(q.Contrast), float64(q.Clipped), float64(q.Colourfulness),
		s.luma.share(245, 255), s.luma.share(0, 10),
		s.across[0].share(0, 0), s.down[0].share(0, 0),
		s.across[0].share(1, 2), s.across[0].share(3, 9), s.across[0].share(10, 31), s.across[0].share(48, 255),
		s.down[0].share(48, 255), s.across[1].share(0, 1), s.down[1].share(0, 1),
		top[0], top[0] + top[1] + top[2], occupied,
		s.chroma.grey, float64(s.straight) / float64(s.edges+50),
		float64(s.edges) / n, min(math.Log2(aspect), 3),
	} {
		f[i] = float32(v)
	}

	return f
}

// peaks are the shares of the three commonest levels, and the share of levels that
// are not rare.
func (h *histogram) peaks() (top [3]float64, occupied float64) {
	const rare = 0.0005
	n := float64(max(h.total(), 1))
	for _, count := range h {
		share := float64(count) / n
		if share > rare {
			occupied += 1. / 256
		}
		for i := range top {
			if share > top[i] {
				share, top[i] = top[i], share
			}
		}
	}

	return top, occupied
}

// kindOf runs the model, a network with one hidden layer of rectified units, and
// adds what the metadata tell: a camera makes photos, also of pages; a picture of
// exactly a screen's size is likely to be one.
func kindOf(src Source, f [Features]float32) Kind {
	var x [Features]float32
	for i, v := range f {
		x[i] = max(-5, min(5, (v-modelMean[i])*modelScale[i]))
	}
	var hidden [units]float32
	for j := range hidden {
		hidden[j] = max(0, weigh(x[:], modelUnits[j*(Features+1):]))
	}
	var scores [KindCount]float32
	for k := range scores {
		scores[k] = weigh(hidden[:], modelKinds[k*(units+1):])
	}

	const certain, likely = 1e3, 1.5
	kinds, best := Kinds(), 0
	for k, kind := range kinds {
		switch {
		case src.Camera && (kind == Screenshot || kind == Graphic):
			scores[k] -= certain
		case kind == Screenshot && screenSized(src.Width, src.Height):
			scores[k] += likely
		}
		if scores[k] > scores[best] {
			best = k
		}
	}

	return kinds[best]
}

// weigh is the weighted sum of x, with the bias behind the weights.
func weigh(x, weights []float32) float32 {
	sum := weights[len(x)]
	for i, v := range x {
		sum += v * weights[i]
	}
	return sum
}

// screenSized says that the size is that of a common screen, either way up.
func screenSized(width, height int) bool {
	switch [2]int{max(width, height), min(width, height)} {
	case
		[2]int{1280, 720}, [2]int{1366, 768}, [2]int{1440, 900}, [2]int{1536, 864}, [2]int{1680, 1050}, [2]int{1920, 1080},
		[2]int{1920, 1200}, [2]int{2560, 1440}, [2]int{2880, 1800}, [2]int{3024, 1964}, [2]int{3840, 2160}, // desktops
		[2]int{1334, 750}, [2]int{1792, 828}, [2]int{2340, 1080}, [2]int{2400, 1080}, [2]int{2436, 1125}, [2]int{2532, 1170},
		[2]int{2556, 1179}, [2]int{2688, 1242}, [2]int{2778, 1284}, [2]int{2796, 1290}, // telephones
		[2]int{2048, 1536}, [2]int{2224, 1668}, [2]int{2388, 1668}, [2]int{2732, 2048}: // tablets
		return true
	}
	return false
}
