package dbtest

import "testing"

func TestFreshDatabases(t *testing.T) {
	t.Parallel()
	for range 4 {
		t.Run("", func(t *testing.T) {
			t.Parallel()
			pool := Pool(t)
			_, err := pool.Exec(t.Context(), `INSERT INTO links_seen VALUES ('only', NULL, now(), now())`)
			if err != nil {
				t.Fatal(err)
			}
		})
	}
}
