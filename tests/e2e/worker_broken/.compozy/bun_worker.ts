// SPDX-License-Identifier: Apache-2.0
// A worker whose import fails: Bun ends before anybody reads the request.
import tools from "../no_such_entrypoint.ts";

console.log(tools);
