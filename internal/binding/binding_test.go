package binding_test

import (
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"go.uber.org/goleak"
	"pgregory.net/rapid"

	"github.com/carrierfsm/carrierfsm/internal/binding"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// list is what is added to a Values.
type list struct {
	a, b string
	n    int64
	flag bool
	at   time.Time
	id   []byte
}

func (l list) values() *binding.Values {
	v := new(binding.Values)
	v.Begin("list")
	v.Text(l.a)
	v.Text(l.b)
	v.Number(l.n)
	v.Flag(l.flag)
	v.Time(l.at)
	v.Bytes(l.id)
	return v
}

func draw(t *rapid.T) list {
	at := time.Time{}
	if rapid.Bool().Draw(t, "set") {
		at = time.UnixMicro(rapid.Int64Range(0, 3).Draw(t, "at")).UTC()
	}
	word := rapid.StringOfN(rapid.RuneFrom([]rune("a\x00\x01")), 0, 3, -1)
	return list{
		word.Draw(t, "a"), word.Draw(t, "b"), rapid.Int64Range(-1, 1).Draw(t, "n"), rapid.Bool().Draw(t, "flag"), at,
		[]byte(word.Draw(t, "id")),
	}
}

func TestOnlyEqualListsHaveTheSameData(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		x, y := draw(t), draw(t)
		same := x.a == y.a && x.b == y.b && x.n == y.n && x.flag == y.flag && x.at.Equal(y.at) && string(x.id) == string(y.id)
		require.Equal(t, same, string(x.values().Data()) == string(y.values().Data()))
		if same {
			require.Empty(t, x.values().Changed(y.values().Marks()))
		}
	})
}

func TestATitleSeparatesKindsOfLists(t *testing.T) {
	t.Parallel()
	var a, b binding.Values
	a.Begin("a")
	a.Text("x")
	b.Begin("b")
	b.Text("x")
	require.NotEqual(t, a.Data(), b.Data())
	a.Begin("b")
	a.Text("x")
	require.Equal(t, a.Data(), b.Data(), "Begin begins anew")
}

func TestTheChangedValuesAreNamed(t *testing.T) {
	t.Parallel()
	x := list{a: "one", b: "two", n: 3, at: time.UnixMicro(4), id: []byte("five")}
	marks := x.values().Marks()
	require.Empty(t, x.values().Changed(marks))
	y := x
	y.b, y.at = "other", time.Time{}
	require.Equal(t, []int{1, 4}, y.values().Changed(marks))
	y = x
	y.flag = true
	require.Equal(t, []int{3}, y.values().Changed(marks))
}

func TestALinkDependsOnAllBeforeIt(t *testing.T) {
	t.Parallel()
	var none binding.Link
	ab := none.Follow([]byte("a")).Follow([]byte("b"))
	require.Equal(t, ab, none.Follow([]byte("a")).Follow([]byte("b")))
	require.NotEqual(t, ab, none.Follow([]byte("b")).Follow([]byte("a")))
	require.NotEqual(t, ab, none.Follow([]byte("ab")))
	require.NotEqual(t, ab, none.Follow([]byte("b")))
}
