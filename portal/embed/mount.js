// One customer's integrations in one element of the page: asks for their state, shows it, tells the page of it.

const FAST = 700;
const STEADY = 5_000;
const IDLE = 15_000;
// Switching on takes seconds; what takes longer is not worth asking for this often.
const FAST_FOR = 60_000;
const SOON = ['requested', 'enabling'];
// Where the portal says that the browser has opened another customer's page.
const SWITCHED = 409;

const mounts = new Set();

class Mount {
  constructor(place, options) {
    this.place = place;
    this.options = options;
    this.way = options.csrf === undefined ? new TokenWay(this, options) : new SessionWay(this, options);
    this.state = null;
    this.outbox = null;
    this.plugin = null;
    this.view = null;
    this.broken = false;
    this.failures = 0;
    this.trouble = null;
    this.changedAt = performance.now();
    this.asking = false;
    this.askAgain = false;
    this.ended = null;
    this.timer = 0;
    this.away = () => (document.hidden ? clearTimeout(this.timer) : this.ask());
    this.back = () => this.ask();
  }

  // ---- coming and going ----

  open() {
    if (this.view || this.broken) return;
    const { known } = this.options;
    const lang = [this.options.lang, this.place.dataset.greenlightLang, this.place.closest('[lang]')?.lang, document.documentElement.lang];
    this.host = element('div');
    try {
      this.view = new View(this.host, pickLanguage(lang.find(Boolean)), this.options);
    } catch (error) {
      // What is requested in the plugin that the page was made with is sent all the same.
      this.broken = true;
      if (known?.plugin && loadLinkedIn(known.plugin) === null) {
        this.outbox = outboxOf(known.plugin.api_key);
        this.outbox.attach(this);
      }
      console.error(error);
      return;
    }
    this.place.replaceChildren(this.host);
    this.listen();
    document.addEventListener('visibilitychange', this.away);
    window.addEventListener('online', this.back);
    // The portal's own page was made with a state, and is as good as that without any answer.
    if (known) {
      this.view.adopt(known.entries);
      if (known.plugin) this.turn(known, known.plugin);
    }
    this.ask();
  }

  listen() {
    const on = (id, act) => this.view.by(id).addEventListener('click', act);
    on('reload-plugin', () => this.plugin?.redraw());
    on('try-again', reloadPage);
    on('reload-page', reloadPage);
    on('another-reload', reloadPage);
    on('send-again', () => {
      this.view.by('outbox-text').focus();
      this.outbox?.sendAgain();
    });
  }

  // Nothing is asked and nothing of LinkedIn's is left; what has not been sent yet still is.
  close() {
    if (this.broken) this.leave();
    if (!this.view) return;
    clearTimeout(this.timer);
    document.removeEventListener('visibilitychange', this.away);
    window.removeEventListener('online', this.back);
    this.leave();
    this.host.remove();
    this.view = null;
    this.state = null;
    this.ended = null;
    this.failures = 0;
    this.trouble = null;
  }

  leave() {
    this.plugin?.close();
    this.plugin = null;
    this.outbox?.detach(this);
    this.outbox = null;
  }

  // ---- what the page is told ----

  tell(name, detail) {
    this.place.dispatchEvent(new CustomEvent(`greenlight:${name}`, { detail, bubbles: true, composed: true }));
  }

  requested(items) {
    this.tell('requested', { integrations: items });
    this.changedAt = performance.now();
    this.ask();
  }

  end(name) {
    if (this.ended === name || !this.view) return;
    this.ended = name;
    clearTimeout(this.timer);
    const lost = Boolean(this.outbox?.batches.length) && this.outbox.isOver();
    // The portal's own page has words of its own for its ends.
    if (Object.hasOwn(this.view.texts, name)) this.view.showEnd(name, lost);
    this.tell('error', { code: name, unsent: lost });
  }

