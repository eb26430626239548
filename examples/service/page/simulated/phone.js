// The simulated phone: the invented people, their secrets, and the messages of their
// operator. Only with the built-in simulator.

const languages = {
	zh: {
		title: '模拟手机', about: '仅用于演示，不是服务的一部分。选择一位虚构的人物，把信息填入左边或上方的页面。',
		anew: '从头开始演示',
		person: '虚构人物', fill: '填入', form: '填入申请表', cxxd: '发送 CXXD 到 10001', texts: '收到的短信', none: '还没有短信。',
		from: (at, code, password) => `${at} ${password ? '新密码' : '验证码'} ${code}`,
		carriers: {
			plain: '服务密码，然后验证码', unicom: '只要服务密码', beijing: '验证码，然后查询密码', sichuan: '先后两个验证码',
			jilin: '先发送 CXXD 到 10001，再输验证码', reissue: '输错后自动重发验证码', weak: '密码过于简单，无法重置',
			'weak-resettable': '密码过于简单，可以重置', unreal: '号码不在本人名下', offline: '目前不提供服务',
			'two-sources': '之后还有第二个数据源', 'second-source': '两个数据源中的第二个', 'no-report': '验证成功，但没有报告',
			'reset-by-sms': '密码过于简单，重置后由短信发送新密码',
		},
		facts: { phone: '手机号', password: '服务密码', query_password: '查询密码', next_password: '下一个数据源的服务密码', new_password: '重置用的新密码' },
	},
	en: {
		title: 'Simulated phone', about: 'For the demonstration only, no part of the service. Choose an invented person and fill in the page beside or above.',
		anew: 'Start the demonstration again',
		person: 'Invented person', fill: 'Fill in', form: 'Fill in the form', cxxd: 'Text CXXD to 10001', texts: 'Text messages', none: 'No messages yet.',
		from: (at, code, password) => `${at} ${password ? 'new password' : 'code'} ${code}`,
		carriers: {},
		facts: { phone: 'Phone number', password: 'Service password', query_password: 'Query password', next_password: 'Service password of the next source', new_password: 'New password for a reset' },
	},
}

let words = languages[document.documentElement.lang]
const phone = document.getElementById('phone')
const facts = document.createElement('dl')
const inbox = document.createElement('ul')
const select = document.createElement('select')
let people = []
let received = '' // what the inbox shows

function text(name, content, properties = {}) {
	return Object.assign(document.createElement(name), { textContent: content }, properties)
}

function button(label, press, name = label) {
	const b = text('button', label, { type: 'button' })
	b.setAttribute('aria-label', name)
	b.addEventListener('click', press)
	return b
}

// fill enters a value into a field of the page's form, if it exists.
function fill(field, value) {
	const input = document.querySelector(`main input[name=${field}]`)
	if (!input) return
	input.value = value
	input.dispatchEvent(new Event('input', { bubbles: true }))
	input.focus()
}

// place returns the field for a fact: after a reset the new password is the password.
function place(fact) {
	return fact === 'new_password' && document.querySelector('main input[name=new_password]') ? fact : 'password'
}

function showPerson() {
	const person = people[select.value]
	sessionStorage.setItem('simulated person', select.value)
	facts.replaceChildren()
	for (const [name, label] of Object.entries(words.facts)) {
		if (!person[name]) continue
		const value = text('dd', person[name] + ' ')
		if (name !== 'phone') value.append(button(words.fill, () => fill(place(name), person[name]), `${words.fill}: ${label}`))
		facts.append(text('dt', label), value)
	}
	received = ''
	look()
}

function fillForm() {
	const person = people[select.value]
	for (const field of ['name', 'id_card', 'phone']) fill(field, person[field])
}

async function look() {
	if (document.hidden) return
	const response = await fetch('/simulated/texts?person=' + select.value).catch(() => null)
	if (!response?.ok) return
	const list = await response.json()
	if (JSON.stringify(list) === received) return
	received = JSON.stringify(list)
	inbox.replaceChildren(...list.reverse().map(({ at, code, password }) => {
		const line = text('li', words.from(new Date(at).toLocaleTimeString(document.documentElement.lang), code, password) + ' ')
		line.dataset.code = code
		line.append(button(words.fill, () => fill(password ? 'password' : 'code', code), `${words.fill}: ${code}`))
		return line
	}))
	if (list.length === 0) inbox.append(text('li', words.none))
}

function post(path) {
	return fetch(path, { method: 'POST', headers: { 'Content-Type': 'application/json' }, body: '{}' })
}

async function textCXXD() {
	await post('/simulated/cxxd?person=' + select.value)
	await look()
}

// startOver ends the verification of this browser and begins another.
async function startOver() {
	if ((await post('/api/anew')).status === 409) { // it has not ended
		await post('/api/verifications/mine/cancel')
		await post('/api/anew')
	}
	location.reload()
}

function show() {
	words = languages[document.documentElement.lang]
	select.replaceChildren(...people.map((p, i) => text('option', `${p.operator}: ${words.carriers[p.carrier] ?? p.description}`, { value: i })))
	select.value = sessionStorage.getItem('simulated person') ?? '0'
	const label = text('label', words.person)
	label.htmlFor = 'person'
	phone.lang = document.documentElement.lang
	phone.setAttribute('aria-label', words.title)
	phone.replaceChildren(text('h2', words.title), text('p', words.about), label, select, facts,
		button(words.form, fillForm), button(words.cxxd, textCXXD), text('h3', words.texts), inbox, button(words.anew, startOver))
	showPerson()
}

async function start() {
	people = await (await fetch('/simulated/people')).json()
	select.id = 'person'
	select.addEventListener('change', showPerson)
	show()
	new MutationObserver(show).observe(document.documentElement, { attributeFilter: ['lang'] })
	setInterval(look, 1000)
}
start()
