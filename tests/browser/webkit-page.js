// A page of WebKitGTK by its WebDriver, with the part of Playwright's interface that the tests use.

import { setTimeout as pause } from "node:timers/promises";
import { until } from "./harness.js";

/** https://www.w3.org/TR/webdriver2/#keyboard-actions */
const KEYS = { Backspace: "\uE003", Enter: "\uE007", Tab: "\uE004", Space: " ", Escape: "\uE00C", Shift: "\uE008" };

/** The elements for a selector, which may end in `:visible`, `:has-text("…")` or ` >> nth=0`. Runs in the page. */
const PICK = `(selector) => {
  const [, css, onlyVisible, text, nth] = /^(.*?)(:visible)?(?::has-text\\("(.*)"\\))?(?: >> nth=(\\d+))?$/.exec(selector);
  const isVisible = (one) => {
    const { width, height } = one.getBoundingClientRect();
    return width > 0 && height > 0 && getComputedStyle(one).visibility === "visible";
  };
  return [...document.querySelectorAll(css)]
    .filter((one) => (!onlyVisible || isVisible(one)) && (!text || one.textContent.includes(text)))
    .filter((_, at) => nth === undefined || at === Number(nth))
    .map((element) => ({ element, isVisible: isVisible(element) }));
}`;

export class Page {
  constructor(context, handle) {
    Object.assign(this, { browserContext: context, handle, listeners: {} });
    this.mouse = new Mouse(this);
    this.keyboard = new Keyboard(this);
  }

  context() {
    return this.browserContext;
  }

  on(name, act) {
    this.listeners[name] = act;
  }

  addInitScript(script) {
    return this.browserContext.addInitScript(script);
  }

  /** @param {string} glob Two stars and the end of an address. */
  async route(glob, act) {
    this.browserContext.proxy.routes.push({ tail: glob.replace("**", ""), act });
  }

  async unroute(glob) {
    const { proxy } = this.browserContext;
    proxy.routes = proxy.routes.filter(({ tail }) => tail !== glob.replace("**", ""));
  }

  /** Sends a command to this page's window. Commands of all windows wait for one another. */
  ask(method, path, body) {
    const { browserContext: context } = this;
    const turn = context.turn.then(async () => {
      if (context.current !== this.handle) {
        await context.ask("POST", "/window", { handle: this.handle });
        context.current = this.handle;
      }
      return context.ask(method, path, body);
    });
    context.turn = turn.catch(() => {});
    return turn;
  }

  /** Runs a function, or an expression whose value is not returned. */
  async evaluate(what, value) {
    const call = typeof what === "function" ? `(${what})(arguments[0])` : `void (${what})`;
    const text = await this.run(`() => Promise.resolve(${call}).then((value) => JSON.stringify(value) ?? null)`, value ?? null);
    return text === null ? undefined : JSON.parse(text);
  }

  /** Runs `act`, a function's text, on the first or the `at`th element of a selector, once there is one. */
  async onElement(selector, act, { at = 0, visible = false } = {}) {
    const find = `() => {
      const found = (${PICK})(arguments[0])[arguments[1]];
      const isThere = found && (found.isVisible || !arguments[2]);
      return isThere ? Promise.resolve((${act})(found.element)).then((value) => ({ value })) : null;
    }`;
    const { value } = await until(`there is ${selector}`, () => this.run(find, selector, at, visible));
    return value;
  }

  /** Runs the text of a function in the page. Notes the address, and the errors since the last time. */
  async run(act, ...args) {
    const script = `
      if (!window.errorsOfTest) {
        window.errorsOfTest = [];
        addEventListener("error", ({ message }) => {
          // Browsers say so when an observer changes what it observes, which is no error.
          if (!message.startsWith("ResizeObserver loop")) {
            errorsOfTest.push(message);
          }
        });
        addEventListener("unhandledrejection", (event) => errorsOfTest.push(String(event.reason)));
      }
      const done = arguments[arguments.length - 1];
      const reply = (more) => done({ url: location.href, errors: errorsOfTest.splice(0), ...more });
      Promise.resolve().then(${act}).then((value) => reply({ value }), (error) => reply({ error: String(error) }));`;
    const { url, errors, value, error } = await this.ask("POST", "/execute/async", { script, args });
    this.lastUrl = url;
    errors.forEach((one) => this.listeners.pageerror?.(new Error(one)));
    if (error) {
      throw new Error(error);
    }
    return value;
  }

  async goto(url, { waitUntil = "load" } = {}) {
    await this.ask("POST", "/url", { url });
    if (waitUntil === "load") {
      await until(`${url} is loaded`, () =>
        this.evaluate((wanted) => location.href.split("#")[0] === wanted && document.readyState === "complete", new URL(url).href.split("#")[0]),
      );
    }
  }

  async reload() {
    await Promise.all([this.waitForNavigation(), this.ask("POST", "/refresh", {})]);
  }

  /** The address when the page was last looked at. */
  url() {
    return this.lastUrl;
  }

  title() {
    return this.evaluate(() => document.title);
  }

  async waitForURL(glob) {
    const end = glob.replace("**", "");
    await until(`the address ${glob}`, () => this.evaluate((tail) => location.href.endsWith(tail) && document.readyState === "complete", end));
  }

