'use strict';

(() => {
  const FAST = 700;
  const STEADY = 5_000;
  const IDLE = 15_000;
  // Switching on takes seconds; what takes longer is not worth asking for this often.
  const FAST_FOR = 60_000;
  const SOON = ['requested', 'enabling'];

  const byId = (id) => document.getElementById(id);
  const list = byId('integrations');
  // As the reader's own browser writes dates, with the zone that it means.
  const dates = new Intl.DateTimeFormat(undefined, {
    day: 'numeric', month: 'short', year: 'numeric', hour: 'numeric', minute: '2-digit', timeZoneName: 'short',
  });

  const csrf = document.querySelector('meta[name="csrf-token"]').content;

  let version = null;
  let changedAt = performance.now();
  let failures = 0;
  let asking = false;
  let askAgain = false;
  let over = false;
  let timer = 0;

  // ---- the list ----

  function part(node, name) {
    return node.querySelector(`[data-part="${name}"]`);
  }

  function setText(node, text) {
    if (node.textContent !== text) node.textContent = text;
  }

  function showSince(node, since) {
    const moment = new Date(since ?? NaN);
    node.hidden = Number.isNaN(moment.getTime());
    if (node.hidden) return;
    const time = node.querySelector('time');
    time.dateTime = since;
    setText(time, dates.format(moment));
  }

  function update(node, entry) {
    node.dataset.state = entry.state;
    node.dataset.calm = entry.calm;
    node.dataset.who = entry.who;
    for (const name of ['title', 'headline', 'explanation', 'turn', 'place']) setText(part(node, name), entry[name]);
    showSince(part(node, 'since'), entry.since);
  }

  function added(entry) {
    const node = byId('integration').content.firstElementChild.cloneNode(true);
    node.dataset.id = entry.id;
    return node;
  }

  function show(view) {
    const nodes = new Map([...list.children].map((node) => [node.dataset.id, node]));
    const news = [];
    let place = list.firstElementChild;
    for (const entry of view.integrations) {
      const node = nodes.get(entry.id) ?? added(entry);
      nodes.delete(entry.id);
      if (part(node, 'headline').textContent !== entry.headline) news.push(`${entry.title}: ${entry.headline}.`);
      update(node, entry);
      if (node === place) place = place.nextElementSibling;
      else list.insertBefore(node, place);
    }
    for (const node of nodes.values()) node.remove();
    byId('none').hidden = view.integrations.length > 0;
    // Only what changed is said aloud, once for all of it.
    if (news.length) byId('announcer').textContent = news.join(' ');
    showApplication(view.application);
  }

  function showApplication(application) {
    if (application !== 'new' && byId('application-new')) byId('application-new').hidden = true;
    if (byId('application-ready')) byId('application-ready').hidden = application === 'missing';
  }

  // ---- asking ----

  function pause(view) {
    if (!view.moving) return IDLE;
    const soon = view.integrations.some((entry) => SOON.includes(entry.state));
    return soon && performance.now() - changedAt < FAST_FOR ? FAST : STEADY;
  }

  function later(wait) {
    clearTimeout(timer);
    if (!over && !document.hidden) timer = setTimeout(ask, wait);
  }

  async function look() {
    try {
      const response = await fetch('/integrations.json', {
        // Says whose page asks: the cookie is the whole browser's, and may have become another page's.
        headers: { Accept: 'application/json', 'X-CSRF-Token': csrf },
        credentials: 'same-origin',
        cache: 'no-store',
        redirect: 'error',
        signal: AbortSignal.timeout?.(10_000),
      });
      if (response.status === 404) {
        document.dispatchEvent(new CustomEvent('greenlight:over', { detail: 'gone' }));
        return IDLE;
      }
      if (response.status === 409) {
        document.dispatchEvent(new CustomEvent('greenlight:over', { detail: 'switched' }));
        return IDLE;
      }
      if (!response.ok) throw new Error(String(response.status));
      const view = await response.json();
      failures = 0;
      byId('stale').hidden = true;
      if (view.version !== version) {
        show(view);
        version = view.version;
        changedAt = performance.now();
      }
      return pause(view);
    } catch {
      failures += 1;
      // One lost answer is no news.
      if (failures === 2) {
        byId('stale').hidden = false;
        byId('announcer').textContent = byId('stale').textContent;
      }
      return Math.min(1_000 * 2 ** failures, IDLE);
    }
  }

  async function ask() {
    clearTimeout(timer);
    if (over) return;
    if (asking) {
      askAgain = true;
      return;
    }
    asking = true;
    let wait = await look();
    asking = false;
    // What was answered may be older than what made us ask again.
    if (askAgain && !failures) wait = 0;
    askAgain = false;
    later(wait);
  }

  document.addEventListener('greenlight:sent', () => {
    changedAt = performance.now();
    ask();
  });
  document.addEventListener('visibilitychange', () => (document.hidden ? clearTimeout(timer) : ask()));
  document.addEventListener('greenlight:doubt', ask);
  window.addEventListener('online', ask);
  document.addEventListener('greenlight:over', ({ detail }) => {
    if (over) return;
    over = true;
    clearTimeout(timer);
    const end = byId(detail ?? 'gone');
    byId('live').hidden = true;
    end.hidden = false;
    document.title = end.querySelector('h1').textContent;
    end.querySelector('h1').focus();
  });

  for (const time of list.querySelectorAll('time[datetime]')) {
    showSince(time.parentElement, time.getAttribute('datetime'));
  }
  ask();
})();
