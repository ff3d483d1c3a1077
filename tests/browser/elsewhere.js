// What each browser leaves out of the tests of the pages, and why.

const NO_REQUESTS = "its WebDriver does not tell the requests of a page";
const NO_SCRIPTS = "its WebDriver can neither run a script before those of a page nor answer for the server";

/** @type {Record<string, {files: Record<string, string>, tests: Record<string, string>}>} */
export const ELSEWHERE = {
  chromium: { files: {}, tests: {} },
  firefox: {
    files: {
      pictures: "the pictures of the documentation are Chromium's",
      proxy: "the names of the proxies are mapped by an option of Chromium",
      sound: "it plays nothing without a sound device",
    },
    tests: {
      "the pages work without each feature that some browsers lack": "among others it tests sound, which needs a sound device",
      "after a lost reply the same request is sent again and carried out once": "it does not tell the bodies of requests",
    },
  },
  webkit: {
    files: {
      pictures: "the pictures of the documentation are Chromium's",
      plain: "it cannot map a name to an address",
      proxy: "it cannot map a name to an address",
      sound: NO_SCRIPTS,
    },
    tests: {
      "the pages work without each feature that some browsers lack": NO_SCRIPTS,
      "a browser that cannot run the scripts shows a sentence": NO_SCRIPTS,
      "a code pairs; a wrong one is refused, and the tenth says how long to wait": NO_REQUESTS,
      "a stop needs a hold, and can be undone for ten seconds": NO_REQUESTS,
      "after a lost reply the same request is sent again and carried out once": NO_REQUESTS,
      "after a sleep or a clock change the page measures again before it shows a colour": NO_REQUESTS,
    },
  },
};
