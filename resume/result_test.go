package resume

import (
	"encoding/json"
	"errors"
	"reflect"
	"testing"

	"github.com/google/uuid"

	"inlet/imaging"
	"inlet/problem"
	"inlet/upload"
)

// An outcome is the same after it was stored.
func TestResultIsStored(t *testing.T) {
	t.Parallel()
	distance := 0
	for _, want := range []upload.Result{
		{
			Filename: "ä.png", Status: upload.Duplicate, ID: uuid.New(), Match: "perceptual", Distance: &distance,
			SHA256: [32]byte{1, 2, 31: 3}, Format: imaging.PNG, Width: 4, Height: 3, Bytes: 99,
		},
		{Filename: "a.txt", Status: upload.Rejected, Err: errors.Join(upload.ErrTooLarge)},
	} {
		text, err := json.Marshal(resultOf(want))
		must(t, err)
		var stored Result
		must(t, json.Unmarshal(text, &stored))
		got := stored.outcome()
		if want.Err != nil {
			if got.Err == nil || got.Err.Error() != want.Err.Error() || problem.CodeOf(got.Err) != problem.TooLarge {
				t.Errorf("refused by %v, want %v", got.Err, want.Err)
			}
			got.Err = want.Err
		}
		if stored.Version != resultVersion || !reflect.DeepEqual(got, want) {
			t.Errorf("%s: got %+v, want %+v", text, got, want)
		}
	}
	if err := json.Unmarshal([]byte(`{"version":2}`), new(Result)); err == nil {
		t.Error("a form that only later code knows was read")
	}
}
