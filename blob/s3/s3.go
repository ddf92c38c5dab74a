// Package s3 stores pictures in a bucket of S3, or of a server that speaks its
// protocol: a blob store for any number of replicas.
//
// It promises what package blob does. Keep and Put return when the server has
// confirmed the object; a key never shows part of a file, because an object
// appears once it is complete and the server has checked its SHA-256. Each replica
// stages arriving files on its own machine.
//
// No operation waits for a server that hangs: after 8 s without progress, retries
// included, it fails with blob.ErrUnavailable.
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
	// patience bounds the time without progress, retries included: an upload must
	// be answered within 12 s, and waits for other stores too.
	patience = 8 * time.Second
	// answerTime bounds the wait for the answer to one request: after a connection
	// that a firewall has dropped, there must be time for another one.
	answerTime = 4 * time.Second
	// tries bounds the attempts of a request that fails for a passing reason; the
	// client waits up to 0.2, 0.4 and 0.8 s between them.
	tries = 4
	// idleConns bounds the idle connections.
	idleConns = 64
)

// Store is a store in a bucket:
//
//	<prefix>blobs/ab/ab12…           contents, by their SHA-256
//	<prefix>blobs/ab/ab12….w320.jpg  a variant
//	<prefix>owner                    the installation that owns the store
//	<prefix>tus/…                    a Folder
//
// blob.Files uses the same names, so copying its folders to a bucket moves a
// store. Several goroutines and processes may use a store at once.
type Store struct {
	*blob.Staging
	client minio.Core
	public *minio.Client // signs the addresses of Link
	bucket string
	prefix string
	// plain is set when the server has no conditional requests. These only save
	// work: every Keep of a content's key puts the same bytes.
	plain atomic.Bool
}

// Options of a Store.
type Options struct {
	// URL is s3://bucket with, all optional, endpoint, public_endpoint, region,
	// path_style and prefix as its query.
	URL string
	// Staging is the folder for arriving files that are too large for the memory.
	Staging string
	// Credentials may be nil. Then Open takes the first that it finds: those of the
	// environment (AWS_ACCESS_KEY_ID, AWS_SECRET_ACCESS_KEY, AWS_SESSION_TOKEN), of
	// the shared file, or of the role of the machine, the task or the pod.
	Credentials *credentials.Credentials
}

// Open opens the store. It returns blob.ErrUnavailable if the server cannot be
// reached right now; every other error tells the operator what to change. No error
// contains a secret.
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

// check tells the operator what is wrong with the bucket. It lists the bucket,
// because an answer to HEAD contains no error code.
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

// Ping checks that the bucket answers and the staging folder exists.
func (s *Store) Ping(ctx context.Context) error {
	if err := s.Staging.Ping(ctx); err != nil {
		return err
	}

	return attempt(ctx, "ping", func(ctx context.Context, _ *watchdog) error {
		exists, err := s.client.BucketExists(ctx, s.bucket)
		if err == nil && !exists {
			err = errors.New("the bucket does not exist")
		}
		return err
	})
}

// name returns the name of k's object in the bucket.
func (s *Store) name(k blob.Key) (string, error) {
	path, err := k.Path()
	return s.blobs() + path, err
}

func (s *Store) blobs() string { return s.prefix + "blobs/" }

// transport is net/http's with bounds that fit patience.
func transport() *http.Transport {
	t := http.DefaultTransport.(*http.Transport).Clone()
	t.DialContext = (&net.Dialer{Timeout: 3 * time.Second, KeepAlive: 15 * time.Second}).DialContext
	t.TLSHandshakeTimeout = 3 * time.Second
	t.ResponseHeaderTimeout = answerTime
	t.IdleConnTimeout = 30 * time.Second
	t.MaxIdleConns, t.MaxIdleConnsPerHost = idleConns, idleConns
	// Objects must arrive as they are stored. HTTP/2 would send several large bodies
	// in one connection, where they wait for each other.
	t.DisableCompression = true
	t.ForceAttemptHTTP2 = false
	t.WriteBufferSize, t.ReadBufferSize = 64<<10, 64<<10
	return t
}
