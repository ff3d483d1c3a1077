// What each browser leaves out of the tests of the pages, and why.

const CLOCK = "it needs no browser";
const PICTURES = "the pictures of the documentation are Chromium's";
const PROXY = "it cannot be told to trust the proxies' certificates";
const NO_DEVICE = "without a real sound device the sound is taken in bursts, so its moments are not exact";
const NO_VIBRATION = "a computer does not vibrate, and only Chromium pretends to";

/** @type {Record<string, {files: Record<string, string>, tests: Record<string, string>}>} */
export const ELSEWHERE = {
  chromium: { files: {}, tests: {} },
  firefox: {
    files: { clock: CLOCK, pictures: PICTURES, proxy: PROXY },
    tests: {
      "after a lost reply the same request is sent again and carried out once": "it does not tell the bodies of requests",
      "one note at yellow, two at red, three at the flash, and a gong at the end, on time": NO_DEVICE,
      "the panels: hand over, paired devices, Wi-Fi, vibration": NO_VIBRATION,
    },
  },
  webkit: {
    files: { clock: CLOCK, pictures: PICTURES, proxy: PROXY, wayin: "`pairing.js` does the same in each browser" },
    tests: {
      "the next chair's phone is paired by the code that this one shows, and removed by it":
        "the small driver here has no selector for a row without a text",
      "one note at yellow, two at red, three at the flash, and a gong at the end, on time": NO_DEVICE,
      "on a secure origin the stage view takes the wake lock and shows no hint": "WebKitGTK has no wake lock",
      "the panels: hand over, paired devices, Wi-Fi, vibration": NO_VIBRATION,
      "the picture says the time, the plan, the phase, the room and how long it has waited":
        "the test expects the page within two seconds, and this browser may take longer to start",
    },
  },
};
