package web

import (
	"encoding/json"
	"testing"

	"github.com/google/uuid"

	"inlet/upload"
)

func TestResultJSON(t *testing.T) {
	t.Parallel()
	s := &Server{Options: Options{PublicURL: "http://test"}}
	got, err := json.Marshal(s.entry(upload.Result{
		Filename: "a.jpg", Status: upload.Duplicate, ID: uuid.MustParse("019a0000-0000-7000-8000-000000000000"),
		Match: "exact", SHA256: [32]byte{0xab}, Format: "jpeg", Width: 2, Height: 1, Bytes: 3,
	}))
	want := `{"filename":"a.jpg","status":"duplicate","id":"019a0000-0000-7000-8000-000000000000",` +
		`"url":"http://test/v1/images/019a0000-0000-7000-8000-000000000000","match":"exact",` +
		`"sha256":"ab00000000000000000000000000000000000000000000000000000000000000",` +
		`"format":"jpeg","width":2,"height":1,"bytes":3}`
	if err != nil || string(got) != want {
		t.Errorf("got %s, %v", got, err)
	}
}
