package juxinli

import "strings"

// Operator is a mobile operator. Its value is the prefix of the websites of its
// sources.
type Operator string

// The operators whose customers upstream can verify.
const (
	ChinaMobile  Operator = "chinamobile"
	ChinaTelecom Operator = "chinatelecom"
	ChinaUnicom  Operator = "chinaunicom"
)

// Website returns the website of the operator's source in a province, given by
// two letters: ChinaMobile.Website("js") is "chinamobilejs". China Unicom has one
// website for all provinces.
func (o Operator) Website(province string) string {
	if o == ChinaUnicom {
		return string(o)
	}
	return string(o) + strings.ToLower(province)
}

// owns reports whether a website is one of the operator's.
func (o Operator) owns(website string) bool { return strings.HasPrefix(website, string(o)) }

// prefixes are the first three digits assigned to each operator, without those of
// resellers, whose customers have no account with the operator.
var prefixes = map[Operator]string{
	ChinaMobile:  "134 135 136 137 138 139 147 148 150 151 152 157 158 159 172 178 182 183 184 187 188 195 197 198",
	ChinaUnicom:  "130 131 132 145 146 155 156 166 175 176 185 186 196",
	ChinaTelecom: "133 149 153 173 174 177 180 181 189 190 191 193 199",
}

// OperatorOf returns the operator to which a phone number of 11 digits was
// assigned; ok is false if it is not known. Numbers can be ported to another
// operator, so the result is only likely.
func OperatorOf(phone string) (o Operator, ok bool) {
	if len(phone) != 11 || strings.HasPrefix(phone, "1349") { // 1349: satellites
		return "", false
	}
	for o, list := range prefixes {
		for prefix := range strings.FieldsSeq(list) {
			if strings.HasPrefix(phone, prefix) {
				return o, true
			}
		}
	}
	return "", false
}
