package memory_test

import (
	"context"
	"runtime"
	"strings"
	"testing"
	"unsafe"
	"weak"

	"github.com/stretchr/testify/require"
	"go.uber.org/goleak"

	"github.com/carrierfsm/carrierfsm"
	"github.com/carrierfsm/carrierfsm/fsmtest"
	"github.com/carrierfsm/carrierfsm/store/memory"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

func TestMemoryKeepsTheContract(t *testing.T) {
	t.Parallel()
	fsmtest.TestStore(t, func(testing.TB) fsmtest.StoreSubject {
		return fsmtest.StoreSubject{Store: memory.New()}
	})
}

func TestAnUnchangedKeyKeepsNoTextOfTheCallersInMemory(t *testing.T) {
	t.Parallel()
	s := memory.New()
	r := carrierfsm.Record{ID: "v1", State: carrierfsm.Created, Version: 1, Key: strings.Repeat("k", 32)}
	require.NoError(t, s.Create(context.Background(), r))
	text := func() weak.Pointer[byte] {
		text := strings.Repeat("k", 1000)
		r.Version, r.Key = 2, text[:32]
		require.NoError(t, s.Commit(context.Background(), r))
		r.Key = ""
		return weak.Make(unsafe.StringData(text))
	}()
	for range 100 {
		if runtime.GC(); text.Value() == nil {
			break
		}
	}
	require.Nil(t, text.Value())
	runtime.KeepAlive(s)
}

func TestMemoryKeepsTheContractOfAnOutbox(t *testing.T) {
	t.Parallel()
	fsmtest.TestOutbox(t, func(testing.TB) fsmtest.OutboxSubject {
		return fsmtest.OutboxSubject{Store: memory.New()}
	})
}

func TestMemoryKeepsTheContractOfAnAuditor(t *testing.T) {
	t.Parallel()
	fsmtest.TestAuditor(t, func(testing.TB) fsmtest.AuditorSubject { return fsmtest.AuditorSubject{Store: memory.New()} })
}

func TestMemoryKeepsTheContractOfASurveyor(t *testing.T) {
	t.Parallel()
	fsmtest.TestSurveyor(t, func(testing.TB) fsmtest.SurveyorSubject {
		return fsmtest.SurveyorSubject{Store: memory.New()}
	})
}

func TestMemoryKeepsTheContractOfFigures(t *testing.T) {
	t.Parallel()
	fsmtest.TestFigures(t, func(testing.TB) fsmtest.FiguresSubject {
		return fsmtest.FiguresSubject{Store: memory.New()}
	})
}

func TestMemoryKeepsTheContractOfALogOfActs(t *testing.T) {
	t.Parallel()
	fsmtest.TestActs(t, func(testing.TB) fsmtest.ActsSubject { return fsmtest.ActsSubject{Store: memory.New()} })
}
