package memory_test

import (
	"testing"

	"go.uber.org/goleak"

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
