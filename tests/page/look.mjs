// Looks at pages of `bundle list --format html` in a headless Chromium: look.mjs BROWSER PAGES REPORT [PICTURES]
//
// PAGES holds the pages. Each is opened wide and narrow, in light and in dark, closed and with everything open: axe-core
// finds nothing, nothing is asked of any network, no error is said, nothing runs that came with the images, nothing is
// wider than the screen; finding and copying work, and without scripts it can be read all the same; and it prints. What was
// found goes to REPORT. With PICTURES, small pictures of the page `slip` are written there.

import { createRequire } from "node:module";
import fs from "node:fs";
import path from "node:path";
import { pathToFileURL } from "node:url";

const [browserPath, pages, report, pictures] = process.argv.slice(2);
const require = createRequire(path.join(process.cwd(), "package.json"));
const { chromium } = require("playwright-core");
const axe = fs.readFileSync(require.resolve("axe-core/axe.min.js"), "utf8");

const wide = { width: 1280, height: 900 };
const narrow = { width: 360, height: 740 };
const found = [];
let looked = 0;
const check = (is, what) => {
  looked += 1;
  if (!is) { found.push(what); }
};

const browser = await chromium.launch({
  executablePath: browserPath,
  args: ["--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run", "--disable-background-networking",
    "--disable-component-update", "--disable-sync"],
});

// A page in a window of its own, with everything that it asks for written down.
const opened = async (name, options, use) => {
  const context = await browser.newContext(options);
  const page = await context.newPage();
  const url = pathToFileURL(path.join(pages, `${name}.html`)).href;
  const asked = [];
  page.on("request", (request) => { if (request.url() !== url) { asked.push(request.url()); } });
  page.on("console", (message) => { if (message.type() === "error") { found.push(`${name}: ${message.text()}`); } });
  page.on("pageerror", (error) => found.push(`${name}: ${error}`));
  page.on("dialog", (dialog) => { found.push(`${name}: a dialog: ${dialog.message()}`); dialog.dismiss(); });
  await page.goto(url);
  await use(page);
  check(asked.length === 0, `${name} asks for ${asked}`);
  await context.close();
};

// axe is put in by the protocol of the debugger, past the policy of the page, which stays as it is for the page.
const audit = async (page, label) => {
  await page.evaluate(axe);
  const { violations, passes } = await page.evaluate(() => axe.run(document, { resultTypes: ["violations"] }));
  check(passes.length > 10, `${label}: axe looked at next to nothing`);
  check(violations.length === 0, `${label}: ${violations.map((one) => `${one.id}: ${one.nodes[0].html}`).join("; ")}`);
};

const names = fs.readdirSync(pages).filter((name) => name.endsWith(".html")).map((name) => name.slice(0, -5)).sort();
check(names.length > 3, `only ${names} to look at`);
for (const name of names) {
  for (const colorScheme of ["light", "dark"]) {
    for (const viewport of [wide, narrow]) {
      // The pages have the same parts: two are looked at in all four ways, the others in two, that of three hundred in one.
      if (!["slip", "hostile"].includes(name) && (colorScheme === "dark") !== (viewport === narrow)) { continue; }
      if (name === "many" && colorScheme === "dark") { continue; }
      const label = `${name}, ${colorScheme}, ${viewport.width}`;
      await opened(name, { colorScheme, viewport }, async (page) => {
        await audit(page, label);
        if (name !== "many") {
          await page.evaluate(() => document.querySelectorAll("details").forEach((one) => { one.open = true; }));
          await audit(page, `${label}, open`);
        }
        const over = await page.evaluate(() => document.documentElement.scrollWidth - innerWidth);
        check(over <= 0, `${label}: ${over} pixels wider than the screen`);
        const ground = await page.evaluate(() => getComputedStyle(document.body).backgroundColor);
        const [red] = ground.match(/\d+/g).map(Number);
        check(colorScheme === "dark" ? red < 60 : red > 200, `${label}: the ground is ${ground}`);
      });
    }
  }
  await opened(name, { viewport: wide }, async (page) => {
    const pdf = await page.pdf({ format: "A4" });
    check(pdf.length > 10_000 && pdf.subarray(0, 5).toString() === "%PDF-", `${name} does not print`);
  });
}

// Finding, and copying, with the keyboard alone.
await opened("many", { viewport: wide, permissions: ["clipboard-read", "clipboard-write"] }, async (page) => {
  const shown = () => page.locator("article.image:visible").count();
  check(await shown() === 300, "not all images are shown at first");
  await page.getByLabel("Find by name").focus();
  await page.keyboard.type("SERVICE-017");
  check(await shown() === 1, `${await shown()} images are service-017`);
  check(await page.locator("output").textContent() === "1 of 300 images", "the number found is not said");
  await page.keyboard.press("Tab");
  await page.keyboard.press("Enter");
  await page.getByRole("status").filter({ hasText: "Copied" }).waitFor();
  const digest = await page.locator("article.image:visible .digest code").textContent();
  check(await page.evaluate(() => navigator.clipboard.readText()) === digest, "another text was copied than the digest");
});

// Without scripts everything is there but the field, which would do nothing.
await opened("slip", { viewport: narrow, javaScriptEnabled: false }, async (page) => {
  check(await page.locator("article.image:visible").count() === 5, "images need the script");
  check(await page.locator("input:visible, button:visible").count() === 0, "something is there that does nothing");
  await page.locator("summary").first().click();
  check(await page.locator("details[open] table").first().isVisible(), "details need the script");
});

// What came with the images is text.
await opened("hostile", { viewport: wide }, async (page) => {
  check(await page.title() === "hostile: what is in it", `the title is ${await page.title()}`);
  check(await page.locator("img, iframe, object, link, main script").count() === 0, "markup of a stranger");
  check(await page.locator("[onmouseover], [onerror], [onclick]").count() === 0, "a handler of a stranger");
  check((await page.locator("main").textContent()).includes("<h1>free</h1>"), "a hostile name is not shown");
});

if (pictures) {
  fs.mkdirSync(pictures, { recursive: true });
  const picture = (page, name) => page.screenshot({ path: path.join(pictures, `${name}.png`), fullPage: true });
  await opened("slip", { viewport: wide }, (page) => picture(page, "page-wide"));
  await opened("slip", { viewport: wide, colorScheme: "dark" }, (page) => picture(page, "page-dark"));
  await opened("slip", { viewport: narrow }, async (page) => {
    await page.evaluate(() => { document.querySelectorAll("details")[4].open = true; });
    await picture(page, "page-narrow");
  });
  await opened("slip", { viewport: wide }, async (page) => {
    fs.writeFileSync(path.join(pictures, "page-printed.pdf"), await page.pdf({ format: "A4" }));
  });
}
await browser.close();

fs.writeFileSync(report, found.map((line) => `${line}\n`).join(""));
console.log(`${looked} looks at ${names.length} pages, ${found.length} findings`);
found.forEach((line) => console.log(`  ${line}`));
process.exit(found.length === 0 ? 0 : 1);
