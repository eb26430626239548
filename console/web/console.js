// A button that reloads the page every 15 s. It is off at first, and its state
// is kept for the tab. It is left out on pages with an input, and waits while
// one has the focus.
'use strict'

const say = (english, chinese) => document.documentElement.lang === 'zh' ? chinese : english

// On a narrow screen the rows of a table are cards, in which each cell has the name of its
// column. The roles keep it a table for screen readers. Without this script it scrolls.
for (const table of document.querySelectorAll('.scroll > table')) {
	const names = [...table.tHead.rows[0].cells].map((cell) => cell.textContent)
	table.setAttribute('role', 'table')
	table.classList.add('cards')
	for (const part of [table.tHead, ...table.tBodies]) part.setAttribute('role', 'rowgroup')
	for (const row of table.rows) {
		row.setAttribute('role', 'row')
		for (const [i, cell] of [...row.cells].entries()) {
			if (cell.tagName === 'TH') cell.setAttribute('role', cell.scope === 'row' ? 'rowheader' : 'columnheader')
			else cell.setAttribute('role', 'cell')
			if (cell.tagName === 'TD' && names[i]) cell.dataset.column = names[i]
		}
	}
}

const slot = document.getElementById('refresh')
if (slot && !document.querySelector('main input:not([type=hidden])')) {
	const every = 15000
	const key = 'carrierfsm refresh'
	const on = () => sessionStorage.getItem(key) === 'on'
	const button = document.createElement('button')
	button.type = 'button'
	button.textContent = say('Refresh every 15 s', '每 15 秒刷新')
	const show = () => button.setAttribute('aria-pressed', String(on()))
	button.addEventListener('click', () => {
		sessionStorage.setItem(key, on() ? 'off' : 'on')
		show()
	})
	show()
	slot.append(' ', button)
	setInterval(() => {
		if (on() && !document.hidden && !document.activeElement.matches('input, select')) location.reload()
	}, every)
}

// The times of a page: UTC, as the server writes them, or those of this browser's place.
// A button changes between them, and each time has both as its title.
const zone = document.getElementById('zone')
if (zone) {
	const key = 'carrierfsm zone'
	const two = (n) => String(n).padStart(2, '0')
	const offset = (at) => {
		const minutes = -at.getTimezoneOffset()
		return 'UTC' + (minutes < 0 ? '−' : '+') + two(Math.floor(Math.abs(minutes) / 60)) + ':' + two(Math.abs(minutes) % 60)
	}
	const local = (at) => at.getFullYear() + '-' + two(at.getMonth() + 1) + '-' + two(at.getDate()) +
		' ' + two(at.getHours()) + ':' + two(at.getMinutes()) + ':' + two(at.getSeconds())
	const utc = (at) => at.toISOString().slice(0, 19).replace('T', ' ')
	const times = [...document.querySelectorAll('time[datetime]')].map((element) => {
		const at = new Date(element.dateTime)
		element.title = utc(at) + ' UTC, ' + local(at) + ' ' + offset(at)
		return { element, at, absolute: /^\d{4}-/.test(element.textContent) }
	})
	const isLocal = () => localStorage.getItem(key) === 'local'
	const button = document.createElement('button')
	button.type = 'button'
	button.textContent = say('Local times', '本地时间')
	const show = () => {
		button.setAttribute('aria-pressed', String(isLocal()))
		zone.textContent = isLocal()
			? say('All times are local, ', '时间均为本地时间，') + offset(new Date()) + say('.', '。')
			: say('All times are UTC.', '时间均为 UTC。')
		for (const t of times) if (t.absolute) t.element.textContent = isLocal() ? local(t.at) : utc(t.at)
	}
	button.addEventListener('click', () => {
		localStorage.setItem(key, isLocal() ? 'utc' : 'local')
		show()
	})
	show()
	zone.after(' ', button)
}
