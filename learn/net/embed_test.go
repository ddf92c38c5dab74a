package net

import (
	"errors"
	"testing"
)

// TestLeftOut holds what a build without weights says.
func TestLeftOut(t *testing.T) {
	t.Parallel()
	n, err := loaded()
	if err != nil && !errors.Is(err, ErrNoWeights) {
		t.Fatal(err)
	}
	if (n == nil) != errors.Is(err, ErrNoWeights) {
		t.Errorf("nets %v with error %v", n != nil, err)
	}
}
