//go:build !amd64 || purego

package net

// pixelSIMD stands for assembly that this build does not have.
func (d *depthwise) pixelSIMD(t *taps, out []float32) { d.pixel(t, out) }
