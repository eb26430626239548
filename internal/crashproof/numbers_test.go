package crashproof_test

import (
	"bytes"

	carrierbudget "github.com/carrierfsm/carrierfsm/budget"
)

// numbers are those of all replicas.
func numbers() carrierbudget.Numbers {
	n, err := carrierbudget.NewNumbers(bytes.Repeat([]byte("n"), 32))
	if err != nil {
		panic(err)
	}
	return n
}
