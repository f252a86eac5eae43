// The stand-in's plugin loader. Works under a Content-Security-Policy that has no 'unsafe-...' at all:
// nodes are built one by one, and styles are set through CSSOM.
(function () {
  "use strict";

  var script = document.currentScript;
  var origin = new URL(script.src, document.baseURI).origin;
  var settings = read(script.textContent);
  var EXTENSION = "ATSIntegrationWidget";
  var SELECTOR = 'script[type="IN/' + EXTENSION + '"]';
  var REFRESH = 1000;
  var NAMES = {
    APPLY_WITH_LINKEDIN: "Apply with LinkedIn",
    APPLY_CONNECT: "Apply Connect",
    RECRUITER_SYSTEM_CONNECT_COMPANY: "Recruiter System Connect (company)",
    RECRUITER_SYSTEM_CONNECT_CONTRACT: "Recruiter System Connect (contract)",
  };
  // What is shown of a state, and the button that goes with it.
  var STATES = {
    NOT_REQUESTED: { text: "Not requested", colour: "#56687a", button: "Request" },
    REQUESTED: { text: "Requested", colour: "#915907", button: "Notify partner" },
    PARTNER_READY: { text: "Partner ready", colour: "#0a66c2" },
    ENABLED: { text: "Enabled", colour: "#057642" },
  };
  var FONT = '-apple-system, "Segoe UI", Roboto, "Helvetica Neue", Arial, sans-serif';

  // "name: value" lines, as LinkedIn's loader finds them between its own script tags.
  function read(text) {
    var found = {};
    text.split(/\r?\n/).forEach(function (line) {
      var colon = line.indexOf(":");
      if (colon > 0) {
        found[line.slice(0, colon).trim()] = line.slice(colon + 1).trim();
      }
    });
    return found;
  }

  function isLoaded(extension) {
    return (settings.extensions || "").split(",").some(function (one) {
      return one.split("@")[0].trim() === extension;
    });
  }

  function isKnown(bundle) {
    var known = Object.hasOwn(NAMES, bundle);
    if (!known) {
      console.error(EXTENSION + ": there is no bundled integration type " + bundle);
    }
    return known;
  }

  function element(name, styles, text) {
    var made = document.createElement(name);
    Object.assign(made.style, styles || {});
    if (text !== undefined) {
      made.textContent = text;
    }
    return made;
  }

  function call(path, options) {
    return fetch(origin + path, options).then(function (answer) {
      return answer.json().then(function (body) {
        if (!answer.ok) {
          throw Object.assign(new Error(body.message), { refusal: body });
        }
        return body;
      });
    });
  }

  function Plugin(mount) {
    this.bundles = (mount.dataset.supportedBundledIntegrationTypes || "")
      .split(",")
      .map(function (name) { return name.trim(); })
      .filter(function (name, index, all) { return name && all.indexOf(name) === index && isKnown(name); });
    this.callback = mount.dataset.onintegrate || "";
    this.rows = {};
    this.states = {};
    this.asked = 0;
    this.draw(mount);
    this.refresh();
  }

  Plugin.prototype.draw = function (mount) {
    var width = parseInt(mount.dataset.width, 10);
    var old = mount.nextElementSibling;
    if (old && old.hasAttribute("data-in-widget")) {
      old.remove();
    }
    this.card = element("section", {
      boxSizing: "border-box",
      width: width > 0 ? width + "px" : "100%",
      maxWidth: "100%",
      padding: "16px 20px",
      border: "1px solid #d0d5da",
      borderRadius: "8px",
      background: "#ffffff",
      color: "#1d2226",
      fontFamily: FONT,
      fontSize: "14px",
      lineHeight: "20px",
    });
    this.card.setAttribute("data-in-widget", EXTENSION);
    this.card.setAttribute("aria-label", "LinkedIn integrations");
    this.card.append(element("h2", { margin: "0 0 8px", fontSize: "18px" }, "LinkedIn integrations"));
    this.problem = element("p", { margin: "0", color: "#b24020" });
    this.problem.setAttribute("role", "alert");
    this.card.append(this.problem);
    this.list = element("ul", { margin: "0", padding: "0", listStyle: "none" });
    this.list.setAttribute("role", "list");
    mount.after(this.card);
  };

  Plugin.prototype.drawRow = function (bundle) {
    var self = this;
    var item = element("li", {
      display: "flex",
      flexWrap: "wrap",
      alignItems: "center",
      justifyContent: "space-between",
      gap: "8px 16px",
      padding: "12px 0",
      borderTop: "1px solid #e8ebee",
    });
    var words = element("div");
    // Announced together, so that a new state is heard with the name it belongs to.
    words.setAttribute("aria-live", "polite");
    words.setAttribute("aria-atomic", "true");
    words.append(element("div", { fontWeight: "600" }, NAMES[bundle]));
    var state = element("div");
    words.append(state);
    var button = element("button", {
      padding: "6px 16px",
      border: "1px solid #0a66c2",
      borderRadius: "16px",
      background: "#ffffff",
      color: "#0a66c2",
      font: "inherit",
      fontWeight: "600",
      cursor: "pointer",
    });
    button.type = "button";
    button.addEventListener("click", function () { self.press(bundle); });
    item.setAttribute("data-bundle", bundle);
    item.append(words, button);
    this.list.append(item);
    this.rows[bundle] = { item: item, state: state, button: button };
  };

  Plugin.prototype.show = function (bundles) {
    var self = this;
    var open = false;
    if (!this.requestFailed) {
      this.setProblem("");
    }
    if (!this.list.isConnected) {
      this.card.append(this.list);
    }
    this.bundles.forEach(function (bundle) {
      if (!self.rows[bundle]) {
        self.drawRow(bundle);
      }
      self.states[bundle] = bundles[bundle];
      self.showState(bundle, bundles[bundle].state);
      open = open || ["REQUESTED", "PARTNER_READY"].includes(bundles[bundle].state);
    });
    if (open) {
      this.later();
    }
  };

  Plugin.prototype.showState = function (bundle, state) {
    var row = this.rows[bundle];
    var shown = STATES[state] || { text: state, colour: "#56687a" };
    // Writing the same text again would be announced again.
    if (row.state.textContent !== shown.text) {
      row.state.textContent = shown.text;
      row.state.style.color = shown.colour;
      row.item.setAttribute("data-state", state);
    }
    if (shown.button) {
      row.button.textContent = shown.button;
      row.button.setAttribute("aria-label", shown.button + ": " + NAMES[bundle]);
    } else if (document.activeElement === row.button) {
      // The button goes away under the keyboard's focus, which must not fall back to the top of the page.
      row.state.tabIndex = -1;
      row.state.focus();
    }
    row.button.style.display = shown.button ? "" : "none";
  };

  Plugin.prototype.setProblem = function (text) {
    if (this.problem.textContent !== text) {
      this.problem.textContent = text;
    }
  };

  Plugin.prototype.later = function () {
    var self = this;
    clearTimeout(this.timer);
    this.timer = setTimeout(function () { self.refresh(); }, REFRESH);
  };

  Plugin.prototype.refresh = function () {
    var asked = ++this.asked;
    var self = this;
    if (!this.card.isConnected) {
      return;
    }
    call("/plugin/state?api_key=" + encodeURIComponent(settings.api_key || "")).then(
      // An answer that was overtaken by a request would show the state before it.
      function (body) { if (asked === self.asked) { self.show(body.bundles); } },
      function (error) { if (asked === self.asked && self.card.isConnected) { self.fail(error); } }
    );
  };

  Plugin.prototype.fail = function (error) {
    if (error.refusal) {
      this.setProblem(error.refusal.message);
      console.error(error.refusal.error);
      if (error.refusal.error !== "other.application") {
        this.list.remove();
        return;
      }
    } else {
      this.setProblem("LinkedIn cannot be reached at the moment.");
    }
    this.later();
  };

  Plugin.prototype.press = function (bundle) {
    var self = this;
    var row = this.rows[bundle];
    if (this.states[bundle].state === "REQUESTED") {
      this.notify(this.states[bundle].integrations);
      return;
    }
    if (row.button.getAttribute("aria-disabled") === "true") {
      return;
    }
    // Not `disabled`, which would take the keyboard's focus away.
    row.button.setAttribute("aria-disabled", "true");
    this.requestFailed = false;
    // What is on its way was asked before this request.
    this.asked += 1;
    clearTimeout(this.timer);
    call("/plugin/request", {
      method: "POST",
      headers: { "Content-Type": "application/json" },
      body: JSON.stringify({ api_key: settings.api_key || "", bundle: bundle }),
    })
      .then(
        function (body) {
          self.show(body.bundles);
          self.notify(body.bundles[bundle].integrations);
        },
        function (error) {
          self.requestFailed = true;
          self.fail(error);
        }
      )
      .finally(function () { row.button.removeAttribute("aria-disabled"); });
  };

  Plugin.prototype.notify = function (integrations) {
    var callback = window[this.callback];
    if (typeof callback !== "function") {
      console.error(EXTENSION + ": data-onintegrate names " + (this.callback || "nothing") + ", which is no function");
      return;
    }
    try {
      callback(integrations.map(function (one) { return Object.assign({}, one); }));
    } catch (error) {
      console.error(error);
    }
  };

  function parse(root) {
    var mounts = Array.from((root || document).querySelectorAll(SELECTOR));
    if (mounts.length && !isLoaded(EXTENSION)) {
      console.error(EXTENSION + " is not among the extensions of in.js");
      return;
    }
    mounts.forEach(function (mount) { new Plugin(mount); });
  }

  window.IN = {
    parse: parse,
    User: { isAuthorized: function () { return true; } },
  };

  if (document.readyState === "loading") {
    document.addEventListener("DOMContentLoaded", function () { parse(); });
  } else {
    parse();
  }
})();
