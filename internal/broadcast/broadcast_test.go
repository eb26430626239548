package broadcast_test

import (
	"testing"
	"testing/synctest"

	"github.com/stretchr/testify/require"

	"github.com/carrierfsm/carrierfsm/internal/broadcast"
)

func TestEachSubscriberIsNotifiedOnceForSeveralNotifications(t *testing.T) {
	t.Parallel()
	var b broadcast.Broadcast
	b.Notify() // without subscribers
	first, cancelFirst := b.Subscribe()
	second, cancelSecond := b.Subscribe()
	defer cancelSecond()
	require.Empty(t, first, "a notification before the subscription does not count")
	b.Notify()
	b.Notify()
	require.Len(t, first, 1)
	require.Len(t, second, 1)
	<-first
	b.Notify()
	require.Len(t, first, 1)
	<-first
	cancelFirst()
	b.Notify()
	require.Empty(t, first, "a canceled subscription gets nothing")
	require.Len(t, second, 1)
}

func TestANotificationDuringTheWorkIsNotLost(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		var b broadcast.Broadcast
		notified, cancel := b.Subscribe()
		defer cancel()
		woken := make(chan int, 2)
		go func() {
			for n := range 2 {
				<-notified
				woken <- n
			}
		}()
		b.Notify()
		synctest.Wait()
		b.Notify()
		synctest.Wait()
		require.Len(t, woken, 2)
	})
}
