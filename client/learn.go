package client

import (
	"bytes"
	"context"
	"encoding/json"
	"io"
	"net/http"
	"net/url"
	"time"
)

// Labels is how many pictures bear each label.
type Labels struct {
	Labels []LabelCount `json:"labels"`
}

// LabelCount is one label.
type LabelCount struct {
	Label  string `json:"label"`
	Images int64  `json:"images"`
}

// Labels lists all labels in use, the most frequent first.
func (o *Operator) Labels(ctx context.Context) (Labels, error) {
	return ask[Labels](ctx, &o.conn, call{path: "v1/labels"}, nil)
}

// pictureLabels is both request and answer.
type pictureLabels struct {
	Labels []string `json:"labels"`
}

// SetLabels replaces the labels of a picture.
func (o *Operator) SetLabels(ctx context.Context, id string, labels []string) ([]string, error) {
	got, err := ask[pictureLabels](ctx, &o.conn, call{method: http.MethodPut, path: "v1/images/" + url.PathEscape(id) + "/labels"}, pictureLabels{labels})
	return got.Labels, err
}

// AcceptPrediction makes a label of the picture's likeliest prediction, or of the
// given label.
func (o *Operator) AcceptPrediction(ctx context.Context, id, label string) ([]string, error) {
	in := map[string]string{}
	if label != "" {
		in["label"] = label
	}
	got, err := ask[pictureLabels](ctx, &o.conn, call{method: http.MethodPost, path: "v1/images/" + url.PathEscape(id) + "/predictions/accept"}, in)
	return got.Labels, err
}

// Batch changes many pictures: those of IDs, at most 1,000, or those that match
// Filter.
type Batch struct {
	IDs          []string          `json:"ids,omitempty"`
	Filter       map[string]string `json:"filter,omitempty"`
	AddLabels    []string          `json:"add_labels,omitempty"`
	RemoveLabels []string          `json:"remove_labels,omitempty"`
}

// ChangeLabels adds and removes labels, and returns how many pictures there were.
func (o *Operator) ChangeLabels(ctx context.Context, b Batch) (int64, error) {
	got, err := ask[struct {
		Changed int64 `json:"changed"`
	}](ctx, &o.conn, call{method: http.MethodPost, path: "v1/images/batch"}, b)
	return got.Changed, err
}

// Imported is what an import of labels did.
type Imported struct {
	Set     int64    `json:"set"`
	Unknown []string `json:"unknown"` // ids that no picture has, at most 1,000
}

// ImportLabels adds labels from CSV with the columns id and label. An import may be
// repeated.
func (o *Operator) ImportLabels(ctx context.Context, csv []byte) (Imported, error) {
	res, err := o.do(ctx, call{
		method: http.MethodPost, path: "v1/labels/import", size: int64(len(csv)),
		header: http.Header{"Content-Type": {"text/csv"}, "Accept": {"application/json"}},
		open:   func() (io.ReadCloser, error) { return io.NopCloser(bytes.NewReader(csv)), nil },
	})
	if err != nil {
		return Imported{}, err
	}
	defer res.Body.Close()

	return decode[Imported](res)
}

// Model is a trained model. Metrics are of pictures that it had not seen.
type Model struct {
	Version   string    `json:"version"`
	TrainedAt time.Time `json:"trained_at"`
	Images    int64     `json:"images"`
	Labels    []struct {
		Label  string  `json:"label"`
		Images int64   `json:"images"`
		F1     float64 `json:"f1"`
	} `json:"labels"`
	Extractor string `json:"extractor"`
	Metrics   struct {
		Accuracy float64 `json:"accuracy"`
		MacroF1  float64 `json:"macro_f1"`
		ECE      float64 `json:"ece"`
	} `json:"metrics"`
	Promoted bool   `json:"promoted"`
	Serving  bool   `json:"serving"`
	Reason   string `json:"reason"`
}

// Training is a training that waits or runs. Progress is that of the whole, 0 to 1.
type Training struct {
	ID          string     `json:"id"`
	RequestedAt time.Time  `json:"requested_at"`
	StartedAt   *time.Time `json:"started_at"`
	Stage       string     `json:"stage"`
	Progress    float64    `json:"progress"`
}

// Models is the state of what the server learns.
type Models struct {
	Serving  *string   `json:"serving"`
	Models   []Model   `json:"models"` // the newest first
	Training *Training `json:"training"`
	Last     *struct {
		ID      *string   `json:"id"`    // of the training
		Model   *string   `json:"model"` // that it stored; nil: none
		EndedAt time.Time `json:"ended_at"`
		Outcome string    `json:"outcome"`
	} `json:"last"`
	Pending struct {
		LabelsChanged int64      `json:"labels_changed"`
		NextAt        *time.Time `json:"next_at"`
	} `json:"pending"`
	Predicted struct {
		Done  int64 `json:"done"`
		Total int64 `json:"total"`
	} `json:"predicted"`
}

// Models returns all models and the training under way.
func (o *Operator) Models(ctx context.Context) (Models, error) {
	return ask[Models](ctx, &o.conn, call{path: "v1/models"}, nil)
}

// Model returns one model's document, with all of its metrics.
func (o *Operator) Model(ctx context.Context, version string) (json.RawMessage, error) {
	return ask[json.RawMessage](ctx, &o.conn, call{path: "v1/models/" + url.PathEscape(version)}, nil)
}

// Train asks for a training. It fails with a Problem already-training where one has
// been asked for.
func (o *Operator) Train(ctx context.Context) (Training, error) {
	return ask[Training](ctx, &o.conn, call{method: http.MethodPost, path: "v1/models/train"}, nil)
}

// Promote serves a model from now on.
func (o *Operator) Promote(ctx context.Context, version string) (Model, error) {
	return ask[Model](ctx, &o.conn, call{method: http.MethodPost, path: "v1/models/" + url.PathEscape(version) + "/promote"}, nil)
}
