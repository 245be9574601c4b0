// SPDX-License-Identifier: Apache-2.0

// Shows the sections that have what is looked for; without this script the page has them all.
const find = document.getElementById('find')
const sections = [...document.querySelectorAll('main section')].map((element) => ({
  element,
  text: element.textContent.toLowerCase(),
  entry: document.querySelector(`nav li[data-for="${CSS.escape(element.id)}"]`)
}))

function show () {
  const words = find.value.toLowerCase().split(/\s+/).filter(Boolean)
  let found = 0
  for (const { element, text, entry } of sections) {
    const here = words.every((word) => text.includes(word))
    element.hidden = !here
    if (entry) entry.hidden = !here
    if (here) found++
  }
  document.getElementById('none').hidden = found > 0
}

find.addEventListener('input', show)
show() // the browser may have kept what was typed
