package simulator_test

import (
	"encoding/json"
	"maps"
	"strings"
)

// dialect is how a client writes a request of which only the step, its secret, the
// token, the website and the account are fixed; it also has the service password.
type dialect func(request fields, password string) fields

// dialects are those of the clients that are known.
var dialects = map[string]dialect{
	"as it is":        nil,
	"only the needed": func(request fields, _ string) fields { return withoutEmpty(withoutAccount(request, nil)) },
	"all with empty texts": func(request fields, _ string) fields {
		return withAll(withoutAccount(request, ""), "")
	},
	"all with null": func(request fields, _ string) fields {
		return withAll(withoutAccount(withoutEmpty(request), nil), nil)
	},
	"everything again": func(request fields, password string) fields {
		out := withAll(request, "")
		if follows(request) {
			out["password"] = password
		}
		return out
	},
	"numbers": func(request fields, _ string) fields {
		out := maps.Clone(request)
		for name, value := range out {
			if text, _ := value.(string); name != "token" && isNumber(text) {
				out[name] = json.Number(text)
			}
		}
		return out
	},
	"a reset as a submit": func(request fields, _ string) fields {
		out := maps.Clone(request)
		if out["type"] == "RESEND_RESET_PWD_CAPTCHA" {
			out["type"] = "SUBMIT_RESET_PWD"
		}
		return out
	},
	"a reset without a type": func(request fields, _ string) fields {
		out := maps.Clone(request)
		if out["type"] == "RESEND_RESET_PWD_CAPTCHA" {
			delete(out, "type")
		}
		return out
	},
}

// speak returns the request as the run's client writes it.
func (r *run) speak(request fields) fields {
	if r.dialect == nil {
		return request
	}
	return r.dialect(request, r.person.Password)
}

// follows reports whether a step follows the password, so that a client may leave
// out the account.
func follows(request fields) bool {
	switch request["type"] {
	case "SUBMIT_CAPTCHA", "RESEND_CAPTCHA", "SUBMIT_QUERY_PWD":
		return true
	default:
		return false
	}
}

// withoutAccount replaces the account by a value where a client may leave it out; nil
// removes it.
func withoutAccount(request fields, value any) fields {
	out := maps.Clone(request)
	switch {
	case !follows(request):
	case value == nil:
		delete(out, "account")
	default:
		out["account"] = value
	}
	return out
}

func withoutEmpty(request fields) fields {
	out := maps.Clone(request)
	maps.DeleteFunc(out, func(_ string, value any) bool { return value == "" })
	return out
}

// withAll adds the fields that are missing.
func withAll(request fields, value any) fields {
	out := maps.Clone(request)
	for _, name := range []string{"token", "website", "account", "password", "captcha", "type", "queryPwd"} {
		if _, found := out[name]; !found {
			out[name] = value
		}
	}
	return out
}

// isNumber reports whether JSON can write a text as a number and lose nothing.
func isNumber(text string) bool {
	return text != "" && strings.Trim(text, "0123456789") == "" && !strings.HasPrefix(text, "0")
}
