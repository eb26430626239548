package console

import (
	"bytes"
	"context"
	"encoding/csv"
	"encoding/json"
	"strconv"
	"strings"
	"time"
	"unicode/utf8"

	"github.com/carrierfsm/carrierfsm"
	"github.com/carrierfsm/carrierfsm/outbox"
	"github.com/carrierfsm/carrierfsm/store/acts"
)

// exportSize is how many rows one request exports.
const exportSize = 1000

// exported is a list as JSON. Next is the link to what follows, empty at the end.
type exported[T any] struct {
	Rows []T    `json:"rows"`
	Next string `json:"next,omitempty"`
}

// table is a list as CSV.
type table[T any] struct {
	head  []string
	cells func(T) []string
}

// export answers with rows as JSON or CSV, with a link to what follows.
func export[T any](q *request, name string, rows []T, next string, t table[T]) error {
	var body bytes.Buffer
	kind := "application/json; charset=utf-8"
	if strings.HasSuffix(q.page, ".csv") {
		kind = "text/csv; charset=utf-8"
		body.WriteString("\ufeff") // without it spreadsheets in China take UTF-8 for GBK
		w := csv.NewWriter(&body)
		_ = w.Write(t.head) // to a buffer
		for _, r := range rows {
			cells := t.cells(r)
			for i := range cells {
				cells[i] = cell(cells[i])
			}
			_ = w.Write(cells)
		}
		w.Flush()
	} else if err := json.NewEncoder(&body).Encode(exported[T]{append([]T{}, rows...), next}); err != nil {
		return err
	}
	h := q.w.Header()
	h.Set("Content-Type", kind)
	h.Set("Content-Disposition", `attachment; filename="`+name+strings.TrimLeft(q.page, "abcdefghijklmnopqrstuvwxyz")+`"`)
	h.Set("Content-Length", strconv.Itoa(body.Len()))
	if next != "" {
		h.Set("Link", "<"+next+`>; rel="next"`)
	}
	_, _ = q.w.Write(body.Bytes()) // fails only when the client has gone
	return nil
}

// cell keeps a spreadsheet from taking a text for a formula. Some read full-width marks too.
func cell(text string) string {
	if first, _ := utf8.DecodeRuneInString(text); text != "" && strings.ContainsRune("=+-@＝＋－＠\t\r\n", first) {
		return "'" + text
	}
	return text
}

// moment formats a time of an export; empty for the zero time.
func moment(t time.Time) string {
	if t.IsZero() {
		return ""
	}
	return t.UTC().Format(time.RFC3339Nano)
}

// exportedVerification is a row of a list. Its names are those of the command's.
type exportedVerification struct {
	ID         string           `json:"id"`
	Reference  string           `json:"reference,omitempty"`
	State      carrierfsm.State `json:"state"`
	Step       int              `json:"step"`
	Source     string           `json:"source,omitempty"`
	SourceName string           `json:"source_name,omitempty"`
	Event      carrierfsm.Event `json:"event,omitempty"`
	InFlight   bool             `json:"in_flight"`
	Created    time.Time        `json:"created"`
	Updated    time.Time        `json:"updated"`
	Due        time.Time        `json:"due,omitzero"`
	Error      string           `json:"error,omitempty"` // why it can't be read
}

var verificationTable = table[exportedVerification]{
	[]string{"id", "reference", "state", "step", "source", "source_name", "event", "in_flight", "created", "updated", "due", "error"},
	func(v exportedVerification) []string {
		return []string{
			v.ID, v.Reference, string(v.State), strconv.Itoa(v.Step), v.Source, v.SourceName, string(v.Event), strconv.FormatBool(v.InFlight),
			moment(v.Created), moment(v.Updated), moment(v.Due), v.Error,
		}
	},
}

