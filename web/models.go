package web

import (
	"errors"
	"fmt"
	"net/http"
	"strconv"
	"strings"
	"time"

	"github.com/google/uuid"

	"inlet/catalog"
	"inlet/learn"
	"inlet/learn/registry"
	"inlet/web/intake"
)

// modelSummary is a model in the list.
type modelSummary struct {
	Version   string       `json:"version"`
	TrainedAt time.Time    `json:"trained_at"`
	Images    int          `json:"images"`
	Labels    []modelLabel `json:"labels"`
	Extractor string       `json:"extractor"`
	Metrics   modelMetrics `json:"metrics"`
	Promoted  bool         `json:"promoted"`
	Serving   bool         `json:"serving"`
	Reason    string       `json:"reason"`
}

// modelDetails is a model by itself.
type modelDetails struct {
	modelSummary
	Mode string `json:"mode"` // single: one label a picture, or several
	// ConfusionMatrix counts held-out pictures by their label and the predicted one,
	// both in the order of the labels.
	ConfusionMatrix [][]int            `json:"confusion_matrix"`
	LearningCurve   []learn.CurvePoint `json:"learning_curve"`
	Calibration     []learn.Bin        `json:"calibration"`
	HeldOut         int                `json:"held_out"` // pictures that were judged
	Split           string             `json:"split"`    // which pictures never stood on both sides
	LeftOut         []learn.LabelCount `json:"left_out"` // labels with too few pictures
}

func detailsOf(m registry.Model) modelDetails {
	of := m.Metrics

	return modelDetails{
		modelSummary: summaryOf(m), Mode: of.Mode, ConfusionMatrix: orEmpty(of.Confusion), LearningCurve: orEmpty(of.Curve),
		Calibration: orEmpty(of.Calibration), HeldOut: of.HeldOut, Split: of.Split, LeftOut: orEmpty(of.LeftOut),
	}
}

// orEmpty writes an empty list as such, and not as null.
func orEmpty[T any](list []T) []T {
	if list == nil {
		return []T{}
	}

	return list
}

type modelLabel struct {
	Label     string  `json:"label"`
	Images    int     `json:"images"`
	F1        float64 `json:"f1"`
	Precision float64 `json:"precision"`
	Recall    float64 `json:"recall"`
}

type modelMetrics struct {
	Accuracy float64 `json:"accuracy"`
	MacroF1  float64 `json:"macro_f1"`
	ECE      float64 `json:"ece"`
}

func summaryOf(m registry.Model) modelSummary {
	s := modelSummary{
		Version: m.Version.String(), TrainedAt: m.TrainedAt.UTC(), Images: m.Images, Labels: []modelLabel{}, Extractor: m.Extractor,
		Metrics:  modelMetrics{m.Metrics.Accuracy, m.Metrics.MacroF1, m.Metrics.ECE},
		Promoted: m.Promoted, Serving: m.Serving, Reason: m.Reason,
	}
	for _, l := range m.Metrics.Labels {
		s.Labels = append(s.Labels, modelLabel{l.Label, l.Images, l.F1, l.Precision, l.Recall})
	}

	return s
}

// training is a training that waits or runs.
type training struct {
	ID          string     `json:"id"`
	RequestedAt time.Time  `json:"requested_at"`
	StartedAt   *time.Time `json:"started_at"` // null while it waits for a worker
	Stage       string     `json:"stage"`
	Progress    float64    `json:"progress"`
}

// trainingOf is null where none is asked for.
func trainingOf(t registry.Training) *training {
	if t.Request == nil {
		return nil
	}
	running := &training{ID: t.Request.String(), Stage: t.Stage, Progress: t.Progress}
	if t.RequestedAt != nil {
		running.RequestedAt = t.RequestedAt.UTC()
	}
	if t.StartedAt != nil {
		at := t.StartedAt.UTC()
		running.StartedAt = &at
	}

	return running
}

type pending struct {
	LabelsChanged int64      `json:"labels_changed"`
	NextAt        *time.Time `json:"next_at"` // null: only on demand
}

// lastTraining is what became of the last training.
type lastTraining struct {
	ID      *uuid.UUID `json:"id"`    // of the request
	Model   *string    `json:"model"` // that it stored; null: none
	EndedAt time.Time  `json:"ended_at"`
	Outcome string     `json:"outcome"`
}

// lastOf is null before the first training has ended.
func lastOf(t registry.Training) *lastTraining {
	if t.EndedAt == nil {
		return nil
	}
	last := &lastTraining{ID: t.EndedRequest, EndedAt: t.EndedAt.UTC(), Outcome: t.Outcome}
	if t.EndedModel != nil {
		last.Model = orNull(t.EndedModel.String())
	}

	return last
}

