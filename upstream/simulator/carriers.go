package simulator

// Ask is something that a carrier asks for after the service password.
type Ask string

// What carriers ask for.
const (
	AskCode       Ask = "code"           // a code by SMS (10002)
	AskSecondCode Ask = "second code"    // a further one (10001)
	AskOwnSMS     Ask = "own message"    // the person texts CXXD first (10017)
	AskQuery      Ask = "query password" // the carrier's second password (10022)
)

// isCode reports whether the answer is a code by SMS.
func (a Ask) isCode() bool { return a == AskCode || a == AskSecondCode || a == AskOwnSMS }

// Carrier is one mobile operator: a data source, and its behaviour. With zero
// values it asks for a password only.
type Carrier struct {
	// Key is a short name for command lines, Description one line of text.
	Key, Description string
	// Website and Name are the data source's.
	Website, Name string
	// Offline takes the data source out of service (status 0).
	Offline bool
	// ResetMethod is reset_pwd_method: 0 none, 1 by SMS, 2 with a new password of
	// 6 to 8 digits.
	ResetMethod int
	// Asks is what is asked after the password, in order.
	Asks []Ask
	// Reissues: a wrong or expired code is answered with 10006, and a new code is
	// sent.
	Reissues bool
	// Weak: the password is refused as too simple (10007) until it is reset.
	Weak bool
	// Unreal: the number is not registered under the person's name (10009).
	Unreal bool
	// ReportFails: the collection fails after the last step, so there is no report.
	ReportFails bool
	// StateInDetails: the state of the collection stands only in the details of the
	// job, as websiteStatus.
	StateInDetails bool
	// Next is the website of the data source that follows; empty: none.
	Next string
}

// Carriers returns the built-in carriers; each has one of the built-in People. The
// list is a copy.
func Carriers() []Carrier {
	return []Carrier{
		{Key: "plain", Description: "a password, then a code", Website: "chinamobilejs", Name: "江苏移动", Asks: []Ask{AskCode}},
		{Key: "unicom", Description: "a password and nothing more", Website: "chinaunicom", Name: "中国联通"},
		{Key: "beijing", Description: "a code, then a query password", Website: "chinamobilebj", Name: "北京移动", Asks: []Ask{AskCode, AskQuery}},
		{Key: "sichuan", Description: "two codes, one after the other", Website: "chinamobilesc", Name: "四川移动", Asks: []Ask{AskCode, AskSecondCode}},
		{Key: "jilin", Description: "the person texts CXXD to 10001, then a code", Website: "chinatelecomjl", Name: "吉林电信", Asks: []Ask{AskOwnSMS}},
		{Key: "reissue", Description: "a wrong code brings another by itself", Website: "chinamobilezj", Name: "浙江移动", Asks: []Ask{AskCode}, Reissues: true},
		{Key: "weak", Description: "the password is too simple and can't be reset", Website: "chinamobilegd", Name: "广东移动", Weak: true},
		{Key: "weak-resettable", Description: "the password is too simple and can be reset", Website: "chinamobilesh", Name: "上海移动", Weak: true, ResetMethod: 2},
		{Key: "unreal", Description: "the number is not in the person's name", Website: "chinatelecomgd", Name: "广东电信", Asks: []Ask{AskCode}, Unreal: true},
		{Key: "offline", Description: "not in service at present", Website: "chinamobilexz", Name: "西藏移动", Offline: true},
		{Key: "two-sources", Description: "a second data source follows the first", Website: "chinamobileah", Name: "安徽移动", Asks: []Ask{AskCode}, Next: "chinatelecomah"},
		{Key: "second-source", Description: "the second of two data sources", Website: "chinatelecomah", Name: "安徽电信", Asks: []Ask{AskCode}},
		{Key: "no-report", Description: "a password and a code, and then no report", Website: "chinamobilehn", Name: "湖南移动", Asks: []Ask{AskCode}, ReportFails: true},
		{Key: "reset-by-sms", Description: "the password is too simple; the operator texts another", Website: "chinamobilehb", Name: "湖北移动", Weak: true, ResetMethod: 1, Asks: []Ask{AskCode}},
	}
}

// carrierNamed finds a carrier by its website or its name: the API's description
// does not say which of them a form contains.
func (s *Server) carrierNamed(name string) (Carrier, bool) {
	for _, c := range s.cfg.Carriers {
		if name != "" && (c.Website == name || c.Name == name) {
			return c, true
		}
	}
	return Carrier{}, false
}

func (s *Server) carrier(website string) (Carrier, bool) {
	for _, c := range s.cfg.Carriers {
		if c.Website == website {
			return c, true
		}
	}
	return Carrier{}, false
}
