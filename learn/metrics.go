package learn

// Metrics says how a model did on held-out pictures, each judged by weights that
// never saw its family. A picture counts as right if its likeliest label is one of
// its labels.
type Metrics struct {
	Accuracy    float64        `json:"accuracy"`    // share of right pictures
	MacroF1     float64        `json:"macro_f1"`    // mean of the labels' F1
	LogLoss     float64        `json:"log_loss"`    // mean, in nats a picture
	ECE         float64        `json:"ece"`         // expected calibration error over Calibration
	Labels      []LabelMetrics `json:"labels"`      // order of Model.Labels
	Confusion   [][]int        `json:"confusion"`   // [truth][predicted], order of Labels
	Curve       []CurvePoint   `json:"curve"`       // learning curve; the last point is the model itself
	Calibration []Bin          `json:"calibration"` // ten bins of the probability
	HeldOut     int            `json:"held_out"`    // pictures judged
	Folds       int            `json:"folds"`
	Mode        string         `json:"mode"`     // "single" or "several"
	Split       string         `json:"split"`    // what to know of the split, often ""
	LeftOut     []LabelCount   `json:"left_out"` // labels with too few pictures, at most 100
}

// LabelMetrics is one row of the metrics. In mode "several" a label is predicted
// from a probability of a half on.
type LabelMetrics struct {
	Label     string  `json:"label"`
	Images    int     `json:"images"`
	F1        float64 `json:"f1"`
	Precision float64 `json:"precision"`
	Recall    float64 `json:"recall"`
}

// LabelCount is a label and how many pictures bear it.
type LabelCount struct {
	Label  string `json:"label"`
	Images int    `json:"images"`
}

// CurvePoint is how models do that learn from so many pictures.
type CurvePoint struct {
	Images   int     `json:"images"`
	Accuracy float64 `json:"accuracy"`
	MacroF1  float64 `json:"macro_f1"`
}

// Bin counts predictions whose probability lies between From and To: of the
// likeliest label in mode "single", of every label in mode "several".
type Bin struct {
	From            float64 `json:"from"`
	To              float64 `json:"to"`
	MeanProbability float64 `json:"mean_probability"`
	ShareRight      float64 `json:"share_right"`
	Images          int     `json:"images"`
}

const bins = 10

// tally counts judged pictures.
type tally struct {
	t                    *task
	judged, right        int
	loss                 float64
	hits, truth, claimed []int // a label
	confusion            [][]int
	binCount, binRight   [bins]int
	binSum               [bins]float64
}

func (t *task) newTally() *tally {
	c := len(t.labels)
	y := &tally{t: t, hits: make([]int, c), truth: make([]int, c), claimed: make([]int, c), confusion: make([][]int, c)}
	for l := range y.confusion {
		y.confusion[l] = make([]int, c)
	}
	return y
}

// add counts a picture with probabilities p.
func (y *tally) add(p []float32, target []int32) {
	best := 0
	for c := range p {
		if p[c] > p[best] {
			best = c
		}
	}
	y.loss += lossAt(y.t.several, p, target)
	y.judged++
	if has(target, best) || len(target) == 0 && p[best] < 0.5 {
		y.right++
	}

	for _, c := range target {
		y.truth[c]++
	}
	for c := range p {
		claims := c == best
		if y.t.several {
			claims = p[c] >= 0.5
			y.bin(p[c], has(target, c))
		}
		if !claims {
			continue
		}
		y.claimed[c]++
		if has(target, c) {
			y.hits[c]++
		}
	}
	if !y.t.several {
		y.bin(p[best], has(target, best))
	}
	y.confuse(p, target, best)
}

// confuse files each label of the picture under itself if it was predicted, or if the
// likeliest is another label that the picture bears; else under the likeliest.
func (y *tally) confuse(p []float32, target []int32, best int) {
	for _, c := range target {
		if has(target, best) || y.t.several && p[c] >= 0.5 {
			y.confusion[c][c]++
		} else {
			y.confusion[c][best]++
		}
	}
}

func (y *tally) bin(p float32, right bool) {
	b := min(int(p*bins), bins-1)
	y.binCount[b]++
	y.binSum[b] += float64(p)
	if right {
		y.binRight[b]++
	}
}

func has(target []int32, c int) bool {
	for _, t := range target {
		if int(t) == c {
			return true
		}
	}
	return false
}

// metrics sums up.
func (y *tally) metrics() Metrics {
	m := Metrics{
		Accuracy: ratio(y.right, y.judged), LogLoss: y.loss / float64(max(y.judged, 1)),
		Confusion: y.confusion, HeldOut: y.judged, Mode: "single", LeftOut: y.t.leftOut,
	}
	if y.t.several {
		m.Mode = "several"
	}

	for c, label := range y.t.labels {
		l := LabelMetrics{
			Label: label, Images: y.truth[c],
			Precision: ratio(y.hits[c], y.claimed[c]), Recall: ratio(y.hits[c], y.truth[c]),
			F1: ratio(2*y.hits[c], y.truth[c]+y.claimed[c]),
		}
		m.Labels = append(m.Labels, l)
		m.MacroF1 += l.F1 / float64(len(y.t.labels))
	}

	all := 0
	for _, n := range y.binCount {
		all += n
	}
	for b, n := range y.binCount {
		bin := Bin{From: float64(b) / bins, To: float64(b+1) / bins, Images: n, ShareRight: ratio(y.binRight[b], n)}
		if n > 0 {
			bin.MeanProbability = y.binSum[b] / float64(n)
			gap := bin.MeanProbability - bin.ShareRight
			m.ECE += max(gap, -gap) * ratio(n, all)
		}
		m.Calibration = append(m.Calibration, bin)
	}
	return m
}

func ratio(a, b int) float64 {
	if b == 0 {
		return 0
	}
	return float64(a) / float64(b)
}

// merge adds another tally of the same task.
func (y *tally) merge(other *tally) {
	y.judged += other.judged
	y.right += other.right
	for c := range y.truth {
		y.truth[c] += other.truth[c]
		y.claimed[c] += other.claimed[c]
		y.hits[c] += other.hits[c]
	}
}

// point is the tally as a point of a learning curve.
func (y *tally) point(images int) CurvePoint {
	p := CurvePoint{Images: images, Accuracy: ratio(y.right, y.judged)}
	for c := range y.truth {
		p.MacroF1 += ratio(2*y.hits[c], y.truth[c]+y.claimed[c]) / float64(len(y.truth))
	}
	return p
}
