// Package web owns HTTP: every route, who may use it, the one table that turns
// errors into answers, and the description of it all in openapi.yaml. It alone
// imports the router.
//
// It promises that every error is a problem document (RFC 9457) without inner
// detail, that tokens reach neither logs nor metrics, and that nothing a client
// sends is read without a bound.
package web
