// Package migrations holds the SQL files of the gateway's schema, oldest first by name.
package migrations

import "embed"

// Files are named <timestamp>_<name>.sql.
//
//go:embed *.sql
var Files embed.FS
