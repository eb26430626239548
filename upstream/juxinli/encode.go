package juxinli

import (
	"encoding/json"

	"github.com/carrierfsm/carrierfsm"
)

// form is the body of an application.
type form struct {
	BasicInfo basicInfo `json:"basic_info"`
	Contacts  []contact `json:"contacts,omitempty"`
}

type basicInfo struct {
	Name     string `json:"name"`
	IDCard   string `json:"id_card_num"`
	Phone    string `json:"cell_phone_num"`
	HomeAddr string `json:"home_addr"`
	WorkTel  string `json:"work_tel"`
	WorkAddr string `json:"work_addr"`
	HomeTel  string `json:"home_tel"`
}

type contact struct {
	Tel  string `json:"contact_tel"`
	Name string `json:"contact_name"`
	Type string `json:"contact_type"`
}

// request is the body of a collect call.
type request struct {
	Token    string `json:"token"`
	Website  string `json:"website"`
	Account  string `json:"account"`
	Password string `json:"password"`
	Captcha  string `json:"captcha"`
	Type     string `json:"type"`
	QueryPwd string `json:"queryPwd"`
}

func encodeForm(f carrierfsm.Form) []byte {
	out := form{BasicInfo: basicInfo{
		Name: f.Name, IDCard: f.IDCard, Phone: f.Phone,
		HomeAddr: f.HomeAddress, WorkTel: f.WorkPhone, WorkAddr: f.WorkAddress, HomeTel: f.HomePhone,
	}}
	for _, c := range f.Contacts {
		if c.Relation == "" {
			c.Relation = "1"
		}
		out.Contacts = append(out.Contacts, contact{Tel: c.Phone, Name: c.Name, Type: c.Relation})
	}
	return encode(out)
}

// encodeRequest copies the secrets into the body, which the caller overwrites.
// The copies that encoding/json makes on the way can't be overwritten; they
// last until the next garbage collection.
func encodeRequest(kind string, r carrierfsm.Request) []byte {
	return encode(request{
		Token: r.Token, Website: r.Website, Account: r.Account, Type: kind,
		Password: reveal(r.Password), Captcha: reveal(r.Captcha), QueryPwd: reveal(r.QueryPassword),
	})
}

func reveal(s carrierfsm.Secret) (value string) {
	s.Use(func(b []byte) { value = string(b) })
	return value
}

// encode can't fail: the structs above hold strings.
func encode(v any) []byte {
	body, err := json.Marshal(v)
	if err != nil {
		panic(err)
	}
	return body
}
