package main

import "inlet/imaging/fingerprint"

// judge goes the way of an upload: candidates by the bands of the hash, then
// prints, then pictures.
func judge(stored, sent *file) (fingerprint.Verdict, error) {
	if stored.print == nil || sent.print == nil {
		return fingerprint.Verdict{}, nil
	}
	found := false
	for _, band := range stored.print.Hash.Bands() {
		found = found || sent.probes[band]
	}
	if !found {
		return fingerprint.Verdict{Distance: stored.print.Hash.Distance(sent.print.Hash)}, nil
	}
	v := fingerprint.Compare(stored.print, sent.print)
	if v.Kind != fingerprint.Closer {
		return v, nil
	}
	if v.Kind = fingerprint.Verify(stored.small, sent.small); v.Kind != fingerprint.Closer {
		return v, nil
	}
	a, err := stored.picture(fingerprint.FullSide, false)
	if err != nil {
		return v, err
	}
	b, err := sent.picture(fingerprint.FullSide, false)
	if err != nil {
		return v, err
	}
	v.Kind = fingerprint.Verify(a, b)
	return v, nil
}
