//go:build noweights

package net

func loadEmbedded() (*Nets, error) { return nil, ErrNoWeights }
