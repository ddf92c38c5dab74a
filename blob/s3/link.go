package s3

import (
	"context"
	"net/url"
	"time"

	"inlet/blob"
)

// linkTime is how long an address may be used to begin a download. It is longer
// than clocks differ that are kept at all.
const linkTime = 5 * time.Minute

// Link gives an address under which anybody can fetch what is kept under k for
// five minutes, without this process. The server answers with this Content-Type
// and Content-Disposition; no other header can be asked of it. Whether there is
// anything is not looked at, and the server is not asked.
func (s *Store) Link(ctx context.Context, k blob.Key, contentType, disposition string) (string, error) {
	name, err := s.name(k)
	if err != nil {
		return "", err
	}
	within, dog := watch(ctx)
	defer dog.end()
	address, err := s.public.PresignedGetObject(within, s.bucket, name, linkTime, url.Values{
		"response-content-type":        {contentType},
		"response-content-disposition": {disposition},
		"response-cache-control":       {"private, no-cache"},
	})
	if err != nil {
		return "", failed(ctx, "sign an address", err)
	}
	return address.String(), nil
}

// Origin is that of the addresses that Link gives, such as
// https://bucket.s3.amazonaws.com.
func (s *Store) Origin(ctx context.Context) (string, error) {
	address, err := s.public.PresignedGetObject(ctx, s.bucket, "origin", linkTime, nil)
	if err != nil {
		return "", failed(ctx, "sign an address", err)
	}
	return address.Scheme + "://" + address.Host, nil
}
