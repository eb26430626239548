package pgtest

import (
	"maps"
	"path/filepath"
)

// StartStandby starts a physical standby of a primary and waits until it accepts
// connections. It reaches the primary by the socket in the folder through: that of a
// proxy, or of the primary if through is empty. A primary that is to wait for it names it
// in synchronous_standby_names, or "*". Close the standby before the primary.
func StartStandby(primary *Cluster, through string, o Options) (*Cluster, error) {
	if through == "" {
		through = primary.folder
	}
	o.Settings = maps.Clone(o.Settings)
	if o.Settings == nil {
		o.Settings = make(map[string]string)
	}
	from := "host=" + through + " user=postgres application_name=standby"
	o.Settings["primary_conninfo"] = from
	return start(o, func(c *Cluster) error {
		return c.programs.run(c.folder, "pg_basebackup", "-D", c.data(), "-d", from, "-R", "-X", "stream", "-c", "fast", "--no-sync")
	})
}

// Promote makes a standby a primary, and waits until it takes writes.
func (c *Cluster) Promote() error {
	return c.programs.run(c.folder, "pg_ctl", "-D", c.data(), "-w", "-t", "60", "promote")
}

// Socket returns the path of the server's socket.
func (c *Cluster) Socket() string { return filepath.Join(c.folder, SocketName) }

// SocketName is the name of a server's socket in its folder.
const SocketName = ".s.PGSQL.5432"
