package main

import (
	"context"
	"fmt"
	"path/filepath"
)

// blobStore returns the settings of the store for the pictures.
func (c *cluster) blobStore(_ context.Context) ([]string, error) {
	switch c.blobs {
	case "file":
		return []string{"INLET_BLOB_URL=file://" + filepath.Join(c.dir, "blobs")}, nil
	default:
		return nil, fmt.Errorf("-blobs: %q is none of s3, file", c.blobs)
	}
}
