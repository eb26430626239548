package crashproof_test

import (
	"errors"
	"fmt"
	"os"
	"strings"
	"sync"
	"time"
)

// failoverReport is the part of docs/reliability.md about failovers.
type failoverReport struct {
	mu      sync.Mutex
	honest  []result
	noticed []result // what must be damaged: the judge has to notice it
}

// The marks between which the document has it.
const (
	failoverBegin = "<!-- failovers: made by -failover release -->\n"
	failoverEnd   = "<!-- end of the failovers -->\n"
)

const failoverHead = `## When the database fails over

**%d failovers of PostgreSQL lost %s of the %s submissions that were acknowledged, and %d codes were sent twice. No handler
missed a step%s. People were served again within %s.**

` + "`go test ./internal/crashproof -run Failover -failover %s -timeout 2h`" + ` runs a pair and a trio of PostgreSQL under
Patroni with synchronous replication, on one machine, each server in its own network namespace. Three replicas have all
servers in their DSN, with target_session_attrs=read-write and connect_timeout=2. The primary's lock (ttl) lasts %s. The
judge is the same as above. A gap is the longest time in which no write was acknowledged, from the moment at which one
server could serve again; ttl + 10 s are allowed.

| | failovers | acknowledged | lost | codes twice | other damage | longest gap |
|---|---:|---:|---:|---:|---:|---:|
`

const failoverTail = `
What the same judge notices where commits must be lost:

`

func (r *failoverReport) add(noticed bool, f result) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if noticed {
		r.noticed = append(r.noticed, f)
		return
	}
	r.honest = append(r.honest, f)
}

func (r *failoverReport) text() string {
	sum := report{honest: r.honest}.sum()
	lost, handled := "none", ""
	if n := sum.number(lostAck); n > 0 {
		lost = fmt.Sprint(n)
	}
	if n := sum.number(missed); n > 0 {
		handled = fmt.Sprintf(", but %d did", n)
	}
	var b strings.Builder
	fmt.Fprintf(&b, failoverHead, sum.rounds, lost, thousands(sum.acknowledged), sum.number(repeated), handled, seconds(sum.gap), *failoverFlag, ttl())
	for _, f := range r.honest {
		other := len(f.violations) - f.number(lostAck) - f.number(repeated)
		fmt.Fprintf(&b, "| %s | %d | %s | %d | %d | %d | %s |\n", f.title, f.rounds, thousands(f.acknowledged), f.number(lostAck), f.number(repeated), other, seconds(f.gap))
	}
	b.WriteString(failoverTail)
	for _, f := range r.noticed {
		fmt.Fprintf(&b, "- %s: %s.\n", f.title, strings.Join(f.kinds(), ", "))
	}
	fmt.Fprintf(&b, "\n%s. Commit %s.\n", time.Now().UTC().Format(time.DateOnly), commitName())
	return b.String()
}

func seconds(d time.Duration) string { return fmt.Sprintf("%.1f s", d.Seconds()) }

// write replaces the part of the document.
func (r *failoverReport) write() error {
	text, err := os.ReadFile(document("reliability.md"))
	if err != nil {
		return err
	}
	before, _, after, found := partIn(string(text), failoverBegin, failoverEnd)
	if !found {
		return errors.New("docs/reliability.md has no marks for the failovers")
	}
	return os.WriteFile(document("reliability.md"), []byte(before+r.text()+after), 0o644)
}
