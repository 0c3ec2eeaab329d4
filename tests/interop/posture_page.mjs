// Opens a report in Chromium as a reader does, by day, by night, on a small screen and on paper. Arguments: the folder of
// the modules, Chromium, the file, and a folder for the pictures. Prints JSON: what was seen.
import { readFileSync } from 'node:fs';
import { createRequire } from 'node:module';

const [, , modules, program, file, pictures] = process.argv;
const { chromium } = createRequire(`${modules}/`)('playwright-core');
const browser = await chromium.launch({ executablePath: program, args: ['--no-sandbox', '--disable-dev-shm-usage'] });
const seen = { said: [], asked: [], dialogs: 0 };

async function open(width, colorScheme) {
  const page = await browser.newPage({ viewport: { width, height: 1000 }, colorScheme });
  page.on('console', (message) => seen.said.push(message.text()));
  page.on('pageerror', (error) => seen.said.push(error.message));
  page.on('request', (request) => request.url().startsWith('file:') || seen.asked.push(request.url()));
  page.on('dialog', (dialog) => { seen.dialogs += 1; dialog.dismiss(); });
  await page.goto(`file://${file}`);
  return page;
}

const page = await open(1280, 'light');
Object.assign(seen, await page.evaluate(() => ({
  images: document.querySelectorAll('img,iframe,object,embed,link').length,
  scripts: document.scripts.length,
  handlers: [...document.querySelectorAll('*')].filter((one) => [...one.attributes].some((a) => /^on|^style$/i.test(a.name))).length,
  outside: [...document.querySelectorAll('[href],[src]')].filter((one) => !one.getAttribute('href')?.startsWith('#')).length,
  dangling: [...document.querySelectorAll('a[href^="#"]')].map((one) => one.getAttribute('href').slice(1))
    .filter((id) => !document.getElementById(decodeURIComponent(id))),
  twice: [...document.querySelectorAll('[id]')].map((one) => one.id).filter((id, at, all) => all.indexOf(id) !== at),
  controls: document.querySelectorAll('.control').length,
  evidence: document.querySelectorAll('.verdicts a[href*="#e"],.verdicts a[href*="#b-e"]').length,
  unnamed: [...document.querySelectorAll('svg[role=img]')].filter((one) => !one.querySelector('title')?.textContent).length,
  wide: document.documentElement.scrollWidth > innerWidth,
  background: getComputedStyle(document.body).backgroundColor,
})));

// A link into something folded opens it.
await page.evaluate(() => {
  const folded = document.querySelector('details:not([open]) [id]');
  if (folded) location.hash = folded.id;
});
seen.filtered = await page.evaluate(() => {
  const input = document.querySelector('.filter input');
  input.value = 'KEY-02';
  input.dispatchEvent(new Event('input'));
  const shown = [...document.querySelectorAll('.control')].filter((one) => !one.hidden).length;
  input.value = '';
  input.dispatchEvent(new Event('input'));
  return shown;
});
await page.screenshot({ path: `${pictures}/day.png` });
seen.pages = ((await page.pdf({ path: `${pictures}/report.pdf`, format: 'A4' })).toString('latin1').match(/\/Type\s*\/Page\b/g) ?? []).length;
const night = await open(1280, 'dark');
await night.screenshot({ path: `${pictures}/night.png` });
seen.background_at_night = await night.evaluate(() => getComputedStyle(document.body).backgroundColor);
const small = await open(390, 'light');
await small.screenshot({ path: `${pictures}/small.png` });
seen.wide_on_small = await small.evaluate(() => document.documentElement.scrollWidth > innerWidth);
seen.picture = readFileSync(`${pictures}/day.png`).length;
await browser.close();
console.log(JSON.stringify(seen));
