package proof_test

import "strings"

// A model of the aggregator's API, written from its description (upstream-api.md)
// and from nothing else: what the person is asked after each answer, and what the
// next request must be. It uses no event, no rule and no state of the library.

// asked is what the description asks the person for next.
type asked string

const (
	askForm     asked = "the form"
	askPassword asked = "the service password"
	askQuery    asked = "the query password"
	askCode     asked = "the SMS code"
	askSecond   asked = "a second SMS code"
	askCXXD     asked = "the code that comes after texting CXXD"
	askSomeCode asked = "the same code again"
	askReset    asked = "the code of the reset"
	collecting  asked = "nothing: collection has started"
	over        asked = "nothing: it has ended"
)

func (a asked) code() bool {
	return a == askCode || a == askSecond || a == askCXXD || a == askSomeCode
}

// dataSource has the fields of a DataSource that matter here.
type dataSource struct {
	Website     string
	Status      int
	ResetMethod int
}

// answer is one answer of the upstream, before it is encoded. A nil code, an empty
// tpl and an empty kind are absent.
type answer struct {
	success bool
	message string // beside success false
	code    *int
	kind    string // data.type
	content string
	tpl     string
	finish  bool
	next    *dataSource
	lost    bool // the request takes effect, and the answer is lost
}

// protocol is the state of one application.
type protocol struct {
	ask      asked
	token    string
	phone    string
	password string // goes with every code
	at       dataSource
	mayReset bool // the source lets its password be reset
	fresh    bool // the last answer sent a code: no other for 60 s
}

// received is the answer to the form: section 1.2.
func (p *protocol) received(a answer, token string, at dataSource) {
	switch {
	case a.lost:
	case !a.success: // the host can correct the form
	case at.Status != 1:
		p.ask = over // section 6: unsupported now
	default:
		p.ask, p.token = askPassword, token
		p.begin(at)
	}
}

func (p *protocol) begin(at dataSource) {
	p.at, p.password, p.mayReset = at, "", at.ResetMethod == 1 || at.ResetMethod == 2
}

// collected is the answer to messages/collect/req: sections 3 and 4.
func (p *protocol) collected(a answer) {
	p.fresh = false
	already := strings.Contains(a.message, "抓取完成") || a.kind == "ERROR" && strings.Contains(a.content, "已经采集完成")
	switch {
	case a.lost:
	case !a.success && !already:
		p.ask = over
	case !a.success, already && (a.code == nil || *a.code == 30000):
		p.through(a)
	case a.code != nil && p.byCode(a, p.again()):
	case a.tpl == "SUBMIT_CAPTCHA", a.tpl == "RESEND_CAPTCHA":
		p.ask = askCode
	case a.tpl == "SUBMIT_QUERY_PWD":
		p.ask = askQuery
	case a.kind == "ERROR" && a.tpl == "":
		p.ask = over
	}
}

// again asks for the same code again, or for a code if none was asked for.
func (p *protocol) again() asked {
	if p.ask.code() {
		return askSomeCode
	}
	return askCode
}

// byCode follows a process_code as the table of section 4 does. It returns false for
// a code that is in no table.
func (p *protocol) byCode(a answer, again asked) bool {
	switch *a.code {
	case 0: // timed out, may still be working
	case 10001:
		p.ask, p.fresh = askSecond, true
	case 10002:
		p.ask, p.fresh = askCode, true
	case 10003:
		p.ask = askPassword
	case 10004:
		p.ask = again
	case 10006: // a new one has already been sent
		p.ask, p.fresh = again, true
	case 10007:
		p.ask = over
		if p.mayReset {
			p.ask = askPassword
		}
	case 10008:
		p.through(a)
	case 10009, 30000, 31000:
		p.ask = over
	case 10010, 11000, 11001: // of the reset
	case 10017, 10018:
		p.ask = askCXXD
	case 10022, 10023:
		p.ask = askQuery
	default:
		return false
	}
	return true
}

// through ends this source and starts the next one, if there is one.
func (p *protocol) through(a answer) {
	if a.finish || a.next == nil {
		p.ask = collecting
		return
	}
	p.ask = askPassword
	p.begin(*a.next)
}

// wasReset is the answer to messages/reset/req: section 5.
func (p *protocol) wasReset(a answer) {
	p.fresh = false
	if a.lost || a.code == nil {
		return
	}
	switch *a.code {
	case 10001, 10002:
		p.ask, p.fresh = askReset, true
	case 10006:
		p.ask, p.fresh = askReset, true
	case 10004, 10010, 11001:
		p.ask = askReset
	case 11000: // only this is success
		p.ask, p.password = askPassword, ""
	case 31000, 30000:
		p.ask = over
	}
}

// skipped is the answer to messages/collect/skip: section 2.
func (p *protocol) skipped(a answer) {
	p.fresh = false
	if !a.lost && a.code != nil && *a.code == 10008 {
		p.through(a)
	}
}

// sent is what one request must be.
type sent struct {
	path   string
	fields map[string]string // that it must have, with these values
}

const (
	pathForm    = "/orgApi/rest/v2/applications/DEMO"
	pathCollect = "/orgApi/rest/v2/messages/collect/req"
	pathSkip    = "/orgApi/rest/v2/messages/collect/skip"
	pathReset   = "/orgApi/rest/v2/messages/reset/req"
)

func (p *protocol) named(path string, more map[string]string) sent {
	fields := map[string]string{"token": p.token, "website": p.at.Website, "account": p.phone, "captcha": "", "queryPwd": ""}
	if path == pathReset {
		delete(fields, "queryPwd")
	}
	for k, v := range more {
		fields[k] = v
	}
	return sent{path, fields}
}

// The requests of sections 3 and 5. A code is sent with the password; nothing says
// that a query password or a resend needs that.
func (p *protocol) sendsPassword(password string) sent {
	p.password = password
	return p.named(pathCollect, map[string]string{"password": password, "type": ""})
}

func (p *protocol) sendsCode(code string) sent {
	return p.named(pathCollect, map[string]string{"captcha": code, "password": p.password, "type": "SUBMIT_CAPTCHA"})
}

func (p *protocol) sendsQuery(query string) sent {
	return p.named(pathCollect, map[string]string{"queryPwd": query, "type": "SUBMIT_QUERY_PWD"})
}

// sendsResend requests another code, of the login or of the reset.
func (p *protocol) sendsResend() sent {
	if p.ask == askReset {
		return p.sendsReset()
	}
	return p.named(pathCollect, map[string]string{"type": "RESEND_CAPTCHA"})
}

func (p *protocol) sendsReset() sent {
	return p.named(pathReset, map[string]string{"type": "RESEND_RESET_PWD_CAPTCHA", "password": ""})
}

// sendsResetCode sends the new password too, by method 2.
func (p *protocol) sendsResetCode(code, newPassword string) sent {
	return p.named(pathReset, map[string]string{"captcha": code, "password": newPassword, "type": "SUBMIT_RESET_PWD"})
}

func (p *protocol) sendsSkip() sent {
	return sent{pathSkip, map[string]string{"token": p.token, "password": "", "captcha": ""}}
}
