package s3_test

import (
	"testing"

	"inlet/blob/blobtest"
	"inlet/blob/s3/s3test"
)

func TestStore(t *testing.T) {
	t.Parallel()
	server := s3test.Start(t)
	for name, query := range map[string][]string{"bucket": nil, "prefix": {"prefix", "pictures/inlet"}} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			blobtest.Run(t, func(t *testing.T) blobtest.Store { return server.Open(server.Bucket(query...)) })
		})
	}
}
