package db_test

import (
	"reflect"
	"slices"
	"testing"
	"time"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"

	"inlet/db"
	"inlet/db/dbtest"
)

type place struct {
	Latitude  *float64 `db:"latitude"`
	Longitude *float64 `db:"longitude"`
}

// Origin is embedded in record, and embeds itself.
type Origin struct {
	Made time.Time `db:"made"`
	place
}

type record struct {
	ID     uuid.UUID `db:"id"`
	Origin           // its fields stand in its place
	Tags   []string  `db:"tags"`
	Hidden string    `db:"-"`
	Bare   string
	Note   *string `db:"note"`
}

func TestRowsOf(t *testing.T) {
	t.Parallel()
	r := db.RowsOf[record]("records")
	if want := []string{"id", "made", "latitude", "longitude", "tags", "note"}; !slices.Equal(r.Columns, want) {
		t.Errorf("columns %q, want %q", r.Columns, want)
	}
	if want := `INSERT INTO records (id, made, latitude, longitude, tags, note) VALUES ($1, $2, $3, $4, $5, $6)`; r.Insert != want {
		t.Errorf("insert by %s\nwant %s", r.Insert, want)
	}
	if got, want := r.List(""), "id, made, latitude, longitude, tags, note"; got != want {
		t.Errorf("List = %q, want %q", got, want)
	}
	if got, want := r.List("r."), "r.id, r.made, r.latitude, r.longitude, r.tags, r.note"; got != want {
		t.Errorf("List = %q, want %q", got, want)
	}

	north, made := 46.5, time.Date(2026, 3, 10, 12, 0, 0, 0, time.UTC)
	row := record{ID: uuid.New(), Origin: Origin{made, place{Latitude: &north}}, Tags: []string{"a"}, Hidden: "x", Bare: "y"}
	values := []any{row.ID, made, &north, (*float64)(nil), []string{"a"}, (*string)(nil)}
	if got := r.Values(row); !reflect.DeepEqual(got, values) {
		t.Errorf("Values = %v, want %v", got, values)
	}
	named := pgx.NamedArgs{}
	for i, column := range r.Columns {
		named[column] = values[i]
	}
	if got := r.Named(row); !reflect.DeepEqual(got, named) {
		t.Errorf("Named = %v, want %v", got, named)
	}
	if got := r.Values(record{}); len(got) != 6 || got[1] != (time.Time{}) {
		t.Errorf("Values of nothing = %v", got)
	}
}

// What Insert and Named write is what the columns read.
func TestRowsInPostgres(t *testing.T) {
	t.Parallel()
	pool := dbtest.Pool(t)
	_, err := pool.Exec(t.Context(), `CREATE TABLE records (
		id uuid, made timestamptz, latitude float8, longitude float8, tags text[], note text, unknown text DEFAULT 'left alone')`)
	if err != nil {
		t.Fatal(err)
	}
	r := db.RowsOf[record]("records")
	north, note := 46.5, "a note"
	rows := []record{
		{ID: uuid.New(), Origin: Origin{time.Date(2026, 3, 10, 12, 0, 0, 0, time.UTC), place{&north, nil}}, Tags: []string{"a", "b"}, Note: &note},
		{ID: uuid.New(), Tags: []string{}},
	}
	for _, row := range rows {
		if _, err := pool.Exec(t.Context(), r.Insert, r.Values(row)...); err != nil {
			t.Fatal(err)
		}
		var same bool
		query := `SELECT note IS NOT DISTINCT FROM @note AND latitude IS NOT DISTINCT FROM @latitude AND unknown = 'left alone' FROM records WHERE id = @id`
		if err := pool.QueryRow(t.Context(), query, r.Named(row)).Scan(&same); err != nil || !same {
			t.Errorf("named: %v, %v", same, err)
		}
		found, err := pool.Query(t.Context(), `SELECT `+r.List("r.")+` FROM records r WHERE r.id = $1`, row.ID)
		if err != nil {
			t.Fatal(err)
		}
		got, err := pgx.CollectExactlyOneRow(found, pgx.RowToStructByNameLax[record])
		if got.Made = got.Made.UTC(); err != nil || !reflect.DeepEqual(got, row) {
			t.Errorf("read %+v, %v; want %+v", got, err, row)
		}
	}
}
