package catalog_test

import (
	"context"
	"errors"
	"image/jpeg"
	"io"
	"os"
	"path/filepath"
	"slices"
	"testing"
	"time"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"

	"inlet/blob"
	"inlet/catalog"
	"inlet/imaging"
	"inlet/imaging/heif"
	"inlet/vault"
)

// asked notes which pictures are to be decoded.
type asked []uuid.UUID

func (a *asked) Decode(_ context.Context, _ pgx.Tx, id uuid.UUID) error {
	*a = append(*a, id)
	return nil
}

// decoding is a harness that decodes HEIC and AVIF, with little memory.
func decoding(t *testing.T) (*harness, *asked) {
	t.Helper()
	h, later := newHarness(t), &asked{}
	decoder := heif.NewDecoder(heif.Limits{Memory: 32 << 20, Pixels: 100_000, Time: time.Minute})
	t.Cleanup(func() { decoder.Close(context.Background()) })
	o := h.Options
	o.Decoder, o.Later = decoder, later
	v := h.Vault.Options
	v.Thumbnailer = imaging.NewInspector(1e6, 1<<20)
	o.Vault = vault.New(v)
	h.Service = catalog.New(o)
	return h, later
}

func heic(t *testing.T, name string) string {
	t.Helper()
	b, err := os.ReadFile(filepath.Join("..", "imaging", "heif", "testdata", name))
	must(t, err)
	return string(b)
}

func (h *harness) flags(id uuid.UUID) (flags []string) {
	h.t.Helper()
	must(h.t, h.Pool.QueryRow(context.Background(), `SELECT flags FROM images WHERE id = $1`, id).Scan(&flags))
	return flags
}

func TestDecodeMakesVariants(t *testing.T) {
	t.Parallel()
	h, later := decoding(t)
	content := heic(t, "plain.heic")
	id := h.add(content, row{"format": "heic"})
	img, err := h.Get(t.Context(), id)
	must(t, err)
	if _, err := h.Variant(t.Context(), img, 160); !errors.Is(err, imaging.ErrNotReady) || !slices.Equal(*later, []uuid.UUID{id}) {
		t.Errorf("before: %v, to be decoded are %v", err, *later)
	}
	for range 2 { // a job may run again
		p, err := h.Decode(t.Context(), id)
		must(t, err)
		if p == nil || p.Width != 96 || p.Height != 72 {
			t.Fatalf("it returned %+v", p)
		}
	}
	doc, err := h.Metadata(t.Context(), id)
	must(t, err)
	if q := doc.Quality; q.Sharpness == nil || q.Exposure == nil || q.Kind == nil || !slices.Equal(q.Flags, []string{"small"}) {
		t.Errorf("its quality is %+v", q)
	}
	for _, width := range vault.Widths() {
		b, err := h.Variant(t.Context(), img, width)
		must(t, err)
		m, err := jpeg.DecodeConfig(io.NewSectionReader(b, 0, b.Size()))
		must(t, err)
		b.Close()
		if m.Width != 96 || m.Height != 72 {
			t.Errorf("%d wide: %d×%d", width, m.Width, m.Height)
		}
	}
	// One that is lost is made again.
	must(t, h.Blobs.Delete(t.Context(), blob.VariantKey(keyOf(content), 320)))
	if _, err := h.Variant(t.Context(), img, 320); !errors.Is(err, imaging.ErrNotReady) || len(*later) != 2 {
		t.Errorf("lost: %v, to be decoded are %v", err, *later)
	}
}

func TestDecodeGivesUp(t *testing.T) {
	t.Parallel()
	h, later := decoding(t)
	broken := heic(t, "plain.avif")
	for name, content := range map[string]string{
		"damaged": broken[:len(broken)-100], "too many pixels": heic(t, "sequence.avif"),
	} {
		id := h.add(content, row{"format": "avif"})
		for range 2 {
			if p, err := h.Decode(t.Context(), id); p != nil || err != nil {
				t.Errorf("%s: %v, %v", name, p, err)
			}
		}
		if got := h.flags(id); !slices.Equal(got, []string{"undecodable"}) {
			t.Errorf("%s: flags %q", name, got)
		}
		img, err := h.Get(t.Context(), id)
		must(t, err)
		if _, err := h.Variant(t.Context(), img, 160); !errors.Is(err, imaging.ErrUndecodable) {
			t.Errorf("%s: a variant: %v", name, err)
		}
	}
	if len(*later) > 0 {
		t.Errorf("to be decoded are %v", *later)
	}
}

// Decode returns no picture where transparency hides a part of it, and none that
// was deleted or merged.
func TestDecodeWithoutAPicture(t *testing.T) {
	t.Parallel()
	h, _ := decoding(t)
	ids := map[string]uuid.UUID{
		"alpha": h.add(heic(t, "alpha.heic"), row{"format": "heic"}), "deleted": uuid.New(), "merged": uuid.New(),
	}
	h.exec(`INSERT INTO merges (id, image_id) VALUES ($1, $2)`, ids["merged"], ids["alpha"])
	for name, id := range ids {
		if p, err := h.Decode(t.Context(), id); p != nil || err != nil {
			t.Errorf("%s: %v, %v", name, p, err)
		}
	}
}
