package s3

import (
	"cmp"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"os"
	"regexp"
	"strconv"
	"strings"
	"time"

	"github.com/minio/minio-go/v7"
	"github.com/minio/minio-go/v7/pkg/credentials"
)

// amazon is the default endpoint; the client replaces it by the one of the bucket's
// region.
const amazon = "https://s3.amazonaws.com"

// bucketNames matches valid names, which become a part of a path or of a host.
var bucketNames = regexp.MustCompile(`^[a-z0-9][a-z0-9.-]{1,61}[a-z0-9]$`)

// address is a parsed URL of a store.
type address struct {
	bucket, prefix   string
	endpoint, public *url.URL // public is nil if it is the endpoint
	region           string
	lookup           minio.BucketLookupType
}

// Check returns an error that explains what is wrong with the URL of a store.
func Check(raw string) error {
	_, err := parse(raw)
	return err
}

func parse(raw string) (a address, err error) {
	u, err := url.Parse(raw)
	if err != nil {
		return a, errors.New("s3: the store's URL is malformed")
	}

	switch {
	case u.User != nil:
		return a, errors.New("s3: credentials do not belong in the store's URL: set AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY")
	case u.Scheme != "s3", strings.Trim(u.Path, "/") != "", u.Fragment != "", u.Host == "":
		return a, errors.New("s3: the store's URL must be of the form s3://bucket?endpoint=https://host&region=name&prefix=folder")
	case !bucketNames.MatchString(u.Host):
		return a, fmt.Errorf("s3: %q is no name of a bucket: it has 3 to 63 lower-case letters, digits, dots and hyphens, "+
			"and begins and ends with a letter or a digit", u.Host)
	}

	query, err := url.ParseQuery(u.RawQuery)
	if err != nil {
		return a, errors.New("s3: the store's URL is malformed")
	}

	a.bucket, a.region = u.Host, query.Get("region")
	a.endpoint, _ = url.Parse(amazon)

	for name := range query {
		value := query.Get(name)
		switch name {
		case "region":
		case "endpoint":
			a.endpoint, err = origin(name, value)
			a.lookup = minio.BucketLookupPath
			// Most other servers accept any region.
			a.region = cmp.Or(a.region, os.Getenv("AWS_REGION"), os.Getenv("AWS_DEFAULT_REGION"), "us-east-1")
		case "public_endpoint":
			a.public, err = origin(name, value)
		case "prefix":
			a.prefix, err = folder(value)
		case "path_style": // overrides the endpoint's, below
		default:
			err = fmt.Errorf("s3: the store's URL has the unknown setting %q; known are endpoint, public_endpoint, region, prefix and path_style", name)
		}
		if err != nil {
			return a, err
		}
	}

	a.region = cmp.Or(a.region, os.Getenv("AWS_REGION"), os.Getenv("AWS_DEFAULT_REGION"))
	if !query.Has("path_style") {
		return a, nil
	}

	pathStyle, err := strconv.ParseBool(query.Get("path_style"))
	if err != nil {
		return a, errors.New("s3: path_style must be true or false")
	}
	a.lookup = minio.BucketLookupDNS
	if pathStyle {
		a.lookup = minio.BucketLookupPath
	}
	return a, nil
}

func origin(name, raw string) (*url.URL, error) {
	u, err := url.Parse(raw)
	if err != nil || u.Scheme != "http" && u.Scheme != "https" || u.Host == "" || u.User != nil || strings.Trim(u.Path, "/") != "" || u.RawQuery != "" {
		return nil, fmt.Errorf("s3: %s must be of the form https://host or http://host:port", name)
	}
	return u, nil
}

// folder returns the prefix with one slash at its end.
func folder(raw string) (string, error) {
	trimmed := strings.Trim(raw, "/")
	for part := range strings.SplitSeq(trimmed, "/") {
		if part == "" || part == "." || part == ".." || strings.ContainsFunc(part, func(r rune) bool { return r < ' ' || r > '~' || r == '\\' }) {
			return "", errors.New("s3: prefix must be a folder such as pictures/inlet, in printable ASCII")
		}
	}
	return trimmed + "/", nil
}

func (a address) client(endpoint *url.URL, creds *credentials.Credentials) (*minio.Client, error) {
	client, err := minio.New(endpoint.Host, &minio.Options{
		Creds: creds, Secure: endpoint.Scheme == "https", Region: a.region, BucketLookup: a.lookup,
		Transport: transport(), MaxRetries: tries,
	})
	if err != nil {
		return nil, fmt.Errorf("s3: %w", err)
	}

	client.SetAppInfo("inlet", "1")
	return client, nil
}

// found returns the credentials of the environment, the shared file or the
// machine's role, whichever it finds first.
func found() (*credentials.Credentials, error) {
	creds := credentials.NewChainCredentials([]credentials.Provider{
		&credentials.EnvAWS{},
		&credentials.FileAWSCredentials{},
		// Outside Amazon's network nothing answers at the service's address.
		&credentials.IAM{Client: &http.Client{Timeout: 3 * time.Second, Transport: transport()}},
	})

	value, err := creds.GetWithContext(nil)
	if err != nil || value.AccessKeyID == "" || value.SecretAccessKey == "" {
		return nil, errors.New("s3: no credentials were found: set AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY, or AWS_SHARED_CREDENTIALS_FILE and AWS_PROFILE, or give the machine a role")
	}
	return creds, nil
}
