package learn_test

import (
	"bytes"
	"encoding/binary"
	"errors"
	"hash/crc32"
	"reflect"
	"slices"
	"testing"

	"inlet/learn"
)

func TestPredict(t *testing.T) { // not parallel: it counts allocations
	w := newWorld(11, 100, 7, 0.5)
	s := w.set(20)
	m := train(t, s, learn.Options{Seed: 1})
	v := w.picture(2)

	p := m.Predict(v, -1)
	if len(p) != learn.MaxPredictions || p[0].Label != s.Labels[2] {
		t.Fatalf("predictions %v", p)
	}
	var sum float32
	for i, x := range p {
		sum += x.Probability
		if x.Probability < 0 || i > 0 && x.Probability > p[i-1].Probability {
			t.Errorf("predictions are not in order: %v", p)
		}
	}
	if sum > 1.0001 {
		t.Errorf("the probabilities sum to %v", sum)
	}

	if got := m.Predict(v[1:], -1); got != nil {
		t.Errorf("a vector of another width: %v", got)
	}
	if got := m.Predict(v, 99); !slices.Equal(got, p) {
		t.Errorf("an unknown fold: %v, want the final weights' %v", got, p)
	}
	if got := m.Predict(v, 0); slices.Equal(got, p) {
		t.Error("fold 0 answers like the final weights")
	}
	if n := testing.AllocsPerRun(100, func() { m.Predict(v, -1) }); n > 1 {
		t.Errorf("%v allocations", n)
	}
	if got := train(t, newWorld(1, 10, 2, 1).set(8), learn.Options{}).Predict(make([]int8, 10), -1); len(got) != 2 {
		t.Errorf("two labels: %v", got)
	}
}

// models are one of each mode.
func models(t testing.TB) []*learn.Model {
	several := newWorld(12, 3, 3, 1).set(8)
	for i := range several.Examples[:12] {
		several.Examples[i].Labels = []int{0, 1 + i%2}
	}
	return []*learn.Model{
		train(t, newWorld(12, 4, 3, 1).set(8), learn.Options{Seed: 3, Split: "near-duplicates"}),
		train(t, several, learn.Options{Seed: 3}),
	}
}

func TestUnmarshal(t *testing.T) {
	t.Parallel()
	for _, m := range models(t) {
		data, err := m.MarshalBinary()
		if err != nil {
			t.Fatal(err)
		}
		back, err := learn.Unmarshal(data)
		if err != nil {
			t.Fatal(err)
		}
		if !reflect.DeepEqual(m, back) {
			t.Errorf("\n%+v comes back as\n%+v", m.Metrics(), back.Metrics())
		}
		again, _ := back.MarshalBinary()
		if !bytes.Equal(data, again) {
			t.Error("the second encoding differs")
		}

		for n := 0; n < len(data); n += 1 + len(data)/200 {
			if _, err := learn.Unmarshal(data[:n]); !errors.Is(err, learn.ErrMalformed) {
				t.Fatalf("%d of %d bytes: %v", n, len(data), err)
			}
			damaged := slices.Clone(data)
			damaged[n] ^= 0x10
			if _, err := learn.Unmarshal(damaged); !errors.Is(err, learn.ErrMalformed) {
				t.Fatalf("byte %d is damaged: %v", n, err)
			}
		}
	}
}

// sealed gives bytes a right checksum.
func sealed(body []byte) []byte {
	return binary.LittleEndian.AppendUint32(slices.Clone(body), crc32.Checksum(body, crc32.MakeTable(crc32.Castagnoli)))
}

// FuzzUnmarshal mutates what a checksum does not guard against.
func FuzzUnmarshal(f *testing.F) {
	for _, m := range models(f) {
		data, err := m.MarshalBinary()
		if err != nil {
			f.Fatal(err)
		}
		f.Add(data[:len(data)-4])
	}
	f.Fuzz(func(t *testing.T, body []byte) {
		_, _ = learn.Unmarshal(body)
		m, err := learn.Unmarshal(sealed(body))
		if err != nil {
			if !errors.Is(err, learn.ErrMalformed) {
				t.Fatal(err)
			}
			return
		}
		for fold := -1; fold < 3; fold++ {
			learn.Uncertainty(m.Predict(make([]int8, m.Dims()), fold))
		}
		m.Fold(id(3))
		again, err := m.MarshalBinary()
		if err != nil {
			t.Fatal(err)
		}
		if _, err := learn.Unmarshal(again); err != nil {
			t.Fatalf("what was read cannot be read again: %v", err)
		}
	})
}
