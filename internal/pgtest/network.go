//go:build unix

package pgtest

import (
	"bytes"
	"errors"
	"fmt"
	"os/exec"
	"strings"
)

// network connects the nodes of a replicated cluster, each in a network namespace of
// its own, by two links: one to etcd and the other nodes, over a bridge, and one to
// the clients.
type network struct {
	id int // names it, and its addresses
}

// maxNetworks is how many there may be at the same time.
const maxNetworks = 250

// newNetwork creates the bridge. Its name is the lock of its addresses, which are from
// the range for benchmarks of networks, 198.18.0.0/15.
func newNetwork() (w *network, err error) {
	for id := range maxNetworks {
		w = &network{id: id}
		if err = ip("link add %s type bridge", w.bridge()); err == nil {
			return w, errors.Join(ip("addr add %s/24 dev %s", w.host(), w.bridge()), ip("link set %s up", w.bridge()))
		}
		if !strings.Contains(err.Error(), "File exists") {
			break
		}
	}
	return nil, err
}

func (w *network) bridge() string { return fmt.Sprintf("pgtest%d", w.id) }

// The names of a node's namespace and of the host's ends of its links.
func (w *network) namespace(n int) string { return fmt.Sprintf("%sn%d", w.bridge(), n) }
func (w *network) inner(n int) string     { return fmt.Sprintf("%si%d", w.bridge(), n) }
func (w *network) outer(n int) string     { return fmt.Sprintf("%so%d", w.bridge(), n) }

// host returns the address of etcd.
func (w *network) host() string { return fmt.Sprintf("198.18.%d.1", w.id) }

// node returns the addresses of a node: for clients, and for other nodes.
func (w *network) node(n int) (outer, inner string) {
	return fmt.Sprintf("198.19.%d.%d", w.id, 4*n+2), fmt.Sprintf("198.18.%d.%d", w.id, n+2)
}

// add adds the namespace of a node and its links.
func (w *network) add(n int) error {
	space := w.namespace(n)
	outer, inner := w.node(n)
	if err := ip("netns add %s", space); err != nil {
		return err
	}
	for _, link := range []struct{ outside, inside string }{{w.inner(n), "inner"}, {w.outer(n), "outer"}} {
		if err := ip("link add %s type veth peer name %s netns %s", link.outside, link.inside, space); err != nil {
			return err
		}
	}
	return errors.Join(
		ip("link set %s master %s", w.inner(n), w.bridge()),
		ip("addr add 198.19.%d.%d/30 dev %s", w.id, 4*n+1, w.outer(n)),
		ip("-n %s addr add %s/24 dev inner", space, inner),
		ip("-n %s addr add %s/30 dev outer", space, outer),
		ip("-n %s link set lo up", space), ip("-n %s link set inner up", space), ip("-n %s link set outer up", space),
		w.mend(n),
	)
}

// enter makes a command run in the namespace of a node. The namespace is entered by
// root, so the command's user is set after that.
func (w *network) enter(c *exec.Cmd, n int) {
	as := []string{"ip", "netns", "exec", w.namespace(n)}
	if user := c.SysProcAttr.Credential; user != nil {
		as = append(as, "setpriv", fmt.Sprintf("--reuid=%d", user.Uid), fmt.Sprintf("--regid=%d", user.Gid), "--clear-groups")
		c.SysProcAttr.Credential = nil
	}
	c.Args = append(as, c.Args...)
}

// cut drops what is sent to and from a node: by other nodes and etcd, and by clients
// too if all is set.
func (w *network) cut(n int, all bool) error {
	err := ip("link set %s down", w.inner(n))
	if all {
		err = errors.Join(err, ip("link set %s down", w.outer(n)))
	}
	return err
}

// mend ends cut.
func (w *network) mend(n int) error {
	return errors.Join(ip("link set %s up", w.inner(n)), ip("link set %s up", w.outer(n)))
}

// ip runs the program of that name.
func ip(format string, args ...any) error {
	text := fmt.Sprintf(format, args...)
	output, err := exec.Command("ip", strings.Fields(text)...).CombinedOutput() //nolint:noctx,gosec // it does not block
	if err != nil {
		return fmt.Errorf("pgtest: ip %s: %w: %s", text, err, bytes.TrimSpace(output))
	}
	return nil
}
