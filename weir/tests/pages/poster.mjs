// Posters, seen and scanned: what a browser makes of the SVG, and what a reader of codes that knows
// nothing of ours finds in pictures of it: small and large, blurred and compressed, turned, seen
// from aside, washed out, torn. Every picture is of the sheet as a browser shows it.

import assert from 'node:assert/strict';
import { scanRGBABuffer } from '@undecaf/zbar-wasm';
import { PNG } from 'pngjs';

/** A4, in mm. */
const SHEET = { width: 210, height: 297 };
const QUIET_MODULES = 4;
/** Sides of a code in pixels: from across a hall to a hand's breadth. */
const SIDES = [100, 150, 220, 400, 1_000];
/** What happens to posters and to pictures of them, as CSS of the picture. */
const HARDSHIPS = {
  turned: 'transform: rotate(7deg)',
  'upside down': 'transform: rotate(187deg)',
  'from aside': 'transform: perspective(900px) rotateY(30deg)',
  'from below': 'transform: perspective(900px) rotateX(-25deg)',
  'out of focus': 'filter: blur(1.6px)',
  'washed out': 'filter: grayscale(1) contrast(0.35) brightness(1.3)',
  'in the dark': 'filter: brightness(0.35)',
};

/**
 * Checks a campaign's posters, in both languages and for each channel and none. `page` is one of
 * Playwright's that is no phone, `base` the origin voters see, `campaign` an object with `id` and
 * `channels`. Answers how many pictures were read.
 */
export async function posters(page, base, { id, channels = [] }) {
  const [channel = null, ...others] = channels;
  await shown(page, posterUrl(base, id, channel, 'en'));
  await printed(page);
  const svg = await shown(page, posterUrl(base, id, channel, 'zh'));
  await printed(page);
  let read = await scanned(page, svg, target(base, id, channel));
  // The others differ by their codes only.
  for (const other of channel === null ? [] : [null, ...others]) {
    const svg = await shown(page, posterUrl(base, id, other, 'zh'));
    await picture(page, svg, 220);
    await reads(await page.screenshot(), target(base, id, other), `${other}`);
    read += 1;
  }
  return read;
}

const target = (base, id, channel) =>
  `${base}/campaigns/${id}${channel === null ? '' : `?c=${channel}`}`;

const posterUrl = (base, id, channel, lang) =>
  `${base}/campaigns/${id}/poster.svg?lang=${lang}${channel === null ? '' : `&channel=${channel}`}`;

/** Opens a poster and checks what the browser made of it; answers its text and the code's place. */
async function shown(page, url) {
  const response = await page.goto(url);
  assert.equal(response.status(), 200, url);
  assert.match(response.headers()['content-type'], /^image\/svg\+xml/);
  const text = (await response.body()).toString('utf8');
  const sheet = await page.evaluate(() => {
    const root = document.documentElement;
    const mm = root.getBoundingClientRect().width / 210;
    const box = (node) => {
      const { left, top, right, bottom } = node.getBoundingClientRect();
      return [left / mm, top / mm, right / mm, bottom / mm];
    };
    const code = document.querySelector('#code');
    const texts = [...document.querySelectorAll('text')];
    return {
      code: box(code),
      modules: code.getBBox().width,
      texts: texts.map((text) => [text.textContent, [...text.children].map(box)]),
      weight: getComputedStyle(document.querySelector('.title')).fontWeight,
      name: document.querySelector('title').textContent,
      description: document.querySelector('desc').textContent,
    };
  });
  // The style has passed the policy.
  assert.equal(sheet.weight, '700', 'the style of the poster does not apply');
  assert.ok(sheet.name.length > 0 && sheet.description.length > 20);
  const [left, top, right, bottom] = sheet.code;
  assert.ok(right - left >= 90 && bottom - top >= 90, `the code is ${right - left} mm wide`);
  const quiet = (QUIET_MODULES * (right - left)) / sheet.modules - 0.1;
  assert.ok(left >= quiet, 'the quiet zone leaves the sheet');
  const zone = [left - quiet, top - quiet, right + quiet, bottom + quiet];
  for (const [index, [words, lines]] of sheet.texts.entries()) {
    for (const line of lines) {
      const isOn = line[0] > 5 && line[2] < SHEET.width - 5 && line[3] < SHEET.height - 5;
      assert.ok(isOn, `${words} leaves the sheet: ${line}`);
      assert.ok(!meet(inked(line), zone), `${words} is in the quiet zone: ${line}`);
      for (const [others, otherLines] of sheet.texts.slice(index + 1)) {
        const apart = !otherLines.some((other) => meet(inked(line), inked(other)));
        assert.ok(apart, `${words} overlaps ${others}`);
      }
    }
  }
  return { text, code: sheet.code };
}

