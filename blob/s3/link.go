package s3

import (
	"context"
	"net/url"
	"time"

	"inlet/blob"
)

// linkTime is how long an address can begin a download. It exceeds the difference
// between synchronized clocks.
const linkTime = 5 * time.Minute

// Link returns an address from which anybody can download the object k for five
// minutes, without this process. The server answers with this Content-Type and
// Content-Disposition; it supports no other header. Link does not ask the server
// whether the object exists.
func (s *Store) Link(ctx context.Context, k blob.Key, contentType, disposition string) (string, error) {
	name, err := s.name(k)
	if err != nil {
		return "", err
	}

	address, err := s.presign(ctx, name, url.Values{
		"response-content-type":        {contentType},
		"response-content-disposition": {disposition},
		"response-cache-control":       {"private, no-cache"},
	})
	if err != nil {
		return "", err
	}
	return address.String(), nil
}

// Origin returns the origin of the addresses of Link, such as
// https://bucket.s3.amazonaws.com.
func (s *Store) Origin(ctx context.Context) (string, error) {
	address, err := s.presign(ctx, "origin", nil)
	if err != nil {
		return "", err
	}
	return address.Scheme + "://" + address.Host, nil
}

func (s *Store) presign(ctx context.Context, name string, query url.Values) (address *url.URL, err error) {
	err = attempt(ctx, "sign an address", func(ctx context.Context, _ *watchdog) (err error) {
		address, err = s.public.PresignedGetObject(ctx, s.bucket, name, linkTime, query)
		return err
	})
	return address, err
}
