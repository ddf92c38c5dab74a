// Package web owns HTTP: every route and its address, who may use it, the table
// from error codes to statuses, the wire types of the contract, and its
// description in openapi.yaml. It alone imports the router.
//
// It promises that every error is a problem document (RFC 9457) without inner
// detail, that tokens reach neither logs nor metrics, and that only a trusted
// proxy decides which client a request counts for.
package web
