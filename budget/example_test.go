package budget_test

import (
	"errors"
	"fmt"
	"time"

	"github.com/carrierfsm/carrierfsm/budget"
)

// A number has one key in every spelling, and nobody without the secret can find the
// number of a key.
func ExampleNumbers_Key() {
	numbers, err := budget.NewNumbers([]byte("32 random bytes, the same in all replicas"))
	if err != nil {
		fmt.Println(err)
	}
	one, _ := numbers.Key("13800138000")
	other, _ := numbers.Key("+86 138 0013 8000")
	_, err = numbers.Key("a number")
	fmt.Println(len(one), one == other, err)
	fmt.Printf("%+v\n", numbers)
	// Output:
	// 24 true typed: there is no mobile number of 11 digits
	// budget.Numbers [redacted]
}

// A store applies what a commit spends in the transaction of the commit.
func ExampleLedger_Apply() {
	at := time.Date(2030, 6, 1, 12, 0, 0, 0, time.UTC)
	spend := budget.Spend{Key: "k", Kind: budget.Passwords, At: at, N: 1, Window: budget.Day, Limit: 2}
	ledger, err := budget.Ledger{}.Apply([]budget.Spend{spend})
	fmt.Println(ledger.Count(budget.Passwords, budget.Day, at), err)

	spend.At, spend.N = at.Add(time.Hour), 2
	_, err = ledger.Apply([]budget.Spend{spend})
	var over *budget.ExceededError
	fmt.Println(errors.As(err, &over), over.Until)
	// Output:
	// 1 <nil>
	// true 2030-06-02 12:00:00 +0000 UTC
}
