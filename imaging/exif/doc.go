// Package exif reads a picture's camera metadata. It owns finding the TIFF
// block in each format, the guard that makes hostile blocks harmless, and the
// normalised names of cameras.
//
// It promises never to fail: what cannot be read is left out. Memory and time
// are bounded by the size of the metadata block, which is capped.
package exif
