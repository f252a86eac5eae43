'use strict';

// The portal's own page: the embed script's first user, by the browser's session in place of a token.
(() => {
  const byId = (id) => document.getElementById(id);
  const place = byId('mount');

  // An end of the session has a place of its own on the page.
  place.addEventListener('greenlight:error', ({ detail }) => {
    const end = ['gone', 'switched'].includes(detail.code) ? byId(detail.code) : null;
    if (!end) return;
    for (const notice of document.querySelectorAll('.unsent')) notice.hidden = !detail.unsent;
    byId('live').hidden = true;
    end.hidden = false;
    document.title = end.querySelector('h1').textContent;
    end.querySelector('h1').focus();
  });

  // The connection may become ready while the page is open, and then there is a plugin that may need help.
  const withPlugin = ({ detail }) => {
    for (const id of ['lead', 'help']) byId(id).hidden = detail.application === 'missing';
  };
  place.addEventListener('greenlight:ready', withPlugin);
  place.addEventListener('greenlight:change', withPlugin);

  const box = byId('plugin');
  const apiKey = /api_key:\s*(\S+)/.exec(byId('loader').textContent)?.[1];
  window.Greenlight.mount(place, {
    csrf: document.querySelector('meta[name="csrf-token"]').content,
    lang: document.documentElement.lang,
    withLead: false,
    pluginBox: box,
    help: byId('help'),
    known: {
      entries: [...place.querySelectorAll('.integration')],
      plugin: apiKey === undefined ? null : { api_key: apiKey },
      application: place.dataset.application,
    },
  });
  if (byId('origin')) byId('origin').textContent = location.origin;
})();
