package main

import (
	"context"
	"flag"
	"fmt"
	"io"
	"strings"
)

// completionCommand prints a script that is made of all commands.
func completionCommand() command {
	return command{
		name: "completion", args: "bash|zsh|fish", about: "Print the completion script of a shell", least: 1, most: 1, flags: completionFlags,
		more: "bash: source <(carrierfsm completion bash). zsh: source <(carrierfsm completion zsh), after compinit.\nfish: carrierfsm completion fish | source.",
	}
}

func completionFlags(*flag.FlagSet) action {
	return func(_ context.Context, std streams, args []string) error {
		scripts := map[string]func(io.Writer){"bash": bashCompletion, "zsh": zshCompletion, "fish": fishCompletion}
		script, known := scripts[args[0]]
		if !known {
			return usage("bash, zsh or fish, not %q", args[0])
		}
		script(std.out)
		return nil
	}
}

// words are what completes one level: for each first word its second words, for each
// command its flags.
type words struct {
	first  []string
	second map[string][]string
	flags  map[string][]*flag.Flag // by the command's name
	about  map[string]string       // by the command's name
	args   map[string][]string     // the fixed values of positional arguments
}

func completionWords() words {
	w := words{
		first: []string{}, second: map[string][]string{}, flags: map[string][]*flag.Flag{}, about: map[string]string{},
		args: map[string][]string{"completion": {"bash", "zsh", "fish"}, "migrate print": {"sqlite", "postgres"}},
	}
	for _, c := range commands() {
		first, second, two := strings.Cut(c.name, " ")
		if _, known := w.second[first]; !known {
			w.first = append(w.first, first)
			w.second[first] = nil
		}
		if two {
			w.second[first] = append(w.second[first], second)
		}
		set := newFlags()
		c.flags(set)
		set.VisitAll(func(f *flag.Flag) { w.flags[c.name] = append(w.flags[c.name], f) })
		w.about[c.name] = c.about
	}
	w.first = append(w.first, "help")
	w.second["help"] = w.first[:len(w.first)-1]
	return w
}

// values are what completes the value of a flag; nil if it is free. A file is
// "<file>".
func values(name string) []string {
	switch name {
	case "o":
		return []string{"text", "json"}
	case "state":
		return []string{live, "created", "awaiting_password", "awaiting_captcha", "done", "failed"}
	case "key-file", "secret-file", "dir":
		return []string{"<file>"}
	}
	return nil
}

// bashBody completes in bash, and in zsh through bashcompinit. Of the command line
// only the words before the cursor count.
func bashBody(w io.Writer) {
	p := func(format string, values ...any) { _, _ = fmt.Fprintf(w, format, values...) }
	all := completionWords()
	p("_carrierfsm() {\n\tlocal word=${COMP_WORDS[COMP_CWORD]} before=${COMP_WORDS[COMP_CWORD-1]} command=${COMP_WORDS[1]} list=\n\tCOMPREPLY=()\n")
	p("\tif [ \"$COMP_CWORD\" -eq 1 ]; then\n\t\tCOMPREPLY=($(compgen -W %q -- \"$word\"))\n\t\treturn\n\tfi\n", strings.Join(all.first, " "))
	p("\tcase \"$before\" in\n")
	for _, name := range []string{"o", "state"} {
		p("\t-%s) COMPREPLY=($(compgen -W %q -- \"$word\")); return ;;\n", name, strings.Join(values(name), " "))
	}
	p("\t-key-file|-secret-file|-dir) COMPREPLY=($(compgen -f -- \"$word\")); return ;;\n\tesac\n")
	p("\tcase \"$command\" in\n")
	for _, first := range all.first {
		if second := all.second[first]; second != nil {
			p("\t%s)\n\t\tif [ \"$COMP_CWORD\" -eq 2 ]; then\n\t\t\tCOMPREPLY=($(compgen -W %q -- \"$word\"))\n\t\t\treturn\n\t\tfi\n\t\tcommand=\"$command ${COMP_WORDS[2]}\" ;;\n", first, strings.Join(second, " "))
		}
	}
	p("\tesac\n\tcase \"$command\" in\n")
	for _, c := range commands() {
		list := append([]string{}, all.args[c.name]...)
		for _, f := range all.flags[c.name] {
			list = append(list, "-"+f.Name)
		}
		p("\t%q) list=%q ;;\n", c.name, strings.Join(list, " "))
	}
	p("\tesac\n\tCOMPREPLY=($(compgen -W \"$list\" -- \"$word\"))\n}\n")
}

func bashCompletion(w io.Writer) {
	_, _ = fmt.Fprintln(w, "# bash completion for carrierfsm")
	bashBody(w)
	_, _ = fmt.Fprintln(w, "complete -F _carrierfsm carrierfsm")
}

func zshCompletion(w io.Writer) {
	_, _ = fmt.Fprintln(w, "#compdef carrierfsm\nautoload -U +X bashcompinit && bashcompinit")
	bashBody(w)
	_, _ = fmt.Fprintln(w, "complete -F _carrierfsm carrierfsm")
}

func fishCompletion(w io.Writer) {
	p := func(format string, values ...any) { _, _ = fmt.Fprintf(w, format, values...) }
	all := completionWords()
	p("# fish completion for carrierfsm\ncomplete -c carrierfsm -f\n")
	p("complete -c carrierfsm -n __fish_use_subcommand -a %s\n", fishQuote(strings.Join(all.first, " ")))
	for _, first := range all.first {
		for _, word := range all.second[first] {
			p("complete -c carrierfsm -n %s -a %s\n", fishQuote(fmt.Sprintf("test (count (commandline -opc)) -eq 2; and __fish_seen_subcommand_from %s", first)), word)
		}
	}
	for _, c := range commands() {
		seen := "__fish_seen_subcommand_from " + strings.ReplaceAll(c.name, " ", "; and __fish_seen_subcommand_from ")
		for _, word := range all.args[c.name] {
			p("complete -c carrierfsm -n %s -a %s\n", fishQuote(seen), word)
		}
		for _, f := range all.flags[c.name] {
			_, usage := flag.UnquoteUsage(f)
			p("complete -c carrierfsm -n %s -o %s%s -d %s\n", fishQuote(seen), f.Name, fishValues(f), fishQuote(usage))
		}
	}
}

// fishValues are the options of complete for a flag's value.
func fishValues(f *flag.Flag) string {
	if b, ok := f.Value.(interface{ IsBoolFlag() bool }); ok && b.IsBoolFlag() {
		return ""
	}
	switch list := values(f.Name); {
	case list == nil:
		return " -x"
	case list[0] == "<file>":
		return " -r -F"
	default:
		return " -x -a " + fishQuote(strings.Join(list, " "))
	}
}

func fishQuote(text string) string {
	return "'" + strings.ReplaceAll(strings.ReplaceAll(text, `\`, `\\`), "'", `\'`) + "'"
}
