// The colours of the strip on a page.

const DARK = "#0d0e11";
/** The contrast of text in a phase's colour. WCAG asks for 4.5. */
const CONTRAST = 5;

/**
 * Sets the colours of the strip, for each a readable text colour on it (`--on-…`), and the colour as text on the dark page
 * (`--ink-…`).
 * @param {{green: string, yellow: string, red: string}} look
 */
export function applyLook(look) {
  const { style } = document.documentElement;
  for (const name of /** @type {const} */ (["green", "yellow", "red"])) {
    const light = lightness(parts(look[name]));
    style.setProperty(`--${name}`, look[name]);
    style.setProperty(`--on-${name}`, contrast(light, 0) >= contrast(1, light) ? "#000" : "#fff");
    style.setProperty(`--ink-${name}`, ink(parts(look[name])));
  }
  // White is also readable on the dark half. WCAG asks for a contrast of 3 for large text.
  style.setProperty("--on-flash", contrast(1, lightness(parts(look.red))) >= 3 ? "#fff" : "#000");
}

/** The colour, lightened until it can be read on the dark page. @param {number[]} colour */
function ink(colour) {
  const dark = lightness(parts(DARK));
  for (let white = 0; white < 1; white += 0.05) {
    const mixed = colour.map((part) => part + (255 - part) * white);
    if (contrast(lightness(mixed), dark) >= CONTRAST) {
      return `rgb(${mixed.map(Math.round).join(", ")})`;
    }
  }
  return "#fff";
}

/** @param {string} colour Such as #00ff99. */
function parts(colour) {
  return [1, 3, 5].map((at) => parseInt(colour.slice(at, at + 2), 16));
}

/** The relative luminance (WCAG 2.1). @param {number[]} colour */
function lightness(colour) {
  const [r, g, b] = colour.map((part) => {
    const share = part / 255;
    return share <= 0.04045 ? share / 12.92 : ((share + 0.055) / 1.055) ** 2.4;
  });
  return 0.2126 * r + 0.7152 * g + 0.0722 * b;
}

/** The contrast (WCAG 2.1, 1.4.3) of a lighter and a darker luminance. */
function contrast(lighter, darker) {
  return (lighter + 0.05) / (darker + 0.05);
}
