package crashproof_test

import (
	"errors"
	"fmt"
	"os"
	"slices"
	"strings"
	"time"
)

// The marks between which docs/reliability.md has what was found with shards.
const (
	shardsBegin = "<!-- shards: made by -figures shards, or release -->\n"
	shardsEnd   = "<!-- end of the shards -->\n"
)

const shardsHead = `## When a shard is down, or moves

**In %d rounds on four shards a server was stopped and failed over %d times and a shard moved to another server %d times. Meanwhile people made
%s submissions on the other shards that were acknowledged. Of %d kinds of damage, %s.**

` + "`go test ./internal/crashproof -figures shards -timeout 1h`" + ` runs three replicas on four databases of PostgreSQL, on two
servers. They are killed and paused as above. One server is stopped at once. When everything that began on the other
shards before has ended and was handled, its synchronous standby is promoted. Another shard is drained, closed, copied to another server and opened there, and the
replicas are started again one by one, as [scale.md](scale.md) says. The judge reads all four shards, and the
database that was left.

| | rounds | kills | pauses | stops | moves | acknowledged | on other shards meanwhile | damage |
|---|---:|---:|---:|---:|---:|---:|---:|---:|
`

const shardsTeeth = `
| sabotage | within | seconds | by |
|---|---:|---:|---|
`

// shardsText is the part about shards; empty if there were none.
func (r report) shardsText() string {
	i := slices.IndexFunc(r.honest, func(h result) bool { return h.moves > 0 })
	if i < 0 {
		return ""
	}
	h := r.honest[i]
	var b strings.Builder
	fmt.Fprintf(&b, shardsHead, h.rounds, h.stops, h.moves, thousands(h.elsewhere), len(kinds), h.damage())
	fmt.Fprintf(&b, "| %s | %d | %d | %d | %d | %d | %s | %s | %d |\n", h.title, h.rounds, h.kills, h.pauses, h.stops, h.moves,
		thousands(h.acknowledged), thousands(h.elsewhere), len(h.violations))
	b.WriteString(shardsTeeth)
	for _, c := range r.caught {
		if slices.ContainsFunc(shardSabotages, func(s sabotage) bool { return s.name == c.name }) {
			b.WriteString(c.row())
		}
	}
	fmt.Fprintf(&b, "\n%s. Commit %s.\n", time.Now().UTC().Format(time.DateOnly), commitName())
	return b.String()
}

// writeShards replaces the part of the document, if everything was run.
func (r report) writeShards() error {
	if len(r.honest) == 0 || len(r.caught) < len(shardSabotages) {
		return nil
	}
	text, err := os.ReadFile(document("reliability.md"))
	if err != nil {
		return err
	}
	before, _, after, found := partIn(string(text), shardsBegin, shardsEnd)
	if !found {
		return errors.New("docs/reliability.md has no marks for the shards")
	}
	return os.WriteFile(document("reliability.md"), []byte(before+r.shardsText()+after), 0o644)
}
