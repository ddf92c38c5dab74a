package db

import (
	"context"
	"fmt"
	"reflect"
	"strings"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"
)

// Querier is a pool, a connection or a transaction.
type Querier interface {
	Query(ctx context.Context, sql string, args ...any) (pgx.Rows, error)
	QueryRow(ctx context.Context, sql string, args ...any) pgx.Row
}

// Batcher is a pool, a connection or a transaction.
type Batcher interface {
	SendBatch(ctx context.Context, b *pgx.Batch) pgx.BatchResults
}

// Rows maps a struct to the rows of a table: the tag db of a field names its
// column, and the fields of an embedded struct stand in its place. Make it once,
// with RowsOf.
type Rows[T any] struct {
	// Columns are the names, in the order of the fields.
	Columns []string
	// Insert is the statement that inserts the row whose Values it is given.
	Insert string

	index [][]int // of the fields
}

// RowsOf makes the mapping of T to a table.
func RowsOf[T any](table string) Rows[T] {
	var r Rows[T]
	var marks []string
	for _, f := range reflect.VisibleFields(reflect.TypeFor[T]()) {
		if name := f.Tag.Get("db"); name != "" && name != "-" {
			r.Columns, r.index = append(r.Columns, name), append(r.index, f.Index)
			marks = append(marks, fmt.Sprintf("$%d", len(r.Columns)))
		}
	}
	r.Insert = fmt.Sprintf("INSERT INTO %s (%s) VALUES (%s)", table, strings.Join(r.Columns, ", "), strings.Join(marks, ", "))

	return r
}

// List is the columns as a statement selects them, of the table that prefix
// names.
func (r Rows[T]) List(prefix string) string { return prefix + strings.Join(r.Columns, ", "+prefix) }

// Values are the arguments of Insert.
func (r Rows[T]) Values(row T) []any {
	v := reflect.ValueOf(row)
	values := make([]any, len(r.index))
	for i, index := range r.index {
		values[i] = v.FieldByIndex(index).Interface()
	}

	return values
}

// Named gives a row's values by the columns' names.
func (r Rows[T]) Named(row T) pgx.NamedArgs {
	args := make(pgx.NamedArgs, len(r.Columns))
	for i, value := range r.Values(row) {
		args[r.Columns[i]] = value
	}

	return args
}

// QueueRequired queues a statement that must return a row or change one; the
// batch fails with err where it does neither, and its transaction must not
// commit then.
func QueueRequired(b *pgx.Batch, err error, query string, args ...any) {
	b.Queue(query, args...).Exec(func(tag pgconn.CommandTag) error {
		if tag.RowsAffected() == 0 {
			return err
		}
		return nil
	})
}

// Collect runs a query of one column.
func Collect[T any](ctx context.Context, q Querier, query string, args ...any) ([]T, error) {
	rows, err := q.Query(ctx, query, args...)
	if err != nil {
		return nil, err
	}

	return pgx.CollectRows(rows, pgx.RowTo[T])
}
