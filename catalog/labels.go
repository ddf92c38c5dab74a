package catalog

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"unicode"
	"unicode/utf8"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"
	"golang.org/x/text/unicode/norm"

	"inlet/db"
)

const (
	maxLabel  = 100 // characters of a label
	maxLabels = 100 // labels of an image
)

const labelsQuery = `SELECT label FROM labels WHERE image_id = ` + mergedInto + ` ORDER BY label COLLATE "C"`

// LabelCount is how many images bear a label.
type LabelCount struct {
	Label  string `json:"label"`
	Images int64  `json:"images"`
}

// SetLabels replaces an image's labels and returns them as they are now: each
// once, sorted.
func (s *Service) SetLabels(ctx context.Context, id uuid.UUID, given []string) ([]string, error) {
	labels, err := cleanLabels(given)
	if err != nil {
		return nil, err
	}
	err = pgx.BeginFunc(ctx, s.Pool, func(tx pgx.Tx) error {
		// Two that set an image's labels at once come one after the other.
		images, _, err := lockImages(ctx, tx, []uuid.UUID{id}, forLabels)
		if err != nil {
			return err
		}
		image, found := images[id]
		if !found {
			return ErrNotFound
		}
		var batch pgx.Batch
		batch.Queue(`DELETE FROM labels WHERE image_id = $1 AND label <> ALL($2)`, image, labels)
		batch.Queue(`INSERT INTO labels (image_id, label) SELECT $1, unnest($2::text[]) ON CONFLICT DO NOTHING`, image, labels)

		return tx.SendBatch(ctx, &batch).Close()
	})
	if errors.Is(err, ErrNotFound) {
		return nil, err
	}
	if err != nil {
		return nil, fmt.Errorf("set an image's labels: %w", err)
	}

	return labels, nil
}

// AddLabel adds one label to an image, and returns all labels that it has now.
func (s *Service) AddLabel(ctx context.Context, id uuid.UUID, label string) ([]string, error) {
	changed, err := s.ChangeLabels(ctx, []uuid.UUID{id}, []string{label}, nil)
	if err != nil {
		return nil, err
	}
	if changed == 0 {
		return nil, ErrNotFound
	}
	labels, err := db.Collect[string](ctx, s.Pool, labelsQuery, id)
	if err != nil {
		return nil, fmt.Errorf("read an image's labels: %w", err)
	}

	return labels, nil
}

// Labels lists all labels in use, the most frequent first.
func (s *Service) Labels(ctx context.Context) ([]LabelCount, error) {
	rows, err := s.Pool.Query(ctx, `
		SELECT label, count(*) FROM labels GROUP BY label ORDER BY count(*) DESC, label COLLATE "C"`)
	if err != nil {
		return nil, fmt.Errorf("list labels: %w", err)
	}
	counts, err := pgx.CollectRows(rows, pgx.RowToStructByPos[LabelCount])
	if err != nil {
		return nil, fmt.Errorf("list labels: %w", err)
	}

	return counts, nil
}

// cleanLabels trims, sorts and removes repetitions. It never returns nil.
func cleanLabels(given []string) ([]string, error) {
	labels := make([]string, 0, min(len(given), maxLabels))
	for _, label := range given {
		label, err := cleanLabel(label)
		if err != nil {
			return nil, err
		}
		labels = append(labels, label)
	}
	slices.Sort(labels)
	if labels = slices.Compact(labels); len(labels) > maxLabels {
		return nil, fmt.Errorf("%w: an image can have at most %d labels", ErrLabels, maxLabels)
	}

	return labels, nil
}

func cleanLabel(label string) (string, error) {
	label = strings.TrimSpace(norm.NFC.String(label))
	switch {
	case label == "":
		return "", fmt.Errorf("%w: a label is empty", ErrLabels)
	case !utf8.ValidString(label) || strings.ContainsFunc(label, invisible):
		return "", fmt.Errorf("%w: a label is not a line of text", ErrLabels)
	case utf8.RuneCountInString(label) > maxLabel:
		return "", fmt.Errorf("%w: a label has more than %d characters", ErrLabels, maxLabel)
	}

	return label, nil
}

// invisible tells characters that nobody sees or that turn the text around them, so
// that two labels would look alike. Joiners belong to the writing of some languages
// and to emoji.
func invisible(r rune) bool {
	const nonJoiner, joiner = '\u200c', '\u200d'
	if r == nonJoiner || r == joiner {
		return false
	}

	return unicode.IsControl(r) || unicode.In(r, unicode.Cf, unicode.Zl, unicode.Zp, unicode.Co) || r&0xfffe == 0xfffe
}
