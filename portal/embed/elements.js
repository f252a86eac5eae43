// What the other parts are made of: the language, texts with their gaps filled, and elements.

// A single-page application may load the script once more; the first one goes on.
if (window.Greenlight) return;

const languageOf = (tag) => String(tag ?? '').trim().toLowerCase().split(/[-_]/)[0];

// This language, or English where there are no texts in it.
function pickLanguage(tag) {
  const language = languageOf(tag);
  return Object.hasOwn(TEXTS, language) ? language : 'en';
}

// As the reader's own browser writes dates in this language, where it has it.
function localeFor(language) {
  return (navigator.languages ?? []).find((tag) => languageOf(tag) === language) ?? language;
}

function fill(text, gaps) {
  return text.replace(/\{(\w+)\}/g, (whole, name) => (Object.hasOwn(gaps, name) ? gaps[name] : whole));
}

function element(name, attributes = {}, ...children) {
  const made = document.createElement(name);
  for (const [key, value] of Object.entries(attributes)) {
    if (value === true) made.setAttribute(key, '');
    else if (value !== false && value !== undefined) made.setAttribute(key, value);
  }
  made.append(...children);
  return made;
}

function setText(node, text) {
  // The same text again would be read aloud again.
  if (node.textContent !== text) node.textContent = text;
}

const seconds = () => performance.now() / 1000;
