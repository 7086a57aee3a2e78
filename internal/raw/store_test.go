package raw

import (
	"errors"
	"io"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"testing/iotest"
	"time"
)

const helloSHA256 = "2cf24dba5fb0a30e26e83b2ac5b9e29e1b161e5c1fa7425e73043362938b9824"

func files(t *testing.T, dir string) []string {
	t.Helper()
	var found []string
	err := filepath.WalkDir(dir, func(path string, entry os.DirEntry, err error) error {
		if err == nil && !entry.IsDir() {
			relative, _ := filepath.Rel(dir, path)
			found = append(found, relative)
		}
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	return found
}

func TestKeepPutsTheBodyUnderItsHash(t *testing.T) {
	dir := t.TempDir()
	store := New(dir)
	for range 2 {
		in, err := store.Receive(strings.NewReader("hello"))
		if err != nil {
			t.Fatal(err)
		}
		if in.SHA256 != helloSHA256 || in.Bytes != 5 {
			t.Errorf("got %s, %d bytes", in.SHA256, in.Bytes)
		}
		if err := in.Keep(); err != nil {
			t.Fatal(err)
		}
	}
	if got, want := files(t, dir), []string{"2c/f2/" + helloSHA256}; !slices.Equal(got, want) {
		t.Errorf("got %v", got)
	}
	file, err := store.Open(helloSHA256)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = file.Close() }()
	if content, err := io.ReadAll(file); err != nil || string(content) != "hello" {
		t.Errorf("got %q, %v", content, err)
	}
}

func TestABodyThatIsNotKeptLeavesNoFile(t *testing.T) {
	dir := t.TempDir()
	store := New(dir)
	in, err := store.Receive(strings.NewReader("hello"))
	if err != nil {
		t.Fatal(err)
	}
	in.Discard()
	cut := io.MultiReader(strings.NewReader("hel"), iotest.ErrReader(io.ErrUnexpectedEOF))
	var notRead *ReadError
	if _, err := store.Receive(cut); !errors.As(err, &notRead) || !errors.Is(err, io.ErrUnexpectedEOF) {
		t.Errorf("got %v", err)
	}
	if got := files(t, dir); len(got) != 0 {
		t.Errorf("left: %v", got)
	}
}

func TestFailuresOfTheDiskAreNotTheSenders(t *testing.T) {
	store := New(filepath.Join(t.TempDir(), "missing"))
	var notRead *ReadError
	if _, err := store.Receive(strings.NewReader("hello")); err == nil || errors.As(err, &notRead) {
		t.Errorf("got %v", err)
	}
	if err := store.CheckWritable(); !errors.Is(err, os.ErrNotExist) {
		t.Errorf("got %v", err)
	}
}

func TestKeepFailsIfItsDirectoryCannotBeCreated(t *testing.T) {
	dir := t.TempDir()
	if err := os.WriteFile(filepath.Join(dir, "2c"), nil, 0o600); err != nil {
		t.Fatal(err)
	}
	in, err := New(dir).Receive(strings.NewReader("hello"))
	if err != nil {
		t.Fatal(err)
	}
	if err := in.Keep(); err == nil {
		t.Error("kept")
	}
	if got := files(t, dir); !slices.Equal(got, []string{"2c"}) {
		t.Errorf("left: %v", got)
	}
}

func TestCheckWritableLeavesNothing(t *testing.T) {
	dir := t.TempDir()
	if err := New(dir).CheckWritable(); err != nil {
		t.Error(err)
	}
	if got := files(t, dir); len(got) != 0 {
		t.Errorf("left: %v", got)
	}
}

func TestRemoveLeftoversRemovesOnlyOldTemporaryFiles(t *testing.T) {
	dir := t.TempDir()
	now := time.Now()
	for name, age := range map[string]time.Duration{
		".incoming-old": 2 * time.Hour, ".check-old": 2 * time.Hour, ".incoming-new": time.Minute, "other": 2 * time.Hour,
	} {
		path := filepath.Join(dir, name)
		if err := os.WriteFile(path, nil, 0o600); err != nil {
			t.Fatal(err)
		}
		if err := os.Chtimes(path, now, now.Add(-age)); err != nil {
			t.Fatal(err)
		}
	}
	removed, err := New(dir).RemoveLeftovers(now.Add(-time.Hour))
	if removed != 2 || err != nil {
		t.Errorf("removed %d, %v", removed, err)
	}
	if got, want := files(t, dir), []string{".incoming-new", "other"}; !slices.Equal(got, want) {
		t.Errorf("left: %v", got)
	}
}
