// Small helpers for both pages.

/** The element with this id, which must exist. @param {string} id @returns {any} */
export function byId(id) {
  return document.getElementById(id);
}

/**
 * Writes a text only if it has changed, so that a screen reader does not repeat it. The text node stays: WebKit makes no click of
 * a press whose text node was replaced under the finger.
 */
export function write(element, text) {
  if (element.textContent === text) {
    return;
  }
  const [node] = element.childNodes;
  if (node instanceof Text && element.childNodes.length === 1) {
    node.data = text;
  } else {
    element.textContent = text;
  }
}

/** Replaces the children, in browsers without `replaceChildren` too. @param {Element} element @param {(Node | string)[]} children */
export function fill(element, ...children) {
  element.textContent = "";
  element.append(...children);
}

/** A new element with a class and a text. */
export function make(tag, className = "", text = "") {
  const element = document.createElement(tag);
  element.className = className;
  element.textContent = text;
  return element;
}

/** Makes the text as large as its box allows, in any font. */
export function fit(box, text) {
  const trial = 100;
  text.style.fontSize = `${trial}px`;
  const [room, size] = [box.getBoundingClientRect(), text.getBoundingClientRect()];
  const scale = Math.min(room.width / size.width, room.height / size.height);
  text.style.fontSize = `${Math.max(1, trial * scale)}px`;
}

/** @param {number} ms */
export function pause(ms) {
  return new Promise((done) => setTimeout(done, ms));
}

/** A value that outlives the page, or null where the browser keeps none. @param {string} key */
export function recall(key) {
  try {
    return localStorage.getItem(`talklight.${key}`);
  } catch {
    return null;
  }
}

/** @param {string} key @param {string | null} value */
export function remember(key, value) {
  try {
    if (value === null) {
      localStorage.removeItem(`talklight.${key}`);
    } else {
      localStorage.setItem(`talklight.${key}`, value);
    }
  } catch {
    // The browser forbids it; the page then begins anew each time.
  }
}

/** Takes away the sentence for browsers that cannot run these scripts. Called when everything else has succeeded. */
export function takeAwayOldBrowserNote() {
  const note = byId("old");
  note.parentNode.removeChild(note);
}
