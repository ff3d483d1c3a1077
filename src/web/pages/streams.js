// A browser opens at most six connections to one server, for all its tabs and windows together, and an event stream keeps
// one. So only a few pages of a browser hold a stream at a time; the others ask for the status each second. A press and a
// new page then always find a free connection.

import { recall, remember } from "./dom.js";

const STREAMS_MAX = 3;
/** A page that has not renewed its place for so long is gone. Pages renew theirs with each beat. */
const LEASE_MS = 4000;

/** One page's place among those that may hold a stream. */
export class Place {
  constructor() {
    this.id = `${Date.now().toString(36)}${Math.random().toString(36).slice(2)}`;
    /** @type {string | null} */
    this.key = null;
  }

  /** Takes a free place. @returns {boolean} Whether this page may open a stream. */
  take() {
    for (let n = 0; n < STREAMS_MAX; n += 1) {
      const key = `stream.${n}`;
      if (!isTaken(key, this.id)) {
        this.key = key;
        this.write();
        return true;
      }
    }
    return false;
  }

  /** Renews the place. @returns {boolean} False if another page took it at the same moment. */
  renew() {
    if (this.key !== null && isTaken(this.key, this.id)) {
      this.key = null;
      return false;
    }
    this.write();
    return true;
  }

  leave() {
    if (this.key !== null && !isTaken(this.key, this.id)) {
      remember(this.key, null);
    }
    this.key = null;
  }

  write() {
    if (this.key !== null) {
      remember(this.key, `${this.id} ${Date.now()}`);
    }
  }
}

/** Whether another page holds this place. @param {string} key @param {string} id */
function isTaken(key, id) {
  const [owner, at] = (recall(key) || "").split(" ");
  return Boolean(at) && owner !== id && Math.abs(Date.now() - Number(at)) < LEASE_MS;
}