  setToken(token) {
    this.way.set(token);
    if (this.ended) {
      this.ended = null;
      this.view?.showGoingOn();
      if (this.state) this.view?.show(this.state);
    }
    this.ask();
  }

  // ---- whose it is ----

  take(state) {
    const unknown = this.way.apiKey === null;
    const plugin = this.way.learn(state);
    const apiKey = plugin?.api_key ?? null;
    const first = this.state === null;
    // The portal's page was made with a state, so that its first answer may bring news.
    const news = first ? Boolean(this.options.known) : this.state.customer === state.customer;
    if (apiKey !== (this.outbox?.apiKey ?? null)) this.turn(state, plugin);
    // What waited for a token can go, now that it is known to be this customer's.
    else if (unknown && this.outbox?.batches.length) this.outbox.sendAgain();
    if (first || state.version !== this.state.version) {
      this.state = state;
      this.view.show(state, news);
      this.changedAt = performance.now();
      const { customer, integrations, application } = state;
      this.tell(first ? 'ready' : 'change', { customer, application, integrations });
    }
  }

  // The first customer that is shown here, or another one: its requests and its plugin are its own.
  turn(state, plugin) {
    this.leave();
    this.view.by('another').hidden = true;
    this.view.by('place').hidden = true;
    if (!plugin) return;
    this.outbox = outboxOf(plugin.api_key);
    const kept = loadLinkedIn(plugin);
    if (kept === null) {
      this.view.by('application-new').hidden = state.application !== 'new';
      this.view.showColumns();
      this.view.by('place').hidden = false;
      this.view.by('reload-plugin').hidden = false;
      this.plugin = new PluginBox(this.view.box, this.view, plugin.bundles);
      this.plugin.open();
    } else {
      this.view.by('reload-plugin').hidden = true;
      this.view.showKept(kept, state.customer);
      this.tell('error', { code: kept });
    }
    this.outbox.attach(this);
  }

  // ---- asking ----

  pause(state) {
    if (!state.moving) return IDLE;
    const soon = state.integrations.some((entry) => SOON.includes(entry.state));
    return soon && performance.now() - this.changedAt < FAST_FOR ? FAST : STEADY;
  }

  later(wait) {
    clearTimeout(this.timer);
    if (this.view && !this.ended && !document.hidden) this.timer = setTimeout(() => this.ask(), wait);
  }

  async look() {
    const { view } = this;
    try {
      const response = await this.way.look(view.language);
      // Closed meanwhile, and perhaps opened anew.
      if (this.view !== view) return IDLE;
      const over = response.status === SWITCHED ? 'switched' : this.way.isOver(response.status);
      if (over) {
        this.end(over);
        return IDLE;
      }
      if (!response.ok) throw new Error(String(response.status));
      const state = await response.json();
      if (this.view !== view) return IDLE;
      this.failures = 0;
      this.trouble = null;
      view.showStale(false);
      this.take(state);
      return this.pause(state);
    } catch (error) {
      this.failures += 1;
      // One lost answer is no news.
      if (this.failures >= 2) {
        const shutOut = error instanceof TypeError && (await this.way.isShutOut());
        if (this.view !== view) return IDLE;
        this.showTrouble(shutOut ? 'not_allowed' : 'unreachable');
      }
      return Math.min(1_000 * 2 ** this.failures, IDLE);
    }
  }

  // The cause may turn out otherwise later; it is told again only then.
  showTrouble(code) {
    if (this.trouble === code) return;
    this.trouble = code;
    this.view.showColumns();
    this.view.showStale(true, code === 'unreachable' ? 'stale' : code);
    this.tell('error', { code });
  }

  async ask() {
    clearTimeout(this.timer);
    if (!this.view || this.ended) return;
    if (this.asking) {
      this.askAgain = true;
      return;
    }
    this.asking = true;
    let wait = await this.look();
    this.asking = false;
    // What was answered may be older than what made us ask again.
    if (this.askAgain && !this.failures) wait = 0;
    this.askAgain = false;
    this.later(wait);
  }
}
