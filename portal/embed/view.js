// What is shown, in a shadow tree of its own, so that no style of the page's reaches it and none of ours leaves it.

const SENT_SECONDS = 20;
// Two places of one page come to know the same within this time, and one of them says it.
const SAID_SECONDS = 20;
const said = new Map();
const ENTRY_PARTS = ['title', 'headline', 'explanation', 'turn', 'place'];

class View {
  constructor(host, language, { withLead = true, pluginBox = null, help = null } = {}) {
    this.texts = TEXTS[language];
    this.language = language;
    const locale = localeFor(language);
    this.dates = new Intl.DateTimeFormat(locale, {
      day: 'numeric', month: 'short', year: 'numeric', hour: 'numeric', minute: '2-digit', timeZoneName: 'short',
    });
    this.waits = new Intl.NumberFormat(locale, { style: 'unit', unit: 'second', unitDisplay: 'long' });
    this.root = host.attachShadow({ mode: 'open' });
    this.dress();
    this.root.append(this.frame(withLead));
    this.sentTimer = 0;
    // Last: where the above fails, the portal's page keeps what it was made with.
    this.box = pluginBox ?? element('div');
    this.box.slot = 'plugin';
    host.append(this.box);
    // What the portal's page says about LinkedIn's errors.
    if (help) {
      help.slot = 'help';
      host.append(help);
    }
  }

  dress() {
    try {
      const styles = new CSSStyleSheet();
      styles.replaceSync(STYLES);
      // Not an element, which the page's own policy may forbid.
      this.root.adoptedStyleSheets = [styles];
    } catch {
      // Safari before 16.4 makes none.
      this.root.append(element('link', { rel: 'stylesheet', href: `${PORTAL}/static/integrations.css` }));
    }
  }

  by(id) {
    return this.root.getElementById(id);
  }

  paragraph(name, attributes = {}) {
    return element('p', attributes, this.texts[name]);
  }

  button(name, id, hidden = false) {
    const quiet = name === 'reload_plugin' ? ' quiet' : '';
    return element('button', { type: 'button', class: `button${quiet}`, id, hidden }, this.texts[name]);
  }

  frame(withLead) {
    const region = element('div', { id: 'greenlight', lang: this.language, role: 'group', 'aria-label': this.texts.region });
    region.append(
      element('p', { id: 'announcer', class: 'unseen', role: 'status' }),
      element('p', { id: 'outbox-announcer', class: 'unseen', role: 'status' }),
      this.paragraph('connecting', { id: 'connecting', class: 'loading' }),
      element('div', { id: 'ended', class: 'notice', 'data-tone': 'problem', hidden: true },
        element('p', { id: 'ended-text', tabindex: '-1' }),
        this.paragraph('over_unsent', { id: 'ended-unsent', hidden: true }),
        element('p', {}, this.button('reload_page', 'reload-page'))),
      element('div', { id: 'columns', class: 'columns', hidden: true }, this.requestCard(withLead), this.listCard(),
        element('slot', { name: 'help' })),
    );
    return region;
  }

  requestCard(withLead) {
    const causes = ['absent_extension', 'absent_cookies', 'absent_network'].map((name) => element('li', {}, this.texts[name]));
    return element('section', { class: 'card request', 'aria-labelledby': 'request-heading' },
      element('h2', { id: 'request-heading' }, this.texts.request_heading),
      ...(withLead ? [this.paragraph('lead', { class: 'quiet-text' })] : []),
      this.paragraph('application_new', { id: 'application-new', class: 'notice', hidden: true }),
      this.paragraph('application_missing', { id: 'application-missing', class: 'notice', hidden: true }),
      element('div', { id: 'another', class: 'notice', hidden: true },
        element('p', { id: 'another-text' }), element('p', {}, this.button('reload_page', 'another-reload'))),
      element('div', { id: 'place', hidden: true }, element('slot', { name: 'plugin' })),
      this.paragraph('loading', { id: 'loading', class: 'loading', hidden: true }),
      element('div', { id: 'absent', class: 'notice', 'data-tone': 'problem', hidden: true },
        element('h3', {}, this.texts.absent_heading),
        this.paragraph('absent_blocked', { id: 'absent-blocked' }),
        this.paragraph('absent_empty', { id: 'absent-empty', hidden: true }),
        element('ul', {}, ...causes),
        this.paragraph('absent_still'),
        element('p', {}, this.button('try_again', 'try-again'))),
      element('div', { id: 'outbox', class: 'notice', hidden: true },
        element('p', { id: 'outbox-text', tabindex: '-1' }),
        element('p', { id: 'outbox-actions', hidden: true }, this.button('send_again', 'send-again'))),
      element('p', { class: 'actions' }, this.button('reload_plugin', 'reload-plugin', true)));
  }

  listCard() {
    return element('section', { class: 'card list', 'aria-labelledby': 'list-heading' },
      element('h2', { id: 'list-heading' }, this.texts.list_heading),
      this.paragraph('stale', { id: 'stale', class: 'notice', 'data-tone': 'problem', hidden: true }),
      element('p', { id: 'none', class: 'quiet-text', hidden: true }),
      element('ul', { id: 'integrations', class: 'integrations', role: 'list' }));
  }

  // ---- the list ----

