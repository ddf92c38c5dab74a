// Package s3 keeps pictures in a bucket of S3, or of what speaks its protocol:
// a blob store for any number of replicas.
//
// It promises what package blob does. What Keep and Put return from is durable,
// since the server said so; a key never shows a part of a file, since an object
// appears when all of it is there, its SHA-256 checked by the server. What is
// arriving is staged on the replica's own machine.
//
// Nothing here waits for a server that hangs: an operation that makes no
// progress for 8 s ends as blob.ErrUnavailable, however often it was tried and
// however large the file is.
package s3

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/http"
	"sync/atomic"
	"time"

	"github.com/minio/minio-go/v7"
	"github.com/minio/minio-go/v7/pkg/credentials"

	"inlet/blob"
)

const (
	// patience is how long an operation may make no progress, retries included:
	// an upload is answered within 12 s, and has other stores to wait for.
	patience = 8 * time.Second
	// answerTime is how long one request waits for its answer once it is sent:
	// a connection that a firewall has forgotten must leave time for another one.
	answerTime = 4 * time.Second
	// tries of a request that fails for a reason that passes; the client waits up
	// to 0.2, 0.4 and 0.8 s between them.
	tries = 4
	// connections that are kept for the next request.
	idleConns = 64
)

// Store is a store in a bucket:
//
//	<prefix>blobs/ab/ab12…           kept bytes, by their SHA-256
//	<prefix>blobs/ab/ab12….w320.jpg  a variant
//	<prefix>owner                    whose the store is
//	<prefix>tus/…                    a Folder, of who asked for it
//
// These are the names that blob.Files has, so copying its folders to a bucket
// moves a store. It is safe for concurrent use, by several processes as well.
type Store struct {
	*blob.Staging
	client minio.Core
	public *minio.Client // whose addresses are given away
	bucket string
	prefix string
	// plain is set when the server has no conditional requests. They save work
	// only: what is kept under a content's key is the same whoever puts it.
	plain atomic.Bool
}

// Options of a Store.
type Options struct {
	// URL is s3://bucket with, all optional, endpoint, public_endpoint, region,
	// path_style and prefix as its query.
	URL string
	// Staging is the folder for what is arriving and too large for the memory.
	Staging string
	// Credentials are nil for those of the environment (AWS_ACCESS_KEY_ID,
	// AWS_SECRET_ACCESS_KEY, AWS_SESSION_TOKEN), the shared file, or the role of
	// the machine, the task or the pod, whichever are found first.
	Credentials *credentials.Credentials
}

// Open opens the store. It is blob.ErrUnavailable when the server cannot be
// reached right now; every other error needs somebody to change something, and
// says what. None holds a secret.
func Open(ctx context.Context, o Options) (*Store, error) {
	addr, err := parse(o.URL)
	if err != nil {
		return nil, err
	}
	if o.Credentials == nil {
		if o.Credentials, err = found(); err != nil {
			return nil, err
		}
	}
	s := &Store{bucket: addr.bucket, prefix: addr.prefix}
	if s.Staging, err = blob.NewStaging(o.Staging); err != nil {
		return nil, err
	}
	client, err := addr.client(addr.endpoint, o.Credentials)
	if err != nil {
		return nil, err
	}
	s.client, s.public = minio.Core{Client: client}, client
	if addr.public != nil {
		if s.public, err = addr.client(addr.public, o.Credentials); err != nil {
			return nil, err
		}
	}
	return s, s.check(ctx)
}

// check tells what is wrong with the bucket, in words for who has set it. It
// lists, since the answer to HEAD does not say what is wrong.
func (s *Store) check(ctx context.Context) (err error) {
	within, dog := watch(ctx)
	defer dog.end()
	for o := range s.list(within, s.prefix) {
		err = o.Err
		break
	}
	var answer minio.ErrorResponse
	if !errors.As(err, &answer) || answer.StatusCode >= http.StatusInternalServerError {
		return failed(ctx, "open the store", err)
	}
	at := fmt.Sprintf("the bucket %q at %s", s.bucket, s.client.EndpointURL().Host)
	switch answer.Code {
	case minio.NoSuchBucket:
		return fmt.Errorf("s3: %s does not exist: create it (aws s3 mb s3://%s), or correct the name", at, s.bucket)
	case minio.AccessDenied, minio.InvalidAccessKeyID, minio.SignatureDoesNotMatch:
		return fmt.Errorf("s3: %s does not take the credentials: check the keys and the policy, which must allow s3:ListBucket, s3:GetObject, s3:PutObject, s3:DeleteObject, s3:AbortMultipartUpload and s3:ListBucketMultipartUploads (%s)", at, answer.Code)
	case minio.RequestTimeTooSkewed:
		return fmt.Errorf("s3: %s has another time: correct this machine's clock (%s)", at, answer.Code)
	}
	return fmt.Errorf("s3: %s cannot be used; are the region and the credentials right? It says: %s (%s)", at, answer.Message, answer.Code)
}

// Ping tells whether the bucket answers, and whether there is a place to stage
// files.
func (s *Store) Ping(ctx context.Context) error {
	if err := s.Staging.Ping(ctx); err != nil {
		return err
	}
	within, dog := watch(ctx)
	defer dog.end()
	there, err := s.client.BucketExists(within, s.bucket)
	if err == nil && !there {
		err = errors.New("the bucket does not exist")
	}
	return failed(ctx, "ping", err)
}

// name is that of the object that holds k.
func (s *Store) name(k blob.Key) (string, error) {
	path, err := k.Path()
	return s.blobs() + path, err
}

func (s *Store) blobs() string { return s.prefix + "blobs/" }

// transport is that of net/http with bounds that fit patience.
func transport() *http.Transport {
	t := http.DefaultTransport.(*http.Transport).Clone()
	t.DialContext = (&net.Dialer{Timeout: 3 * time.Second, KeepAlive: 15 * time.Second}).DialContext
	t.TLSHandshakeTimeout = 3 * time.Second
	t.ResponseHeaderTimeout = answerTime
	t.IdleConnTimeout = 30 * time.Second
	t.MaxIdleConns, t.MaxIdleConnsPerHost = idleConns, idleConns
	// Objects are what they are; and one connection for each request, since
	// several large bodies in one HTTP/2 connection wait for each other.
	t.DisableCompression = true
	t.ForceAttemptHTTP2 = false
	t.WriteBufferSize, t.ReadBufferSize = 64<<10, 64<<10
	return t
}
