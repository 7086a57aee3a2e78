package settings

import (
	"os"
	"path/filepath"
	"strings"
	"unicode"
)

func (r *reader) secretFile(name, example string) Secret {
	path := r.getenv(name)
	if path == "" {
		r.problem("%s: is not set. Set it to the path of a file that holds the value, e.g. %s.", name, example)
		return ""
	}
	content, err := os.ReadFile(path)
	if err != nil {
		r.problem("%s: cannot be read (%v). Make the file readable for the gateway's user, uid %d.", name, err, os.Getuid())
		return ""
	}
	value := strings.TrimRight(string(content), "\r\n")
	if value == "" {
		r.problem("%s: the file is empty (%s). Write the value into it.", name, path)
	}
	if strings.ContainsFunc(value, func(c rune) bool { return unicode.IsSpace(c) || unicode.IsControl(c) }) {
		r.problem("%s: the value must be one line without blanks (%s). Write it again.", name, path)
	}
	return Secret(value)
}

func (r *reader) directory(name, byDefault string) string {
	value := r.getenv(name)
	if value == "" {
		value = byDefault
	}
	if !filepath.IsAbs(value) {
		r.problem("%s: must be an absolute path (got %q). Set it to e.g. %s.", name, value, byDefault)
		return value
	}
	if info, err := os.Stat(value); err != nil {
		r.problem("%s: is not there (%v). Mount the raw volume at %s.", name, err, value)
	} else if !info.IsDir() {
		r.problem("%s: is no directory (got %s). Mount the raw volume there.", name, value)
	}
	return value
}
