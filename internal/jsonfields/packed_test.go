package jsonfields_test

import (
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"

	"github.com/carrierfsm/carrierfsm/internal/jsonfields"
)

func pack(o object) (string, bool) {
	f := jsonfields.Pack(nil)
	o.fields(&f)
	return string(f.Text()), f.Done()
}

func unpack(text string) (o object, ok bool) {
	f := jsonfields.Unpack(text, nil)
	o.fields(&f)
	return o, f.Done()
}

func TestWhatIsPackedComesBackAsItWas(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		o := objects(t, rapid.String())
		text, ok := pack(o)
		if _, nameless := o.Counts[""]; nameless {
			require.False(t, ok, "it would look like the end of the counts")
			return
		}
		require.True(t, ok)
		again, ok := unpack(text)
		require.True(t, ok, "%q", text)
		require.Empty(t, same(o, again))
		require.Equal(t, o.At, again.At, "in the same location")
	})
}

func TestATimeThatIsNotWholeMicrosecondsInUTCIsNotPacked(t *testing.T) {
	t.Parallel()
	at := time.Unix(1_900_000_000, 5000)
	for _, c := range []struct {
		at   time.Time
		want bool
	}{
		{at.UTC(), true},
		{time.Time{}, true},
		{at.In(time.FixedZone("", 3600)), false},
		{at.Add(1).UTC(), false},
	} {
		_, ok := pack(object{At: c.at})
		require.Equal(t, c.want, ok, c.at)
	}
}

func TestAnotherTextIsNotUnpacked(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		text, _ := pack(objects(t, rapid.StringN(1, 5, -1)))
		_, ok := unpack(text[:rapid.IntRange(0, len(text)-1).Draw(t, "cut")])
		require.False(t, ok, "cut")
		_, ok = unpack(text + "\x00")
		require.False(t, ok, "longer")
		damaged := []byte(text)
		damaged[rapid.IntRange(0, len(text)-1).Draw(t, "at")] = rapid.Byte().Draw(t, "byte")
		_, _ = unpack(string(damaged)) // it does not panic
	})
}

// Others may read the object meanwhile: the race detector notices a write.
func TestPackingChangesNothing(t *testing.T) {
	t.Parallel()
	o := object{Text: "a", Words: []word{"b"}, Bytes: []byte("c"), At: time.Unix(1, 0).UTC(), Inner: &inner{N: 1}, Counts: counts{"d": 1}, Flag: true}
	done := make(chan bool)
	for range 2 {
		go func() {
			f := jsonfields.Pack(nil)
			o.fields(&f)
			done <- f.Done()
		}()
	}
	require.True(t, <-done)
	require.True(t, <-done)
}
