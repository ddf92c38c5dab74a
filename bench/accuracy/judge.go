package main

import (
	"bytes"
	"context"
	"fmt"
	"slices"

	"inlet/imaging"
	"inlet/imaging/fingerprint"
)

const (
	maxPixels = 100e6
	memory    = 2 << 30
)

// file is a picture file in memory with its inspection.
type file struct {
	name string
	data []byte
	info imaging.Info
}

// judge matches files as the service does.
type judge struct{ in *imaging.Inspector }

func newJudge() judge { return judge{imaging.NewInspector(maxPixels, memory)} }

// load inspects a file.
func (j judge) load(name string, data []byte) (*file, error) {
	format, err := imaging.Sniff(data[:min(len(data), imaging.SniffLen)])
	if err != nil {
		return nil, fmt.Errorf("%s: %w", name, err)
	}

	info, err := j.in.Inspect(context.Background(), bytes.NewReader(data), int64(len(data)), format)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", name, err)
	}

	return &file{name, data, info}, nil
}

// verdict is the match of two files and its reasons.
type verdict struct {
	fingerprint.Finding
	distance int
}

// compare takes the steps of an upload: candidates by the bands of the hash, then
// fingerprints, then pictures of the size of fingerprints, then whole ones.
func (j judge) compare(stored, sent *file) (v verdict, err error) {
	if stored.info.Fingerprint == nil || sent.info.Fingerprint == nil {
		v.What = "no fingerprint"
		return v, nil
	}

	known := stored.info.Fingerprint.Hash.Bands()
	if !slices.ContainsFunc(sent.info.Probes, func(k int32) bool { return slices.Contains(known, k) }) {
		v.What = "no band in common"
		return v, nil
	}

	found := fingerprint.Compare(stored.info.Fingerprint, sent.info.Fingerprint)
	v.Kind, v.What, v.distance = found.Kind, "fingerprints", found.Distance
	if v.Kind != fingerprint.Undecided {
		return v, nil
	}

	n := stored.info.Frames
	if n != sent.info.Frames || stored.info.Duration != sent.info.Duration {
		v.Kind, v.What = fingerprint.NearDuplicate, "frames"
		return v, nil
	}

	frames := slices.Compact([]int{0, n / 2, n - 1})
	for _, side := range []int{fingerprint.Side, fingerprint.FullSide} {
		var worst fingerprint.Finding
		for _, frame := range frames {
			f, err := j.explain(stored, sent, imaging.Want{Side: side, Frame: frame})
			if err != nil {
				return v, err
			}
			if f.Of >= worst.Of {
				worst = f
			}
		}

		if v.Finding = worst; v.Kind != fingerprint.Undecided {
			break
		}
	}

	return v, nil
}

// explain compares one frame at one scale.
func (j judge) explain(stored, sent *file, want imaging.Want) (fingerprint.Finding, error) {
	a, err := j.picture(stored, want)
	if err != nil {
		return fingerprint.Finding{}, err
	}

	b, err := j.picture(sent, want)
	if err != nil {
		return fingerprint.Finding{}, err
	}

	return fingerprint.Explain(a, b), nil
}

func (j judge) picture(f *file, want imaging.Want) (*fingerprint.Picture, error) {
	p, err := j.in.Picture(context.Background(), bytes.NewReader(f.data), int64(len(f.data)), f.info.Format, want)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", f.name, err)
	}

	return p, nil
}
