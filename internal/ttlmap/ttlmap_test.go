package ttlmap_test

import (
	"runtime"
	"sync"
	"testing"
	"testing/synctest"
	"time"
	"weak"

	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"

	"github.com/carrierfsm/carrierfsm/internal/ttlmap"
)

// disposed records the values that left a map.
type disposed struct {
	mu     sync.Mutex
	values []string
}

func (d *disposed) add(v string) {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.values = append(d.values, v)
}

func (d *disposed) take() []string {
	d.mu.Lock()
	defer d.mu.Unlock()
	values := d.values
	d.values = nil
	return values
}

func get(m *ttlmap.Map[string], key string) string {
	v, _ := m.Get(key, func(v string) string { return v })
	return v
}

func TestAValueIsDisposedOfAtItsTimeAndNotBefore(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		var gone disposed
		m := ttlmap.New(gone.add)
		m.Put("a", "long", 3*time.Second)
		m.Put("b", "short", time.Second)
		m.Put("c", "middle", 2*time.Second)
		for _, want := range []string{"short", "middle", "long"} {
			pass(time.Second - time.Nanosecond)
			synctest.Wait()
			require.Empty(t, gone.take())
			pass(time.Nanosecond)
			synctest.Wait()
			require.Equal(t, []string{want}, gone.take())
		}
		require.Zero(t, m.Len())
	})
}

func TestEveryValueThatLeavesIsDisposedOfOnce(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		var gone disposed
		m := ttlmap.New(gone.add)
		m.Put("a", "1", time.Minute)
		m.Put("a", "2", time.Minute)
		require.Equal(t, []string{"1"}, gone.take(), "replaced")
		require.Equal(t, "2", get(m, "a"))
		m.Delete("a")
		m.Delete("a")
		require.Equal(t, []string{"2"}, gone.take(), "deleted")
		_, ok := m.Get("a", func(v string) string { return v })
		require.False(t, ok)
		m.Put("b", "3", time.Minute)
		m.Close()
		require.Equal(t, []string{"3"}, gone.take(), "closed")
		m.Put("c", "4", time.Minute)
		require.Equal(t, []string{"4"}, gone.take(), "put after Close")
		require.Zero(t, m.Len())
	})
}

func TestAnEmptyMapIsNotKeptInMemoryByItsTimer(t *testing.T) {
	t.Parallel()
	abandoned := func() weak.Pointer[ttlmap.Map[string]] {
		m := ttlmap.New(func(string) {})
		m.Put("a", "1", time.Hour)
		m.Delete("a")
		return weak.Make(m)
	}()
	for range 100 {
		if runtime.GC(); abandoned.Value() == nil {
			return
		}
	}
	require.Nil(t, abandoned.Value())
}

func TestAnUpdateKeepsTheTimeAndDisposesOfNothing(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		var gone disposed
		m := ttlmap.New(gone.add)
		twice := func(v string) string { return v + v }
		m.Update("a", twice)
		require.Zero(t, m.Len(), "there is none")
		m.Put("a", "1", 2*time.Second)
		pass(time.Second)
		m.Update("a", twice)
		require.Equal(t, "11", get(m, "a"))
		require.Empty(t, gone.take())
		pass(time.Second)
		synctest.Wait()
		require.Equal(t, []string{"11"}, gone.take())
	})
}

func TestTheMapDoesWhatAModelDoes(t *testing.T) {
	t.Parallel()
	outer := t
	rapid.Check(t, func(t *rapid.T) {
		synctest.Test(outer, func(*testing.T) {
			type entry struct {
				value string
				until time.Time
			}
			var gone disposed
			m, model := ttlmap.New(gone.add), make(map[string]entry)
			defer m.Close()
			keys := rapid.SampledFrom([]string{"a", "b", "c", "d"})
			for range rapid.IntRange(1, 30).Draw(t, "steps") {
				key := keys.Draw(t, "key")
				switch rapid.IntRange(0, 3).Draw(t, "operation") {
				case 0, 1:
					e := entry{rapid.StringN(1, 3, -1).Draw(t, "value"), time.Now().Add(time.Duration(rapid.IntRange(1, 20).Draw(t, "ttl")) * time.Second)}
					m.Put(key, e.value, time.Until(e.until))
					model[key] = e
				case 2:
					m.Delete(key)
					delete(model, key)
				case 3:
					pass(time.Duration(rapid.IntRange(1, 10).Draw(t, "seconds")) * time.Second)
					synctest.Wait()
					for key, e := range model {
						if !time.Now().Before(e.until) {
							delete(model, key)
						}
					}
				}
				require.Equal(t, len(model), m.Len())
				require.Equal(t, model[key].value, get(m, key))
			}
		})
	})
}

// pass advances synctest's clock.
func pass(d time.Duration) { time.Sleep(d) } //nolint:forbidigo // the clock is synctest's

func TestGetOrPutSharesTheFirstValueUntilItsTime(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		var gone disposed
		m := ttlmap.New(gone.add)
		for i, name := range []string{"first", "second"} {
			value, put := m.GetOrPut("a", time.Duration(i+1)*time.Second, func() string { return name })
			require.Equal(t, "first", value)
			require.Equal(t, i == 0, put)
		}
		pass(time.Second)
		synctest.Wait()
		require.Equal(t, []string{"first"}, gone.take())
		m.Close()
		value, _ := m.GetOrPut("a", time.Second, func() string { return "late" })
		require.Equal(t, "late", value)
		require.Zero(t, m.Len())
		require.Equal(t, []string{"late"}, gone.take())
	})
}

func TestTrimDisposesOfWhatExpiresFirst(t *testing.T) {
	t.Parallel()
	var gone disposed
	m := ttlmap.New(gone.add)
	for key, ttl := range map[string]time.Duration{"late": time.Hour, "soon": time.Minute, "last": 2 * time.Hour} {
		m.Put(key, key, ttl)
	}
	m.Trim(3)
	require.Empty(t, gone.take())
	m.Trim(2)
	require.Equal(t, []string{"soon"}, gone.take())
	m.Trim(0)
	require.Equal(t, []string{"late", "last"}, gone.take())
	require.Zero(t, m.Len())
}
