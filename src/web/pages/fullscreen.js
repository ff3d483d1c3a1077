// Full screen. Safari before 16.4 has it with a prefix, and iPhones have none for pages.

/** @type {any} */
const page = document;
/** @type {any} */
const root = document.documentElement;

export const fullScreen = {
  get isPossible() {
    return Boolean(page.fullscreenEnabled || page.webkitFullscreenEnabled);
  },

  get isOn() {
    return Boolean(page.fullscreenElement || page.webkitFullscreenElement);
  },

  toggle() {
    const leave = page.exitFullscreen || page.webkitExitFullscreen;
    const enter = root.requestFullscreen || root.webkitRequestFullscreen;
    const done = this.isOn ? leave.call(page) : enter.call(root);
    // The browser may refuse; the window then stays as it is.
    if (done) {
      done.catch(() => {});
    }
  },

  /** @param {() => void} act */
  onChange(act) {
    page.addEventListener("fullscreenchange", act);
    page.addEventListener("webkitfullscreenchange", act);
  },
};
