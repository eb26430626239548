package simulator

// The types that a reply may ask for.
const (
	submitCaptcha = "SUBMIT_CAPTCHA"
	submitQuery   = "SUBMIT_QUERY_PWD"
	submitReset   = "SUBMIT_RESET_PWD"
)

// What is said in several places.
const (
	malformed     = "请求格式错误"
	noCodeAwaited = "当前不需要短信验证码"
	notTheirData  = "账号与申请信息不一致"
	unknownType   = "请求类型错误"
)

// reply is what a carrier says in the course of a collection: a process_code,
// a text for the person, and the type to send next, if any.
type reply struct {
	code     int
	content  string
	template string
}

var (
	secondCodeSent = reply{10001, "再次输入短信验证码", submitCaptcha}
	codeSent       = reply{10002, "输入动态密码", submitCaptcha}
	passwordWrong  = reply{10003, "密码错误", ""}
	codeWrong      = reply{10004, "短信验证码错误", submitCaptcha}
	codeReissued   = reply{10006, "短信验证码失效系统已自动重新下发", submitCaptcha}
	passwordWeak   = reply{10007, "简单密码或初始密码无法登录", ""}
	collecting     = reply{10008, "开始采集行为数据", ""}
	notTheirs      = reply{10009, "验证信息错误,号码未实名或与申请人不符", ""}
	textCXXD       = reply{10017, "请用本机发送CXXD至10001获取查询详单的验证码", submitCaptcha}
	textCXXDAgain  = reply{10018, "短信码失效请用本机发送CXXD至10001获取查询详单的验证码", submitCaptcha}
	queryNeeded    = reply{10022, "输入查询密码", submitQuery}
	queryWrong     = reply{10023, "查询密码错误", submitQuery}

	resetCodeSent     = reply{10002, "输入重置密码的短信验证码", submitReset}
	resetCodeWrong    = reply{10004, "短信验证码错误", submitReset}
	resetCodeReissued = reply{10006, "短信验证码失效系统已自动重新下发", submitReset}
	newPasswordNoPIN  = reply{10010, "新密码格式错误,只能是数字", submitReset}
	newPasswordLength = reply{11001, "新密码格式错误,应为6到8位", submitReset}
	passwordReset     = reply{11000, "重置密码成功", ""}
	resetFailed       = reply{31000, "重置密码失败,请到营业厅办理", ""}
)

func (r reply) answer() Answer {
	a := Code(r.code).With("content", r.content)
	if r.template == "" {
		return a
	}
	return a.WithTemplate(r.template)
}

// fatal is an error that ends the flow.
func fatal(content string) Answer { return Error(content).With("process_code", 30000) }
