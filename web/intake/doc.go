// Package intake owns what clients send: request bodies, forms and their files,
// JSON, and the rates at which files may come.
//
// It promises that nothing is read without a bound in bytes and in time, that one
// bad part of a form never spoils another, and that every error is the client's
// to hear: it carries a code of package problem.
package intake
