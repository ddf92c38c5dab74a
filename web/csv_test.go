package web

import (
	"reflect"
	"testing"

	"inlet/catalog"
)

func TestHarmless(t *testing.T) {
	t.Parallel()
	for text, want := range map[string]string{
		"": "", "cat": "cat", "=1": "'=1", "cat;=1;+2": "cat;'=1;'+2", "a,@b": "a,'@b", "a|-b": "a|'-b", "a\t=b": "a\t'=b", "a-b=c": "a-b=c",
		"2;;=3": "2;;'=3", "Ä;=x": "Ä;'=x",
	} {
		if got := harmless(text); got != want {
			t.Errorf("%q becomes %q, want %q", text, got, want)
		}
	}
}

func TestPredictionsInACell(t *testing.T) {
	t.Parallel()
	field, _ := reflect.TypeFor[catalog.Document]().FieldByName("Predictions")
	doc := catalog.Document{Predictions: []catalog.Prediction{{Label: "cat", Probability: 0.75}, {Label: "=dog", Probability: 0.1}}}
	if got := (column{name: "predictions", path: field.Index}).cell(&doc); got != "cat:0.7500;'=dog:0.1000" {
		t.Error(got)
	}
}
