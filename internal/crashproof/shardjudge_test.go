package crashproof_test

import (
	"context"
	"fmt"
	"slices"
	"strconv"
	"testing"

	"github.com/stretchr/testify/require"
)

// shardOf reads from an id on which shard it must be: "s3fa-…" has slot 0x3fa of 1,024, and
// each shard has as many slots as the others. It shares nothing with the router.
func shardOf(id string) int {
	if len(id) < 5 || id[0] != 's' || id[4] != '-' {
		return -1
	}
	slot, err := strconv.ParseInt(id[1:4], 16, 32)
	if err != nil || slot >= 1024 {
		return -1
	}
	return int(slot) * shardCount / 1024
}

// misplacements reads all shards, and the place that one has left.
func (w *world) misplacements(ctx context.Context) ([]violation, error) {
	s := w.database.shards
	if s == nil {
		return nil, nil
	}
	stored := make([][]string, shardCount)
	for i, at := range s.at() {
		ids, err := ask(ctx, at.Source, `SELECT id FROM carrierfsm_verifications UNION SELECT id FROM carrierfsm_history`)
		if err != nil {
			return nil, err
		}
		stored[i] = ids
	}
	phones := make(map[string]string)
	for _, one := range w.subjects {
		phones[one.id] = one.phone
	}
	found := misplacedOf(stored, phones)
	if s.left != "" {
		now, err := contents(ctx, s.left)
		if err != nil {
			return nil, err
		}
		found = append(found, writtenSince(s.asLeft, now)...)
	}
	return append(found, w.harms...), nil
}

// misplacedOf returns a violation for each id that is not on its shard, and for each id and
// each number that two shards have.
func misplacedOf(stored [][]string, phones map[string]string) (found []violation) {
	owner := make(map[string]int)
	claim := func(what string, i int) {
		if other, taken := owner[what]; taken && other != i {
			found = append(found, violation{misplaced, what, fmt.Sprintf("shards %d and %d have it", other, i)})
		}
		owner[what] = i
	}
	for i, ids := range stored {
		for _, id := range ids {
			if shardOf(id) != i {
				found = append(found, violation{misplaced, id, fmt.Sprintf("shard %d has it", i)})
			}
			claim(id, i)
			if phone := phones[id]; phone != "" {
				claim(phone, i)
			}
		}
	}
	return found
}

// writtenSince returns a violation for each table that is not as it was.
func writtenSince(before, now []string) (found []violation) {
	for _, line := range now {
		if !slices.Contains(before, line) {
			found = append(found, violation{behind, "shards", "now the place that was left has " + line})
		}
	}
	return found
}

func TestTheJudgeFindsWhatIsOnAWrongShard(t *testing.T) {
	t.Parallel()
	phones := map[string]string{"s000-a": "13800000000", "s3ff-b": "13800000001"}
	require.Empty(t, misplacedOf([][]string{{"s000-a", "s0ff-c"}, {"s100-d"}, nil, {"s3ff-b"}}, phones))
	require.Len(t, misplacedOf([][]string{nil, {"s000-a"}}, phones), 1, "a wrong shard")
	require.Len(t, misplacedOf([][]string{{"v-1"}}, phones), 1, "no slot")
	require.Len(t, misplacedOf([][]string{{"s000-c"}, {"s000-c"}}, phones), 2, "a wrong shard, and two")
	phones["s3ff-b"] = phones["s000-a"]
	require.Len(t, misplacedOf([][]string{{"s000-a"}, nil, nil, {"s3ff-b"}}, phones), 1, "one number on two shards")
}

func TestTheJudgeFindsWhatIsWrittenWhereAShardWas(t *testing.T) {
	t.Parallel()
	before := []string{"carrierfsm_history 3 aa", "carrierfsm_parked 0 "}
	require.Empty(t, writtenSince(before, before))
	require.Len(t, writtenSince(before, []string{"carrierfsm_history 4 ab", "carrierfsm_parked 0 "}), 1)
	require.Len(t, writtenSince(before, []string{"carrierfsm_history 3 ab", "carrierfsm_parked 0 "}), 1)
}
