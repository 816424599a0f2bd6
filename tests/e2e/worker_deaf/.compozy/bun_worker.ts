// SPDX-License-Identifier: Apache-2.0
// A worker that never reads its request.
setInterval(() => {}, 1000);
