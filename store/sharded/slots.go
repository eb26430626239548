package sharded

import (
	"crypto/sha256"
	"encoding/binary"
	"fmt"
	"strconv"
)

// maxSlots is how many slots three hexadecimal digits can name.
const maxSlots = 4096

// slotOf returns the slot of a text. It never changes: ids and keys that are stored
// depend on it.
func slotOf(text string, slots int) int {
	sum := sha256.Sum256([]byte(text))
	return int(binary.BigEndian.Uint64(sum[:]) % uint64(slots))
}

// prefixLength is the length of "s3fa-".
const prefixLength = 5

func prefixOf(slot int) string { return fmt.Sprintf("s%03x-", slot) }

// slotOf returns the slot that an id carries, else its hash.
func (s *Store) slotOf(id string) int {
	if len(id) > prefixLength && id[0] == 's' && id[prefixLength-1] == '-' {
		digits := id[1 : prefixLength-1]
		slot, err := strconv.ParseUint(digits, 16, 16)
		if err == nil && int(slot) < s.slots && prefixOf(int(slot)) == id[:prefixLength] {
			return int(slot)
		}
	}
	return slotOf(id, s.slots)
}

// place checks the shards and returns the index of the shard of each slot.
func (c *Config) place() (of []int, err error) {
	n := len(c.Shards)
	if n == 0 || c.Slots < n || c.Slots > maxSlots {
		return nil, invalid("Config needs Shards, and between so many and %d Slots", maxSlots)
	}
	given, names := 0, make(map[string]bool)
	for i := range c.Shards {
		shard := &c.Shards[i]
		if (shard.Store == nil) == (shard.Open == nil) || !plain(shard.Name) || names[shard.Name] {
			return nil, invalid("each shard needs a Store or Open, and a Name of its own of 1 to 64 letters, digits, hyphens and underscores")
		}
		names[shard.Name] = true
		if shard.Slots != (Range{}) {
			given++
		}
	}
	if given != 0 && given != n {
		return nil, invalid("either all shards have Slots or none")
	}
	of = make([]int, c.Slots)
	for i := range of {
		of[i] = -1
	}
	for i := range c.Shards {
		r := c.rangeOf(i)
		for slot := max(r.First, 0); slot < min(r.End, c.Slots); slot++ {
			if of[slot] >= 0 {
				return nil, invalid("two shards have the slot %d", slot)
			}
			of[slot] = i
		}
	}
	for slot, i := range of {
		if i < 0 {
			return nil, invalid("no shard has the slot %d", slot)
		}
	}
	return of, nil
}

// rangeOf returns the slots of a shard.
func (c *Config) rangeOf(i int) Range {
	if r := c.Shards[i].Slots; r != (Range{}) {
		return r
	}
	n := len(c.Shards)
	return Range{First: i * c.Slots / n, End: (i + 1) * c.Slots / n}
}

// text is the range as a database stores it: with the number of all slots, which must not
// change either.
func (r Range) text(slots int) string { return fmt.Sprintf("%d-%d/%d", r.First, r.End, slots) }

func plain(name string) bool {
	for _, c := range []byte(name) {
		switch {
		case 'a' <= c && c <= 'z', 'A' <= c && c <= 'Z', '0' <= c && c <= '9', c == '-', c == '_':
		default:
			return false
		}
	}
	return name != "" && len(name) <= 64
}
