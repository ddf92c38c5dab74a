package vault_test

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"testing"

	"inlet/blob"
	"inlet/imaging"
	"inlet/vault"
)

func TestVariant(t *testing.T) {
	t.Parallel()
	h := newHarness(t)
	sum := h.add("picture")
	read := func(width int) string {
		t.Helper()
		b, err := h.Variant(t.Context(), sum, imaging.JPEG, width)
		must(t, err)
		defer b.Close()
		got, err := io.ReadAll(b)
		must(t, err)
		return string(got)
	}
	for _, width := range vault.Widths() {
		want := fmt.Sprintf("jpeg of %x at %d", sum, width)
		for range 2 {
			if got := read(width); got != want {
				t.Errorf("variant = %q, want %q", got, want)
			}
		}
	}
	if n := h.thumbs.calls.Load(); n != 4 {
		t.Errorf("%d variants were made for 4 widths", n)
	}
	// A lost one is made again.
	must(t, os.Remove(h.pathOf(vault.VariantKey(sum, 320))))
	read(320)
	if n := h.thumbs.calls.Load(); n != 5 {
		t.Errorf("%d variants were made, want one more", n)
	}
	for _, width := range []int{-1, 0, 161, 1 << 40} {
		if _, err := h.Variant(t.Context(), sum, imaging.JPEG, width); !errors.Is(err, vault.ErrWidth) {
			t.Errorf("width %d: %v", width, err)
		}
	}
}

// Many who ask at once wait for one that works, also when the first goes away.
func TestVariantOnce(t *testing.T) {
	t.Parallel()
	h := newHarness(t)
	sum := h.add("picture")
	begun, release := make(chan struct{}), make(chan struct{})
	h.thumbs.make = func() ([]byte, error) {
		close(begun)
		<-release
		return []byte("small"), nil
	}
	ctx, cancel := context.WithCancel(t.Context())
	first := make(chan error)
	go func() {
		_, err := h.Variant(ctx, sum, imaging.JPEG, 160)
		first <- err
	}()
	<-begun
	cancel()
	if err := <-first; !errors.Is(err, context.Canceled) {
		t.Fatalf("the one who went away: %v", err)
	}
	results := make(chan error)
	for range 10 {
		go func() {
			b, err := h.Variant(t.Context(), sum, imaging.JPEG, 160)
			if err == nil {
				b.Close()
			}
			results <- err
		}()
	}
	close(release)
	for range 10 {
		if err := <-results; err != nil {
			t.Error(err)
		}
	}
	if n := h.thumbs.calls.Load(); n != 1 {
		t.Errorf("made %d times", n)
	}
}

func TestVariantFails(t *testing.T) {
	t.Parallel()
	h := newHarness(t)
	sum := h.add("picture")
	for _, want := range []error{imaging.ErrNotReady, imaging.ErrUndecodable} {
		h.thumbs.make = func() ([]byte, error) { return nil, fmt.Errorf("%w: because", want) }
		if _, err := h.Variant(t.Context(), sum, imaging.JPEG, 160); !errors.Is(err, want) {
			t.Errorf("err = %v, want %v", err, want)
		}
	}
	h.thumbs.make = func() ([]byte, error) { panic("index out of range") }
	if _, err := h.Variant(t.Context(), sum, imaging.JPEG, 160); err == nil {
		t.Error("a panic of the decoder was not reported")
	}
	if _, err := h.Variant(t.Context(), sumOf("unknown"), imaging.JPEG, 160); !errors.Is(err, blob.ErrNotFound) {
		t.Errorf("of a content that is not there: %v", err)
	}
}
