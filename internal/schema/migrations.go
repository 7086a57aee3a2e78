// Package schema migrates a database to the schema that this binary was built for.
package schema

import (
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io/fs"
	"regexp"
	"strings"
)

// Migration is one SQL file.
type Migration struct {
	Version string
	Name    string
	SQL     string
	SHA256  string
	// Breaks is why the previous gateway cannot run with it, "" if it can.
	Breaks string
}

func (m Migration) String() string { return m.Version + "_" + m.Name + ".sql" }

// Applied is one row of schema_migrations.
type Applied struct {
	Version string
	Name    string
	SHA256  string
}

var (
	// ErrNewer means that the database was migrated by a newer gateway.
	ErrNewer = errors.New("the database is newer than this gateway")
	// ErrChanged means that an applied file was edited afterwards.
	ErrChanged = errors.New("an applied migration was changed")
	// ErrOutOfOrder means that the applied migrations are not the first ones of this binary.
	ErrOutOfOrder = errors.New("the applied migrations do not fit this gateway")
	// ErrPending means that the database is older than this gateway.
	ErrPending = errors.New("the database is older than this gateway")
)

// IsMismatch reports whether a database was read and does not fit, as opposed to not read at all.
func IsMismatch(err error) bool {
	for _, mismatch := range []error{ErrNewer, ErrChanged, ErrOutOfOrder, ErrPending} {
		if errors.Is(err, mismatch) {
			return true
		}
	}
	return false
}

// The first line of a migration that the previous gateway cannot run with.
var breaksMark = regexp.MustCompile(`\A-- breaks the running gateway: *(\S.*)`)

func breaks(content []byte) string {
	if found := breaksMark.FindSubmatch(content); found != nil {
		return strings.TrimSpace(string(found[1]))
	}
	return ""
}

var (
	fileName = regexp.MustCompile(`^(\d{14})_([a-z0-9_]+)\.sql$`)
	// Would end the transaction that selfcheck rolls back.
	transactionControl = regexp.MustCompile(`(?im)(?:^|;)\s*(?:(?:commit|rollback|abort|(?:start|prepare)\s+transaction)\b|begin\s*(?:;|transaction\b|work\b))`)
)

// Load reads migrations in order and refuses files that are misnamed or control transactions.
func Load(files fs.FS) ([]Migration, error) {
	entries, err := fs.ReadDir(files, ".")
	if err != nil {
		return nil, err
	}
	var migrations []Migration
	for _, entry := range entries {
		parts := fileName.FindStringSubmatch(entry.Name())
		if parts == nil {
			return nil, fmt.Errorf("%s: must be named <14 digits>_<name>.sql. Rename it", entry.Name())
		}
		content, err := fs.ReadFile(files, entry.Name())
		if err != nil {
			return nil, err
		}
		if found := transactionControl.FindString(string(content)); found != "" {
			return nil, fmt.Errorf("%s: runs inside a transaction of its own and may hold no %q. Remove it", entry.Name(), strings.Trim(found, "; \t\r\n"))
		}
		if n := len(migrations); n > 0 && migrations[n-1].Version == parts[1] {
			return nil, fmt.Errorf("%s: has the timestamp of %s. Give it a later one", entry.Name(), migrations[n-1])
		}
		sum := sha256.Sum256(content)
		migrations = append(migrations, Migration{parts[1], parts[2], string(content), hex.EncodeToString(sum[:]), breaks(content)})
	}
	return migrations, nil
}

// Latest returns the version that a database has once all migrations are applied, "" if there are none.
func Latest(migrations []Migration) string {
	if len(migrations) == 0 {
		return ""
	}
	return migrations[len(migrations)-1].Version
}

// pending returns what is still to be applied, given what was applied, oldest first.
func pending(known []Migration, applied []Applied) ([]Migration, error) {
	for i, row := range applied {
		switch {
		case i >= len(known) || row.Version > Latest(known):
			return nil, fmt.Errorf("%w: it has %s_%s, this gateway ends at %s. Deploy a newer gateway",
				ErrNewer, row.Version, row.Name, Latest(known))
		case row.Version != known[i].Version:
			return nil, fmt.Errorf("%w: migration %d is %s_%s in the database and %s here. Give the new file a later timestamp",
				ErrOutOfOrder, i+1, row.Version, row.Name, known[i])
		case row.SHA256 != known[i].SHA256:
			return nil, fmt.Errorf("%w: %s has SHA-256 %s, applied was %s. Restore the file and put the change into a new one",
				ErrChanged, known[i], known[i].SHA256, row.SHA256)
		}
	}
	return known[len(applied):], nil
}
