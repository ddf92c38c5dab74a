package intake

import (
	"testing"
	"time"
)

func TestRateText(t *testing.T) {
	t.Parallel()
	for text, want := range map[string]Rate{
		"": {}, "10/s": {10, time.Second}, "600/m": {600, time.Minute}, "5/h": {5, time.Hour}, "1000000/d": {1e6, 24 * time.Hour},
	} {
		var got Rate
		if err := got.UnmarshalText([]byte(text)); err != nil || got != want {
			t.Errorf("%q: got %v, %v", text, got, err)
		}
	}
	for _, bad := range []string{"600", "600/", "600/w", "0/m", "-1/m", "1000001/m", "x/m", "600/m/s"} {
		if err := new(Rate).UnmarshalText([]byte(bad)); err == nil {
			t.Errorf("%q is taken", bad)
		}
	}
}
