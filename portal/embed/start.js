// What the page calls, and the elements that say by themselves whose integrations they show.

const DECLARED = 'data-greenlight-token';
const declared = new WeakMap();

function openIn(place, options) {
  // A page that mounts in the same element once more means the newer one.
  for (const other of mounts) if (other.place === place) unmount(other);
  const mount = new Mount(place, options);
  mounts.add(mount);
  mount.open();
  return mount;
}

// Show a customer's integrations in an element. Returns `{unmount(), setToken(token), refresh()}`.
function mountIn(place, options = {}) {
  if (!(place instanceof Element)) throw new TypeError('Greenlight.mount needs an element of this page');
  const mount = openIn(place, options);
  return {
    unmount: () => unmount(mount),
    setToken: (token) => mount.setToken(token),
    refresh: () => mount.ask(),
  };
}

function unmount(mount) {
  mounts.delete(mount);
  mount.close();
}

function scan() {
  for (const place of document.querySelectorAll(`[${DECLARED}]`)) {
    const mount = declared.get(place);
    const token = place.getAttribute(DECLARED);
    if (mount && mounts.has(mount)) {
      if (mount.declaredToken !== token) mount.setToken(token);
      mount.declaredToken = token;
    } else {
      const made = openIn(place, { token });
      made.declaredToken = token;
      declared.set(place, made);
    }
  }
}

// A single-page application takes elements out of the page and puts them back.
function look() {
  for (const mount of [...mounts]) {
    // Also where the page has drawn the element afresh, and ours is no longer in it.
    if (mount.place.isConnected && mount.view && !mount.host.isConnected) mount.close();
    if (mount.place.isConnected) mount.open();
    // What declares itself is found again; what was mounted is waited for until it is unmounted.
    else if (declared.get(mount.place) === mount) unmount(mount);
    else mount.close();
  }
  scan();
}

window.Greenlight = { version: 1, mount: mountIn };
new MutationObserver(look).observe(document.documentElement, {
  childList: true, subtree: true, attributes: true, attributeFilter: [DECLARED],
});
scan();
