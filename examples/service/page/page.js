// Requests the screen from the service, shows it, and sends the person's answers.
// The page keeps no state of the verification: it can be reloaded, closed and
// opened twice at any time.

import { busy, problemAt, remember, say, show } from './screen.js'

const lang = document.documentElement.lang
const tabs = new BroadcastChannel('verification') // other tabs of this browser
let shown = null // the present screen
let sending = false
let wake = () => {} // ends the waiting of watch()

// call returns the status, the screen and the problem of a response. It throws without
// a response.
async function call(path, options) {
	const response = await fetch(path, { cache: 'no-store', credentials: 'same-origin', ...options })
	const body = await response.json()
	const problem = response.ok ? null : body
	return { status: response.status, problem, screen: (problem ? body.verification : body)?.screen }
}

// current returns the present screen. A verification that is gone, as after a restart of
// a service in memory, is begun anew.
async function current(options) {
	const seen = shown ? '&seen=' + encodeURIComponent(shown.tag) : ''
	const answer = await call('/api/verifications/mine?lang=' + lang + seen, options)
	if (answer.status !== 404) return answer
	return call('/api/anew?lang=' + lang, { ...options, method: 'POST', headers: { 'Content-Type': 'application/json' }, body: '{}' })
}

// send sends an input. A click while one is being sent has no effect; the service
// would refuse it, too. What is wrong with it is shown until the next input, or until the
// question changes: no poll removes it.
async function send(input, fields) {
	if (sending) return
	sending = true
	busy(true)
	try {
		const path = { anew: '/api/anew', apply: '/api/verifications' }[input] ?? '/api/verifications/mine/' + input
		const body = input === 'anew' || input === 'cancel' ? {} : { step: shown.step, ...fields }
		const answer = await call(path + '?lang=' + lang, {
			method: 'POST',
			headers: { 'Content-Type': 'application/json' },
			body: JSON.stringify(body),
		})
		take(answer)
		const { problem } = answer
		say('problem', problem && !problemAt(problem.code, problem.title) ? problem.title : '')
		tabs.postMessage('changed')
	} catch {
		offline()
	} finally {
		sending = false
		busy(false)
		wake()
	}
}

// take shows the screen of a response, if it has one.
function take({ screen }) {
	if (!screen) return
	if (shown && screen.topic !== shown.topic) say('problem', '')
	shown = screen
	show(screen, send)
}

// offline says that the service can't be reached, until a poll has reached it.
function offline() {
	say('trouble', document.getElementById('trouble').dataset.offline)
}

// watch polls and shows changes while the page is open.
async function watch() {
	for (let failures = 0; ;) {
		while (document.hidden && shown) await pause(Infinity) // browsers limit the connections of all tabs
		try {
			const answer = await current({ signal: waking() })
			if (!answer.screen) throw answer.problem
			const ours = sending && answer.screen.tone === 'wait'
			if (ours) await pause(1000) // usually the outcome is known by then
			if (ours && !sending) continue
			if (!shown || answer.screen.tag !== shown.tag) take(answer)
			say('trouble', '')
			failures = 0
			if (!answer.screen.live) await pause(Infinity) // until another tab or the person acts
		} catch (problem) {
			if (problem.name === 'AbortError') continue
			failures++
			if (problem.title) say('trouble', problem.title)
			else offline()
			await pause((problem.retry_after_seconds || Math.min(failures, 10)) * 1000)
		}
	}
}

// waking returns a signal that wake() aborts.
function waking() {
	const stop = new AbortController()
	wake = () => stop.abort(new DOMException('', 'AbortError'))
	return stop.signal
}

// pause waits for a time, or until wake() is called.
function pause(milliseconds) {
	return new Promise((resolve) => {
		wake = resolve
		if (milliseconds !== Infinity) setTimeout(resolve, milliseconds)
	})
}

tabs.addEventListener('message', () => wake())
addEventListener('online', () => wake())
addEventListener('pageshow', () => wake())
addEventListener('deadline', () => wake()) // dispatched by screen.js
document.addEventListener('visibilitychange', () => wake())
document.addEventListener('input', (event) => remember(event.target))
watch()
