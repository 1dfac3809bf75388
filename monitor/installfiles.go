package monitor

import (
	"context"
	"fmt"
	"net"
	"os"
	"path/filepath"
	"strings"

	"github.com/jackc/pgx/v5"
	"golang.org/x/sys/unix"

	"pgaf/sql"
)

// ControlFile is the text of pgautofailover.control.
const ControlFile = `comment = 'automated failover for PostgreSQL: the monitor of pgaf'
default_version = '` + sql.Version + `'
relocatable = false
superuser = true
`

// versionControl is the text of a control file for this version alone, beside
// a control file of another version that is there already: what that one
// requires is not needed.
const versionControl = `requires = ''
relocatable = false
superuser = true
`

// writeFiles puts the control file and the scripts of this version into the
// server's share folder. It reports whether the server then finds them; nothing
// is left behind when it does not: the folder of that name on this machine is
// another server's.
func (i *installation) writeFiles(ctx context.Context) bool {
	folder := i.extensionFolder(ctx)
	if folder == "" {
		return false
	}
	written, err := writeExtension(folder)
	if err == nil {
		var found bool
		if found, err = i.isAvailable(ctx); found {
			i.log.Info("wrote the files of extension pgautofailover", "folder", folder)
			return true
		}
	}
	for _, file := range written {
		_ = os.Remove(file)
	}
	if err != nil {
		i.log.Debug("cannot write the files of extension pgautofailover", "folder", folder, "error", err)
	}
	return false
}

// extensionFolder is where a server of this machine looks for extensions; "" for one
// elsewhere.
func (i *installation) extensionFolder(ctx context.Context) string {
	if !isLocal(i.conn) {
		return ""
	}
	share, err := value[string](ctx, i.Client, "ask for the share folder",
		`SELECT setting FROM pg_config() WHERE name = 'SHAREDIR'`)
	if err != nil {
		return ""
	}
	return filepath.Join(share, "extension")
}

// mayWriteFiles reports whether writeFiles has a chance.
func (i *installation) mayWriteFiles(ctx context.Context) bool {
	folder := i.extensionFolder(ctx)
	return folder != "" && unix.Access(folder, unix.W_OK) == nil
}

// writeExtension writes the files that are missing in folder and returns their
// names. A control file that is there already is left alone: its packager
// decides what CREATE EXTENSION without a version means.
func writeExtension(folder string) (written []string, err error) {
	type file struct{ name, text string }
	files := []file{
		{"pgautofailover--" + sql.Version + ".sql", sql.Script()},
		{"pgautofailover.control", ControlFile},
	}
	if text, err := os.ReadFile(filepath.Join(folder, "pgautofailover.control")); err == nil && string(text) != ControlFile {
		files = append(files, file{"pgautofailover--" + sql.Version + ".control", versionControl})
	}
	for name, text := range sql.Updates() {
		files = append(files, file{name, text})
	}
	for _, f := range files {
		path := filepath.Join(folder, f.name)
		if _, err := os.Stat(path); err == nil {
			continue
		}
		if err := writeWhole(path, f.text); err != nil {
			return written, fmt.Errorf("write %s: %w", path, err)
		}
		written = append(written, path)
	}
	return written, nil
}

// writeWhole writes a file that others see complete or not at all.
func writeWhole(path, text string) error {
	temp, err := os.CreateTemp(filepath.Dir(path), ".pgautofailover-")
	if err != nil {
		return err
	}
	defer os.Remove(temp.Name()) // fails after the rename, as it should
	_, err = temp.WriteString(text)
	if err == nil {
		err = temp.Chmod(0o644)
	}
	if err == nil {
		err = temp.Sync()
	}
	if closeErr := temp.Close(); err == nil {
		err = closeErr
	}
	if err != nil {
		return err
	}
	return os.Rename(temp.Name(), path)
}

// isLocal reports whether the server is on this machine, as far as the
// connection tells.
func isLocal(conn *pgx.Conn) bool {
	address := conn.PgConn().Conn().RemoteAddr()
	if address == nil || strings.HasPrefix(address.Network(), "unix") {
		return true
	}
	tcp, ok := address.(*net.TCPAddr)
	if !ok {
		return false
	}
	if tcp.IP.IsLoopback() {
		return true
	}
	own, err := net.InterfaceAddrs()
	if err != nil {
		return false
	}
	for _, a := range own {
		if network, ok := a.(*net.IPNet); ok && network.IP.Equal(tcp.IP) {
			return true
		}
	}
	return false
}
