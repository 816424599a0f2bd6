-- SPDX-License-Identifier: Apache-2.0
-- For wrk: executions that end at once.
wrk.method = "POST"
wrk.body = "{}"
wrk.headers["Content-Type"] = "application/json"
