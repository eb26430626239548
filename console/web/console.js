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
