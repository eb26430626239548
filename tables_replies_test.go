package carrierfsm_test

import (
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	. "github.com/carrierfsm/carrierfsm"
)

// expectedReply is one rule of our own reading of the documents.
type expectedReply struct {
	call, success, code, tpl, kind, finish, next, already, online, reset string

	event Event
	ask   PromptKind
	soon  bool
}

// The words of each column. "none" is an absent value, "other" an unknown one.
var (
	replyBools = []string{"no", "yes"}
	replyCalls = []string{"apply", "collect", "resend", "reset", "skip"}
	replyCodes = []string{
		"0", "10001", "10002", "10003", "10004", "10006", "10007", "10008", "10009", "10010", "10017",
		"10018", "10022", "10023", "11000", "11001", "30000", "31000", "none", "other",
	}
	replyTemplates = []string{"SUBMIT_CAPTCHA", "RESEND_CAPTCHA", "SUBMIT_QUERY_PWD", "SUBMIT_RESET_PWD", "none", "other"}
	replyKinds     = []string{"CONTROL", "ERROR", "RUNNING", "TIP", "none", "other"}

	replyColumns = [][]string{
		replyCalls, replyBools, replyCodes, replyTemplates, replyKinds,
		replyBools, replyBools, replyBools, replyBools, replyBools,
	}
	callNames = map[string]Call{"apply": CallApply, "collect": CallCollect, "resend": CallResend, "reset": CallReset, "skip": CallSkip}
)

// unknownWords are what stands for "other" in each column; which of them is
// taken varies from cell to cell.
var (
	unknownCodes     = []string{"10005", "10012", "10016", "10019", "10021", "100017", "100018", "-1", "00", "010002", "1e4", "10008 ", "99999999999999999999", "１０００８"}
	unknownTemplates = []string{"SUBMIT_MOONLIGHT", "submit_captcha", "SUBMIT_CAPTCHA ", "RESEND_RESET_PWD_CAPTCHA", "null"}
	unknownKinds     = []string{"MOONLIGHT", "error", "RUNNING ", "null", "控制"}
)

// replyCell is one word a column, as indices.
type replyCell [10]int

func (c replyCell) String() string {
	names := []string{"call", "success", "code", "tpl", "type", "finish", "next", "already", "online", "reset"}
	words := make([]string, len(c))
	for i, w := range c {
		words[i] = names[i] + "=" + replyColumns[i][w]
	}
	return strings.Join(words, " ")
}

// masks are the words that a rule accepts, a bit a word.
func (e expectedReply) masks(t *testing.T) (masks [10]uint32) {
	t.Helper()
	for i, accepted := range []string{e.call, e.success, e.code, e.tpl, e.kind, e.finish, e.next, e.already, e.online, e.reset} {
		all := uint32(1)<<len(replyColumns[i]) - 1
		list, not := strings.CutPrefix(accepted, "!")
		for _, word := range strings.Fields(list) {
			at := slices.Index(replyColumns[i], word)
			require.GreaterOrEqual(t, at, 0, "no word %q in column %d", word, i)
			masks[i] |= 1 << at
		}
		if accepted == "" || not {
			masks[i] = all &^ masks[i]
		}
	}
	return masks
}

// forEachCell calls f with every cell of the table.
func forEachCell(f func(n int, c replyCell)) {
	var c replyCell
	for n := 0; ; n++ {
		f(n, c)
		i := len(c) - 1
		for ; i >= 0; i-- {
			if c[i]++; c[i] < len(replyColumns[i]) {
				break
			}
			c[i] = 0
		}
		if i < 0 {
			return
		}
	}
}

func pick(words []string, i int, others []string, n int) string {
	switch w := words[i]; w {
	case "none":
		return ""
	case "other":
		return others[n%len(others)]
	default:
		return w
	}
}

// replyOf is a reply that lies in the cell.
func replyOf(n int, c replyCell) (Call, Reply, Source) {
	r := Reply{
		Success:  c[1] == 1,
		Code:     ProcessCode(pick(replyCodes, c[2], unknownCodes, n)),
		Template: pick(replyTemplates, c[3], unknownTemplates, n/7),
		Type:     pick(replyKinds, c[4], unknownKinds, n/11),
		Finish:   c[5] == 1, AlreadyCollected: c[7] == 1,
	}
	if c[6] == 1 {
		r.Next = &Source{Website: "chinatelecomjl"}
	}
	s := Source{Website: "chinamobilejs", Online: c[8] == 1}
	if c[9] == 1 {
		s.ResetMethod = ResetMethod(1 + n%2)
	} else {
		s.ResetMethod = ResetMethod([]int{0, 3, -1}[n%3])
	}
	return callNames[replyCalls[c[0]]], r, s
}

func TestEveryReplyHasTheVerdictThatTheDocumentsGiveIt(t *testing.T) {
	t.Parallel()
	masks := make([][10]uint32, len(expectedReplies))
	for i, e := range expectedReplies {
		masks[i] = e.masks(t)
	}
	used := make([]int, len(expectedReplies))
	differences := make(map[string]int)
	examples := make(map[string]replyCell)
	cells := 0
	forEachCell(func(n int, c replyCell) {
		cells++
		found := -1
		for i := range masks {
			if !accepts(&masks[i], &c) {
				continue
			}
			if found >= 0 {
				t.Fatalf("expectations %d and %d both accept %v", found, i, c)
			}
			found = i
		}
		if found < 0 {
			t.Fatalf("no expectation accepts %v", c)
		}
		used[found]++
		e := &expectedReplies[found]
		if got := Judge(replyOf(n, c)); got != (Verdict{e.event, e.ask, e.soon}) {
			what := fmt.Sprintf("expectation %d, %s %s %t; the table: %v", found, e.event, e.ask, e.soon, got)
			if differences[what]++; differences[what] == 1 {
				examples[what] = c
			}
		}
	})
	for what, count := range differences {
		t.Errorf("%s, in %d cells, for instance %v", what, count, examples[what])
	}
	require.Equal(t, 5*2*20*6*6*2*2*2*2*2, cells)
	require.NotContains(t, used, 0, "an expectation that nothing meets")
	require.LessOrEqual(t, len(expectedReplies), 100)
}

func accepts(masks *[10]uint32, c *replyCell) bool {
	for i, w := range c {
		if masks[i]&(1<<w) == 0 {
			return false
		}
	}
	return true
}