/** A line's box has room above and below its characters, in some fonts more than a line's. */
function inked([left, top, right, bottom]) {
  const spare = (bottom - top) * 0.15;
  return [left, top + spare, right, bottom - spare];
}

const meet = (a, b) => a[0] < b[2] && b[0] < a[2] && a[1] < b[3] && b[1] < a[3];

/** The poster that is open is one page of A4 as a PDF. */
async function printed(page) {
  const pdf = (await page.pdf({ preferCSSPageSize: true, printBackground: false })).toString('latin1');
  assert.equal(pdf.match(/\/Type\s*\/Page\b(?!s)/g).length, 1, 'it prints on one page');
  const [, width, height] = /\/MediaBox\s*\[0 0 ([\d.]+) ([\d.]+)\]/.exec(pdf);
  assert.ok(Math.abs(width - 595.3) < 1.5 && Math.abs(height - 841.9) < 1.5, `${width} × ${height}`);
}

/** Reads the code in pictures of all kinds. */
async function scanned(page, svg, expected) {
  let read = 0;
  const reading = async (picture, what) => {
    await reads(picture, expected, what);
    read += 1;
  };
  for (const side of SIDES) {
    await picture(page, svg, side);
    await reading(await page.screenshot(), `a code of ${side} pixels`);
  }
  for (const [what, style] of Object.entries(HARDSHIPS)) {
    await picture(page, svg, 300, style);
    await reading(await page.screenshot(), what);
  }
  // As it comes through a chat: small, blurred, compressed, and looked at as a picture.
  await picture(page, svg, 250, HARDSHIPS['out of focus']);
  const jpeg = await page.screenshot({ type: 'jpeg', quality: 12 });
  await page.setContent(`<img src="data:image/jpeg;base64,${jpeg.toString('base64')}">`);
  await page.locator('img').evaluate((image) => image.decode());
  await reading(await page.screenshot(), 'compressed');
  // A corner of 8 percent is gone: where a quarter may be lost, a scratch costs nothing.
  await picture(page, svg, 300);
  await torn(page, svg.code);
  await reading(await page.screenshot(), 'torn');
  return read;
}

/** Shows a poster so that its code has `side` pixels. */
async function picture(page, { text, code }, side, style = '') {
  const scale = side / (code[2] - code[0]);
  const [width, height] = [SHEET.width, SHEET.height].map((mm) => Math.round(mm * scale));
  await page.setViewportSize({ width: width + 40, height: height + 40 });
  // An SVG document cannot be written over.
  await page.goto('about:blank');
  const source = `data:image/svg+xml;base64,${Buffer.from(text).toString('base64')}`;
  await page.setContent(
    `<body style="margin:20px;background:#777"><img src="${source}" alt="" ` +
      `style="display:block;width:${width}px;height:${height}px;${style}">`,
  );
  await page.locator('img').evaluate((image) => image.decode());
}

/** Covers the code's lower right corner, which holds no finder, in the picture that is shown. */
function torn(page, [left, top, right, bottom]) {
  return page.locator('img').evaluate((image, [x, y, width, height]) => {
    const scratch = document.createElement('div');
    const mm = image.getBoundingClientRect().width / 210;
    scratch.style.cssText =
      `position:absolute;background:#999;left:${20 + x * mm}px;top:${20 + y * mm}px;` +
      `width:${width * mm}px;height:${height * mm}px`;
    document.body.append(scratch);
  }, [right - (right - left) * 0.2, bottom - (bottom - top) * 0.2,
    (right - left) * 0.2, (bottom - top) * 0.2]);
}

/** A picture has exactly one code, and it says what it should. */
async function reads(picture, expected, what) {
  const { data, width, height } = PNG.sync.read(picture);
  const pixels = data.buffer.slice(data.byteOffset, data.byteOffset + data.byteLength);
  const found = (await scanRGBABuffer(pixels, width, height)).map((symbol) => symbol.decode());
  assert.deepEqual(found, [expected], `${what}: ${width} × ${height}`);
}