func (c *Console) exportList(q *request) error {
	ctx, cancel := context.WithTimeout(q.Context(), timeout)
	defer cancel()
	page, err := c.readList(ctx, q, exportSize, acts.Export)
	if err == nil && page.Found.Failed != nil {
		err = page.Found.Failed // a file has no place to say what is missing
	}
	if err != nil {
		return err
	}
	rows := make([]exportedVerification, len(page.Found.Rows))
	for i, v := range page.Found.Rows {
		rows[i] = exportedVerification{
			v.ID, v.Reference, v.State, v.Step, v.Source, v.SourceName, v.Reason, v.InFlight, v.Created, v.Updated, v.Due, unreadable(v.Err),
		}
	}
	next := ""
	if page.Found.Next != (carrierfsm.PageKey{}) {
		next = page.Form.Link(q.page, page.Found.Next)
	}
	return export(q, "verifications", rows, next, verificationTable)
}

var actTable = table[acts.Act]{
	[]string{"id", "at", "operator", "kind", "verification", "handler", "step", "count", "outcome", "ended", "reason"},
	func(a acts.Act) []string {
		return []string{
			a.ID, moment(a.At), a.Operator, string(a.Kind), a.Verification, a.Handler, strconv.Itoa(a.Step), strconv.Itoa(a.Count),
			string(a.Outcome), moment(a.Ended), a.Reason,
		}
	},
}

func (c *Console) exportActs(q *request) error {
	if c.cfg.Acts == nil {
		return errNoActs
	}
	ctx, cancel := context.WithTimeout(q.Context(), timeout)
	defer cancel()
	page, err := c.readActs(ctx, q, exportSize)
	if err == nil {
		err = c.looked(ctx, q, acts.Act{Kind: acts.Export, Count: len(page.Rows)})
	}
	if err != nil {
		return err
	}
	next := ""
	if page.Next != "" {
		next = page.Form.Link(q.page, page.Next)
	}
	return export(q, "acts", page.Rows, next, actTable)
}

// exportedParked is a parked row. Its names are those of the command's.
type exportedParked struct {
	Handler  string           `json:"handler"`
	ID       string           `json:"id"`
	Step     int              `json:"step"`
	Upto     int              `json:"upto"`
	Attempts int              `json:"attempts"`
	Why      string           `json:"why,omitempty"`
	Since    time.Time        `json:"since"`
	Next     time.Time        `json:"next"`
	Event    carrierfsm.Event `json:"event,omitempty"` // at which the handler failed
	Error    string           `json:"error,omitempty"` // with which it failed
	// Unreadable is why this process can't open Event and Error.
	Unreadable string `json:"unreadable,omitempty"`
}

var parkedTable = table[exportedParked]{
	[]string{"handler", "id", "step", "upto", "attempts", "why", "since", "next", "event", "error", "unreadable"},
	func(p exportedParked) []string {
		return []string{
			p.Handler, p.ID, strconv.Itoa(p.Step), strconv.Itoa(p.Upto), strconv.Itoa(p.Attempts), p.Why,
			moment(p.Since), moment(p.Next), string(p.Event), p.Error, p.Unreadable,
		}
	},
}

// exportParked exports the parked rows of a handler, or those with one error.
func (c *Console) exportParked(q *request) error {
	ctx, cancel := context.WithTimeout(q.Context(), timeout)
	defer cancel()
	v := q.URL.Query()
	name, only := v.Get("name"), v.Get("error")
	if err := c.knowsHandler(ctx, name); err != nil {
		return err
	}
	after, err := parseParkedKey(v.Get("after"), name)
	if err != nil {
		return err
	}
	list, err := c.cfg.Dispatcher.Parked(ctx, outbox.ParkedQuery{Handler: name, After: after, Limit: exportSize + 1})
	if err != nil {
		return err
	}
	next := ""
	if len(list) > exportSize {
		list = list[:exportSize]
		last := list[exportSize-1]
		v.Set("after", formatPageKey(last.Next, last.ID))
		next = q.page + "?" + v.Encode()
	}
	rows := make([]exportedParked, 0, len(list))
	for _, p := range c.parkedRows(list) {
		if only == "" || p.key() == only {
			rows = append(rows, exportedParked{
				p.Handler, p.ID, p.Step, p.Upto, p.Attempts, p.Why, p.Since, p.Next, p.Event, p.Error, p.Unreadable,
			})
		}
	}
	if err := c.looked(ctx, q, acts.Act{Kind: acts.Export, Handler: name, Count: len(rows)}); err != nil {
		return err
	}
	return export(q, "parked", rows, next, parkedTable)
}
