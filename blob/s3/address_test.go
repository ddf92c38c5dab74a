package s3

import (
	"context"
	"strings"
	"testing"

	"github.com/minio/minio-go/v7/pkg/credentials"
)

// Where objects are, on the servers that Inlet is meant for.
func TestAddresses(t *testing.T) {
	t.Parallel()
	for raw, want := range map[string]string{
		"s3://pictures?region=eu-west-1":                                      "https://pictures.s3.dualstack.eu-west-1.amazonaws.com/o",
		"s3://pictures.example.org?region=eu-west-1":                          "https://s3.dualstack.eu-west-1.amazonaws.com/pictures.example.org/o",
		"s3://pictures?region=eu-west-1&path_style=true":                      "https://s3.dualstack.eu-west-1.amazonaws.com/pictures/o",
		"s3://pictures?endpoint=http://minio:9000":                            "http://minio:9000/pictures/o",
		"s3://pictures?endpoint=http://seaweedfs:8333/":                       "http://seaweedfs:8333/pictures/o",
		"s3://pictures?endpoint=https://garage:3900&region=garage":            "https://garage:3900/pictures/o",
		"s3://pictures?endpoint=https://rgw.example.org&path_style=false":     "https://pictures.rgw.example.org/o",
		"s3://pictures?endpoint=http://s3:7070&public_endpoint=https://p.org": "https://p.org/pictures/o",
	} {
		a, err := parse(raw)
		if err != nil {
			t.Errorf("%s: %v", raw, err)
			continue
		}
		endpoint := a.endpoint
		if a.public != nil {
			endpoint = a.public
		}
		client, err := a.client(endpoint, credentials.NewStaticV4("key", "secret", ""))
		if err != nil {
			t.Errorf("%s: %v", raw, err)
			continue
		}
		got, err := client.PresignedGetObject(context.Background(), a.bucket, "o", linkTime, nil)
		if err != nil || !strings.HasPrefix(got.String(), want+"?") {
			t.Errorf("%s: %v, %v, want %s", raw, got, err, want)
		}
	}
}

func TestPrefixes(t *testing.T) {
	t.Parallel()
	for raw, want := range map[string]string{"s3://pictures": "", "s3://pictures/?prefix=/a/b/": "a/b/"} {
		if a, err := parse(raw); err != nil || a.prefix != want {
			t.Errorf("%s: %q, %v", raw, a.prefix, err)
		}
	}
}

func TestMalformed(t *testing.T) {
	t.Parallel()
	for _, raw := range []string{
		"", "s3:", "s3://", "s3://B", "s3://b", "s3:///bucket", "https://bucket", "s3://bucket/folder", "s3://bucket#x", "s3://%zz",
		"s3://key:hunter2@bucket", "s3://bucket?endpoint=minio:9000", "s3://bucket?endpoint=http://k:hunter2@minio",
		"s3://bucket?endpoint=http://minio/path", "s3://bucket?endpoint=", "s3://bucket?public_endpoint=x", "s3://bucket?prefix=",
		"s3://bucket?prefix=a//b", "s3://bucket?prefix=../b", "s3://bucket?path_style=perhaps", "s3://bucket?secret_key=hunter2",
		"s3://bucket?a=%zz",
	} {
		if err := Check(raw); err == nil {
			t.Errorf("%q is taken", raw)
		} else if strings.Contains(err.Error(), "hunter2") {
			t.Errorf("%q gives away the secret: %v", raw, err)
		}
	}
}
