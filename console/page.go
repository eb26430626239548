package console

import (
	"bytes"
	"crypto/sha256"
	"embed"
	"encoding/hex"
	"fmt"
	"html/template"
	"net/http"
	"strconv"

	"github.com/carrierfsm/carrierfsm"
)

//go:embed web
var web embed.FS

// pages are the templates by name, each within the layout.
var pages = func() map[string]*template.Template {
	layout := template.Must(template.New("layout.html").Funcs(words).ParseFS(web, "web/layout.html", "web/parts.html"))
	all := make(map[string]*template.Template)
	for _, name := range []string{"overview", "list", "attention", "verification", "handlers", "confirm", "trouble"} {
		all[name] = template.Must(template.Must(layout.Clone()).ParseFS(web, "web/"+name+".html"))
	}
	return all
}()

// frame is what the layout needs to know, with the page's own Body.
type frame struct {
	Site, Title, Page string
	Operator          Operator
	Notice            string
	Version           string // of the assets
	Refreshes         bool   // when asked to; never what a form was answered with
	Body              any
}

// Acts tells whether the operator may act.
func (f frame) Acts() bool { return f.Operator.Access >= Act }

// show renders a page, all of it before anything is sent.
func (c *Console) show(q *request, status int, name, title string, body any) {
	f := frame{
		Site: c.cfg.Title, Title: title, Page: q.page, Operator: q.by,
		Notice: notices[q.URL.Query().Get("did")], Version: version, Body: body,
		Refreshes: status == http.StatusOK && name != "list" && name != "confirm",
	}
	var page bytes.Buffer
	if err := pages[name].ExecuteTemplate(&page, "layout.html", view{f, q.clock()}); err != nil {
		c.cfg.Logger.ErrorContext(q.Context(), "console: a page could not be drawn", "page", name, "err", err)
		http.Error(q.w, "The page could not be drawn.", http.StatusInternalServerError)
		return
	}
	q.w.Header().Set("Content-Type", "text/html; charset=utf-8")
	q.w.Header().Set("Content-Length", strconv.Itoa(page.Len()))
	q.w.WriteHeader(status)
	_, _ = q.w.Write(page.Bytes()) // whoever does not listen any more
}

// view is a frame and the time at which it is looked at.
type view struct {
	frame
	clock
}

// notices are what is said after an action, by what was done.
var notices = map[string]string{
	"cancel":  "Canceled. It has ended in failed.",
	"pending": "The cancellation is noted. It takes effect when the answer under way is settled, unless that ends the verification by itself.",
	"expire":  "Expired. It has ended in failed.",
	"erase":   "Erased. What is left is a tombstone: id, states, events and times.",
	"replay":  "Noted. The replica that leads the handler calls it again shortly.",
}

// version changes with the assets, so that they may be kept for long.
var version = func() string {
	sum := sha256.New()
	for _, name := range []string{"style.css", "console.js", "icon.svg"} {
		sum.Write(assetOf(name))
	}
	return hex.EncodeToString(sum.Sum(nil))[:12]
}()

func assetOf(name string) []byte {
	content, err := web.ReadFile("web/" + name)
	if err != nil {
		panic(fmt.Sprintf("console: %v", err)) // it is embedded
	}
	return content
}

// asset serves a file that is the same for everyone.
func (*Console) asset(name, kind string) func(*request) error {
	content := assetOf(name)
	return func(q *request) error {
		q.w.Header().Set("Content-Type", kind)
		q.w.Header().Set("Cache-Control", "private, max-age=86400")
		_, _ = q.w.Write(content)
		return nil
	}
}

// Beginning is the mark of the first page of a list.
func (frame) Beginning() (m carrierfsm.ListMark) { return m }