  async waitForNavigation() {
    await this.evaluate(() => (window.isBeforeReload = true));
    await until("another page is loaded", () => this.evaluate(() => !window.isBeforeReload && document.readyState === "complete"));
  }

  waitForTimeout(ms) {
    return pause(ms);
  }

  async waitForSelector(selector, { state }) {
    if (state !== "visible") {
      throw new Error(`cannot wait for ${state}`);
    }
    await this.onElement(selector, "() => null", { visible: true });
  }

  async setViewportSize({ width, height }) {
    const size = () => this.evaluate(() => [innerWidth, innerHeight]);
    // The height of the tool bar is known only by the difference.
    let [more, taller] = [0, 0];
    await until(`${width}x${height}`, async () => {
      const before = await size();
      if (before[0] === width && before[1] === height) {
        return true;
      }
      const rect = await this.ask("POST", "/window/rect", { width: width + more, height: height + taller });
      await pause(20);
      const now = await size();
      [more, taller] = [rect.width - now[0], rect.height - now[1]];
      return false;
    });
  }

  locator(selector) {
    return new Locator(this, selector, 0);
  }

  textContent(selector) {
    return this.locator(selector).textContent();
  }

  getAttribute(selector, name) {
    return this.onElement(selector, `(one) => one.getAttribute(${JSON.stringify(name)})`);
  }

  inputValue(selector) {
    return this.onElement(selector, "(one) => one.value");
  }

  focus(selector) {
    return this.locator(selector).focus();
  }

  async fill(selector, text) {
    const isDone = await this.onElement(
      selector,
      `(one) => {
        one.value = one.type === "range" ? ${JSON.stringify(text)} : one.value;
        return one.type === "range" && ["input", "change"].every((name) => one.dispatchEvent(new Event(name, { bubbles: true })));
      }`,
      { visible: true },
    );
    if (isDone) {
      return;
    }
    await this.onElement(selector, "(one) => { one.focus(); one.select(); }", { visible: true });
    await this.keyboard.press("Backspace");
    await this.keyboard.type(text);
  }

  /** Clicks the middle of an element once it stands still and nothing covers it. */
  async click(selector) {
    const place = await until(`${selector} can be clicked`, () =>
      this.onElement(
        selector,
        `async (one) => {
          one.scrollIntoView({ block: "nearest", inline: "nearest" });
          const box = () => JSON.stringify(one.getBoundingClientRect());
          const before = box();
          await new Promise((done) => requestAnimationFrame(() => requestAnimationFrame(done)));
          const { x, y, width, height } = one.getBoundingClientRect();
          const middle = { x: x + width / 2, y: y + height / 2 };
          return !one.disabled && box() === before && one.contains(document.elementFromPoint(middle.x, middle.y)) && middle;
        }`,
        { visible: true },
      ),
    );
    await this.mouse.move(place.x, place.y);
    await this.mouse.down();
    await this.mouse.up();
  }

  /** There is no touch screen. */
  tap(selector) {
    return this.click(selector);
  }
}

class Locator {
  constructor(page, selector, at) {
    Object.assign(this, { page, selector, at });
  }

  first() {
    return this;
  }

  onElement(act) {
    return this.page.onElement(this.selector, act, { at: this.at });
  }

  count() {
    return this.page.evaluate(new Function("selector", `return (${PICK})(selector).length`), this.selector);
  }

  async all() {
    return Array.from({ length: await this.count() }, (_, at) => new Locator(this.page, this.selector, at));
  }

  async isVisible() {
    const seen = new Function("[selector, at]", `const one = (${PICK})(selector)[at]; return Boolean(one && one.isVisible)`);
    return this.page.evaluate(seen, [this.selector, this.at]);
  }

  async isHidden() {
    return !(await this.isVisible());
  }

  textContent() {
    return this.onElement("(one) => one.textContent");
  }

  focus() {
    return this.onElement("(one) => one.focus()");
  }

  boundingBox() {
    return this.onElement("(one) => { const { x, y, width, height } = one.getBoundingClientRect(); return { x, y, width, height }; }");
  }
}

class Mouse {
  constructor(page) {
    this.page = page;
  }

  act(...actions) {
    const source = { type: "pointer", id: "mouse", parameters: { pointerType: "mouse" }, actions };
    return this.page.ask("POST", "/actions", { actions: [source] });
  }

  move(x, y) {
    return this.act({ type: "pointerMove", x: Math.round(x), y: Math.round(y), duration: 0 });
  }

  down() {
    return this.act({ type: "pointerDown", button: 0 });
  }

  up() {
    return this.act({ type: "pointerUp", button: 0 });
  }
}

class Keyboard {
  constructor(page) {
    this.page = page;
  }

  act(...actions) {
    return this.page.ask("POST", "/actions", { actions: [{ type: "key", id: "keyboard", actions }] });
  }

  down(key) {
    return this.act({ type: "keyDown", value: KEYS[key] ?? key });
  }

  up(key) {
    return this.act({ type: "keyUp", value: KEYS[key] ?? key });
  }

  async press(key) {
    await this.down(key);
    await this.up(key);
  }

  async type(text) {
    for (const letter of text) {
      await this.press(letter);
    }
  }
}
