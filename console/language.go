package console

import (
	"html/template"
	"net/http"
	"net/url"
	"regexp"
	"strings"
	"text/template/parse"
	"time"
	"unicode/utf8"

	"github.com/carrierfsm/carrierfsm"
)

// The pages are written in English, in web/*.html. Their Chinese is made of them when the
// package loads: each text between tags, each attribute that is read aloud and each
// sentence of the code is looked up in web/zh.txt. TestEveryTextHasAChineseOne lists what
// is missing there; until then it stays English.

// language is a language of the pages.
type language struct {
	Tag   string // of the attribute lang: "en" or "zh"
	Other string // the other one, and its name in itself
	Name  string
	words map[string]map[string]string // by the part of the file and the English text; nil: English
	forms []form
}

// The parts of a file of texts. The code's texts are shown as values, and so are those of
// a host, such as the name of a handler: so the names are kept apart.
const (
	ofTemplates = "templates"
	ofCode      = "code"
	ofNames     = "names"
)

// form is a text with values in it.
type form struct {
	from *regexp.Regexp
	to   string // {} stands for each value
}

var (
	english = &language{Tag: "en", Other: "zh", Name: "中文"}
	chinese = newLanguage("zh", "en", "English", string(readAsset("zh.txt")))
)

// newLanguage reads a file of texts: lines of an English one, " = " and that in the
// language. {} stands for a value in both. A line "## part: comment" begins a part; other
// lines that begin with "#" are comments.
func newLanguage(tag, other, name, text string) *language {
	l := &language{Tag: tag, Other: other, Name: name, words: make(map[string]map[string]string)}
	part := ""
	for line := range strings.SplitSeq(text, "\n") {
		if begins, ok := strings.CutPrefix(line, "## "); ok {
			part, _, _ = strings.Cut(begins, ":")
			l.words[part] = make(map[string]string)
			continue
		}
		from, to, ok := strings.Cut(line, " = ")
		from, to = strings.TrimSpace(from), strings.TrimSpace(to)
		switch {
		case !ok || strings.HasPrefix(line, "#"):
		case strings.Contains(from, "{}"):
			value := strings.ReplaceAll(regexp.QuoteMeta(from), regexp.QuoteMeta("{}"), "(.+?)")
			l.forms = append(l.forms, form{regexp.MustCompile("^" + value + "$"), to})
		default:
			l.words[part][from] = to
		}
	}
	return l
}

// ofForm returns a text with values in this language.
func (l *language) ofForm(text string) string {
	for _, f := range l.forms {
		m := f.from.FindStringSubmatch(text)
		if m == nil {
			continue
		}
		text = f.to
		for _, value := range m[1:] {
			text = strings.Replace(text, "{}", l.of(ofNames, l.ofValue(value)), 1)
		}
		return text
	}
	return text
}

// ofValue returns a text of the code: one of ours, a duration, or one with values.
func (l *language) ofValue(text string) string {
	switch to := l.of(ofCode, text); {
	case l.words == nil || to != text:
		return to
	case isDuration.MatchString(text):
		return units.Replace(text)
	default:
		return l.ofForm(text)
	}
}

// of returns a text of a part in this language; one that is not known stays as it is.
func (l *language) of(part, text string) string {
	trimmed := strings.TrimSpace(text)
	to, known := l.words[part][trimmed]
	if !known || trimmed == "" {
		return text
	}
	before, after, _ := strings.Cut(text, trimmed)
	if first, _ := utf8.DecodeRuneInString(to); strings.ContainsRune(closeMarks, first) {
		before = strings.TrimLeft(before, " ")
	}
	if last, _ := utf8.DecodeLastRuneInString(to); strings.ContainsRune(closeMarks, last) {
		after = strings.TrimRight(after, " ")
	}
	return before + strings.Trim(to, "|") + after
}

// closeMarks are the marks beside which Chinese has no space. "|" stands for none, where
// more Chinese follows or comes before.
const closeMarks = "，。：；（）|"

// say is ofValue for any value of a page: only a text can be one of ours.
func (l *language) say(value any) any {
	switch value := value.(type) {
	case string:
		return l.ofValue(value)
	case carrierfsm.State:
		return l.of(ofNames, humanize(value))
	default:
		return value
	}
}

var isDuration = regexp.MustCompile(`^\d+ (ms|s|min|h|d)( \d+ (s|min|h))?$`)

// languageCookie keeps the language that an operator has chosen.
const languageCookie = "carrierfsm_console_language"

// languageOf returns the language of a request: the one that was chosen, else that of
// Accept-Language, else English.
func languageOf(r *http.Request) *language {
	wanted := r.Header.Get("Accept-Language")
	if cookie, err := r.Cookie(languageCookie); err == nil {
		wanted = cookie.Value
	}
	for tag := range strings.SplitSeq(wanted, ",") {
		switch primary, _, _ := strings.Cut(strings.TrimSpace(tag), "-"); primary {
		case "zh":
			return chinese
		case "en":
			return english
		}
	}
	return english
}

// chooseLanguage keeps a language, and leads back to the page with the button: that of
// the header Referer, if it is one of this console.
func (c *Console) chooseLanguage(q *request) error {
	http.SetCookie(q.w, &http.Cookie{ //nolint:gosec // it is no secret, and a host may serve plain HTTP on loopback
		Name: languageCookie, Value: languageNamed(q.PostFormValue("to")).Tag, MaxAge: 365 * 24 * 60 * 60, HttpOnly: true, SameSite: http.SameSiteLaxMode,
	})
	back := url.URL{Path: "./"}
	if from, err := url.Parse(q.Referer()); err == nil {
		page := from.Path[strings.LastIndex(from.Path, "/")+1:]
		if route, known := c.routes[page]; known && route.method == http.MethodGet {
			back = url.URL{Path: "./" + page, RawQuery: from.RawQuery}
		}
	}
	q.w.Header().Set("Location", back.String())
	q.w.WriteHeader(http.StatusSeeOther)
	return nil
}

