// The page of examples/spring-mvc, whose URL is the first argument, in the browser that the second one names.
import puppeteer from 'puppeteer-core';

const [url, executablePath] = process.argv.slice(2);
const report = user => Array.from({ length: 5 }, (_, i) => `page ${i + 1} about rain for ${user}`);
let checks = 0;

function check(what, holds) {
  if (!holds) {
    console.error(`FAILED (spring): ${what}`);
    process.exit(1);
  }
  checks++;
}

function same(one, other) {
  return JSON.stringify(one) === JSON.stringify(other);
}

const browser = await puppeteer.launch({
  executablePath,
  args: [
    '--no-sandbox',
    '--disable-gpu',
    '--disable-background-networking',
    '--disable-component-update',
    '--disable-sync',
    '--no-first-run',
  ],
});

// Each user has the cookies of a browser of their own.
async function login(user, password) {
  const page = await (await browser.createBrowserContext()).newPage();
  page.setDefaultTimeout(30000);
  page.on('pageerror', e => check(`no error in the page: ${e.message}`, false));
  await page.goto(url);
  check(`${user} is asked to log in`, new URL(page.url()).pathname === '/login');
  await page.type('#username', user);
  await page.type('#password', password);
  await Promise.all([page.waitForNavigation(), page.click('[type=submit]')]);
  check(`${user} has logged in`, (await page.title()) === 'Reports');
  return page;
}

function pages(page) {
  return page.$$eval('#pages li', items => items.map(item => item.textContent));
}

function shows(page, count) {
  return page.waitForFunction(n => document.querySelectorAll('#pages li').length >= n, {}, count);
}

function ends(page, state) {
  return page.waitForFunction(s => document.getElementById('state').textContent === s, {}, state);
}

const alice = await login('alice', 'wonderland');
await alice.click('#form button');
await ends(alice, 'completed');
check('a report is shown', same(await pages(alice), report('alice')));

await alice.click('#form button');
await ends(alice, 'running');
await shows(alice, 2);
check('the answer is not complete yet', (await pages(alice)).length < 5);
await alice.reload();
await ends(alice, 'completed');
check('a reload in mid-answer loses nothing', same(await pages(alice), report('alice')));

const bob = await login('bob', 'builder');
check('another user sees no report', (await pages(bob)).length === 0);
await bob.click('#form button');
await shows(bob, 1);
await bob.click('#stop');
await ends(bob, 'cancelled');
check('a report can be stopped', (await pages(bob)).length < 5);
check('which is of the own user', (await pages(bob))[0] === report('bob')[0]);

console.log(`spring: ${checks} checks of the page passed`);
await browser.close();