type models struct {
	Serving   *string           `json:"serving"`
	Models    []modelSummary    `json:"models"`
	Training  *training         `json:"training"`
	Last      *lastTraining     `json:"last"`
	Pending   pending           `json:"pending"`
	Predicted registry.Progress `json:"predicted"`
	Extractor string            `json:"extractor"`
	MinImages int               `json:"min_images"` // pictures that a label needs
}

// listModels answers with all models, the training under way, and what is still to
// be predicted.
func (s *Server) listModels(w http.ResponseWriter, r *http.Request) error {
	ctx := r.Context()
	all, err := s.Registry.Models(ctx)
	if err != nil {
		return err
	}
	t, err := s.Registry.Training(ctx)
	if err != nil {
		return err
	}
	changed, err := s.Registry.LabelsChanged(ctx, t)
	if err != nil {
		return err
	}
	progress, err := s.Registry.Progress(ctx)
	if err != nil {
		return err
	}

	answer := models{
		Models: []modelSummary{}, Training: trainingOf(t), Last: lastOf(t), Pending: pending{changed, s.Registry.NextLook(t)},
		Predicted: progress, Extractor: s.Registry.Extractor.Version(), MinImages: s.Registry.MinImages,
	}
	for _, m := range all {
		answer.Models = append(answer.Models, summaryOf(m))
		if m.Serving {
			answer.Serving = orNull(m.Version.String())
		}
	}

	return writeJSON(w, http.StatusOK, answer)
}

// showModel answers with one model and all of its metrics.
func (s *Server) showModel(w http.ResponseWriter, r *http.Request) error {
	version, err := modelVersion(r)
	if err != nil {
		return err
	}
	m, err := s.Registry.Model(r.Context(), version)
	if err != nil {
		return err
	}

	return writeJSON(w, http.StatusOK, detailsOf(m))
}

// promoteModel serves a model from now on.
func (s *Server) promoteModel(w http.ResponseWriter, r *http.Request) error {
	version, err := modelVersion(r)
	if err != nil {
		return err
	}
	m, err := s.Registry.Promote(r.Context(), version)
	if err != nil {
		return err
	}

	return writeJSON(w, http.StatusOK, summaryOf(m))
}

// modelVersion reads v3 or 3 out of the path.
func modelVersion(r *http.Request) (catalog.Version, error) {
	n, err := strconv.ParseInt(strings.TrimPrefix(param(r, "version"), "v"), 10, 32)
	if err != nil || n <= 0 {
		return 0, registry.ErrNoModel
	}

	return catalog.Version(n), nil
}

// train asks for a training. Where one has been asked for already the problem
// document tells which.
func (s *Server) train(w http.ResponseWriter, r *http.Request) error {
	t, err := s.Registry.RequestTraining(r.Context())
	if errors.Is(err, registry.ErrTraining) {
		problem := problemOf(err)
		return writeJSONAs(w, problem.Status, "application/problem+json", struct {
			Problem
			Training *training `json:"training"`
		}{problem, trainingOf(t)})
	}
	if err != nil {
		return err
	}

	return writeJSON(w, http.StatusAccepted, trainingOf(t))
}

// acceptPrediction makes a label out of a prediction.
func (s *Server) acceptPrediction(w http.ResponseWriter, r *http.Request) error {
	id, err := imageID(r)
	if err != nil {
		return err
	}
	var asked struct {
		Label *string `json:"label"`
	}
	if r.ContentLength != 0 {
		if err := intake.ReadJSON(w, r, intake.MaxJSON, &asked); err != nil {
			return err
		}
	}
	label := ""
	if asked.Label != nil {
		if label = *asked.Label; label == "" {
			return fmt.Errorf("%w: the label is empty", errBadRequest)
		}
	}
	set, err := s.Registry.Accept(r.Context(), id, label)
	if err != nil {
		return err
	}

	return writeJSON(w, http.StatusOK, labels{set})
}

// listJobs answers with what the queue holds.
func (s *Server) listJobs(w http.ResponseWriter, r *http.Request) error {
	counts, err := s.Jobs.Counts(r.Context())
	if err != nil {
		return err
	}
	troubled, err := s.Jobs.Troubled(r.Context())
	if err != nil {
		return err
	}

	return writeJSON(w, http.StatusOK, map[string]any{"counts": counts, "jobs": troubled})
}

// retryJob has a job run again at once.
func (s *Server) retryJob(w http.ResponseWriter, r *http.Request) error {
	id, err := strconv.ParseInt(param(r, "id"), 10, 64)
	if err != nil {
		return errNotFound
	}
	job, err := s.Jobs.Retry(r.Context(), id)
	if err != nil {
		return err
	}

	return writeJSON(w, http.StatusOK, job)
}
