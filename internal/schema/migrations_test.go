package schema

import (
	"errors"
	"testing"
	"testing/fstest"

	"taxlien-gateway/supabase/migrations"
)

func TestLoadKeepsTheOrderOfTimestamps(t *testing.T) {
	got, err := Load(fstest.MapFS{
		"20260201000000_second.sql": {Data: []byte("select 2;")},
		"20260101000000_first.sql":  {Data: []byte("select 1;")},
	})
	if err != nil || len(got) != 2 {
		t.Fatalf("got %v, %v", got, err)
	}
	const sum = "354b7196c9ba5fb4b21cf615bb6ec4cd5c07503c34229feef033fc081a8c03f4"
	if want := (Migration{"20260101000000", "first", "select 1;", sum, ""}); got[0] != want {
		t.Errorf("got %+v", got[0])
	}
	if got[1].String() != "20260201000000_second.sql" || Latest(got) != "20260201000000" {
		t.Errorf("got %s, latest %s", got[1], Latest(got))
	}
}

func TestLoadRefuses(t *testing.T) {
	const name = "20260101000000_first.sql"
	for _, c := range []struct{ file, sql, want string }{
		{"first.sql", "", "first.sql: must be named <14 digits>_<name>.sql. Rename it"},
		{name, "create table a ();\ncommit;", name + `: runs inside a transaction of its own and may hold no "commit". Remove it`},
		{name, "select 1; ROLLBACK;", name + `: runs inside a transaction of its own and may hold no "ROLLBACK". Remove it`},
		{name, "begin;\nselect 1;", name + `: runs inside a transaction of its own and may hold no "begin". Remove it`},
	} {
		_, err := Load(fstest.MapFS{c.file: {Data: []byte(c.sql)}})
		if err == nil || err.Error() != c.want {
			t.Errorf("%s: got %v", c.file, err)
		}
	}
	_, err := Load(fstest.MapFS{name: {}, "20260101000000_other.sql": {}})
	if want := "20260101000000_other.sql: has the timestamp of 20260101000000_first.sql. Give it a later one"; err == nil || err.Error() != want {
		t.Errorf("got %v", err)
	}
}

func TestLoadAcceptsFunctionBodies(t *testing.T) {
	const body = "create function f() returns int language plpgsql as $$\nbegin\n  return 1;\nend;\n$$;"
	if _, err := Load(fstest.MapFS{"20260101000000_f.sql": {Data: []byte(body)}}); err != nil {
		t.Error(err)
	}
}

func TestEmbeddedFilesLoad(t *testing.T) {
	got, err := Load(migrations.Files)
	if err != nil || len(got) == 0 {
		t.Errorf("got %v, %v", got, err)
	}
}

func TestPending(t *testing.T) {
	known := []Migration{{"1", "a", "", "sum-a", ""}, {"3", "c", "", "sum-c", ""}}
	for _, c := range []struct {
		name    string
		applied []Applied
		missing int
		want    error
	}{
		{"nothing applied", nil, 2, nil},
		{"one applied", []Applied{{"1", "a", "sum-a"}}, 1, nil},
		{"all applied", []Applied{{"1", "a", "sum-a"}, {"3", "c", "sum-c"}}, 0, nil},
		{"changed", []Applied{{"1", "a", "sum-x"}}, 0, ErrChanged},
		{"newer", []Applied{{"1", "a", "sum-a"}, {"3", "c", "sum-c"}, {"4", "d", "sum-d"}}, 0, ErrNewer},
		{"newer with a gap", []Applied{{"1", "a", "sum-a"}, {"4", "d", "sum-d"}}, 0, ErrNewer},
		{"unknown between", []Applied{{"1", "a", "sum-a"}, {"2", "b", "sum-b"}}, 0, ErrOutOfOrder},
		{"older file added later", []Applied{{"3", "c", "sum-c"}}, 0, ErrOutOfOrder},
	} {
		missing, err := pending(known, c.applied)
		if len(missing) != c.missing || !errors.Is(err, c.want) {
			t.Errorf("%s: got %v, %v", c.name, missing, err)
		}
		if (c.want != nil) != IsMismatch(err) {
			t.Errorf("%s: IsMismatch is %v", c.name, IsMismatch(err))
		}
	}
}

func TestBreaksIsReadFromTheFirstLine(t *testing.T) {
	for content, want := range map[string]string{
		"-- breaks the running gateway: renames tasks\nselect 1;": "renames tasks",
		"select 1;\n-- breaks the running gateway: late":          "",
		"-- breaks the running gateway:\nselect 1;":               "",
	} {
		if got := breaks([]byte(content)); got != want {
			t.Errorf("%q: got %q, want %q", content, got, want)
		}
	}
}
