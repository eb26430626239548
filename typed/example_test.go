package typed_test

import (
	"errors"
	"fmt"

	"github.com/carrierfsm/carrierfsm/typed"
)

// A code is found in a pasted message.
func ExampleCode() {
	code, err := typed.Code("【江苏移动】验证码：５００００１（5分钟内有效）")
	fmt.Println(code, err)
	_, err = typed.Code("500001 or 500002")
	fmt.Println(errors.Is(err, typed.ErrNoCode))
	// Output:
	// 500001 <nil>
	// true
}

// Hash the number that is meant, not the text that was typed.
func ExamplePhone() {
	phone, err := typed.Phone("+86 138-0013-8000")
	fmt.Println(phone, err)
	// Output: 13800138000 <nil>
}
