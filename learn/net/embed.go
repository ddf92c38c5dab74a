//go:build !noweights

package net

import (
	_ "embed" // the weights
	"strings"
)

//go:embed weights.bin
var embedded string

func loadEmbedded() (*Nets, error) { return LoadFrom(strings.NewReader(embedded)) }
