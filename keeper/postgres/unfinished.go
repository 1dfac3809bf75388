package postgres

import (
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
)

// removeUnfinishedSwitch removes from a stopped standby the beginning of a segment on a new timeline that it was
// killed while receiving. The standby fetches a whole segment of the new timeline, whose first part, up to where
// the timeline begins, repeats the old one. Killed before that point it has less on the new timeline than on the
// old, reads the new one first, and ends each start with "according to history file, WAL location … belongs to
// timeline 1, but previous recovered WAL file came from timeline 2". What is removed holds nothing of the new
// timeline, and is in the old one's file. It returns the names of what it removed.
func removeUnfinishedSwitch(pgdata string) (removed []string, err error) {
	if !IsStandby(pgdata) {
		return nil, nil
	}
	timelines, err := historyFiles(pgdata)
	if err != nil {
		return nil, err
	}
	for _, tli := range timelines {
		history, _, err := LocalHistory(pgdata, tli)
		if err != nil || len(history) == 0 {
			continue // Postgres says what is wrong with it
		}
		name, err := unfinished(pgdata, uint32(tli), history[len(history)-1].SwitchLSN)
		if err != nil {
			return removed, err
		}
		if name == "" {
			continue
		}
		if err := removeFile(filepath.Join(pgdata, "pg_wal", name)); err != nil {
			return removed, err
		}
		removed = append(removed, name)
	}
	return removed, nil
}

// The header of the first page of a segment, in bytes: magic number 0, page address 8, size of a segment 32 and of
// a page 36. The other pages have the first two.
const (
	walPageAddress = 8
	walSegmentSize = 32
	walPageSize    = 36
	walHeader      = 40
)

// unfinished is the name of the segment in which timeline tli begins, at start, where the file is there and ends
// before that; "" otherwise.
func unfinished(pgdata string, tli uint32, start LSN) (string, error) {
	// Only the file says how long a segment is, and its name depends on that.
	names, err := filepath.Glob(filepath.Join(pgdata, "pg_wal", fmt.Sprintf("%08X????????????????", tli)))
	if err != nil {
		return "", err
	}
	for _, path := range names {
		name := filepath.Base(path)
		info, err := os.Stat(path)
		if err != nil || info.Size() == 0 || name != segmentName(tli, start, info.Size()) {
			continue
		}
		ends, err := endsBefore(path, start, info.Size())
		if err != nil || !ends {
			return "", err
		}
		return name, nil
	}
	return "", nil
}

// segmentName is how Postgres names the file of size bytes that holds a position.
func segmentName(tli uint32, at LSN, size int64) string {
	number, each := uint64(at)/uint64(size), uint64(1<<32)/uint64(size)
	return fmt.Sprintf("%08X%08X%08X", tli, number/each, number%each)
}

// endsBefore says whether a segment lacks the last page before a position in it.
func endsBefore(path string, at LSN, size int64) (bool, error) {
	file, err := os.Open(path)
	if err != nil {
		return false, err
	}
	defer file.Close()
	offset := int64(uint64(at) % uint64(size))
	if offset == 0 {
		return false, nil // nothing of it repeats the old timeline
	}
	var header [walHeader]byte
	if _, err := io.ReadFull(io.NewSectionReader(file, 0, size), header[:]); err != nil {
		return short(err)
	}
	if binary.NativeEndian.Uint16(header[:]) == 0 {
		return true, nil // nothing was written yet
	}
	page := int64(binary.NativeEndian.Uint32(header[walPageSize:]))
	if page <= 0 || int64(binary.NativeEndian.Uint32(header[walSegmentSize:])) != size {
		return false, nil // not a file that we understand: left alone
	}
	last := (offset - 1) / page * page
	if _, err := io.ReadFull(io.NewSectionReader(file, last, size-last), header[:]); err != nil {
		return short(err)
	}
	want := uint64(at) - uint64(offset) + uint64(last)
	return binary.NativeEndian.Uint16(header[:]) == 0 || binary.NativeEndian.Uint64(header[walPageAddress:]) != want, nil
}

// short takes a file that ends too early for no error: that is what is looked for.
func short(err error) (bool, error) {
	if errors.Is(err, io.ErrUnexpectedEOF) || errors.Is(err, io.EOF) {
		return true, nil
	}
	return false, err
}
