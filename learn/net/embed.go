//go:build !noweights

package net

import _ "embed" // the weights

//go:embed weights.bin
var embedded []byte

func loadEmbedded() (*Nets, error) { return load(embedded) }
