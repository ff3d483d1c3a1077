// Draws a QR code that the daemon has computed.

const SVG = "http://www.w3.org/2000/svg";

/**
 * @param {string[]} rows Each module is a character; `#` is dark. The quiet zone is included.
 * @param {string} label What the code leads to, for screen readers.
 * @returns {SVGElement}
 */
export function drawQr(rows, label) {
  const runs = rows.map((row, y) => {
    const found = [];
    for (let x = 0; x < row.length; x += 1) {
      const from = x;
      while (row[x] === "#") {
        x += 1;
      }
      if (x > from) {
        found.push(`M${from} ${y}h${x - from}v1h${from - x}z`);
      }
    }
    return found.join("");
  });
  const svg = document.createElementNS(SVG, "svg");
  svg.setAttribute("viewBox", `0 0 ${rows[0].length} ${rows.length}`);
  svg.setAttribute("shape-rendering", "crispEdges");
  svg.setAttribute("role", "img");
  svg.setAttribute("aria-label", label);
  // Dark on white in every theme: many phones read no inverted code.
  const ground = document.createElementNS(SVG, "path");
  ground.setAttribute("fill", "#fff");
  ground.setAttribute("d", `M0 0h${rows[0].length}v${rows.length}H0z`);
  const path = document.createElementNS(SVG, "path");
  path.setAttribute("fill", "#000");
  path.setAttribute("d", runs.join(""));
  svg.append(ground, path);
  return svg;
}
