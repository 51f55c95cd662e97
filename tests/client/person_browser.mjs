// SPDX-License-Identifier: Apache-2.0
// person.py's twin in a real browser: npm's playwright-core drives Debian's chromium, without a
// window. The same arguments, the same JSON; status 77 and the reason where one of both is absent.
//
//   node person_browser.mjs [--deny] [--login NAME] [--password-file FILE] [--code CODE]
//     [--insecure-tls] URL
import { accessSync, constants, readFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { delimiter, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';

const PAGES = 30;
const PATIENCE_MS = 120_000;
const NO = ['abort', 'deny', 'cancel', 'reject'];

function skip(reason) {
  process.stdout.write(`${reason}\n`);
  process.exit(77);
}

function findBrowser() {
  for (const folder of (process.env.PATH || '').split(delimiter)) {
    const path = join(folder, 'chromium');
    try {
      accessSync(path, constants.X_OK);
      return path;
    } catch { /* the next folder */ }
  }
  return skip('there is no chromium (apt-get install chromium)');
}

function findPlaywright() {
  const from = fileURLToPath(new URL('../clients/package.json', import.meta.url));
  try {
    return createRequire(from)('playwright-core');
  } catch {
    return skip('no tests/clients/node_modules; ./check installs them, or `npm ci` there');
  }
}

const { values: given, positionals: [url] } = parseArgs({
  allowPositionals: true,
  options: {
    deny: { type: 'boolean', default: false },
    login: { type: 'string', default: 'anna' },
    'password-file': { type: 'string' },
    code: { type: 'string' },
    'insecure-tls': { type: 'boolean', default: false },
  },
});
const password = given['password-file']
  ? readFileSync(given['password-file'], 'utf8').replace(/\n$/, '') : 'any';
const { chromium } = findPlaywright();
const browser = await chromium.launch({
  executablePath: findBrowser(),
  headless: true,
  chromiumSandbox: process.getuid() !== 0,
  // Nothing but loopback is there, and no proxy of the machine's is between.
  args: ['--no-proxy-server', '--disable-dev-shm-usage', '--host-resolver-rules=MAP * ~NOTFOUND,'
    + ' EXCLUDE 127.0.0.1, EXCLUDE localhost, EXCLUDE ::1'],
});
const context = await browser.newContext({ ignoreHTTPSErrors: given['insecure-tls'] });
const page = await context.newPage();
page.setDefaultTimeout(PATIENCE_MS);
let last;
page.on('response', (response) => {
  if (response.request().isNavigationRequest() && response.status() < 300) {
    last = response;
  }
});

async function denies() {
  const ways = NO.flatMap((word) => [`a[href$="/${word}"]`, `button[name="${word}"]`]).join(', ');
  const way = page.locator(ways).first();
  if (!await way.count()) {
    return false;
  }
  await Promise.all([page.waitForEvent('load'), way.click()]);
  return true;
}

async function fill() {
  for (const field of await page.locator('form input:not([type=hidden])').all()) {
    const kind = (await field.getAttribute('type') || 'text').toLowerCase();
    const name = (await field.getAttribute('name') || '').toLowerCase();
    if (kind === 'password') {
      await field.fill(password);
    } else if (kind === 'text' || kind === 'email') {
      await field.fill(name.includes('code') && given.code ? given.code : given.login);
    }
  }
}

async function submit() {
  const buttons = page.locator(`button[type=submit]${NO.map((no) => `:not([name="${no}"])`)
    .join('')}, input[type=submit]`);
  const send = await buttons.count() ? () => buttons.first().click()
    : () => page.locator('form').first().evaluate((form) => form.submit());
  await Promise.all([page.waitForEvent('load'), send()]);
}

try {
  await page.goto(url, { waitUntil: 'load', timeout: PATIENCE_MS });
  let pages = 0;
  // A form that a script sends is gone by then.
  for (await page.waitForLoadState('networkidle'); await page.locator('form').count();
    await page.waitForLoadState('networkidle')) {
    pages += 1;
    if (pages > PAGES) {
      throw new Error(`${PAGES} pages, and no end: ${page.url()}`);
    }
    if (given.deny && await denies()) {
      break;
    }
    await fill();
    await submit();
  }
  process.stdout.write(`${JSON.stringify({ url: page.url(), status: last?.status() ?? 0,
    type: last?.headers()['content-type'] ?? '', fields: last?.headers() ?? {},
    text: await page.content(), shown: await page.locator('body').innerText() })}\n`);
} finally {
  await browser.close();
}
