package catalog

import (
	"bufio"
	"bytes"
	"context"
	"encoding/csv"
	"errors"
	"fmt"
	"io"
	"strings"

	"inlet/db"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"
)

const (
	importBatch = 1000
	// maxRecord is how many bytes a line may have: an open quote must not gather
	// the rest of the table in memory.
	maxRecord = 16 << 10
	// maxUnknown is how many unknown ids the answer lists.
	maxUnknown = 1000
	maxID      = 128
)

const (
	addLabelsQuery = `
		INSERT INTO labels (image_id, label) SELECT * FROM unnest($1::uuid[], $2::text[])
		ON CONFLICT DO NOTHING`

	overfullQuery = `
		SELECT image_id FROM labels WHERE image_id = ANY($1)
		 GROUP BY image_id HAVING count(*) > $2 LIMIT 1`
)

// ImportResult is what an import did; its JSON is the contract's.
type ImportResult struct {
	// Set is how many lines' images bear the label now.
	Set int64 `json:"set"`
	// Unknown are ids that no image has, each once, the first maxUnknown.
	Unknown []string `json:"unknown"`
}

// ImportLabels adds labels from CSV with the columns id and label. A first line with
// these names tells their order; without it, the id comes first. It commits in batches
// while it reads. A table without lines is refused. The error of a malformed line names
// its number; some or all lines before it have taken effect. Importing a table twice
// does no harm.
func (s *Service) ImportLabels(ctx context.Context, table io.Reader) (ImportResult, error) {
	in := newLabelReader(table)
	im := importer{service: s, result: ImportResult{Unknown: []string{}}, reported: map[string]bool{}}
	for {
		line, err := in.next()
		if errors.Is(err, errEnd) {
			return im.result, im.flush(ctx)
		}
		if err != nil {
			return im.result, err
		}
		id, err := uuid.Parse(line.id)
		if err != nil || id.String() != line.id {
			im.unknown(line.id)
			continue
		}
		im.ids, im.labels = append(im.ids, id), append(im.labels, line.label)
		if len(im.ids) == importBatch {
			if err := im.flush(ctx); err != nil {
				return im.result, err
			}
		}
	}
}

// importer gathers lines and takes them batch by batch.
type importer struct {
	service  *Service
	ids      []uuid.UUID
	labels   []string
	result   ImportResult
	reported map[string]bool
}

func (im *importer) unknown(id string) {
	if len(im.result.Unknown) == maxUnknown || im.reported[id] {
		return
	}
	im.reported[id] = true
	im.result.Unknown = append(im.result.Unknown, id)
}

func (im *importer) flush(ctx context.Context) error {
	known := make(map[uuid.UUID]bool, len(im.ids))
	for left := im.ids; len(left) > 0; {
		err := pgx.BeginFunc(ctx, im.service.Pool, func(tx pgx.Tx) (err error) {
			// The locks keep two imports together from exceeding maxLabels.
			var images map[uuid.UUID]uuid.UUID
			if images, left, err = lockImages(ctx, tx, left, forLabels); err != nil {
				return err
			}
			for id := range images {
				known[id] = true
			}

			return im.add(ctx, tx, images)
		})
		if errors.Is(err, ErrLabels) {
			return err
		}
		if err != nil {
			return fmt.Errorf("import labels: %w", err)
		}
	}
	for _, id := range im.ids {
		if known[id] {
			im.result.Set++
		} else {
			im.unknown(id.String())
		}
	}
	im.ids, im.labels = im.ids[:0], im.labels[:0]

	return nil
}

// add takes the lines of the ids that stand for images.
func (im *importer) add(ctx context.Context, tx pgx.Tx, images map[uuid.UUID]uuid.UUID) error {
	var labelled []uuid.UUID
	var labels []string
	for i, id := range im.ids {
		if image, found := images[id]; found {
			labelled, labels = append(labelled, image), append(labels, im.labels[i])
		}
	}
	if _, err := tx.Exec(ctx, addLabelsQuery, labelled, labels); err != nil {
		return err
	}
	overfull, err := db.Collect[uuid.UUID](ctx, tx, overfullQuery, labelled, maxLabels)
	if err == nil && len(overfull) > 0 {
		err = fmt.Errorf("%w: image %s would have more than %d labels", ErrLabels, overfull[0], maxLabels)
	}

	return err
}

// labelLine is one line of a table of labels.
type labelLine struct{ id, label string }

// labelReader reads and checks the lines of a table.
type labelReader struct {
	budget    *budget
	csv       *csv.Reader
	first     bool
	id, label int // the columns
}

// errEnd is the end of a table.
var errEnd = errors.New("no more lines")

func newLabelReader(table io.Reader) *labelReader {
	b := &budget{r: table, left: maxRecord}
	buffered := bufio.NewReader(b)
	// Spreadsheets put a byte order mark at the start.
	if mark, err := buffered.Peek(3); err == nil && bytes.Equal(mark, []byte("\xef\xbb\xbf")) {
		_, _ = buffered.Discard(len(mark))
	}
	r := csv.NewReader(buffered)
	r.FieldsPerRecord, r.ReuseRecord, r.TrimLeadingSpace = 2, true, true

	return &labelReader{budget: b, csv: r, first: true, id: 0, label: 1}
}

func (r *labelReader) next() (labelLine, error) {
	r.budget.left = maxRecord
	record, err := r.csv.Read()
	var malformed *csv.ParseError
	switch {
	case errors.Is(err, errLineTooLong):
		return labelLine{}, fmt.Errorf("%w: a line is longer than %d bytes, or a quote in it is not closed", ErrLabels, maxRecord)
	case err == io.EOF && r.first: //nolint:errorlint // a table ends with io.EOF itself; a wrapped one is a failure
		return labelLine{}, fmt.Errorf("%w: the table is empty: send a line id,label for each label", ErrLabels)
	case err == io.EOF: //nolint:errorlint // as above
		return labelLine{}, errEnd
	case errors.As(err, &malformed):
		return labelLine{}, fmt.Errorf("%w: %w", ErrLabels, malformed)
	case err != nil:
		return labelLine{}, fmt.Errorf("read the labels: %w", err)
	}
	first := r.first
	r.first = false
	if first && r.header(record) {
		return r.next()
	}

	line, _ := r.csv.FieldPos(0)
	id := strings.TrimSpace(record[r.id])
	label, err := cleanLabel(record[r.label])
	if err != nil {
		return labelLine{}, fmt.Errorf("line %d: %w", line, err)
	}
	if id == "" || len(id) > maxID {
		return labelLine{}, fmt.Errorf("line %d: %w: the id is empty or too long", line, ErrLabels)
	}

	return labelLine{strings.ToValidUTF8(id, "\ufffd"), label}, nil
}

// header tells whether a record names the columns, and takes their order from it.
func (r *labelReader) header(record []string) bool {
	named := func(i int, name string) bool { return strings.EqualFold(strings.TrimSpace(record[i]), name) }
	switch {
	case named(0, "id") && named(1, "label"):
		return true
	case named(0, "label") && named(1, "id"):
		r.id, r.label = 1, 0
		return true
	}

	return false
}

var errLineTooLong = errors.New("the line is too long")

// budget is a reader that fails once it has given so many bytes.
type budget struct {
	r    io.Reader
	left int
}

func (b *budget) Read(p []byte) (int, error) {
	if b.left <= 0 {
		return 0, errLineTooLong
	}
	n, err := b.r.Read(p[:min(len(p), b.left)])
	b.left -= n

	return n, err
}
