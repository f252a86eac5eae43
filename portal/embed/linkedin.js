// LinkedIn's side: its script, of which a page has one for one customer, and the plugin's place on the page.

const SCRIPT_SECONDS = 8;
const EMPTY_SECONDS = 20;
const NARROWEST = 240;
const WIDEST = 700;
const WORTH_A_REDRAW = 40;
const API_KEY = /api_key:\s*(\S+)/;

const linkedin = { apiKey: null, failed: false };

// LinkedIn's script calls this by name, not by that of its sample, which the page may use. What it brings belongs to the customer that it was loaded for.
window.greenlightOnIntegrate = (integrations) => {
  if (linkedin.apiKey !== null) outboxOf(linkedin.apiKey).take(integrations);
};

function loaderOnPage() {
  const scripts = [...document.querySelectorAll('script[src]')];
  return scripts.find((script) => API_KEY.test(script.textContent)) ?? null;
}

// Whether the page itself has LinkedIn's script without a key that we could read, for share buttons say.
function isUsedOtherwise(plugin) {
  const ours = new URL(plugin.script, PORTAL).host;
  return Boolean(window.IN) || [...document.querySelectorAll('script[src]')].some(({ src }) => {
    const { host, pathname } = new URL(src, location.href);
    return pathname.endsWith('/in.js') && (host === ours || host.endsWith('.linkedin.com'));
  });
}

// Load LinkedIn's script for this customer, or find that it is there: what keeps it from being shown, or null.
function loadLinkedIn(plugin) {
  if (linkedin.apiKey === null) {
    let loader = loaderOnPage();
    if (loader === null && isUsedOtherwise(plugin)) return 'another_script';
    if (loader === null) {
      loader = element('script', { type: 'text/javascript', src: plugin.script });
      loader.textContent = `\n  api_key: ${plugin.api_key}\n  extensions: ATSIntegrationWidget@${plugin.extension}\n`;
      document.head.append(loader);
    }
    linkedin.apiKey = API_KEY.exec(loader.textContent)[1];
    loader.addEventListener('error', () => {
      linkedin.failed = true;
    });
  }
  return linkedin.apiKey === plugin.api_key ? null : 'another_customer';
}

// The plugin's place, in the page's own tree, where LinkedIn's script looks for it.
class PluginBox {
  constructor(box, view, bundles) {
    this.box = box;
    this.view = view;
    this.timer = 0;
    this.resizeTimer = 0;
    this.tag = box.querySelector('script')?.cloneNode(true) ?? element('script', {
      type: 'IN/ATSIntegrationWidget',
      'data-supported-bundled-integration-types': bundles,
      'data-onintegrate': 'greenlightOnIntegrate',
    });
    this.observer = new MutationObserver(() => this.look());
    // Not the window's size alone: a panel that opens, or a column that is dragged, resizes no window.
    this.sizes = new ResizeObserver(() => this.onResize());
  }

  open() {
    this.observer.observe(this.box, { childList: true, subtree: true });
    this.draw();
    this.sizes.observe(this.box);
  }

  close() {
    clearTimeout(this.timer);
    clearTimeout(this.resizeTimer);
    this.observer.disconnect();
    this.sizes.disconnect();
    this.box.replaceChildren();
  }

  // In a panel that is closed it has no width to be drawn at, and nobody waits for it.
  isHidden() {
    return this.box.clientWidth === 0;
  }

  width() {
    return Math.max(NARROWEST, Math.min(WIDEST, Math.floor(this.box.clientWidth)));
  }

  isDrawn() {
    return [...this.box.children].some((child) => child.localName !== 'script' && child.offsetHeight > 0);
  }

  draw() {
    this.drawnFor = this.isHidden() ? null : this.width();
    if (this.drawnFor === null) {
      this.box.replaceChildren();
    } else {
      const fresh = this.tag.cloneNode(true);
      fresh.dataset.width = this.drawnFor;
      this.box.replaceChildren(fresh);
      // Else LinkedIn's script draws it when it arrives.
      if (typeof window.IN?.parse === 'function') window.IN.parse();
    }
    this.watched = seconds();
    this.look();
  }

  redraw() {
    if (typeof window.IN?.parse === 'function') this.draw();
    else reloadPage();
  }

  look() {
    clearTimeout(this.timer);
    if (this.isHidden()) {
      this.watched = seconds();
      this.timer = setTimeout(() => this.look(), 1000);
      return;
    }
    const drawn = this.isDrawn();
    const waited = seconds() - this.watched;
    const blocked = linkedin.failed || (!window.IN && waited >= SCRIPT_SECONDS);
    this.view.showPlugin(drawn, !drawn && (blocked || waited >= EMPTY_SECONDS), Boolean(window.IN));
    if (!drawn) this.timer = setTimeout(() => this.look(), 1000);
  }

  onResize() {
    clearTimeout(this.resizeTimer);
    this.resizeTimer = setTimeout(() => {
      if (this.isHidden()) return;
      const far = Math.abs(this.width() - this.drawnFor) >= WORTH_A_REDRAW;
      if (this.drawnFor === null || (far && typeof window.IN?.parse === 'function')) this.draw();
    }, 300);
  }
}
