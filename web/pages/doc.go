// Package pages owns what people see in a browser: the upload page and its
// results, the operator's console, their scripts, styles and texts, and QR codes.
//
// It promises that a page loads nothing from another origin but pictures, runs no
// script that stands in it, and shows what strangers wrote as text alone.
package pages

//go:generate go run ./bundle