// languageNamed returns the language with a tag, else English.
func languageNamed(tag string) *language {
	if tag == chinese.Tag {
		return chinese
	}
	return english
}

// funcs are the functions of the templates in a language.
func (l *language) funcs() template.FuncMap {
	funcs := template.FuncMap{"say": l.say, "sayName": func(text string) string { return l.of(ofNames, l.ofValue(text)) }}
	for name, f := range templateFuncs {
		funcs[name] = f
	}
	funcs["humanize"] = func(name any) string { return l.of(ofNames, humanize(name)) }
	if l.words != nil {
		funcs["percent"] = func(part, whole int64) string { return strings.Replace(percent(part, whole), " %", "%", 1) }
		funcs["hourMinute"] = func(t time.Time) string { return t.UTC().Format("1月2日 15:04") }
	}
	funcs["duration"] = func(d time.Duration) string { return l.duration(d) }
	return funcs
}

// units are the Chinese names of those of formatDuration.
var units = strings.NewReplacer(" ms", " 毫秒", " min", " 分", " d", " 天", " h", " 小时", " s", " 秒")

func (l *language) duration(d time.Duration) string {
	if l.words == nil {
		return formatDuration(d)
	}
	return units.Replace(formatDuration(d))
}

// ago returns "5 min ago" or "in 5 min".
func (l *language) ago(d time.Duration) string {
	switch past := d >= 0; {
	case l.words == nil && past:
		return formatDuration(d) + " ago"
	case l.words == nil:
		return "in " + formatDuration(-d)
	case past:
		return l.duration(d) + "前"
	default:
		return l.duration(-d) + "后"
	}
}

// translate translates the texts of a parsed template.
func (l *language) translate(t *template.Template) *template.Template {
	if l.words == nil {
		return t
	}
	for _, each := range t.Templates() {
		if each.Tree != nil {
			p := place{change: func(text string) string { return l.of(ofTemplates, text) }}
			p.walk(each.Tree.Root)
		}
	}
	return t
}

// place is where in the HTML a template is: in a text, in a tag, or in the value of an
// attribute. Attributes that people read or hear are texts too.
type place struct {
	change                   func(string) string
	inTag, inValue, readable bool
	tag                      string // the latest one; empty after its end
	unnamed                  bool   // a tag has begun, and its name follows
}

// sayer is the function of a value here: choices are names.
func (p *place) sayer() string {
	if !p.inTag && (p.tag == "option" || p.tag == "label") {
		return "sayName"
	}
	return "say"
}

// isText reports whether what follows is a text.
func (p *place) isText() bool { return !p.inTag || p.inValue && p.readable }

// walk changes each text of a template, and adds say to each value that is shown in one.
func (p *place) walk(node parse.Node) {
	switch node := node.(type) {
	case *parse.ListNode:
		for _, n := range node.Nodes {
			p.walk(n)
		}
	case *parse.TextNode:
		node.Text = []byte(p.html(string(node.Text)))
	case *parse.ActionNode:
		if len(node.Pipe.Decl) == 0 && p.isText() {
			name := parse.NewIdentifier(p.sayer()).SetPos(node.Pos)
			node.Pipe.Cmds = append(node.Pipe.Cmds, &parse.CommandNode{NodeType: parse.NodeCommand, Pos: node.Pos, Args: []parse.Node{name}})
		}
	case *parse.IfNode:
		p.branch(&node.BranchNode)
	case *parse.RangeNode:
		p.branch(&node.BranchNode)
	case *parse.WithNode:
		p.branch(&node.BranchNode)
	}
}

// branch walks both lists of a branch, which begin at the same place and end at the same.
func (p *place) branch(b *parse.BranchNode) {
	before := *p
	if b.ElseList != nil {
		p.walk(b.ElseList)
	}
	*p = before
	p.walk(b.List)
}

// html changes the texts of a piece of HTML, which may begin and end anywhere.
func (p *place) html(rest string) string {
	var out strings.Builder
	for rest != "" {
		end := strings.IndexAny(rest, p.ends())
		if end < 0 {
			end = len(rest)
		}
		piece := rest[:end]
		if p.unnamed {
			p.tag, _, _ = strings.Cut(piece, " ")
			p.unnamed = false
		}
		if p.isText() {
			out.WriteString(p.change(piece))
		} else {
			out.WriteString(piece)
		}
		if end == len(rest) {
			break
		}
		p.pass(rest[end], piece)
		out.WriteByte(rest[end])
		rest = rest[end+1:]
	}
	return out.String()
}

// ends are the characters that lead out of the present place.
func (p *place) ends() string {
	switch {
	case !p.inTag:
		return "<"
	case p.inValue:
		return `"`
	default:
		return `>"`
	}
}

// pass goes on to the place after a character; before is what stands in front of it.
func (p *place) pass(c byte, before string) {
	switch {
	case c == '<':
		p.inTag, p.unnamed = true, true
	case c == '>':
		p.inTag = false
	case p.inValue:
		p.inValue = false
	default:
		p.inValue = true
		name := before[strings.LastIndexAny(before, " \n")+1:]
		p.readable = name == "aria-label=" || name == "title=" || name == "placeholder="
	}
}
