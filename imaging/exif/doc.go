// Package exif reads a picture's camera metadata. It owns the search for the TIFF
// block in each format (locate.go), the guard that makes hostile blocks harmless
// (guard.go), and the normalised names of cameras (camera.go).
//
// It promises never to fail: it leaves out what it cannot read. It holds nothing of
// the file in memory but the directories and their small values, a hundred kilobytes
// at most, whatever the block declares. All text that it returns is valid UTF-8
// without NUL and all numbers are finite, so that Postgres can store and JSON encode
// any of it.
package exif
