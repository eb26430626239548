package console

import (
	"html/template"
	"net/http"
	"net/url"
	"regexp"
	"strings"
	"text/template/parse"
	"time"
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
	words map[string]string // by the English text; nil: English
}

var (
	english = &language{Tag: "en", Other: "zh", Name: "中文"}
	chinese = &language{Tag: "zh", Other: "en", Name: "English", words: readWords(string(readAsset("zh.txt")))}
)

// readWords reads web/zh.txt: lines of an English text, " = " and the Chinese one. Empty
// lines and those that begin with "#" are comments.
func readWords(text string) map[string]string {
	words := make(map[string]string)
	for line := range strings.SplitSeq(text, "\n") {
		if from, to, ok := strings.Cut(line, " = "); ok && !strings.HasPrefix(line, "#") {
			words[strings.TrimSpace(from)] = strings.TrimSpace(to)
		}
	}
	return words
}

// of returns a text in this language; one that is not known stays as it is.
func (l *language) of(text string) string {
	trimmed := strings.TrimSpace(text)
	to, known := l.words[trimmed]
	if !known || trimmed == "" {
		return text
	}
	return strings.Replace(text, trimmed, to, 1)
}

// say is of for any value of a page: only a text can be one of ours, or a duration.
func (l *language) say(value any) any {
	text, ok := value.(string)
	switch {
	case !ok:
		return value
	case isDuration.MatchString(text):
		return units.Replace(text)
	default:
		return l.of(text)
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

// chooseLanguage keeps a language, and leads back to a page.
func (*Console) chooseLanguage(q *request) error {
	back, err := url.Parse(q.URL.Query().Get("back"))
	if err != nil || back.IsAbs() || back.Host != "" || strings.HasPrefix(back.Path, "/") || strings.Contains(back.Path, "\\") {
		return errBadRequest
	}
	http.SetCookie(q.w, &http.Cookie{ //nolint:gosec // it is no secret, and a host may serve plain HTTP on loopback
		Name: languageCookie, Value: q.URL.Query().Get("to"), MaxAge: 365 * 24 * 60 * 60, HttpOnly: true, SameSite: http.SameSiteLaxMode,
	})
	q.w.Header().Set("Location", "./"+strings.TrimPrefix(back.String(), "./"))
	q.w.WriteHeader(http.StatusSeeOther)
	return nil
}

// funcs are the functions of the templates in a language.
func (l *language) funcs() template.FuncMap {
	funcs := template.FuncMap{"say": l.say}
	for name, f := range templateFuncs {
		funcs[name] = f
	}
	funcs["humanize"] = func(name any) string { return l.of(humanize(name)) }
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
			p := place{change: l.of}
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
			name := parse.NewIdentifier("say").SetPos(node.Pos)
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
		p.inTag = true
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
