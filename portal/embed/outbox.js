// What LinkedIn's plugin gave us and the portal has not taken yet: kept in the tab, sent until it is taken.

const KEY_PARTS = ['integrationContext', 'integrationType', 'tenantType'];
const WAITS = [1, 3, 8, 20];
const LONGEST_WAIT = 60;
// Answers of a portal that has read the request and will not have it.
const DECLINED = [400, 403, 409, 413, 415, 422];

function known(given) {
  if (given === null || typeof given !== 'object') return null;
  const entry = {};
  for (const part of KEY_PARTS) {
    if (typeof given[part] !== 'string' || given[part] === '') return null;
    entry[part] = given[part];
  }
  return entry;
}

function readable(list) {
  return (Array.isArray(list) ? list : [list]).map(known).filter((entry) => entry !== null);
}

class Outbox {
  constructor(apiKey) {
    this.apiKey = apiKey;
    // Another customer's page in the same tab must never send what was requested on this one.
    this.name = `greenlight.unsent.${apiKey}`;
    this.mounts = new Set();
    // The ways of mounts that are gone, for what they have left unsent.
    this.left = new Set();
    this.batches = this.stored();
    this.sending = false;
    this.inFlight = null;
    this.wake = () => {};
  }

  // Whoever shows this customer says how to reach the portal, also for what is sent after it has gone.
  attach(mount) {
    if (this.batches.length) this.left.delete(mount.way);
    else this.left.clear();
    this.mounts.add(mount);
    if (this.batches.length) this.sendAgain();
  }

  detach(mount) {
    this.mounts.delete(mount);
    if (!mount.ended) this.left.add(mount.way);
  }

  // That of a mount that is there before that of one that is gone; an end is that of one mount alone.
  ways() {
    const there = [...this.mounts].filter((mount) => !mount.ended).map((mount) => mount.way);
    return [...there, ...this.left];
  }

  isOver() {
    return !this.ways().length;
  }

  stored() {
    try {
      const batches = JSON.parse(sessionStorage.getItem(this.name) ?? '[]');
      return batches.map((batch) => ({ items: readable(batch), tries: 0 })).filter(({ items }) => items.length);
    } catch {
      return [];
    }
  }

  store() {
    try {
      const items = this.batches.map((batch) => batch.items);
      if (items.length) sessionStorage.setItem(this.name, JSON.stringify(items));
      else sessionStorage.removeItem(this.name);
    } catch {
      // Storage may be forbidden; then the page's memory has to do, and leaving it asks first.
    }
  }

  take(integrations) {
    const given = Array.isArray(integrations) ? integrations.length : 1;
    const items = readable(integrations);
    if (items.length) {
      const text = JSON.stringify(items);
      const twin = this.batches.find((batch) => batch !== this.inFlight && JSON.stringify(batch.items) === text);
      if (twin) twin.tries = 0;
      else this.batches.push({ items, tries: 0 });
      this.store();
    }
    if (items.length < given || !given) this.say('unreadable', 'problem');
    if (items.length) this.send();
  }

  say(name, tone = '', canSend = false, gaps = {}) {
    for (const mount of this.mounts) mount.view?.sayOutbox(name, tone, canSend, gaps);
  }

  async post(way, items) {
    try {
      const response = await way.post({ apiKey: this.apiKey, integrations: items });
      const { unreadable } = response.ok ? await response.json() : {};
      return { status: response.status, after: Number(response.headers.get('Retry-After')) || 0, unreadable };
    } catch {
      return { status: 0, after: 0 };
    }
  }

  async send() {
    this.wake();
    if (this.sending) return;
    this.sending = true;
    try {
      await this.drain();
    } finally {
      this.sending = false;
    }
  }

  async drain() {
    while (!this.isOver()) {
      const tries = Math.min(...this.batches.map((batch) => batch.tries));
      const batch = this.batches.find((candidate) => candidate.tries === tries);
      if (!batch) return;
      if (batch.tries > WAITS.length) {
        this.say(DECLINED.includes(batch.status) ? 'declined' : 'unsent', 'problem', true);
        return;
      }
      if (!batch.tries) this.say('sending');
      this.inFlight = batch;
      // A new token may be another customer's, until the portal has said whose it is.
      const way = this.ways().find(({ apiKey }) => apiKey === this.apiKey);
      const { status, after, unreadable } = way ? await this.post(way, batch.items) : { status: 0, after: 0 };
      this.inFlight = null;
      if (status >= 200 && status < 300) this.taken(batch, unreadable);
      else if (way?.isOver(status)) this.end(way, way.isOver(status));
      else await this.later(batch, status, after);
    }
  }

  end(way, name) {
    this.left.delete(way);
    for (const mount of this.mounts) if (mount.way === way) mount.end(name);
  }

  taken(batch, unreadable) {
    this.batches.splice(this.batches.indexOf(batch), 1);
    this.store();
    if (unreadable) this.say('unreadable', 'problem');
    else this.say('sent', 'good');
    for (const mount of this.mounts) mount.requested(batch.items);
  }

  async later(batch, status, after) {
    // Whose page this is may have changed; who looks finds out.
    if (status === 403) for (const mount of this.mounts) mount.ask();
    const wait = Math.min(Math.max(WAITS[batch.tries] ?? 0, after), LONGEST_WAIT);
    batch.tries += 1;
    batch.status = status;
    if (batch.tries > WAITS.length) return;
    this.say('retry', 'calm', false, { seconds: wait });
    await new Promise((resolve) => {
      this.wake = resolve;
      setTimeout(resolve, wait * 1000);
    });
  }

  sendAgain() {
    for (const batch of this.batches) batch.tries = 0;
    this.send();
  }
}

const outboxes = new Map();

function outboxOf(apiKey) {
  if (!outboxes.has(apiKey)) outboxes.set(apiKey, new Outbox(apiKey));
  return outboxes.get(apiKey);
}

const unsent = () => [...outboxes.values()].some((outbox) => outbox.batches.length && !outbox.isOver());

window.addEventListener('online', () => outboxes.forEach((outbox) => outbox.batches.length && outbox.sendAgain()));

// A reload of ours keeps the tab and with it the outbox, so only leaving in other ways is worth a question.
let reloading = false;
window.addEventListener('beforeunload', (event) => {
  if (!reloading && unsent()) event.preventDefault();
});

function reloadPage() {
  reloading = true;
  location.reload();
}
