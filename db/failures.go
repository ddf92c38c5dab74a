package db

import (
	"context"
	"errors"
	"net"
	"strings"

	"github.com/jackc/pgx/v5/pgconn"

	"inlet/problem"
)

// CodeOf is the code of an error. Failures of Postgres and of the network carry
// none of their own: they are problem.Unavailable.
func CodeOf(err error) problem.Code {
	code := problem.CodeOf(err)
	if code == problem.Internal && away(err) {
		return problem.Unavailable
	}

	return code
}

// away tells whether the network or Postgres failed, and not the service.
func away(err error) bool {
	var netErr net.Error
	var connErr *pgconn.ConnectError
	var pgErr *pgconn.PgError
	switch {
	case errors.Is(err, context.DeadlineExceeded), errors.As(err, &connErr), errors.As(err, &netErr):
		return true
	case errors.As(err, &pgErr):
		// 57014: a statement's timeout; 57P: the server stops; 08: the connection
		// broke; 53: the server lacks resources.
		return pgErr.Code == "57014" || strings.HasPrefix(pgErr.Code, "57P") ||
			strings.HasPrefix(pgErr.Code, "08") || strings.HasPrefix(pgErr.Code, "53")
	}

	return false
}

// Raced tells the failures which say that another transaction changed a row
// meanwhile: a foreign key, a unique index, a serialisation failure, a deadlock.
func Raced(err error) bool {
	var failure *pgconn.PgError
	if !errors.As(err, &failure) {
		return false
	}
	switch failure.Code {
	case "23503", "23505", "40001", "40P01":
		return true
	}

	return false
}

// Gone tells that a statement referred to a row that is not there any more.
func Gone(err error) bool {
	var failure *pgconn.PgError

	return errors.As(err, &failure) && failure.Code == "23503"
}
