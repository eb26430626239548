package seal_test

import (
	"fmt"

	"github.com/carrierfsm/carrierfsm"
	"github.com/carrierfsm/carrierfsm/store/seal"
)

// The first key seals, all keys open. So a key is rotated by putting a new one before
// it; Machine.Reseal then seals the records with the new one.
func ExampleNew() {
	march := seal.Key{ID: "2026-03", Key: carrierfsm.NewSecret("0123456789abcdef0123456789abcdef")}
	april := seal.Key{ID: "2026-04", Key: carrierfsm.NewSecret("fedcba9876543210fedcba9876543210")}
	before, err := seal.New(march)
	if err != nil {
		panic(err)
	}
	after, err := seal.New(april, march)
	if err != nil {
		panic(err)
	}

	place := []byte("row 1") // what is sealed for one place can't be opened in another
	sealed, _ := before.Encrypt([]byte("a record"), place)
	text, err := after.Decrypt(sealed, place)
	fmt.Println(string(text), err)

	sealed, _ = after.Encrypt([]byte("a record"), place)
	_, err = before.Decrypt(sealed, place)
	fmt.Println(err)
	// Output:
	// a record <nil>
	// seal: no key opens it
}
