package budget_test

import (
	"errors"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"

	"github.com/carrierfsm/carrierfsm/budget"
)

var noon = time.Date(2030, 6, 1, 12, 0, 0, 0, time.UTC)

const window = 10 * time.Second

// The model keeps all that was ever spent and was not given back.
func TestALedgerCountsWhatAModelCountsAndNoWindowHasMoreThanItsLimit(t *testing.T) {
	t.Parallel()
	kinds := budget.Kinds()[:2]
	rapid.Check(t, func(t *rapid.T) {
		var ledger budget.Ledger
		spent := make(map[budget.Kind][]time.Time)
		limit := rapid.IntRange(1, 4).Draw(t, "limit")
		now := noon
		for range rapid.IntRange(1, 60).Draw(t, "calls") {
			now = now.Add(time.Duration(rapid.IntRange(0, 4).Draw(t, "seconds")) * time.Second)
			spends := drawSpends(t, kinds, now, limit)
			before := ledger
			after, err := ledger.Apply(spends)
			require.Equal(t, before, ledger, "Apply does not change the ledger")
			fits := true
			for _, s := range spends {
				fits = fits && (s.N < 0 || count(spent[s.Kind], now)+s.N <= limit)
			}
			var over *budget.ExceededError
			if !fits {
				require.ErrorAs(t, err, &over)
				requireUntil(t, over, spends, spent[over.Kind], limit, now)
				continue
			}
			require.NoError(t, err, "below the limit nothing is refused")
			ledger = after
			for _, s := range spends {
				spent[s.Kind] = applied(spent[s.Kind], s)
			}
			for _, k := range kinds {
				require.Equal(t, count(spent[k], now), ledger.Count(k, window, now))
				require.LessOrEqual(t, most(spent[k]), limit)
				if ledger.Count(k, window, now) > 0 {
					require.True(t, ledger.Expires.After(now))
				}
			}
			require.LessOrEqual(t, len(ledger.Stamps), 2*limit, "a ledger stays small")
		}
	})
}

func drawSpends(t *rapid.T, kinds []budget.Kind, now time.Time, limit int) (list []budget.Spend) {
	for _, k := range kinds {
		switch rapid.IntRange(0, 3).Draw(t, string(k)) {
		case 0:
			at := now.Add(-time.Duration(rapid.IntRange(0, 14).Draw(t, "given back from")) * time.Second)
			list = append(list, budget.Spend{Key: "k", Kind: k, At: at, N: -rapid.IntRange(1, 2).Draw(t, "back"), Window: window})
		case 1, 2:
			list = append(list, budget.Spend{Key: "k", Kind: k, At: now, N: rapid.IntRange(1, 2).Draw(t, "n"), Window: window, Limit: limit})
		}
	}
	return list
}

func applied(spent []time.Time, s budget.Spend) []time.Time {
	for range s.N {
		spent = append(spent, s.At)
	}
	for range -s.N {
		for i, at := range spent {
			if at.Equal(s.At) {
				spent = append(spent[:i:i], spent[i+1:]...)
				break
			}
		}
	}
	return spent
}

func count(spent []time.Time, now time.Time) (n int) {
	for _, at := range spent {
		if at.After(now.Add(-window)) {
			n++
		}
	}
	return n
}

// most returns the most that is in any window.
func most(spent []time.Time) (n int) {
	for _, from := range spent {
		in := 0
		for _, at := range spent {
			if !at.Before(from) && at.Before(from.Add(window)) {
				in++
			}
		}
		n = max(n, in)
	}
	return n
}

// requireUntil requires that at the time of the error it fits, and not before.
func requireUntil(t *rapid.T, over *budget.ExceededError, spends []budget.Spend, spent []time.Time, limit int, now time.Time) {
	n := 0
	for _, s := range spends {
		if s.Kind == over.Kind {
			n = s.N
		}
	}
	if n > limit {
		require.True(t, over.Until.IsZero())
		return
	}
	require.True(t, over.Until.After(now))
	require.LessOrEqual(t, count(spent, over.Until)+n, limit)
	require.Greater(t, count(spent, over.Until.Add(-time.Microsecond))+n, limit)
}

