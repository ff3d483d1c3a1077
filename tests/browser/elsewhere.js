// What each browser leaves out of the tests of the pages, and why.

const CLOCK = "it needs no browser";
const PICTURES = "the pictures of the documentation are Chromium's";
const PROXY = "it cannot be told to trust the proxies' certificates";
const NO_VIBRATION = "a computer does not vibrate, and only Chromium pretends to";

/** @type {Record<string, {files: Record<string, string>, tests: Record<string, string>}>} */
export const ELSEWHERE = {
  chromium: { files: {}, tests: {} },
  firefox: {
    files: { clock: CLOCK, pictures: PICTURES, proxy: PROXY },
    tests: {
      "after a lost reply the same request is sent again and carried out once": "it does not tell the bodies of requests",
      "the keyboard alone is enough": "behind the last button the key Tab leads to the browser's own",
      "the panels: hand over, paired devices, Wi-Fi, vibration": NO_VIBRATION,
    },
  },
  webkit: {
    files: { clock: CLOCK, pictures: PICTURES, proxy: PROXY, wayin: "`pairing.js` does the same in each browser" },
    tests: {
      "on a secure origin the stage view takes the wake lock and shows no hint": "WebKitGTK has no wake lock",
      "the panels: hand over, paired devices, Wi-Fi, vibration": NO_VIBRATION,
      "the picture says the time, the plan, the phase, the room and how long it has waited":
        "the test expects the page within two seconds, and this browser may take longer to start",
    },
  },
};
