package simulator

// The types of requests, which are also the templates of replies.
const (
	typeSubmitCaptcha = "SUBMIT_CAPTCHA"
	typeResendCaptcha = "RESEND_CAPTCHA"
	typeSubmitQuery   = "SUBMIT_QUERY_PWD"
	typeSubmitReset   = "SUBMIT_RESET_PWD"
)

// Texts of errors.
const (
	malformed     = "请求格式错误"
	noCodeAwaited = "当前不需要短信验证码"
	wrongAccount  = "账号与申请信息不一致"
	unknownType   = "请求类型错误"
)

// reply is a carrier's reply within a collection: a process_code, a text for the
// person, and the type of the next request, if any.
type reply struct {
	code     int
	content  string
	template string
}

var (
	secondCodeSent     = reply{10001, "再次输入短信验证码", typeSubmitCaptcha}
	codeSent           = reply{10002, "输入动态密码", typeSubmitCaptcha}
	passwordWrong      = reply{10003, "密码错误", ""}
	codeWrong          = reply{10004, "短信验证码错误", typeSubmitCaptcha}
	codeReissued       = reply{10006, "短信验证码失效系统已自动重新下发", typeSubmitCaptcha}
	passwordWeak       = reply{10007, "简单密码或初始密码无法登录", ""}
	collecting         = reply{10008, "开始采集行为数据", ""}
	notVerified        = reply{10009, "验证信息错误,号码未实名或与申请人不符", ""}
	cxxdRequested      = reply{10017, "请用本机发送CXXD至10001获取查询详单的验证码", typeSubmitCaptcha}
	cxxdRequestedAgain = reply{10018, "短信码失效请用本机发送CXXD至10001获取查询详单的验证码", typeSubmitCaptcha}
	queryNeeded        = reply{10022, "输入查询密码", typeSubmitQuery}
	queryWrong         = reply{10023, "查询密码错误", typeSubmitQuery}

	resetCodeSent        = reply{10002, "输入重置密码的短信验证码", typeSubmitReset}
	resetCodeWrong       = reply{10004, "短信验证码错误", typeSubmitReset}
	resetCodeReissued    = reply{10006, "短信验证码失效系统已自动重新下发", typeSubmitReset}
	newPasswordNotDigits = reply{10010, "新密码格式错误,只能是数字", typeSubmitReset}
	newPasswordLength    = reply{11001, "新密码格式错误,应为6到8位", typeSubmitReset}
	passwordReset        = reply{11000, "重置密码成功", ""}
	resetFailed          = reply{31000, "重置密码失败,请到营业厅办理", ""}
)

func (r reply) answer() Answer {
	a := Code(r.code).With("content", r.content)
	if r.template == "" {
		return a
	}
	return a.WithTemplate(r.template)
}

// fatalError returns an error that ends the flow.
func fatalError(content string) Answer { return Error(content).With("process_code", 30000) }
