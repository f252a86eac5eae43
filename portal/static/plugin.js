'use strict';

(() => {
  // LinkedIn's script calls this by name, so it stands first: nothing below can keep it from existing.
  window.handleIntegrations = (integrations) => take(integrations);

  const PARTS = ['integrationContext', 'integrationType', 'tenantType'];
  const WAITS = [1, 3, 8, 20];
  const LONGEST_WAIT = 60;
  // Answers of a server that has read the request and will not have it.
  const DECLINED = [400, 409, 413, 415, 422];
  const SCRIPT_SECONDS = 8;
  const SENT_SECONDS = 20;
  const EMPTY_SECONDS = 20;
  const NARROWEST = 240;
  const WIDEST = 700;
  const WORTH_A_REDRAW = 40;

  const byId = (id) => document.getElementById(id);
  const now = () => performance.now() / 1000;

  // ---- the outbox: what the plugin gave us and the server has not taken yet ----

  const loader = document.querySelector('#loader > script');
  const apiKey = /api_key:\s*(\S+)/.exec(loader?.textContent ?? '')?.[1] ?? '';
  // Another customer's page in the same tab must never send what was requested on this one.
  const STORE = `greenlight.unsent.${apiKey}`;
  const csrf = document.querySelector('meta[name="csrf-token"]')?.content ?? '';
  const outbox = stored();
  let sending = false;
  let inFlight = null;
  let over = false;
  let wake = () => {};

  function known(given) {
    if (given === null || typeof given !== 'object') return null;
    const entry = {};
    for (const part of PARTS) {
      if (typeof given[part] !== 'string' || given[part] === '') return null;
      entry[part] = given[part];
    }
    return entry;
  }

  function readable(list) {
    return (Array.isArray(list) ? list : [list]).map(known).filter((entry) => entry !== null);
  }

  function stored() {
    try {
      const batches = JSON.parse(sessionStorage.getItem(STORE) ?? '[]');
      return batches.map((batch) => ({ items: readable(batch), tries: 0 })).filter(({ items }) => items.length);
    } catch {
      return [];
    }
  }

  function store() {
    try {
      if (outbox.length) sessionStorage.setItem(STORE, JSON.stringify(outbox.map(({ items }) => items)));
      else sessionStorage.removeItem(STORE);
    } catch {
      // Storage may be forbidden; then the page's memory has to do, and leaving it asks first.
    }
  }

  let sent = 0;

  function take(integrations) {
    const given = Array.isArray(integrations) ? integrations.length : 1;
    const items = readable(integrations);
    if (items.length) {
      const text = JSON.stringify(items);
      const twin = outbox.find((batch) => batch !== inFlight && JSON.stringify(batch.items) === text);
      if (twin) twin.tries = 0;
      else outbox.push({ items, tries: 0 });
      store();
    }
    if (items.length < given || !given) sayUnreadable();
    if (items.length) send();
  }

  function sayUnreadable() {
    say('LinkedIn’s plugin sent something that we could not read. Choose Request again; if that does not help, ' +
      'please tell us.', 'problem');
  }

  function say(text, tone = '', canSend = false) {
    byId('outbox').hidden = false;
    byId('outbox').dataset.tone = tone;
    byId('outbox-text').textContent = text;
    // A region that was hidden a moment ago is not read aloud, so another one says it.
    byId('outbox-announcer').textContent = text;
    byId('outbox-actions').hidden = !canSend;
  }

  async function post(items) {
    try {
      const response = await fetch('/requests', {
        method: 'POST',
        headers: { 'Content-Type': 'application/json', 'X-CSRF-Token': csrf },
        body: JSON.stringify({ integrations: items }),
        credentials: 'same-origin',
        redirect: 'error',
        // A tab that is closed right after the click still sends it.
        keepalive: true,
        signal: AbortSignal.timeout?.(15_000),
      });
      const { unreadable } = response.ok ? await response.json() : {};
      return { status: response.status, after: Number(response.headers.get('Retry-After')) || 0, unreadable };
    } catch {
      return { status: 0, after: 0 };
    }
  }

  async function send() {
    wake();
    if (sending || over) return;
    sending = true;
    try {
      await drain();
    } finally {
      sending = false;
    }
  }

  async function drain() {
    while (!over) {
      const tries = Math.min(...outbox.map((batch) => batch.tries));
      const batch = outbox.find((candidate) => candidate.tries === tries);
      if (!batch) return;
      if (batch.tries > WAITS.length) {
        say(DECLINED.includes(batch.status)
          ? 'We could not accept your request. It is kept in this browser tab; please tell us.'
          : 'Your request has not reached us. It is kept in this browser tab: check your connection and choose ' +
            'Send again, or reload this page. If that does not help, please tell us.', 'problem', true);
        return;
      }
      if (!batch.tries) say('Sending your request …');
      inFlight = batch;
      const { status, after, unreadable } = await post(batch.items);
      inFlight = null;
      if (status >= 200 && status < 300) {
        outbox.splice(outbox.indexOf(batch), 1);
        store();
        if (unreadable) sayUnreadable();
        else say('Your request has reached us. Its progress is shown under “Your integrations”.', 'good');
        clearTimeout(sent);
        // What comes of it is in the list; this need not stay.
        sent = setTimeout(() => { if (!outbox.length) byId('outbox').hidden = true; }, SENT_SECONDS * 1000);
        document.dispatchEvent(new Event('greenlight:sent'));
      } else if (status === 401 || status === 404) {
        document.dispatchEvent(new Event('greenlight:over'));
      } else {
        // The cookie may be another page's by now; who looks finds out.
        if (status === 403) document.dispatchEvent(new Event('greenlight:doubt'));
        const wait = Math.min(Math.max(WAITS[batch.tries] ?? 0, after), LONGEST_WAIT);
        batch.tries += 1;
        batch.status = status;
        if (batch.tries <= WAITS.length) {
          say(`We could not take your request yet. We keep it and try again in ${wait} ` +
            `${wait === 1 ? 'second' : 'seconds'}. Please leave this page open.`, 'calm');
          await new Promise((resolve) => {
            wake = resolve;
            setTimeout(resolve, wait * 1000);
          });
        }
      }
    }
  }

  function sendAgain() {
    for (const batch of outbox) batch.tries = 0;
    send();
  }

  document.addEventListener('greenlight:over', () => {
    over = true;
    for (const notice of document.querySelectorAll('.unsent')) notice.hidden = !outbox.length;
  });
  window.addEventListener('online', () => outbox.length && sendAgain());
  byId('send-again')?.addEventListener('click', () => {
    byId('outbox-text').focus();
    sendAgain();
  });

  // A reload of ours keeps the tab and with it the outbox, so only leaving in other ways is worth a question.
  let reloading = false;
  window.addEventListener('beforeunload', (event) => {
    if (outbox.length && !reloading && !over) event.preventDefault();
  });

  function reloadPage() {
    reloading = true;
    location.reload();
  }

  byId('show-plugin')?.addEventListener('click', reloadPage);

  // ---- the plugin: its width, and what to say while it is not there ----

  const box = byId('plugin');
  const mount = box?.querySelector('script');
  let failed = false;
  let watched = 0;
  let drawnFor = 0;

  function width() {
    return Math.max(NARROWEST, Math.min(WIDEST, Math.floor(box.clientWidth)));
  }

  function isDrawn() {
    return [...box.children].some((child) => child.localName !== 'script' && child.offsetHeight > 0);
  }

  function redraw() {
    if (typeof window.IN?.parse !== 'function') {
      reloadPage();
      return;
    }
    const fresh = mount.cloneNode(true);
    drawnFor = width();
    fresh.dataset.width = drawnFor;
    box.replaceChildren(fresh);
    window.IN.parse();
    watch();
  }

  function watch() {
    watched = now();
    look();
  }

  function look() {
    const drawn = isDrawn();
    const waited = now() - watched;
    const blocked = failed || (!window.IN && waited >= SCRIPT_SECONDS);
    const absent = !drawn && (blocked || waited >= EMPTY_SECONDS);
    byId('loading').hidden = drawn || absent;
    // The plugin is there: what is said about a new connection no longer helps.
    if (drawn) byId('application-new').hidden = true;
    byId('absent-blocked').hidden = Boolean(window.IN);
    byId('absent-empty').hidden = !window.IN;
    if (absent && byId('absent').hidden) {
      byId('outbox-announcer').textContent = 'LinkedIn’s plugin has not appeared. The page says what may help.';
    }
    byId('absent').hidden = !absent;
    // Without LinkedIn's script there is nothing to reload but the page, which is what Try again does.
    byId('reload-plugin').hidden = absent && !window.IN;
    clearTimeout(look.timer);
    if (!drawn) look.timer = setTimeout(look, 1000);
  }

  function resized() {
    clearTimeout(resized.timer);
    resized.timer = setTimeout(() => {
      const far = Math.abs(width() - drawnFor) >= WORTH_A_REDRAW;
      if (far && !box.hidden && box.clientWidth && typeof window.IN?.parse === 'function') redraw();
    }, 300);
  }

  if (box && mount) {
    drawnFor = width();
    mount.dataset.width = drawnFor;
    loader?.addEventListener('error', () => {
      failed = true;
      look();
    });
    new MutationObserver(look).observe(box, { childList: true, subtree: true });
    window.addEventListener('resize', resized);
    byId('reload-plugin').hidden = false;
    byId('reload-plugin').addEventListener('click', redraw);
    byId('try-again').addEventListener('click', reloadPage);
    watch();
  }

  if (byId('origin')) byId('origin').textContent = location.origin;
  if (outbox.length) send();
})();
