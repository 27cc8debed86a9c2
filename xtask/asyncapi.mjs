// Validates an AsyncAPI document with the parser of the AsyncAPI initiative: asyncapi.mjs NODE_FOLDER DOCUMENT.
import { readFile } from "node:fs/promises";
import { createRequire } from "node:module";
import path from "node:path";

const [folder, file] = process.argv.slice(2);
const require = createRequire(path.join(path.resolve(folder), "package.json"));
const { Parser } = require("@asyncapi/parser");

const { document, diagnostics } = await new Parser().parse(await readFile(file, "utf8"));
const SEVERITIES = ["error", "warning", "information", "hint"];
const errors = diagnostics.filter(({ severity }) => severity === 0);
for (const { severity, path: place, message } of errors) {
  console.error(`${file}: ${SEVERITIES[severity]} at ${place.join(".")}: ${message}`);
}
if (errors.length > 0 || document === undefined) {
  console.error(`${file} is not a valid AsyncAPI document: ${errors.length} errors; mend the renderer in crates/catalog`);
  process.exit(1);
}
console.log(`${file}: AsyncAPI ${document.version()}, ${document.operations().all().length} operations, valid`);
