package quality

import "math"

func (s *stats) quality(src Source) Quality {
	mean, deviation := s.luma.moments()
	c := s.chroma
	colour := (math.Sqrt(c.varCb+c.varCr) + 0.3*math.Hypot(c.meanCb, c.meanCr)) / 100
	return Quality{
		Measured:      true,
		Sharpness:     float32(s.sharpness(src)),
		Exposure:      float32(mean / 255),
		Contrast:      float32(min(1, deviation/127.5)),
		Clipped:       float32(s.luma.share(0, 2) + s.luma.share(253, 255)),
		Colourfulness: float32(min(1, colour)),
		Flat:          float32((s.across[0].share(0, 0) + s.down[0].share(0, 0)) / 2),
		Debug:         [4]float64{s.blur(), src.Blocks.blur(), src.Blocks.resolved(), fine(src.Blocks)},
	}
}
func kindOf(Source, *stats, Quality) Kind { return "" }
func flags(Source, Quality) []string      { return nil }

func fine(b *Blocks) float64 {
	if b == nil {
		return -1
	}
	return b.FineBits
}
