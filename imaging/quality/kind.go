package quality

import "math"

// Features is how many numbers the model of kinds takes.
const Features = 22

func (s *stats) features(src Source, q Quality) (f [Features]float32) {
	bins := s.luma
	var top [3]float64
	occupied := 0
	n := float64(max(bins.total(), 1))
	for _, c := range bins {
		share := float64(c) / n
		if share > 0.0005 {
			occupied++
		}
		for i := range top {
			if share > top[i] {
				share, top[i] = top[i], share
			}
		}
	}
	aspect := float64(max(src.Width, src.Height)) / float64(max(min(src.Width, src.Height), 1))
	for i, v := range []float64{
		float64(q.Exposure), float64(q.Contrast), float64(q.Clipped), float64(q.Colourfulness),
		bins.share(245, 255), bins.share(0, 10),
		s.across[0].share(0, 0), s.down[0].share(0, 0),
		s.across[0].share(1, 2), s.across[0].share(3, 9), s.across[0].share(10, 31), s.across[0].share(48, 255),
		s.down[0].share(48, 255), s.across[1].share(0, 1), s.down[1].share(0, 1),
		top[0], top[0] + top[1] + top[2], float64(occupied) / 256,
		s.chroma.grey, float64(s.straight) / float64(s.edges+50),
		float64(s.edges) / n, min(math.Log2(aspect), 3),
	} {
		f[i] = float32(v)
	}
	return f
}
