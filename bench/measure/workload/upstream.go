// Package workload is the work of every subject: one plain SMS verification, with an
// upstream that answers at once.
package workload

import (
	"context"

	"github.com/carrierfsm/carrierfsm"
)

// The values of the invented person, and of upstream.
const (
	Phone    = "13800138000"
	Password = "246810"
	Code     = "500001"
	Token    = "00000000000000000000000000000001"
	Website  = "chinamobilejs"
)

// Upstream asks for a code after each password, and then completes. It answers in
// the process, at once.
type Upstream struct{}

// Apply accepts every form.
func (Upstream) Apply(context.Context, carrierfsm.Application) (carrierfsm.Receipt, error) {
	return carrierfsm.Receipt{
		Accepted: true, Token: carrierfsm.NewSecret(Token),
		Source: carrierfsm.Source{Website: Website, Name: "江苏移动", Online: true},
	}, nil
}

// Collect asks for a code after the password, and completes after the code.
func (Upstream) Collect(_ context.Context, r carrierfsm.Request) (carrierfsm.Reply, error) {
	if r.Input == carrierfsm.InputPassword {
		return carrierfsm.Reply{Success: true, Code: "10002", Type: "CONTROL", Content: carrierfsm.NewSecret("输入动态密码")}, nil
	}
	return carrierfsm.Reply{Success: true, Code: "10008", Type: "CONTROL", Content: carrierfsm.NewSecret("开始采集行为数据"), Finish: true}, nil
}