func TestAnErrorSaysWhatIsUsedUpAndUntilWhen(t *testing.T) {
	t.Parallel()
	require.EqualError(t, &budget.ExceededError{Kind: budget.Texts, Until: noon}, "budget: the number's daily text limit is used up until 2030-06-01T12:00:00Z")
	require.EqualError(t, &budget.ExceededError{Kind: budget.Texts}, "budget: the number's text limit allows none")
}

func TestTheDefaultsStayBelowWhatOperatorsLockAt(t *testing.T) {
	t.Parallel()
	l, err := budget.Limits{Texts: 3}.WithDefaults()
	require.NoError(t, err)
	require.Equal(t, budget.Limits{Passwords: 2, QueryPasswords: 2, Texts: 3, Applications: 6, Places: 4}, l)
	for _, k := range budget.Kinds() {
		require.Positive(t, l.Of(k))
	}
	require.Zero(t, l.Of("another"))
	_, err = budget.Limits{Places: -1}.WithDefaults()
	require.ErrorContains(t, err, "Places")
}

func TestNumbersHaveToBeChosenWithALongSecret(t *testing.T) {
	t.Parallel()
	require.False(t, budget.Numbers{}.Chosen())
	require.True(t, budget.None().Chosen())
	require.False(t, budget.None().Counted())
	key, err := budget.None().Key("13800138000")
	require.NoError(t, err)
	require.Empty(t, key)
	_, err = budget.NewNumbers(make([]byte, 31))
	require.Error(t, err)
	secret := make([]byte, 32)
	n, err := budget.NewNumbers(secret)
	require.NoError(t, err)
	require.True(t, n.Chosen() && n.Counted())
	before, err := n.Key("13800138000")
	require.NoError(t, err)
	secret[0] = 1 // the host's to overwrite
	after, err := n.Key("１３８ ００１３ ８０００")
	require.NoError(t, err)
	require.Equal(t, before, after)
	other, err := budget.NewNumbers(secret)
	require.NoError(t, err)
	changed, err := other.Key("13800138000")
	require.NoError(t, err)
	require.NotEqual(t, before, changed)
}

func TestASpendThatNoMachineMakesIsInvalid(t *testing.T) {
	t.Parallel()
	good := budget.Spend{Key: "k", Kind: budget.Texts, At: noon, N: 1, Window: window, Limit: 1}
	back := good
	back.Kind, back.N = budget.Passwords, -1
	require.NoError(t, budget.Check([]budget.Spend{good, back}))
	require.NoError(t, budget.Check(nil))
	for name, change := range map[string]func(*budget.Spend){
		"far future": func(s *budget.Spend) { s.At = noon.AddDate(8000, 0, 0) }, "too many": func(s *budget.Spend) { s.N = 1001 },
		"too many back": func(s *budget.Spend) { s.N = -1001 }, "long window": func(s *budget.Spend) { s.Window = 400 * budget.Day },
		"another key": func(s *budget.Spend) { s.Key = "l" }, "a kind twice": func(s *budget.Spend) { s.Kind = budget.Texts },
		"a kind that is no name": func(s *budget.Spend) { s.Kind = "té" },
	} {
		s := back
		change(&s)
		require.True(t, errors.Is(budget.Check([]budget.Spend{good, s}), budget.ErrInvalid), name)
	}
}

func TestTheKeysOfNumbersDoNotDependOnWhatWasAskedBefore(t *testing.T) {
	t.Parallel()
	n, err := budget.NewNumbers(make([]byte, 32))
	require.NoError(t, err)
	want := map[string]string{"13800138000": "", "13800138001": ""}
	for number := range want {
		fresh, err := budget.NewNumbers(make([]byte, 32))
		require.NoError(t, err)
		want[number], err = fresh.Key(number)
		require.NoError(t, err)
	}
	var all sync.WaitGroup
	for range 4 {
		all.Go(func() {
			for range 100 {
				for number, key := range want {
					if got, err := n.Key(number); err != nil || got != key {
						t.Errorf("%s: %s, not %s (%v)", number, got, key, err)
					}
				}
			}
		})
	}
	all.Wait()
}
