package s3_test

import (
	"crypto/rand"
	"net/url"
	"os"
	"testing"

	"inlet/blob/blobtest"
	"inlet/blob/s3"
)

// A server that INLET_TEST_S3_URL names is held to the same promises, in folders
// of its bucket; credentials are found as the service finds them.
func TestAnotherServer(t *testing.T) {
	t.Parallel()
	address := os.Getenv("INLET_TEST_S3_URL")
	if address == "" {
		t.Skip("INLET_TEST_S3_URL is not set")
	}
	blobtest.Run(t, func(t *testing.T) blobtest.Store {
		u, err := url.Parse(address)
		must(t, err)
		query := u.Query()
		query.Set("prefix", "inlet-test/"+rand.Text())
		u.RawQuery = query.Encode()
		store, err := s3.Open(t.Context(), s3.Options{URL: u.String(), Staging: t.TempDir()})
		must(t, err)
		return store
	})
}
