// A digit of 8×8 as a small canvas: ink on paper in every theme, since swapping the two is one of the domains.

import { make } from "./dom.js";

const SIDE = 8;

/** The picture of 64 bytes, 255 is ink; `told` is what it says to those who do not see it. */
export function picture(bytes, told) {
  const canvas = make("canvas", { width: SIDE, height: SIDE, class: "digit", ...(told ? { role: "img", "aria-label": told } : { "aria-hidden": "true" }) });
  const context = canvas.getContext("2d");
  const pixels = context.createImageData(SIDE, SIDE);
  bytes.forEach((ink, i) => pixels.data.set([255 - ink, 255 - ink, 255 - ink, 255], 4 * i));
  context.putImageData(pixels, 0, 0);
  return canvas;
}
