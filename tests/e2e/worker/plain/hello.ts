// SPDX-License-Identifier: Apache-2.0
// A script that is nobody's worker: it reads its stdin, says how much that was, and ends as its argument says.
const text = await Bun.stdin.text();
console.log(`read ${text.length}`);
process.exit(Number(process.argv[2] ?? 0));
