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

// pages are the templates by name, each with the layout, in a language.
var pages = map[*language]map[string]*template.Template{english: pagesIn(english), chinese: pagesIn(chinese)}

func pagesIn(l *language) map[string]*template.Template {
	layout := template.Must(template.New("layout.html").Funcs(l.funcs()).ParseFS(web, "web/layout.html", "web/parts.html"))
	all := make(map[string]*template.Template)
	for _, name := range []string{"overview", "list", "attention", "verification", "handlers", "acts", "confirm", "replay", "error"} {
		all[name] = l.translate(template.Must(template.Must(layout.Clone()).ParseFS(web, "web/"+name+".html")))
	}
	return all
}

// frame is the data of the layout, with the page's own data in Body.
type frame struct {
	Site, Title, Page string
	Operator          Operator
	HasActs           bool // there is a log of acts
	Notice            string
	AssetVersion      string
	Language          *language
	Changes           string // the stream of the page; empty where it does not update itself
	Body              any
}

// CanAct reports whether the operator may act.
func (f frame) CanAct() bool { return f.Operator.Access >= Act }

// render executes the whole template before it sends anything.
func (c *Console) render(q *request, status int, name, title string, body any) {
	f := frame{
		Site: c.cfg.Title, Title: title, Page: q.page, Operator: q.operator, HasActs: c.cfg.Acts != nil,
		Notice: noticeAfter[q.URL.Query().Get("did")], AssetVersion: assetVersion, Language: q.language, Body: body,
	}
	if status == http.StatusOK && name != "confirm" && name != "replay" { // never the answer to a form
		f.Changes = changesOf(q)
	}
	var page bytes.Buffer
	if err := pages[q.language][name].ExecuteTemplate(&page, "layout.html", view{f, q.clock()}); err != nil {
		c.cfg.Logger.ErrorContext(q.Context(), "console: rendering a page failed", "page", name, "err", err)
		http.Error(q.w, "The page could not be rendered.", http.StatusInternalServerError)
		return
	}
	q.w.Header().Set("Content-Type", "text/html; charset=utf-8")
	q.w.Header().Set("Content-Length", strconv.Itoa(page.Len()))
	q.w.WriteHeader(status)
	_, _ = q.w.Write(page.Bytes()) // fails only when the client has gone
}

// view is a frame and the time of the request.
type view struct {
	frame
	clock
}

// noticeAfter are the notices shown after an action, by the parameter "did".
var noticeAfter = map[string]string{
	"cancel":  "Canceled. It has ended in failed.",
	"pending": "The cancellation is recorded. It takes effect when the call in flight is settled, unless its reply ends the verification.",
	"expire":  "Expired. It has ended in failed.",
	"erase":   "Erased. What is left is a tombstone: id, states, events and times.",
	"replay":  "Replay requested. The replica that holds the handler's lease calls it again shortly.",
}

// assetVersion is a hash of the assets. It is part of their URLs, so browsers
// may cache them.
var assetVersion = func() string {
	sum := sha256.New()
	for _, name := range []string{"style.css", "console.js", "icon.svg"} {
		sum.Write(readAsset(name))
	}
	return hex.EncodeToString(sum.Sum(nil))[:12]
}()

func readAsset(name string) []byte {
	content, err := web.ReadFile("web/" + name)
	if err != nil {
		panic(fmt.Sprintf("console: %v", err)) // it is embedded
	}
	return content
}

// asset serves an embedded file.
func (*Console) asset(name, kind string) func(*request) error {
	content := readAsset(name)
	return func(q *request) error {
		q.w.Header().Set("Content-Type", kind)
		q.w.Header().Set("Cache-Control", "private, max-age=86400")
		_, _ = q.w.Write(content)
		return nil
	}
}

// FirstPage is the key of the first page of a list: the zero value.
func (frame) FirstPage() (m carrierfsm.PageKey) { return m }
