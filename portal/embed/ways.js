// How the portal is reached: by a token on a page of the vendor's, by the browser's session on the portal's own.

const LOOK_MS = 10_000;
const POST_MS = 15_000;
// A token is renewed this long before it ends, and whoever is asked for one has this long to give it.
const RENEW_SECONDS = 120;
const TOKEN_SECONDS = 30;
// What is no token may be a login page, or an error on the way that is soon over.
const ASK_AGAIN = [0, 1, 3];
const TOKEN = /^[A-Za-z0-9_-]{20,128}$/;

const isToken = (text) => typeof text === 'string' && TOKEN.test(text);

class TokenWay {
  constructor(mount, { token, getToken }) {
    this.mount = mount;
    this.token = isToken(token) ? token : null;
    this.getToken = getToken;
    // Whose it is, as the portal said; null until it has said so of this token.
    this.apiKey = null;
    this.wanted = null;
    this.given = null;
    this.askedAt = -Infinity;
  }

  set(token) {
    if (!isToken(token) || token === this.token) return;
    this.token = token;
    this.apiKey = null;
    this.given?.(true);
  }

  // Another token, asked for once for all who wait. False where there is none.
  want() {
    this.askedAt = seconds();
    this.wanted ??= this.obtain().finally(() => {
      this.wanted = null;
      this.given = null;
    });
    return this.wanted;
  }

  // By whichever is first: what the page gives when it is asked, what it gives by itself, the end of the time for it.
  obtain() {
    return new Promise((resolve) => {
      this.given = resolve;
      setTimeout(resolve, TOKEN_SECONDS * 1000, false);
      if (typeof this.getToken === 'function') this.call(resolve);
      else this.mount.tell('token-needed', {});
    });
  }

  async call(resolve) {
    for (const wait of ASK_AGAIN) {
      if (wait) await new Promise((done) => setTimeout(done, wait * 1000));
      if (this.given !== resolve) return;
      let answer = '';
      try {
        answer = await this.getToken();
      } catch {
        // As good as an answer without a token.
      }
      // Nobody waits for it any more; a newer one may be there.
      if (this.given !== resolve) return;
      const token = typeof answer === 'string' ? answer : answer?.token;
      if (isToken(token)) this.set(token);
      // None is an answer too, and so is the one that is there already.
      if (isToken(token) || token === null || token === undefined) {
        resolve(isToken(token));
        return;
      }
    }
    resolve(false);
  }

  async fetch(path, options, limit) {
    for (let tries = 0; ; tries += 1) {
      if (!this.token && !(await this.want())) return new Response(null, { status: 401 });
      const token = this.token;
      const response = await fetch(`${PORTAL}/embed/v1/${path}`, {
        ...options,
        mode: 'cors',
        credentials: 'omit',
        referrerPolicy: 'strict-origin',
        redirect: 'error',
        headers: { ...options.headers, Authorization: `Bearer ${token}` },
        signal: AbortSignal.timeout?.(limit),
      });
      if (response.status !== 401 || tries >= 2) return response;
      // Another one may have been given meanwhile.
      if (token === this.token && !(await this.want())) return response;
    }
  }

  async look(language) {
    for (;;) {
      const { token } = this;
      const response = await this.fetch(`integrations?lang=${language}`, { method: 'GET', cache: 'no-store' }, LOOK_MS);
      // What was answered to another token may be about another customer.
      if (token === null || token === this.token || !response.ok) return response;
    }
  }

  post(body) {
    const headers = { 'Content-Type': 'application/json' };
    return this.fetch('requests', { method: 'POST', body: JSON.stringify(body), headers, keepalive: true }, POST_MS);
  }

  // What an answer says of whose state it is, and whether the token is soon over.
  learn(state) {
    this.apiKey = state.plugin?.api_key ?? null;
    if (state.expires_in < RENEW_SECONDS && seconds() - this.askedAt > TOKEN_SECONDS) {
      this.want().then((renewed) => renewed && this.mount.ask());
    }
    return state.plugin;
  }

  isOver(status) {
    return { 401: 'over' }[status];
  }

  // Whether the portal says that this page's origin is not named; a failure alone may be anything on the way.
  async isShutOut() {
    try {
      const response = await fetch(`${PORTAL}/embed/v1/origin`, {
        mode: 'cors', credentials: 'omit', cache: 'no-store', redirect: 'error', signal: AbortSignal.timeout?.(LOOK_MS),
      });
      return response.ok && (await response.json()).named === false;
    } catch {
      return false;
    }
  }
}

class SessionWay {
  constructor(_mount, { csrf, known }) {
    this.csrf = csrf;
    this.apiKey = known.plugin?.api_key ?? null;
  }

  set() {}

  fetch(path, options, limit) {
    return fetch(path, {
      ...options,
      // Says whose page asks: the cookie is the whole browser's, and may have become another page's.
      headers: { ...options.headers, 'X-CSRF-Token': this.csrf },
      credentials: 'same-origin',
      redirect: 'error',
      signal: AbortSignal.timeout?.(limit),
    });
  }

  look() {
    return this.fetch('/integrations.json', { headers: { Accept: 'application/json' }, cache: 'no-store' }, LOOK_MS);
  }

  post({ integrations }) {
    const headers = { 'Content-Type': 'application/json' };
    // A tab that is closed right after the click still sends it.
    return this.fetch('/requests', { method: 'POST', body: JSON.stringify({ integrations }), headers, keepalive: true }, POST_MS);
  }

  learn(state) {
    this.apiKey = state.plugin?.api_key ?? null;
    return state.plugin;
  }

  isOver(status) {
    return { 401: 'gone', 404: 'gone' }[status];
  }

  async isShutOut() {
    return false;
  }
}
