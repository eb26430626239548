package secondvendor

import (
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"strconv"

	"github.com/carrierfsm/carrierfsm"
	"github.com/carrierfsm/carrierfsm/upstream/sendonce"
)

// task is a task in the vendor's responses.
type task struct {
	ID       string `json:"id"`
	Operator string `json:"operator"`
	Round    int    `json:"round"`
	Phase    string `json:"phase"`
	Reason   string `json:"reason"`
	Hint     string `json:"hint"`
}

const crawling = "CRAWLING"

// form is the body of POST /tasks.
type form struct {
	Name   string `json:"name"`
	IDCard string `json:"id_card"`
	Phone  string `json:"phone"`
}

// input is the body of POST /tasks/{id}/inputs.
type input struct {
	Round int    `json:"round"`
	Kind  string `json:"kind"`
	Value string `json:"value,omitempty"`
}

// Format prints nothing of the form.
func (form) Format(f fmt.State, _ rune) { _, _ = fmt.Fprint(f, "form [redacted]") }

// Format prints nothing of the value.
func (i input) Format(f fmt.State, _ rune) { _, _ = fmt.Fprintf(f, "input %s [redacted]", i.Kind) }

var (
	errInput = fmt.Errorf("secondvendor: the input is not supported, or its secret is empty: %w", carrierfsm.ErrNotSent)
	// After errUnfinished and errMalformed the outcome is unknown.
	errUnfinished = errors.New("secondvendor: the task was still crawling when the call ended")
	errMalformed  = errors.New("secondvendor: the response does not follow the API")
)

// inputOf picks the one secret of the input. This vendor needs no password with a
// code.
func inputOf(r carrierfsm.Request, round int) (input, error) {
	in := input{Round: round}
	var secret carrierfsm.Secret
	switch r.Input {
	case carrierfsm.InputPassword:
		in.Kind, secret = "PASSWORD", r.Password
	case carrierfsm.InputCaptcha:
		in.Kind, secret = "CODE", r.Captcha
	case carrierfsm.InputQueryPassword:
		in.Kind, secret = "QUERY_PASSWORD", r.QueryPassword
	case carrierfsm.InputResendCaptcha:
		in.Kind = "RESEND"
		return in, nil
	default:
		return input{}, errInput
	}
	if in.Value = value(secret); in.Value == "" {
		return input{}, errInput
	}
	return in, nil
}

// value returns the value of a Secret, for the body of a request.
func value(s carrierfsm.Secret) (text string) {
	s.Use(func(v []byte) { text = string(v) })
	return text
}

// processCodes maps a phase and its reason to a process code of the reply table. A
// phase that is not listed has no code, so the person is asked again.
var processCodes = map[[2]string]carrierfsm.ProcessCode{
	{"WAIT_PASSWORD", ""}:               "10003", // the table has no code that asks for the password without a rejection
	{"WAIT_PASSWORD", "WRONG_PASSWORD"}: "10003",
	{"WAIT_CODE", ""}:                   "10002",
	{"WAIT_CODE", "ONE_MORE_CODE"}:      "10001",
	{"WAIT_CODE", "WRONG_CODE"}:         "10004",
	{"WAIT_CODE", "NEW_CODE_SENT"}:      "10006",
	{"WAIT_QUERY_PASSWORD", ""}:         "10022",
	{"WAIT_QUERY_PASSWORD", "WRONG"}:    "10023",
	{"COLLECTING", ""}:                  "10008", // logged in; the rest needs no input
	{"DONE", ""}:                        "10008",
	{"FAILED", ""}:                      "30000",
	{"FAILED", "WEAK_PASSWORD"}:         "10007",
	{"FAILED", "NOT_THEIRS"}:            "10009",
}

// reply converts a task that needs an input, or has ended.
func (t task) reply() carrierfsm.Reply {
	code, known := processCodes[[2]string{t.Phase, t.Reason}]
	if !known {
		code = processCodes[[2]string{t.Phase, ""}] // an unknown reason; the phase still says what is needed
	}
	return carrierfsm.Reply{
		Success: true, Type: "CONTROL", Code: code, Content: carrierfsm.NewSecret(t.Hint), Cursor: []byte(strconv.Itoa(t.Round)),
	}
}

// receipt converts a new task.
func (t task) receipt() (carrierfsm.Receipt, error) {
	if t.ID == "" || t.Operator == "" {
		return carrierfsm.Receipt{}, errMalformed
	}
	return carrierfsm.Receipt{
		Accepted: true, Message: carrierfsm.NewSecret(t.Hint), Token: carrierfsm.NewSecret(t.ID),
		Source: carrierfsm.Source{Website: t.Operator, Name: t.Operator, Online: t.Phase != "FAILED"},
	}, nil
}

// refusal is a refusal by the vendor. It is not returned to callers, and its text
// leaves out the message, which may repeat what was sent.
type refusal struct{ message string }

// Error does not repeat the message.
func (*refusal) Error() string { return "secondvendor: refused" }

// refusalStatuses are those of a conflict, which has the unchanged task, and of what
// refuses the request's content. The others of 4xx are about the key or the rate,
// which must not end a verification.
var refusalStatuses = []int{
	http.StatusConflict, http.StatusBadRequest, http.StatusNotFound, http.StatusGone, http.StatusUnprocessableEntity,
}

// decode decodes a response: a task, or a refusal.
func decode(r sendonce.Response) (task, error) {
	defer clear(r.Body)
	var body struct {
		task
		Message string `json:"message"`
	}
	switch err := json.Unmarshal(r.Body, &body); {
	case err != nil:
		return task{}, errMalformed
	case r.Status >= http.StatusBadRequest && r.Status != http.StatusConflict:
		return task{}, &refusal{body.Message}
	case body.Phase == "":
		return task{}, errMalformed
	}
	return body.task, nil
}
