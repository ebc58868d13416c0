// Opens the admin page of a proxy, and looks at what it shows while the proxy is used, drained and ended.
import { execFileSync, spawn } from "node:child_process";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { connect, createServer } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { chromium } from "playwright-core";

const BINARY = process.env.PROXY_BIN;
// Longer than the page takes to ask again.
const REFRESH = 7000;
let passed = 0, failed = 0;

function check(what, isRight, more = "") {
  isRight ? passed++ : failed++;
  if (!isRight) console.log(`FAILED ${what} ${more}`);
}

function freePort() {
  return new Promise((done) => {
    const server = createServer().listen(0, "127.0.0.1", () => {
      const { port } = server.address();
      server.close(() => done(port));
    });
  });
}

async function answers(url) {
  for (let attempt = 0; attempt < 200; attempt++) {
    try {
      return (await fetch(url)).status;
    } catch {
      await sleep(50);
    }
  }
  throw new Error(`${url} does not answer`);
}

function screenshotFile() {
  const at = process.argv.indexOf("--screenshot");
  return at < 0 ? null : process.argv[at + 1];
}

const folder = mkdtempSync(join(tmpdir(), "browser."));
const [api, admin] = [await freePort(), await freePort()];
const file = "config.toml";
writeFileSync(join(folder, file), `
[[listen]]
address = "127.0.0.1:${api}"
speaks = "nova"
[[admin]]
address = "127.0.0.1:${admin}"
serves = ["health", "status", "control"]
[glance]
endpoints = ["http://10.0.0.11:9292", "http://10.0.0.12:9292"]
[nova]
endpoints = ["http://10.0.0.11:18774"]
`);
const proxy = spawn(BINARY, ["serve", "--config", file], { cwd: folder, stdio: "ignore" });
const ctl = (...command) => execFileSync(BINARY, ["ctl", "--config", file, ...command], { cwd: folder });
const browser = await chromium.launch({ executablePath: "/usr/bin/chromium", args: ["--no-sandbox"] });
try {
  const origin = `http://127.0.0.1:${admin}`;
  check("the proxy is ready", (await answers(`${origin}/ready`)) === 200);
  const page = await browser.newPage({ viewport: { width: 1000, height: 1010 } });
  const complaints = [], asked = [];
  page.on("console", (message) => {
    if (["error", "warning"].includes(message.type())) complaints.push(message.text());
  });
  page.on("pageerror", (error) => complaints.push(String(error)));
  page.on("request", (request) => asked.push(new URL(request.url())));
  await page.addInitScript(() => {
    document.addEventListener("securitypolicyviolation", (event) => console.error(`policy: ${event.violatedDirective}`));
  });

  await page.goto(origin);
  const state = page.locator("#state");
  const shows = (locator, text, timeout = REFRESH) =>
    locator.filter({ hasText: text }).first().waitFor({ timeout }).then(() => true, () => false);
  check("it is ready", await shows(state, /^ready$/));
  const accepted = page.locator("#listeners tr:nth-child(2) td:last-child");
  const before = Number(await accepted.textContent());
  const clients = [1, 2, 3].map(() => connect(api, "127.0.0.1"));
  check("figures are live", await shows(accepted, new RegExp(`^${before + 3}$`)), await accepted.textContent());
  check("upstreams are there", await shows(page.locator("#upstreams"), "http://10.0.0.12:9292"));
  check("the file is there", await shows(page.locator("#config"), file));
  if (screenshotFile()) await page.screenshot({ path: screenshotFile() });
  ctl("drain");
  check("draining is told", await shows(state, /^draining$/));
  ctl("undrain");
  check("readiness is told again", await shows(state, /^ready$/));
  check("no complaint", complaints.length === 0, complaints.join("\n"));
  check("it asks here only", asked.length > 4 && asked.every((url) => url.origin === origin), asked.join(" "));

  // A page elsewhere reads nothing and changes nothing.
  const elsewhere = createServer((socket) => socket.end("HTTP/1.0 200 OK\r\nContent-Type: text/html\r\n\r\n<p>elsewhere"));
  await new Promise((done) => elsewhere.listen(0, "127.0.0.2", done));
  const stranger = await browser.newPage();
  await stranger.goto(`http://127.0.0.2:${elsewhere.address().port}/`);
  const read = await stranger.evaluate((url) => fetch(url).then(() => "read", () => "refused"), `${origin}/status`);
  check("another site reads nothing", read === "refused", read);
  await stranger.evaluate((url) => fetch(url, { method: "POST", mode: "no-cors" }), `${origin}/drain`);
  check("another site changes nothing", (await answers(`${origin}/ready`)) === 200);
  elsewhere.close();

  clients.forEach((client) => client.destroy());
  proxy.kill("SIGKILL");
  check("an end is told", await shows(state, "no answer", 2 * REFRESH));
} finally {
  await browser.close();
  proxy.kill("SIGKILL");
  rmSync(folder, { recursive: true });
}
console.log(`${passed} passed, ${failed} failed`);
process.exit(failed || !passed ? 1 : 0);