  entry(id) {
    const part = (name, kind, attributes = {}) => element(kind, { 'data-part': name, ...attributes });
    return element('li', { class: 'integration', 'data-id': id },
      part('title', 'h3'), part('headline', 'p', { class: 'badge' }), part('explanation', 'p', { class: 'explanation' }),
      part('turn', 'p', { class: 'turn' }),
      element('p', { class: 'small' }, part('place', 'span'), part('since', 'span', { hidden: true })));
  }

  update(node, entry) {
    node.dataset.state = entry.state;
    node.dataset.calm = entry.calm;
    node.dataset.who = entry.who;
    const part = (name) => node.querySelector(`[data-part="${name}"]`);
    for (const name of ENTRY_PARTS) setText(part(name), entry[name]);
    this.showSince(part('since'), entry.since);
  }

  showSince(node, since) {
    const moment = new Date(since ?? NaN);
    node.hidden = Number.isNaN(moment.getTime());
    if (node.hidden) return;
    const [before, after] = this.texts.since.split('{time}');
    const time = element('time', { datetime: since }, this.dates.format(moment));
    if (node.textContent !== before + time.textContent + after) node.replaceChildren(before, time, after);
  }

  // Entries that the portal's page was made with.
  adopt(entries) {
    this.showColumns();
    for (const entry of entries) {
      this.showSince(entry.querySelector('[data-part="since"]'), entry.querySelector('time')?.dateTime);
      this.by('integrations').append(entry);
    }
  }

  showColumns() {
    this.by('connecting').hidden = true;
    this.by('columns').hidden = false;
  }

  // `news`: what is otherwise than before is said aloud; a first state is not.
  show(state, news = true) {
    this.showColumns();
    const list = this.by('integrations');
    const nodes = new Map([...list.children].map((node) => [node.dataset.id, node]));
    const changes = [];
    let place = list.firstElementChild;
    for (const entry of state.integrations) {
      const node = nodes.get(entry.id) ?? this.entry(entry.id);
      nodes.delete(entry.id);
      if (node.querySelector('[data-part="headline"]').textContent !== entry.headline) {
        changes.push(fill(this.texts.change_said, { title: entry.title, headline: entry.headline }));
      }
      this.update(node, entry);
      if (node === place) place = place.nextElementSibling;
      else list.insertBefore(node, place);
    }
    for (const node of nodes.values()) node.remove();
    setText(this.by('none'), state.application === 'missing' ? this.texts.none : `${this.texts.none} ${this.texts.none_plugin}`);
    this.by('none').hidden = state.integrations.length > 0;
    // Only what changed is said aloud, once for all of it.
    if (news && changes.length) this.announce(changes.join(' '));
    if (state.application !== 'new') this.by('application-new').hidden = true;
    this.by('application-missing').hidden = state.application !== 'missing';
  }

  announce(text, region = 'announcer') {
    const last = said.get(text);
    const byAnother = last && last.view !== this && last.view.root.isConnected && seconds() - last.at < SAID_SECONDS;
    if (byAnother) return;
    said.set(text, { view: this, at: seconds() });
    this.by(region).textContent = text;
  }

  showStale(stale, name = 'stale') {
    setText(this.by('stale'), fill(this.texts[name], { origin: location.origin }));
    if (stale) this.announce(this.by('stale').textContent);
    this.by('stale').hidden = !stale;
  }

  // ---- the plugin and the outbox ----

  showPlugin(drawn, absent, arrived) {
    this.by('loading').hidden = drawn || absent;
    // The plugin is there: what is said about a new connection no longer helps.
    if (drawn) this.by('application-new').hidden = true;
    this.by('absent-blocked').hidden = arrived;
    this.by('absent-empty').hidden = !arrived;
    if (absent && this.by('absent').hidden) this.announce(this.texts.absent_said, 'outbox-announcer');
    this.by('absent').hidden = !absent;
    // Without LinkedIn's script there is nothing to reload but the page, which is what Try again does.
    this.by('reload-plugin').hidden = absent && !arrived;
  }

  // Why there is no plugin here. Where the page itself is the cause, loading it again changes nothing.
  showKept(name, customer) {
    const text = fill(this.texts[name], { customer });
    this.by('another-reload').hidden = name !== 'another_customer';
    setText(this.by('another-text'), text);
    this.by('another').hidden = false;
    this.announce(text, 'outbox-announcer');
  }

  sayOutbox(name, tone, canSend, gaps) {
    const text = fill(this.texts[name], { time: this.waits.format(gaps.seconds ?? 0) });
    this.by('outbox').hidden = false;
    this.by('outbox').dataset.tone = tone;
    this.by('outbox-text').textContent = text;
    // A region that was hidden a moment ago is not read aloud, so another one says it.
    this.announce(text, 'outbox-announcer');
    this.by('outbox-actions').hidden = !canSend;
    clearTimeout(this.sentTimer);
    // What comes of it is in the list; this need not stay.
    if (name === 'sent') this.sentTimer = setTimeout(() => { this.by('outbox').hidden = true; }, SENT_SECONDS * 1000);
  }

  showEnd(name, lost) {
    this.by('connecting').hidden = true;
    this.by('columns').hidden = true;
    setText(this.by('ended-text'), this.texts[name]);
    this.by('ended-unsent').hidden = !lost;
    this.by('ended').hidden = false;
    this.announce(this.by('ended-text').textContent);
  }

  showGoingOn() {
    this.by('ended').hidden = true;
  }
}
