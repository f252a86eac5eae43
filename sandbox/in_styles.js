// What a strict policy blocks, for worlds whose plugin brings styles: a stylesheet of its own host, a style element
// and a style attribute. Comes after in.js in the same script.
(function () {
  "use strict";

  var sheet = document.createElement("link");
  sheet.rel = "stylesheet";
  sheet.href = new URL(document.currentScript.src, document.baseURI).origin + "/plugin/styles.css";
  var own = document.createElement("style");
  own.textContent = "[data-in-widget] { --by-element: here; }";
  document.head.append(sheet, own);

  new MutationObserver(function () {
    document.querySelectorAll("[data-in-widget]:not([data-styled])").forEach(function (card) {
      card.setAttribute("data-styled", "");
      card.setAttribute("style", (card.getAttribute("style") || "") + " --by-attribute: here;");
    });
  }).observe(document.documentElement, { childList: true, subtree: true });
})();
