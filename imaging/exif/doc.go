// Package exif reads a picture's camera metadata. It owns finding the TIFF
// block in each format (locate.go), the guard that makes hostile blocks
// harmless (guard.go), and the normalised names of cameras (camera.go).
//
// It promises never to fail: what cannot be read is left out. Nothing of the
// file is kept in memory but the directories and the small values in them, a
// hundred kilobytes at most, whatever the block says of itself. All text it
// returns is valid UTF-8 without NUL, all numbers are finite, so that any of it
// can be stored in Postgres and written as JSON.
package exif
