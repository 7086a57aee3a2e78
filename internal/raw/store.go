// Package raw keeps the bodies of results as files named by their SHA-256.
package raw

import (
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"time"
)

const (
	incomingPrefix = ".incoming-"
	checkPrefix    = ".check-"
)

// Store is a directory of bodies: ab/cd/abcd....
type Store struct{ dir string }

// New returns the store in an existing directory.
func New(dir string) *Store { return &Store{dir: dir} }

// ReadError means that the sender, not the disk, failed.
type ReadError struct{ Err error }

func (e *ReadError) Error() string { return fmt.Sprintf("body not received in whole: %v", e.Err) }
func (e *ReadError) Unwrap() error { return e.Err }

// Incoming is a received body that is not yet part of the store. It ends with Keep or Discard.
type Incoming struct {
	SHA256 string
	Bytes  int64
	store  *Store
	file   *os.File
}

// Receive writes a body to a temporary file on the store's own file system and syncs it to disk.
func (s *Store) Receive(body io.Reader) (*Incoming, error) {
	file, err := os.CreateTemp(s.dir, incomingPrefix)
	if err != nil {
		return nil, err
	}
	in := &Incoming{store: s, file: file}
	hash := sha256.New()
	source := &source{reader: body}
	in.Bytes, err = io.Copy(io.MultiWriter(file, hash), source)
	if err == nil {
		err = file.Sync()
	}
	if err != nil {
		in.Discard()
		if source.err != nil {
			return nil, &ReadError{Err: source.err}
		}
		return nil, err
	}
	in.SHA256 = hex.EncodeToString(hash.Sum(nil))
	return in, nil
}

// Keep makes the body part of the store; when it returns nil, the body survives a power cut.
func (in *Incoming) Keep() error {
	target := in.store.path(in.SHA256)
	err := errors.Join(in.file.Close(), os.MkdirAll(filepath.Dir(target), 0o750))
	if err == nil {
		err = os.Rename(in.file.Name(), target)
	}
	if err != nil {
		return errors.Join(err, os.Remove(in.file.Name()))
	}
	inner := filepath.Dir(target)
	// All three each time: another request may have created a directory and not yet synced it.
	return errors.Join(syncDir(inner), syncDir(filepath.Dir(inner)), syncDir(in.store.dir))
}

// Discard removes the temporary file.
func (in *Incoming) Discard() {
	_ = in.file.Close()
	_ = os.Remove(in.file.Name())
}

// Open opens a kept body for reading.
func (s *Store) Open(sha256Hex string) (*os.File, error) { return os.Open(s.path(sha256Hex)) }

// CheckWritable writes, renames and removes a file as a delivery would.
func (s *Store) CheckWritable() error {
	file, err := os.CreateTemp(s.dir, checkPrefix)
	if err != nil {
		return err
	}
	renamed := file.Name() + "-renamed"
	_, writeErr := file.WriteString("ok")
	err = errors.Join(writeErr, file.Sync(), file.Close())
	if err == nil {
		err = os.Rename(file.Name(), renamed)
	}
	if err != nil {
		return errors.Join(err, os.Remove(file.Name()))
	}
	return os.Remove(renamed)
}

// RemoveLeftovers deletes temporary files that a killed process left before the given time.
func (s *Store) RemoveLeftovers(before time.Time) (int, error) {
	removed := 0
	var failures []error
	for _, prefix := range []string{incomingPrefix, checkPrefix} {
		paths, err := filepath.Glob(filepath.Join(s.dir, prefix+"*"))
		failures = append(failures, err)
		for _, path := range paths {
			info, err := os.Stat(path)
			if err != nil || !info.ModTime().Before(before) {
				continue
			}
			if err := os.Remove(path); err != nil {
				failures = append(failures, err)
				continue
			}
			removed++
		}
	}
	return removed, errors.Join(failures...)
}

func (s *Store) path(sha256Hex string) string {
	return filepath.Join(s.dir, sha256Hex[0:2], sha256Hex[2:4], sha256Hex)
}

func syncDir(path string) error {
	dir, err := os.Open(path)
	if err != nil {
		return err
	}
	return errors.Join(dir.Sync(), dir.Close())
}

// source remembers a failure to read, so that it is not taken for a failure to write.
type source struct {
	reader io.Reader
	err    error
}

func (s *source) Read(p []byte) (int, error) {
	n, err := s.reader.Read(p)
	if err != nil && err != io.EOF {
		s.err = err
	}
	return n, err
}
